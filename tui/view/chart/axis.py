"""Dates and hours below a chart, each at the cell of the first point that it is true of. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rotation.text import MONTHS, short_day
from tui.view.chart.cells import cell_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

APART = 2
"""Blanks at least between two labels."""
OPENS = 9 * 60 + 30
"""Minutes after midnight, New York time."""


class _Scale(NamedTuple):
    """A kind of tick: a day begins one where its period is another than that of the point before."""

    period: Callable[[date], object]
    label: Callable[[date], str]
    cells: int
    """Of the longest label."""


def _month(day: date) -> str:
    """``Aug``; of January the year, so that the axis says which it is."""
    return str(day.year) if day.month == 1 else MONTHS[day.month - 1]


def _years(n: int) -> _Scale:
    return _Scale(lambda day: day.year // n, lambda day: str(day.year), 4)


SCALES = (
    _Scale(lambda day: day, short_day, 6),
    _Scale(lambda day: day.isocalendar()[:2], short_day, 6),
    _Scale(lambda day: (day.year, day.month), _month, 4),
    _Scale(lambda day: (day.year, (day.month - 1) // 3), _month, 4),
    *map(_years, (1, 2, 5, 10, 20, 50)),
)
"""The finest first."""


def date_axis(days: Sequence[date], xs: Sequence[float], width: int, ends: tuple[str, str]) -> str:
    """The line below a chart of ``width`` cells whose points are of these days, at these places (0…1).

    The finest ticks that have room; ``ends``: the labels of the first and the last point, which stand alone
    where there are not two ticks.
    """
    for scale in SCALES:
        marks = [
            (cell_of((xs[n], 0.0), width, 1)[0], scale.label(days[n]))
            for n in range(1, len(days))
            if scale.period(days[n]) != scale.period(days[n - 1])
        ]
        if len(marks) * (scale.cells + APART) <= width:
            placed = _placed(marks, width)
            are_few = sum(bool(label) for label in placed.split(" " * APART)) < 2
            return ends_axis(ends, width) if are_few else placed
    return ends_axis(ends, width)


def hour_axis(minutes: int, width: int) -> str:
    """The line below a chart of a session so many minutes long: its hours, and when it closes."""
    hours, rest = divmod(OPENS + minutes, 60)
    end = f"{hours}:{rest:02d} New York"
    room = max(width - len(end) - APART, 0)
    hours_of = {step: range(10 * 60, OPENS + minutes, 60 * step) for step in (1, 2, 3)}
    shown = next((each for each in hours_of.values() if len(each) * (5 + APART) <= room), ())
    marks = [(cell_of(((at - OPENS) / minutes, 0.0), width, 1)[0], f"{at // 60}:00") for at in shown]
    return _placed([(0, "09:30"), *marks], room).ljust(width - len(end)) + end


def ends_axis(ends: tuple[str, str], width: int) -> str:
    """The two ends alone."""
    left, right = ends
    return left + " " * max(width - len(left) - len(right), 1) + right


def _placed(marks: Sequence[tuple[int, str]], width: int) -> str:
    """The labels at their cells; one that has no room beside the one before, or at the end, is left out."""
    axis = ""
    for x, label in marks:
        if x < len(axis) + APART * bool(axis) or x + len(label) > width:
            continue
        axis = f"{axis:<{x}}{label}"
    return f"{axis:<{width}}"
