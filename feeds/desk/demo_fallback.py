"""The demo in front of a live desk that has nothing to show: no history, no source within reach."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING
from weakref import WeakSet

import msgspec

from feeds.supervisor import Listener
from rotation.context.wants import NOTHING
from rotation.desk import DeskChange

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from feeds.supervisor import Pairs, Supervisor
    from feeds.tapes.player import TapeFeed
    from rotation.context.wants import Wants
    from rotation.snapshot import Snapshot

log = logging.getLogger(__name__)

PATIENCE_S = 8.0
"""So long the live desk may take to find anything before the demo begins."""
LOOK_S = 1.0


class DemoFallback:
    """A live desk, and behind a badge the demo until the live one has a price; live is tried all the while.

    As a desk it has ``run``, ``listen`` and ``controls``; these act on the demo while it is in front.
    """

    def __init__(
        self,
        live: Supervisor,
        demo: Callable[[], tuple[Supervisor, TapeFeed | None]],
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """``demo`` is made only when it is needed."""
        self._live = live
        self._make_demo = demo
        self._sleep = sleep
        self._tape: TapeFeed | None = None
        self._listeners: WeakSet[Listener] = WeakSet()
        self._newest: Snapshot | None = None
        self._ended = False
        self._wants: Wants = NOTHING
        self._changed_pairs: tuple[Pairs, tuple[tuple[str, float], ...]] | None = None
        """None: those that the run began with."""
        self._desk_change = DeskChange()
        """All since the beginning, as one."""
        self._demo: Supervisor | None = None
        """While it plays."""

    def want(self, asked: Wants) -> None:
        """Have these parts in every Snapshot, of the demo too."""
        self._wants = asked
        for desk in (self._live, self._demo):
            if desk is not None:
                desk.want(asked)

    async def set_pairs(self, pairs: Pairs, gaps: tuple[tuple[str, float], ...]) -> Pairs:
        """As a supervisor does it: the live desk's answer, and the demo has the same as far as it can."""
        self._changed_pairs = pairs, gaps
        if self._demo is not None:
            await self._demo.set_pairs(pairs, gaps)
        return await self._live.set_pairs(pairs, gaps)

    async def change_desk(self, change: DeskChange) -> None:
        """As a supervisor does it, of the demo too."""
        self._desk_change = change.after(self._desk_change)
        for desk in (self._demo, self._live):
            if desk is not None:
                await desk.change_desk(change)

    @property
    def controls(self) -> TapeFeed | None:
        """The controls of the demo's tape while it plays."""
        return self._tape

    @property
    def plays_demo(self) -> bool:
        """Whether it is the demo that is in front."""
        return self._demo is not None

    def listen(self) -> Listener:
        """A new reader; it gets the newest snapshot at once if there is one."""
        listener = Listener()
        if self._newest is not None:
            listener.put(self._newest)
        if self._ended:
            listener.end()
        self._listeners.add(listener)
        return listener

    async def run(self) -> None:
        """Drive the live desk, and in front of it the demo while that has nothing."""
        try:
            async with asyncio.TaskGroup() as group:
                live = group.create_task(self._live.run(), name="live desk")
                watch = group.create_task(self._watch(), name="demo fallback")
                await asyncio.wait([live])
                watch.cancel()
        finally:
            self._ended = True
            for listener in self._listeners:
                listener.end()

    async def _watch(self) -> None:
        following = asyncio.create_task(self._follow(self._live), name="follow live")
        try:
            await self._sleep(PATIENCE_S)
            if _is_blank(self._live.latest):
                following.cancel()
                await self._play()
                following = asyncio.create_task(self._follow(self._live), name="follow live")
            await following
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)

    async def _play(self) -> None:
        """The demo, until the live desk has a price."""
        log.warning("no source answers and no history is stored: the demo runs while live is retried")
        demo, self._tape = await asyncio.to_thread(self._make_demo)
        self._demo = demo  # from here on it is told of changes itself
        if self._changed_pairs is not None:
            await demo.set_pairs(*self._changed_pairs)
        await demo.change_desk(self._desk_change)
        demo.want(self._wants)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(demo.run(), name="demo"),
                    group.create_task(self._follow(demo, in_front=True), name="follow demo"),
                ]
                while _is_blank(self._live.latest):
                    await self._sleep(LOOK_S)
                for task in tasks:
                    task.cancel()
        finally:
            self._tape = self._demo = None
        log.info("live prices have arrived, the demo ends")

    async def _follow(self, desk: Supervisor, *, in_front: bool = False) -> None:
        async for snapshot in desk.listen():
            self._newest = self._beside_live(snapshot) if in_front else snapshot
            for listener in self._listeners:
                listener.put(self._newest)

    def _beside_live(self, demo: Snapshot) -> Snapshot:
        """The demo's snapshot, and how the live feeds are doing: why it is the demo that is shown."""
        live = self._live.latest
        if live is None:
            return demo
        feeds = (*live.health.feeds, *demo.health.feeds)
        return msgspec.structs.replace(demo, health=msgspec.structs.replace(demo.health, feeds=feeds))


def _is_blank(snapshot: Snapshot | None) -> bool:
    return snapshot is None or all(leg.last is None for leg in snapshot.legs.values())
