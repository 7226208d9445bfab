"""``hub URL PORT REPLICAS`` or ``viewer URL``: a process of a scene; a viewer prints what it has, as JSON.

Every line has the time at which its process made it, by the machine's monotonic clock, which all share.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections import Counter
from typing import Any

from feeds.clock import wall_ns
from feeds.hub.broker.connection import Access
from feeds.hub.broker.serve import Hub
from feeds.hub.broker.tape_stream import Limits
from feeds.hub.broker.viewer import HubFeed
from feeds.supervisor import Supervisor
from rotation.desk import Desk
from rotation.history import History
from rotation.market.market import Market
from tests.support.hub.prices import SYMBOLS, PriceFeed
from tests.support.live_desk import closes
from tui.cli.hub.running import until_stopped

EVERY_S = 0.1


def _desk() -> Desk:
    return Desk(legs=SYMBOLS)


async def hub(url: str, port: int, replicas: int) -> None:
    """Publish what a PriceServer says."""

    def make() -> tuple[Supervisor, tuple[str, ...]]:
        now_ns = wall_ns()
        market = Market(closes(now_ns), _desk(), as_of_ns=now_ns, members=SYMBOLS)
        return Supervisor(market, [PriceFeed(port)]), SYMBOLS

    def report(line: str) -> None:
        print(f"{time.monotonic():.3f} {line}", flush=True)

    limits = Limits(days=1.0, bytes=64 * 2**20)
    await until_stopped(Hub(Access(url), make, report, replicas=replicas, tape=limits).run())


async def viewer(url: str) -> None:
    """Print last prices, states and counters, ten times a second."""
    feed = HubFeed(Access(url))
    market = Market(History.empty(), _desk(), as_of_ns=wall_ns(), members=SYMBOLS)
    supervisor: Any = Supervisor(market, [feed], clock_ns=feed.hub_clock_ns)
    running = asyncio.create_task(supervisor.run())
    newest: dict[str, int] = {}
    regressions = 0
    kinds: Counter[str] = Counter()
    while not running.done():
        snapshot = supervisor.latest
        last: dict[str, list[float]] = {}
        if snapshot is not None:
            for day in supervisor.days(SYMBOLS):
                part = day.parts[1]
                if part is not None and part.last is not None:
                    last[day.symbol] = [part.last.ts_ns, part.last.price]
                    regressions += part.last.ts_ns < newest.get(day.symbol, 0)
                    newest[day.symbol] = max(part.last.ts_ns, newest.get(day.symbol, 0))
            kinds.update({leg.status.kind.value for leg in snapshot.legs.values()})
        leg = None if snapshot is None else snapshot.legs.get("IWM")
        counters = feed.receiver.counters
        line = {
            "at_s": time.monotonic(),
            "last": last,
            "kind": None if leg is None else leg.status.kind.value,
            "kinds": dict(kinds),
            "regressions": regressions,
            "gaps": counters.gaps,
            "hostile": counters.hostile,
            "older": counters.older,
            "history": len(supervisor.history.symbols),
        }
        print(json.dumps(line), flush=True)
        await asyncio.sleep(EVERY_S)
    running.result()


def main() -> None:
    what, url, *more = sys.argv[1:]
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(hub(url, int(more[0]), int(more[1])) if what == "hub" else viewer(url))


if __name__ == "__main__":
    main()
