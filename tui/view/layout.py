"""Where every panel is placed, from the size of the terminal and the viewer's choices. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tui.view.view_state import PAGES, PANELS, more_windows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tui.view.view_state import ViewState

SMALLEST = (40, 10)
COLUMNS_FROM = 100
STACKED_FROM = (80, 24)
TALL_RIBBON_FROM = 76
LEFT_SHARE = 0.58

LEAST = {"legs": 8, "spread": 8, "ratio": 8, "fed": 14, "health": 6}
"""Lines that a panel needs at least, border included."""
WANTED = {"spread": 12, "ratio": 22, "fed": 24, "health": 11}
"""Lines beyond which a panel gains little; the legs want one line per leg."""
ABSENT = 4
"""Lines of a Fed panel that has nothing to show."""
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
    width: int, height: int, view: ViewState, legs: int = 10, *, fed: bool = True
) -> dict[str, Place]:
    """Return panel id → place; panels without room are left out. A terminal too small gets only ``message``.

    ``legs``: how many the snapshot has. ``fed``: False where no source of rate-cut odds can come.
    """
    if width < SMALLEST[0] or height < SMALLEST[1]:
        return {"message": Place(0, 0, width, height)}
    top = _ribbon_height(width)
    body = Place(0, top, width, height - top - 1)
    places = {"ribbon": Place(0, 0, width, top), "keys": Place(0, height - 1, width, 1)}
    if view.palette:
        return {**places, "palette": body}
    if view.help:
        return {**places, "help": body}
    stacked = width >= STACKED_FROM[0] and height >= STACKED_FROM[1]
    if view.zoomed or not stacked or view.focus in PAGES:
        return {**places, view.focus: body}
    more = more_windows(view)
    least = {**LEAST, "spread": LEAST["spread"] + more}
    lines = {**WANTED, "legs": max(legs + 3, LEAST["legs"])} | ({} if fed else {"fed": ABSENT})
    lines["spread"] += more
    if width < COLUMNS_FROM:
        order = sorted(SHARED, key=lambda panel: panel != view.focus)
        return {**places, **_stack(body, SHARED, order, lines, least)}
    left = round(width * LEFT_SHARE)
    # Without odds the ratio's chart takes the room that they would need.
    columns = (
        (("legs", "spread", "ratio"), ("fed", "health"))
        if fed
        else (("legs", "spread", "health"), ("ratio", "fed"))
    )
    areas = Place(0, body.y, left, body.height), Place(left, body.y, width - left, body.height)
    for area, panels in zip(areas, columns, strict=True):
        places |= _stack(area, panels, sorted(panels, key=lambda panel: panel != view.focus), lines, least)
    return places


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
    heights[next((panel for panel in TAKES_THE_REST if panel in heights), shown[-1])] += spare
    places, y = {}, area.y
    for panel in shown:
        places[panel] = Place(area.x, y, area.width, heights[panel])
        y += heights[panel]
    return places
