"""The one widget under every panel: rows in, only what changed of them out (Textual's Line API)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tui.view.draw import Row
    from tui.view.theme import Theme


class Line(Strip):
    """One line of cells, gone as soon as nobody shows it.

    Textual asks for the pieces of each line, and a line that is to stay whole would keep itself among them:
    a hundred a second for the collector to find, in passes over all that lives.
    """

    __slots__ = ()

    def divide(self, cuts: Iterable[int]) -> Sequence[Strip]:
        """The pieces that end at these cells."""
        held = [cut for cut in cuts if cut <= self.cell_length]
        return [self] if held == [self.cell_length] else super().divide(held)


class LinePanel(Widget):
    """Paints rows; ``show`` compares them with those on screen and refreshes only the cells that differ."""

    def __init__(self, theme: Theme, name: str) -> None:
        """``name``: the panel's id."""
        super().__init__(id=name)
        self._theme = theme
        self._rows: list[Row] = []
        self._strips: dict[Row, Strip] = {}

    def show(self, rows: list[Row], theme: Theme) -> bool:
        """Show these rows, each exactly as wide as the widget; whether any cell is to be painted for them."""
        before, self._rows = self._rows, rows
        if theme is not self._theme or len(before) != len(rows):
            self._theme = theme
            self._strips.clear()
            self.refresh()
            return True
        changed = [
            Region(start, y, end - start, 1)
            for y, (old, new) in enumerate(zip(before, rows, strict=True))
            if old is not new and old != new
            for start, end in [_difference(old, new)]
        ]
        if changed:
            self._strips = {row: self._strips[row] for row in rows if row in self._strips}
            self.refresh(*changed)
        return bool(changed)

    def render_line(self, y: int) -> Strip:
        """Return one line of cells for Textual."""
        if y >= len(self._rows):
            return Strip.blank(self.size.width, self._theme.style("text"))
        row = self._rows[y]
        strip = self._strips.get(row)
        if strip is None:
            strip = Line([Segment(text, self._theme.style(role)) for text, role in row], self.size.width)
            self._strips[row] = strip
        return strip


def _difference(old: Row, new: Row) -> tuple[int, int]:
    """First and one past the last cell where two rows differ; whole spans, so wide characters stay whole."""
    start = _shared(old, new)
    end = _shared(old[::-1], new[::-1])
    width = _cells(new)
    # Spans of other widths make the two ends overlap: then the rest of the line is painted.
    return (start, max(width - end, start + 1)) if start + end <= width else (start, width)


def _shared(old: Row, new: Row) -> int:
    """Cells of the leading spans that two rows share."""
    same = 0
    for was, now in zip(old, new, strict=False):
        if was != now:
            break
        same += _cells((was,))
    return same


def _cells(row: Row) -> int:
    return sum(cell_len(text) for text, _ in row)
