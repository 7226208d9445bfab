"""The bench of ingest compares what it measured with the tape: whatever is broken on the way must be seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from bench import worlds
from bench.common import BenchError
from bench.ingest.compare import checked, differences
from bench.ingest.formats import answers, greeting, payloads
from bench.ingest.ours import NoRestAlpaca
from bench.ingest.tape import BASE_NS, SYMBOLS, tape
from feeds.clock import Moment
from feeds.events import Batch, ColumnBatch
from feeds.http.cached import CachedClient
from feeds.streaming.many.judging import ManyPrints
from feeds.streaming.requests import Answer
from feeds.streaming.state import StreamState
from rotation.market.market import Market
from rotation.market.prints import Prints
from rotation.market.reduce import sums
from rotation.quote import MINUTE_NS, NS

if TYPE_CHECKING:
    from collections.abc import Callable

    from feeds.events import Event
    from feeds.streaming.many.look import Look, Sorted

COUNT, PER_S, PER_FRAME, LOOK = 9_000, 50, 100, 10
"""Messages, over three minutes; messages of a frame, and frames of a look."""
KIND = "alpaca-json"


def compared() -> dict[str, int]:
    """The way of the tape from frames to a market, and what the bench finds there."""
    messages = tape(COUNT, PER_S)
    names = worlds.symbols(SYMBOLS)
    market = Market(worlds.history(worlds.TWELVE, 30), as_of_ns=BASE_NS - NS, members=names)
    alpaca = NoRestAlpaca("KEYID", "SECRET", CachedClient(), feed="sip", channels=4 * SYMBOLS, packed=False)
    now = Moment(0.0, BASE_NS)
    state = StreamState(alpaca, names, now, random=lambda: 0.5)
    state.on_connecting(now)
    state.on_connected(now)
    state.on_frame(greeting(KIND), now)
    held: dict[str, set[str]] = {}
    while sent := [each for each in state.take_actions() if isinstance(each, str)]:
        for frame in sent:
            for answer in answers(KIND, frame.encode(), held):
                state.on_frame(answer, now)
    events: list[Event] = []
    frames = list(payloads(messages, KIND, PER_FRAME))
    for start in range(0, len(frames), LOOK):
        look = frames[start : start + LOOK]
        second = (start + len(look)) * PER_FRAME / PER_S
        now = Moment(second, BASE_NS + int(second * NS))
        state.on_frames(look, now)
        state.on_tick(now)
        state.on_pong()
        state.take_actions()
        for request in state.requests.take():
            state.on_answer(request, Answer(), now)
        for event in state.take_events():
            events.append(event)
            if isinstance(event, ColumnBatch):
                market.take_columns(event.rows, as_of_ns=now.ns)
            elif isinstance(event, Batch):
                market.take(event.quotes, as_of_ns=now.ns)
    assert any(isinstance(event, ColumnBatch) for event in events)
    return differences(messages, events, market, market.snapshot().legs, coarse=False)


def test_an_exact_run_is_exact():
    differing = compared()
    assert (differing["in_events"], differing["in_market"], differing["in_snapshot"]) == (0, 0, 0)
    assert differing["symbols"] > 1_500
    assert differing["corrected"] > 50
    assert checked({"differences": differing}) == {"differences": differing}


def without_one_in_a_thousand(take: Callable[..., None]) -> Callable[..., None]:
    known = 0

    def dropping(market: Market, frame: pl.DataFrame, *, as_of_ns: int) -> None:
        nonlocal known
        rows = frame.with_row_index("row", known)
        known += frame.height
        take(market, rows.filter(pl.col("row") % 1_000 != 999).drop("row"), as_of_ns=as_of_ns)

    return dropping


def one_minute_later(place: Callable[..., None]) -> Callable[..., None]:
    def placing(prints: Prints, quote: Any) -> None:
        place(prints, quote)
        minute = -((prints._opens_ns - quote.ts_ns) // MINUTE_NS)
        if minute in prints._minutes:
            prints._minutes[minute + 1] = prints._minutes.pop(minute)

    return placing


def twice_the_volume(add: Callable[..., None]) -> Callable[..., None]:
    return lambda prints, place, volume, high, low: add(prints, place, 2 * volume, high, low)


def none_repeats(prints: ManyPrints, look: Look, by: Sorted) -> Any:
    del prints, look, by
    return pl.Series(dtype=pl.Int64).to_numpy()


HIGH_AS_LOW = tuple(
    pl.col("price").min().alias("high") if expression.meta.output_name() == "high" else expression
    for expression in sums._OF_ROWS
)
BROKEN = {
    "high is low": (sums, "_OF_ROWS", HIGH_AS_LOW, "in_market"),
    "prints are lost": (Market, "take_columns", without_one_in_a_thousand(Market.take_columns), "in_market"),
    "repeats count": (ManyPrints, "_repeats", none_repeats, "in_events"),
    "volume counts twice": (Prints, "add", twice_the_volume(Prints.add), "in_market"),
    "minutes are late": (Prints, "_place", one_minute_later(Prints._place), "in_market"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_broken_is_seen_and_no_figure_is_handed_over(what, monkeypatch):
    owner, name, instead, where = BROKEN[what]
    monkeypatch.setattr(owner, name, instead)
    differing = compared()
    assert differing[where] > 0
    with pytest.raises(BenchError, match="differ from the tape"):
        checked({"differences": differing})


def test_a_tape_of_which_nothing_came_is_not_exact():
    with pytest.raises(BenchError, match="all"):
        checked({"differences": {"symbols": 0, "in_events": 0, "in_market": 0, "in_snapshot": 0}})
