"""Memory of a host whose clients ask without reading: ``python -m bench.ssh.unread [SECONDS]``.

Forty viewers log in on the built-in demo at sixty times its speed, stop reading, and each sends a hundred
requests a second that want a reply; a viewer that is cut off comes again. The host is the
installed command. Prints one JSON line; ``asked`` counts requests sent, ``cut`` viewers cut off.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench.common import Measured, blank_home, installed_command, line, load_before, memory_mb
from bench.ssh.abuse import FAILURES, visit
from bench.ssh.measure import _port

if TYPE_CHECKING:
    import asyncssh

ASKERS = 40
SECONDS = 60.0
BURST, BURST_EVERY_S = 10, 0.1
"""Requests sent at once, and seconds between: two thirds of the packets that the host allows."""
SAMPLE_S = 0.1
SETTLE_S = 4.0
"""What starting up or a crowd has left is given back only after a while."""


class Askers:
    """Clients that ask and do not read."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.asked = self.cut = 0

    async def ask(self) -> None:
        """Log in, stop reading, ask until cut off, come again."""
        while True:
            with contextlib.suppress(*FAILURES):
                conn, chan = await visit(self._port)
                try:
                    await self._go_on(conn, chan)
                finally:
                    conn.abort()
            await asyncio.sleep(0.5)

    async def _go_on(self, conn: asyncssh.SSHClientConnection, chan: asyncssh.SSHClientChannel) -> None:
        conn._transport.pause_reading()  # noqa: SLF001 - as a stopped process does
        while not chan.is_closing() and conn._transport is not None:  # noqa: SLF001
            for _ in range(BURST):
                chan._send_request(b"nothing@example.com", want_reply=True)  # noqa: SLF001 - no public way
            self.asked += BURST
            await asyncio.sleep(BURST_EVERY_S)
        self.cut += 1


async def _run(port: int, pid: int, seconds: float) -> dict[str, float]:
    await asyncio.sleep(SETTLE_S)
    before = _held_mb(pid)
    askers = Askers(port)
    tasks = [asyncio.create_task(askers.ask()) for _ in range(ASKERS)]
    peak, end = before, time.monotonic() + seconds
    while time.monotonic() < end:
        await asyncio.sleep(SAMPLE_S)
        peak = max(peak, _held_mb(pid))
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(SETTLE_S)
    return {
        "connections": ASKERS,
        "seconds": seconds,
        "asked": askers.asked,
        "cut": askers.cut,
        "before_mb": round(before, 1),
        "peak_mb": round(peak, 1),
        "after_mb": round(_held_mb(pid), 1),
    }


def _held_mb(pid: int) -> float:
    return memory_mb(f"/proc/{pid}/smaps_rollup")["Rss"]


def main() -> None:
    seconds, load = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS, load_before()
    host = [
        installed_command(), "host", "--listen", "127.0.0.1:0", "--open", "--demo", "--speed", "60",
        "--allow-root", "--per-address", "5000", "--new-per-minute", "100000",
    ]  # fmt: skip
    with blank_home() as env:
        log = Path(env["HOME"]) / "server.log"
        with log.open("wb") as stderr:
            process = subprocess.Popen(host, env=env, stdout=subprocess.DEVNULL, stderr=stderr)
        try:
            figures = asyncio.run(_run(_port(process, log), process.pid, seconds))
        finally:
            process.kill()
            process.wait()
    print(line("ssh.unread", Measured(1, figures, {}), load), flush=True)


if __name__ == "__main__":
    main()
