"""The parent's end of one worker process: start it, talk with it, know what it serves."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from rotation.context.wants import NOTHING
from tui.ssh import event_log
from tui.ssh.status import WorkerState, WorkerStatus
from tui.ssh.workers import handover, wire
from tui.ssh.workers.channel import Channel

if TYPE_CHECKING:
    from collections.abc import Callable

    from rotation.context.wants import Wants

PROGRAM = "import sys; sys.path[:] = sys.argv[3:]; from tui.ssh.workers.process import main; main()"
"""A worker looks for its modules where the parent does, and so is of the same code."""
SILENT_S = 4.0
"""Seconds without a report from which a worker gets no new connections while another answers."""
REPLY_S = 3.0
"""Seconds that a worker gets to answer a question."""


class NoReplyError(RuntimeError):
    """The worker does not answer, or is gone."""


class Member:
    """One running process. ``run`` it once; a replacement is another Member."""

    def __init__(
        self,
        setup: wire.Setup,
        *,
        on_message: Callable[[Member, wire.ToParent], None],
        on_left: Callable[[str], None],
    ) -> None:
        """``on_message`` gets what concerns others; ``on_left`` the address of each connection that ended."""
        self.number = setup.worker
        self.most_sessions = setup.limits.sessions
        self.connections: dict[int, str] = {}
        """ID → address of every connection that it was handed and that has not ended."""
        self.wants: Wants = NOTHING
        """What its viewers look at."""
        self.report: wire.Report | None = None
        self.why = ""
        """Why it could not start, in words for a person."""
        self.pid: int | None = None
        self.began = time.monotonic()
        self.is_stopping = False
        self.stopped_at: float | None = None
        """When it was first told to stop, on the monotonic clock; None before."""
        self.ready = asyncio.Event()
        self._setup = setup
        self._since = datetime.fromtimestamp(setup.clock.now_s, UTC)
        self._last_sign_at = self.began
        self._on_message, self._on_left = on_message, on_left
        self._channel: Channel | None = None
        self._pair: socket.socket | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._ids = count(1)
        self._asked: dict[int, asyncio.Future[wire.Reply]] = {}

    @property
    def silent_s(self) -> float:
        """Seconds since it last said anything."""
        return time.monotonic() - self._last_sign_at

    @property
    def takes_connections(self) -> bool:
        """Whether it may be handed connections."""
        return self.ready.is_set() and not self.is_stopping

    async def run(self) -> int:
        """Start the process, take what it sends, and return its exit code once it has ended.

        Raises OSError if the system cannot start one.
        """
        ours, theirs = socket.socketpair()
        pair, their_pair = socket.socketpair(type=socket.SOCK_DGRAM)
        pair.settimeout(0)
        self._pair = pair
        with theirs, their_pair, contextlib.ExitStack() as unless_started:
            unless_started.callback(ours.close)
            unless_started.callback(self._close)
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-c", PROGRAM,
                str(theirs.fileno()), str(their_pair.fileno()), *sys.path,
                pass_fds=(theirs.fileno(), their_pair.fileno()),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                # Ctrl+C at the parent's terminal is the parent's alone to act on.
                start_new_session=True,
            )  # fmt: skip
            unless_started.pop_all()
        self.pid = self._process.pid
        self._channel = channel = await Channel.over(ours)
        channel.send(self._setup)
        if self.is_stopping:  # since before there was a process
            channel.send(wire.Stop())
        sending = asyncio.create_task(channel.run(), name=f"to worker {self.number}")
        receiving = asyncio.create_task(self._receive(channel), name=f"from worker {self.number}")
        try:
            code = await self._process.wait()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(receiving, REPLY_S)  # its last words
            return code
        finally:
            self.kill()
            for task in (sending, receiving):
                task.cancel()
            await asyncio.gather(sending, receiving, return_exceptions=True)
            self._close()

    def _close(self) -> None:
        self.is_stopping = True
        if self._channel is not None:
            self._channel.close()
        if self._pair is not None:
            self._pair.close()
            self._pair = None
        for number in list(self.connections):
            self._left(number)
        for waiting in self._asked.values():
            if not waiting.done():
                waiting.set_exception(NoReplyError())
        self._asked.clear()

    async def _receive(self, channel: Channel) -> None:
        try:
            async for kind, body in channel.frames():
                self._last_sign_at = time.monotonic()
                if kind == wire.MESSAGE:
                    self._take(wire.read_for_parent(body))
        except wire.FrameError as error:
            event_log.error("worker replaced", worker=self.number, why=f"damaged bytes: {error}")
        except Exception as error:  # noqa: BLE001 - a worker that cannot be heard is replaced, the host goes on
            event_log.error("worker replaced", error, worker=self.number)
        finally:
            # Its end of the socket pair is closed only where it ends, or is as good as dead.
            if not self.is_stopping:
                self.kill()

    def _take(self, message: wire.ToParent) -> None:
        match message:
            case wire.Ready():
                self.ready.set()
            case wire.Failed():
                self.why = message.why
            case wire.Report():
                self.report = message
            case wire.Left():
                self._left(message.number)
            case wire.Reply():
                waiting = self._asked.pop(message.id, None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(message)
            case wire.WantsChanged():
                self.wants = message.wants
                self._on_message(self, message)
            case _:
                self._on_message(self, message)

    def _left(self, number: int) -> None:
        address = self.connections.pop(number, None)
        if address is not None:
            self._on_left(address)

    def send(self, message: wire.ToWorker) -> None:
        """Send a message; one that cannot read any more is ended."""
        if self._channel is not None:
            self._channel.send(message)
            if self._channel.is_overrun:
                self.kill()

    def set(self, name: str, frame: bytes) -> None:
        """Send the newest value of this name."""
        if self._channel is not None and self.ready.is_set():
            self._channel.set(name, frame)

    async def ask(self, command: str, by: str = "") -> wire.Reply:
        """Return the worker's answer. Raises NoReplyError."""
        number = next(self._ids)
        waiting: asyncio.Future[wire.Reply] = asyncio.get_running_loop().create_future()
        self._asked[number] = waiting
        self.send(wire.Question(number, command, by, is_admin=bool(by)))
        try:
            return await asyncio.wait_for(waiting, REPLY_S)
        except TimeoutError as error:
            raise NoReplyError from error
        finally:
            self._asked.pop(number, None)

    def hand_over(self, accepted: socket.socket, handed: wire.Handed) -> bool:
        """Give it an accepted connection; False if it takes none now."""
        if self._pair is None or not handover.hand_over(self._pair, accepted, handed):
            return False
        self.connections[handed.number] = handed.address
        return True

    def stop(self) -> None:
        """Have it say goodbye to its viewers and end."""
        self.is_stopping = True
        if self.stopped_at is None:
            self.stopped_at = time.monotonic()
        self.send(wire.Stop())

    def kill(self) -> None:
        """End it at once."""
        self.is_stopping = True
        if self._process is not None and self._process.returncode is None:
            # Process.kill may reap the process before asyncio does, which then reports the code 255.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)

    def memory_mb(self) -> float:
        """Return its resident memory in MB of 10⁶ bytes; 0 where the system does not say."""
        try:
            pages = Path(f"/proc/{self.pid}/statm").read_text("ascii").split()[1]
        except (OSError, IndexError):
            return 0.0
        return int(pages) * os.sysconf("SC_PAGE_SIZE") / 1e6

    def _state(self) -> WorkerState:
        if self.is_stopping:
            return "stopping"
        if not self.ready.is_set():
            return "starting"
        return "silent" if self.silent_s > SILENT_S else "serving"

    def status(self, replaced: int) -> WorkerStatus:
        """Return how it is doing, as of its last report."""
        now = self.report.status if self.report else None
        return WorkerStatus(
            worker=self.number,
            state=self._state(),
            pid=self.pid,
            since=self._since,
            sessions=now.sessions if now else 0,
            most_sessions=self.most_sessions,
            rooms=now.rooms if now else 0,
            frames_per_s=now.frames_per_s if now else 0.0,
            bytes_per_s=now.bytes_per_s if now else 0.0,
            lag_ms=now.lag_ms if now else 0.0,
            pace=now.pace if now else "full",
            memory_mb=round(self.memory_mb(), 1),
            replaced=replaced,
        )
