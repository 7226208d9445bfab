"""The panels of the desk by their ids."""

from __future__ import annotations

from tui.panels import (
    events,
    explained,
    graph,
    health,
    help,  # noqa: A004 - our module, not site's
    keys,
    legs,
    macro,
    palette,
    ratio,
    ribbon,
)
from tui.panels.base import Panel
from tui.panels.breadth import panel as breadth
from tui.panels.fed import panel as fed
from tui.panels.spread import panel as spread

PANELS = {
    panel.id: panel
    for panel in (
        Panel("ribbon", ribbon.rows),
        Panel("legs", legs.rows, "1 Legs"),
        Panel("spread", spread.rows, "2 Spread"),
        Panel("ratio", ratio.rows, "3 Ratio"),
        Panel("fed", fed.rows, "4 Fed"),
        Panel("health", health.rows, "5 Health"),
        Panel("breadth", breadth.rows, "6 Breadth"),
        Panel("events", events.rows, "7 Events"),
        Panel("graph", graph.rows, "8 Graph"),
        Panel("macro", macro.rows, "9 Macro"),
        Panel("help", help.rows, "? Help"),
        Panel("explained", explained.rows, "What a figure rests on"),
        Panel("palette", palette.rows, ": Commands"),
        Panel("keys", keys.rows),
    )
}
