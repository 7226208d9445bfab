"""Lines and the heat map of the breadth page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rotation.text import short_day
from tui.view.chart.axis import date_axis
from tui.view.draw import UNKNOWN, Row, braille, change, column, toned

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from rotation.breadth.figures import IndexBreadth, SectorBreadth
    from tui.view.marks import Mark

EXPLAINED_FROM = 70
"""Cells from which the heat map's head says what it shows."""
DATED_FROM = 4
"""Lines of a chart from which the last has its dates."""
STRONG_PCT = 1.0
"""Sector returns from here on have the strong colour."""


def mcclellan(index: IndexBreadth, value: float | None, width: int, height: int, mark: Mark) -> list[Row]:
    """The value × 1,000 and its settled line, with 0 in the middle and today's value at the end."""
    shown = UNKNOWN if value is None else change(value * 1_000, 1)
    head: Row = (("McClellan ", "muted"), (shown, mark(toned(value), "mcclellan")))
    points = [each for _, each in index.line] + ([value] if index.now and value is not None else [])
    most = max((abs(each) for each in points), default=0.0)
    if len(points) < 2 or not most:
        return [head]
    path = [(n / (len(points) - 1), 0.5 + each / most / 2) for n, each in enumerate(points)]
    days = [each for each, _ in index.line] + ([index.now.session] if index.now and value is not None else [])
    return [head, *_drawn(path, days, width, height, "accent")]


def advance_decline(index: IndexBreadth, net: int | None, width: int, height: int) -> list[Row]:
    """The line of settled sessions, and today's net on top of it as its last point."""
    line = index.advance_decline
    if len(line) < 2:
        return [(("advance/decline line ", "muted"), (UNKNOWN, "muted"))]
    points = [float(each) for _, each in line]
    if index.now is not None and net is not None:
        points.append(points[-1] + net)
    low, high = min(points), max(points)
    head: Row = (
        ("advance/decline line ", "muted"),
        (f"{change(points[-1] - points[0], 0)} ", toned(points[-1] - points[0])),
        (f"since {short_day(line[0][0])}, {len(line)} sessions", "faint"),
    )
    path = [
        (n / (len(points) - 1), (each - low) / (high - low) if high > low else 0.5)
        for n, each in enumerate(points)
    ]
    days = [each for each, _ in line] + ([index.now.session] if len(points) > len(line) and index.now else [])
    return [head, *_drawn(path, days, width, height, "text")]


def _drawn(
    path: Sequence[tuple[float, float]], days: Sequence[date], width: int, height: int, role: str
) -> list[Row]:
    """The line, and its dates below it where it is high enough to lose one."""
    inner, is_dated = min(width, 76), height >= DATED_FROM
    drawn: list[Row] = [((line, role),) for line in braille(path, inner, height - is_dated)]
    axis = date_axis(days, [x for x, _ in path], inner, (short_day(days[0]), short_day(days[-1])))
    return [*drawn, ((axis, "faint"),)] if is_dated else drawn


def sectors(index: IndexBreadth, width: int) -> list[Row]:
    """A bar a sector: as long as the sector is heavy, in the colour of its return."""
    named = [each for each in index.sectors if each.sector]
    if not named:
        return []
    most = max((each.weight_pct or 0.0 for each in named), default=0.0)
    room = max(4, width - 24 - 7 - 9 - 10)
    lines: list[Row] = [((f"{'sectors':<24}{'weight':>7}{'return':>9}", "faint"),)]
    return lines + [_sector(each, most, room) for each in named]


def _sector(each: SectorBreadth, most: float, room: int) -> Row:
    pct = each.return_pct
    role = toned(pct)
    if pct is not None and abs(pct) >= STRONG_PCT:
        role = f"{role}-strong"
    cells = max(1, round((each.weight_pct or 0.0) / most * room)) if most else 0
    weight = UNKNOWN if each.weight_pct is None else f"{each.weight_pct:.1f} %"
    return (
        (column(each.sector, 23, right=False), "text"),
        (column(weight, 8), "muted"),
        (column(UNKNOWN if pct is None else f"{change(pct)} %", 9), role),
        ("  ", "text"),
        ("█" * cells, role),
        (" " * (room - cells), "text"),
        (f" {each.advances}/{each.counted}", "faint"),
    )
