"""Strips for tests: vector cases as StripCase, random step paths and their exact prices."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from rotation.fed.strip.chain import StripCase
from rotation.fed.strip.file import parse_strip
from rotation.fed.table import fed_table

if TYPE_CHECKING:
    from pathlib import Path

    from rotation.fed.strip.contracts import Month

CALENDAR = tuple(
    date(year, *map(int, day.split("/")))
    for year, days in {
        2024: "1/31 3/20 5/1 6/12 7/31 9/18 11/7 12/18",
        2025: "1/29 3/19 5/7 6/18 7/30 9/17 10/29 12/10",
        2026: "1/28 3/18 4/29 6/17 7/29 9/16 10/28 12/9",
        2027: "1/27 3/17 4/28 6/9 7/28 9/15 10/27 12/8",
        2028: "1/26",
    }.items()
    for day in days.split()
)


def vector_file(data: Path, name: str) -> dict[str, Any]:
    vectors: dict[str, Any] = json.loads((data / "fed" / "vectors" / f"{name}.json").read_text("utf-8"))
    return vectors


def case_of(raw: dict[str, Any]) -> StripCase:
    """Through the reader of ``fed --strip``, so that every vector proves it too."""
    return parse_strip(json.dumps(raw).encode())


def outcomes(case: StripCase, **kwargs: Any) -> dict[str, dict[str, float]]:
    return {row.date.isoformat(): row.outcomes for row in fed_table(case, **kwargs).meetings}


def deviation(ours: dict[str, float], theirs: dict[str, float], scale: float = 1) -> float:
    """The largest difference, an outcome that one side lacks counting as 0 there."""
    return max(abs(scale * ours.get(key, 0.0) - theirs.get(key, 0.0)) for key in {*ours, *theirs})


def months(first: Month, count: int) -> list[Month]:
    start = first[0] * 12 + first[1] - 1
    return [(i // 12, i % 12 + 1) for i in range(start, start + count)]


def month_average(month: Month, level: float, steps: dict[date, float], *, legacy: bool = False) -> float:
    """Day by day: the rate of each day of the month, averaged. Steps in pp."""
    days, day = [], date(*month, 1)
    while (day.year, day.month) == month:
        passed = [at for at in steps if at < day or (legacy and at == day)]
        days.append(level + sum(steps[at] for at in passed))
        day = date.fromordinal(day.toordinal() + 1)
    return sum(days) / len(days)


@dataclass(frozen=True)
class Priced:
    case: StripCase
    steps: dict[date, float]
    """Coming meeting → true step in units of 25 bp."""


@st.composite
def step_paths(
    draw: st.DrawFn, *, moves: st.SearchStrategy[float] | None = None, legacy: bool = False
) -> Priced:
    """A true path of rates, priced exactly, watched on some day with all that it needs."""
    if moves is None:
        moves = st.floats(-3.5, 3.5).map(lambda x: round(x, 4))
    watch = date(2024, 2, 1).toordinal() + draw(st.integers(0, 1000))
    watch_date = date.fromordinal(watch)
    # The last known meeting stands before a month without one, so that the strip ends in an anchor.
    ends = [day for day in CALENDAR if day > watch_date and _free_after(day)]
    last = draw(st.sampled_from(ends[:5]))
    steps = {day: draw(moves) for day in CALENDAR if day <= last and day.toordinal() > watch - 120}
    level = draw(st.floats(0.0, 6.0))
    first = date.fromordinal(watch - 92)
    count = (last.year - first.year) * 12 + last.month - first.month + 2
    prices = {
        month: 100 - month_average(month, level, {k: v / 4 for k, v in steps.items()}, legacy=legacy)
        for month in months((first.year, first.month), count)
    }
    dates = tuple(day for day in CALENDAR if day <= last)
    lower = 25 * draw(st.integers(0, 20))
    coming = {day: step for day, step in steps.items() if day >= watch_date}
    return Priced(StripCase(watch_date, (lower, lower + 25), dates, prices), coming)


def _free_after(day: date) -> bool:
    after = (day.year + day.month // 12, day.month % 12 + 1)
    return day != CALENDAR[-1] and all((other.year, other.month) != after for other in CALENDAR)
