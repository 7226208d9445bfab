"""Snapshots at the pace of frames, and what is awaited sooner; any time will do for the tests."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from tests.support.ssh_host import until
from tui.ssh.rooms.following import Showing, showings

NEVER_S = 10_000.0


class Source:
    """Items as a test puts them."""

    def __init__(self) -> None:
        self.items: asyncio.Queue[object] = asyncio.Queue()
        self.ended = False

    async def __aiter__(self):
        try:
            while (item := await self.items.get()) is not None:
                yield item
        finally:
            self.ended = True


class Shown:
    def __init__(self, frame_s: float, awaited: frozenset[object] = frozenset()) -> None:
        self.source = Source()
        self.shown: list[Showing] = []
        self.taken = 0
        self._awaited, self._frame_s = awaited, frame_s
        self.task = asyncio.create_task(self._follow())

    def _is_awaited(self, item: object) -> bool:
        return item in self._awaited and all(each.snapshot != item for each in self.shown)

    async def _follow(self) -> None:
        paced = showings(aiter(self.source), lambda: self._frame_s, self._is_awaited)
        async with aclosing(paced):
            async for showing in paced:
                self.shown.append(showing)


async def test_the_first_is_shown_at_once_and_later_ones_with_the_next_frame():
    shown = Shown(NEVER_S)
    for item in "abc":
        shown.source.items.put_nowait(item)
    await until(lambda: shown.shown and shown.source.items.empty())
    assert [each.is_frame for each in shown.shown] == [True]
    shown.source.items.put_nowait(None)
    await shown.task
    assert shown.shown[-1] == Showing("c", True), "the newest of those that waited"
    assert len(shown.shown) == 2


async def test_frames_follow_each_other():
    shown = Shown(0.01)
    for item in "abcde":
        shown.source.items.put_nowait(item)
        await until(lambda item=item: shown.shown and shown.shown[-1].snapshot == item)
    assert all(each.is_frame for each in shown.shown)
    shown.task.cancel()
    await asyncio.gather(shown.task, return_exceptions=True)
    assert shown.source.ended, "nothing goes on reading"


async def test_what_is_awaited_is_shown_before_the_next_frame_and_once():
    shown = Shown(NEVER_S, frozenset("cd"))
    for item in "abc":
        shown.source.items.put_nowait(item)
    await until(lambda: len(shown.shown) == 2)
    assert shown.shown[1] == Showing("c", False)
    shown.source.items.put_nowait("d")
    await until(lambda: len(shown.shown) == 3)
    shown.source.items.put_nowait(None)
    await shown.task
    assert shown.shown[2:] == [Showing("d", False), Showing("d", True)], "the others get it, too"
