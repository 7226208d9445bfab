"""How often a panel is drawn: as often as a person can read, and never where nothing of it has changed.

A change after a pause is shown at once. Those that follow it wait until they are due, and the newest is
always shown in the end. Panels of one kind are drawn together, so that they show one moment.
"""

from __future__ import annotations

import time
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from tui.panels.registry import PANELS
from tui.screen.scene import Scene, scene

if TYPE_CHECKING:
    from collections.abc import Callable

    from rotation.snapshot import Snapshot
    from tui.panels.base import Drawn
    from tui.view.view_state import ViewState

EVERY_S = {"figures": 0.25, "charts": 1.0}
"""Seconds between two drawings of new data, by kind of panel."""
NOW_S = 1e-6
"""What is due in less is due: a sum of seconds ends just short of itself."""
CHARTS = ("ratio",)
INPUTS: dict[str, tuple[str, ...]] = {
    "ribbon": (
        *("as_of", "breadth", "connection", "headline", "health", "legs"),
        *("mode", "phase", "session", "spread"),
    ),
    "legs": ("legs",),
    "spread": ("legs", "ratio", "spread", "story"),
    "ratio": ("ratio", "value_growth"),
    "fed": ("as_of", "fed", "health", "mode"),
    "breadth": ("breadth", "spread"),
    "graph": ("graph", "spread"),
    "macro": ("as_of", "legs", "macro", "spread", "value_growth"),
    "events": ("alerts", "as_of", "events", "health"),
    "health": ("health",),
    "help": ("health",),
    "keys": ("health",),
}
"""Panel → what it reads of a Snapshot."""


class _Kept(NamedTuple):
    snapshot: Snapshot | None
    size: tuple[int, int]
    drawn: Drawn


class PacedScene:
    """The scenes of one screen, one after the other."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock``: seconds, never going back."""
        self._clock = clock
        self._key: tuple[ViewState, int, int] | None = None
        self._kept: dict[str, _Kept] = {}
        self._last_s: dict[str, float] = {}
        """By kind, when new data were last drawn."""
        self._now_s = -inf
        self._held_back: set[str] = set()
        self.wait_s: float | None = None
        """Ask for the scene again after so many seconds: something newer waits. None where nothing does."""

    def scene(self, snapshot: Snapshot | None, view: ViewState, width: int, height: int) -> Scene:
        """Return the screen; a viewer's own choices and a new size are shown at once.

        Rows are shared with the scene before where they are the same, and must not be modified.
        """
        if self._key != (view, width, height):
            self._key = (view, width, height)
            self._kept.clear()
        self._now_s = self._clock()
        self._held_back.clear()
        due = {
            kind: self._last_s.get(kind, -inf) + every - self._now_s <= NOW_S
            for kind, every in EVERY_S.items()
        }

        def draw(name: str, snapshot: Snapshot | None, view: ViewState, width: int, height: int) -> Drawn:
            kind = "charts" if name in CHARTS else "figures"
            kept = self._kept.get(name)
            if kept is not None and kept.size == (width, height):
                if kept.snapshot is not None and snapshot is not None and not due[kind]:
                    if kept.snapshot is not snapshot:
                        self._held_back.add(kind)
                    return kept.drawn
                if is_alike(name, kept.snapshot, snapshot):
                    self._kept[name] = kept._replace(snapshot=snapshot)
                    return kept.drawn
            drawn = PANELS[name].draw(snapshot, view, width, height)
            self._kept[name] = _Kept(snapshot, (width, height), drawn)
            self._last_s[kind] = self._now_s
            return drawn

        made = scene(snapshot, view, width, height, draw)
        waits = (self._last_s[kind] + EVERY_S[kind] - self._now_s for kind in self._held_back)
        self.wait_s = min(waits, default=None)
        return made


def is_alike(panel: str, before: Snapshot | None, now: Snapshot | None) -> bool:
    """Whether two snapshots have the same of all that a panel reads."""
    if before is now:
        return True
    if before is None or now is None:
        return False
    pairs = ((getattr(before, name), getattr(now, name)) for name in INPUTS[panel])
    return all(was is current or was == current for was, current in pairs)
