"""A table of legs: a header, headings of groups, and a line per leg."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.panels.legs.columns import SINCE
from tui.panels.legs.lists import blocks
from tui.view.draw import UNKNOWN, Row, Span, column
from tui.view.marks import marker

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rotation.snapshot import Leg, Snapshot
    from tui.panels.legs.columns import Column
    from tui.view.view_state import ViewState


def table(
    columns: list[Column],
    snapshot: Snapshot,
    view: ViewState,
    figures: Mapping[str, str],
    *,
    are_absent: bool = True,
) -> list[Row]:
    """A header and a line per leg. ``figures``: column → the end of the id of what it shows."""
    mark = marker(view, "legs")
    lines: list[Row] = [tuple(span for c in columns for span in _head(c, view))]

    def cell(c: Column, symbol: str, leg: Leg) -> tuple[Span, Span]:
        text, role = c.cell(symbol, leg, view)
        of = figures.get(c.head, "").format(window=view.window)
        return _spans(c, (text, mark(role, of and f"{symbol.lower()}.{of}")))

    for block in blocks(snapshot, view):
        if block.name:
            lines.append(((block.name, "title"),))
        lines += [
            tuple(span for c in columns for span in cell(c, symbol, leg))
            for symbol, leg in block.legs.items()
        ]
        lines += [
            (
                (column(symbol, columns[0].width + 1, right=False), "strong"),
                (f"{UNKNOWN}  no prices yet", "muted"),
            )
            for symbol in (block.absent if are_absent else ())
        ]
    return lines


def _head(c: Column, view: ViewState) -> tuple[Span, Span]:
    head = f"{view.window}d since" if c.head == SINCE else c.head
    chosen = c.head == ("day %" if view.window == 1 else f"{view.window}d %")
    return _spans(c, (head, "accent" if chosen else "faint"))


def _spans(c: Column, cell: Span) -> tuple[Span, Span]:
    text, role = cell
    return (column(text, c.width, right=c.right), role), (" ", "text")
