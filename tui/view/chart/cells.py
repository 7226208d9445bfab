"""A chart as cells of their own role: its line in braille, and levels across it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.view.draw import braille

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tui.view.draw import Span

    Cells = list[list[Span]]

LEVEL = "┄"


def cell_of(point: tuple[float, float], width: int, height: int) -> tuple[int, int]:
    """The cell (x, y from the top) in which ``braille`` sets a point (0…1, from the lower left)."""
    x, y = point
    return int(x * (2 * width - 1) + 0.5) // 2, int((1 - y) * (4 * height - 1) + 0.5) // 4


def line(points: Sequence[tuple[float, float]], width: int, height: int, role: str = "line") -> Cells:
    """The line through these points, a span a cell."""
    return [[(dots, role) for dots in drawn] for drawn in braille(points, width, height)]


def across(cells: Cells, y: int, role: str) -> None:
    """Draw a level across the chart, where nothing is drawn."""
    cells[y] = [(LEVEL, role) if sign == " " else (sign, own) for sign, own in cells[y]]
