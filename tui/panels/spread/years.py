"""The zoom of the spread: its line over the years, beside the ten widest readings and what followed them."""

from __future__ import annotations

import datetime as dt
from itertools import zip_longest
from typing import TYPE_CHECKING

from rotation.text import day
from tui.panels.base import about
from tui.view.draw import Row, braille, change, column, fit, flowed, toned, wrap
from tui.view.plane import joined
from tui.view.view_state import line_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rotation.context.figures import Episode, HistoryLine
    from rotation.snapshot import Snapshot
    from tui.view.view_state import ViewState

    Cells = list[list[tuple[str, str]]]

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


def rows(snapshot: Snapshot, view: ViewState, width: int) -> list[Row]:
    """Line and list; one below the other where there is no room."""
    line = snapshot.lines.get(line_of(view))
    if line is None or str(view.window) not in snapshot.spread.windows:
        return [((PAUSED if view.paused else COMPUTING, "muted"),)]
    if line.low is None or line.high is None:
        return [((NO_PAST, "muted"),)]
    if width < BESIDE_FROM:
        return [*_chart(snapshot, view, line, width, PLOT_NARROW), (), *_list(snapshot, view, line, width)]
    room = width - LIST - GAP
    beside = zip_longest(
        _chart(snapshot, view, line, room, PLOT), _list(snapshot, view, line, LIST), fillvalue=()
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
    """Title, the line with the level of now across it, its dates, and what the marks are."""
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
    cells: Cells = [[(dots, "line") for dots in drawn] for drawn in braille(points, inner, height)]
    _across(cells, _cell(at(last, 0.0), inner, height)[1] if low <= 0 <= high else None, "faint")
    for each in widest:
        x, y = _cell(at(each.date, each.value), inner, height)
        cells[y][x] = (WIDEST, "strong")
    labels = {height - 1: change(low, 1), 0: change(high, 1)}
    if pp is not None:
        _, y = _cell(at(last, pp), inner, height)
        _across(cells, y, "accent")
        cells[y][inner - 1] = (NOW, "accent")
        labels[y] = change(pp, 1)
    status = snapshot.spread.windows[str(view.window)].status
    name, now = f"{view.window}d spread, pp  ", f"{about(pp, status)}{change(pp)}"
    forms = (f"  {line.n:,} closes since {day(first)}", f"  since {first.year}")
    rest = next((form for form in forms if len(name) + len(now) + len(form) <= width), "")
    title: Row = ((name, "strong"), (now, "accent"), (rest, "faint"))
    body = [((column(labels.get(y, ""), AXIS) + "┤", "faint"), *joined(row)) for y, row in enumerate(cells)]
    return [title, *body, ((" " * (AXIS + 1) + _dates(first, last, inner), "faint"),), *_legend(line, width)]


def _across(cells: Cells, y: int | None, role: str) -> None:
    """A level across the chart, where nothing is drawn."""
    if y is not None:
        cells[y] = [("┄", role) if sign == " " else (sign, own) for sign, own in cells[y]]


def _cell(point: tuple[float, float], width: int, height: int) -> tuple[int, int]:
    """The cell (x, y from the top) in which ``braille`` would set a point."""
    x, y = point
    return int(x * (2 * width - 1) + 0.5) // 2, int((1 - y) * (4 * height - 1) + 0.5) // 4


def _dates(first: dt.date, last: dt.date, width: int) -> str:
    """The years below the line, each where it begins; of a short line its two ends."""
    days = (last - first).days
    years = range(first.year + 1, last.year + 1)
    step = next((n for n in (1, 2, 5, 10, 20) if len(years) / n * 6 <= width), 50)
    marked = [year for year in years if year % step == 0]
    if len(marked) < 2:
        left, right = day(first), day(last)
        return left + " " * max(width - len(left) - len(right), 1) + right
    axis = " " * width
    for year in marked:
        x = round((dt.date(year, 1, 1) - first).days / max(days, 1) * (width - 1))
        if x + 4 <= width:
            axis = f"{axis[:x]}{year}{axis[x + 4 :]}"
    return axis[:width]


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
