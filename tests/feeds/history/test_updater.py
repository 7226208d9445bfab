"""History beside a running desk: first load, each close, failures; in time that the test moves."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, asynccontextmanager
from datetime import date
from typing import TYPE_CHECKING

import pytest

from feeds.errors import DamagedError, SourceAway, SourceError, StorageError
from feeds.events import HistoryConfirmed, HistoryUpdated, Status
from feeds.history.updater import HistoryUpdater
from rotation.market.market import Market
from rotation.market.status import Provenance
from rotation.quote import Quote
from rotation.sessions import sessions_between
from rotation.status import Mode
from tests.support.sync_world import SINCE, World, ny, share

if TYPE_CHECKING:
    import polars as pl

    from tests.support.servers.history import Share

S = 10**9
LIMIT = 400
"""Events after which a test that would go on for ever fails."""


class Kept:
    """An updater over a made-up market; sleeping moves the clock."""

    def __init__(self, folder, shares: dict[str, Share], now_ns: int, **more) -> None:
        self.world = World(folder, shares, now_ns)
        self.opened = 0
        self.events: list[object] = []
        self.at: list[int] = []

        @asynccontextmanager
        async def sources():
            self.opened += 1
            yield [self.world.yahoo]

        self.updater = HistoryUpdater(
            self.world.store, list(shares), since=SINCE, time=self.world.time(), sources=sources, **more
        )

    async def until(self, holds) -> None:
        """Events until one makes this true."""
        async with aclosing(self.updater.events()) as events:
            async for event in events:
                self.events.append(event)
                self.at.append(self.world.now_ns)
                if holds(self):
                    return
                assert len(self.events) < LIMIT, self.statuses

    @property
    def statuses(self) -> list[Status]:
        return [event for event in self.events if isinstance(event, Status)]

    @property
    def updates(self) -> list[pl.DataFrame]:
        return [event.history.frame for event in self.events if isinstance(event, HistoryUpdated)]

    def says(self, text: str) -> bool:
        return bool(self.statuses) and text in self.statuses[-1].detail


def settled(kept: Kept) -> bool:
    return kept.says("settled through") and kept.statuses[-1].state == "LIVE"


def through(day: str):
    return lambda kept: kept.says(f"settled through {day}") and kept.statuses[-1].state == "LIVE"


def several(count: int = 4, days=None) -> dict[str, Share]:
    days = days or sessions_between(SINCE, date(2024, 7, 19))
    return {f"S{n}": share(100.0 + n, days) for n in range(count)}


AUTUMN = sessions_between(date(2026, 10, 1), date(2026, 12, 4))


async def test_the_first_load_is_told_and_shown_as_it_comes(tmp_path):
    kept = Kept(tmp_path, several(), ny(date(2024, 7, 18), 18))
    await kept.until(settled)
    assert [len(frame["symbol"].unique()) for frame in kept.updates] == [1, 4]
    collected = [status.detail for status in kept.statuses]
    assert collected[0] == "history 1 of 4: S0"
    assert collected[-1] == "settled through 2024-07-18"
    assert {status.state for status in kept.statuses} == {"LIVE"}


async def test_a_pause_of_the_source_shows_what_there_is(tmp_path):
    kept = Kept(tmp_path, several(3), ny(date(2024, 7, 18), 18))
    daily = kept.world.yahoo.daily

    async def refusing(symbols, since, through):
        if symbols == ["S2"] and not kept.world.yahoo.lacks:
            kept.world.yahoo.lacks.add("told")
            raise SourceAway("Yahoo: HTTP 429", after_s=60.0, refused=True)
        return await daily(symbols, since, through)

    kept.world.yahoo.daily = refusing
    await kept.until(lambda k: k.says("HTTP 429"))
    assert len(kept.updates[-1]["symbol"].unique()) == 2, "two are here, whenever the third comes"


@pytest.mark.parametrize(
    ("begins", "day", "close"),
    [
        (ny(date(2026, 11, 20), 15), "2026-11-20", ny(date(2026, 11, 20), 16, 20)),
        (ny(date(2026, 11, 27), 12), "2026-11-27", ny(date(2026, 11, 27), 13, 20)),  # a half-day
        (ny(date(2026, 10, 30), 15), "2026-10-30", ny(date(2026, 10, 30), 16, 20)),  # before and
        (ny(date(2026, 11, 2), 15), "2026-11-02", ny(date(2026, 11, 2), 16, 20)),  # after the clocks change
    ],
)
async def test_a_close_comes_20_minutes_after_the_bell_and_not_before(tmp_path, begins, day, close):
    kept = Kept(tmp_path, several(2, AUTUMN), begins)
    await kept.until(through(day))
    for event, at_ns in zip(kept.events, kept.at, strict=True):
        if isinstance(event, HistoryUpdated):
            assert (str(event.history.last()) == day) == (at_ns >= close)
    assert close <= kept.at[-1] < close + 120 * S


async def test_over_thanksgiving_nothing_is_asked_for_a_close_that_there_is_not(tmp_path):
    kept = Kept(tmp_path, several(1, AUTUMN), ny(date(2026, 11, 25), 17))
    await kept.until(lambda k: k.world.now_ns >= ny(date(2026, 11, 27), 3) or through("2026-11-27")(k))
    asked = [through for _, through in kept.world.yahoo.asked]
    assert len(asked) <= 4, "the evening before, and the turns of Friday"
    assert kept.statuses[-1].state == "LIVE"
    assert not any("2026-11-26" in status.detail for status in kept.statuses)


async def test_a_close_that_the_vendor_does_not_have_yet_is_asked_for_again(tmp_path):
    kept = Kept(tmp_path, several(2, AUTUMN), ny(date(2026, 11, 20), 16, 25))
    raw = kept.world.market.shares["S1"].raw
    close = raw.pop(date(2026, 11, 20))
    await kept.until(lambda k: k.says("is not available yet"))
    assert kept.statuses[-1] == Status(
        "GAPPED",
        "1 of 2 settled through 2026-11-20; S1: ends 2026-11-19,"
        " the close of 2026-11-20 is not available yet; next try in 60 s",
    )
    raw[date(2026, 11, 20)] = close
    await kept.until(settled)
    assert kept.world.now_ns < ny(date(2026, 11, 20), 16, 30)
    assert kept.updates[-1].filter(symbol="S1")["date"].max() == date(2026, 11, 20)


async def test_a_failure_is_told_waited_for_and_asked_again(tmp_path):
    kept = Kept(tmp_path, several(1), ny(date(2024, 7, 18), 18))
    kept.world.yahoo.spoil = lambda symbol, bars: SourceError("Yahoo: no sense in it")
    began_ns = kept.world.now_ns
    await kept.until(lambda k: len([s for s in k.statuses if "next try" in s.detail]) == 4)
    assert {status.state for status in kept.statuses} == {"OFFLINE"}
    assert [s.detail.split("next try in ")[1] for s in kept.statuses if "next try in" in s.detail] == [
        "60 s", "300 s", "900 s", "900 s",
    ]  # fmt: skip
    assert kept.world.now_ns - began_ns >= (60 + 300 + 900) * S
    kept.world.yahoo.spoil = lambda symbol, bars: bars
    await kept.until(settled)


async def test_one_symbol_that_fails_does_not_take_the_others_down(tmp_path):
    kept = Kept(tmp_path, several(3), ny(date(2024, 7, 18), 18))
    kept.world.yahoo.spoil = lambda s, bars: SourceError("Yahoo: delisted") if s == "S1" else bars
    await kept.until(lambda k: k.says("next try"))
    assert kept.statuses[-1].state == "GAPPED"
    assert kept.statuses[-1].detail.startswith("2 of 3 settled through 2024-07-18; S1: Yahoo: delisted; ")
    assert kept.updates[-1]["symbol"].unique().sort().to_list() == ["S0", "S2"]


async def test_a_store_that_cannot_be_used_is_told_and_ends_nothing(tmp_path):
    kept = Kept(tmp_path, several(1), ny(date(2024, 7, 18), 18))
    load = kept.world.store.load

    def broken(*args, **kwargs):
        raise DamagedError("history/S0.parquet is damaged — import it again")

    kept.world.store.load = broken
    await kept.until(lambda k: k.says("damaged"))
    assert kept.statuses[-1] == Status(
        "OFFLINE", "history/S0.parquet is damaged — import it again; next try in 60 s"
    )
    kept.world.store.load = load
    await kept.until(settled)


async def test_a_corrected_close_is_compared_soon_and_replaces_the_old_one(tmp_path):
    kept = Kept(tmp_path, several(2), ny(date(2024, 7, 18), 18))
    await kept.until(settled)
    kept.world.market.shares["S0"].raw[date(2024, 7, 18)] = 77.0
    asked = len(kept.world.yahoo.asked)
    at_ns = kept.world.now_ns
    kept.updater.ask_again("S0")
    await kept.until(lambda k: len(k.world.yahoo.asked) > asked and settled(k))
    assert kept.world.now_ns - at_ns <= 31 * S
    assert kept.updates[-1].filter(symbol="S0")["close"][-1] == 77.0
    assert {names[0] for names, _ in kept.world.yahoo.asked[asked:]} == {"S0"}
    asked = len(kept.world.yahoo.asked)
    await kept.until(lambda k: k.world.now_ns >= at_ns + 3600 * S or len(k.world.yahoo.asked) > asked)
    assert kept.world.now_ns >= ny(date(2024, 7, 19), 4), "asked again once, then at the next turn"


@pytest.mark.parametrize(
    ("hour", "minute", "restates", "is_confirmed"),
    [(9, 20, True, False), (9, 30, True, False), (9, 31, True, True), (10, 0, False, False)],
)
async def test_a_series_asked_for_again_after_the_bell_and_unchanged_is_confirmed(
    tmp_path, hour, minute, restates, is_confirmed
):
    """Of a source that restates by itself: what looks split and is not has fallen."""
    friday = date(2024, 7, 19)
    kept = Kept(tmp_path, several(2), ny(date(2024, 7, 18), 18))
    kept.world.yahoo.restates = restates
    await kept.until(settled)
    kept.world.now_ns = ny(friday, hour, minute)
    asked = len(kept.world.yahoo.asked)
    kept.updater.ask_again("S0")
    seen = len(kept.events)
    await kept.until(lambda k: len(k.world.yahoo.asked) > asked and settled(k) and len(k.events) > seen + 3)
    confirmed = [event for event in kept.events if isinstance(event, HistoryConfirmed)]
    assert confirmed == ([HistoryConfirmed(friday, frozenset({"S0"}))] if is_confirmed else [])


async def test_a_series_that_was_restated_is_not_confirmed(tmp_path):
    friday = date(2024, 7, 19)
    kept = Kept(tmp_path, several(2), ny(date(2024, 7, 18), 18))
    await kept.until(settled)
    kept.world.now_ns = ny(friday, 10)
    kept.world.market.shares["S0"].raw[date(2024, 7, 18)] = 77.0
    kept.updater.ask_again("S0")
    await kept.until(lambda k: k.updates[-1].filter(symbol="S0")["close"][-1] == 77.0)
    assert not any(isinstance(event, HistoryConfirmed) for event in kept.events)


@pytest.mark.parametrize("fault", ["source", "disk"])
async def test_a_corrected_close_is_not_forgotten_when_asking_for_it_fails(tmp_path, fault):
    kept = Kept(tmp_path, several(2), ny(date(2024, 7, 18), 18))
    await kept.until(settled)
    kept.world.market.shares["S0"].raw[date(2024, 7, 18)] = 77.0
    spoil, put = kept.world.yahoo.spoil, kept.world.store.put

    def full(*args, **kwargs):
        raise StorageError("history: cannot be written (No space left on device)")

    if fault == "source":
        kept.world.yahoo.spoil = lambda symbol, bars: SourceError("Yahoo: no sense in it")
    else:
        kept.world.store.put = full
    at_ns = kept.world.now_ns
    kept.updater.ask_again("S0")
    await kept.until(lambda k: k.says("next try"))
    kept.world.yahoo.spoil, kept.world.store.put = spoil, put
    await kept.until(settled)
    assert kept.world.now_ns - at_ns <= 120 * S, "asked for again at once, not at the next turn"
    assert kept.updates[-1].filter(symbol="S0")["close"][-1] == 77.0


async def test_an_ended_updater_leaves_no_task(tmp_path):
    before = asyncio.all_tasks()
    kept = Kept(tmp_path, several(4), ny(date(2024, 7, 18), 18))
    await kept.until(lambda k: k.says("1 of 4"))
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


async def test_learned_keeps_today_s_prints_and_takes_the_close_only_after_the_bell(tmp_path):
    shares = {"IWM": share(200.0, AUTUMN), "QQQ": share(500.0, AUTUMN)}
    friday = date(2026, 11, 20)
    noon_ns = ny(friday, 12)
    kept = Kept(tmp_path, shares, noon_ns)
    await kept.until(settled)
    kept.world.now_ns = ny(friday, 17)
    await kept.until(through("2026-11-20"))
    early, late = [event.history for event in kept.events if isinstance(event, HistoryUpdated)][-2:]
    market = Market(early, as_of_ns=noon_ns, origin=Provenance(Mode(venue="consolidated"), "script"))
    before = market.apply([Quote("IWM", noon_ns, 207.0, size=5)], as_of_ns=noon_ns).legs["IWM"]
    market.update_history(early)
    assert market.apply((), as_of_ns=noon_ns).legs["IWM"] == before
    # Were a vendor to hand out the close too early, the desk would still wait for the bell.
    market.update_history(late)
    assert market.apply((), as_of_ns=noon_ns).legs["IWM"] == before
    after = market.apply((), as_of_ns=ny(friday, 16, 21)).legs["IWM"]
    assert (after.last, after.volume) == (shares["IWM"].raw[friday], 5)
    assert (after.state, after.session) == ("CLOSED", friday)


async def test_of_a_long_list_members_stay_after_an_update(tmp_path):
    """Else breadth would have figures only until the first update."""
    first = Kept(tmp_path, several(20), ny(date(2024, 7, 18), 18))
    await first.until(settled)
    shares = {"S0": several(1)["S0"]}
    kept = Kept(tmp_path, shares, ny(date(2024, 7, 19), 18), members=frozenset({"S3", "S4"}))
    await kept.until(settled)
    assert kept.updates[-1]["symbol"].unique().sort().to_list() == ["S0", "S3", "S4"]
