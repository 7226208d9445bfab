"""From frames to figures: however frames come together, the market is told what it is told one by one."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import msgpack
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds.clock import Moment
from feeds.events import Batch, ColumnBatch, PrintsCorrected, PrintsReplaced
from feeds.http.cached import CachedClient
from feeds.streaming import state as stream_state
from feeds.streaming.members.prints import MemberPrints
from feeds.streaming.requests import Answer
from feeds.streaming.state import StreamState
from feeds.vendors.alpaca.stream import Alpaca
from feeds.vendors.massive.stream import Massive
from rotation.market.market import Market
from rotation.market.past.look_back import look_back
from rotation.sessions import hours
from tests.support.core_worlds import CALENDAR, DESK, FIRST, PRICED, SYMBOLS, closes, history_of
from tests.support.servers import alpaca, massive
from tests.support.servers.alpaca import NS, cancel, trade

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from feeds.events import Correction
    from feeds.streaming.vendor import Frame
    from rotation.market.past.look_back import LookBack

EXAMPLES = settings.default.max_examples
OPENS = hours(CALENDAR[FIRST])[1]
START = OPENS + 3600 * NS
HISTORY = history_of(
    [row for symbol in SYMBOLS for row in closes(symbol, CALENDAR[FIRST - 8 : FIRST], bytes(range(8)))]
)
NAMES = ("IWM", "QQQ", "MEM", "OUT")


@cache
def the_pass(session: date | None) -> LookBack:
    """Over the one history: the same in all runs, and the most expensive part of each."""
    return look_back(HISTORY, session, DESK, ())


class Run:
    """One stream into one market. ``together``: frames are read at once where they can be."""

    def __init__(self, of: str, *, together: bool, members: MemberPrints | None = None) -> None:
        self._together = together
        self.vendor = (
            Alpaca("KEYID", "SECRET", CachedClient(), feed="sip", channels=100)
            if of == "Alpaca"
            else Massive("KEY", CachedClient())
        )
        self.market = Market(
            HISTORY, DESK, as_of_ns=START, members=NAMES, look=lambda *asked: the_pass(asked[1])
        )
        self.columns = 0
        self.others: list[Any] = []
        self.corrected: set[Correction] = set()
        self.state = StreamState(self.vendor, NAMES, self.at(0), random=lambda: 0.5, members=members)
        self.state.on_connecting(self.at(0))
        self.state.on_connected(self.at(0))
        for frame in GREETINGS[of]:
            self.state.on_frame(frame, self.at(0))
        self.answer(0)

    @staticmethod
    def at(second: int) -> Moment:
        return Moment(float(second), START + second * NS)

    def answer(self, second: int) -> None:
        """REST knows nothing, and the market takes what is to be taken."""
        now = self.at(second)
        self.state.on_tick(now)
        for request in self.state.requests.take():
            self.state.on_answer(request, Answer(), now)
        for event in self.state.take_events():
            if isinstance(event, ColumnBatch):
                self.columns += event.rows.height
                self.market.apply_columns(event.rows, as_of_ns=now.ns)
            elif isinstance(event, Batch | PrintsReplaced):
                self.market.apply(event.quotes, as_of_ns=now.ns)
            elif isinstance(event, PrintsCorrected):  # in whatever order those of one look are said
                self.corrected.update(event.corrections)
            elif event != next((each for each in reversed(self.others) if type(each) is type(event)), None):
                self.others.append(event)  # a state that came and went within a look is said again

    def take(self, frames: list[Frame], second: int) -> None:
        with patch.object(self.state.filter, "next_request", lambda _: None):  # asked at the tick, of both
            if self._together:
                self.state.on_frames(frames, self.at(second))
            else:
                for frame in frames:
                    self.state.on_frame(frame, self.at(second))
        self.answer(second)

    def known(self) -> tuple[Any, ...]:
        snapshot = self.market.apply((), as_of_ns=START + 600 * NS)
        # Of two prints that are rejected in one look either may be the last.
        stats = msgspec.structs.replace(self.state.report.stats(self.at(600)), last_reject="")
        return (
            snapshot.legs,
            snapshot.spread,
            snapshot.ratio,
            snapshot.health.counts,
            stats,
            self.others,
            self.corrected,
        )


def packed(*messages: dict[str, Any]) -> bytes:
    stamped = [
        message | {"t": msgpack.Timestamp(*divmod(message["t"], NS))} if "t" in message else message
        for message in messages
    ]
    return msgpack.packb(stamped)


GREETINGS: dict[str, tuple[Frame, ...]] = {
    "Alpaca": (
        packed({"T": "success", "msg": "authenticated"}),
        packed({"T": "subscription", "trades": list(NAMES)}),
    ),
    "Massive": (
        massive.array(massive.status("auth_success")),
        massive.array(massive.status("success", f"subscribed to: {','.join(f'T.{name}' for name in NAMES)}")),
    ),
}


@st.composite
def of_alpaca(draw: st.DrawFn, second: int) -> bytes:
    """A frame: prints in and out of order, repeated, far off, odd; now and then one is taken back."""
    messages: list[dict[str, Any]] = []
    for symbol, price, ts_ns, number in draw(st.lists(prints(second), min_size=1, max_size=6)):
        conditions = draw(st.sampled_from((["@"], ["@"], ["@"], ["@", "I"], ["M"], ["6"], None)))
        messages.append(trade(symbol, price, ts_ns, number, c=conditions))
        if draw(st.integers(0, 25)) == 0:
            messages.append(cancel(symbol, price, ts_ns, number))
        if draw(st.integers(0, 12)) == 0:
            side = draw(st.sampled_from((0.01, 0.01, -0.01, price / 20)))
            market = {"T": "q", "S": symbol, "bp": price - side, "ap": price + side, "t": ts_ns}
            band = {"T": "l", "S": symbol, "d": price - 5 * side, "u": price + 5 * side, "t": ts_ns}
            messages.append(draw(st.sampled_from((market, band))))
    return packed(*messages)


@st.composite
def of_massive(draw: st.DrawFn, second: int) -> str:
    """The same as Massive says it, with bid and ask now and then."""
    messages: list[dict[str, Any]] = []
    for symbol, price, ts_ns, number in draw(st.lists(prints(second), min_size=1, max_size=6)):
        conditions = draw(st.sampled_from(([14], [14], [], [14, 37], [15], [8], None)))
        venue = draw(st.sampled_from((4, 4, 11)))
        sent = massive.trade(symbol, price, ts_ns // 10**6, number, c=conditions, x=venue, z=2)
        messages.append(sent)
        if draw(st.integers(0, 25)) == 0:
            messages.append(sent | {"c": [44], "q": number + 100, "t": ts_ns // 10**6 + 5})
        if draw(st.integers(0, 12)) == 0:
            side = draw(st.sampled_from((0.01, 0.01, -0.01)))
            messages.append(massive.quoted(symbol, price - side, price + side, t=ts_ns // 10**6))
    return massive.array(*messages)


@st.composite
def prints(draw: st.DrawFn, second: int) -> tuple[str, float, int, int]:
    """Symbol, price, time and number."""
    symbol = draw(st.sampled_from((*NAMES, "ZZZ")))
    price = PRICED.get(symbol, 50) * draw(st.sampled_from((1.0, 1.0, 1.01, 0.99, 1.02, 1.15)))
    ts_ns = START + second * NS - draw(st.integers(0, 900_000_000))
    return symbol, round(price, 2), ts_ns, draw(st.integers(2**53 + 1, 2**53 + 60))


@pytest.mark.parametrize(("of", "frame"), [("Alpaca", of_alpaca), ("Massive", of_massive)])
@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_however_frames_come_together_the_figures_are_the_same(
    of: str, frame: Callable[[int], st.SearchStrategy[Frame]], data: st.DataObject
):
    with patch.object(stream_state, "MANY", 1):
        single, together = Run(of, together=False), Run(of, together=True)
        sent: list[Frame] = []
        for second in range(1, data.draw(st.integers(1, 4)) + 1):
            frames = data.draw(st.lists(frame(second), min_size=1, max_size=6))
            frames += [data.draw(st.sampled_from(sent)) for _ in range(data.draw(st.integers(0, 2))) if sent]
            sent += frames
            single.take(frames, second)
            together.take(frames, second)
        assert together.known() == single.known()
        assert single.columns == 0


def test_plain_frames_become_one_event_of_columns():
    with patch.object(stream_state, "MANY", 1):
        run = Run("Alpaca", together=True)
        run.take([packed(trade("IWM", 200.0 + i / 100, START + i, 2**53 + i)) for i in range(1, 41)], 1)
    prints = run.market._filter.prints("IWM", "REGULAR")
    assert (run.columns, prints.last.seq, prints.last.ts_ns) == (40, 2**53 + 40, START + 40)


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("of", ["Alpaca", "Massive"])
def test_bars_of_members_among_trades_part_no_look(of, together):
    """At a minute's end there are thousands: each would make the prints before it a batch of its own."""
    members, reader = MemberPrints(), object()
    members.want(reader, ["MMM"], lambda: None)
    with patch.object(stream_state, "MANY", 40):
        run = Run(of, together=together, members=members)
        run.state.on_frame(MEMBERS_COME[of], run.at(0))
        run.take([frame for i in range(1, 41) for frame in print_and_bars(of, i)], 1)
    prints = run.market._filter.prints("IWM", "REGULAR")
    assert (prints.volume, run.columns) == (4_000, 40 if together else 0)
    assert members.take(reader)["MMM"].quote.price == 54.0
    assert (members.conflated, members.passed_over) == (39, 40)


def print_and_bars(of: str, i: int) -> tuple[Frame, Frame]:
    """A trade, and bars of a member and of a share that nobody asked for."""
    second, at_ms = i // 10, START // 10**6
    if of == "Alpaca":
        start_ns = START + second * 60 * NS
        bars = [alpaca.minute(name, 50.0 + second, start_ns) for name in ("MMM", "NOBODY")]
        return packed(trade("IWM", 200.0 + i / 100, START + i, 2**53 + i)), packed(*bars)
    seconds = {"s": at_ms + second * 1000, "e": at_ms + second * 1000 + 1000}
    bar = {"ev": "A", "v": 5, "o": 1.0, "h": 60.0, "l": 40.0, "c": 50.0 + second} | seconds
    of_others = massive.array(*(bar | {"sym": name} for name in ("MMM", "NOBODY")))
    return massive.array(massive.trade("IWM", 200.0, at_ms + i, 2**53 + i)), of_others


MEMBERS_COME: dict[str, Frame] = {
    "Alpaca": packed({"T": "subscription", "trades": list(NAMES), "bars": ["*"]}),
    "Massive": massive.array(massive.status("success", "subscribed to: A.*")),
}


def test_those_of_massive_too():
    with patch.object(stream_state, "MANY", 1):
        run = Run("Massive", together=True)
        at_ms = START // 10**6
        frames = [massive.array(massive.trade("IWM", 200.0, at_ms + i, 2**53 + i)) for i in range(1, 41)]
        run.take(frames, 1)
    prints = run.market._filter.prints("IWM", "REGULAR")
    assert (run.columns, prints.last.seq, prints.last.ts_ns) == (40, 2**53 + 40, START + 40 * 10**6)
