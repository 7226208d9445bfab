"""The readers of a desk: each gets the newest Snapshot, and nothing queues up."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from weakref import WeakSet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from rotation.snapshot import Snapshot


class Listener:
    """The newest snapshot, for one reader. A slow reader misses snapshots; nothing queues up."""

    def __init__(self) -> None:
        self._wake = asyncio.Event()
        self._snapshot: Snapshot | None = None
        self._ended = False

    def put(self, snapshot: Snapshot) -> None:
        """Replace what the reader has not seen yet."""
        self._snapshot = snapshot
        self._wake.set()

    def end(self) -> None:
        """Let the reader finish after the newest snapshot."""
        self._ended = True
        self._wake.set()

    def __aiter__(self) -> AsyncIterator[Snapshot]:
        return self

    async def __anext__(self) -> Snapshot:
        while self._snapshot is None:
            if self._ended:
                raise StopAsyncIteration
            await self._wake.wait()
            self._wake.clear()
        snapshot, self._snapshot = self._snapshot, None
        return snapshot


class Listeners(WeakSet[Listener]):
    """All readers of one desk. One that has gone is forgotten; one that comes gets the newest at once."""

    def __init__(self) -> None:
        super().__init__()
        self.newest: Snapshot | None = None
        """None before the first."""
        self._ended = False

    def listen(self) -> Listener:
        """A new reader."""
        listener = Listener()
        if self.newest is not None:
            listener.put(self.newest)
        if self._ended:
            listener.end()
        self.add(listener)
        return listener

    def put(self, snapshot: Snapshot) -> None:
        """Give every reader this one, and those who come before the next."""
        self.newest = snapshot
        for listener in self:
            listener.put(snapshot)

    def end(self) -> None:
        """Let every reader finish after the newest."""
        self._ended = True
        for listener in self:
            listener.end()
