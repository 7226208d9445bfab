"""Viewers for ``bench.ssh``: ``bench.ssh.load PORT PID COUNT SECONDS KEY_EVERY_S VIEWS KEYED ATTACK``.

All look at the server on PORT, whose process is PID, and one JSON object tells what they saw. Without keys
(KEY_EVERY_S 0) all have one view, and once logged in they only count: AES-GCM leaves the length of a packet
readable, so a thousand viewers cost this process a fraction of a core instead of several. With VIEWS they
first choose so many views, of other sizes, windows and focused panels, and then only count. With keys they
have ten sizes, read what comes, and press a key each KEY_EVERY_S. With KEYED above 0 only so many press
keys, all have one size, and newcomers from addresses never seen before try to come in, once each, while the
strangers of bench/ssh/abuse.py that ATTACK names misbehave; they begin once all viewers are in.
"""

# ruff: noqa: ARG002, D102 - callbacks that the libraries name
from __future__ import annotations

import asyncio
import json
import os
import random
import resource
import sys
import time
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncssh

from bench.common import memory_mb, quantile

if TYPE_CHECKING:
    from collections.abc import Sequence

SIZE = (120, 40)
SIZES = [
    (80, 24),
    (80, 40),
    (100, 30),
    (120, 24),
    (120, 30),
    (120, 40),
    (140, 45),
    (160, 45),
    (200, 50),
    (240, 60),
]
WINDOWS = (1, 5, 20, 60, 252)
AT_ONCE = 16
"""Logins under way."""
KNOCKS = 40
SETTLE_S = 4.0
TAIL = 64
LIVELY = 80
"""Bytes of a packet above which it is a frame; the decoys and pings of SSH are smaller."""
TIMEOUT_S = 120.0
NEWCOMER_EVERY_S = 0.5
"""Seconds between two newcomers; each comes from an address of its own."""
NEWCOMER_PATIENCE_S = 20.0


class Counter(asyncio.Protocol):
    """Counts packets by their lengths, decrypting nothing."""

    def __init__(self, rest: bytes) -> None:
        self.frames = 0
        self.bytes = 0
        self.lost = False
        self._buffer = bytearray(rest)

    def data_received(self, data: bytes) -> None:
        self.bytes += len(data)
        buffer = self._buffer
        buffer += data
        at = 0
        while len(buffer) - at >= 4:
            size = 4 + int.from_bytes(buffer[at : at + 4], "big") + 16
            if len(buffer) - at < size:
                break
            self.frames += size > LIVELY
            at += size
        del buffer[:at]

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True


class Viewer(asyncssh.SSHClientSession[bytes]):
    """One visitor."""

    conn: asyncssh.SSHClientConnection
    chan: asyncssh.SSHClientChannel[bytes]

    def __init__(self) -> None:
        self.frames = self.bytes = 0
        self.lost = False
        self.first: float | None = None
        self.waits: list[float] = []
        """Key to paint, seconds."""
        self._wanted = b""
        self._pressed = 0.0
        self._tail = b""
        self._window = 1

    def data_received(self, data: bytes, datatype: object) -> None:
        now = time.monotonic()
        self.first = self.first or now
        self.frames += len(data) > LIVELY
        self.bytes += len(data)
        if self._wanted:
            seen = self._tail + data
            if self._wanted in seen:
                self.waits.append(now - self._pressed)
                self._wanted = b""
            self._tail = seen[-TAIL:]

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True

    def press(self) -> None:
        """The next window, there and back; done once it stands on the screen."""
        if self._wanted:
            self.waits.append(time.monotonic() - self._pressed)  # it never came in all this time
        step = 1 if self._window == 0 else -1 if self._window == len(WINDOWS) - 1 else random.choice((-1, 1))
        self._window += step
        self._wanted, self._tail = f"window {WINDOWS[self._window]} ".encode(), b""
        self._pressed = time.monotonic()
        self.chan.write(b"]" if step > 0 else b"[")


class Load:
    """All viewers of a run."""

    def __init__(
        self,
        port: int,
        pid: int,
        number: int,
        *,
        seconds: float,
        key_every_s: float,
        views: int = 0,
        keyed: int = 0,
        attack: str = "",
    ) -> None:
        self._keyed, self._attack = keyed, attack
        self._newcomers: list[float | None] = []
        """Seconds to the first answer; None for those who did not come in."""
        self._port, self._pid, self._number = port, pid, number
        self._seconds, self._key_every_s, self._views = seconds, key_every_s, views
        self._logins: list[float] = []
        self._firsts: list[float] = []
        self._conns: list[asyncssh.SSHClientConnection] = []

    async def run(self) -> dict[str, object]:
        """Log in, watch, tell."""
        settle_s = min(self._seconds, SETTLE_S)
        await asyncio.sleep(settle_s)  # what starting up has left is given back only now
        before_mb = _held_mb(self._pid)
        entrance = asyncio.Semaphore(AT_ONCE)
        viewers = await asyncio.gather(*(self._enter(n, entrance) for n in range(self._number)))
        pressing = viewers[: self._keyed] if self._keyed else viewers
        watching = viewers[len(pressing) :] if self._key_every_s else viewers
        watched: Sequence[Viewer | Counter] = [await _light(viewer) for viewer in watching] or pressing
        strangers = await self._strangers() if self._attack else None
        await asyncio.sleep(settle_s)
        frames = [viewer.frames for viewer in watched]
        received = sum(viewer.bytes for viewer in watched)
        cpu, own, began = _cpu_s(self._pid), _own_cpu_s(), time.monotonic()
        newcomers = asyncio.create_task(self._come()) if self._keyed else None
        lags = await self._watch(pressing)
        if newcomers is not None:
            newcomers.cancel()
        if strangers is not None:
            strangers.kill()
            await strangers.wait()
        seconds = time.monotonic() - began
        rates = sorted((viewer.frames - was) / seconds for viewer, was in zip(watched, frames, strict=True))
        figures: dict[str, object] = {
            "sessions": self._number,
            "lost": sum(viewer.lost for viewer in watched),
            "frames_per_s": round(sum(rates) / len(rates), 2),
            "frames_per_s_least": round(rates[0], 2),
            "bytes_per_s": round((sum(viewer.bytes for viewer in watched) - received) / seconds),
            "login_ms": round(1e3 * quantile(self._logins, 50), 1),
            "first_paint_ms": round(1e3 * quantile(self._firsts, 50), 1),
            "cpu_pct": round(100 * (_cpu_s(self._pid) - cpu) / seconds, 1),
            "session_mb": round(max((held := _held_mb(self._pid)) - before_mb, 0.0) / self._number, 3),
            "held_mb": round(held, 1),
            "open_files": _open_files(self._pid),
            "load_cpu_pct": round(100 * (_own_cpu_s() - own) / seconds, 1),
            "load_lag_p99_ms": round(1e3 * quantile(lags, 99), 1),
        }
        waits = [wait for viewer in viewers for wait in viewer.waits]
        if waits:
            figures |= {f"key_p{p}_ms": round(1e3 * quantile(waits, p), 1) for p in (50, 99)}
            figures["keys"] = len(waits)
        if self._keyed:
            came = [wait for wait in self._newcomers if wait is not None]
            figures |= {"newcomers": len(self._newcomers), "newcomers_in": len(came)}
            figures["newcomer_p50_ms"] = round(1e3 * quantile(came, 50), 1) if came else None
        return figures | await self._status()

    async def _strangers(self) -> asyncio.subprocess.Process:
        words = ("-m", "bench.ssh.abuse", str(self._port), self._attack)
        return await asyncio.create_subprocess_exec(sys.executable, *words, stderr=asyncio.subprocess.DEVNULL)

    async def _come(self) -> None:
        """Let newcomers try to come in; none tries again."""
        async with asyncio.TaskGroup() as group:
            for number in count(1):
                group.create_task(self._newcomer(f"127.9.{number // 250}.{number % 250 + 1}"))
                await asyncio.sleep(NEWCOMER_EVERY_S)

    async def _newcomer(self, address: str) -> None:
        began, wait = time.monotonic(), None
        try:
            async with (
                asyncio.timeout(NEWCOMER_PATIENCE_S),
                await self._connect(local_addr=(address, 0)) as conn,
            ):
                await conn.run("headline")
                wait = time.monotonic() - began
        except (OSError, asyncssh.Error, TimeoutError):
            pass
        self._newcomers.append(wait)

    async def _enter(self, number: int, entrance: asyncio.Semaphore) -> Viewer:
        async with entrance:
            began = time.monotonic()
            # A window that never has to be opened again: nothing needs to be sent while counting.
            conn = await self._knock(encryption_algs=["aes128-gcm@openssh.com"])
            self._conns.append(conn)
            asked = time.monotonic()
            size = SIZES[number % len(SIZES)] if self._key_every_s and not self._keyed else SIZE
            keys = b""
            if self._views:
                size, keys = _view(number % self._views)
            chan, viewer = await conn.create_session(
                Viewer, term_type="xterm-kitty", term_size=size, encoding=None, window=2**30
            )
            assert isinstance(viewer, Viewer)
            viewer.conn, viewer.chan = conn, chan
            async with asyncio.timeout(TIMEOUT_S):
                while viewer.first is None:  # noqa: ASYNC110
                    await asyncio.sleep(0.002)
            chan.write(keys)
            self._logins.append(asked - began)
            self._firsts.append(viewer.first - asked)
            return viewer

    async def _watch(self, viewers: list[Viewer]) -> list[float]:
        """Let the time pass, pressing keys evenly; how late this process's own loop was."""
        lags = []
        end = time.monotonic() + self._seconds
        order = count()
        gap = self._key_every_s / len(viewers) if self._key_every_s else 0.05
        due = time.monotonic()
        while (now := time.monotonic()) < end:
            due = max(due + gap, now)
            await asyncio.sleep(due - now)
            lags.append(time.monotonic() - due)
            if self._key_every_s:
                viewers[next(order) % len(viewers)].press()
        await asyncio.sleep(min(self._key_every_s, 1.0))
        return lags

    async def _knock(self, **more: Any) -> asyncssh.SSHClientConnection:
        """A connection. Among strangers who do not log in the slowest are cut; that may be us: try again."""
        for left in reversed(range(KNOCKS)):
            try:
                return await self._connect(**more)
            except (OSError, asyncssh.DisconnectError):
                if not left:
                    raise
                await asyncio.sleep(0.5)
        raise AssertionError

    async def _connect(self, **more: Any) -> asyncssh.SSHClientConnection:
        return await asyncssh.connect(
            "127.0.0.1", self._port, username="bench", known_hosts=None, config=[],
            client_factory=Answers, client_keys=(), agent_path=None, compression_algs=["none"], **more,
        )  # fmt: skip

    async def _status(self) -> dict[str, object]:
        """What the host says of itself; a baseline says nothing, and an overloaded host lets nobody in."""
        try:
            conn = await self._knock()
        except (OSError, asyncssh.Error):
            return {"status": "refused"}
        async with conn:
            try:
                done = await conn.run("status --json")
            except asyncssh.ChannelOpenError:
                return {}
        status = json.loads(done.stdout or "")
        return {name: status[name] for name in ("rooms", "lag_ms", "dropped", "pace", "refused")}


class Answers(asyncssh.SSHClient):
    """Lets an open host in without a key."""

    def kbdint_auth_requested(self) -> str:
        return ""


async def _light(viewer: Viewer) -> Counter:
    """Take the connection from asyncssh, between two packets."""
    conn = viewer.conn
    # No other way to stop decrypting.
    while conn._recv_handler != conn._recv_pkthdr:  # noqa: SLF001, ASYNC110
        await asyncio.sleep(0)
    counter = Counter(bytes(conn._inpbuf))  # noqa: SLF001
    conn._transport.set_protocol(counter)  # noqa: SLF001
    return counter


def _view(number: int) -> tuple[tuple[int, int], bytes]:
    """Size of the terminal and keys that make a view, another for each number below 250."""
    rest, size = divmod(number, len(SIZES))
    focus, window = divmod(rest, len(WINDOWS))
    return SIZES[size], b"[" * len(WINDOWS) + b"]" * window + b"%d" % (focus % 5 + 1)


def _family(pid: int) -> list[int]:
    """A process and its children: a host of several processes has its workers."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text("utf-8")
    return [pid, *map(int, listed.split())]


def _held_mb(pid: int) -> float:
    return sum(memory_mb(f"/proc/{each}/smaps_rollup")["Rss"] for each in _family(pid))


def _open_files(pid: int) -> int:
    return sum(len(os.listdir(f"/proc/{each}/fd")) for each in _family(pid))  # noqa: PTH208 - only counted


def _cpu_s(pid: int) -> float:
    used = 0
    for each in _family(pid):
        fields = Path(f"/proc/{each}/stat").read_text("utf-8").rpartition(")")[2].split()
        used += int(fields[11]) + int(fields[12])
    return used / os.sysconf("SC_CLK_TCK")


def _own_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    port, pid, number = (int(word) for word in sys.argv[1:4])
    seconds, key_every_s = (float(word) for word in sys.argv[4:6])
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    views, keyed, attack = int(sys.argv[6]), int(sys.argv[7]), sys.argv[8]
    load = Load(
        port, pid, number, seconds=seconds, key_every_s=key_every_s, views=views, keyed=keyed, attack=attack
    )
    print(json.dumps(asyncio.run(load.run())), flush=True)
    os._exit(0)  # a thousand open connections are closed by the system, at once


if __name__ == "__main__":
    main()
