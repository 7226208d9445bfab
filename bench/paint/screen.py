"""The screen that ``bench.paint`` measures: ``python -m bench.paint.screen UPDATES IDLE_S FILE`` in a pty.

The app is the program's own, on Textual's own terminal driver; only the desk behind it is a stub, which
hands over snapshots made beforehand. What was measured is written to FILE as one JSON object.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import polars as pl
from textual.drivers.linux_driver import LinuxDriver

from feeds.demo.fed import demo_fed
from feeds.desk.opened import desk_legs, sources
from feeds.tapes.reading import quotes
from rotation.history import History
from rotation.market.market import Market
from rotation.quote import NS, Quote
from rotation.sessions import from_ns
from rotation.snapshot import FeedHealth, Tape
from rotation.status import Kind
from tui.screen.app import FRAME_S, RotationApp
from tui.view import theme
from tui.view.view_state import ViewState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from rotation.context.wants import Wants
    from rotation.snapshot import Snapshot
    from tui.desk import Controls, Desk

WARM_UP = 10
"""Updates before measuring: the first whole paint, caches."""
UPDATE_S = 0.1
"""Ten updates a second."""
FRAME_NS = 6 * NS
"""Tape time between updates, as at 60 times real speed."""
CLONES = {"RUT": ("IWM", 10.0), "NDX": ("QQQ", 40.0), "TLT": ("DIA", 2.0)}
"""Legs that the demo lacks: another's prices times this."""


def snapshots(count: int) -> list[Snapshot]:
    """The demo's busiest hour with all ten legs, each of them printing anew before every snapshot."""
    source = sources.demo()
    assert source.tape is not None
    assert source.starts_ns is not None
    market = Market(
        _with_clones(source.history),
        desk_legs.desk_for(source.history, ("IWM", "QQQ"), "price"),
        as_of_ns=0,
        origin=source.origin,
    )
    known = demo_fed(source.starts_ns)
    assert known is not None
    market.take_fed(known)
    first, last = (from_ns(source.tape["ts_ns"][i]) for i in (0, -1))
    prices: dict[str, Quote] = {}
    taken: list[Snapshot] = []
    at_ns, total = source.starts_ns - FRAME_NS, 0
    before_ns = 0
    for step in range(count):
        at_ns += FRAME_NS
        due = quotes(source.tape.filter(pl.col("ts_ns").is_between(before_ns, at_ns, closed="right")))
        before_ns = at_ns
        batch = [*due, *_filled_up(due, prices, at_ns, step)]
        batch += [
            msgspec.structs.replace(quote, symbol=clone, price=round(quote.price * factor, 2))
            for clone, (symbol, factor) in CLONES.items()
            for quote in batch
            if quote.symbol == symbol
        ]
        total += len(batch)
        tape = Tape(from_ns(at_ns), first, last, speed=60.0, held=False)
        snapshot = market.apply(batch, as_of_ns=at_ns)
        health = msgspec.structs.replace(
            snapshot.health,
            feeds=(FeedHealth("demo", "DEMO", "", total, step + 1, kind=Kind.DEMO),),
            tape=tape,
        )
        taken.append(msgspec.structs.replace(snapshot, health=health))
    return taken


def _with_clones(history: History) -> History:
    copies = [
        history.frame.filter(pl.col("symbol") == symbol).with_columns(
            pl.lit(clone).alias("symbol"), (pl.col("close", "adj_close") * factor).round(2)
        )
        for clone, (symbol, factor) in CLONES.items()
    ]
    return History(pl.concat([history.frame, *copies]), history.source)


def _filled_up(due: list[Quote], last: dict[str, Quote], at_ns: int, step: int) -> list[Quote]:
    """A print a few cents away for every symbol whose price would not change."""
    before = {symbol: quote.price for symbol, quote in last.items()}
    last |= {quote.symbol: quote for quote in due}
    more = []
    for symbol, quote in last.items():
        if before.get(symbol) == quote.price:
            moved = round(quote.price + (0.03 if step % 2 else -0.03), 2)
            last[symbol] = msgspec.structs.replace(quote, ts_ns=at_ns, seq=step - 10_000, price=moved)
            more.append(last[symbol])
    return more


class CountedDriver(LinuxDriver):
    """The terminal's driver, counting what it writes."""

    written = 0

    def write(self, data: str) -> None:
        """Textual writes."""
        CountedDriver.written += len(data.encode())
        super().write(data)


class StubDesk:
    """Publishes ten snapshots a second, then nothing for a while, then quits the app."""

    controls: Controls | None = None

    def __init__(self, prepared: list[Snapshot], idle_s: float) -> None:
        self._prepared = prepared
        self._idle_s = idle_s
        self._done = asyncio.Event()
        self.bytes: list[int] = []
        self.wall_s = self.cpu_s = self.idle_cpu_s = 0.0

    async def run(self) -> None:
        """Nothing to drive."""
        await self._done.wait()

    async def listen(self) -> AsyncIterator[Snapshot]:
        """Every snapshot once, measured from the end of the warm-up to the last frame's rest."""
        totals = []
        cpu, wall = 0.0, 0.0
        for i, snapshot in enumerate(self._prepared):
            totals.append(CountedDriver.written)
            if i == WARM_UP:
                cpu, wall = time.process_time(), time.monotonic()
            yield snapshot
            await asyncio.sleep(UPDATE_S - FRAME_S)
        self.cpu_s, self.wall_s = time.process_time() - cpu, time.monotonic() - wall
        totals.append(CountedDriver.written)
        self.bytes = [after - before for before, after in pairwise(totals)]
        cpu = time.process_time()
        await asyncio.sleep(self._idle_s)
        self.idle_cpu_s = time.process_time() - cpu
        self._done.set()

    def want(self, asked: Wants) -> None:
        """Whatever is wanted, these were made before."""


class MeasuredApp(RotationApp):
    """Quits when the stub has nothing more to say."""

    async def _follow(self, desk: Desk) -> None:
        await super()._follow(desk)
        self.exit()


def main() -> None:
    updates, idle_s, file = int(sys.argv[1]), float(sys.argv[2]), Path(sys.argv[3])
    desk = StubDesk(snapshots(WARM_UP + updates), idle_s)
    app = MeasuredApp(lambda: desk, ViewState(themes=theme.names()))
    app.driver_class = CountedDriver
    app.run()
    if app.failure is not None:
        raise app.failure
    # Updates that come faster than a person reads paint nothing of their own.
    sizes = [float(size) for size in desk.bytes[WARM_UP:] if size]
    figures = {
        "cpu_ms": desk.cpu_s * 1e3 / updates,
        "per_second": updates / desk.wall_s,
        "busy_pct": 100 * desk.cpu_s / desk.wall_s,
        "idle_pct": 100 * desk.idle_cpu_s / idle_s,
        "bytes": sizes,
        "first_bytes": desk.bytes[0],
    }
    file.write_text(json.dumps(figures), "utf-8")


if __name__ == "__main__":
    main()
