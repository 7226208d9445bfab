"""The crosshair of zoomed charts: which point is under it, and where a key moves it. Pure."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from msgspec.structs import replace

from tui.view.chart.crosshair import place_of
from tui.view.view_state import with_message

if TYPE_CHECKING:
    from rotation.snapshot import Snapshot
    from tui.view.view_state import ViewState

MODULES = {
    "ratio": "tui.panels.ratio.points",
    "spread": "tui.panels.spread.years",
    "fed": "tui.panels.fed.history",
}
"""Panel → the module whose ``moments`` are those of its points, in ISO 8601, the oldest first."""
NO_CHART = "the crosshair is for a zoomed chart: ratio, spread or Fed"
NO_POINTS = "no points in this chart yet"


def moved(view: ViewState, snapshot: Snapshot | None) -> ViewState:
    """The view after a step of its crosshair, which begins at the newest point; ``step`` is taken.

    ``snapshot``: of the pair shown; None while the desk is loading.
    """
    step, view = view.step, replace(view, step=0)
    if not view.has_chart:
        return with_message(view, NO_CHART)
    moments: list[str] = []
    if snapshot is not None:
        moments = import_module(MODULES[view.focus]).moments(snapshot, view)
    if not moments:
        return with_message(view, NO_POINTS)
    if not view.crosshair:
        return replace(view, crosshair=moments[-1])
    at = place_of(moments, view.crosshair) + step
    return replace(view, crosshair=moments[min(max(at, 0), len(moments) - 1)])
