"""Everything on a screen of a given size: the rows of each visible panel. App and SSH share it.

``scene`` is pure. ``PacedScene`` draws a panel as often as a person can read it, and never where nothing of
it has changed: a change after a pause is shown at once, those that follow it wait until they are due, and the
newest is always shown in the end. Panels of one kind are drawn together, so that they show one moment.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from tui.panels.registry import PANELS
from tui.view.ascii import plain_row
from tui.view.draw import fit, framed
from tui.view.layout import SMALLEST, Place, arrange, misfit
from tui.view.marks import shown as without_marks
from tui.view.pairs import PairOnScreen
from tui.view.still import StillScreen
from tui.view.view_state import FILTERED, keyed, scroll_of

if TYPE_CHECKING:
    from rotation.snapshot import Snapshot
    from tui.panels.base import Panel
    from tui.view.draw import Row
    from tui.view.view_state import ViewState

OPENING: Row = (("opening…", "muted"),)
DrawPanel = Callable[[str, "Snapshot | None", "ViewState", int, int], "Drawn"]
WITHOUT_FIGURES = frozenset({"help", "palette"})
"""What needs no Snapshot to be drawn, nor does the footer while one of them is open."""
LEGS = 10
"""Legs assumed for the layout before the first snapshot."""
EVERY_S = {"figures": 0.25, "charts": 1.0}
"""Seconds between two drawings of new data, by kind of panel."""
NOW_S = 1e-6
"""What is due in less is due: a sum of seconds ends just short of itself."""
CHARTS = ("ratio",)
INPUTS: dict[str, tuple[str, ...]] = {
    "ribbon": (
        *("as_of", "breadth", "clauses", "connection", "headline", "health", "legs"),
        *("mode", "phase", "session", "spread"),
    ),
    "legs": ("legs", "lines", "lists", "session"),
    "spread": ("fed", "legs", "lines", "ratio", "session", "spread", "story"),
    "ratio": ("as_of", "ratio", "session", "value_growth"),
    "fed": ("as_of", "fed", "health", "mode"),
    "breadth": ("breadth", "spread", "unasked"),
    "graph": ("graph", "session", "spread"),
    "macro": ("as_of", "legs", "macro", "spread", "unasked", "value_growth"),
    "events": ("alerts", "as_of", "events", "health"),
    "health": ("health", "ratio"),
    "help": ("health", "legs", "pairs", "spread"),
    "explained": ("as_of", "explained"),
    "palette": (),
    "keys": ("health",),
}
"""Panel → what it reads of a Snapshot."""


class Drawn(NamedTuple):
    """What a panel looks like, and how far it could be scrolled."""

    rows: list[Row]
    most: int


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
        drawn = (draw or draw_panel)(name, snapshot, view, place.width, place.height)
        rows[name] = list(map(plain_row, drawn.rows)) if view.ascii else drawn.rows
        if name == on_keys:
            most = drawn.most
    return Scene(places, rows, most)


def places_of(snapshot: Snapshot | None, view: ViewState, width: int, height: int) -> dict[str, Place]:
    """Return the panels that have a place, and where it is."""
    legs, fed = _legs(snapshot, view), _has_fed(snapshot)
    return arrange(width, height, view, legs, fed=fed, is_well=_is_well(snapshot))


def misfit_of(snapshot: Snapshot | None, view: ViewState, width: int, height: int) -> str:
    """Why the viewer's own panels are not shown at this size, in words; empty where they are."""
    return misfit(width, height, view, _legs(snapshot, view), fed=_has_fed(snapshot))


def _legs(snapshot: Snapshot | None, view: ViewState) -> int:
    if snapshot is None:
        return LEGS
    from tui.panels.legs.lists import height_of  # noqa: PLC0415 - panels come after the first paint

    return height_of(snapshot, view)


def _has_fed(snapshot: Snapshot | None) -> bool:
    # Tapes and bare history have no rate-cut odds; what is live will, so nothing moves when they come.
    live = snapshot is None or (not snapshot.mode and bool(snapshot.health.feeds))
    return live or (snapshot is not None and snapshot.fed is not None)


def _is_well(snapshot: Snapshot | None) -> bool:
    if snapshot is None:
        return True  # mostly it will be, and then nothing moves when the first figures come
    from tui.panels.health import is_well  # noqa: PLC0415 - panels come after the first paint

    return is_well(snapshot)


def draw_panel(name: str, snapshot: Snapshot | None, view: ViewState, width: int, height: int) -> Drawn:
    """Return a panel of ``width`` × ``height`` cells, scrolled if the viewer scrolled it."""
    panel = PANELS[name]
    return in_sight(panel, contents_of(panel, snapshot, view, width, height), view, width, height)


def is_focused(panel: Panel, view: ViewState) -> bool:
    """Return whether keys scroll this panel."""
    return panel.id == keyed(view)


def contents_of(
    panel: Panel, snapshot: Snapshot | None, view: ViewState, width: int, height: int
) -> list[Row]:
    """Return all rows inside the border of a panel of this size, those scrolled out of sight too."""
    edge_x, edge_y = (4, 2) if panel.title else (0, 0)
    if snapshot is None and not (
        panel.id in WITHOUT_FIGURES or (panel.id == "keys" and keyed(view) in WITHOUT_FIGURES)
    ):
        return [OPENING]
    return panel.rows(snapshot, view, width - edge_x, height - edge_y)


def in_sight(panel: Panel, rows: list[Row], view: ViewState, width: int, height: int) -> Drawn:
    """Return the part of a panel's contents that is in sight, with the border."""
    room = height - (2 if panel.title else 0)
    focused = is_focused(panel, view)
    most = max(0, len(rows) - room)
    first = min(scroll_of(view, panel.id), most)
    shown = without_marks(rows, view.figure) if view.figure else rows
    shown = shown[first : first + room]
    if not panel.title:
        blank = [()] * (room - len(shown))
        return Drawn([fit(row, width) for row in (*shown, *blank)], most)
    more = _marks(panel, view) + " ↑" * (first > 0) + " ↓" * (first < most)
    return Drawn(framed(shown, panel.title + more, width, height, focused=focused), most)


def _marks(panel: Panel, view: ViewState) -> str:
    """How the panel is sorted and what it is filtered by, for its title."""
    sort = f" by {view.sort} {'▲' if view.is_rising else '▼'}" if panel.id == "legs" and view.sort else ""
    is_filtered = panel.id in FILTERED and is_focused(panel, view)
    wanted = view.filter if is_filtered else ""
    is_typed = view.typing and is_filtered
    return f"{sort} /{wanted}{'▏' if is_typed else ''}" if wanted or is_typed else sort


def _too_small(place: Place) -> list[str]:
    width, height = SMALLEST
    lines = [
        f"Terminal too small: {place.width}×{place.height}.",
        f"Make it {width}×{height} or larger.",
        "Press q to quit.",
    ]
    return [*lines, *[""] * place.height][: place.height]


class _Kept(NamedTuple):
    snapshot: Snapshot | None
    size: tuple[int, int]
    drawn: Drawn


class PacedScene:
    """The scenes of one screen, one after the other."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock``: seconds, never going back."""
        self._clock = clock
        self._pair = PairOnScreen()
        self._still = StillScreen()
        self._key: tuple[ViewState, int, int] | None = None
        self._kept: dict[str, _Kept] = {}
        self._last_s: dict[str, float] = {}
        """By kind, when new data were last drawn."""
        self._now_s = -inf
        self._held_back: set[str] = set()
        self.wait_s: float | None = None
        """Ask for the scene again after so many seconds: something newer waits. None where nothing does."""

    def due_in_s(self) -> float:
        """Return the seconds until news in a Snapshot would be drawn; 0 where it would be at once."""
        if self._key is None or any(kept.snapshot is None for kept in self._kept.values()):
            return 0.0
        now_s = self._clock()
        kinds = {kind_of(name) for name in self._kept}
        wait_s = min((self._last_s.get(kind, -inf) + EVERY_S[kind] - now_s for kind in kinds), default=0.0)
        return wait_s if wait_s > NOW_S else 0.0

    def begin_anew(self) -> None:
        """Draw every panel the next time, due or not: what a viewer has asked for has come."""
        self._key = None

    def scene(self, snapshot: Snapshot | None, view: ViewState, width: int, height: int) -> Scene:
        """Return the screen; a viewer's own choices and a new size are shown at once.

        Rows are shared with the scene before where they are the same, and must not be modified.
        """
        snapshot = self._pair.of(snapshot, view.pair)
        if not view.motion:
            snapshot = self._still.of(snapshot)
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
            kind = kind_of(name)
            kept = self._kept.get(name)
            if kept is not None and kept.size == (width, height):
                if kept.snapshot is not None and snapshot is not None and not due[kind]:
                    if kept.snapshot is not snapshot:
                        self._held_back.add(kind)
                    return kept.drawn
                if is_alike(name, kept.snapshot, snapshot):
                    self._kept[name] = kept._replace(snapshot=snapshot)
                    return kept.drawn
            drawn = draw_panel(name, snapshot, view, width, height)
            self._kept[name] = _Kept(snapshot, (width, height), drawn)
            self._last_s[kind] = self._now_s
            return drawn

        made = scene(snapshot, view, width, height, draw)
        waits = (self._last_s[kind] + EVERY_S[kind] - self._now_s for kind in self._held_back)
        self.wait_s = min(waits, default=None)
        return made


def kind_of(panel: str) -> str:
    """How often a panel is drawn: a key of ``EVERY_S``."""
    return "charts" if panel in CHARTS else "figures"


def is_alike(panel: str, before: Snapshot | None, now: Snapshot | None) -> bool:
    """Whether two snapshots have the same of all that a panel reads."""
    if before is now:
        return True
    if before is None or now is None:
        return False
    pairs = ((getattr(before, name), getattr(now, name)) for name in INPUTS[panel])
    return all(was is current or was == current for was, current in pairs)
