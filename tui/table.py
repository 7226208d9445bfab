"""Tables that lose whole columns as room goes, the least worthy first. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from tui.draw import column

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tui.draw import Row, Span

T = TypeVar("T")


class Column(NamedTuple, Generic[T]):
    """One column; where room is short those with the highest ``rank`` go first, rank 0 never."""

    head: str
    width: int
    rank: int
    cell: Callable[[T], Span]
    right: bool = True


def fitting(columns: Sequence[Column[T]], width: int) -> list[Column[T]]:
    """The columns that ``width`` cells have room for, a blank between neighbours."""
    shown = list(columns)
    while sum(c.width + 1 for c in shown) > width + 1:
        last = max(shown, key=lambda c: c.rank)
        if not last.rank:
            break
        shown.remove(last)
    return shown


def lines(columns: Sequence[Column[T]], items: Iterable[T], width: int) -> list[Row]:
    """A header and a line per item."""
    shown = fitting(columns, width)
    head = tuple(_span(c, (c.head, "faint")) for c in shown)
    return [head, *(tuple(_span(c, c.cell(item)) for c in shown) for item in items)]


def _span(c: Column[T], cell: Span) -> Span:
    """The blank after a column belongs to it: half the spans to compare and to paint."""
    text, role = cell
    return column(text, c.width, right=c.right) + " ", role
