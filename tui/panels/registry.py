"""The panels of the desk by their ids. What draws one is imported with the first Snapshot, not before."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from tui.panels.base import Panel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rotation.snapshot import Snapshot
    from tui.panels.base import RowsOf
    from tui.view.draw import Row
    from tui.view.view_state import ViewState

MODULES = {
    "ribbon": "tui.panels.ribbon",
    "legs": "tui.panels.legs.panel",
    "spread": "tui.panels.spread.panel",
    "ratio": "tui.panels.ratio.panel",
    "fed": "tui.panels.fed.panel",
    "health": "tui.panels.health",
    "breadth": "tui.panels.breadth.panel",
    "events": "tui.panels.events",
    "graph": "tui.panels.graph",
    "macro": "tui.panels.macro",
    "help": "tui.panels.help",
    "explained": "tui.panels.explained",
    "palette": "tui.panels.palette",
    "keys": "tui.panels.keys",
}
"""Panel → the module whose ``rows`` draw it."""
TITLES = {
    "legs": "1 Legs",
    "spread": "2 Spread",
    "ratio": "3 Ratio",
    "fed": "4 Fed",
    "health": "5 Health",
    "breadth": "6 Breadth",
    "events": "7 Events",
    "graph": "8 Graph",
    "macro": "9 Macro",
    "help": "? Help",
    "explained": "What a figure rests on",
    "palette": ": Commands",
}


def _rows_of(module: str) -> RowsOf:
    def rows(snapshot: Snapshot | None, view: ViewState, width: int, height: int) -> list[Row]:
        drawn: list[Row] = import_module(module).rows(snapshot, view, width, height)
        return drawn

    return rows


PANELS = {name: Panel(name, _rows_of(module), TITLES.get(name, "")) for name, module in MODULES.items()}


def load_panels(names: Iterable[str] = MODULES) -> None:
    """Import what these panels are drawn with, so that drawing need not; blocking. Others are passed over."""
    for name in names:
        if name in MODULES:
            import_module(MODULES[name])
