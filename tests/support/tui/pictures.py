"""The README's pictures, of the built-in demo: ``python -m tests.support.tui.pictures`` writes them anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from feeds.clock import wall_ns
from feeds.desk.opened import desk_legs, snapshots, sources
from tests.support.paths import ROOT
from tui.screen.picture import svg
from tui.view.theme import DEFAULT, names
from tui.view.view_state import ViewState

if TYPE_CHECKING:
    from rotation.snapshot import Snapshot

VIEW = ViewState(theme=DEFAULT, themes=names())
VIEWS = {"desk": VIEW, "fed": msgspec.structs.replace(VIEW, focus="fed", zoomed=True)}
"""Name of the file → what its viewer chose."""


def demo() -> Snapshot:
    """The demo at 10:40 of 16 July 2024, as ``snapshot --demo`` prints it."""
    made = sources.demo()
    desk = desk_legs.desk_for(made.history, ("IWM", "QQQ"), "price")
    return snapshots.snapshot_at(made, desk, at=None, now_ns=wall_ns())


def pictures() -> dict[str, str]:
    """Return the SVG of each file."""
    snapshot = demo()
    return {name: svg(snapshot, view) + "\n" for name, view in VIEWS.items()}


if __name__ == "__main__":
    for name, picture in pictures().items():
        (ROOT / "docs" / f"{name}.svg").write_text(picture, "utf-8")
