"""The baseline of ``bench.ssh``: a Textual app per session behind the same SSH library, in one process.

``python -m bench.ssh.apps`` serves the demo at sixty times its speed until it is ended; every session is the
program's own app on a driver that writes to its channel, at five frames a second.
"""

# ruff: noqa: ANN201, ARG002, D101, D102 - callbacks that the libraries name
from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import asyncssh
from textual import events
from textual._xterm_parser import XTermParser
from textual.driver import Driver
from textual.geometry import Size

from tui.compose.backend import LocalBackend
from tui.screen import app as screen
from tui.view.theme import names
from tui.view.view_state import ViewState
from tui.wanted import Wanted

if TYPE_CHECKING:
    from tui.desk import Desk

screen.FRAME_S = 0.2


class Shared:
    """The one desk, as each app sees it."""

    controls = None

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def run(self) -> None:
        await asyncio.Event().wait()

    def listen(self):
        return self._desk.listen()

    def want(self, asked: object) -> None:
        """The host has asked for it."""


class ChannelDriver(Driver):
    """Textual's output into a channel."""

    chan: asyncssh.SSHServerChannel[bytes]
    size: tuple[int, int]

    def write(self, data: str) -> None:
        if not self.chan.is_closing():
            self.chan.write(data.encode())

    def start_application_mode(self) -> None:
        self.write("\x1b[?1049h\x1b[?25l")
        size = Size(*self.size)
        self._app.post_message(events.Resize(size, size))

    def disable_input(self) -> None:
        pass

    def stop_application_mode(self) -> None:
        self.write("\x1b[?25h\x1b[?1049l")


class Session(asyncssh.SSHServerSession):
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._parser = XTermParser()
        self._task: asyncio.Task | None = None

    def connection_made(self, chan: asyncssh.SSHServerChannel) -> None:
        self._chan = chan

    def pty_requested(self, term_type: str, term_size: tuple, term_modes: object) -> bool:
        self._size = term_size[:2]
        return True

    def shell_requested(self) -> bool:
        return True

    def session_started(self) -> None:
        self._app = screen.RotationApp(lambda: Shared(self._desk), ViewState(themes=names()))
        self._app.driver_class = type("Bound", (ChannelDriver,), {"chan": self._chan, "size": self._size})
        self._task = asyncio.create_task(self._app.run_async())

    def data_received(self, data: bytes, datatype: object) -> None:
        for event in self._parser.feed(data.decode()):
            self._app.post_message(event)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._task is not None:
            self._task.cancel()


class Server(asyncssh.SSHServer):
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def begin_auth(self, username: str) -> bool:
        return False

    def session_requested(self) -> Session:
        return Session(self._desk)


async def serve() -> None:
    desk = LocalBackend().open(Wanted(demo=True, speed=60))
    server = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_factory=lambda: Server(desk),
        server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")],
        config=[],
        encoding=None,
        line_editor=False,
        compression_algs=["none"],
    )
    print(f"listening on 127.0.0.1 port {server.get_port()}", file=sys.stderr, flush=True)
    await desk.run()


if __name__ == "__main__":
    asyncio.run(serve())
