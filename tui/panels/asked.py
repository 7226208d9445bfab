"""What a panel asks a desk for, and what stands in its place until it comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rotation.context.wants import NOTHING, Part, Want, pair_wanted, wants
from tui.view.view_state import FIRST, line_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rotation.context.wants import Wants
    from rotation.snapshot import Snapshot
    from tui.view.draw import Row
    from tui.view.view_state import ViewState

HEADLINE: Wants = wants(Part.BREADTH, Part.CLAUSES)
"""What the sentence and its clauses say."""
WANTS: dict[str, Wants] = {
    "ribbon": HEADLINE,
    "breadth": wants(Part.BREADTH, Part.SECTORS, Part.MOVERS),
    "graph": wants(Part.GRAPH),
    "macro": wants(Part.MACRO),
}
"""Panel → the parts of a Snapshot that it shows whatever the view; a panel that is not here shows none."""
COMPUTING = "computing {}…"
PAUSED = "paused: {} shown once the screen resumes"


def wants_of(view: ViewState, panels: Iterable[str]) -> Wants:
    """Return what these panels of this view show that a desk makes only while somebody looks.

    While a sheet explains a figure, the panel that it covers stays ready for whoever goes back.
    """
    shown = frozenset(panels)
    if "explained" in shown:
        shown |= {view.focus}
    asked = NOTHING.union(*(WANTS.get(panel, NOTHING) for panel in shown))
    if "explained" in shown and view.figure not in ("", FIRST):
        asked |= {Want(Part.FIGURE, view.figure)}
    if "spread" in shown and view.zoomed and view.focus == "spread":
        asked |= {Want(Part.STORY, view.pair), Want(Part.LINE, line_of(view))}
    if "legs" in shown and view.zoomed and view.focus == "legs":
        asked |= wants(Part.LEGS)
    return asked | {pair_wanted(view.pair)} if view.pair else asked


def not_yet(snapshot: Snapshot, view: ViewState, part: Part, what: str, are: str = "is") -> list[Row]:
    """Return a line in the place of a part that this Snapshot was made without; none where it is there."""
    if part not in snapshot.unasked:
        return []
    return [((PAUSED.format(f"{what} {are}") if view.paused else COMPUTING.format(what), "muted"),)]
