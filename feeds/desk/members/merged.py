"""Events of several sources as one stream, in order of arrival, while each waits for its own."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from feeds.events import Event


class _Ended(msgspec.Struct, frozen=True):
    """A source has ended, or failed."""

    error: Exception | None = None


async def merged(*sources: AsyncGenerator[Event, None]) -> AsyncGenerator[Event, None]:
    """All events until every source has ended; the first error of any ends the others, and is raised.

    A source waits until its event has been taken.
    """
    queue: asyncio.Queue[Event | _Ended] = asyncio.Queue(1)
    pumps = [asyncio.create_task(_pump(source, queue), name="merged") for source in sources]
    left = len(pumps)
    try:
        while left:
            event = await queue.get()
            if not isinstance(event, _Ended):
                yield event
            elif event.error is not None:
                raise event.error
            else:
                left -= 1
    finally:
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)


async def _pump(source: AsyncGenerator[Event, None], queue: asyncio.Queue[Event | _Ended]) -> None:
    ended = _Ended()
    try:
        async with aclosing(source) as events:
            async for event in events:
                await queue.put(event)
    except Exception as error:  # noqa: BLE001 - whoever reads raises it
        ended = _Ended(error)
    await queue.put(ended)
