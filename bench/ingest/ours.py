"""Our own way from the socket to the Snapshot.

``python -m bench.ingest.ours KIND PER_FRAME COUNT RATE`` prints one JSON object. A process of its own, so
that its memory and CPU time are its alone.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import worlds
from bench.common import BenchError, quantile
from bench.ingest.compare import checked, differences
from bench.ingest.serving import serving
from bench.ingest.stages import Stages
from bench.ingest.tape import BASE_NS, FIRST_ID, NOMINAL_PER_S, SYMBOLS, tape
from feeds.events import Batch, ColumnBatch
from feeds.http.cached import CachedClient
from feeds.streaming.feed import PACE_S, StreamFeed
from feeds.streaming.requests import Reference
from feeds.supervisor import Supervisor
from feeds.vendors.alpaca.stream import Alpaca
from feeds.vendors.massive.stream import Massive
from rotation.market.market import Market
from rotation.quote import NS

if TYPE_CHECKING:
    from datetime import date

    from bench.ingest.serving import Serving
    from feeds.events import Event
    from feeds.streaming.vendor import Vendor

SAMPLED = 8
"""Prints of each event whose way is timed, evenly chosen."""
IDLE_S = 8.0
"""The stream has ended when nothing has come for so long: quotes are held for up to 5 s at its start."""


def vendor(kind: str, port: int, http: CachedClient) -> Vendor:
    """The vendor as configured for everyone, at the server's address, with a plan of trades of everything."""
    url = f"ws://127.0.0.1:{port}"
    if kind == "massive":
        os.environ["ROTATION_TUI_MASSIVE_STREAM_URL"] = url
        return NoRestMassive("KEY", http)
    os.environ["ROTATION_TUI_ALPACA_STREAM_URL"] = url
    packed = kind == "alpaca-msgpack"
    return NoRestAlpaca("KEYID", "SECRET", http, feed="sip", channels=4 * SYMBOLS, packed=packed)


class _NoRest:
    """REST has nothing here: gaps and corrections find no bars."""

    async def snapshot(self, symbols: frozenset[str]) -> tuple[Any, ...]:
        del symbols
        return ()

    async def backfill(self, symbols: frozenset[str], start_ns: int, end_ns: int) -> tuple[Any, ...]:
        del symbols, start_ns, end_ns
        return ()

    async def reference(self, symbols: frozenset[str], session: date) -> Reference:
        del symbols, session
        return Reference({}, {})


class NoRestAlpaca(_NoRest, Alpaca):
    """Alpaca's stream alone."""


class NoRestMassive(_NoRest, Massive):
    """Massive's stream alone."""


class Watched:
    """What came out of the stream, and when the market had it."""

    def __init__(self, serving: Serving, rate: int) -> None:
        self._serving = serving
        self._rate = rate
        self.events: list[Event] = []
        self.count = 0
        self.last_ns = 0
        self.lags_ns: list[int] = []
        self._waiting: list[int] = []

    def observe(self, feed: str, event: Event, as_of_ns: int) -> None:
        """The supervisor's observer: an event is about to be taken."""
        del feed, as_of_ns
        count = height_of(event)
        if not count:
            return
        self.events.append(event)
        self.count += count
        self._waiting += times_of(event, self._rate, max(count // SAMPLED, 1))

    def waiting(self) -> list[int]:
        """When the prints were due, a part of them, that the next Snapshot will hold."""
        return self._waiting

    def published(self) -> None:
        """The market has answered with a Snapshot."""
        if self._waiting:
            now_ns, self._waiting, times = self._serving.clock_ns(), [], self._waiting
            self.last_ns = time.monotonic_ns()
            self.lags_ns += [now_ns - ts_ns for ts_ns in times]


def height_of(event: Event) -> int:
    """How many prints an event has."""
    if isinstance(event, ColumnBatch):
        return event.rows.height
    return len(event.quotes) if isinstance(event, Batch) else 0


def times_of(event: Event, rate: int, step: int) -> list[int]:
    """When one print of each ``step`` was due on the tape, the newest among them.

    By their numbers: some are of an earlier time, and columns are in the order of symbols.
    """
    if isinstance(event, ColumnBatch):
        numbers: list[int] = event.rows["seq"].to_list()
    else:
        numbers = [quote.seq for quote in event.quotes] if isinstance(event, Batch) else []
    chosen = sorted(numbers, reverse=True)[::step]
    return [BASE_NS + (number - FIRST_ID) * NS // (rate or NOMINAL_PER_S) for number in chosen]


def desk(kind: str, server: Serving, http: CachedClient) -> tuple[StreamFeed, Supervisor]:
    """A market of all symbols, twelve of them with a history, and the stream that is served."""
    names = worlds.symbols(SYMBOLS)
    market = Market(worlds.history(worlds.TWELVE, 300), as_of_ns=BASE_NS - NS, members=names)
    look_back = market.pass_ahead(newest_ns=BASE_NS)  # once a session, in a thread: no cost of a quote
    if look_back is not None:
        market.take_ahead(look_back())
    stream = StreamFeed(vendor(kind, server.port, http), names, time=server.time(), pace_s=PACE_S)
    return stream, Supervisor(market, [stream], clock_ns=server.clock_ns)


async def run(kind: str, per_frame: int, count: int, rate: int) -> dict[str, Any]:
    """Serve a tape, read it to its end, and compare."""
    stages = Stages()
    async with (
        serving(kind, per_frame, count, rate) as server,
        CachedClient() as http,
        asyncio.TaskGroup() as group,
    ):
        stream, supervisor = desk(kind, server, http)
        watched = Watched(server, rate)
        supervisor.observer = watched.observe
        _on_publish(supervisor, watched)
        driven = group.create_task(supervisor.run())
        await asyncio.wait_for(server.until_go(), 60)
        before_s, rss_before = time.process_time(), _rss_mb()
        sent = group.create_task(server.until_sent())
        idle_from, seen, cpu_s = time.monotonic(), -1, 0.0
        with stages.measured():
            while not sent.done() or time.monotonic() - idle_from < IDLE_S:
                await asyncio.sleep(0.1)
                if watched.count != seen:
                    idle_from, seen, cpu_s = time.monotonic(), watched.count, time.process_time() - before_s
        stats = stream.stats()
        driven.cancel()
    assert server.go_ns is not None
    messages = tape(count, rate)
    seconds = (watched.last_ns - server.go_ns) / NS
    legs = supervisor.latest.legs if supervisor.latest else {}
    lags_ms = [lag / 1e6 for lag in watched.lags_ns] or [0.0]
    return {
        "quotes": count,
        "quotes_per_s": round(count / seconds),
        "quotes_per_cpu_s": round(count / cpu_s),
        "cpu_us_per_quote": round(1e6 * cpu_s / count, 2),
        "cpu_us_by_stage": stages.us_per_quote(cpu_s, count),
        "to_snapshot_ms": {"p50": round(quantile(lags_ms, 50), 1), "p99": round(quantile(lags_ms, 99), 1)},
        "events": len(watched.events),
        "conflated": stats.conflated,
        "duplicates": stats.duplicates,
        "rejects": stats.rejects,
        "rss_mb": {"before": rss_before, "after": _rss_mb(), "peak": _peak_mb()},
        "differences": differences(
            messages, watched.events, market_of(supervisor), legs, coarse=kind == "massive"
        ),
    }


def market_of(supervisor: Supervisor) -> Market:
    """The market whose figures are compared."""
    return supervisor._market  # noqa: SLF001 - what the Snapshot rests on


def _on_publish(supervisor: Supervisor, watched: Watched) -> None:
    class NotingListener(type(supervisor.listen())):  # type: ignore[misc]
        def put(self, snapshot: Any) -> None:
            del snapshot
            watched.published()

    listener = NotingListener()
    supervisor._listeners.add(listener)  # noqa: SLF001 - the moment of publication, without a task between
    watched.listener = listener  # type: ignore[attr-defined] # held weakly there


def _rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text("utf-8").split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)


def _peak_mb() -> float:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3, 1)


def main() -> None:
    kind, *numbers = sys.argv[1:]
    try:
        result = asyncio.run(run(kind, *(int(number) for number in numbers)))
        print(json.dumps(result))
        checked(result)
    except* BenchError as errors:
        sys.exit(str(errors.exceptions[0]))


if __name__ == "__main__":
    main()
