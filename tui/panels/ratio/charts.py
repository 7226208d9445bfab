"""The ratio's charts: the settled year and today, with the previous close across it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rotation.text import day
from tui.panels.base import about, reading
from tui.panels.ratio.points import has_now, previous_close, today_pct
from tui.view.chart.axis import date_axis, hour_axis
from tui.view.chart.cells import LEVEL, across, cell_of, line
from tui.view.chart.crosshair import cross
from tui.view.draw import Row, Span, change, column, number, toned, whole
from tui.view.plane import joined

if TYPE_CHECKING:
    from datetime import date

    from rotation.snapshot import Ratio, Snapshot
    from tui.panels.ratio.points import At

AXIS = 8
"""Cells for the labels left of a chart."""
CURRENT = "accent"
NO_PRICES = "no prices for both legs in this session yet"
NO_HISTORY = "no daily closes for both legs: run rotation-tui history sync"


class Chart(NamedTuple):
    """One chart before it is drawn."""

    title: tuple[Span, ...]
    points: list[tuple[float, float]]
    """x in 0…1, and the value."""
    days: tuple[date, ...]
    """Of the points, for the axis below; none where that has the hours of a session."""
    minutes: int
    """Of that session."""
    absent: str
    """Stands in its place without points."""
    level: float | None = None
    """The previous close, drawn across it."""


def daily(snapshot: Snapshot, role: str) -> Chart:
    """The settled closes of a year, and the value now. ``role``: of that."""
    ratio, session = snapshot.ratio, snapshot.session
    title = _value(ratio, role)
    if ratio.first_date:
        title.append((f"100 = {day(ratio.first_date)}", "faint"))
    points = list(ratio.daily)
    if session is not None and ratio.value is not None and has_now(ratio, session):
        points.append((session, ratio.value))
    last = max(len(points) - 1, 1)
    line_points = [(n / last, value) for n, (_, value) in enumerate(points)]
    return Chart(tuple(title), line_points, tuple(when for when, _ in points), 0, NO_HISTORY)


def today(snapshot: Snapshot, role: str | None) -> Chart:
    """The session's minutes. ``role``: of the value now; None where the chart above says that."""
    ratio = snapshot.ratio
    title: list[Span] = [("today ", "strong"), *([] if role is None else _value(ratio, role))]
    before, pct = previous_close(ratio, snapshot.session), today_pct(ratio, snapshot.session)
    if before is None or pct is None:
        before = None
    else:
        title += [
            (f"{about(pct, ratio.status)}{change(pct)} %", toned(pct)),
            (f" since {LEVEL} the previous close", "faint"),
            (f" of {day(before[0])}, {number(before[1])}", "faint"),
        ]
    points = [(min(minute / ratio.minutes, 1.0), value) for minute, value in ratio.intraday]
    return Chart(tuple(title), points, (), ratio.minutes, NO_PRICES, before and before[1])


def _value(ratio: Ratio, role: str) -> list[Span]:
    return [
        (f"{ratio.base}/{ratio.against} ", "strong"),
        (f"{about(ratio.value, ratio.status)}{number(ratio.value)}  ", role),
    ]


def drawn(chart: Chart, width: int, height: int, at: At | None) -> list[Row]:
    """Title line, the line itself with its highest and lowest value, and the dates or hours below it.

    ``at``: the point under the crosshair: what it is stands in the place of the title.
    """
    if not chart.points:
        return [chart.title, ((chart.absent, "muted"),), *[()] * (height - 2)][:height]
    head = [whole(chart.title, width)] if at is None else reading(at.point, width)
    plot, inner = max(height - 1 - len(head), 1), max(width - AXIS - 1, 4)
    values = [value for _, value in chart.points] + ([] if chart.level is None else [chart.level])
    low, high = min(values), max(values)

    def place(value: float) -> float:
        return (value - low) / (high - low) if high > low else 0.5

    points = [(x, place(value)) for x, value in chart.points]
    cells = line(points, inner, plot)
    labels = {0: number(high), plot - 1: number(low)}
    if chart.level is not None:
        y = cell_of((0.0, place(chart.level)), inner, plot)[1]
        across(cells, y, "faint")
        labels[y] = number(chart.level)
    if at is not None:
        cross(cells, cell_of(points[at.number], inner, plot))
    body = [((column(labels.get(y, ""), AXIS) + "┤", "faint"), *joined(row)) for y, row in enumerate(cells)]
    return [*head, *body, ((" " * (AXIS + 1) + _axis(chart, inner), "faint"),)][:height]


def _axis(chart: Chart, width: int) -> str:
    if not chart.days:
        return hour_axis(chart.minutes, width)
    ends = day(chart.days[0]), day(chart.days[-1])
    return date_axis(chart.days, [x for x, _ in chart.points], width, ends)
