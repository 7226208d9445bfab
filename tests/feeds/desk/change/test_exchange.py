"""Other feeds take over: those of both desks go on, what a new one brought counts, a refused one ends."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl
import pytest

from feeds.desk.change.cast import Cast, feeds_of
from feeds.desk.change.exchange import RefusedError, exchange
from feeds.events import Batch, Status, SymbolStates
from feeds.supervisor import Supervisor, Watched
from rotation.desk import Desk
from rotation.feed_stats import FeedStats
from rotation.history import History
from rotation.market.market import NOWHERE, Market
from rotation.quote import Quote
from rotation.sessions import NEW_YORK, to_ns
from rotation.status import LIVE, Kind, Refusal
from tests.support.fake_time import at_once

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

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
async def running(*feeds: Any) -> AsyncIterator[Supervisor]:
    async def no_tick(_: float) -> None:
        await asyncio.Event().wait()

    market = Market(HISTORY, TWO, as_of_ns=NOW_NS, origin=NOWHERE)
    supervisor = Supervisor(market, feeds, clock_ns=lambda: NOW_NS, sleep=no_tick, offload=at_once)
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
