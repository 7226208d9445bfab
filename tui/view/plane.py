"""A plane of braille dots with labels: trails around a centre, drawn on cells of their own role."""

from __future__ import annotations

from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from tui.view.draw import Dots, Row, braille_cells, dots_of

if TYPE_CHECKING:
    from collections.abc import Sequence


class Line(NamedTuple):
    """A trail of (x, y), each in 0…1 from the lower left, and the label at its last point."""

    points: Sequence[tuple[float, float]]
    label: str
    role: str


class _Trail(NamedTuple):
    """What a line looks like on a plane of so many cells."""

    dots: Dots
    x: int
    y: int
    """The cell of its last point."""
    label: str
    role: str


def plane(lines: Sequence[Line], width: int, height: int) -> list[Row]:
    """Return ``height`` rows of ``width`` cells. Lines that come later lie above those before.

    A label stands beside its line's last point, on whichever free place is nearest; never on another label.
    """
    trails = tuple(
        _Trail(
            dots_of(line.points, width, height),
            round(line.points[-1][0] * (width - 1)),
            round((1 - line.points[-1][1]) * (height - 1)),
            line.label,
            line.role,
        )
        for line in lines
    )
    return list(_drawn(trails, width, height))


@lru_cache(maxsize=16)
def _drawn(trails: tuple[_Trail, ...], width: int, height: int) -> tuple[Row, ...]:
    """Cached: from one tick to the next a point seldom moves by a dot."""
    axis = [("─", "faint")] * width
    axis[width // 2] = ("┼", "faint")
    blank = [(" ", "text")] * width
    blank[width // 2] = ("│", "faint")
    cells = [axis.copy() if y == height // 2 else blank.copy() for y in range(height)]
    for trail in trails:
        for x, y, text in braille_cells(trail.dots):
            cells[y][x] = (text, trail.role)
    taken: set[tuple[int, int]] = set()
    for trail in reversed(trails):  # The topmost line chooses first.
        _place(trail, cells, taken, width, height)
    return tuple(map(joined, cells))


def _place(
    trail: _Trail, cells: list[list[tuple[str, str]]], taken: set[tuple[int, int]], width: int, height: int
) -> None:
    text = f"●{trail.label}"
    size = len(text)
    for distance in range(height):
        for row in dict.fromkeys((trail.y - distance, trail.y + distance)):
            for left in (trail.x, trail.x - size + 1):
                if not (0 <= row < height and 0 <= left <= width - size):
                    continue
                if any((left + n, row) in taken for n in range(-1, size + 1)):
                    continue
                shown = f"{trail.label}●" if left != trail.x else text
                for n, letter in enumerate(shown):
                    cells[row][left + n] = (letter, trail.role)
                taken |= {(left + n, row) for n in range(size)}
                return


def joined(row: list[tuple[str, str]]) -> Row:
    """Neighbours of one role as one span."""
    spans = groupby(row, key=itemgetter(1))
    return tuple(("".join(text for text, _ in cells), role) for role, cells in spans)
