"""The funds' holdings in a running desk: from their sponsors once a day, one request a fund, an evening.

What a person stores meanwhile, and a change of names that its day has come for, reach the desk too.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from feeds.errors import InputError, StorageError
from feeds.events import Status
from feeds.members.sponsors import SPONSORS
from feeds.members.sync import sync
from rotation.quote import NS
from rotation.sessions import last_due_ns, new_york_day
from rotation.status import OFFLINE, Kind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
    from datetime import date
    from pathlib import Path

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

    def __init__(
        self,
        store: MemberStore,
        load: Callable[[], tuple[Membership, ...]],
        *,
        time: Time,
        beside: Path | None = None,
    ) -> None:
        """``load``: what is stored, as a desk takes it; it may raise StorageError, and InputError.

        An error of either is a Status: the desk goes on with the lists it has. ``beside``: another file on
        which that depends.
        """
        self._store = store
        self._load = load
        self._time = time
        self._beside = beside
        self._stamps: _Stamps = frozenset()
        """Of the files that were loaded last."""
        self._day: date | None = None
        """On which."""
        self._names: _Names | None = None
        """Which members of which day were handed on last; None where they could not be loaded."""
        self._fault: str | None = None
        """Why what is stored could not be loaded or handed on the last time; None where it could."""
        self._download: Status | None = None
        """How the last one went; None before the first."""
        first_ns, last_ns = DELAY_NS
        self._delay_ns = first_ns + int(time.random() * (last_ns - first_ns))
        self.on_members: Callable[[tuple[Membership, ...]], Awaitable[None]] = _ignored
        """Given all that is stored, where any of it is new. What it raises is told, and tried again."""

    def tape(self) -> None:
        """None: it is live."""

    async def events(self) -> AsyncIterator[Event]:
        """How each day's download went. One that failed is tried the next day: the list held stands."""
        if self._names is None:  # a feed that is started again hands on what it had not
            await self._begin()
        await self._time.sleep(START_S)
        turn_ns = self._turn()  # what was due before the start was somebody else's to ask for
        while True:
            if turn_ns != self._turn():
                turn_ns = self._turn()
                yield await self._asked()
            elif (status := await self._looked()) is not None:
                yield status
            await self._time.sleep(LOOK_S)

    async def _begin(self) -> None:
        """Take what the desk has loaded itself as handed on; of what it could not load it has said so."""
        try:
            stamps, day = await self._stamped(), self._today()
            names = _names(await asyncio.to_thread(self._load))
        except (StorageError, InputError) as error:
            self._fault = str(error)
        else:
            self._stamps, self._day, self._names = stamps, day, names

    def _turn(self) -> int:
        """The latest evening that is due."""
        return last_due_ns(self._time.clock_ns(), self._delay_ns)

    async def _asked(self) -> Status:
        """Ask for the funds of which a list is held: no other was ever wanted."""
        try:
            held = {fund for fund, _ in await asyncio.to_thread(self._store.files)}
            done, failed = await sync(self._store, [fund for fund in SPONSORS if fund in held], self._today())
            kind = Kind.LIVE if not failed else Kind.GAPPED if done else Kind.OFFLINE
            self._download = Status(kind, "; ".join(failed or done))
            await self._hand_on()
        except (StorageError, InputError) as error:  # the latter of a table of renames
            self._fault = str(error)
            return Status(Kind.OFFLINE, self._fault)
        self._fault = None
        return self._download

    async def _looked(self) -> Status | None:
        """Whether something else has changed what is stored; a Status of a fault, and of its end, alone."""
        before = self._fault
        try:
            await self._hand_on()
        except (StorageError, InputError) as error:
            self._fault = str(error)
            return None if self._fault == before else Status(Kind.OFFLINE, self._fault)
        self._fault = None
        if before is None:
            return None
        return self._download or Status(Kind.LIVE, "the stored lists can be read again")

    async def _hand_on(self) -> None:
        """Load again where a file has changed or another day has come, and hand on what is new in it.

        Raises StorageError, and InputError; whatever stops it, the next call tries again.
        """
        stamps, day = await self._stamped(), self._today()
        is_changed = stamps != self._stamps
        if not is_changed and day == self._day:
            return
        membership = await asyncio.to_thread(self._load)
        names = _names(membership)
        if is_changed or names != self._names:
            await self.on_members(membership)
        self._stamps, self._day, self._names = stamps, day, names

    def _today(self) -> date:
        return new_york_day(self._time.clock_ns())

    async def _stamped(self) -> _Stamps:
        """Of every file that counts, its size and when it was written. Raises StorageError."""
        files = await asyncio.to_thread(self._store.files)
        paths = [*files.values()] if self._beside is None else [*files.values(), self._beside]
        return await asyncio.to_thread(_stamps, paths)


_Stamps = frozenset[tuple[str, int, int]]
_Names = tuple[tuple[str, tuple[tuple[str, tuple[str, ...]], ...]], ...]


def _stamps(paths: Iterable[Path]) -> _Stamps:
    stamps = set()
    for path in paths:
        with suppress(OSError):  # one that has gone has no stamp: that is a change, too
            stat = path.stat()
            stamps.add((path.name, stat.st_size, stat.st_mtime_ns))
    return frozenset(stamps)


def _names(membership: tuple[Membership, ...]) -> _Names:
    return tuple(
        (fund.fund, tuple((str(each.as_of), tuple(each.symbols)) for each in fund.lists))
        for fund in membership
    )


async def _ignored(membership: tuple[Membership, ...]) -> None:
    """Nobody shows them."""
    del membership
