"""The figures of the causes that have an id: each value with the observations that it is made of. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import lru_cache

from rotation.macro.figures import Observation, Stated
from rotation.macro.releases import months_before
from rotation.moves import SLACK, month_earlier

Series = Mapping[date, float]
"""Day, or the first day of a month -> value, in order of time."""
TENORS = {"3M": "DGS3MO", "2Y": "DGS2", "5Y": "DGS5", "10Y": "DGS10", "30Y": "DGS30"}
"""By tenor the name that FRED has for the Treasury's par yields."""
CPI, CPI_UNADJUSTED, CORE = "CPIAUCSL", "CPIAUCNS", "CPILFESL"
PAYROLLS, UNEMPLOYMENT = "PAYEMS", "UNRATE"
RANKED = "yield.10y.change.1w"
"""The figure that is ranked among all before it, since a clause of the headline may rest on it."""


def changed_from(days: Sequence[date]) -> dict[str, date | None]:
    """The days that changes to the last one are measured from: see ``Yield.change_bp``."""
    last = days[-1]
    return {
        "1d": days[-2] if len(days) > 1 else None,
        "1w": _at_most(days, last - timedelta(days=7), SLACK["1w"]),
        "1m": _at_most(days, month_earlier(last), SLACK["1m"]),
    }


def _at_most(days: Sequence[date], day: date, slack: timedelta, until: int | None = None) -> date | None:
    """The last of ``days`` on or before this one; None where that is older by more than ``slack``.

    ``until``: only so many of them are looked at.
    """
    place = bisect_right(days, day, 0, until)
    before = days[place - 1] if place else None
    return before if before is not None and day - before <= slack else None


def stated(known: Mapping[str, Series], whole: Series) -> dict[str, Stated]:
    """By id, without its ``macro.``, what each figure is and rests on; those that are known.

    ``known``: by FRED's names what had been published; ``whole``: the ten-year yield as far back as it goes.
    """
    made: dict[str, Stated] = {}
    for tenor, name in TENORS.items():
        made |= _rates(f"yield.{tenor.lower()}", "pct", known, (name,))
    made |= _rates("curve", "bp", known, (TENORS["10Y"], TENORS["2Y"]))
    if RANKED in made:
        made[RANKED] = _ranked(made[RANKED], whole)
    unadjusted = known.get(CPI_UNADJUSTED, {})
    for key, name in (("cpi", CPI), ("core_cpi", CORE)):
        own = known.get(name, {})
        if own:
            month = max(own)
            made |= _ratio(f"{key}.month_pct", name, own, month, 1)
            is_plain = name == CPI and month in unadjusted
            by = (CPI_UNADJUSTED, unadjusted) if is_plain else (name, own)
            made |= _ratio(f"{key}.year_pct", *by, month, 12)
    jobs = known.get(PAYROLLS, {})
    newest = max((*jobs, *known.get(UNEMPLOYMENT, {})), default=None)
    if newest is not None:
        was = months_before(newest, 1)
        if newest in jobs and was in jobs:
            inputs = (Observation(PAYROLLS, newest, jobs[newest]), Observation(PAYROLLS, was, jobs[was]))
            made["payrolls.change"] = Stated(round(jobs[newest] - jobs[was], 3), inputs)
        rate = known.get(UNEMPLOYMENT, {}).get(newest)
        if rate is not None:
            made["unemployment.pct"] = Stated(rate, (Observation(UNEMPLOYMENT, newest, rate),))
    return made


def _rates(key: str, unit: str, known: Mapping[str, Series], names: tuple[str, ...]) -> dict[str, Stated]:
    """A yield, or one minus another, and its changes; of days that all of them have."""
    lines = [known.get(name, {}) for name in names]
    days = [day for day in lines[0] if all(day in line for line in lines[1:])]
    if not days:
        return {}

    def inputs(day: date) -> tuple[Observation, ...]:
        return tuple(Observation(name, day, line[day]) for name, line in zip(names, lines, strict=True))

    last = inputs(days[-1])
    made = {f"{key}.{unit}": Stated(_level(last, unit), last)}
    for span, day in changed_from(days).items():
        if day is not None:
            then = inputs(day)
            change = round(_level(last, "bp") - _level(then, "bp"), 6)
            made[f"{key}.change.{span}"] = Stated(change, (*last, *then))
    return made


def _level(inputs: Sequence[Observation], unit: str) -> float:
    value = inputs[0].value - sum(each.value for each in inputs[1:])
    return round(100 * value, 6) if unit == "bp" else value


def _ratio(key: str, name: str, series: Series, month: date, back: int) -> dict[str, Stated]:
    was = months_before(month, back)
    if month not in series or not series.get(was):
        return {}
    inputs = (Observation(name, month, series[month]), Observation(name, was, series[was]))
    return {key: Stated((series[month] / series[was] - 1) * 100, inputs)}


def _ranked(change: Stated, whole: Series) -> Stated:
    """The same with its midrank among the changes over a week to every earlier day."""
    last = change.inputs[0].date
    before = _week_changes(tuple(item for item in whole.items() if item[0] < last))
    if not before:
        return change
    rank = 50 * (bisect_left(before, change.value) + bisect_right(before, change.value)) / len(before)
    return Stated(change.value, change.inputs, rank, len(before))


@lru_cache(maxsize=2)
def _week_changes(line: tuple[tuple[date, float], ...]) -> tuple[float, ...]:
    """The changes over a week to every day that has one, in bp, the lowest first.

    Kept for the same days and values: decades of them take long, and are asked for on the event loop.
    """
    days, values = [day for day, _ in line], dict(line)
    pairs = (
        (day, _at_most(days, day - timedelta(days=7), SLACK["1w"], place)) for place, day in enumerate(days)
    )
    return tuple(sorted(round(100 * (values[day] - values[was]), 6) for day, was in pairs if was is not None))
