"""NYSE sessions: days, half-days, phases and instants, in New York wall time.

Closures and early closes come from the ``holidays`` package (NYSE, financial); equality with
exchange_calendars on every day 2010-2030 is a test. Instants are UTC nanoseconds since the epoch.
"""

from __future__ import annotations

from bisect import bisect_left
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

import msgspec

from rotation.quote import NS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from holidays import HolidayBase

NEW_YORK = ZoneInfo("America/New_York")

PRE_OPENS = time(4)
OPENS = time(9, 30)
CLOSES = time(16)
CLOSES_EARLY = time(13)
POST_ENDS = time(20)
POST_ENDS_EARLY = time(17)
"""After a 13:00 close, late trading ends at 17:00."""

SETTLE_NS = 20 * 60 * NS
"""A close counts this long after the bell: the auction prints late, free consolidated data lag 15 minutes."""
RESTATED_NS = 60 * NS
"""So long after the opening bell of a split's day vendors have their closes on the new scale."""

Phase = Literal["PRE", "REGULAR", "POST", "CLOSED"]
"""Part of a trading day; CLOSED is every time that no session covers."""

_DAY = timedelta(days=1)
_HOUR_NS = 3_600 * NS
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Calendar(msgspec.Struct, frozen=True, array_like=True):
    """What the ``holidays`` package knows of some years: with it, the package need not be imported."""

    first: int
    last: int
    """Years, both included."""
    closures: frozenset[date]
    early_closes: frozenset[date]

    def holds(self, day: date) -> bool:
        """Whether the day lies in these years."""
        return self.first <= day.year <= self.last


_NO_YEARS = Calendar(1, 0, frozenset(), frozenset())
_known = _NO_YEARS


def take_calendar(calendar: Calendar) -> None:
    """Answer for these years from here: importing the package takes 150 ms and 13 MB. See ``calendar_of``."""
    global _known  # noqa: PLW0603 - one calendar a process, as ``add_closures``
    _known = calendar


def has_calendar() -> bool:
    """Whether ``take_calendar`` was given any year."""
    return _known is not _NO_YEARS


def calendar_of(first: int, last: int) -> Calendar:
    """These years as the ``holidays`` package has them."""
    days = [
        date(first, 1, 1) + timedelta(days=i) for i in range((date(last + 1, 1, 1) - date(first, 1, 1)).days)
    ]
    return Calendar(
        first,
        last,
        frozenset(day for day in days if day in _closures()),
        frozenset(day for day in days if day in _early_closes()),
    )


@cache
def _closures() -> HolidayBase:
    # Imported on first use: the first paint does not pay for it.
    from holidays.financial.ny_stock_exchange import NewYorkStockExchange  # noqa: PLC0415

    return NewYorkStockExchange()  # type: ignore[no-untyped-call]


_added: set[date] = set()


def add_closures(days: Iterable[date]) -> None:
    """Count these days as closures, beside those that the ``holidays`` package knows.

    For a day of mourning that is announced before the package hears of it. Holds for the whole process.
    """
    set_closures((*_added, *days))


def set_closures(days: Iterable[date]) -> None:
    """The same of these days alone: what was added before is forgotten."""
    added = frozenset(days)
    _added.difference_update(_added - added)
    _added.update(added)
    for cached in (hours, _session_of_hour, _sessions_of_year):
        cached.cache_clear()


def closures_added() -> list[date]:
    """The days that ``add_closures`` was given, sorted."""
    return sorted(_added)


@cache
def _early_closes() -> HolidayBase:
    from holidays.financial.ny_stock_exchange import NewYorkStockExchange  # noqa: PLC0415

    return NewYorkStockExchange(categories=("half_day",))  # type: ignore[no-untyped-call]


def is_session(day: date) -> bool:
    """Whether the exchange trades on this day."""
    closures = _known.closures if _known.holds(day) else _closures()
    return day.weekday() < 5 and day not in closures and day not in _added


def is_half_day(day: date) -> bool:
    """Whether this session closes at 13:00."""
    early_closes = _known.early_closes if _known.holds(day) else _early_closes()
    return is_session(day) and day in early_closes


def to_ns(moment: datetime) -> int:
    """An aware datetime as UTC nanoseconds; exact to the microsecond."""
    delta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * NS + delta.microseconds * 1_000


def from_ns(ts_ns: int) -> datetime:
    """UTC nanoseconds as an aware datetime, cut to the microsecond."""
    return _EPOCH + timedelta(microseconds=ts_ns // 1_000)


def _at(day: date, clock: time) -> int:
    return to_ns(datetime.combine(day, clock, NEW_YORK))


@lru_cache(maxsize=4096)
def hours(day: date) -> tuple[int, int, int, int]:
    """(pre-market start, open, close, late trading's end) of a session, in ns.

    Raises ValueError if ``day`` is not a session.
    """
    if not is_session(day):
        raise ValueError(f"{day} is not an NYSE session")
    early = is_half_day(day)
    return (
        _at(day, PRE_OPENS),
        _at(day, OPENS),
        _at(day, CLOSES_EARLY if early else CLOSES),
        _at(day, POST_ENDS_EARLY if early else POST_ENDS),
    )


def open_ns(day: date) -> int:
    """The opening bell of a session."""
    return hours(day)[1]


def close_ns(day: date) -> int:
    """The closing bell of a session."""
    return hours(day)[2]


@lru_cache(maxsize=4096)
def _day_of_hour(hour: int) -> date:
    """New York's day in this hour of UTC since the epoch; midnights and clock changes fall on whole ones."""
    return from_ns(hour * _HOUR_NS).astimezone(NEW_YORK).date()


@lru_cache(maxsize=4096)
def _session_of_hour(hour: int) -> tuple[date, tuple[int, int, int, int]] | None:
    """The session of that day and its ``hours``; None without one."""
    day = _day_of_hour(hour)
    return (day, hours(day)) if is_session(day) else None


def new_york_day(ts_ns: int) -> date:
    """The calendar day in New York at this instant."""
    return _day_of_hour(ts_ns // _HOUR_NS)


def phase_at(ts_ns: int) -> Phase:
    """PRE, REGULAR, POST or CLOSED; a bell belongs to the phase that it starts."""
    session = _session_of_hour(ts_ns // _HOUR_NS)
    if session is None:
        return "CLOSED"
    starts, opens, closes, ends = session[1]
    if not starts <= ts_ns < ends:
        return "CLOSED"
    if ts_ns < opens:
        return "PRE"
    return "REGULAR" if ts_ns < closes else "POST"


def session_at(ts_ns: int) -> date | None:
    """The session a print of this instant belongs to; None at night and on closed days."""
    session = _session_of_hour(ts_ns // _HOUR_NS)
    if session is None:
        return None
    day, (starts, _, _, ends) = session
    return day if starts <= ts_ns <= ends else None


def is_overnight(ts_ns: int) -> bool:
    """Whether the overnight market trades then: 20:00 to 04:00 New York, in the night before a session."""
    moment = from_ns(ts_ns).astimezone(NEW_YORK)
    morning = moment.date() + timedelta(days=moment.hour >= POST_ENDS.hour)
    return (moment.hour >= POST_ENDS.hour or moment.time() < PRE_OPENS) and is_session(morning)


@lru_cache(maxsize=64)
def _sessions_of_year(year: int) -> tuple[date, ...]:
    days = (date(year, 1, 1) + timedelta(days=i) for i in range(366))
    return tuple(day for day in days if day.year == year and is_session(day))


def sessions_between(first: date, last: date) -> list[date]:
    """All sessions from ``first`` to ``last``, both included."""
    days = [day for year in range(first.year, last.year + 1) for day in _sessions_of_year(year)]
    return [day for day in days[bisect_left(days, first) :] if day <= last]


def previous_session(day: date) -> date:
    """The last session before this day."""
    day -= _DAY
    while not is_session(day):
        day -= _DAY
    return day


def next_session(day: date) -> date:
    """The first session after this day."""
    day += _DAY
    while not is_session(day):
        day += _DAY
    return day


def last_due_ns(ts_ns: int, delay_ns: int) -> int:
    """The latest instant by then that came ``delay_ns`` after a session's close; UTC nanoseconds."""
    today = new_york_day(ts_ns)
    days = (previous_session(previous_session(today)), previous_session(today), today)
    due = [close_ns(day) + delay_ns for day in days if is_session(day)]
    return max(due_ns for due_ns in due if due_ns <= ts_ns)


def last_closed(ts_ns: int) -> date:
    """The latest session whose closing bell is at or before this instant."""
    day = new_york_day(ts_ns)
    if is_session(day) and close_ns(day) <= ts_ns:
        return day
    return previous_session(day)
