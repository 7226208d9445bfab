"""Opening a desk on a hub: its history first, since the desk's legs rest on it."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import msgspec

from feeds.errors import UnavailableError
from feeds.events import HistoryUpdated
from feeds.hub.broker.viewer import HubFeed
from rotation.breadth.members import Membership
from rotation.history import History

if TYPE_CHECKING:
    from feeds.hub.broker.connection import Access
    from feeds.supervisor import Supervisor
    from rotation.snapshot import Snapshot

FIRST_S = 3.0
"""For a hub's history before the desk opens without it."""


class Known(msgspec.Struct, frozen=True):
    """What a hub had when the desk was opened."""

    history: History
    membership: tuple[Membership, ...] = ()


def look(access: Access, limit_s: float = FIRST_S) -> Known:
    """Ask a hub once, blocking; what does not answer within ``limit_s`` is empty. Raises InputError."""
    return asyncio.run(_look(HubFeed(access), limit_s))


async def _look(feed: HubFeed, limit_s: float) -> Known:
    history, members = History.empty(), list[tuple[Membership, ...]]()

    async def note(membership: tuple[Membership, ...]) -> None:
        members.append(membership)

    feed.on_members = note
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(limit_s), contextlib.aclosing(feed.events()) as events:
            async for event in events:
                if isinstance(event, HistoryUpdated):
                    history = event.history
                if feed.receiver.is_complete:
                    break
    return Known(history, members[-1] if members else ())


async def first_snapshot(supervisor: Supervisor, feed: HubFeed, limit_s: float) -> Snapshot:
    """The whole market of a hub. Raises UnavailableError where it has not come within ``limit_s``."""
    running = asyncio.create_task(supervisor.run())
    try:
        async with asyncio.timeout(limit_s):
            async for snapshot in supervisor.listen():
                if feed.receiver.is_complete and feed.has_shown:
                    return snapshot
    except TimeoutError:
        pass
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    receiver = feed.receiver
    raise UnavailableError(receiver.version_error or receiver.problem or "no hub is sending")
