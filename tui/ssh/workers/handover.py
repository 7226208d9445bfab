"""Accepted sockets on their way from the parent to a worker: sent with their IDs, and served there."""

from __future__ import annotations

import asyncio
import os
import socket
from typing import TYPE_CHECKING, cast

from tui.ssh import event_log
from tui.ssh.wire.guard import SocketGuard
from tui.ssh.wire.proxy_protocol import SeenFrom
from tui.ssh.workers import wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from tui.ssh.wire.guard import Admission
    from tui.ssh.wire.server import ServerConnection

BYTES_MAX = 1_024
"""Bytes that travel with a socket."""
TAKEN_AT_ONCE = 8
"""Sockets taken in one turn of the loop: frames and keys come between two turns."""


def can_pass_sockets() -> bool:
    """Whether this system can pass open sockets between processes."""
    return hasattr(socket, "send_fds") and hasattr(socket, "AF_UNIX")


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def hand_over(pair: socket.socket, accepted: socket.socket, handed: wire.Handed) -> bool:
    """Send an accepted socket to a worker; False if the worker takes none now. The caller closes its own."""
    try:
        socket.send_fds(pair, [wire.handed_bytes(handed)], [accepted.fileno()])
    except OSError:  # its queue is full, or it is gone
        return False
    return True


class Guard(SocketGuard):
    """A guard that says when its connection is over."""

    def __init__(
        self, admission: Admission, connect: Callable[[], ServerConnection], on_over: Callable[[], None]
    ) -> None:
        super().__init__(admission, connect)
        self._on_over = on_over

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """As the host's own; a connection that is refused is over at once."""
        super().connection_made(transport)
        if not self.is_let_in:
            self._on_over()

    def connection_lost(self, exc: Exception | None) -> None:
        """Pass it on, and say that it is over."""
        try:
            super().connection_lost(exc)
        finally:
            self._on_over()


class Arrival(asyncio.Protocol):
    """A socket that the parent has accepted, until its guard takes over under the client's address."""

    def __init__(self, handed: wire.Handed, guard: Guard) -> None:
        self._handed, self._guard = handed, guard

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let the guard begin."""
        cast("asyncio.Transport", transport).set_protocol(self._guard)
        seen = SeenFrom(transport, (self._handed.address, self._handed.port))
        self._guard.connection_made(cast("asyncio.Transport", seen))


class Arrivals:
    """Takes sockets from the parent and serves them."""

    def __init__(
        self,
        pair: socket.socket,
        make_guard: Callable[[wire.Handed], Guard],
        on_lost: Callable[[int], None],
    ) -> None:
        """``pair``: the worker's end. ``on_lost``: a connection that ended before its guard began."""
        self._pair = pair
        self._make_guard = make_guard
        self._on_lost = on_lost
        self._tasks: set[asyncio.Task[None]] = set()
        pair.settimeout(0)

    def start(self) -> None:
        """Take sockets from now on."""
        asyncio.get_running_loop().add_reader(self._pair.fileno(), self._take)

    def stop(self) -> None:
        """Take no more."""
        asyncio.get_running_loop().remove_reader(self._pair.fileno())

    def _take(self) -> None:
        for _ in range(TAKEN_AT_ONCE):
            try:
                data, files, _, _ = socket.recv_fds(self._pair, BYTES_MAX, 1)
            except BlockingIOError:
                return
            except OSError as error:  # too many open files: the parent hears of it when the client is gone
                event_log.error("handover failed", error)
                return
            if not data:
                self.stop()  # the parent is gone
                return
            handed = wire.read_handed(data)
            if not files:  # the limit of open files: the kernel dropped it
                event_log.error("handover failed", why="no open file is left")
                self._on_lost(handed.number)
                continue
            task = asyncio.get_running_loop().create_task(self._serve(files[0], handed), name="arrival")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _serve(self, file: int, handed: wire.Handed) -> None:
        try:
            accepted = socket.socket(fileno=file)
        except OSError:
            os.close(file)
            self._on_lost(handed.number)
            return
        accepted.settimeout(0)
        guard = self._make_guard(handed)
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(lambda: Arrival(handed, guard), accepted)
        except OSError:  # the client has gone already
            accepted.close()
            self._on_lost(handed.number)
