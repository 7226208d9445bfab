"""Workers killed, stopped and told to end in random order under viewers who press keys and come back."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal

import asyncssh
import pytest

from tests.support.tui.workers import Workers, alive, children

VIEWERS, LIMIT = 16, 20
"""Viewers, and ``--per-address``: what a dead worker served must neither count for ever nor be forgotten."""
BLOWS = 8
STRIKES = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP)
REST_S = 1.5


class Visitor(asyncssh.SSHClientSession[bytes]):
    """Looks, presses keys, and comes back when cut off."""

    def __init__(self) -> None:
        self.bytes = 0
        self.lost = asyncio.Event()

    def data_received(self, data: bytes, datatype: object) -> None:
        self.bytes += len(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()


def connect(host: Workers):
    return asyncssh.connect(
        "127.0.0.1", host.port, username="eve", known_hosts=None, config=[], agent_path=None,
        client_keys=[str(host.home / "id")],
    )  # fmt: skip


async def visit(host: Workers, seen: list[int], number: int) -> None:
    while True:
        try:
            async with connect(host) as conn:
                chan, visitor = await conn.create_session(
                    Visitor, term_type="xterm-kitty", term_size=(100, 30), encoding=None
                )
                while not visitor.lost.is_set():
                    chan.write(random.choice((b"]", b"[", b"2", b"1")))
                    before = visitor.bytes
                    try:
                        async with asyncio.timeout(0.5):
                            await visitor.lost.wait()
                    except TimeoutError:
                        pass
                    seen[number] += visitor.bytes - before
        except (OSError, asyncssh.Error):
            pass
        await asyncio.sleep(0.2)


async def strike(host: Workers, blow: signal.Signals) -> None:
    running = children(host.process.pid)
    if not running:
        return
    victim = random.choice(running)
    os.kill(victim, blow)
    if blow is signal.SIGSTOP:
        await asyncio.sleep(1.0)
        os.kill(victim, signal.SIGCONT)


@pytest.mark.parametrize("seed", [15])
async def test_every_viewer_comes_back_and_none_is_counted_twice(workers, seed):
    random.seed(seed)
    host = await asyncio.to_thread(workers, "--per-address", str(LIMIT), "--max-sessions", "60")
    seen = [0] * VIEWERS
    visits = [asyncio.create_task(visit(host, seen, n)) for n in range(VIEWERS)]
    try:
        for _ in range(BLOWS):
            await asyncio.sleep(REST_S)
            await strike(host, random.choice(STRIKES))
        host.process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(1.0)
        host.process.send_signal(signal.SIGCONT)
        async with asyncio.timeout(300):
            while await sessions(host) != VIEWERS:  # noqa: ASYNC110
                await asyncio.sleep(0.5)
            for n, was in enumerate(list(seen)):
                while seen[n] == was:  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
        # Exactly as many places as there should be: --per-address less those who look.
        more = [await connect(host) for _ in range(LIMIT - VIEWERS)]
        with pytest.raises((OSError, asyncssh.Error)):
            await connect(host)
        for conn in more:
            conn.abort()
    finally:
        for task in visits:
            task.cancel()
        await asyncio.gather(*visits, return_exceptions=True)
    pids = children(host.process.pid)
    assert host.process.poll() is None, host.log
    assert not [line for line in host.log.splitlines() if '"level":"error"' in line]
    assert await asyncio.to_thread(host.end) == 0
    assert not any(map(alive, pids))


async def sessions(host: Workers) -> int | None:
    """How many the host counts; None while viewers that have come back hold the places of those that left."""
    done = await asyncio.to_thread(host.run, "status", "--json", key="boss")
    if done.returncode:
        assert "too many open connections" in done.stderr
        return None
    return int(json.loads(done.stdout)["sessions"])
