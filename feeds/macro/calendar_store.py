"""Pages of the releases' calendar as they were fetched, each with its time: kept over a restart."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import msgspec

from feeds.errors import DamagedError
from feeds.fed.calendar import SHIPPED as FOMC
from feeds.files.names import shown_path
from feeds.macro.store import added, decoded, or_nothing
from rotation.macro.figures import ReleaseKind
from rotation.macro.releases import SHIPPED, joined
from rotation.sessions import new_york_day

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rotation.macro.releases import Calendar

FILE = "release-calendar.json"
LAYOUT = 1
FOMC_KIND = ReleaseKind.FOMC
PAGES_MAX = 300
"""The oldest ones go first; a page that says the same as the one before it is not kept."""
Days = dict[ReleaseKind, tuple[date, ...]]
Pages = dict[str, Days]
"""Instant at which a page was fetched (UTC ns, as text) → its days."""


class _Held(msgspec.Struct, frozen=True):
    layout: int
    pages: Pages


class CalendarStore:
    """The file of one folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE

    def load(self) -> Pages:
        """The pages, oldest first; nothing where there is no file, or one that cannot be read."""
        return _in_order(or_nothing(self._read))

    def add(self, days: Days, fetched_ns: int) -> Pages:
        """Keep a page beside those held, and return all. As of a MacroStore."""

        def merged(held: Pages) -> Pages:
            return dict(list(with_page(held, days, fetched_ns).items())[-PAGES_MAX:])

        return _in_order(added(self._path, self._read, merged, lambda all_: _Held(LAYOUT, all_)))

    def _read(self) -> Pages:
        """What is in the file. Raises OSError and DamagedError."""
        held = decoded(self._path, _Held)
        if held.layout != LAYOUT or not all(at.isdecimal() for at in held.pages):
            raise DamagedError(f"{shown_path(self._path)}: is of another version")
        return held.pages


def with_page(pages: Pages, days: Days, fetched_ns: int) -> Pages:
    """With one more page, in order of time; the same where it says what the one before of its kinds did.

    Calendars of two publishers are pages of their own. Of the same instant what is held stays.
    """
    made = _in_order(pages)
    before = [page for at, page in made.items() if int(at) <= fetched_ns and page.keys() & days.keys()]
    if before and {kind: before[-1].get(kind) for kind in days} == days:
        return made
    at = str(fetched_ns)
    return _in_order({**made, at: {**days, **made.get(at, {})}})


def _in_order(pages: Pages) -> Pages:
    return dict(sorted(pages.items(), key=lambda item: int(item[0])))


def calendar_of(pages: Mapping[str, Days]) -> Calendar:
    """The shipped days of CPI and jobs under those of every page: where two differ the newer one counts."""
    known: Calendar = SHIPPED
    for at, days in pages.items():
        own = {kind: days[kind] for kind in SHIPPED if kind in days}
        known = joined(known, own, after=new_york_day(int(at)))
    return known


def decisions_of(pages: Mapping[str, Days]) -> tuple[date, ...]:
    """The FOMC's decision days: those of the newest page that has them, else the shipped ones."""
    return next((days[FOMC_KIND] for days in reversed([*pages.values()]) if FOMC_KIND in days), FOMC)


def decisions_then(pages: Mapping[str, Days], now_ns: int) -> tuple[date, ...]:
    """As ``calendar_then``, of the FOMC's decision days."""
    today = new_york_day(now_ns)
    then = decisions_of({at: days for at, days in pages.items() if int(at) <= now_ns})
    past = (day for day in decisions_of(pages) if day <= today)
    return (*past, *(day for day in then if day > today))


def calendar_then(pages: Mapping[str, Days], now_ns: int) -> Calendar:
    """What was known at an instant: days past as they were held, days to come by pages fetched by then."""
    today = new_york_day(now_ns)
    held = calendar_of(pages)
    then = calendar_of({at: days for at, days in pages.items() if int(at) <= now_ns})
    return {
        kind: tuple(day for day in held[kind] if day <= today)
        + tuple(day for day in then[kind] if day > today)
        for kind in SHIPPED
    }
