"""Tables that drop whole columns where there is no room, the least important first. Pure."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from tui.view.draw import cells, column

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tui.view.draw import Row, Span

T = TypeVar("T")


class Column(NamedTuple, Generic[T]):
    """One column; where there is no room the highest ``rank`` is dropped first, rank 0 never."""

    head: str
    width: int
    rank: int
    cell: Callable[[T], Span]
    right: bool = True


def fitting(columns: Sequence[Column[T]], width: int) -> list[Column[T]]:
    """Return the columns that fit into ``width`` cells, with a blank between neighbours."""
    shown = list(columns)
    while sum(c.width + 1 for c in shown) > width + 1:
        last = max(shown, key=lambda c: c.rank)
        if not last.rank:
            break
        shown.remove(last)
    return shown


def folded(rows: Sequence[Row], width: int) -> list[Row]:
    """Return the rows of a table; columns for which not every row has room follow on lines below each.

    A span is a cell of it, and rows of fewer cells end early.
    """
    ends = [0]
    most = max(map(len, rows), default=0)
    while ends[-1] < most:
        first = ends[-1]
        at = most
        while at > first + 1 and any(_size(row[first:at]) > width for row in rows):
            at -= 1
        ends.append(at)
    return [row[first:at] for row in rows for first, at in pairwise(ends) if row[first:at]]


def _size(row: Row) -> int:
    return cells("".join(text for text, _ in row).rstrip())


def lines(
    columns: Sequence[Column[T]],
    items: Iterable[T],
    width: int,
    mark: Callable[[str, str, T], str] = lambda role, _head, _item: role,
) -> list[Row]:
    """Return a header and one row per item. ``mark``: the role of a cell, by its role, column and item."""
    shown = fitting(columns, width)

    def cell(c: Column[T], item: T) -> Span:
        text, role = c.cell(item)
        return text, mark(role, c.head, item)

    return [
        _row(shown, ((c.head, "faint") for c in shown)),
        *(_row(shown, (cell(c, item) for c in shown)) for item in items),
    ]


def _row(columns: Sequence[Column[T]], cells: Iterable[Span]) -> Row:
    """The blank before a column belongs to it: half the spans to compare and to paint."""
    return tuple(
        (" " * (i > 0) + column(text, c.width, right=c.right), role)
        for i, (c, (text, role)) in enumerate(zip(columns, cells, strict=True))
    )
