"""The crosshair of a chart: its cells, and which point is under it. Pure."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from tui.view.chart.cells import LEVEL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tui.view.chart.cells import Cells
    from tui.view.draw import Row, Span

UPRIGHT, HERE = "│", "┼"
SIDE = "┤"
"""Ends the label left of every line of a chart."""
CROSS: Span = (HERE, "strong")
"""The cell of the point under the crosshair."""
READING: Span = (f"{HERE} ", "strong")
"""What the line that says its value begins with."""


def cross(cells: Cells, at: tuple[int, int]) -> None:
    """Draw the crosshair through a cell: upright where no line is, and a mark on the point itself."""
    x, y = at
    for row in cells:
        if row[x][0] in (" ", LEVEL):
            row[x] = (UPRIGHT, "strong")
    cells[y][x] = CROSS


def place_of(moments: Sequence[str], crosshair: str) -> int:
    """Which of the points is under the crosshair: the last until its moment, else the first."""
    return max(bisect_right(moments, crosshair) - 1, 0)


def lines_of(rows: Sequence[Row]) -> tuple[int, int] | None:
    """The first and the last line of a chart with a crosshair, from its value to its dates; None without."""
    first = next((n for n, row in enumerate(rows) if READING in row), None)
    if first is None:
        return None
    plot = [n for n, row in enumerate(rows[first:], first) if any(text.endswith(SIDE) for text, _ in row)]
    return first, max(plot, default=first) + 1
