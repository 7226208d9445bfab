"""Strangers for ``bench.ssh``: ``python -m bench.ssh_abuse PORT`` misbehaves in every way until it is ended.

Five hundred connections that never log in (and come again when cut off), floods of input by visitors who
log in anew each time, storms of keys and of window sizes, and clients that stop reading.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import resource
import socket
import sys

import asyncssh

from bench.ssh_load import Answers

SILENT = 500
FLOODERS = 2
STORMERS = 2
STOPPED = 3
FLOOD = b"\x00" * 1_000_000
STORM_S = 0.02
"""Between two bursts of a stormer: all that the host's line limit lets pass."""
KEYS = b"12345[]tcz?j \t\x1b"
FAILURES = (OSError, asyncssh.Error)


async def silent(port: int, number: int) -> None:
    """Connect, say nothing, come again when hung up on."""
    loop = asyncio.get_running_loop()
    while True:
        with socket.socket() as client:
            client.settimeout(0)
            client.bind((f"127.0.{number // 100 + 1}.{number % 100 + 1}", 0))
            with contextlib.suppress(OSError):
                await loop.sock_connect(client, ("127.0.0.1", port))
                while await loop.sock_recv(client, 4_096):
                    pass
        await asyncio.sleep(5 + random.random())


async def visit(port: int) -> tuple[asyncssh.SSHClientConnection, asyncssh.SSHClientChannel]:
    """Log in and open the screen."""
    conn = await asyncssh.connect(
        "127.0.0.1", port, username="mallory", known_hosts=None, config=[],
        client_factory=Answers, client_keys=(), agent_path=None,
    )  # fmt: skip
    chan, _ = await conn.create_session(
        asyncssh.SSHClientSession, term_type="xterm", term_size=(160, 45), encoding=None
    )
    return conn, chan


async def flood(port: int) -> None:
    """Type a megabyte, be cut off, come again."""
    while True:
        with contextlib.suppress(*FAILURES):
            conn, chan = await visit(port)
            chan.write(FLOOD)
            await conn.wait_closed()
        await asyncio.sleep(0.5)


async def storm(port: int) -> None:
    """Keys and sizes as fast as they are taken."""
    while True:
        with contextlib.suppress(*FAILURES):
            conn, chan = await visit(port)
            for burst in itertools.count():
                chan.write(bytes(random.choices(KEYS, k=20)))
                chan.change_terminal_size(burst % 400, burst % 150)
                await asyncio.sleep(STORM_S)
                if chan.is_closing():
                    break
            await conn.wait_closed()
        await asyncio.sleep(0.5)


async def stop(port: int) -> None:
    """Look, and stop reading."""
    with contextlib.suppress(*FAILURES):
        conn, _ = await visit(port)
        conn._transport.pause_reading()  # noqa: SLF001 - as a stopped process does
    await asyncio.Event().wait()


async def main() -> None:
    port = int(sys.argv[1])
    async with asyncio.TaskGroup() as group:
        for number in range(SILENT):
            group.create_task(silent(port, number))
        for attack, times in ((flood, FLOODERS), (storm, STORMERS), (stop, STOPPED)):
            for _ in range(times):
                group.create_task(attack(port))


if __name__ == "__main__":
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    asyncio.run(main())
