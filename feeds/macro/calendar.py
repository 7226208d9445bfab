"""When CPI and the employment report are published: the Bureau of Labor Statistics' calendar. Keyless."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from feeds.errors import SourceError
from feeds.parsing.wire import address
from rotation.macro.figures import ReleaseKind
from rotation.sessions import NEW_YORK

if TYPE_CHECKING:
    from feeds.http.cached import CachedClient
    from feeds.http.fetched import Fetched

Days = dict[ReleaseKind, tuple[date, ...]]
HOME = "https://www.bls.gov"
PATH = "/schedule/news_release/bls.ics"
FRESH_S = 7 * 86_400.0
EVENTS_MAX = 5_000
NAMES = {"Consumer Price Index": ReleaseKind.CPI, "Employment Situation": ReleaseKind.JOBS}
"""Titles of the releases; "for October 2026" may follow."""


def parse(data: bytes) -> Days:
    """The days of both releases in an iCalendar file, New York's.

    However far off the next one is: a shutdown may put it off by months. Raises SourceError for a file that
    was cut, or that lacks a release.
    """
    made: dict[ReleaseKind, set[date]] = {kind: set() for kind in NAMES.values()}
    kind: ReleaseKind | None = None
    day: date | None = None
    events = 0
    for line in _lines(data):
        name, _, value = line.partition(":")
        field = name.partition(";")[0]
        if line.startswith("BEGIN:VEVENT"):
            kind, day, events = None, None, events + 1
            if events > EVENTS_MAX:
                raise SourceError("BLS: too many events")
        elif field == "SUMMARY":
            kind = NAMES.get(value.strip().partition(" for ")[0])
        elif field == "DTSTART":
            day = _day(value.strip())
        elif line.startswith("END:VEVENT") and kind is not None and day is not None and day.weekday() < 5:
            made[kind].add(day)
    if not all(made.values()):
        raise SourceError("BLS: no CPI or jobs report in the calendar; its titles may have changed")
    return {kind: tuple(sorted(days)) for kind, days in made.items()}


def _lines(data: bytes) -> list[str]:
    """Those of a whole iCalendar file, unfolded. Raises SourceError."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeError as error:
        raise SourceError("BLS: not valid UTF-8") from error
    lines = text.replace("\r\n", "\n").replace("\n ", "").replace("\n\t", "").split("\n")
    if lines[0].strip() != "BEGIN:VCALENDAR":
        raise SourceError("BLS: not an iCalendar file")
    if not text.rstrip().endswith("\nEND:VCALENDAR"):
        raise SourceError("BLS: the calendar is cut short")
    return lines


def _day(value: str) -> date | None:
    """Of ``20261210T083000``, ``20261210`` or, in UTC, ``20261210T133000Z``."""
    try:
        if value.endswith("Z"):
            return datetime.strptime(value, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).astimezone(NEW_YORK).date()
        return datetime.strptime(value[:8], "%Y%m%d").replace(tzinfo=UTC).date()
    except ValueError:
        return None


class CalendarBls:
    """``ROTATION_TUI_CALENDAR_BLS_REST_URL`` moves it. Raises InputError for a wrong address."""

    name = "BLS"

    def __init__(self, http: CachedClient) -> None:
        self._http = http
        self._url = address("CALENDAR_BLS", "REST", HOME) + PATH

    async def days(self, *, reuse_s: float = 0.0) -> Fetched[Days]:
        """The calendar; never raises for what the source does. ``reuse_s``: see CachedClient."""
        return await self._http.get(self._url, parse=parse, expect="csv", fresh_s=FRESH_S, reuse_s=reuse_s)
