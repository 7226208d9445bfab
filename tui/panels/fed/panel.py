"""Fed: what futures and prediction markets give the next rate decision, and the ones after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.panels.fed import history as fed_history
from tui.panels.fed import zoom as fed_zoom
from tui.panels.fed.figures import (
    ENGINES,
    MEETINGS,
    Engine,
    contracts,
    details,
    leading,
    mark_engines,
    mark_meetings,
    stop,
)
from tui.panels.fed.next import top
from tui.view.draw import Row, clean, wrap
from tui.view.marks import marker
from tui.view.table import lines

if TYPE_CHECKING:
    from rotation.fed.figures import Fed
    from rotation.snapshot import Snapshot
    from tui.view.marks import Mark
    from tui.view.view_state import ViewState

LEAST_MEETINGS = 3
CHART = 5
"""Lines from which the history has an axis; below, it is one line."""
TALL_CHART = 9
TWO_LINES_FROM = 26
"""Lines of a panel in which the contracts' ages may take two."""


def rows(snapshot: Snapshot, view: ViewState, width: int, height: int) -> list[Row]:
    """The panel; the whole tree and the strip while it is zoomed."""
    fed = snapshot.fed
    if fed is None:
        return [((line, "muted"),) for line in wrap(_absent(snapshot), width, 3)]
    mark = marker(view, "fed")
    if view.zoomed and view.focus == "fed":
        return fed_zoom.rows(fed, snapshot.as_of, width, mark, view.crosshair_shown, height)
    first = top(fed, snapshot.as_of, width, height, mark)
    engines = lines(leading(ENGINES, fed), fed.engines.items(), width, mark_engines(mark))
    ages = contracts(fed, width, 2 if height >= TWO_LINES_FROM else 1)
    room = height - len(first) - len(engines) - len(ages) - 1
    table = _meetings(fed, width, room, mark)
    spare = max(room - len(table), 0)
    chart = 1
    if spare >= CHART - 1:
        chart, spare = CHART, spare - CHART + 1
    notes = [line for engine in fed.engines.items() for line in _details(engine, width)]
    if len(notes) <= spare:
        engines, spare = [*engines, *notes], spare - len(notes)
    gaps = min(spare, 3)
    if chart > 1:
        chart = min(chart + spare - gaps, TALL_CHART)
    blank: list[list[Row]] = [[()] * (i < gaps) for i in range(3)]
    history = fed_history.chart(fed.history, width, chart)
    return [*first, *blank[2], *history, *blank[0], *table, *blank[1], *engines, *ages]


def _absent(snapshot: Snapshot) -> str:
    if snapshot.mode:
        return "no Fed data on this tape"
    return "waiting for Fed data" if snapshot.health.feeds else "no Fed data: settled history only"


def _meetings(fed: Fed, width: int, room: int, mark: Mark) -> list[Row]:
    """A line per solved meeting as room allows, then from where on there are no odds."""
    solved = [meeting for meeting in fed.meetings if meeting.state != "unsolved"]
    most = max(room - 1 - bool(fed.stopped_at), LEAST_MEETINGS)
    if len(solved) > most and not fed.stopped_at:
        most -= 1
    kept = solved[:most]
    table = lines(leading(MEETINGS, fed), kept, width, mark_meetings(mark, fed)) if kept else []
    hidden = len(solved) - len(kept)
    more = ((f"+ {hidden} more: z  ", "accent"),) if hidden else ()
    left = width - sum(len(text) for text, _ in more)
    return [*table, *([(*more, *stop(fed, left))] if more or fed.stopped_at else [])]


def _details(engine: Engine, width: int) -> list[Row]:
    text = details(engine)
    return [((f"  {line}", "faint"),) for line in wrap(clean(text), max(width - 2, 1), 2)] if text else []
