"""Ratio: base / against as a line, over the past year and today; value against growth below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rotation.desk import pair_prefix
from tui.panels.ratio.charts import CURRENT, daily, drawn, today
from tui.panels.ratio.points import DAILY, TODAY, at_of
from tui.panels.ratio.records import records, value_growth
from tui.view.marks import marker

if TYPE_CHECKING:
    from rotation.snapshot import Snapshot
    from tui.view.draw import Row
    from tui.view.view_state import ViewState

BOTH_FROM = 12
"""Lines that two charts need."""


def rows(snapshot: Snapshot, view: ViewState, width: int, height: int) -> list[Row]:
    """One or two charts filling the height, with the value-growth lines where there is room."""
    mark, ratio = marker(view, "ratio"), snapshot.ratio
    at = at_of(snapshot, view) if view.crosshair_shown else None
    foot = value_growth(snapshot.value_growth, width, mark) if height >= BOTH_FROM else []
    if view.whole == "ratio" and ratio.daily and (at is None or height >= BOTH_FROM):
        foot = [*records(ratio, width), *foot]
    room = height - len(foot)
    role = mark(CURRENT, f"{pair_prefix(view.pair)}ratio")
    shown = [DAILY] if view.chart == "daily" else [TODAY] if view.chart == "today" else [DAILY, TODAY]
    if len(shown) == 2 and room < BOTH_FROM:
        shown = [at.chart] if at is not None else [TODAY if ratio.intraday else DAILY]
    lines: list[Row] = []
    for n, name in enumerate(shown):
        share = room // len(shown) + (room % len(shown) if n == 0 else 0)
        chart = daily(snapshot, role) if name == DAILY else today(snapshot, None if len(shown) > 1 else role)
        here = at if at is not None and at.chart == name else None
        lines += drawn(chart, width, share, here)
    return lines + foot
