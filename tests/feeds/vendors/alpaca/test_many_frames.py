"""From frames to figures: however frames come together, the market is told what it is told one by one."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import msgpack
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds.clock import Moment
from feeds.events import Batch, ColumnBatch, PrintsReplaced
from feeds.http.cached import CachedClient
from feeds.streaming import state as stream_state
from feeds.streaming.requests import Answer
from feeds.streaming.state import StreamState
from feeds.vendors.alpaca.stream import Alpaca
from rotation.market.market import Market
from rotation.sessions import hours
from tests.support.core_worlds import CALENDAR, DESK, FIRST, PRICED, SYMBOLS, closes, history_of
from tests.support.servers.alpaca import NS, cancel, trade

EXAMPLES = settings.default.max_examples
OPENS = hours(CALENDAR[FIRST])[1]
START = OPENS + 3600 * NS
HISTORY = history_of(
    [row for symbol in SYMBOLS for row in closes(symbol, CALENDAR[FIRST - 8 : FIRST], bytes(range(8)))]
)
NAMES = ("IWM", "QQQ", "MEM", "OUT")


class Run:
    """One stream into one market. ``together``: frames are read at once where they can be."""

    def __init__(self, *, together: bool) -> None:
        self._together = together
        self.vendor = Alpaca("KEYID", "SECRET", CachedClient(), feed="sip", channels=100)
        self.market = Market(HISTORY, DESK, as_of_ns=START, members=NAMES)
        self.columns = 0
        self.others: list[Any] = []
        self.state = StreamState(self.vendor, NAMES, self.at(0), random=lambda: 0.5)
        self.state.on_connecting(self.at(0))
        self.state.on_connected(self.at(0))
        self.state.on_frame(packed({"T": "success", "msg": "authenticated"}), self.at(0))
        self.state.on_frame(packed({"T": "subscription", "trades": list(NAMES)}), self.at(0))
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
            else:
                self.others.append(event)

    def take(self, frames: list[bytes], second: int) -> None:
        if self._together:
            self.state.on_frames(frames, self.at(second))
        else:
            for frame in frames:
                self.state.on_frame(frame, self.at(second))
        self.answer(second)

    def known(self) -> tuple[Any, ...]:
        snapshot = self.market.apply((), as_of_ns=START + 600 * NS)
        stats = self.state.report.stats(self.at(600))
        return snapshot.legs, snapshot.spread, snapshot.ratio, snapshot.health.counts, stats, self.others


def packed(*messages: dict[str, Any]) -> bytes:
    stamped = [
        message | {"t": msgpack.Timestamp(*divmod(message["t"], NS))} if "t" in message else message
        for message in messages
    ]
    return msgpack.packb(stamped)


@st.composite
def some_messages(draw: st.DrawFn, second: int) -> list[dict[str, Any]]:
    """Of one frame: prints in and out of order, repeated, far off, odd; now and then one is taken back."""
    messages: list[dict[str, Any]] = []
    for _ in range(draw(st.integers(1, 6))):
        symbol = draw(st.sampled_from((*NAMES, "ZZZ")))
        price = PRICED.get(symbol, 50) * draw(st.sampled_from((1.0, 1.0, 1.01, 0.99, 1.02, 1.15)))
        ts_ns = START + second * NS - draw(st.integers(0, 900_000_000))
        number = draw(st.integers(2**53 + 1, 2**53 + 60))
        conditions = draw(st.sampled_from((["@"], ["@"], ["@"], ["@", "I"], ["M"], ["6"], None)))
        messages.append(trade(symbol, round(price, 2), ts_ns, number, c=conditions))
        if draw(st.integers(0, 25)) == 0:
            messages.append(cancel(symbol, round(price, 2), ts_ns, number))
    return messages


@settings(max_examples=EXAMPLES)
@given(st.data())
def test_however_frames_come_together_the_figures_are_the_same(data: st.DataObject):
    with patch.object(stream_state, "MANY", 1):
        single, together = Run(together=False), Run(together=True)
        sent: list[bytes] = []
        for second in range(1, data.draw(st.integers(1, 4)) + 1):
            frames = [packed(*data.draw(some_messages(second))) for _ in range(data.draw(st.integers(1, 6)))]
            frames += [data.draw(st.sampled_from(sent)) for _ in range(data.draw(st.integers(0, 2))) if sent]
            sent += frames
            single.take(frames, second)
            together.take(frames, second)
        assert together.known() == single.known()
        assert single.columns == 0


def test_plain_frames_become_one_event_of_columns():
    with patch.object(stream_state, "MANY", 1):
        run = Run(together=True)
        frames = [packed(trade("IWM", 200.0 + i / 100, START + i, 2**53 + i)) for i in range(1, 41)]
        run.take(frames, 1)
    prints = run.market._filter.prints("IWM", "REGULAR")
    assert (run.columns, prints.last.seq, prints.last.ts_ns) == (40, 2**53 + 40, START + 40)
