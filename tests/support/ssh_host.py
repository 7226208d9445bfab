"""A host in this process and asyncssh clients that look at it."""

from __future__ import annotations

import asyncio
import gc
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import asyncssh

from tests.support.ssh_scenes import Screen
from tui.ssh.configuration.settings import Settings
from tui.ssh.host import Host
from tui.ssh.limits import Limits

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from rotation.context.wants import Wants
    from rotation.snapshot import Snapshot
    from tui.ssh.rooms.viewer import Viewer

PATIENCE_S = 500.0
"""How long anything may take on a busy machine; nothing is measured by it."""
EASY = Limits(new_per_minute=10_000, per_address=100)


class PushedDesk:
    """A desk that shows what the test pushes."""

    controls = None

    def __init__(self, snapshot: Snapshot | None) -> None:
        self._newest: asyncio.Queue[Snapshot] = asyncio.Queue()
        self._failing = asyncio.Event()
        self.failure: Exception | None = None
        self.wants: list[Wants] = []
        """All that was asked for, the newest last."""
        if snapshot is not None:
            self.push(snapshot)

    def push(self, snapshot: Snapshot) -> None:
        self._newest.put_nowait(snapshot)

    async def run(self) -> None:
        await self._failing.wait()
        raise self.failure or AssertionError

    def fail(self, failure: Exception) -> None:
        self.failure = failure
        self._failing.set()

    async def listen(self) -> AsyncIterator[Snapshot]:
        while True:
            yield await self._newest.get()

    def want(self, asked: Wants) -> None:
        self.wants.append(asked)


class Hosted(NamedTuple):
    host: Host
    desk: PushedDesk
    key: asyncssh.SSHKey
    """Of a visitor who may come in."""
    task: asyncio.Task[None]
    lookers: list[Looker]
    """All who looked, to be sent home at the end."""

    async def until(self, holds: Callable[[], object]) -> None:
        await until(holds)

    def connect(self, **more: Any) -> Any:
        """An asyncssh client connection; ``client_keys`` are the visitor's by default."""
        given = {"client_keys": [self.key], "username": "eve", "agent_path": None, **more}
        return asyncssh.connect("127.0.0.1", self.host.port, known_hosts=None, config=[], **given)

    async def look(
        self, *, size: tuple[int, int] = (80, 24), term: str = "xterm-kitty", **more: Any
    ) -> Looker:
        """A visitor with a terminal, once the first frame is there."""
        before = set(self.host.state.sessions)
        conn = await self.connect(**more)
        chan: asyncssh.SSHClientChannel[bytes]
        looker: Looker
        chan, looker = await conn.create_session(
            lambda: Looker(size), term_type=term, term_size=size, encoding=None
        )
        looker.conn, looker.chan = conn, chan
        self.lookers.append(looker)
        await until(lambda: set(self.host.state.sessions) - before)
        viewer = (set(self.host.state.sessions) - before).pop().viewer
        assert viewer is not None, "whoever has a terminal is in a room"
        looker.viewer = viewer
        return looker


class Looker(asyncssh.SSHClientSession[bytes]):
    """A visitor's terminal."""

    conn: asyncssh.SSHClientConnection
    chan: asyncssh.SSHClientChannel[bytes]
    viewer: Viewer
    """At the host's end. Visitors must come one after another for this to be theirs."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.screen = Screen(*size)
        self.closed = asyncio.Event()

    def data_received(self, data: bytes, datatype: object) -> None:
        self.screen.feed(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set()

    def press(self, keys: bytes) -> None:
        self.chan.write(keys)

    async def see(self, *parts: str) -> None:
        await until(lambda: all(part in self.screen.text for part in parts))


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110 - nothing signals the condition
            await asyncio.sleep(0.01)


@asynccontextmanager
async def hosting(
    folder: Path, snapshot: Snapshot | None, *, limits: Limits = EASY, is_open: bool = False, **more: Any
) -> AsyncIterator[Hosted]:
    """A host of this snapshot; stopped on the way out."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    keys = folder / "keys"
    keys.write_bytes(key.export_public_key())
    keys.chmod(0o600)
    settings = Settings(
        address="127.0.0.1",
        port=0,
        authorized_keys=None if is_open else keys,
        host_key=folder / "host_key",
        preferences=folder / "visitors.json",
        now_s=time.time,
        limits=limits,
        **more,
    )
    desk = PushedDesk(snapshot)
    host = Host(desk, settings)
    # A machine that is busy with other work must not make the host refuse whom the test sends.
    host.state.pace.observe = lambda lag_s, now: None  # type: ignore[method-assign]
    ready = asyncio.Event()
    task = asyncio.create_task(host.run(lambda _port: ready.set()))
    try:
        await asyncio.wait([task, asyncio.create_task(ready.wait())], return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
        if snapshot is not None:
            await until(lambda: host.state.rooms.newest is not None)
        yield (hosted := Hosted(host, desk, key, task, []))
        for looker in hosted.lookers:
            looker.conn.abort()
    finally:
        host.stop()
        await asyncio.wait([task], timeout=PATIENCE_S)
        gc.unfreeze()
