"""Other feeds take over: those of both desks go on, what a new one brought counts, a refused one ends."""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl
import pytest

from feeds.desk.change.cast import Cast, feeds_of
from feeds.desk.change.exchange import RefusedError, exchange
from feeds.desk.live import Shared
from feeds.errors import SourceError
from feeds.events import Batch, HistoryUpdated, Status, SymbolStates
from feeds.history.updater import LOOK_S, HistoryUpdater
from feeds.supervisor import Supervisor, Watched
from rotation.desk import Desk
from rotation.feed_stats import FeedStats
from rotation.history import History
from rotation.market.market import NOWHERE, Market
from rotation.market.past.look_back import look_back
from rotation.quote import Quote
from rotation.sessions import NEW_YORK, to_ns
from rotation.status import LIVE, Kind, Refusal
from tests.support.fake_time import FakeTime, at_once
from tests.support.sync_world import SINCE, World, share

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from rotation.market.past.look_back import LookBack
    from rotation.status import Mode

NOW_NS = to_ns(datetime(2024, 7, 16, 12, 0, tzinfo=NEW_YORK))
DAY = date(2024, 7, 15)
SYMBOLS = "IWM", "QQQ", "KRE"
HISTORY = History(pl.DataFrame(
    [(symbol, DAY, 100.0, None) for symbol in SYMBOLS],
    schema={"symbol": pl.String, "date": pl.Date, "close": pl.Float64, "adj_close": pl.Float64}, orient="row",
))  # fmt: skip
TWO = Desk(legs=("IWM", "QQQ"))
THREE = Desk(legs=SYMBOLS)
LIMIT_S = 300.0


class ScriptedStream:
    """A stream that says what it is told to, and then waits for more."""

    mode: Mode = LIVE

    def __init__(self, name: str, symbols: tuple[str, ...], *events: Any) -> None:
        self.name, self.symbols = name, frozenset(symbols)
        self.begun = self.ended = 0
        self._events = asyncio.Queue[Any]()
        for event in events:
            self._events.put_nowait(event)

    def tell(self, event: Any) -> None:
        self._events.put_nowait(event)

    async def events(self) -> Any:
        self.begun += 1
        try:
            while True:
                yield await self._events.get()
        finally:
            self.ended += 1

    def tape(self) -> None:
        return None

    def mode_of(self, symbol: str) -> Mode:
        del symbol
        return self.mode

    def stats(self) -> FeedStats:
        return FeedStats(symbols=len(self.symbols), subscribed=len(self.symbols))


def priced(symbol: str, price: float) -> Batch:
    return Batch((Quote(symbol, NOW_NS - 10**9, price, 1, 1),))


def well(*symbols: str) -> SymbolStates:
    return SymbolStates(dict.fromkeys(symbols, Kind.LIVE))


@asynccontextmanager
async def running(
    *feeds: Any, history: History = HISTORY, offload: Any = at_once
) -> AsyncIterator[Supervisor]:
    async def no_tick(_: float) -> None:
        await asyncio.Event().wait()

    market = Market(history, TWO, as_of_ns=NOW_NS, origin=NOWHERE)
    supervisor = Supervisor(market, feeds, clock_ns=lambda: NOW_NS, sleep=no_tick, offload=offload)
    run = asyncio.create_task(supervisor.run())
    try:
        await settled()
        yield supervisor
    finally:
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)


async def settled() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


def watched(*feeds: Any) -> Watched:
    return Watched(THREE, feeds, clock_ns=lambda: NOW_NS)


def last(supervisor: Supervisor, symbol: str) -> float | None:
    assert supervisor.latest is not None
    return supervisor.latest.legs[symbol].last


async def test_what_a_new_feed_has_brought_while_it_came_up_is_shown_at_once():
    old = ScriptedStream("old", TWO.legs, well(*TWO.legs), priced("IWM", 101.0))
    new = ScriptedStream("new", SYMBOLS, priced("KRE", 102.0), Batch(()))
    async with running(old) as supervisor:
        change = asyncio.create_task(exchange(supervisor, watched(new), limit_s=LIMIT_S))
        await settled()
        assert not change.done(), "it has not yet said how its symbols are"
        assert "KRE" not in supervisor.latest.legs  # type: ignore[union-attr]
        new.tell(well(*SYMBOLS))
        await change
        assert last(supervisor, "KRE") == 102.0
        assert last(supervisor, "IWM") == 101.0, "today's prints stay"
        assert (new.begun, new.ended, old.ended) == (1, 0, 1)
        new.tell(priced("KRE", 103.0))
        await settled()
        supervisor._frames.settle()
        assert last(supervisor, "KRE") == 103.0


async def test_a_feed_that_both_desks_need_goes_on():
    old, both = ScriptedStream("old", TWO.legs), ScriptedStream("both", ())
    async with running(old, both) as supervisor:
        new = ScriptedStream("new", SYMBOLS, well(*SYMBOLS))
        await exchange(supervisor, watched(new, both), limit_s=LIMIT_S)
        assert (both.begun, both.ended) == (1, 0)
        assert (old.begun, old.ended) == (1, 1)
        assert supervisor.feeds == (new, both)


@pytest.mark.parametrize("detail", ["", "invalid key"])
async def test_a_feed_that_refuses_is_closed_and_the_desk_stays(detail):
    old = ScriptedStream("old", TWO.legs, well(*TWO.legs), priced("IWM", 101.0))
    new, also = (
        ScriptedStream("new", SYMBOLS, Status(Refusal.AUTH_FAILED, detail)),
        ScriptedStream("also", ("KRE",)),
    )
    swaps = []
    async with running(old) as supervisor:
        with pytest.raises(RefusedError, match=f"^new refuses{detail and ': ' + detail}$"):
            await exchange(supervisor, watched(new, also), swapped=lambda: swaps.append(1), limit_s=LIMIT_S)
        assert (new.begun, new.ended, also.begun, also.ended) == (1, 1, 1, 1)
        assert (old.ended, supervisor.feeds, supervisor.desk, swaps) == (0, (old,), TWO, [])
        old.tell(priced("IWM", 104.0))
        await settled()
        supervisor._frames.settle()
        assert last(supervisor, "IWM") == 104.0


async def test_a_change_that_is_called_off_leaves_everything_as_it_was():
    old, new = ScriptedStream("old", TWO.legs, well(*TWO.legs)), ScriptedStream("new", SYMBOLS)
    async with running(old) as supervisor:
        change = asyncio.create_task(exchange(supervisor, watched(new), limit_s=LIMIT_S))
        await settled()
        change.cancel()
        await asyncio.gather(change, return_exceptions=True)
        assert (new.begun, new.ended, old.ended, supervisor.feeds) == (1, 1, 0, (old,))


async def test_what_the_caller_notes_is_true_of_the_first_snapshot_of_the_new_desk():
    old = ScriptedStream("old", TWO.legs, well(*TWO.legs))
    seen = []
    async with running(old) as supervisor:
        supervisor.on_publish = lambda snapshot: (seen.append("KRE" in snapshot.legs), snapshot)[1]
        new = ScriptedStream("new", SYMBOLS, well(*SYMBOLS))
        await exchange(supervisor, watched(new), swapped=lambda: seen.append("swapped"), limit_s=LIMIT_S)
    assert seen.index("swapped") < seen.index(True)
    assert False not in seen[seen.index("swapped") :]


async def test_prints_of_a_symbol_in_doubt_are_waited_for_unless_it_is_in_doubt_now_too():
    gapped = SymbolStates(dict.fromkeys(SYMBOLS, Kind.GAPPED))
    old = ScriptedStream("old", TWO.legs, SymbolStates(dict.fromkeys(TWO.legs, Kind.LIVE)))
    async with running(old) as supervisor:
        new = ScriptedStream("new", TWO.legs, gapped)
        change = asyncio.create_task(exchange(supervisor, watched(new)._replace(desk=TWO), limit_s=LIMIT_S))
        await settled()
        assert not change.done()
        old.tell(msgspec.structs.replace(gapped, by_symbol=dict.fromkeys(TWO.legs, Kind.GAPPED)))
        await settled()
        new.tell(Batch(()))  # whatever it says, everything is looked at again
        await change


def test_a_cast_makes_only_those_that_are_not_in_charge():
    made = []

    def maker(name: str) -> Any:
        def make() -> list[Any]:
            made.append(name)
            return [ScriptedStream(name, ())]

        return make

    cast = Cast()
    first = cast.plan({"a": maker("a"), "b": maker("b")})
    assert cast.plan({"a": maker("a")})["a"] is not first["a"], "what was only planned is not in charge"
    made.clear()
    cast.take(first)
    second = cast.plan({"b": maker("b"), "c": maker("c")})
    assert made == ["c"]
    assert feeds_of(second)[0] is feeds_of(first)[1]
    cast.take(second)
    third = cast.plan({"a": maker("a"), "b": maker("b")})
    assert made == ["c", "a"], "those that have left are made anew"
    assert feeds_of(third)[1] is feeds_of(first)[1]


async def test_a_feed_that_brings_more_than_may_wait_is_not_waited_for(monkeypatch):
    monkeypatch.setattr("feeds.supervision.entering.PEN_MAX", 3)
    old = ScriptedStream("old", TWO.legs, well(*TWO.legs))
    new = ScriptedStream("new", SYMBOLS, priced("KRE", 102.0), priced("KRE", 103.0))
    async with running(old) as supervisor:
        async with asyncio.timeout(LIMIT_S / 10):
            await exchange(supervisor, watched(new), limit_s=LIMIT_S)
        assert last(supervisor, "KRE") == 103.0


async def test_a_desk_that_does_not_run_yet_waits_for_nothing():
    old, new = ScriptedStream("old", TWO.legs), ScriptedStream("new", SYMBOLS)
    market = Market(HISTORY, TWO, as_of_ns=NOW_NS, origin=NOWHERE)
    supervisor = Supervisor(market, (old,), clock_ns=lambda: NOW_NS, offload=at_once)
    async with asyncio.timeout(LIMIT_S / 10):
        await exchange(supervisor, watched(new), limit_s=LIMIT_S)
    assert supervisor.feeds == (new,)
    assert new.begun == old.begun == 0


# Settled history of the legs that are new


class Vendor:
    """Closes of a made-up market, and an updater of a desk's history that asks for them."""

    def __init__(self, folder: Path) -> None:
        self.world = World(folder, {symbol: share() for symbol in SYMBOLS}, NOW_NS)
        self.time = FakeTime(NOW_NS)

        @asynccontextmanager
        async def sources() -> AsyncIterator[list[Any]]:
            yield [self.world.yahoo]

        self.updater = HistoryUpdater(self.world.store, SYMBOLS, since=SINCE, time=self.time, sources=sources)


EMPTY = History(HISTORY.frame.clear())


async def test_history_that_is_brought_while_it_comes_up_is_looked_through_beside_the_loop(tmp_path):
    """Once, the newest: the passes over what a long download had brought before it are of no use."""
    vendor, passes = Vendor(tmp_path), []

    def look(history: History, *rest: Any) -> LookBack:
        passes.append((threading.current_thread() is threading.main_thread(), history.symbols))
        return look_back(history, *rest)

    old = ScriptedStream("old", TWO.legs, well(*TWO.legs))
    async with running(old, history=EMPTY, offload=asyncio.to_thread) as supervisor:
        brought = []
        take = supervisor._take

        def noted(feed: Any, event: Any) -> None:
            if isinstance(event, HistoryUpdated):
                brought.append(event.history.symbols)
            take(feed, event)

        supervisor._take = noted  # type: ignore[method-assign]
        wanted = watched(old, vendor.updater)._replace(look=look)
        await exchange(supervisor, wanted, limit_s=LIMIT_S)
        assert set(supervisor.history.symbols) == set(SYMBOLS)
        assert supervisor.latest.legs["KRE"].last is not None  # type: ignore[union-attr]
    assert len(brought) > 1
    assert [is_held_up for is_held_up, _ in passes] == [False]


async def test_a_history_that_cannot_be_had_is_not_waited_for_once_it_was_tried(tmp_path):
    """The legs of which nothing is stored may have none anywhere."""
    vendor = Vendor(tmp_path)
    vendor.world.yahoo.spoil = lambda symbol, bars: SourceError("Yahoo: no sense in it")
    old = ScriptedStream("old", TWO.legs, well(*TWO.legs))
    async with running(old, history=EMPTY) as supervisor:
        async with asyncio.timeout(LIMIT_S / 10):
            await exchange(supervisor, watched(old, vendor.updater), limit_s=LIMIT_S)
        assert supervisor.feeds == (old, vendor.updater)
        assert vendor.world.yahoo.asked
        assert supervisor.history.symbols == []


async def test_a_close_that_was_corrected_is_asked_for_by_the_updater_in_charge(tmp_path):
    shared = Shared(FakeTime(NOW_NS))
    cast = Cast(shared)
    before, now = Vendor(tmp_path / "before"), Vendor(tmp_path / "now")
    for vendor in (before, now):
        cast.take({"quotes": [ScriptedStream("new", SYMBOLS)], "history": [vendor.updater]})
    asked = {}
    for vendor in (before, now):
        events = vendor.updater.events()
        while not getattr(await anext(events), "detail", "").startswith("settled"):
            pass
        asked[vendor] = len(vendor.world.yahoo.asked)
    shared.ask_again("KRE")
    more = asyncio.ensure_future(anext(events))
    await now.time.passing(LOOK_S)
    await more
    assert [symbols for symbols, _ in now.world.yahoo.asked[asked[now] :]] == [["KRE"]]
    await before.time.passing(LOOK_S)
    assert len(before.world.yahoo.asked) == asked[before]
