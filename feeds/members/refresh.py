"""The funds' holdings once a day in a running desk, from their sponsors: one request a fund, an evening."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from feeds.errors import InputError, StorageError
from feeds.events import Status
from feeds.members.sponsors import SPONSORS
from feeds.members.sync import sync
from rotation.quote import NS
from rotation.sessions import last_due_ns, new_york_day
from rotation.status import OFFLINE, Kind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from feeds.clock import Time
    from feeds.events import Event
    from feeds.members.store import MemberStore
    from rotation.breadth.members import Membership

DELAY_NS = (2 * 3600 * NS, 5 * 3600 * NS)
"""After the close, at random: sponsors publish in the evening, and not all desks ask in the same minute."""
LOOK_S = 300.0
START_S = 120.0
"""After the desk's start: prices come first."""


class HoldingsRefresh:
    """A feed of its own Status; newer lists go to ``on_members``."""

    name = "holdings"
    mode = OFFLINE

    def __init__(self, store: MemberStore, load: Callable[[], tuple[Membership, ...]], *, time: Time) -> None:
        """``load``: what is stored, as a desk takes it; it may raise StorageError, and InputError.

        An error of either is a Status: the desk goes on with the lists it has.
        """
        self._store = store
        self._load = load
        self._time = time
        first_ns, last_ns = DELAY_NS
        self._delay_ns = first_ns + int(time.random() * (last_ns - first_ns))
        self.on_members: Callable[[tuple[Membership, ...]], None] = _ignored
        """Given all that is stored, where any of it is new."""

    def tape(self) -> None:
        """None: it is live."""

    async def events(self) -> AsyncIterator[Event]:
        """How each day's download went. One that failed is tried the next day: the list held stands."""
        await self._time.sleep(START_S)
        turn_ns = self._turn()  # what was due before the start was somebody else's to ask for
        while True:
            if turn_ns != self._turn():
                turn_ns = self._turn()
                yield await self._asked()
            await self._time.sleep(LOOK_S)

    def _turn(self) -> int:
        """The latest evening that is due."""
        return last_due_ns(self._time.clock_ns(), self._delay_ns)

    async def _asked(self) -> Status:
        """Ask for the funds of which a list is held: no other was ever wanted."""
        today = new_york_day(self._time.clock_ns())
        try:
            before = set(await asyncio.to_thread(self._store.files))
            funds = [fund for fund in SPONSORS if any(fund == held for held, _ in before)]
            done, failed = await sync(self._store, funds, today)
            if set(await asyncio.to_thread(self._store.files)) != before:
                self.on_members(await asyncio.to_thread(self._load))
        except (StorageError, InputError) as error:  # the latter of a table of renames
            return Status(Kind.OFFLINE, str(error))
        if failed:
            return Status(Kind.GAPPED if done else Kind.OFFLINE, "; ".join(failed))
        return Status(Kind.LIVE, "; ".join(done))


def _ignored(membership: tuple[Membership, ...]) -> None:
    """Nobody shows them."""
    del membership
