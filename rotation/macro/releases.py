"""When CPI and the employment report are published: a shipped table. Pure.

Source: Bureau of Labor Statistics, release schedules as published and as held (2025's shutdown moved some).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from rotation.macro.figures import MovedRelease, Release, ReleaseKind
from rotation.sessions import NEW_YORK

if TYPE_CHECKING:
    from collections.abc import Iterable

Calendar = Mapping[ReleaseKind, tuple[date, ...]]
"""Days of CPI and of the employment report, in order."""
_CPI = {
    2021: "1/13 2/10 3/10 4/13 5/12 6/10 7/13 8/11 9/14 10/13 11/10 12/10",
    2022: "1/12 2/10 3/10 4/12 5/11 6/10 7/13 8/10 9/13 10/13 11/10 12/13",
    2023: "1/12 2/14 3/14 4/12 5/10 6/13 7/12 8/10 9/13 10/12 11/14 12/12",
    2024: "1/11 2/13 3/12 4/10 5/15 6/12 7/11 8/14 9/11 10/10 11/13 12/11",
    2025: "1/15 2/12 3/12 4/10 5/13 6/11 7/15 8/12 9/11 10/24 12/18",
    2026: "1/13 2/13 3/11 4/10 5/12 6/10 7/14 8/12 9/11 10/14 11/10 12/10",
}
_JOBS = {
    2021: "1/8 2/5 3/5 4/2 5/7 6/4 7/2 8/6 9/3 10/8 11/5 12/3",
    2022: "1/7 2/4 3/4 4/1 5/6 6/3 7/8 8/5 9/2 10/7 11/4 12/2",
    2023: "1/6 2/3 3/10 4/7 5/5 6/2 7/7 8/4 9/1 10/6 11/3 12/8",
    2024: "1/5 2/2 3/8 4/5 5/3 6/7 7/5 8/2 9/6 10/4 11/1 12/6",
    2025: "1/10 2/7 3/7 4/4 5/2 6/6 7/3 8/1 9/5 11/20 12/16",
    2026: "1/9 2/11 3/6 4/3 5/8 6/5 7/2 8/7 9/4 10/2 11/6 12/4",
}
_OUT_OF_TURN = {(ReleaseKind.JOBS, date(2025, 11, 20)): date(2025, 9, 1)}
"""The month that came at this date where it is not the one before. October 2025's jobs never came alone."""
MORNING, DECISION = time(8, 30), time(14)
REACH = timedelta(days=430)
NEAR = timedelta(days=45)
"""How far a release is moved at most, and how long that is worth saying."""
LATE = timedelta(days=20)
"""Outside of the table a month counts as published so long after its end."""


def _dates(table: dict[int, str]) -> tuple[date, ...]:
    return tuple(
        date(year, int(month), int(day))
        for year, days in table.items()
        for month, day in (text.split("/") for text in days.split())
    )


SHIPPED: dict[ReleaseKind, tuple[date, ...]] = {
    ReleaseKind.CPI: _dates(_CPI),
    ReleaseKind.JOBS: _dates(_JOBS),
}


def joined(earlier: Calendar, later: Calendar, *, after: date | None = None) -> Calendar:
    """What two pages give, or the shipped table and a page: the later one decides all of its span.

    So it does of the whole of each month that it names, since a kind is published once a month: a day moved
    from before the page's first one, or past its last, is not there twice.

    ``after``: the day on which it was fetched. It decides all days to come then, its first one included: one
    that it does not name before that has been moved or called off.
    """
    kinds = dict.fromkeys((*earlier, *later))
    return {kind: _over(earlier.get(kind, ()), later.get(kind, ()), after) for kind in kinds}


def _over(known: tuple[date, ...], given: tuple[date, ...], after: date | None = None) -> tuple[date, ...]:
    if not given:
        return known
    last = max(given)
    first = min(*given, after + timedelta(days=1)) if after else min(given)
    months = {day.replace(day=1) for day in given}
    kept = {day for day in known if not first <= day <= last and day.replace(day=1) not in months}
    return tuple(sorted(kept | {*given}))


def moved(calendar: Calendar, today: date, shipped: Calendar = SHIPPED) -> tuple[MovedRelease, ...]:
    """Shipped days of the last weeks and of those to come that a fetched calendar does not have.

    Each with the fetched day that stands in its place: the nearest that was not shipped, within NEAR of it.
    """
    made = []
    for kind, days in shipped.items():
        known = calendar.get(kind, days)
        free = sorted({*known} - {*days})
        for day in days:
            if day in known or day < today - NEAR or not known or day > known[-1] + NEAR:
                continue
            near = min(
                (each for each in free if abs(each - day) <= NEAR),
                key=lambda each: abs(each - day),
                default=None,
            )
            if near is not None:
                free.remove(near)
            made.append(MovedRelease(kind, day, near))
    return tuple(made)


def recent(calendar: Calendar, today: date) -> dict[ReleaseKind, tuple[date, ...]]:
    """The part of it that a moment needs: from somewhat over a year before on."""
    return {kind: tuple(day for day in days if day >= today - REACH) for kind, days in calendar.items()}


def at_of(kind: ReleaseKind, day: date) -> datetime:
    """The time of day at which it is published, New York."""
    return datetime.combine(day, DECISION if kind is ReleaseKind.FOMC else MORNING, NEW_YORK)


def released_at(kind: ReleaseKind, month: date, calendar: Calendar = SHIPPED) -> datetime | None:
    """When the figures of a month came. None where the table has no such release."""
    days = [day for day in calendar[kind] if _month_of(kind, day, calendar) == month.replace(day=1)]
    return at_of(kind, days[0]) if days else None


def newest_month(kind: ReleaseKind, now: datetime, calendar: Calendar = SHIPPED) -> date:
    """The first day of the newest month whose figures were published by then.

    Where the table ends, or before it begins, a month counts as published LATE after its end.
    """
    days = calendar[kind]
    today = now.astimezone(NEW_YORK)
    if days and days[0] <= today.date() <= days[-1] + timedelta(days=25):
        place = bisect_right(days, today, key=lambda day: at_of(kind, day))
        if place:
            return _month_of(kind, days[place - 1], calendar)
    return months_before((today - LATE).date(), 1)


def following(fomc: Iterable[date], now: datetime, calendar: Calendar = SHIPPED) -> tuple[Release, ...]:
    """The next publication of each kind after ``now``, the soonest first. ``fomc``: decision days."""
    tables = {**calendar, ReleaseKind.FOMC: tuple(fomc)}
    coming = (
        Release(kind, min(times))
        for kind, days in tables.items()
        if (times := [at for day in days if (at := at_of(kind, day)) > now])
    )
    return tuple(sorted(coming, key=lambda each: each.at))


def _month_of(kind: ReleaseKind, day: date, calendar: Calendar) -> date:
    """Whose figures it had: the month before, or one more where a second one follows in its month."""
    known = _OUT_OF_TURN.get((kind, day))
    if known is not None:
        return known
    is_late = any(day < each and (each.year, each.month) == (day.year, day.month) for each in calendar[kind])
    return months_before(day, 2 if is_late else 1)


def months_before(day: date, back: int) -> date:
    """The first day of the month so many months before that of ``day``."""
    place = day.year * 12 + day.month - 1 - back
    return date(place // 12, place % 12 + 1, 1)
