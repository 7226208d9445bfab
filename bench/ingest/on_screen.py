"""A busy market with the desk on screen: ``python -m bench.ingest.on_screen [SECONDS RATE SPEED]``.

A desk in a pseudo-terminal at 160×45 is served SECONDS of a tape of 2,100 symbols, RATE quotes a second of
the session, and SPEED seconds of the session in a second: 3,600 at four times the speed take a quarter of an
hour. Somebody presses a key twice a second. Prints one JSON object: what was lost, the memory when it was
warm and at the end, and how long keys took to be painted. Exits with 1 where a print is lost, a last price,
high, low or volume differs from the tape's, memory grew by more than a tenth, or a hundredth of the keys took
longer than 50 ms.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import worlds
from bench.common import BenchError, blank_home, load_before, quantile
from bench.ingest.compare import wrong_in_market
from bench.ingest.ours import _rss_mb, vendor
from bench.ingest.painted import MeasuredApp
from bench.ingest.serving import serving
from bench.ingest.soak import GROWN, READINGS, warm_and_late
from bench.ingest.supervised import SupervisedDesk
from bench.ingest.tape import BASE_NS, SYMBOLS
from bench.terminal import Terminal
from feeds.events import Batch, ColumnBatch
from feeds.http.cached import CachedClient
from feeds.streaming.feed import PACE_S, StreamFeed
from feeds.supervisor import Supervisor
from rotation.desk import WINDOWS
from rotation.market.market import Market
from rotation.quote import NS
from tui.screen.terminal import keep_what_stays
from tui.view import theme
from tui.view.view_state import ViewState

if TYPE_CHECKING:
    from bench.ingest.serving import Serving
    from feeds.events import Event

DEFAULT = (3600, 20_000, 4)
PER_FRAME = 20
QUIET_S = 8.0
"""After the last print has been sent: quotes may be held for up to 5 s."""
KEY_S = (0.2, 0.8)
"""Between a key's paint and the next key."""
KEY_P99_MS = 50.0
COMPARED_S = 180.0
"""A key that is never painted was pressed when the tape had ended: its days are being compared."""


class LongDesk(SupervisedDesk):
    """A desk over a long tape, until it has ended."""

    def __init__(self, server: Serving, supervisor: Supervisor, reading_s: float) -> None:
        """``reading_s``: between two readings of memory."""
        super().__init__(supervisor)
        self._server = server
        self._reading_s = reading_s
        self.count = 0
        self.cpu_s = 0.0
        self.seconds = 0.0
        self.rss_mb: list[float] = []
        self.report: dict[str, Any] = {}

    def observe(self, feed: str, event: Event, as_of_ns: int) -> None:
        """The supervisor's observer: prints are counted."""
        del feed, as_of_ns
        if isinstance(event, ColumnBatch):
            self.count += event.rows.height
        elif isinstance(event, Batch):
            self.count += len(event.quotes)

    async def run(self) -> None:
        """Until QUIET_S after the end of the tape."""
        driven = asyncio.create_task(self._supervisor.run())
        measured = None
        try:
            await asyncio.wait_for(self._server.until_go(), 60)
            measured = asyncio.create_task(self._measure())
            before_s, began_s = time.process_time(), time.monotonic()
            await self._server.until_sent()
            self.cpu_s, self.seconds = time.process_time() - before_s, time.monotonic() - began_s
            self.report = await self._server.report()
            await asyncio.sleep(QUIET_S)
        finally:
            tasks = [task for task in (driven, measured) if task is not None]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _measure(self) -> None:
        while True:
            await asyncio.sleep(self._reading_s)
            self.rss_mb.append(_rss_mb())


async def screen(seconds: int, rate: int, speed: int) -> dict[str, Any]:
    """The measured process."""
    names = worlds.symbols(SYMBOLS)
    quotes = seconds * rate // PER_FRAME * PER_FRAME
    async with serving("alpaca-json", PER_FRAME, quotes, rate, speed=speed) as server, CachedClient() as http:
        market = Market(worlds.history(worlds.TWELVE, 300), as_of_ns=BASE_NS - NS, members=names)
        trades = vendor("alpaca-json", server.port, http)
        stream = StreamFeed(trades, names, time=server.time(), pace_s=PACE_S * speed)
        supervisor = Supervisor(market, [stream], clock_ns=server.clock_ns)
        desk = LongDesk(server, supervisor, max(seconds // READINGS, 1) / speed)
        supervisor.observer = desk.observe
        app = MeasuredApp(lambda: desk, ViewState(themes=theme.names()))
        keep_what_stays(app)  # as the program does it
        await app.run_async()
        if app.failure is not None:
            raise app.failure
        stats = stream.stats()
    days = desk.report["days"]
    warm_mb, late_mb = warm_and_late(desk.rss_mb, seconds)
    return {
        "quotes": quotes,
        "let_in": desk.count,
        "repeated": stats.duplicates,
        "rejected": stats.rejects,
        "conflated": stats.conflated,
        "lost": quotes - desk.count - stats.duplicates - stats.rejects,
        "symbols": len(days),
        "wrong": len(wrong_in_market(market, days)),
        "cpu_s": round(desk.cpu_s),
        "busy_pct": round(100 * desk.cpu_s / desk.seconds, 1),
        "server_latest_ms": desk.report["latest_ms"],
        "rss_warm_mb": warm_mb,
        "rss_end_mb": late_mb,
        "rss_mb": desk.rss_mb,
    }


def measure(seconds: int, rate: int, speed: int) -> dict[str, Any]:
    """In a terminal of its own, with keys. Raises BenchError."""
    load = load_before()
    with blank_home() as env:
        file = Path(env["HOME"]) / "on_screen.json"
        argv = [
            sys.executable,
            "-m",
            "bench.ingest.on_screen",
            "screen",
            *map(str, (seconds, rate, speed, file)),
        ]
        with Terminal(argv, env, width=160, height=45) as terminal:
            waits_ms = _press(terminal, 120 + 4 * seconds / speed)
        if not file.exists():
            raise BenchError(f"the served screen failed: {terminal.ending()}")
        result: dict[str, Any] = json.loads(file.read_text("utf-8"))
    asked = {
        "bench": "ingest.on_screen",
        "load_before": load,
        "seconds": seconds,
        "rate": rate,
        "speed": speed,
    }
    return asked | key_waits(waits_ms) | result


def key_waits(waits_ms: list[float]) -> dict[str, Any]:
    """How long keys took to be painted. Raises BenchError where none was: nothing was measured then."""
    if not waits_ms:
        raise BenchError("no key was painted while the tape ran")
    keys = {f"key_p{share}_ms": round(quantile(waits_ms, share), 1) for share in (50, 90, 99)}
    return {"keys": len(waits_ms), **keys, "key_worst_ms": round(max(waits_ms), 1)}


def _press(terminal: Terminal, limit_s: float) -> list[float]:
    """Choose another window twice a second until the program ends; ms from each key until it is painted."""
    dice, place, waits_ms = random.Random(1), 1, []
    deadline = time.monotonic() + limit_s
    terminal.until(f"window {WINDOWS[place]}")
    while not terminal.ended(0):
        if time.monotonic() > deadline:
            raise BenchError("the served screen did not end")
        terminal.rest(dice.uniform(*KEY_S))
        step = 1 if place == 0 else -1 if place == len(WINDOWS) - 1 else dice.choice((-1, 1))
        try:
            pressed = terminal.press(b"]" if step > 0 else b"[")
            waits_ms.append(1_000 * (terminal.until(f"window {WINDOWS[place + step]}") - pressed))
        except (BenchError, OSError):
            if terminal.ended(COMPARED_S):
                break
            raise
        place += step
    return waits_ms


def main() -> None:
    if sys.argv[1:2] == ["screen"]:
        *numbers, file = sys.argv[2:]
        result = asyncio.run(screen(*(int(number) for number in numbers)))
        Path(file).write_text(json.dumps(result), "utf-8")
        return
    given = [int(text) for text in sys.argv[1:]]
    result = measure(*(*given, *DEFAULT[len(given) :]))
    print(json.dumps(result))
    has_grown = result["rss_end_mb"] > GROWN * result["rss_warm_mb"]
    is_slow = result["key_p99_ms"] > KEY_P99_MS
    sys.exit(1 if result["lost"] or result["wrong"] or has_grown or is_slow else 0)


if __name__ == "__main__":
    main()
