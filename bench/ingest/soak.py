"""An hour of a busy market at speed: ``python -m bench.ingest.soak [SECONDS] [QUOTES_PER_SECOND]``.

A stream and a market in one process are given made-up prints of 2,100 symbols, a second at a time: 1 % of
them repeated, 1 % late, with ids that no float holds. Prints one JSON object: memory through the run, and
how many symbols differ in the end from plain loops over what was sent (last, high, low, volume). Exits with 1
where any does, a print is lost, or memory has grown by more than a tenth once it was warm.
"""

from __future__ import annotations

import json
import sys
import time
from random import Random
from statistics import median
from typing import TYPE_CHECKING, Any, ClassVar

from bench import worlds
from bench.ingest.ours import _rss_mb
from bench.ingest.tape import BASE_NS, FIRST_ID, LATE_NS, SYMBOLS
from feeds.clock import Moment
from feeds.events import Batch, ColumnBatch
from feeds.streaming.requests import Answer
from feeds.streaming.state import StreamState
from feeds.streaming.vendor import FrameResult, ManyFrames
from rotation.columns import PrintColumns
from rotation.market.market import Market
from rotation.quote import NS, Role
from rotation.status import Mode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from feeds.streaming.vendor import Frame

SECONDS, RATE = 3600, 20_000
WARM_S = 240
"""By then all that is kept for minutes has come."""
READINGS = 60
"""Of memory, in a run."""


class Tape:
    """One second of prints after the other, and by symbol what they add up to."""

    def __init__(self, rate: int) -> None:
        self._dice = Random(1)
        self._rate = rate
        self._names = worlds.symbols(SYMBOLS)
        self._weights = [1 / (place + 30) for place in range(SYMBOLS)]
        self._cents = dict.fromkeys(self._names, 10_000)
        self._next_id = FIRST_ID
        self.days: dict[str, list[Any]] = {}
        """By symbol: identity of the last print, its price, high, low, volume."""

    def second(self, start_ns: int) -> PrintColumns:
        """The prints of a second."""
        dice, columns = self._dice, PrintColumns([], [], [], [], [], [])
        for i, name in enumerate(dice.choices(self._names, self._weights, k=self._rate)):
            ts_ns, chance = start_ns + i * NS // self._rate, dice.random()
            if chance < 0.01 and i:
                earlier = dice.randrange(max(i - 500, 0), i)
                for field in columns.__struct_fields__:
                    column = getattr(columns, field)
                    column.append(column[earlier])
                continue
            ts_ns -= dice.randrange(LATE_NS) if chance < 0.02 else 0
            cents = self._cents[name] = max(self._cents[name] + dice.choice((-1, 0, 0, 1)), 9_000)
            is_odd_lot = chance > 0.8
            self._next_id += 1
            row = (name, ts_ns, cents / 100, self._next_id, 100, int(Role.SIZE if is_odd_lot else Role.PRICE))
            for field, value in zip(columns.__struct_fields__, row, strict=True):
                getattr(columns, field).append(value)
            self._note(name, (ts_ns, self._next_id), cents / 100, sets_last=not is_odd_lot)
        return columns

    def _note(self, name: str, identity: tuple[int, int], price: float, *, sets_last: bool) -> None:
        day = self.days.setdefault(name, [(0, 0), 0.0, float("-inf"), float("inf"), 0])
        day[4] += 100
        if sets_last:
            day[2], day[3] = max(day[2], price), min(day[3], price)
            if identity > day[0]:
                day[0], day[1] = identity, price


class Vendor:
    """A vendor of which every frame names a second, and of which REST has nothing."""

    name, mode, url, keyed, beat_s = "Soak", Mode(), "", False, None
    headers: ClassVar[dict[str, str]] = {}
    heartbeats = acknowledges = False
    most_symbols = None

    def __init__(self, tape: Tape) -> None:
        self._tape = tape

    def conversation(self) -> Vendor:
        """There is only one connection."""
        return self

    def opened(self) -> tuple[Frame, ...]:
        """No greeting."""
        return ()

    def received(self, frame: Frame) -> FrameResult:
        """Every frame is read at once."""
        raise AssertionError(frame)

    def received_many(self, frames: Sequence[Frame], start: int) -> ManyFrames:
        """The prints of one second."""
        return ManyFrames(1, self._tape.second(int(frames[start])))

    def subscribe(self, symbols: frozenset[str]) -> tuple[Frame, ...]:
        """Nothing need be sent."""
        del symbols
        return ()

    def beat(self) -> tuple[Frame, ...]:
        """Nothing."""
        return ()


def run(seconds: int, rate: int) -> dict[str, Any]:
    """The whole run."""
    names = worlds.symbols(SYMBOLS)
    tape = Tape(rate)
    state = StreamState(Vendor(tape), names, Moment(0.0, BASE_NS), random=lambda: 0.5)  # type: ignore[arg-type]
    market = Market(worlds.history(worlds.TWELVE, 300), as_of_ns=BASE_NS - NS, members=names)
    state.on_connecting(Moment(0.0, BASE_NS))
    state.on_connected(Moment(0.0, BASE_NS))
    given, columns, rss = 0, 0, []
    began_s = time.process_time()
    for second in range(seconds):
        now = Moment(second + 1.0, BASE_NS + (second + 1) * NS)
        state.on_frames([str(BASE_NS + second * NS)], now)
        state.on_tick(now)
        for request in state.requests.take():
            state.on_answer(request, Answer(), now)
        state.take_actions()
        state.on_pong()
        for event in state.take_events():
            if isinstance(event, ColumnBatch):
                given, columns = given + event.rows.height, columns + 1
                market.apply_columns(event.rows, as_of_ns=now.ns)
            elif isinstance(event, Batch):
                given += len(event.quotes)
                market.apply(event.quotes, as_of_ns=now.ns)
        if second % max(seconds // READINGS, 1) == 0:
            rss.append(_rss_mb())
    session_filter = market._filter  # noqa: SLF001 - what the figures rest on
    wrong = []
    for name, ((ts_ns, seq), price, high, low, volume) in tape.days.items():
        prints = session_filter.prints(name, "REGULAR")
        assert prints is not None
        last = (0, 0, 0.0) if prints.last is None else (prints.last.ts_ns, prints.last.seq, prints.last.price)
        shown = (*last, prints.high, prints.low, prints.volume)
        if shown != (ts_ns, seq, price, high, low, volume):
            wrong.append(name)
    return {
        "bench": "ingest.soak",
        "seconds": seconds,
        "quotes": seconds * rate,
        "let_in": given,
        "repeated": state.filter.duplicates,
        "rejected": state.filter.rejects,
        "conflated": state.buffer.conflated,
        "lost": seconds * rate - given - state.filter.duplicates - state.filter.rejects,
        "events_of_columns": columns,
        "cpu_s": round(time.process_time() - began_s),
        "rss_mb": rss,
        "symbols": len(tape.days),
        "wrong": len(wrong),
    }


def main() -> None:
    given = [int(text) for text in sys.argv[1:]]
    result = run(*(given + [SECONDS, RATE][len(given) :]))
    print(json.dumps(result))
    warm = result["rss_mb"][WARM_S // max(result["seconds"] // READINGS, 1) :]
    early, late = warm[: len(warm) // 2], warm[len(warm) // 2 :]
    has_grown = bool(early) and median(late) > 1.1 * median(early)
    sys.exit(1 if result["wrong"] or result["lost"] or has_grown else 0)


if __name__ == "__main__":
    main()
