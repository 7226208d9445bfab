"""Keys first: while somebody waits for a key to be answered, prices wait, too, but not for long.

What reads a stream and what takes prices in wait their turn before each piece of work of some milliseconds.
Between two looks a stream lets its frames gather; when prices are about to be drawn it looks at once, so that
what is drawn is new. They find the turns of their desk in the context of their task, so that nothing in
between need know of them.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from contextvars import ContextVar
from math import inf
from typing import TYPE_CHECKING

from feeds.refresh import Alarm

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

KEY_S = 0.1
"""From a key to its frame at most; prices wait no longer for it, and a piece of work for no two keys."""


class Turns:
    """Of one desk."""

    def __init__(self, most_s: float = KEY_S) -> None:
        """``most_s``: how long prices wait for a key that is not answered."""
        self._most_s = most_s
        self._until_s = -inf
        self._free = asyncio.Event()
        self._free.set()
        self._gathering: set[Alarm] = set()
        """Of those who let something gather just now."""

    def give_way(self) -> None:
        """A key has come: leave the loop to it until ``go_on``."""
        self._until_s = asyncio.get_running_loop().time() + self._most_s
        self._free.clear()

    def go_on(self) -> None:
        """It has been answered."""
        self._free.set()

    async def wait(self) -> None:
        """Return once a piece of work may be done."""
        if self._free.is_set():
            return
        with suppress(TimeoutError):
            async with asyncio.timeout_at(self._until_s):
                await self._free.wait()

    def hurry(self) -> None:
        """Prices are about to be drawn: what has gathered is looked at now."""
        for alarm in self._gathering:
            alarm.ring()

    async def gather(self, sleep: Callable[[float], Awaitable[None]], seconds: float) -> None:
        """Let something gather for so long, less where ``hurry`` is called meanwhile."""
        alarm = Alarm(sleep)
        self._gathering.add(alarm)
        try:
            await alarm.wait(seconds)
        finally:
            self._gathering.discard(alarm)


turns: ContextVar[Turns | None] = ContextVar("turns", default=None)
"""Of the desk for which this task works; None where nobody types."""


async def wait_for_turn() -> None:
    """``Turns.wait`` of the desk for which this task works."""
    mine = turns.get()
    if mine is not None:
        await mine.wait()


async def gather(sleep: Callable[[float], Awaitable[None]], seconds: float) -> None:
    """``Turns.gather`` of the desk for which this task works."""
    mine = turns.get()
    await (sleep(seconds) if mine is None else mine.gather(sleep, seconds))
