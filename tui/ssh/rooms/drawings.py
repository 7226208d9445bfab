"""Panels of the newest snapshot, each drawn once for all rooms that show it alike.

A room's view has more in it than any of its panels reads: viewers who differ in their focus, or in the size
of their terminals, still share most panels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.panels.registry import PANELS, load_panels
from tui.screen.scene import contents_of, in_sight, is_focused, scene
from tui.view.pairs import PairOnScreen, of_pair
from tui.view.view_state import scroll_of

if TYPE_CHECKING:
    from rotation.snapshot import Snapshot
    from tui.screen.scene import Drawn, Scene
    from tui.view.draw import Row
    from tui.view.view_state import ViewState

READS: dict[str, tuple[str, ...]] = {
    "ribbon": ("motion", "paused", "window"),
    "legs": (
        *("filter", "focus", "help", "is_rising", "list", "marked", "order", "palette", "paused", "returns"),
        *("sort", "typing", "window", "windows", "zoomed"),
    ),
    "spread": (
        *("crosshair_shown", "focus", "marked", "pair", "pair_options", "paused", "window", "windows"),
        "zoomed",
    ),
    "ratio": ("chart", "crosshair_shown", "marked", "pair", "whole"),
    "fed": ("crosshair_shown", "focus", "marked", "zoomed"),
    "health": (),
    "breadth": ("marked", "paused"),
    "graph": ("chart", "marked", "paused", "trail"),
    "macro": ("marked", "pair", "paused", "releases", "windows"),
    "events": ("filter", "focus", "help", "palette", "typing"),
    "help": ("ascii", "filter", "focus", "help", "keys", "palette", "scopes", "typing"),
    "explained": ("figure", "motion", "paused"),
    "palette": (
        *("ascii", "choice", "filter", "keys", "lists", "pair_options", "pairs", "scopes", "themes"),
        "windows",
    ),
    "keys": (
        *("ascii", "enters", "explains", "figure", "has_chart", "help", "is_urgent", "keys", "list", "lists"),
        *("message", "pair", "pairs", "palette", "typing", "window"),
    ),
}
"""Panel → what its contents depend on in a ViewState."""
PANELS_MAX = 1_024
"""Panels kept of one snapshot, as for SCENES_MAX."""


class Drawings:
    """The panels of one snapshot after the other."""

    def __init__(self) -> None:
        load_panels()  # else the first viewer would wait for their modules, and all others with them
        self._snapshot: Snapshot | None = None
        self._pair = PairOnScreen()
        self._contents: dict[tuple[object, ...], list[Row]] = {}
        self._drawn: dict[tuple[object, ...], Drawn] = {}

    def take(self, snapshot: Snapshot) -> None:
        """Draw this snapshot from now on."""
        self._snapshot = snapshot
        self._contents.clear()
        self._drawn.clear()

    def scene(self, snapshot: Snapshot | None, view: ViewState, width: int, height: int) -> Scene:
        """Return the screen of a view; the rows are shared and must not be modified."""
        if snapshot is None or snapshot is not self._snapshot:
            # A paused view: its own moment, for itself alone.
            return scene(snapshot and of_pair(snapshot, view.pair), view, width, height)
        return scene(self._pair.of(snapshot, view.pair), view, width, height, self._draw)

    def _draw(self, name: str, snapshot: Snapshot | None, view: ViewState, width: int, height: int) -> Drawn:
        panel = PANELS[name]
        key = (name, width, height, view.pair, *(getattr(view, field) for field in READS[name]))
        focused = is_focused(panel, view)
        whole_key = (*key, focused, scroll_of(view, name), view.figure if view.marked == name else "")
        drawn = self._drawn.get(whole_key)
        if drawn is None:
            if len(self._drawn) >= PANELS_MAX:
                self._drawn.clear()
                self._contents.clear()
            contents = self._contents.get(key)
            if contents is None:
                contents = self._contents[key] = contents_of(panel, snapshot, view, width, height)
            drawn = self._drawn[whole_key] = in_sight(panel, contents, view, width, height)
        return drawn
