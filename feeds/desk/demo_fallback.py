"""The demo in front of a live desk that has nothing to show: no history, no source within reach."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import msgspec

from feeds.supervision.listeners import Listeners
from feeds.supervisor import Watched
from rotation.context.wants import NOTHING
from rotation.desk import DeskChange

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from feeds.supervision.listeners import Listener
    from feeds.supervisor import Pairs, Supervisor
    from feeds.tapes.player import TapeFeed
    from feeds.turns import Turns
    from rotation.context.wants import Wants
    from rotation.desk import Desk
    from rotation.history import History
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
        is_allowed: bool = True,
        is_next: bool = False,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """``demo`` is made only when it is needed.

        ``is_allowed``: whether it may play. ``is_next``: it plays at once, whatever the live desk has: a
        person's list of feeds has come to it.
        """
        self._is_allowed = is_allowed
        self._is_next = is_next
        self._has_shown = False
        """Whether the live desk has had a price."""
        self._called = asyncio.Event()
        self._live = live
        self._make_demo = demo
        self._sleep = sleep
        self._tape: TapeFeed | None = None
        self._listeners = Listeners()
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

    def ask_now(self) -> tuple[tuple[str, ...], float]:
        """As the live desk does it, also while the demo plays: it is live that is wished for."""
        return self._live.ask_now()

    def rest(self, seconds: float) -> None:
        """No newer prices are needed for so long from now; those of a demo come as they are played."""
        self._live.rest(seconds)

    @property
    def turns(self) -> Turns:
        """Between keys and prices of the live desk."""
        return self._live.turns

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

    def listen(self) -> Listener:
        """A new reader; it gets the newest snapshot at once if there is one."""
        return self._listeners.listen()

    async def run(self) -> None:
        """Drive the live desk, and in front of it the demo while that has nothing."""
        try:
            async with asyncio.TaskGroup() as group:
                live = group.create_task(self._live.run(), name="live desk")
                watch = group.create_task(self._watch(), name="demo fallback")
                await asyncio.wait([live])
                watch.cancel()
        finally:
            self._listeners.end()

    async def _watch(self) -> None:
        following = asyncio.create_task(self._follow(self._live), name="follow live")
        try:
            if not self._is_next:
                await self._sleep(PATIENCE_S)
            while not following.done():
                if self._is_due():
                    following.cancel()
                    await self._play()
                    following = asyncio.create_task(self._follow(self._live), name="follow live")
                elif self._has_shown:
                    await self._until_called(following)
                else:
                    await self._sleep(LOOK_S)
            await following
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)

    async def _until_called(self, following: asyncio.Task[None]) -> None:
        """Until ``allow``, or the end of the live desk."""
        called = asyncio.create_task(self._called.wait(), name="demo is next")
        try:
            await asyncio.wait({following, called}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            called.cancel()
            await asyncio.gather(called, return_exceptions=True)
        self._called.clear()

    def allow(self, *, is_allowed: bool, is_next: bool) -> None:
        """Whether the demo may play from now on, and whether it is to at once; see ``__init__``."""
        self._is_allowed, self._is_next = is_allowed, is_next
        self._called.set()

    def _is_due(self) -> bool:
        """Whether the demo is to be in front. Once the live desk has shown a price it stays."""
        self._has_shown = self._has_shown or not _is_blank(self._live.latest)
        return self._is_next or (self._is_allowed and not self._has_shown)

    async def watch(self, desk_of: Callable[[History], Desk]) -> None:
        """Have the demo show another desk while it plays; the live desk is somebody else's to change."""
        demo, tape = self._demo, self._tape
        if demo is None or tape is None:
            return
        watched = Watched(desk_of(demo.history), demo.feeds)
        demo.watch(watched, await demo.pass_for(watched))
        tape.seek(0.0)  # with the prints of legs that were none

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
                while self._is_due():
                    await self._sleep(LOOK_S)
                for task in tasks:
                    task.cancel()
        finally:
            self._tape = self._demo = None
        log.info("live prices have arrived, the demo ends")

    async def _follow(self, desk: Supervisor, *, in_front: bool = False) -> None:
        async for snapshot in desk.listen():
            self._listeners.put(self._beside_live(snapshot) if in_front else snapshot)

    def _beside_live(self, demo: Snapshot) -> Snapshot:
        """The demo's snapshot, and how the live feeds are doing: why it is the demo that is shown."""
        live = self._live.latest
        if live is None:
            return demo
        feeds = (*live.health.feeds, *demo.health.feeds)
        return msgspec.structs.replace(demo, health=msgspec.structs.replace(demo.health, feeds=feeds))


def _is_blank(snapshot: Snapshot | None) -> bool:
    return snapshot is None or all(leg.last is None for leg in snapshot.legs.values())
