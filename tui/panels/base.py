"""The one widget under every panel: rows in, only what changed of them out (Textual's Line API)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from rich.cells import cell_len
from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from tui.draw import Row, fit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rotation.snapshot import Snapshot
    from tui.theme import Theme
    from tui.view_state import ViewState


class Panel(NamedTuple):
    """A panel as the desk knows it; ``rows`` is pure."""

    id: str
    rows: RowsOf
    title: str = ""
    """Stands in the border, with the panel's number; a panel without a title has no border."""

    def draw(self, snapshot: Snapshot | None, view: ViewState, width: int, height: int) -> Drawn:
        """The panel's rows on ``width`` × ``height`` cells, scrolled if the viewer scrolled it."""
        edge_x, edge_y = (4, 2) if self.title else (0, 0)
        inner, room = width - edge_x, height - edge_y
        rows = [OPENING] if snapshot is None else self.rows(snapshot, view, inner, room)
        focused = self.id == ("help" if view.help else view.focus)
        most = max(0, len(rows) - room)
        first = min(view.scroll, most) if focused else 0
        shown = rows[first : first + room]
        if not self.title:
            blank = [()] * (room - len(shown))
            return Drawn([fit(row, width) for row in (*shown, *blank)], most)
        more = " ↑" * (first > 0) + " ↓" * (first < most)
        return Drawn(framed(shown, self.title + more, width, height, focused=focused), most)


class Drawn(NamedTuple):
    """What a panel looks like, and how far it could be scrolled."""

    rows: list[Row]
    most: int


OPENING: Row = (("opening…", "muted"),)


class RowsOf(Protocol):
    """Builds a panel's rows, any number of them, each to be cut or padded to ``width``."""

    def __call__(self, snapshot: Snapshot, view: ViewState, width: int, height: int) -> list[Row]:
        """``width`` and ``height``: the room inside the border, in cells."""
        ...


def framed(rows: Sequence[Row], title: str, width: int, height: int, *, focused: bool) -> list[Row]:
    """Rows inside a border that carries the title; exactly ``height`` rows of ``width`` cells."""
    role = "focus" if focused else "border"
    inner = width - 4
    label = fit(((f" {title} ", "title-focus" if focused else "title"),), min(len(title) + 2, width - 3))
    rule = "─" * (width - 3 - sum(len(text) for text, _ in label))
    body = [*rows[: height - 2], *[()] * (height - 2 - len(rows))]
    return [
        (("╭─", role), *label, (rule + "╮", role)),
        *((("│ ", role), *fit(row, inner), (" │", role)) for row in body),
        (("╰" + "─" * (width - 2) + "╯", role),),
    ]


class LinePanel(Widget):
    """Paints rows; ``show`` compares them with those on screen and refreshes only the cells that differ."""

    def __init__(self, theme: Theme, name: str) -> None:
        """``name``: the panel's id."""
        super().__init__(id=name)
        self._theme = theme
        self._rows: list[Row] = []
        self._strips: dict[Row, Strip] = {}

    def show(self, rows: list[Row], theme: Theme) -> None:
        """Take the rows to be on screen, each exactly as wide as the widget."""
        before, self._rows = self._rows, rows
        if theme is not self._theme or len(before) != len(rows):
            self._theme = theme
            self._strips.clear()
            self.refresh()
            return
        changed = [
            Region(start, y, end - start, 1)
            for y, (old, new) in enumerate(zip(before, rows, strict=True))
            if old is not new and old != new
            for start, end in [_difference(old, new)]
        ]
        if changed:
            self._strips = {row: self._strips[row] for row in rows if row in self._strips}
            self.refresh(*changed)

    def render_line(self, y: int) -> Strip:
        """Textual asks for one line."""
        if y >= len(self._rows):
            return Strip.blank(self.size.width, self._theme.style("text"))
        row = self._rows[y]
        strip = self._strips.get(row)
        if strip is None:
            strip = Strip([Segment(text, self._theme.style(role)) for text, role in row], self.size.width)
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
    for one, other in zip(old, new, strict=False):
        if one != other:
            break
        same += _cells((one,))
    return same


def _cells(row: Row) -> int:
    return sum(cell_len(text) for text, _ in row)
