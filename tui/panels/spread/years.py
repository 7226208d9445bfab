"""The zoom of the spread: its line over the years, beside the ten widest readings and what followed them."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

from rotation.text import day
from tui.panels.base import Point, about, reading, worth_of
from tui.view.chart.axis import date_axis
from tui.view.chart.cells import across, cell_of
from tui.view.chart.cells import line as line_cells
from tui.view.chart.crosshair import cross, place_of
from tui.view.draw import Row, change, column, fit, flowed, toned, wrap
from tui.view.plane import joined
from tui.view.view_state import line_of

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Sequence

    from rotation.context.figures import Episode, HistoryLine
    from rotation.snapshot import Snapshot
    from tui.view.view_state import ViewState

BESIDE_FROM = 104
"""Cells from which line and list stand side by side."""
LIST = 48
GAP = 3
AXIS = 8
"""Cells for the labels left of the line."""
PLOT, PLOT_NARROW = 10, 6
"""Lines of the line itself."""
DATE, VALUE = 13, 8
"""Cells of the list's columns."""
COMPUTING = "reading the spread's past…"
PAUSED = "paused: the spread's past is shown once the screen resumes"
NO_PAST = "no settled value of this spread is known"
NOW, WIDEST = "●", "○"


def rows(snapshot: Snapshot, view: ViewState, width: int, height: int) -> list[Row]:
    """Line and list; one below the other where there is no room.

    ``height``: of the panel, into which a chart with a crosshair fits.
    """
    line = snapshot.lines.get(line_of(view))
    if line is None or str(view.window) not in snapshot.spread.windows:
        return [((PAUSED if view.paused else COMPUTING, "muted"),)]
    if line.low is None or line.high is None:
        return [((NO_PAST, "muted"),)]
    most = max(height - 3, 2) if view.crosshair_shown else PLOT
    if width < BESIDE_FROM:
        return [
            *_chart(snapshot, view, line, width, min(PLOT_NARROW, most)),
            (),
            *_list(snapshot, view, line, width),
        ]
    room = width - LIST - GAP
    beside = zip_longest(
        _chart(snapshot, view, line, room, min(PLOT, most)), _list(snapshot, view, line, LIST), fillvalue=()
    )
    return [(*fit(own, room), (" " * GAP, "text"), *other) for own, other in beside]


def _pp(snapshot: Snapshot, view: ViewState) -> float | None:
    return snapshot.spread.windows[str(view.window)].pp


def _widest(snapshot: Snapshot, view: ViewState, line: HistoryLine) -> tuple[tuple[Episode, ...], bool]:
    """The readings on the side of the present one, and whether these are leads."""
    pp = _pp(snapshot, view)
    is_lead = pp is None or pp >= 0
    return (line.leads if is_lead else line.gaps), is_lead


def _chart(snapshot: Snapshot, view: ViewState, line: HistoryLine, width: int, height: int) -> list[Row]:
    """Title, the line with the level of now across it, its dates, and what the marks are.

    With a crosshair the point under it stands in the place of the title.
    """
    assert line.low is not None
    assert line.high is not None
    pp, widest = _pp(snapshot, view), _widest(snapshot, view, line)[0]
    inner = max(width - AXIS - 1, 8)
    ends = [line.low[1], line.high[1], *([pp] if pp is not None else [])]
    low, high = min(ends), max(ends)
    first, last = line.points[0][0], snapshot.session or line.points[-1][0]
    days = max((last - first).days, 1)

    def at(when: dt.date, value: float) -> tuple[float, float]:
        return min((when - first).days / days, 1.0), (value - low) / ((high - low) or 1.0)

    points = [at(when, value) for when, value in line.points]
    cells = line_cells(points, inner, height)
    if low <= 0 <= high:
        across(cells, cell_of(at(last, 0.0), inner, height)[1], "faint")
    for each in widest:
        x, y = cell_of(at(each.date, each.value), inner, height)
        cells[y][x] = (WIDEST, "strong")
    labels = {height - 1: change(low, 1), 0: change(high, 1)}
    if pp is not None:
        _, y = cell_of(at(last, pp), inner, height)
        across(cells, y, "accent")
        cells[y][inner - 1] = (NOW, "accent")
        labels[y] = change(pp, 1)
    status = snapshot.spread.windows[str(view.window)].status
    name, now = f"{view.window}d spread, pp  ", f"{about(pp, status)}{change(pp)}"
    forms = (f"  {line.n:,} closes since {day(first)}", f"  since {first.year}")
    rest = next((form for form in forms if len(name) + len(now) + len(form) <= width), "")
    title: Row = ((name, "strong"), (now, "accent"), (rest, "faint"))
    head: list[Row] = [title]
    if view.crosshair_shown and (here := _here(snapshot, view, line)) is not None:
        when, value, point = here
        cross(cells, cell_of(at(when, value), inner, height))
        head = reading(point, width)
    body = [((column(labels.get(y, ""), AXIS) + "┤", "faint"), *joined(row)) for y, row in enumerate(cells)]
    dates = date_axis(
        [when for when, _ in line.points], [x for x, _ in points], inner, (day(first), day(last))
    )
    return [*head, *body, ((" " * (AXIS + 1) + dates, "faint"),), *_legend(line, width)]


def moments(snapshot: Snapshot, view: ViewState) -> list[str]:
    """Of the points drawn, and of now."""
    line = snapshot.lines.get(line_of(view))
    return [] if line is None else [when.isoformat() for when, _ in _points(snapshot, view, line)]


def _points(snapshot: Snapshot, view: ViewState, line: HistoryLine) -> list[tuple[dt.date, float]]:
    window, session = snapshot.spread.windows.get(str(view.window)), snapshot.session
    if window is None or window.pp is None or session is None:
        return list(line.points)
    return [*line.points, (session, window.pp)]


def _here(snapshot: Snapshot, view: ViewState, line: HistoryLine) -> tuple[dt.date, float, Point] | None:
    """The point under the crosshair; None without points."""
    points = _points(snapshot, view, line)
    if not points:
        return None
    n = place_of([when.isoformat() for when, _ in points], view.crosshair)
    when, value = points[n]
    if n < len(line.points):
        return when, value, Point(day(when), f"{change(value)} pp", "settled closes", "muted")
    status = snapshot.spread.windows[str(view.window)].status
    return when, value, Point(day(when), f"{about(value, status)}{change(value)} pp", *worth_of(status))


def _legend(line: HistoryLine, width: int) -> list[Row]:
    assert line.low is not None
    assert line.high is not None
    text = (
        f"{NOW} now, {WIDEST} the ten widest on its side; widest lead {change(line.high[1])} on "
        f"{day(line.high[0])}, widest gap {change(line.low[1])} on {day(line.low[0])}"
    )
    return [((each, "faint"),) for each in wrap(text, width, 3)]


def _list(snapshot: Snapshot, view: ViewState, line: HistoryLine, width: int) -> list[Row]:
    """The widest first, with the spread over the sessions after each, and the present one in its place."""
    widest, is_lead = _widest(snapshot, view, line)
    pp = _pp(snapshot, view)
    what = f"Ten widest {view.window}d {'leads' if is_lead else 'gaps'}"
    title = flowed((((what, "strong"),), (("  and the spread after", "faint"),)), width)
    if not widest:
        return [*title, (("none so far", "muted"),)]
    horizons = list(widest[0].after)
    while DATE + VALUE * (1 + len(horizons)) > width and horizons:
        horizons.pop()
    head = f"{'':{DATE}}{'then':>{VALUE}}" + "".join(f"{f'+{h}':>{VALUE}}" for h in horizons)
    return [*title, ((head, "faint"),), *_ranked(widest, pp, horizons)]


def _ranked(widest: Sequence[Episode], pp: float | None, horizons: Sequence[str]) -> Iterator[Row]:
    is_open = pp is not None
    for each in widest:
        if is_open and pp is not None and abs(pp) > abs(each.value):
            is_open = False
            yield _now(pp)
        yield (
            (column(day(each.date), DATE, right=False), "text"),
            (column(change(each.value), VALUE), toned(each.value)),
            *((column(change(each.after[h]), VALUE), toned(each.after[h])) for h in horizons),
        )
    if is_open and pp is not None:
        yield (("now ", "accent"), (change(pp), "accent"), (": not among them", "muted"))


def _now(pp: float) -> Row:
    return ((column("▸ now", DATE, right=False), "accent"), (column(change(pp), VALUE), "accent"))
