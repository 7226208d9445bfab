"""Memory of a host whose clients ask without reading: ``python -m bench.ssh.unread [SECONDS]``.

Forty viewers log in on the built-in demo at sixty times its speed, stop reading, and each sends up to a
hundred packets a second that want a reply, two thirds of what the host allows; their kernels hold little, so
the replies wait at the host. A viewer that is cut off comes again. First in a host whose limit on unread
replies is switched off, then in one as it is installed. Prints one JSON line; ``asked`` counts requests sent,
``cut`` viewers cut off, ``refused`` is the host's own count by reason.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncssh
from asyncssh.packet import Byte, String, UInt32

from bench.common import Measured, blank_home, line, load_before, memory_mb
from bench.ssh.abuse import FAILURES
from bench.ssh.load import Answers
from bench.ssh.measure import _port

if TYPE_CHECKING:
    from collections.abc import Mapping

ASKERS = 40
SECONDS = 60.0
BURST, BURST_EVERY_S = 10, 0.1
"""Requests sent at once, and seconds between."""
CLIENT_BUFFER = 4_096
"""Bytes that a client's kernel holds in each direction: by default it would take megabytes for it."""
SAMPLE_S = 0.1
SETTLE_S = 4.0
"""What starting up or a crowd has left is given back only after a while."""
CHANNEL_OPEN = 90
RUN = "from tui.__main__ import main; main()"
WITHOUT_LIMIT = f"import tui.ssh.wire.guard as guard; guard.UNREAD_MAX = 1 << 40; {RUN}"


class Askers:
    """Clients that ask and do not read."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.asked = self.cut = 0

    async def ask(self) -> None:
        """Log in, stop reading, ask until cut off, come again."""
        while True:
            with contextlib.suppress(*FAILURES):
                conn = await _visit(self._port)
                try:
                    await self._go_on(conn)
                finally:
                    conn.abort()
            await asyncio.sleep(0.5)

    async def _go_on(self, conn: asyncssh.SSHClientConnection) -> None:
        transport = conn._transport  # noqa: SLF001 - no public way
        transport.pause_reading()  # as a stopped process does
        while not transport.is_closing():
            # What has not been sent yet would come in a burst, and be cut off for flooding.
            if not transport.get_write_buffer_size():
                for _ in range(BURST):
                    _ask(conn)
                self.asked += BURST
            await asyncio.sleep(BURST_EVERY_S)
        self.cut += 1


async def _visit(port: int) -> asyncssh.SSHClientConnection:
    """Log in from a socket with small buffers, and open the screen."""
    client = socket.socket()
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        client.setsockopt(socket.SOL_SOCKET, option, CLIENT_BUFFER)
    client.setblocking(False)  # noqa: FBT003 - the standard library's signature
    await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", port))
    conn = await asyncssh.connect(
        sock=client, username="mallory", known_hosts=None, config=[], client_factory=Answers,
        client_keys=(), agent_path=None,
    )  # fmt: skip
    await conn.create_session(
        asyncssh.SSHClientSession, term_type="xterm", term_size=(160, 45), encoding=None
    )
    return conn


def _ask(conn: asyncssh.SSHClientConnection) -> None:
    """Open a channel of no known kind: of all replies, the refusal is the longest.

    asyncssh itself would send two packets for it.
    """
    body = Byte(CHANNEL_OPEN) + String(b"nothing") + UInt32(1) + 2 * UInt32(1_000)
    padding = 4 + -(len(body) + 5) % 16
    packet = Byte(padding) + body + os.urandom(padding)
    sequence = conn._send_seq  # noqa: SLF001 - no public way
    sealed, mac = conn._send_encryption.encrypt_packet(sequence, UInt32(len(packet)), packet)  # noqa: SLF001
    conn._send(sealed + mac)  # noqa: SLF001
    conn._send_seq = sequence + 1  # noqa: SLF001


async def _run(port: int, pid: int, seconds: float) -> dict[str, Any]:
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
        "asked": askers.asked,
        "cut": askers.cut,
        "refused": await _refused(port),
        "before_mb": round(before, 1),
        "peak_mb": round(peak, 1),
        "after_mb": round(_held_mb(pid), 1),
    }


async def _refused(port: int) -> dict[str, int]:
    """The host's own count of what it refused; a host that is still overloaded lets nobody ask."""
    while True:
        with contextlib.suppress(*FAILURES):
            async with asyncssh.connect(
                "127.0.0.1", port, username="eve", known_hosts=None, config=[], client_factory=Answers,
                client_keys=(), agent_path=None,
            ) as conn:  # fmt: skip
                shown = await conn.run("status --json", check=True)
            refused: dict[str, int] = json.loads(str(shown.stdout))["refused"]
            return refused
        await asyncio.sleep(SETTLE_S)


def _held_mb(pid: int) -> float:
    return memory_mb(f"/proc/{pid}/smaps_rollup")["Rss"]


def _measured(program: str, env: Mapping[str, str], seconds: float) -> dict[str, Any]:
    host = [
        sys.executable, "-c", program, "host", "--listen", "127.0.0.1:0", "--open", "--demo", "--speed", "60",
        "--allow-root", "--per-address", "5000", "--new-per-minute", "100000",
    ]  # fmt: skip
    log = Path(env["HOME"]) / "server.log"
    with log.open("wb") as stderr:
        process = subprocess.Popen(host, env=env, stdout=subprocess.DEVNULL, stderr=stderr)
    try:
        return asyncio.run(_run(_port(process, log), process.pid, seconds))
    finally:
        process.kill()
        process.wait()


def main() -> None:
    """Measure without the limit and with it."""
    seconds, load = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS, load_before()
    with blank_home() as env:
        figures = {
            "connections": ASKERS,
            "seconds": seconds,
            "without_limit": _measured(WITHOUT_LIMIT, env, seconds),
            "with_limit": _measured(RUN, env, seconds),
        }
    print(line("ssh.unread", Measured(1, figures, {}), load), flush=True)


if __name__ == "__main__":
    main()
