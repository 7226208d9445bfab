"""Where every panel is placed, from the size of the terminal and the viewer's choices. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tui.view.places import COLUMNS_FROM, width_of
from tui.view.view_state import PAGES, PANELS, more_windows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tui.view.places import Columns
    from tui.view.view_state import ViewState

SMALLEST = (40, 10)
STACKED_FROM = (80, 24)
TALL_RIBBON_FROM = 76
LEFT_SHARE = 0.58

LEAST = {
    "legs": 8,
    "spread": 8,
    "ratio": 8,
    "fed": 14,
    "health": 6,
    "breadth": 12,
    "events": 6,
    "graph": 14,
    "macro": 12,
}
"""Lines that a panel needs at least, border included."""
WANTED = {
    "spread": 12,
    "ratio": 22,
    "fed": 24,
    "health": 11,
    "breadth": 24,
    "events": 12,
    "graph": 24,
    "macro": 24,
}
"""Lines beyond which a panel gains little; the legs want one line per leg."""
ABSENT = 4
"""Lines of a Fed panel that has nothing to show."""
SLIM = 3
"""Lines of a Health panel that has nothing to warn of: one, and its border."""
SHARED = tuple(panel for panel in PANELS if panel not in PAGES)
"""Panels that share the screen."""
TAKES_THE_REST = ("ratio", "fed")
"""Panels that can use any height; the first one shown gets what is left."""


class Place(NamedTuple):
    """A rectangle of the screen, in cells."""

    x: int
    y: int
    width: int
    height: int


def arrange(
    width: int,
    height: int,
    view: ViewState,
    legs: int = 10,
    *,
    fed: bool = True,
    is_well: bool = False,
) -> dict[str, Place]:
    """Return panel id → place; panels without room are left out. A terminal too small gets only ``message``.

    ``legs``: how many the snapshot has. ``fed``: False where no source of rate-cut odds can come.
    ``is_well``: True where Health has nothing to warn of: beside others it is then one line, unless in focus.
    """
    if width < SMALLEST[0] or height < SMALLEST[1]:
        return {"message": Place(0, 0, width, height)}
    top = _ribbon_height(width)
    body = Place(0, top, width, height - top - 1)
    places = {"ribbon": Place(0, 0, width, top), "keys": Place(0, height - 1, width, 1)}
    if view.palette:
        return {**places, "palette": body}
    if view.help or view.explains:
        return {**places, "help" if view.help else "explained": body}
    stacked = width >= STACKED_FROM[0] and height >= STACKED_FROM[1]
    if view.zoomed or not stacked:
        return {**places, view.focus: body}
    least, lines = _heights(view, legs, fed=fed)
    columns = view.panels.of(width)
    if columns and not misfit(width, height, view, legs, fed=fed):
        # Of lists that have no panel in common the first one's is in focus at every width.
        is_own = view.focus != view.panels.home and not any(view.focus in column for column in columns)
    else:
        columns, is_own = _usual(width, fed=fed), view.focus in PAGES
    if is_own:
        return {**places, view.focus: body}
    for area, panels in zip(_areas(body, columns), columns, strict=True):
        stack = _stack(area, panels, sorted(panels, key=lambda panel: panel != view.focus), lines, least)
        if is_well and view.focus != "health" and "health" in stack and len(stack) > 1:
            # The same panels as with a tall one: trouble must find its room, and move no other away.
            stack = _stack(area, tuple(stack), tuple(stack), {**lines, "health": SLIM}, least)
        places |= stack
    return places


def misfit(width: int, height: int, view: ViewState, legs: int = 10, *, fed: bool = True) -> str:
    """Why a person's own list of panels is not used on a screen of this size, in words; empty where it is."""
    columns = view.panels.of(width)
    # The usual panels, written out, give way as they always do.
    if not columns or width < STACKED_FROM[0] or columns == _usual(width, fed=True):
        return ""
    least, lines = _heights(view, legs, fed=fed)
    room = height - _ribbon_height(width) - 1
    needed = max(sum(min(least[panel], lines[panel]) for panel in column) for column in columns)
    if needed <= room:
        return ""
    name = f"panels.{width_of(width)}"
    return (
        f"{name} needs {needed + height - room} rows, this terminal has {height}: the usual panels are shown"
    )


def _heights(view: ViewState, legs: int, *, fed: bool) -> tuple[dict[str, int], dict[str, int]]:
    """By panel the lines that it needs at least, and those beyond which it gains little."""
    more = more_windows(view)
    least = {**LEAST, "spread": LEAST["spread"] + more}
    lines = {**WANTED, "legs": max(legs + 3, LEAST["legs"])} | ({} if fed else {"fed": ABSENT})
    lines["spread"] += more
    return least, lines


def _usual(width: int, *, fed: bool) -> Columns:
    """Without odds the ratio's chart takes the room that they would need."""
    if width < COLUMNS_FROM:
        return (SHARED,)
    if fed:
        return (("legs", "spread", "ratio"), ("fed", "health"))
    return (("legs", "spread", "health"), ("ratio", "fed"))


def _areas(body: Place, columns: Columns) -> list[Place]:
    if len(columns) == 1:
        return [body]
    left = round(body.width * LEFT_SHARE)
    return [Place(0, body.y, left, body.height), Place(left, body.y, body.width - left, body.height)]


def _ribbon_height(width: int) -> int:
    """Lines of the ribbon: the status line and those of the headline."""
    return 3 if width >= 2 * TALL_RIBBON_FROM or width < TALL_RIBBON_FROM else 4


def _stack(
    area: Place,
    panels: Sequence[str],
    order: Sequence[str],
    wanted: Mapping[str, int],
    at_least: Mapping[str, int],
) -> dict[str, Place]:
    """Place as many panels as fit, tried in ``order``, from top to bottom in the order of ``panels``."""
    heights: dict[str, int] = {}
    for panel in order:
        least = min(at_least[panel], wanted[panel])
        if sum(heights.values()) + least <= area.height:
            heights[panel] = least
    spare = area.height - sum(heights.values())
    shown = [panel for panel in panels if panel in heights]
    for panel in sorted(shown, key=lambda p: p == "ratio"):
        more = min(spare, wanted[panel] - heights[panel])
        heights[panel] += more
        spare -= more
    last = shown[-2] if wanted["health"] == SLIM and shown[-1] == "health" else shown[-1]
    heights[next((panel for panel in TAKES_THE_REST if panel in heights), last)] += spare
    places, y = {}, area.y
    for panel in shown:
        places[panel] = Place(area.x, y, area.width, heights[panel])
        y += heights[panel]
    return places
