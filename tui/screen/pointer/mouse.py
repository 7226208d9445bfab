"""A click on the footer and the wheel over a panel, given what is on screen. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.panels import keys
from tui.panels.registry import PANELS
from tui.screen.scene import contents_of, places_of
from tui.view.pairs import of_pair
from tui.view.view_state import keyed, wheeled

if TYPE_CHECKING:
    from rotation.snapshot import Snapshot
    from tui.view.view_state import ViewState

LINES = 1
"""By which one notch of the wheel moves a panel."""


def key_at(snapshot: Snapshot | None, view: ViewState, width: int, x: int) -> str:
    """The name of the key that the footer shows in this column; empty where none stands there."""
    return keys.clicked(snapshot and of_pair(snapshot, view.pair), view, width, x)


def rolled(
    view: ViewState, panel: str, step: int, snapshot: Snapshot | None, size: tuple[int, int]
) -> ViewState:
    """The view after a notch of the wheel over a panel; the same object where nothing moves.

    ``panel``: as named on screen, "" for none. Focus and cursor stay where they are.
    """
    known = PANELS.get(panel)
    if view.typing or known is None or not known.title:
        return view
    if panel == keyed(view):
        return wheeled(view, panel, step, 0)
    shown = snapshot and of_pair(snapshot, view.pair)
    place = places_of(shown, view, *size).get(panel)
    if place is None:
        return view
    lines = len(contents_of(known, shown, view, place.width, place.height))
    return wheeled(view, panel, step, max(lines - (place.height - 2), 0))
