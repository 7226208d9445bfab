"""A plane of braille dots with labels: trails around a centre, drawn on cells of their own role."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tui.view.draw import Row, braille

if TYPE_CHECKING:
    from collections.abc import Sequence


class Line(NamedTuple):
    """A trail of (x, y), each in 0…1 from the lower left, and the label at its last point."""

    points: Sequence[tuple[float, float]]
    label: str
    role: str


def plane(lines: Sequence[Line], width: int, height: int) -> list[Row]:
    """Return ``height`` rows of ``width`` cells. Lines that come later lie above those before.

    A label stands beside its line's last point, on whichever free place is nearest; never on another label.
    """
    cells = [[(" ", "text")] * width for _ in range(height)]
    for y in range(height):
        cells[y][width // 2] = ("│", "faint")
    for x in range(width):
        cells[height // 2][x] = ("┼" if x == width // 2 else "─", "faint")
    for line in lines:
        for y, text in enumerate(braille(line.points, width, height)):
            for x, dots in enumerate(text):
                if dots != " ":
                    cells[y][x] = (dots, line.role)
    taken: set[tuple[int, int]] = set()
    for line in reversed(lines):  # The topmost line chooses first.
        _place(line, cells, taken, width, height)
    return [joined(row) for row in cells]


def _place(
    line: Line, cells: list[list[tuple[str, str]]], taken: set[tuple[int, int]], width: int, height: int
) -> None:
    x, y = line.points[-1]
    at_x, at_y = round(x * (width - 1)), round((1 - y) * (height - 1))
    text = f"●{line.label}"
    size = len(text)
    places = [
        (left, row)
        for distance in range(height)
        for row in dict.fromkeys((at_y - distance, at_y + distance))
        if 0 <= row < height
        for left in (at_x, at_x - size + 1)
        if 0 <= left <= width - size
    ]
    for left, row in places:
        wanted = {(left + n, row) for n in range(-1, size + 1)}
        if not wanted & taken:
            mirrored = left != at_x
            shown = f"{line.label}●" if mirrored else text
            for n, letter in enumerate(shown):
                cells[row][left + n] = (letter, line.role)
            taken |= {(left + n, row) for n in range(size)}
            return


def joined(row: list[tuple[str, str]]) -> Row:
    """Neighbours of one role as one span."""
    spans: list[tuple[str, str]] = []
    for text, role in row:
        if spans and spans[-1][1] == role:
            spans[-1] = (spans[-1][0] + text, role)
        else:
            spans.append((text, role))
    return tuple(spans)
