"""Which cells of a panel are which figure: a mark in the role of a span, while somebody chooses a figure.

A marked role is the role, a blank and the id, as in ``up iwm.return.5``. Marks live from the panel's function
to ``shown``, which takes them off; no role that reaches a theme has one. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tui.view.draw import cells, clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from tui.view.draw import Row, Span
    from tui.view.view_state import ViewState

    Mark = Callable[[str, str], str]

CURSOR = "brand"
"""The role of the figure under the cursor."""
PAGE_ROWS = 8


class Spot(NamedTuple):
    """Where a figure stands in a panel's rows, in cells; ``end`` is one past its last."""

    figure: str
    row: int
    start: int
    end: int


def marker(view: ViewState, panel: str) -> Mark:
    """What adds a figure's id to a role, in the panel in which one is being chosen; elsewhere nothing."""
    if view.marked == panel:
        return lambda role, figure: f"{role} {figure}" if figure else role
    return unmarked


def unmarked(role: str, _figure: str) -> str:
    """The role as it is: where nobody can choose a figure."""
    return role


def spots(rows: Sequence[Row]) -> list[Spot]:
    """Every figure in reading order, each once, where it stands first."""
    places: dict[str, Spot] = {}
    for y, row in enumerate(rows):
        x = 0
        for text, role in row:
            size = cells(clean(text))
            figure = role.partition(" ")[2]
            if figure and figure not in places and text.strip():
                before, shown, _ = _pieces(clean(text))
                start = x + cells(before)
                places[figure] = Spot(figure, y, start, start + cells(shown))
            x += size
    return list(places.values())


def shown(rows: Iterable[Row], figure: str) -> list[Row]:
    """The rows without marks; the first span of this figure under the cursor."""
    is_open = True
    lines: list[Row] = []
    for row in rows:
        if is_open and any(role.partition(" ")[2] == figure for _, role in row):
            is_open = False
            lines.append(tuple(_under_cursor(row, figure)))
        else:
            lines.append(tuple((text, role.partition(" ")[0]) for text, role in row))
    return lines


def _under_cursor(row: Row, figure: str) -> Iterator[Span]:
    is_open = True
    for text, role in row:
        plain, _, of = role.partition(" ")
        if of != figure or not is_open or not text.strip():
            yield text, plain
            continue
        is_open = False
        before, value, after = _pieces(text)
        yield from (
            (part, part_role)
            for part, part_role in ((before, plain), (value, CURSOR), (after, plain))
            if part
        )


def _pieces(text: str) -> tuple[str, str, str]:
    """The blanks before, the text, the blanks after."""
    value = text.strip()
    before, _, after = text.partition(value)
    return before, value, after


def moved(places: Sequence[Spot], figure: str, step: str) -> Spot | None:
    """The figure one step from this one, by the id of an action; None where there are none.

    ``left`` and ``right`` go in reading order, ``up`` and ``down`` to the nearest of the next line that has
    any. From a figure that is no longer there every step leads to the first.
    """
    if not places:
        return None
    at = next((n for n, spot in enumerate(places) if spot.figure == figure), None)
    if at is None or step == "top":
        return places[0]
    if step == "bottom":
        return places[-1]
    if step in ("left", "right"):
        return places[min(max(at + (1 if step == "right" else -1), 0), len(places) - 1)]
    here = places[at]
    for _ in range(PAGE_ROWS if step.startswith("half") else 1):
        here = _beside(places, here, down=step.endswith("down"))
    return here


def _beside(places: Sequence[Spot], here: Spot, *, down: bool) -> Spot:
    rows = [spot.row for spot in places if (spot.row > here.row if down else spot.row < here.row)]
    if not rows:
        return here
    row = min(rows) if down else max(rows)
    middle = here.start + here.end
    return min(
        (spot for spot in places if spot.row == row), key=lambda spot: abs(spot.start + spot.end - middle)
    )
