"""A desk's Snapshots at the pace of frames, and sooner for those who wait for what has come with one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable

    from rotation.snapshot import Snapshot

SOONER_S = 0.1
"""Seconds after the last showing at which what somebody waits for is shown, though no frame is due."""


class Showing(NamedTuple):
    """A Snapshot to be shown now."""

    snapshot: Snapshot
    is_frame: bool
    """For all; else only for those who wait for something in it: the others get it with the next frame."""


async def showings(
    snapshots: AsyncIterator[Snapshot],
    frame_s: Callable[[], float],
    is_awaited: Callable[[Snapshot], bool],
    rest: Callable[[float], None] = lambda _: None,
) -> AsyncGenerator[Showing]:
    """Yield the newest Snapshot once a frame, until there are no more; one that is awaited sooner, too.

    ``frame_s``: seconds from one frame to the next, now; what comes later than that is shown at once.
    ``rest`` is told after each frame for how many seconds none is due.
    Close it (``contextlib.aclosing``), so that nothing goes on reading.
    """
    loop = asyncio.get_running_loop()
    frame_at = sooner_at = float("-inf")
    pending: Snapshot | None = None
    reading = _read(snapshots)
    try:
        while True:
            wait_s = None
            if pending is not None:
                now = loop.time()
                wait_s = (min(sooner_at, frame_at) if is_awaited(pending) else frame_at) - now
                if wait_s <= 0:
                    is_frame = now >= frame_at
                    yield Showing(pending, is_frame)
                    sooner_at = now + SOONER_S
                    if is_frame:
                        pending, frame_at = None, now + frame_s()
                        rest(frame_at - loop.time())
                    continue
            await asyncio.wait([reading], timeout=wait_s)
            if reading.done():
                newer = reading.result()
                if newer is None:
                    break
                pending, reading = newer, _read(snapshots)
        if pending is not None:
            yield Showing(pending, is_frame=True)
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


def _read(snapshots: AsyncIterator[Snapshot]) -> asyncio.Task[Snapshot | None]:
    async def read() -> Snapshot | None:
        return await anext(snapshots, None)

    return asyncio.create_task(read(), name="newest snapshot")
