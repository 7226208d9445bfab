"""Strangers for ``bench.ssh``: ``python -m bench.ssh.abuse PORT [ATTACK]`` misbehaves until it is ended.

Without an attack, in many ways at once: five hundred connections that never log in (and come again when cut
off), floods of input by visitors who log in anew each time, storms of keys and of window sizes, and clients
that stop reading. With one, the strangers of ``ATTACKS``, none of whom ever logs in.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
import random
import resource
import socket
import sys
import time
from typing import TYPE_CHECKING

import asyncssh

from bench.ssh.load import Answers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SILENT = 500
FLOODERS = 2
STORMERS = 2
STOPPED = 3
FLOOD = b"\x00" * 1_000_000
STORM_S = 0.02
"""Between two bursts of a stormer: all that the host's line limit lets pass."""
KEYS = b"12345[]tcz?j \t\x1b"
OPEN_MAX, STAY_S, ADDRESSES = 1_000, 20.0, 5_000
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


def _bound(number: int) -> socket.socket:
    """A socket with an address of its own."""
    client = socket.socket()
    client.settimeout(0)
    client.bind((f"127.{1 + number // 62_500}.{number // 250 % 250 + 1}.{number % 250 + 1}", 0))
    return client


async def _send(port: int, number: int, data: bytes) -> None:
    """Connect from an address of its own, send, and stay until hung up on."""
    loop = asyncio.get_running_loop()
    with contextlib.suppress(OSError, TimeoutError), _bound(number) as client:
        await loop.sock_connect(client, ("127.0.0.1", port))
        async with asyncio.timeout(STAY_S):
            if data:
                await loop.sock_sendall(client, data)
            while await loop.sock_recv(client, 4_096):
                pass


async def _arrive(port: int, per_s: float, data: Callable[[], bytes]) -> None:
    """So many strangers a second, at most ``OPEN_MAX`` at once."""
    running: set[asyncio.Task[None]] = set()
    due = time.monotonic()
    for number in itertools.count():
        if len(running) < OPEN_MAX:
            task = asyncio.create_task(_send(port, number % ADDRESSES, data()))
            running.add(task)
            task.add_done_callback(running.discard)
        due = max(due + 1 / per_s, time.monotonic() - 0.1)
        await asyncio.sleep(max(due - time.monotonic(), 0))


class Rekeys(asyncssh.SSHClientConnection):
    """Asks for new keys again and again instead of logging in."""

    def send_service_request(self, service: bytes) -> None:  # noqa: ARG002, D102 - asyncssh names it
        self._again()

    def send_newkeys(self, k: bytes, h: bytes) -> None:  # noqa: D102 - asyncssh names it
        super().send_newkeys(k, h)
        self._again()

    def _again(self) -> None:
        if self._kex_complete:
            self._send_kexinit()
            self._kexinit_sent = True


async def _rekey(port: int, number: int) -> None:
    loop = asyncio.get_running_loop()
    costly = itertools.cycle(("rsa2048-sha256", "diffie-hellman-group-exchange-sha256", "curve25519-sha256"))
    while True:
        options = await asyncssh.SSHClientConnectionOptions.construct(
            known_hosts=None, config=[], username="mallory", kex_algs=[next(costly)]
        )
        with contextlib.suppress(*FAILURES):
            _, client = await loop.create_connection(
                functools.partial(Rekeys, loop, options),
                "127.0.0.1", port, local_addr=(f"127.0.1.{number + 1}", 0),
            )  # fmt: skip
            await client.wait_closed()
        await asyncio.sleep(0.05)


async def rekeys(port: int) -> None:
    """Ten connections that exchange keys for ever, by the costliest algorithm offered."""
    await asyncio.gather(*(_rekey(port, number) for number in range(10)))


async def ignores(port: int) -> None:
    """Twenty bursts a second of 126 KB in packets of sixteen bytes."""
    small = (12).to_bytes(4, "big") + bytes([6, 2]) + bytes(4 + 6)
    await _arrive(port, 20, lambda: b"SSH-2.0-x\r\n" + small * 8_000)


async def silence(port: int) -> None:
    """Four hundred connections a second that say nothing."""
    await _arrive(port, 400, bytes)


async def garbage(port: int) -> None:
    """A hundred a second that send what is no SSH, or only begins as SSH."""
    starts = itertools.cycle((b"", b"SSH-2.0-x\r\n", b"SSH-2.0-x\r\n\x00\x00\x40\x00"))
    await _arrive(port, 100, lambda: next(starts) + random.randbytes(16_000))


async def _keys(port: int, number: int, keys: Sequence[asyncssh.SSHKeyPair]) -> None:
    while True:
        with contextlib.suppress(*FAILURES):
            await asyncssh.connect(
                "127.0.0.1", port, username="mallory", known_hosts=None, config=[], client_keys=keys,
                agent_path=None, local_addr=(f"127.0.2.{number + 1}", 0),
            )  # fmt: skip
        await asyncio.sleep(0.05)


async def keys(port: int) -> None:
    """Ten connections at a time, each offers 320 keys and signs with none."""

    def sign(data: bytes) -> bytes:
        raise ValueError(data)

    tried = asyncssh.load_keypairs([asyncssh.generate_private_key("ssh-ed25519") for _ in range(320)])
    for pair in tried:
        pair.sign = sign
    await asyncio.gather(*(_keys(port, number, tried) for number in range(10)))


ATTACKS = {"rekeys": rekeys, "ignores": ignores, "silence": silence, "garbage": garbage, "keys": keys}


async def everything(port: int) -> None:
    """All that a stranger and a viewer can do wrong."""
    async with asyncio.TaskGroup() as group:
        for number in range(SILENT):
            group.create_task(silent(port, number))
        for attack, times in ((flood, FLOODERS), (storm, STORMERS), (stop, STOPPED)):
            for _ in range(times):
                group.create_task(attack(port))


if __name__ == "__main__":
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    attack = ATTACKS[sys.argv[2]] if len(sys.argv) > 2 else everything
    asyncio.run(attack(int(sys.argv[1])))
