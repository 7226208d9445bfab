"""Keys that need to know what stands where on this screen: those that choose a figure or move a crosshair."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from tui.panels import crosshair
from tui.panels.registry import PANELS
from tui.screen.scene import contents_of, places_of
from tui.view import palette
from tui.view.chart.crosshair import lines_of
from tui.view.marks import Spot, moved, spots
from tui.view.pairs import of_pair
from tui.view.view_state import FIRST, act, closed_figure, with_message

if TYPE_CHECKING:
    from rotation.snapshot import Snapshot
    from tui.view.view_state import ViewState

    Size = tuple[int, int]

STEPS = frozenset({"up", "down", "half-up", "half-down", "top", "bottom"})
"""Actions that move the cursor."""
ACROSS = {"left": "left", "h": "left", "right": "right", "l": "right"}
"""Keys that do, whatever else they are bound to."""
NONE = "no figures in this panel"
POINTS = {"left": "point-back", "right": "point-on"}
"""Keys that move the crosshair of a zoomed chart, whatever else they are bound to."""
KEPT = 16
"""Panels of one snapshot whose figures are remembered: keys may come by the thousand."""


def takes(view: ViewState, key: str) -> bool:
    """Whether the key moves the cursor or the crosshair, whatever else it is bound to."""
    return bool(_step(view, key) or _point_step(view, key))


def _point_step(view: ViewState, key: str) -> str:
    """The id of the action that the key is in a zoomed chart; empty elsewhere."""
    return POINTS.get(key, "") if view.has_chart and not view.typing else ""


def _step(view: ViewState, key: str) -> str:
    """Where the key moves the cursor; empty where it does not, or there is none."""
    if not _is_choosing(view):
        return ""
    action = view.keys.action_of(key)
    return action.id if action is not None and action.id in STEPS else ACROSS.get(key, "")


def _is_choosing(view: ViewState) -> bool:
    """Whether the cursor is on screen, and keys move it."""
    return bool(view.figure) and not (view.explains or view.typing or view.help or view.palette)


def _over_window(figure: str, before: ViewState, view: ViewState) -> str:
    """The id of the same figure over the window that is chosen now: iwm.since.60 for iwm.since.20."""
    was, now = str(before.window), str(view.window)
    return ".".join(now if part == was else part for part in figure.split("."))


class Picker:
    """The cursor among the figures of one viewer's panels."""

    def __init__(self) -> None:
        self._snapshot: Snapshot | None = None
        self._places: dict[tuple[ViewState, Size], tuple[list[Spot], int]] = {}

    def pressed(self, view: ViewState, key: str, snapshot: Snapshot | None, size: Size) -> ViewState:
        """The view after a key, as ``palette.pressed`` has it; cursor and crosshair are where they belong.

        ``snapshot``: what is shown, of whichever pair; None while the desk is loading.
        """
        if step := _step(view, key):
            return self._at(
                view, moved(self._spots(snapshot, view, size)[0], view.figure, step), snapshot, size
            )
        action = view.keys.action_of(key)
        if key == "enter" and action is not None and action.id == "zoom":
            here = self._among(view, view, snapshot, size)
            if here is not view:  # What the cursor was on is gone: nothing is explained that is not in sight.
                return here
        own = _point_step(view, key)
        after = act(with_message(view, ""), own) if own else palette.pressed(view, key)
        if after.step:
            return self._crossed(after, snapshot, size)
        if after.figure == FIRST:
            return self._begun(after, snapshot, size)
        return self._among(view, after, snapshot, size)

    def _crossed(self, view: ViewState, snapshot: Snapshot | None, size: Size) -> ViewState:
        """The view after a step of the crosshair, with the chart and what is under it in sight."""
        shown = snapshot and of_pair(snapshot, view.pair)
        after = crosshair.moved(view, shown)
        place = places_of(shown, after, *size).get(after.focus)
        if shown is None or place is None or not after.crosshair:
            return after
        lines = lines_of(contents_of(PANELS[after.focus], shown, after, place.width, place.height))
        if lines is None:
            return after
        (first, last), room = lines, max(place.height - 2, 1)
        scroll = max(after.scroll, last - room + 1)
        return replace(after, scroll=min(scroll, first))

    def _among(self, before: ViewState, view: ViewState, snapshot: Snapshot | None, size: Size) -> ViewState:
        """The view with the cursor on a figure of the panel; the same object where it is on one.

        Of a figure that has gone that of the window chosen now, else the first in sight.
        """
        if not _is_choosing(view) or view.figure == FIRST or snapshot is None:
            return view
        places, _ = self._spots(snapshot, view, size)
        ids = {spot.figure: spot for spot in reversed(places)}
        if view.figure in ids:
            return view
        same = ids.get(_over_window(view.figure, before, view))
        return self._begun(view, snapshot, size) if same is None else self._at(view, same, snapshot, size)

    def clicked(
        self, view: ViewState, at: tuple[int, int], snapshot: Snapshot | None, size: Size
    ) -> ViewState:
        """The view after a click on the panel in focus: a figure there is explained.

        ``at``: column and line, the panel's corner being (0, 0).
        """
        if view.typing or view.help or view.palette or view.explains:
            return view
        x, y = at[0] - 2, at[1] - 1 + view.scroll
        choosing = replace(view, figure=view.figure or FIRST)
        hits = (
            spot
            for spot in self._spots(snapshot, choosing, size)[0]
            if spot.row == y and spot.start <= x < spot.end
        )
        spot = next(hits, None)
        return view if spot is None else palette.pressed(replace(choosing, figure=spot.figure), "enter")

    def _begun(self, view: ViewState, snapshot: Snapshot | None, size: Size) -> ViewState:
        """The cursor on the first figure in sight."""
        places, _ = self._spots(snapshot, view, size)
        if not places:
            return with_message(closed_figure(view), NONE)
        in_sight = (spot for spot in places if spot.row >= view.scroll)
        return self._at(view, next(in_sight, places[0]), snapshot, size)

    def _at(self, view: ViewState, spot: Spot | None, snapshot: Snapshot | None, size: Size) -> ViewState:
        """The cursor there, and its line in sight."""
        places, room = self._spots(snapshot, view, size)
        if spot is None:
            return view
        scroll = view.scroll
        if spot.row < scroll:
            scroll = 0 if spot == places[0] else spot.row
        elif spot.row >= scroll + room:
            scroll = spot.row - room + 1
        return replace(view, figure=spot.figure, scroll=scroll)

    def _spots(self, snapshot: Snapshot | None, view: ViewState, size: Size) -> tuple[list[Spot], int]:
        """The figures of the panel in focus, and its lines; rows count from the first inside the border."""
        if snapshot is None:
            return [], 1
        if snapshot is not self._snapshot or len(self._places) >= KEPT:
            self._snapshot = snapshot
            self._places.clear()
        alike = replace(
            view,
            figure=FIRST,
            explains=False,
            scroll=0,
            scroll_below=0,
            beside=(),
            message="",
            is_urgent=False,
        )
        known = self._places.get((alike, size))
        if known is None:
            shown = of_pair(snapshot, view.pair)
            place = places_of(shown, alike, *size).get(view.focus)
            if place is None:
                return [], 1
            rows = contents_of(PANELS[view.focus], shown, alike, place.width, place.height)
            known = self._places[alike, size] = spots(rows), max(place.height - 2, 1)
        return known
