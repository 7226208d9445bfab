"""The screen over the program's own feeds and the made-up market, with a configuration file to change."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import TYPE_CHECKING, Any

from feeds.clock import shift_ns, wall_ns
from feeds.desk.change import exchange
from rotation.status import Kind
from tests.support import clock
from tests.support.servers.live_world import LiveStream, LiveWorld, environment, shift_to_session_ns
from tests.support.servers.rest import RestServer
from tui.compose.backend import LocalBackend
from tui.compose.desk.desks import LocalDesk
from tui.screen import app as module
from tui.screen.app import RotationApp
from tui.settings.desk.wanted import wanted_of
from tui.settings.file import read
from tui.settings.reload import ConfigWatch
from tui.view.view_state import ViewState
from tui.wanted import Wanted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from rotation.snapshot import Snapshot

WAIT_S = 500
"""For anything to happen, on any machine; nothing is measured by it."""
COMES_UP_S = 60.0
"""For new feeds to be as well as the present ones, on any machine; a person's desk waits ten seconds."""


class Running:
    """A desk on screen, and the file that it was opened with."""

    def __init__(
        self, path: Path, app: RotationApp, pilot: Any, stream: LiveStream, world: LiveWorld
    ) -> None:
        self.path = path
        self.app = app
        self.pilot = pilot
        self.stream = stream
        self.world = world

    @property
    def snapshot(self) -> Snapshot:
        assert self.app.snapshot is not None
        return self.app.snapshot

    @property
    def desk(self) -> LocalDesk:
        assert isinstance(self.app._desk, LocalDesk)
        return self.app._desk

    @property
    def connected(self) -> list[int]:
        """The quotes' and the futures' streams that are connected, by number."""
        return [n for n, client in enumerate(self.stream.clients) if not client.closed]

    def write(self, text: str) -> None:
        """Change the file."""
        self.path.write_text(text)
        stamp = self.path.stat().st_mtime_ns + 1_000_000  # a disk may count in coarser steps than this test
        os.utime(self.path, ns=(stamp, stamp))

    async def until(self, holds: Callable[[], object]) -> None:
        """Wait until this is so."""
        async with asyncio.timeout(WAIT_S):
            while not holds():
                await self.pilot.pause(0.02)

    async def change(self, text: str) -> str:
        """Change the file, and return what the screen has to say of it in the end.

        By then the screen has what the live desk has published.
        """
        self.app.say("")
        self.write(text)
        name = self.path.name
        await self.until(
            lambda: self.app.view.message.startswith(name) and "once" not in self.app.view.message
        )
        message = self.app.view.message
        assert self.desk._change is not None
        published = self.desk._change._opened.supervisor.latest
        await self.until(lambda: self.snapshot.mode or not published or self.snapshot.seq >= published.seq)
        return message

    def is_live(self) -> bool:
        """Whether every leg of the pair is."""
        spread = self.snapshot.spread
        legs = [self.snapshot.legs.get(symbol) for symbol in (spread.base, spread.against)]
        return all(leg is not None and leg.status.kind is Kind.LIVE for leg in legs)


@contextlib.asynccontextmanager
async def running(
    tmp_path: Path, monkeypatch: Any, text: str, *, is_live: bool = True
) -> AsyncIterator[Running]:
    """In the middle of the last session; the person has neither keys nor anything stored.

    ``is_live``: whether to wait for live prices, rather than for any.
    """
    for kind in ("DATA", "CACHE", "CONFIG", "STATE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    monkeypatch.setattr(module, "RELOAD_S", 0.05)
    monkeypatch.setattr(exchange, "LIMIT_S", COMES_UP_S)
    for name, value in clock.setting(wall_ns() + shift_to_session_ns(wall_ns())).items():
        monkeypatch.setenv(name, value)
    shift_ns.cache_clear()
    path = tmp_path / "config.toml"
    path.write_text(text)
    world = LiveWorld(wall_ns)
    try:
        async with RestServer(answer=world.answer) as rest, LiveStream(world) as stream:
            for name, value in environment(rest.url, stream.url).items():
                monkeypatch.setenv(name, value)
            wanted = wanted_of(read(path), Wanted(alerts=read(path).alerts))
            app = RotationApp(
                lambda: LocalBackend().open(wanted), ViewState(), reload=ConfigWatch(path, read(path)).poll
            )
            async with app.run_test(size=(160, 45)) as pilot:
                desk = Running(path, app, pilot, stream, world)
                await desk.until(lambda: app.snapshot is not None and (desk.is_live() or not is_live))
                yield desk
            assert app.failure is None, app.failure
    finally:
        monkeypatch.undo()
        shift_ns.cache_clear()
