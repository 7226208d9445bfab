"""The Fed's loop against local servers: what is gathered, told and kept, and what a failing source does."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import asynccontextmanager
from datetime import date, datetime
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from feeds.events import FedNews, Status
from feeds.fed import feed as fed_feed
from feeds.fed.feed import FedFeed
from feeds.fed.sources import FedSources
from feeds.fed.store import FedStore
from feeds.http.cached import CachedClient
from rotation.fed.inputs import StripQuote
from rotation.fed.prices import settled_ns
from rotation.sessions import NEW_YORK, to_ns
from tests.support.paths import ROOT
from tests.support.servers.fed_world import FEEDS, FedWorld, environment
from tests.support.servers.polymarket import PolymarketServer, best_bid_ask, book
from tests.support.servers.rest import FAULTS, Reply, RestServer
from tests.support.servers.ws import STAY

if TYPE_CHECKING:
    from pathlib import Path

NOW = to_ns(datetime(2026, 11, 18, 10, 31, tzinfo=NEW_YORK))
MEETING = date(2026, 12, 9)
MINUTE = 60 * 10**9
LIMIT_S = 500
LOOPS = len(fed_feed.EVERY_S) + 1
"""Sleepers while nothing is being asked: a loop a source, and the one that watches Polymarket's list."""


class Clock:
    """Wall time that moves only when told; who sleeps wakes when his time has come. News are not paced."""

    def __init__(self, now_ns: int = NOW) -> None:
        self.now_ns = now_ns
        self._moved = asyncio.Event()
        self.sleeping = 0

    def __call__(self) -> int:
        return self.now_ns

    async def sleep(self, seconds: float) -> None:
        until_ns = self.now_ns + int(seconds * 1e9)
        self.sleeping += seconds > fed_feed.PACE_S
        try:
            await self._until(seconds, until_ns)
        finally:
            self.sleeping -= seconds > fed_feed.PACE_S

    async def _until(self, seconds: float, until_ns: int) -> None:
        while seconds > fed_feed.PACE_S and self.now_ns < until_ns:
            await self._moved.wait()
        await asyncio.sleep(0)

    def pass_ns(self, ns: int) -> None:
        self.now_ns += ns
        self._moved.set()
        self._moved = asyncio.Event()


@asynccontextmanager
async def world(monkeypatch, *script: Reply, now_ns: int = NOW):
    made = FedWorld(now_ns)
    async with RestServer(*script, answer=made.answer) as server:
        for name, value in environment(server.url).items():
            monkeypatch.setenv(name, value)
        made.server = server
        yield made


def feed(folder: Path, clock: Clock, stream=None) -> FedFeed:
    async def at_once(_seconds: float) -> None:
        await asyncio.sleep(0)

    http = CachedClient(folder / "http", clock_ns=clock, sleep=at_once, random=lambda: 0.0)
    sources = FedSources(http, clock_ns=clock)
    return FedFeed(http, sources, folder / "fed", strip_stream=stream, clock_ns=clock, sleep=clock.sleep)


async def news_until(events, holds):
    """The first news that is as wanted."""
    async with asyncio.timeout(LIMIT_S):
        async for event in events:
            if isinstance(event, FedNews) and holds(event.fed):
                return event.fed
    raise AssertionError("the feed ended")


def whole(known) -> bool:
    return (
        known.cut is not None
        and set(known.engines) == {"futures", "Kalshi", "Polymarket"}
        and bool(known.outcomes)
    )


async def test_all_sources_together_make_the_panel(monkeypatch, tmp_path):
    async with world(monkeypatch):
        events = feed(tmp_path, Clock()).events()
        first = await anext(events)
        assert (type(first), first.state) == (Status, "OFFLINE")
        known = await news_until(events, whole)
        await events.aclose()
    assert (known.meeting, known.target_range_bp, known.effr_pct) == (MEETING, (375, 400), 3.88)
    # December starts at November's average and ends where January starts; its own contract is not needed.
    assert known.meetings[0].contracts == ("ZQX26", "ZQF27", "ZQG27")
    assert known.state == "DELAYED 10m"
    assert [known.engines[name].raw_sum for name in ("Kalshi", "Polymarket")] == [
        pytest.approx(0.995),
        pytest.approx(1.005),
    ]
    assert known.engines["Kalshi"].gap_bp == pytest.approx(
        known.engines["Kalshi"].mean_bp - known.engines["futures"].mean_bp
    )
    assert known.ladder[0].above_bp == 400
    assert known.warnings == ()


async def test_settlements_of_a_month_give_its_changes_at_the_first_run(monkeypatch, tmp_path):
    async with world(monkeypatch) as made:
        events = feed(tmp_path, Clock()).events()
        known = await news_until(events, lambda f: whole(f) and f.change["1w"] is not None)
        await events.aclose()
    settled = [point for point in known.history if point.settled]
    # From the day after the October decision on: before it the range was another.
    assert settled[0].at.astimezone(NEW_YORK).date() == date(2026, 10, 29)
    assert settled[-1].at.astimezone(NEW_YORK).date() == date(2026, 11, 17)
    assert known.change["1m"] is None
    with FedStore(tmp_path / "fed") as store:
        kept = store.settlements(2026, 12)
        assert {each.session: each.price for each in kept} == {
            each.session: made.price(2026, 12, each.session) for each in kept
        }
        assert len(kept) > 15


async def test_the_log_gets_a_row_a_minute_while_figures_change_and_none_while_they_do_not(
    monkeypatch, tmp_path
):
    clock = Clock()
    prices = [96.13, 96.11, 96.10, 96.09]
    async with world(monkeypatch) as made:
        shown: list[float] = []

        async def read() -> None:
            async for event in feed(tmp_path, clock).events():
                if isinstance(event, FedNews) and whole(event.fed):
                    shown[:] = [event.fed.contracts[0].price]

        reading = asyncio.create_task(read())
        for price in prices:
            made.front = price - made.first_price
            for _ in range(6):  # the price is asked for every other minute, then nothing changes
                async with asyncio.timeout(LIMIT_S):
                    while clock.sleeping < LOOPS or not shown:  # noqa: ASYNC110 - they tell nobody
                        await asyncio.sleep(0.001)
                made.now_ns += MINUTE
                clock.pass_ns(MINUTE)
                while clock.sleeping == LOOPS:  # noqa: ASYNC110 - until one whose time has come wakes
                    await asyncio.sleep(0)
            assert shown == [price]
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    with FedStore(tmp_path / "fed") as store:
        rows = store.between(NOW, 2**62, meeting=MEETING, engine="futures")
    live = [row for row in rows if row.kind == "live"]
    assert len(live) == len(prices), "one row for each price, none for the minutes without news"
    assert all(b.ts_ns - a.ts_ns >= MINUTE for a, b in pairwise(live))


@pytest.mark.parametrize("fault", ["429", "500", "cut", "na", "missing", "html", "empty", "utf8"])
async def test_a_source_that_fails_takes_nothing_else_with_it(fault, monkeypatch, tmp_path):
    async with world(monkeypatch), RestServer(FAULTS[fault]) as broken:
        monkeypatch.setenv("ROTATION_TUI_KALSHI_REST_URL", broken.url)
        events = feed(tmp_path, Clock()).events()
        known = await news_until(
            events, lambda f: f.cut is not None and "Polymarket" in f.engines and bool(f.outcomes)
        )
        await events.aclose()
    assert known.engines.get("Kalshi") is None or known.engines["Kalshi"].cut is None
    assert known.engines["Polymarket"].cut is not None


async def test_without_the_strip_the_markets_still_speak_and_nothing_reads_0(monkeypatch, tmp_path):
    async with world(monkeypatch), RestServer(FAULTS["html"]) as broken:
        monkeypatch.setenv("ROTATION_TUI_YAHOO_REST_URL", broken.url)
        events = feed(tmp_path, Clock()).events()
        known = await news_until(
            events, lambda f: {"Kalshi", "Polymarket"} <= set(f.engines) and f.warnings != ()
        )
        await events.aclose()
    assert (known.cut, known.hold, known.hike, known.state) == (None, None, None, "OFFLINE")
    assert known.engines["Kalshi"].gap_bp is None
    assert any("Yahoo" in warning for warning in known.warnings)


async def test_the_second_source_of_the_range_stands_in(monkeypatch, tmp_path):
    async with world(monkeypatch), RestServer(FAULTS["500"]) as broken:
        monkeypatch.setenv("ROTATION_TUI_NEWYORKFED_REST_URL", broken.url)
        events = feed(tmp_path, Clock()).events()
        known = await news_until(events, whole)
        await events.aclose()
    assert known.target_range_bp == (375, 400)
    assert any("policy rate" in warning and "New York Fed" in warning for warning in known.warnings)


async def test_with_no_network_at_all_yesterday_s_answers_stand_with_their_age(monkeypatch, tmp_path):
    clock = Clock()
    async with world(monkeypatch):
        events = feed(tmp_path, clock).events()
        await news_until(events, whole)
        await events.aclose()
    clock.now_ns += 86_400 * 10**9  # the server is gone, and a day has passed
    events = feed(tmp_path, clock).events()
    known = await news_until(events, whole)
    await events.aclose()
    assert known.engines["Kalshi"].state.startswith("STALE")
    assert known.state.startswith("STALE")
    assert known.change["1d"] is not None


async def test_a_pushed_price_is_used_once_it_is_newer(monkeypatch, tmp_path):
    class Pushing:
        def __init__(self) -> None:
            self.quotes: dict[tuple[int, int], StripQuote] = {}
            self.go = asyncio.Event()

        async def events(self):
            while True:
                await self.go.wait()
                self.go.clear()
                yield None

    clock, stream = Clock(), Pushing()
    async with world(monkeypatch):
        events = feed(tmp_path, clock, stream).events()
        before = await news_until(events, whole)
        settle = before.contracts[0].settle
        stream.quotes[2026, 11] = StripQuote(
            year=2026, month=11, price=96.2, ts_ns=clock.now_ns, source="Yahoo"
        )
        stream.go.set()
        after = await news_until(events, lambda f: f.contracts[0].price == 96.2)
        assert after.contracts[0].settle == settle
        stream.quotes[2026, 11] = StripQuote(
            year=2026, month=11, price=90.5, ts_ns=clock.now_ns - 10**12, source="Yahoo"
        )
        stream.go.set()
        old = await news_until(events, lambda f: f.contracts[0].price != 96.2)
        assert old.contracts[0].price == before.contracts[0].price
        await events.aclose()


async def test_polymarket_s_stream_moves_its_engine(monkeypatch, tmp_path):
    script = (
        book("1003", "0.60", "0.61", NOW // 10**6 + 5),
        best_bid_ask("1003", "0.700", "0.710", NOW // 10**6 + 9),
        STAY,
    )
    clock = Clock()
    async with world(monkeypatch), PolymarketServer(script) as pushing:
        monkeypatch.setenv("ROTATION_TUI_POLYMARKET_STREAM_URL", pushing.url)
        events = feed(tmp_path, clock).events()
        await news_until(events, whole)
        clock.pass_ns(6 * 10**9)
        known = await news_until(events, lambda f: f.engines["Polymarket"].raw_sum < 0.96)
        await events.aclose()
    assert known.engines["Polymarket"].raw_sum == pytest.approx(1.005 - 0.775 + 0.705)


async def test_a_file_of_ours_that_cannot_be_written_is_a_warning_not_an_end(monkeypatch, tmp_path):
    clock = Clock()
    async with world(monkeypatch):
        made = feed(tmp_path, clock)
        events = made.events()
        await news_until(events, whole)

        def full(*_: object) -> None:
            raise sqlite3.OperationalError("database or disk is full")

        made._history._store._settle = full
        made._history._store._log = full
        clock.pass_ns(2 * MINUTE)
        known = await news_until(events, lambda f: any("disk is full" in w for w in f.warnings))
        await events.aclose()
    assert known.cut is not None


async def test_a_file_of_ours_that_cannot_be_opened_is_a_warning_and_tried_again(monkeypatch, tmp_path):
    clock = Clock()
    (tmp_path / "fed").write_text("a file where the folder should be")
    async with world(monkeypatch):
        events = feed(tmp_path, clock).events()
        known = await news_until(events, whole)
        assert known.change["1d"] is None
        assert any("the Fed history cannot be opened" in warning for warning in known.warnings)
        (tmp_path / "fed").unlink()
        clock.pass_ns(2 * MINUTE)
        known = await news_until(events, lambda f: f.change["1d"] is not None)
        await events.aclose()
    assert known.warnings == ()


async def test_an_error_of_ours_ends_the_feed_with_it(monkeypatch, tmp_path):
    async with world(monkeypatch):
        made = feed(tmp_path, Clock())

        async def broken() -> None:
            raise ZeroDivisionError

        made._sources._ask["Kalshi"] = broken
        with pytest.raises(ZeroDivisionError):
            async for _ in made.events():
                pass
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("Fed")]


async def test_a_decision_newer_than_the_range_is_told_until_one_source_has_the_new_one(
    monkeypatch, tmp_path
):
    after = to_ns(datetime(2026, 12, 10, 10, 0, tzinfo=NEW_YORK))
    clock = Clock(after)
    async with world(monkeypatch, now_ns=after) as made:
        # The New York Fed's newest day is the 8th, and FRED has not published the 10th yet.
        made.cut_on = made.fred_day = date(2026, 12, 9)
        events = feed(tmp_path, clock).events()
        known = await news_until(events, whole)
        assert known.meeting == date(2027, 1, 27)
        assert known.target_range_bp == (375, 400)
        (warning,) = known.warnings
        assert warning == (
            "target range as of 9 Dec 2026, before the decision of 9 Dec 2026 took effect: "
            "range labels may be off"
        )
        # FRED has it the day after the decision, the New York Fed a day later.
        made.fred_day = None
        clock.pass_ns(31 * MINUTE)
        known = await news_until(events, lambda f: f.target_range_bp != (375, 400))
        await events.aclose()
    assert known.target_range_bp == (350, 375)
    assert not any("target range" in warning for warning in known.warnings)
    assert "350-375" in known.outcomes


def settle_rows(folder: Path) -> list:
    with FedStore(folder / "fed") as store:
        rows = store.between(0, 2**62, engine="futures")
    return [row for row in rows if row.kind == "settle"]


@pytest.mark.parametrize("drops", [False, True])
async def test_over_a_months_turn_the_anchor_is_the_last_settlement(monkeypatch, tmp_path, drops):
    """December's decision rests on November's last settlement, told when November has ended."""
    last = date(2026, 11, 30)
    clock = Clock(to_ns(datetime(2026, 11, 30, 16, 31, tzinfo=NEW_YORK)))
    async with world(monkeypatch, now_ns=clock.now_ns) as made:
        made.front = 0.02  # on the last day November is settled elsewhere than on the day before

        async def on(day: int, holds):
            clock.now_ns = made.now_ns = to_ns(datetime(2026, 12, day, 10, 31, tzinfo=NEW_YORK))
            clock.pass_ns(0)
            return await news_until(events, lambda f: whole(f) and holds({c.symbol: c for c in f.contracts}))

        events = feed(tmp_path, clock).events()
        known = await news_until(events, whole)
        assert known.meetings[0].contracts == ("ZQX26", "ZQF27", "ZQG27")
        made.drops = drops
        known = await on(1, lambda by: by["ZQX26"].settle_date == last and "ZQM28" in by)
        november = known.contracts[0]
        assert (november.symbol, november.kind, november.state) == ("ZQX26", "settlement", "CLOSED")
        assert november.price == made.price(2026, 11, last) != made.price(2026, 11, date(2026, 11, 27))
        assert known.meetings[0].contracts == ("ZQX26", "ZQF27", "ZQG27")
        assert known.warnings == ()
        asked = [each.path for each in made.server.requests]
        assert any("/ZQX26.CBT" in path for path in asked)
        # A week on nobody asks for it any more, and it stands in our own history.
        made.drops = True
        made.server.requests.clear()
        known = await on(8, lambda by: by["ZQF27"].settle_date == date(2026, 12, 7))
        await events.aclose()
        assert not [each for each in made.server.requests if "/ZQX26.CBT" in each.path]
    assert known.contracts[0].settle_date == last
    assert known.meetings[0].contracts == ("ZQX26", "ZQF27", "ZQG27")
    # What November's days gave was not worked out anew without November.
    rows = settle_rows(tmp_path)
    assert {row.ts_ns for row in rows} >= {settled_ns(date(2026, 11, 20)), settled_ns(last)}
    assert len(rows) == len({(row.meeting, row.ts_ns) for row in rows})


async def test_on_the_day_of_the_decision_the_old_range_holds(monkeypatch, tmp_path):
    evening = to_ns(datetime(2026, 12, 9, 20, 0, tzinfo=NEW_YORK))
    async with world(monkeypatch, now_ns=evening) as made:
        events = feed(tmp_path, Clock(evening)).events()
        known = await news_until(events, whole)
        await events.aclose()
    assert (known.meeting, known.target_range_bp, known.warnings) == (MEETING, (375, 400), ())
    assert not [asked for asked in made.server.requests if asked.path.startswith("/graph/")]


async def test_once_answers_though_a_source_hangs(monkeypatch, tmp_path):
    async with world(monkeypatch), RestServer(FAULTS["slow"]) as mute:
        monkeypatch.setenv("ROTATION_TUI_KALSHI_REST_URL", mute.url)
        inputs, now_ns = await feed(tmp_path, Clock()).once(limit_s=3.0)
    assert now_ns == NOW
    assert len(inputs.strip) == 19
    assert inputs.target_range_bp == (375, 400)
    assert inputs.sources["Kalshi"].error == "no answer in 3 s"


async def test_a_source_that_was_away_is_asked_again_soon(monkeypatch, tmp_path):
    clock = Clock()
    async with world(monkeypatch), RestServer(FAULTS["html"]) as away:
        monkeypatch.setenv("ROTATION_TUI_NEWYORKFED_REST_URL", away.url)
        monkeypatch.setenv("ROTATION_TUI_FRED_REST_URL", away.url)
        events = feed(tmp_path, clock).events()
        known = await news_until(events, lambda f: f.engines and "policy rate" in " ".join(f.warnings))
        assert known.target_range_bp is None
        away.script = [FAULTS["ok"]]
        clock.pass_ns(2 * MINUTE)
        known = await news_until(events, lambda f: f.target_range_bp is not None)
        await events.aclose()
    assert clock.now_ns - NOW < fed_feed.EVERY_S["policy rate"] * 1e9


KILLED = """
import asyncio, sys, time
from pathlib import Path
from feeds.events import FedNews
from feeds.fed import opening as fed_opening

async def main():
    async for event in fed_opening.live(Path(sys.argv[1]) / "fed", Path(sys.argv[1]) / "http").events():
        if isinstance(event, FedNews) and event.fed.history:
            print(len(event.fed.history), flush=True)

asyncio.run(main())
"""


def test_a_kill_loses_no_probability_that_was_shown(tmp_path):
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.support.servers.fed_world"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        lines = [server.stdout.readline() for _ in range(len(FEEDS) + 2)]
        env = os.environ | dict(line.removeprefix("export ").strip().split("=", 1) for line in lines)
        shown = []
        for _ in range(2):
            run = subprocess.Popen(
                [sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True, env=env
            )
            shown.append(int(run.stdout.readline()))
            while not list((tmp_path / "fed").glob("*.sqlite3")):
                pass
            run.send_signal(signal.SIGKILL)
            run.wait()
            run.stdout.close()
    finally:
        server.kill()
        server.wait()
        server.stdout.close()
    with FedStore(tmp_path / "fed") as store:
        rows = store.between(0, 2**62, engine="futures")
        assert store._db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    settles = [row for row in rows if row.kind == "settle"]
    assert len(settles) == len({(row.meeting, row.ts_ns) for row in settles}), "told twice, kept once"
    assert len(rows) >= max(shown) - 1
