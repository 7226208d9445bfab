"""Hub to viewer over a real NATS server: encodings compared, then quotes, latency, bytes, CPU at both ends.

Every symbol prints twice a second. ``p50_ms`` is from the hub's tick to the viewer's callback;
``whole_market_s`` from a viewer's start to all last values and the history.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.common import BenchError, Measured, memory_mb
from bench.hub.formats import measured
from bench.worlds import SESSION, history, symbols
from feeds.clock import Time
from feeds.events import Batch, Status
from feeds.hub.broker.connection import Access
from feeds.hub.broker.serve import Hub
from feeds.supervisor import Supervisor
from rotation.desk import Desk
from rotation.market.market import Market
from rotation.quote import Quote
from rotation.sessions import open_ns
from rotation.status import LIVE, Kind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SIZES = (12, 2100)
EVERY_S = 0.5
SESSIONS = 60


class _Prints:
    """Every symbol, every ``every_s``."""

    name, mode = "bench", LIVE

    def __init__(self, names: list[str], clock: Time, every_s: float) -> None:
        self.symbols = frozenset(names)
        self._names, self._clock, self._every_s = names, clock, every_s

    def mode_of(self, symbol: str) -> Any:
        del symbol
        return LIVE

    def stats(self) -> None:
        return None

    def tape(self) -> None:
        return None

    async def events(self) -> AsyncIterator[Any]:
        yield Status(Kind.LIVE)
        number = 0
        while True:
            number += 1
            at_ns = self._clock.clock_ns()
            yield Batch(tuple(Quote(s, at_ns, 100 + number % 50 / 100, number, 100) for s in self._names))
            await asyncio.sleep(self._every_s)


async def watched(
    url: str, count: int, seconds: float, *, every_s: float = EVERY_S, server: int | None = None
) -> dict[str, Any]:
    """A hub of so many symbols and a viewer of it. ``server``: the NATS server's process, measured too."""
    names = symbols(count)
    # The generated session's clock, running: latency is the machine's, the calendar is the world's.
    shift_ns = open_ns(SESSION) + 3600 * 10**9 - time.time_ns()
    clock = Time(clock_ns=lambda: time.time_ns() + shift_ns)
    past = history(names, SESSIONS)

    def make() -> tuple[Supervisor, tuple[str, ...]]:
        market = Market(past, Desk(), as_of_ns=clock.clock_ns(), members=names)
        return Supervisor(market, [_Prints(names, clock, every_s)], clock_ns=clock.clock_ns), Desk().legs

    task = asyncio.create_task(Hub(Access(url), make, lambda _line: None, time=clock).run())
    try:
        await asyncio.sleep(6.0 + count / 500)  # it sends so much history first
        command = [sys.executable, "-m", "bench.hub.viewer", url, str(seconds), str(count), str(shift_ns)]
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        cpu_s, start_s = time.process_time(), time.monotonic()
        server_s = 0.0 if server is None else _cpu_s(server)
        out, _ = await asyncio.wait_for(process.communicate(), 120)
        taken_s = time.monotonic() - start_s
        hub_pct = (time.process_time() - cpu_s) / taken_s * 100
        more = {} if server is None else await _of_server(url, server)
        if server is not None:
            more["server_cpu_pct"] = round((_cpu_s(server) - server_s) / taken_s * 100, 1)
            more["hub_mb"] = round(memory_mb("/proc/self/smaps_rollup")["Rss"], 1)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    if process.returncode:
        raise BenchError("the viewer has failed")
    return {**json.loads(out), "hub_cpu_pct": round(hub_pct, 1), **more}


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _of_server(url: str, pid: int) -> dict[str, Any]:
    """What the server holds."""
    import nats

    client = await nats.connect(url)
    state = (await client.jetstream().stream_info("QUOTES")).state
    await client.close()
    return {
        "server_mb": round(memory_mb(f"/proc/{pid}/smaps_rollup")["Rss"], 1),
        "stored_subjects": state.messages,
        "stored_bytes": state.bytes,
    }


def measure(*, quick: bool) -> Measured:
    """The JSON line."""
    binary = Path(sys.executable).with_name("nats-server")
    if not binary.exists():
        raise BenchError("no nats-server beside this interpreter; make test installs it")
    from tests.support.servers.nats import nats_server

    figures: dict[str, Any] = {"formats": {str(count): measured(symbols(count)) for count in SIZES}}
    for count in SIZES:
        with tempfile.TemporaryDirectory() as folder, nats_server(Path(folder)) as server:
            figures[f"symbols_{count}"] = asyncio.run(watched(server.url, count, 3.0 if quick else 15.0))
    figures["whole_market_2100_s"] = figures["symbols_2100"]["whole_market_s"]
    return Measured(1, figures, {"whole_market_2100_s": 1.0})
