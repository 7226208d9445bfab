"""One symbol's way through a download: what to request, from which source next, and the outcome."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rotation.sessions import sessions_between

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from feeds.history.daily import DailySource
    from feeds.history.manifest import Entry


@dataclass(slots=True, eq=False)
class Job:
    """One symbol that is to be asked for."""

    symbol: str
    asks: date
    """Ask from this day on."""
    wanted: date
    """The day from which history is wanted."""
    sources: list[DailySource]
    """Those not asked yet, the next one first."""
    was: Entry | None = None
    """What is stored under this symbol."""
    base: Entry | None = None
    """The stored series that goes on: ``was``, or what an earlier name of these shares left."""
    tail: bool = False
    """Whether only what follows ``base`` is asked for; else the whole series."""
    drop: dict[str, Entry] = field(default_factory=dict)
    """Stored under earlier names; goes when this symbol is stored."""
    restated: str = ""
    """Why a series that was held is asked for as a whole, in words."""
    reasons: list[str] = field(default_factory=list)
    """Why the sources so far gave nothing."""

    @property
    def source(self) -> DailySource:
        """The next to be asked."""
        return self.sources[0]

    def same_vendor(self) -> bool:
        """Whether all rows held came from the source that is asked."""
        return self.base is not None and self.base.vendor == self.source.name

    def ask_whole(self, restated: str) -> None:
        """Ask for everything instead of a tail."""
        self.restated = restated
        self.tail = False
        self.asks = self.wanted
        if self.base is not None:
            self.asks = min(self.wanted, self.base.since or self.base.first)

    def ask_tail(self, asks: date) -> None:
        """Ask for what follows the stored series, and for some of it again."""
        self.tail = True
        self.asks = asks

    def provenance(self, *, joined: bool) -> tuple[str, str, date | None]:
        """Source, vendor and since (see feeds.history.manifest.Entry) of the series after this answer."""
        name = self.source.name
        if self.base is None or not joined:
            return name, name, self.asks
        if self.same_vendor():
            return name, name, self.base.since
        known = self.base.source.split(" + ")
        return " + ".join([*known, *([name] if name not in known else [])]), "", None


def in_order(sources: Iterable[DailySource], symbol: str, entry: Entry | None) -> list[DailySource]:
    """The sources for a symbol: the one its series came from first, then the others in order."""
    able = [source for source in sources if source.serves(symbol)]
    given = entry.source.split(" + ")[0] if entry is not None else ""
    return sorted(able, key=lambda source: source.name != given)


def take_group(queue: list[Job], through: date) -> list[Job]:
    """Take the first job and those that can be asked for with it: of the same source and day."""
    first = queue[0]
    sessions = len(sessions_between(first.asks, through))
    most = first.source.at_once(max(sessions, 1))
    if most == 1:
        return [queue.pop(0)]
    group: list[Job] = []
    rest: list[Job] = []
    for job in queue:
        alike = job.source is first.source and job.asks == first.asks
        (group if alike and len(group) < most else rest).append(job)
    queue[:] = rest
    return group
