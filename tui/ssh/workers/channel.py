"""One end of the socket pair between a parent and a worker: what waits is bounded, values conflate."""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from typing import TYPE_CHECKING

from tui.ssh.workers import wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

WAITING_MAX = 10_000
"""Messages that wait for the other end; one that lets more wait does not run any more."""
KERNEL_BYTES = 64 * 1024
"""Bytes that the kernel may hold: a Snapshot that waits there can no longer give way to a newer one."""


class Channel:
    """Sends messages in order, and of values that replace each other only the newest."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._messages: deque[bytes] = deque()
        self._values: dict[str, bytes] = {}
        """By name the newest value that has not been sent."""
        self._wake = asyncio.Event()
        self.is_overrun = False
        """Whether more messages waited than may: the other end does not read."""
        # Nothing waits in user space but here, where a newer value can replace an older one.
        writer.transport.set_write_buffer_limits(high=0)

    @classmethod
    async def over(cls, pair: socket.socket) -> Channel:
        """Return the channel over one end of a stream socket pair."""
        pair.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BYTES)
        pair.settimeout(0)
        return cls(*await asyncio.open_unix_connection(sock=pair))

    def send(self, message: wire.ToWorker | wire.ToParent) -> None:
        """Queue a message."""
        if len(self._messages) >= WAITING_MAX:
            self.is_overrun = True
            return
        self._messages.append(wire.frame(message))
        self._wake.set()

    def set(self, name: str, frame: bytes) -> None:
        """Replace the value of this name that has not been sent yet."""
        self._values[name] = frame
        self._wake.set()

    async def run(self) -> None:
        """Send until the other end closes, or this task is cancelled."""
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._messages or self._values:
                    if self._messages:
                        frame = self._messages.popleft()
                    else:
                        frame = self._values.pop(next(iter(self._values)))
                    self._writer.write(frame)
                    await self._writer.drain()
        except OSError:
            return  # the end of the incoming frames says that the other end is gone

    async def frames(self) -> AsyncIterator[tuple[int, bytes]]:
        """Yield kind and body of what comes, until the other end closes. Raises wire.FrameError."""
        while (received := await wire.read_frame(self._reader)) is not None:
            yield received

    def close(self) -> None:
        """Close this end."""
        self._writer.transport.abort()
