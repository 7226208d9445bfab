"""``URL SECONDS SYMBOLS SHIFT_NS``: the viewer's end of the bench, in a process of its own; prints JSON."""

from __future__ import annotations

import asyncio
import json
import sys
import time

from bench.common import memory_mb, quantile
from feeds.clock import Moment, wall_ns
from feeds.hub.broker.connection import Access
from feeds.hub.broker.viewer import HubFeed
from feeds.hub.wire import subjects
from feeds.hub.wire.codec import decode
from feeds.supervisor import Supervisor
from rotation.history import History
from rotation.market.market import Market

LATENCIES = 200_000
MANY = 100
"""Symbols from which on every seventh quote is timed; of fewer each is, or a short run has none."""
SHIFT_NS = int(sys.argv[4]) if len(sys.argv) > 4 else 0


async def run(url: str, seconds: float, count: int) -> dict[str, float]:
    """Watch a hub of so many symbols."""
    feed = HubFeed(Access(url))
    receiver = feed.receiver
    latencies: list[float] = []
    sizes = quotes = 0
    take = receiver.take
    every = 7 if count >= MANY else 1

    def measured(subject: str, data: bytes, now: Moment, *, pushed: bool = True) -> bool:
        nonlocal sizes, quotes
        if pushed and subject.startswith(subjects.QUOTES):
            quotes += 1
            sizes += len(data)
            if len(latencies) < LATENCIES and quotes % every == 0:
                latencies.append((time.time_ns() + SHIFT_NS - decode(subject, data).as_of_ns) / 1e6)
        return take(subject, data, now, pushed=pushed)

    receiver.take = measured
    began_s = time.monotonic()
    supervisor = Supervisor(Market(History.empty(), as_of_ns=wall_ns()), [feed], clock_ns=feed.hub_clock_ns)
    task = asyncio.create_task(supervisor.run())
    while not (receiver.is_complete and len(receiver.symbols) >= count):  # noqa: ASYNC110 - it is timed
        await asyncio.sleep(0.005)
    whole_s = time.monotonic() - began_s
    await asyncio.sleep(2.0)
    latencies.clear()
    quotes = sizes = 0
    cpu_s, start_s = time.process_time(), time.monotonic()
    await asyncio.sleep(seconds)
    taken_s = time.monotonic() - start_s
    made = {
        "whole_market_s": round(whole_s, 3),
        "quotes_per_s": round(quotes / taken_s),
        "bytes_per_quote": round(sizes / max(quotes, 1), 1),
        "p50_ms": round(quantile(latencies, 50), 2),
        "p99_ms": round(quantile(latencies, 99), 2),
        "viewer_cpu_pct": round((time.process_time() - cpu_s) / taken_s * 100, 1),
        "gaps": receiver.counters.gaps,
        "viewer_mb": round(memory_mb("/proc/self/smaps_rollup")["Rss"], 1),
    }
    task.cancel()
    return made


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run(sys.argv[1], float(sys.argv[2]), int(sys.argv[3])))))
