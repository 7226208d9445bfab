"""From observations to Macro: only what was published by the instant asked for enters. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec.structs import replace

from rotation.macro.figures import (
    BankIncome,
    Curve,
    Inflation,
    Jobs,
    Macro,
    MacroSource,
    MovedRelease,
    ReleaseKind,
    ReleaseView,
    Yield,
    YieldIndex,
)
from rotation.macro.indices import shown as indices_shown
from rotation.macro.release_views import aged as view_aged
from rotation.macro.releases import (
    SHIPPED,
    at_of,
    following,
    months_before,
    moved,
    newest_month,
    recent,
    released_at,
)
from rotation.macro.stated import (
    CORE,
    CPI,
    CPI_UNADJUSTED,
    PAYROLLS,
    TENORS,
    UNEMPLOYMENT,
    changed_from,
    stated,
)
from rotation.macro.worth import is_old_day
from rotation.sessions import NEW_YORK
from rotation.status import Kind
from rotation.text import MONTHS
from rotation.text import day as written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from rotation.macro.releases import Calendar
    from rotation.macro.stated import Series

MONTHLY = {CPI: ReleaseKind.CPI, CPI_UNADJUSTED: ReleaseKind.CPI, CORE: ReleaseKind.CPI,
           PAYROLLS: ReleaseKind.JOBS, UNEMPLOYMENT: ReleaseKind.JOBS}  # fmt: skip
SERIES = (*TENORS.values(), *MONTHLY)
PUBLISHED = time(18)
"""By then, New York, the Treasury has the day's yields."""
LINE = 252
REACH = timedelta(days=400)
"""Of daily series: the line, and what a month's change looks back to."""
FRESH_S = 26 * 3600.0
"""A source that has not answered for longer is STALE."""


def macro(
    observations: Mapping[str, Series],
    fomc: Iterable[date],
    now: datetime,
    sources: Mapping[str, MacroSource] | None = None,
    banks: Callable[[date], tuple[BankIncome, ...]] = lambda _: (),
    *,
    calendar: Calendar = SHIPPED,
    release_days: tuple[ReleaseView, ...] = (),
    indices: tuple[YieldIndex, ...] = (),
) -> Macro | None:
    """What was known at ``now``; None where no series has an observation by then.

    ``observations``: by the names of SERIES; ``fomc``: decision days; ``sources``: those that were asked;
    ``banks``: their income by filings through a day; ``calendar``: of the releases; ``release_days``: paths
    around them; ``indices``: of yields, as last fetched.
    """
    known = {name: _published(name, series, now, calendar) for name, series in observations.items()}
    yields = tuple(_yield(tenor, known[name]) for tenor, name in TENORS.items() if known.get(name))
    inflation = tuple(
        each
        for each in (
            _inflation("CPI", known.get(CPI, {}), known.get(CPI_UNADJUSTED, {}), calendar),
            _inflation("core CPI", known.get(CORE, {}), {}, calendar),
        )
        if each is not None
    )
    jobs = _jobs(known.get(PAYROLLS, {}), known.get(UNEMPLOYMENT, {}), calendar)
    incomes = banks(_last_day(now))
    if not (yields or inflation or jobs or sources or incomes or release_days):
        return None
    days = sorted(fomc)
    made = Macro(
        yields=yields,
        curve=_curve(known.get(TENORS["2Y"], {}), known.get(TENORS["10Y"], {})),
        inflation=inflation,
        jobs=jobs,
        releases=following(days, now, calendar),
        sources=dict(sources or {}),
        warnings=(),
        banks=incomes,
        stated=stated(known, _through(observations.get(TENORS["10Y"], {}), _last_day(now))),
        calendar=recent(calendar, now.astimezone(NEW_YORK).date()),
        fomc=tuple(day for day in days if at_of(ReleaseKind.FOMC, day) > now)[:2],
        indices=indices,
        moved=moved(calendar, now.astimezone(NEW_YORK).date()),
        release_days=release_days,
    )
    return aged(made, now)


def aged(made: Macro, now: datetime) -> Macro:
    """The same a moment later: sources grow old, releases pass, and what was the newest may no longer be."""
    sources = {name: _aged(each, now) for name, each in made.sources.items()}
    releases = made.releases
    if any(each.at <= now for each in releases):
        # Recordings of before name no days beside those of the releases.
        shown = {each.at.astimezone(NEW_YORK).date() for each in releases if each.kind is ReleaseKind.FOMC}
        releases = following({*made.fomc, *shown}, now, made.calendar or SHIPPED)
    return replace(
        made,
        sources=sources,
        releases=releases,
        warnings=_warnings(made, now),
        indices=indices_shown(made.indices, made.yields, now) if made.indices else (),
        release_days=tuple(view_aged(each, now) for each in made.release_days),
    )


def _aged(source: MacroSource, now: datetime) -> MacroSource:
    if source.fetched_at is None:
        return source
    age_s = max(0.0, (now - source.fetched_at).total_seconds())
    kind = Kind.STALE if source.kind is Kind.LIVE and age_s > FRESH_S else source.kind
    return replace(source, age_s=age_s, kind=kind)


def _warnings(made: Macro, now: datetime) -> tuple[str, ...]:
    newest = max((each.date for each in made.yields), default=None)
    cpi = max((each.month for each in made.inflation), default=None)
    jobs = made.jobs.month if made.jobs else None
    minute = now.astimezone(UTC).replace(second=0, microsecond=0)
    calendar = tuple((made.calendar or SHIPPED).items())
    return _warnings_at(newest, cpi, jobs, minute, calendar, apart=made.moved, is_kept=not made.sources)


@lru_cache(maxsize=16)
def _warnings_at(
    newest: date | None,
    cpi: date | None,
    jobs: date | None,
    minute: datetime,
    days: tuple[tuple[ReleaseKind, tuple[date, ...]], ...],
    *,
    apart: tuple[MovedRelease, ...],
    is_kept: bool,
) -> tuple[str, ...]:
    """The same within a minute: a tick need not look at calendars."""
    local, calendar = minute.astimezone(NEW_YORK), dict(days)
    warnings = []
    if newest is not None and is_old_day(newest, local.date()):
        warnings.append(f"yields are of {written(newest)}, {(local.date() - newest).days} days old")
    for kind, month, name in ((ReleaseKind.CPI, cpi, "CPI"), (ReleaseKind.JOBS, jobs, "jobs")):
        due = newest_month(kind, minute, calendar)
        if month is not None and month < due:
            warnings.append(f"{name} of {MONTHS[due.month - 1]} {due.year} should be out, but is not here")
    if is_kept and (cpi or jobs):
        warnings.append("prices and jobs are as revised since, not as first published")
    for each in apart:
        where = f"moved to {written(each.day)}" if each.day else "called off"
        warnings.append(f"{each.kind} of {written(each.shipped)} {where} by the fetched calendar")
    for kind, of_kind in calendar.items():
        if not of_kind or local.date() > of_kind[-1]:
            last = max(of_kind, default=SHIPPED[kind][-1])
            which = "shipped calendar" if last == SHIPPED[kind][-1] else "calendar"
            warnings.append(f"the {which} of {kind} ends on {written(last)}")
    return tuple(warnings)


def _published(name: str, series: Series, now: datetime, calendar: Calendar) -> dict[date, float]:
    """In order of time, without what came later."""
    last = newest_month(MONTHLY[name], now, calendar) if name in MONTHLY else _last_day(now)
    first = date.min if name in MONTHLY else last - REACH
    return {day: series[day] for day in sorted(day for day in series if first <= day <= last)}


def _last_day(now: datetime) -> date:
    """The last day whose yields and filings are all out."""
    local = now.astimezone(NEW_YORK)
    return local.date() if local.time() >= PUBLISHED else local.date() - timedelta(days=1)


def _through(series: Series, last: date) -> dict[date, float]:
    """In order of time, as far back as it goes."""
    return {day: series[day] for day in sorted(series) if day <= last}


def _yield(tenor: str, series: dict[date, float]) -> Yield:
    last = next(reversed(series))
    return Yield(tenor, series[last], last, _changes(series))


def _curve(two: dict[date, float], ten: dict[date, float]) -> Curve | None:
    both = {day: ten[day] - two[day] for day in ten if day in two}
    if not both:
        return None
    last = next(reversed(both))
    line = tuple((day, round(100 * value, 6)) for day, value in both.items())[-LINE:]
    return Curve(round(100 * both[last], 6), last, _changes(both), line)


def _changes(series: Mapping[date, float]) -> dict[str, float | None]:
    days = list(series)
    return {
        key: None if was is None else round(100 * (series[days[-1]] - series[was]), 6)
        for key, was in changed_from(days).items()
    }


def _inflation(
    name: str, adjusted: dict[date, float], unadjusted: dict[date, float], calendar: Calendar
) -> Inflation | None:
    """Of the newest month that the adjusted index has."""
    if not adjusted:
        return None
    month = next(reversed(adjusted))
    of_year = unadjusted if month in unadjusted else adjusted
    return Inflation(
        name=name,
        month=month,
        month_pct=_pct(adjusted, month, 1),
        year_pct=_pct(of_year, month, 12),
        year_before_pct=_pct(of_year, months_before(month, 1), 12),
        released_at=released_at(ReleaseKind.CPI, month, calendar),
    )


def _jobs(payrolls: dict[date, float], unemployment: dict[date, float], calendar: Calendar) -> Jobs | None:
    months = [next(reversed(series)) for series in (payrolls, unemployment) if series]
    if not months:
        return None
    month = max(months)
    now, was = payrolls.get(month), payrolls.get(months_before(month, 1))
    change = None if now is None or was is None else round(now - was, 3)
    return Jobs(month, change, unemployment.get(month), released_at(ReleaseKind.JOBS, month, calendar))


def _pct(series: Mapping[date, float], month: date, back: int) -> float | None:
    now, was = series.get(month), series.get(months_before(month, back))
    return None if now is None or not was else (now / was - 1) * 100
