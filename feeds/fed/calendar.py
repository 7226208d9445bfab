"""FOMC decision dates: a shipped table, refreshed from the Federal Reserve's calendar page."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from typing import TYPE_CHECKING

import msgspec

from feeds.clock import wall_ns
from feeds.errors import SourceError
from feeds.parsing.wire import address
from rotation.sessions import new_york_day
from rotation.status import Kind
from rotation.wording import state_word

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from feeds.http.cached import CachedClient
    from feeds.http.fetched import Fetched

HOME = "https://www.federalreserve.gov"
PATH = "/monetarypolicy/fomccalendars.htm"
FRESH_S = 7 * 86_400.0
FEW = 8
"""A year's meetings: with fewer ahead, the published horizon ends inside the strip."""
_TEXT_MAX = 400
"""Characters of one cell that are looked at."""

_TABLE = {
    2021: "1/27 3/17 4/28 6/16 7/28 9/22 11/3 12/15",
    2022: "1/26 3/16 5/4 6/15 7/27 9/21 11/2 12/14",
    2023: "2/1 3/22 5/3 6/14 7/26 9/20 11/1 12/13",
    2024: "1/31 3/20 5/1 6/12 7/31 9/18 11/7 12/18",
    2025: "1/29 3/19 5/7 6/18 7/30 9/17 10/29 12/10",
    2026: "1/28 3/18 4/29 6/17 7/29 9/16 10/28 12/9",
    2027: "1/27 3/17 4/28 6/9 7/28 9/15 10/27 12/8",
    2028: "1/26",
}
SHIPPED = tuple(
    date(year, int(month), int(day))
    for year, days in _TABLE.items()
    for month, day in (text.split("/") for text in days.split())
)
"""The decision day is the last day of a meeting. Source: Federal Reserve, published calendars."""

_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1
    )
}
_YEAR = re.compile(r"\b(20\d\d)\s+FOMC\s+Meetings\b")
_CELL = re.compile(r"fomc-meeting__(month|date)\b[^<>]{0,200}>")
_TAG = re.compile(r"<[^<>]*>")
_DAYS = re.compile(r"(\d{1,2})(?:\s*[-\u2013\u2014]\s*(\d{1,2}))?\s*\*?", re.ASCII)


def parse(data: bytes) -> list[date]:
    """Decision dates on the page, in order.

    A heading "YYYY FOMC Meetings" opens a year; under it, cells of class fomc-meeting__month and
    fomc-meeting__date alternate. The decision is the last day; "Apr/May 30-1" ends in the later month;
    cells with "(" (notation votes, unscheduled) are skipped. Raises SourceError if there is no meeting.
    """
    try:
        text = data.decode()
    except UnicodeError as error:
        raise SourceError("Federal Reserve: the page is not valid UTF-8") from error
    heads = list(_YEAR.finditer(text))
    ends = [*(head.start() for head in heads[1:]), len(text)]
    dates = {
        day
        for head, end in zip(heads, ends, strict=False)
        for day in _of_year(int(head[1]), text[head.end() : end])
    }
    if not dates:
        raise SourceError("Federal Reserve: no meeting on the page; its layout may have changed")
    return sorted(dates)


def _of_year(year: int, section: str) -> Iterable[date]:
    months: list[str] = []
    for cell in _CELL.finditer(section):
        words = _words(section[cell.end() : cell.end() + _TEXT_MAX])
        if cell[1] == "month":
            months = [part.strip()[:3].lower() for part in words.split("/")]
        elif months:
            day = _decision(year, months, words)
            months = []
            if day is not None:
                yield day


def _words(text: str) -> str:
    """The text of a cell up to the end of its element."""
    cell = re.split(r"</div|</td|<div", text, maxsplit=1)[0]
    import html  # noqa: PLC0415 - brings a table of 2,000 names, and a start reads no page

    return " ".join(html.unescape(_TAG.sub(" ", cell)).split())


def _decision(year: int, months: list[str], days: str) -> date | None:
    match = _DAYS.fullmatch(days)
    numbers = [_MONTHS.get(name) for name in months]
    if match is None or None in numbers or len(numbers) > 2:
        return None
    first, last = int(match[1]), int(match[2] or match[1])
    # "Jan/Feb 31-1" ends in the later month; a range that falls within one month names one.
    month = numbers[-1] if last < first or match[2] is None else numbers[0]
    turns = last < first and len(numbers) == 1
    try:
        day = date(year, month or 0, last)
    except ValueError:
        return None
    return None if turns or day.weekday() > 4 else day


class Meetings(msgspec.Struct, frozen=True):
    """Decision dates, and what a reader should know about them."""

    dates: tuple[date, ...]
    warning: str
    """Fewer than eight meetings ahead, or a page that disagrees; empty otherwise."""
    kind: Kind
    """LIVE when the page confirmed the dates, else STALE, or OFFLINE: the shipped table."""
    error: str = ""
    age_s: float | None = None
    """Seconds since the page confirmed them; None where it never has."""
    fetched_at_ns: int | None = None
    """When it confirmed them last, UTC; None where it never has."""

    @property
    def state(self) -> str:
        """The word for a reader: LIVE, STALE 42s or OFFLINE."""
        return state_word(self.kind, age_s=self.age_s)


def merge(page: Iterable[date], shipped: Iterable[date] = SHIPPED) -> tuple[tuple[date, ...], str]:
    """The page's dates for every year of which it names at least as many as the table; else the table's.

    Returns the dates and, where a year was refused, a warning.
    """
    ours, theirs = set(shipped), set(page)
    table_years, page_years = Counter(day.year for day in ours), Counter(day.year for day in theirs)
    refused = sorted(year for year in page_years if page_years[year] < table_years[year])
    taken = set(page_years) - set(refused)
    dates = {day for day in ours if day.year not in taken} | {day for day in theirs if day.year in taken}
    shown = ", ".join(f"{page_years[year]} of {table_years[year]} meetings in {year}" for year in refused)
    return tuple(
        sorted(dates)
    ), f"the Federal Reserve page lists only {shown}: using the built-in dates" if refused else ""


def few_ahead(dates: Iterable[date], today: date) -> str:
    """A warning when fewer than eight meetings are today or later; empty otherwise."""
    ahead = sum(day >= today for day in dates)
    if ahead >= FEW:
        return ""
    return f"only {ahead} FOMC meetings ahead: no odds beyond the last one"


class CalendarFed:
    """``ROTATION_TUI_CALENDAR_FED_REST_URL`` moves it. Raises InputError for a wrong address."""

    name = "FOMC calendar"

    def __init__(self, http: CachedClient, *, clock_ns: Callable[[], int] = wall_ns) -> None:
        self._http = http
        self._clock_ns = clock_ns
        self._url = address("CALENDAR_FED", "REST", HOME) + PATH

    async def refresh(self, *, reuse_s: float = 0.0) -> Meetings:
        """Ask for the page; without it the shipped table stands. ``reuse_s``: see CachedClient."""
        got: Fetched[list[date]] = await self._http.get(
            self._url, parse=parse, expect="html", fresh_s=FRESH_S, reuse_s=reuse_s
        )
        dates, refused = merge(got.value or ())
        few = few_ahead(dates, new_york_day(self._clock_ns()))
        warning = "; ".join(text for text in (few, refused) if text)
        return Meetings(dates, warning, got.kind, got.error, got.age_s, got.fetched_at_ns)
