"""Everything on a screen of a given size: the rows of each visible panel. Pure; app and SSH share it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from tui.panels.legs import height_of
from tui.panels.registry import PANELS
from tui.view.ascii import plain_row
from tui.view.draw import fit
from tui.view.layout import SMALLEST, Place, arrange
from tui.view.view_state import keyed

if TYPE_CHECKING:
    from rotation.snapshot import Snapshot
    from tui.panels.base import Drawn
    from tui.view.draw import Row
    from tui.view.view_state import ViewState

DrawPanel = Callable[[str, "Snapshot | None", "ViewState", int, int], "Drawn"]
LEGS = 10
"""Legs assumed for the layout before the first snapshot."""


class Scene(NamedTuple):
    """The panels that have a place, and the rows that each shows."""

    places: dict[str, Place]
    rows: dict[str, list[Row]]
    """By panel, as many rows as the place is high, each exactly as wide."""
    most: int | None
    """Lines by which the focused panel can be scrolled; None if it has no place."""


def scene(
    snapshot: Snapshot | None, view: ViewState, width: int, height: int, draw: DrawPanel | None = None
) -> Scene:
    """Return the screen of ``width`` × ``height`` cells; ``snapshot`` None while the desk is loading.

    ``draw`` draws a panel by its name; None draws each anew.
    """
    places = places_of(snapshot, view, width, height)
    on_keys = keyed(view)
    rows: dict[str, list[Row]] = {}
    most = None
    for name, place in places.items():
        if name == "message":
            message = [fit(((line, "text"),), place.width) for line in _too_small(place)]
            rows[name] = list(map(plain_row, message)) if view.ascii else message
            continue
        drawn = (draw or _draw)(name, snapshot, view, place.width, place.height)
        rows[name] = list(map(plain_row, drawn.rows)) if view.ascii else drawn.rows
        if name == on_keys:
            most = drawn.most
    return Scene(places, rows, most)


def places_of(snapshot: Snapshot | None, view: ViewState, width: int, height: int) -> dict[str, Place]:
    """Return the panels that have a place, and where it is."""
    # Tapes and bare history have no rate-cut odds; what is live will, so nothing moves when they come.
    live = snapshot is None or (not snapshot.mode and bool(snapshot.health.feeds))
    fed = live or (snapshot is not None and snapshot.fed is not None)
    return arrange(width, height, view, height_of(snapshot, view) if snapshot else LEGS, fed=fed)


def _draw(name: str, snapshot: Snapshot | None, view: ViewState, width: int, height: int) -> Drawn:
    return PANELS[name].draw(snapshot, view, width, height)


def _too_small(place: Place) -> list[str]:
    width, height = SMALLEST
    lines = [
        f"Terminal too small: {place.width}×{place.height}.",
        f"Make it {width}×{height} or larger.",
        "Press q to quit.",
    ]
    return [*lines, *[""] * place.height][: place.height]
