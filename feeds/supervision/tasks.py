"""The tasks of a desk while it runs: one for each feed, and what runs beside them."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterable

    from feeds.events import Feed


class DeskTasks:
    """All in one group: an error of any ends the others."""

    def __init__(self, drive: Callable[[Feed], Coroutine[None, None, None]]) -> None:
        """``drive`` runs a feed until it ends."""
        self._drive = drive
        self._group: asyncio.TaskGroup | None = None
        self._by_feed: dict[Feed, asyncio.Task[None]] = {}
        self._beside: list[asyncio.Task[None]] = []
        self._turn = asyncio.Event()

    @property
    def is_running(self) -> bool:
        """Whether the desk runs."""
        return self._group is not None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The run: tasks can be started in it, and those that are left at its end are cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                yield
                for task in (*self._beside, *self._by_feed.values()):
                    task.cancel()
        finally:
            self._group = None

    def drive(self, feed: Feed) -> None:
        """Drive a feed that is not driven yet. Before the run nothing happens: its beginning does it."""
        if self._group is None or feed in self._by_feed:
            return
        task = self._group.create_task(self._drive(feed), name=f"feed {feed.name}")
        task.add_done_callback(lambda _: self._turn.set())
        self._by_feed[feed] = task

    def has_ended(self, feed: Feed) -> bool:
        """Whether a feed that was driven has ended by itself."""
        return self._by_feed[feed].done()

    async def leave(self, feeds: Iterable[Feed]) -> None:
        """End these, and wait until they have: their connections are closed then."""
        tasks = [task for feed in feeds if (task := self._by_feed.pop(feed, None)) is not None]
        for task in tasks:
            task.cancel()
        self._turn.set()
        if tasks:
            await asyncio.wait(tasks)

    def run_beside(self, work: Coroutine[None, None, None], name: str) -> None:
        """Run this until the desk ends."""
        assert self._group is not None
        self._beside.append(self._group.create_task(work, name=name))

    def turn(self) -> None:
        """The feeds are others."""
        self._turn.set()

    async def turned(self) -> None:
        """Return once a feed has ended, or the feeds are others."""
        await self._turn.wait()
        self._turn.clear()
