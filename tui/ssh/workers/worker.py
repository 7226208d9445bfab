"""One worker: a host without a socket of its own, which gets connections and Snapshots from the parent."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import time
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from rotation.errors import InputError
from tui.ssh import admin, event_log
from tui.ssh.configuration.settings import Settings
from tui.ssh.host import Host, raise_file_limit
from tui.ssh.listener import server_options
from tui.ssh.preferences import Preferences
from tui.ssh.wire.server import ServerConnection
from tui.ssh.workers import wire
from tui.ssh.workers.handover import Arrivals, Guard
from tui.ssh.workers.peers import ParentPeers
from tui.ssh.workers.remote_desk import RemoteDesk
from tui.view import theme

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    import asyncssh

    from rotation.context.wants import Wants
    from tui.ssh.preferences import Choice
    from tui.ssh.workers.channel import Channel

REPORT_S = 1.0
"""Seconds between two reports to the parent."""


class SentPreferences(Preferences):
    """Preferences that the parent writes for all workers."""

    def __init__(self, path: Path, channel: Channel) -> None:
        super().__init__(path)
        self._channel = channel

    def keep(self, fingerprint: str, choice: Choice) -> None:
        """Remember a choice, and have the parent keep it and tell the others."""
        super().keep(fingerprint, choice)
        for name, kept in self.take_unsaved().items():
            self._channel.send(wire.Chosen(name, kept))


class WorkerHost(Host):
    """A host behind a parent."""

    kind = "worker"

    def __init__(self, setup: wire.Setup, channel: Channel, pair: socket.socket) -> None:
        """``pair``: where accepted sockets come from. Raises InputError if a key file cannot be used."""
        self._channel = channel
        self._pair = pair
        self._desk_afar = RemoteDesk(self._want)
        self._clock = setup.clock
        super().__init__(
            self._desk_afar,
            _settings(setup, self._now_s),
            SentPreferences(Path(setup.preferences), channel),
        )
        self._peers = ParentPeers(channel)
        self.state.peers = self._peers
        self.state.bans.replace(setup.bans)
        self._lines: tuple[str, ...] = ("starting",)
        self._dismissed = 0
        """Clients that the newest bans have disconnected."""
        self._arrivals: Arrivals | None = None

    def _now_s(self) -> float:
        """Now, in UTC seconds, by the parent's clock."""
        return self._clock.now_s + time.monotonic() - self._clock.at_s

    async def serve(self) -> None:
        """Serve until the parent says stop, or is gone. Raises InputError."""
        tasks = [
            asyncio.create_task(work, name=name)
            for name, work in (
                ("to parent", self._channel.run()),
                ("from parent", self._receive()),
                ("reports", self._report()),
            )
        ]
        for task in tasks:
            # None of them ends by itself before the host does: without it the worker would be deaf or dumb.
            task.add_done_callback(lambda _: self.stop())
        try:
            await self.run()
        finally:
            await asyncio.sleep(0)  # the last messages
            for task in tasks:
                task.cancel()
            for ended in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(ended, Exception):
                    event_log.error("worker failed", ended)
            self._channel.close()

    async def _open(self, key: asyncssh.SSHKey) -> None:
        """Take connections from the parent."""
        loop, state = asyncio.get_running_loop(), self.state
        options = await server_options(state, key)

        def make_guard(handed: wire.Handed) -> Guard:
            def connect() -> ServerConnection:
                state.numbers = count(handed.number)
                return ServerConnection(loop, options)

            if handed.is_known:
                state.admission.remember(handed.address)
            return Guard(state, connect, lambda: self._left(handed.number))

        state.admission.on_login = lambda address: self._channel.send(wire.LoggedIn(address))
        self._arrivals = Arrivals(self._pair, make_guard, self._left)
        self._arrivals.start()
        event_log.event("worker started")
        self._channel.send(wire.Ready())

    def _close(self) -> None:
        if self._arrivals is not None:
            self._arrivals.stop()

    def _left(self, number: int) -> None:
        self._channel.send(wire.Left(number))

    def _host_lines(self) -> tuple[str, ...]:
        """The parent's, which are about all workers: one screen for all who see the same."""
        return self._lines

    def _want(self, asked: Wants) -> None:
        self._channel.send(wire.WantsChanged(asked))

    async def _receive(self) -> None:
        """Take what the parent sends; its end is ours."""
        try:
            async for kind, body in self._channel.frames():
                if kind == wire.SNAPSHOT:
                    self._desk_afar.take(body)
                else:
                    self._take(wire.read_for_worker(body))
        except wire.FrameError as error:
            event_log.error("worker ends", why=f"damaged bytes from the parent: {error}")
        else:
            if not self.state.closing:
                event_log.warning("worker ends", why="the parent is gone")
        self.stop()

    def _take(self, message: wire.ToWorker) -> None:
        match message:
            case wire.Beat():
                self._lines, self._clock = message.health, message.clock
                self._desk_afar.beat(message.clock.at_s)
            case wire.Reload():
                self.reload()
            case wire.Adopt():
                logging.getLogger().setLevel(message.log_level.upper())
                theme.reload()  # the parent tells what is wrong with one
                self.adopt(message.defaults, message.notice)
            case wire.Stop():
                self.stop()
            case wire.BansChanged():
                self.state.bans.replace(message.names)
                self._dismissed = self.state.dismiss_banned()
            case wire.Chosen():
                self.state.preferences.adopt(message.fingerprint, message.choice)
            case wire.Reply():
                self._peers.take(message)
            case wire.Question():
                self._channel.send(self._reply(message))
            case wire.Setup():
                pass

    def _reply(self, question: wire.Question) -> wire.Reply:
        if question.command == "viewers":
            return wire.Reply(question.id, viewers=tuple(self.state.viewers()))
        if question.command == "dismissed":
            return wire.Reply(question.id, count=self._dismissed)
        answer = admin.answer(question.command, self.state, by=question.by)
        if answer is None:
            return wire.Reply(question.id, err="rotation-tui: unknown command\n", code=1)
        return wire.Reply(question.id, answer.out, answer.err, answer.code)

    async def _report(self) -> None:
        state = self.state
        while True:
            report = wire.Report(
                state.status(), state.meter.frames, state.meter.bytes, state.admission.pending
            )
            self._channel.set("report", wire.frame(report))
            await asyncio.sleep(REPORT_S)


def _settings(setup: wire.Setup, now_s: Callable[[], float]) -> Settings:
    def path(text: str | None) -> Path | None:
        return None if text is None else Path(text)

    return Settings(
        address="",
        port=0,
        authorized_keys=path(setup.authorized_keys),
        admin_keys=path(setup.admin_keys),
        revoked_keys=path(setup.revoked_keys),
        host_key=Path(setup.host_key),
        preferences=Path(setup.preferences),
        now_s=now_s,
        limits=setup.limits,
        defaults=setup.defaults,
    )


async def work(setup: wire.Setup, channel: Channel, pair: socket.socket) -> None:
    """Serve as the worker of this setup until told to stop. Raises InputError."""
    raise_file_limit(setup.limits.sessions)
    host = WorkerHost(setup, channel, pair)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, host.stop)
    # The parent decides: these are sent to a terminal's whole group of processes.
    for number in (signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, lambda: None)
    await host.serve()


async def begin(channel: Channel) -> wire.Setup:
    """Return the parent's first message. Raises InputError if it is of another version."""
    async for kind, body in channel.frames():
        message = wire.read_for_worker(body) if kind == wire.MESSAGE else None
        if isinstance(message, wire.Setup):
            if message.version != wire.VERSION:
                raise InputError(
                    f"this worker is of version {wire.VERSION}, its parent of {message.version}: "
                    "the program was replaced while the host ran; restart the host"
                )
            return message
    raise InputError("the parent is gone")


async def fail(channel: Channel, why: str) -> None:
    """Tell the parent why this worker cannot start."""
    channel.send(wire.Failed(why))
    sending = asyncio.create_task(channel.run())
    await asyncio.sleep(0.2)
    sending.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await sending
