"""A person's wish for newer figures: who is asked for it, how soon again, and who never is."""

from __future__ import annotations

import asyncio

import pytest

from feeds.fed.feed import EVERY_S as FED_EVERY_S
from feeds.macro.feed import MacroFeed
from feeds.macro.sources import SOONEST_S
from feeds.refresh import EVERY_S, Alarm, Refresh
from feeds.streaming.backfill import HASTE_S
from tests.feeds.fed.test_feed import LOOPS, Clock, feed, news_until, whole, world
from tests.feeds.macro.test_sources import World
from tests.feeds.streaming.test_feed import ticking
from tests.support.fake_time import FakeTime, settle
from tests.support.fault_table import FIRST, prints, running
from tests.support.servers.ws import ABORT, READY, STAY, Refuse
from tests.support.subjects import ALPACA, SYMBOLS, YAHOO

SECOND = 10**9


async def until(holds) -> None:
    while not holds():  # noqa: ASYNC110 - what is waited for tells nobody
        await asyncio.sleep(0.001)


class Asked:
    """A feed that can be asked, or has been a moment ago."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.times = 0

    def ask_now(self) -> tuple[str, ...]:
        self.times += 1
        return self.names


def test_a_wish_is_heard_again_only_after_a_while():
    now_s = 100.0
    refresh, markets, other = Refresh(lambda: now_s), Asked("Kalshi", "yields"), Asked("Kalshi")
    assert refresh.ask([markets, other, object()]) == (("Kalshi", "yields"), 0.0)
    now_s += EVERY_S - 1
    for _ in range(100):
        assert refresh.ask([markets, other]) == ((), 1.0)
    assert markets.times == other.times == 1, "a key held down asks nobody"
    now_s += 1
    assert refresh.ask([markets, other])[0]
    assert refresh.ask([]) == ((), EVERY_S)


def test_where_nobody_is_asked_the_next_wish_need_not_wait():
    refresh = Refresh(lambda: 0.0)
    assert refresh.ask([Asked(), object()]) == ((), 0.0)
    assert refresh.ask([Asked("futures")]) == (("futures",), 0.0)


async def test_a_wait_ends_with_its_time_or_when_it_rings():
    time = FakeTime()
    alarm = Alarm(time.sleep)
    alarm.ring()  # while nobody waits it is no ring for later
    waiting = asyncio.create_task(alarm.wait(60.0))
    await time.passing(59)
    assert alarm.is_waiting
    await time.passing(1)
    assert await waiting is False
    assert not alarm.is_waiting
    waiting = asyncio.create_task(alarm.wait(60.0))
    await settle()
    alarm.ring()
    assert await waiting is True


async def test_a_wait_that_is_cancelled_or_fails_is_over():
    async def broken(_seconds):
        raise TimeoutError("a bug of the sleep's own")

    alarm = Alarm(broken)
    with pytest.raises(TimeoutError, match="a bug"):
        await alarm.wait(1.0)
    assert not alarm.is_waiting
    alarm = Alarm(FakeTime().sleep)
    waiting = asyncio.create_task(alarm.wait(60.0))
    await settle()
    waiting.cancel()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    assert not alarm.is_waiting
    alarm.ring()


async def test_a_ring_more_is_none_and_the_sleep_begins_at_once():
    """A clock that is moved before anybody else has run would never wake who has not begun to sleep."""
    time = FakeTime()
    alarm = Alarm(time.sleep)

    async def wait() -> bool:
        return await alarm.wait(60.0)

    step = wait()
    step.send(None)
    assert time.slept == [60.0]
    step.close()
    waiting = asyncio.create_task(wait())
    await settle()
    alarm.ring()
    alarm.ring()
    assert not alarm.is_waiting
    assert await waiting


async def test_the_fed_s_sources_are_asked_before_their_time_and_none_too_soon(monkeypatch, tmp_path):
    """Nineteen charts of futures not twice in a minute, and the calendar's page only in its own time."""
    clock = Clock()
    async with world(monkeypatch):
        made = feed(tmp_path, clock)
        asked: list[str] = []
        ask = made._sources.ask

        async def noted(name: str) -> bool:
            asked.append(name)
            return await ask(name)

        monkeypatch.setattr(made._sources, "ask", noted)
        events = made.events()
        await news_until(events, whole)

        async def rest() -> None:
            await until(lambda: clock.sleeping >= LOOPS)
            asked.clear()

        async def wish(after_s: float) -> tuple[str, ...]:
            clock.now_ns += round(after_s * SECOND)  # nobody's own time has come
            return made.ask_now()

        await rest()
        assert await wish(14) == ()
        assert await wish(1) == ("Kalshi", "Polymarket")
        await until(lambda: len(asked) >= 2)
        assert set(asked) == {"Kalshi", "Polymarket"}
        await rest()
        assert await wish(14) == ()
        assert await wish(31) == ("futures", "policy rate", "Kalshi", "Polymarket")
        await until(lambda: len(asked) >= 4)
        assert set(asked) == set(FED_EVERY_S) - {"FOMC calendar"}
        await events.aclose()


async def test_a_stream_is_compared_with_a_snapshot_at_a_wish_and_not_twice_in_a_minute(monkeypatch):
    async with running(monkeypatch, YAHOO, (READY, *prints(YAHOO, FIRST), STAY)) as run:
        await run.time.passing(3)
        run.vendor.compared.clear()
        assert run.feed.ask_now() == (), "it was seeded a moment ago"
        await ticking(run, int(HASTE_S))
        run.vendor.compared.clear()
        assert run.feed.ask_now() == ("Yahoo",)
        await ticking(run, 3)
        assert run.vendor.compared == [frozenset(SYMBOLS)]
        assert run.feed.ask_now() == ()
        await ticking(run, 3)
        assert len(run.vendor.compared) == 1


async def test_a_wish_ends_a_back_off_but_never_a_wait_that_the_vendor_asked_for(monkeypatch):
    good = (READY, *prints(ALPACA, FIRST), STAY)
    async with running(monkeypatch, ALPACA, (READY, ABORT), Refuse(429, "150"), good) as run:
        while run.server.upgrades < 1 or not run.feed._retry.is_waiting:
            await run.time.passing(0.01, step=0.01)
        assert run.feed.ask_now() == ("Alpaca",)
        await settle()
        assert run.server.upgrades == 2, "at once"
        assert run.feed._retry.is_waiting
        assert run.feed.ask_now() == ()
        await run.time.passing(100)
        assert run.feed.ask_now() == ()
        assert run.server.upgrades == 2
        await run.time.passing(51)
        assert run.server.upgrades == 3


async def test_published_figures_are_asked_for_again_after_a_quarter_of_an_hour_and_some_never(
    tmp_path, monkeypatch
):
    """The Treasury and FRED publish once a day; the SEC and the BLS are asked in their own time alone."""
    made = World(tmp_path)
    async with made.server:
        sources = made.sources(monkeypatch)
        assert sources.hasten() == (), "nobody has been asked yet"
        async with made.http:
            assert await sources.ask_due()
        made.now_ns += round(SOONEST_S["FRED"] * SECOND) - 1
        assert (sources.hasten(), sources.due()) == ((), [])
        made.now_ns += 1
        assert sources.hasten() == ("Treasury", "FRED")
        assert sources.due() == ["Treasury", "FRED"]


async def test_the_macro_feed_s_wait_ends_at_a_wish(tmp_path, monkeypatch):
    made, time = World(tmp_path), FakeTime()
    async with made.server:
        sources = made.sources(monkeypatch)
        feed_of_macro = MacroFeed(made.http, sources, sleep=time.sleep)
        assert feed_of_macro.ask_now() == (), "it is not running"
        news: list[object] = []

        async def follow() -> None:
            async for event in feed_of_macro.events():
                news[len(news) :] = (event,)

        following = asyncio.create_task(follow())
        await until(lambda: feed_of_macro._look.is_waiting)
        assert feed_of_macro.ask_now() == ()
        before, made.now_ns = len(news), made.now_ns + round(SOONEST_S["FRED"] * SECOND)
        assert feed_of_macro.ask_now() == ("Treasury", "FRED")
        await until(lambda: len(news) >= before + 4)
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
