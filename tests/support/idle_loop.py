"""An event loop that can say when it is idle: nothing to run, nothing to read, only timers to wait for.

A test that moves its own time waits for that instead of counting turns of the loop, so it depends neither
on the machine's speed nor on how many steps the code under test takes. Work in another thread is not seen:
wait for what it brings.
"""

from __future__ import annotations

import asyncio
import os
import selectors
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selectors import SelectorKey


class _IdleSelector(selectors.DefaultSelector):
    """A loop with something to run selects with a timeout of 0; any other call means that it has nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[asyncio.Future[None]] = []

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        if not self.waiting or (timeout is not None and timeout <= 0):
            return super().select(timeout)
        events = super().select(0)
        if not events:
            # What was sent over loopback may be with the kernel's own thread on a busy machine.
            os.sched_yield()
            events = super().select(0)
        if not events:
            waiting, self.waiting = self.waiting, []
            for future in waiting:
                if not future.done():
                    future.set_result(None)
        return events


class IdleLoop(asyncio.SelectorEventLoop):
    """The loop of tests that wait with ``idle``."""

    def __init__(self) -> None:
        self._idle_selector = _IdleSelector()
        super().__init__(self._idle_selector)

    async def idle(self) -> None:
        """Wait until no callback is ready and no socket has anything to read."""
        future: asyncio.Future[None] = self.create_future()
        self._idle_selector.waiting.append(future)
        await future
