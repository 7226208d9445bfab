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
from statistics import median
from typing import TYPE_CHECKING, Any, ClassVar

from bench import worlds
from bench.ingest.compare import wrong_in_market
from bench.ingest.ours import _rss_mb
from bench.ingest.tape import BASE_NS, SYMBOLS, LongTape
from feeds.clock import Moment
from feeds.events import Batch, ColumnBatch
from feeds.streaming.requests import Answer
from feeds.streaming.state import StreamState
from feeds.streaming.vendor import FrameResult, ManyFrames
from rotation.market.market import Market
from rotation.quote import NS
from rotation.status import Mode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from feeds.streaming.vendor import Frame

SECONDS, RATE = 3600, 20_000
WARM_S = 240
"""By then all that is kept for minutes has come."""
READINGS = 60
"""Of memory, in a run."""
GROWN = 1.1
"""Memory late in a run over that of when it was warm, at most."""


class Vendor:
    """A vendor of which every frame names a second, and of which REST has nothing."""

    name, mode, url, keyed, beat_s = "Soak", Mode(), "", False, None
    headers: ClassVar[dict[str, str]] = {}
    heartbeats = acknowledges = False
    most_symbols = None

    def __init__(self, tape: LongTape) -> None:
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


def warm_and_late(rss_mb: Sequence[float], seconds: int) -> tuple[float, float]:
    """Medians of memory over the two halves of what follows the warm-up; of a short run, of all of it."""
    warm = rss_mb[WARM_S // max(seconds // READINGS, 1) :] or rss_mb
    half = len(warm) // 2
    return median(warm[:half] or warm), median(warm[half:])


def run(seconds: int, rate: int) -> dict[str, Any]:
    """The whole run."""
    names = worlds.symbols(SYMBOLS)
    tape = LongTape(rate)
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
    wrong = wrong_in_market(market, tape.days)
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
    early_mb, late_mb = warm_and_late(result["rss_mb"], result["seconds"])
    has_grown = late_mb > GROWN * early_mb
    sys.exit(1 if result["wrong"] or result["lost"] or has_grown else 0)


if __name__ == "__main__":
    main()
