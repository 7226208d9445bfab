"""Where every panel stands, from the size of the terminal and what the viewer chose. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tui.view_state import ViewState

SMALLEST = (40, 10)
COLUMNS_FROM = 100
STACKED_FROM = (80, 24)
TALL_RIBBON_FROM = 76
LEFT_SHARE = 0.58

LEAST = {"legs": 8, "spread": 8, "ratio": 8, "health": 6}
"""Lines below which a panel says too little, border included."""
WANTED = {"spread": 12, "ratio": 22, "health": 11}
"""Lines beyond which a panel gains nothing (the ratio takes any); legs want a line each."""


class Place(NamedTuple):
    """A rectangle of the screen, in cells."""

    x: int
    y: int
    width: int
    height: int


def arrange(width: int, height: int, view: ViewState, legs: int = 10) -> dict[str, Place]:
    """Panel id → place; panels without room are left out. Too small a terminal gets ``message`` alone.

    ``legs``: how many the snapshot has.
    """
    if width < SMALLEST[0] or height < SMALLEST[1]:
        return {"message": Place(0, 0, width, height)}
    top = _ribbon_height(width)
    body = Place(0, top, width, height - top - 1)
    places = {"ribbon": Place(0, 0, width, top), "keys": Place(0, height - 1, width, 1)}
    if view.help:
        return {**places, "help": body}
    stacked = width >= STACKED_FROM[0] and height >= STACKED_FROM[1]
    if view.zoomed or not stacked:
        return {**places, view.focus: body}
    if width < COLUMNS_FROM:
        return {**places, **_stack(body, ["legs", "spread", "ratio", "health"], view.focus, legs)}
    left = round(width * LEFT_SHARE)
    return {
        **places,
        **_stack(Place(0, body.y, left, body.height), ["legs", "spread", "health"], view.focus, legs),
        "ratio": Place(left, body.y, width - left, body.height),
    }


def _ribbon_height(width: int) -> int:
    """The status line and the lines that the sentence needs."""
    return 3 if width >= 2 * TALL_RIBBON_FROM or width < TALL_RIBBON_FROM else 4


def _stack(area: Place, panels: list[str], focus: str, legs: int) -> dict[str, Place]:
    """As many panels as fit from the top, the focused one always among them."""
    shown: list[str] = []
    for panel in sorted(panels, key=lambda p: p != focus):
        if sum(LEAST[p] for p in shown) + LEAST[panel] <= area.height:
            shown.append(panel)
    shown.sort(key=panels.index)
    wanted = {**WANTED, "legs": max(legs + 3, LEAST["legs"])}
    heights = {panel: LEAST[panel] for panel in shown}
    spare = area.height - sum(heights.values())
    for panel in sorted(shown, key=lambda p: p == "ratio"):
        more = min(spare, wanted[panel] - heights[panel])
        heights[panel] += more
        spare -= more
    # What nobody needs goes to the panel that can use it best.
    heights["ratio" if "ratio" in heights else shown[-1]] += spare
    places, y = {}, area.y
    for panel in shown:
        places[panel] = Place(area.x, y, area.width, heights[panel])
        y += heights[panel]
    return places
