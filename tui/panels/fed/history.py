"""P(cut at the next meeting) as a line: settled values joined, today's provisional one apart."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, NamedTuple

from rotation.text import day
from tui.panels.base import Point, reading
from tui.panels.fed.figures import share, short_day
from tui.panels.ribbon import NEW_YORK
from tui.view.chart.axis import date_axis
from tui.view.chart.cells import cell_of
from tui.view.chart.cells import line as line_cells
from tui.view.chart.crosshair import cross, place_of
from tui.view.draw import Row, Span, braille, column
from tui.view.plane import joined

if TYPE_CHECKING:
    from rotation.fed.figures import FedPast
    from rotation.snapshot import Snapshot
    from tui.view.view_state import ViewState

AXIS = 7
"""Cells for the labels left of the line."""
NOW = "○"
NOTHING: Row = (("no history of P(cut) yet: recording from now on", "muted"),)


class _Line(NamedTuple):
    """Points of one chart; x and y in 0…1."""

    joined: list[tuple[float, float]]
    settled: bool
    """False where fewer than two days are settled: then the line is what was logged meanwhile."""
    now: tuple[float, float] | None
    """The provisional value on top of the settled ones."""
    low: float
    high: float
    ends: tuple[str, str]
    shown: tuple[FedPast, ...]
    """What is drawn, in time, the provisional value last."""
    places: tuple[tuple[float, float], ...]
    """Of these."""


def chart(history: tuple[FedPast, ...], width: int, height: int) -> list[Row]:
    """``height`` lines, the last one with the first and last date; one line without room for an axis."""
    if not history:
        return [NOTHING]
    line = _line(history)
    return _small(line, width) if height < 3 else [*_plot(line, width, height - 1), _foot(line, width)]


def zoomed(history: tuple[FedPast, ...], width: int, height: int, crosshair: str) -> list[Row]:
    """The same with dates all along, and what is under the crosshair above; that is "" for none."""
    if not history:
        return [NOTHING]
    line = _line(history)
    n = place_of([_moment(past) for past in line.shown], crosshair) if crosshair else None
    head = [] if n is None else reading(_point(line.shown[n]), width)
    dates = [past.at.astimezone(NEW_YORK).date() for past in line.shown]
    axis = date_axis(dates, [x for x, _ in line.places], _inner(width), line.ends)
    foot: Row = ((" " * (AXIS + 1) + axis, "faint"),)
    return [*head, *_plot(line, width, height - 1, n), foot]


def moments(snapshot: Snapshot, view: ViewState) -> list[str]:
    """Of the points of the chart; the same in every view."""
    del view
    history = snapshot.fed.history if snapshot.fed else ()
    return [_moment(past) for past in _line(history).shown] if history else []


def _moment(past: FedPast) -> str:
    return past.at.astimezone(UTC).isoformat()


def _point(past: FedPast) -> Point:
    at = past.at.astimezone(NEW_YORK)
    value = f"{share(past.cut)} %"
    if past.settled:
        return Point(day(at.date()), value, "by that day's settlements", "muted")
    return Point(f"{day(at.date())} {at:%H:%M} New York", value, "provisional, from the log", "muted")


def _line(history: tuple[FedPast, ...]) -> _Line:
    settled = [past for past in history if past.settled]
    joined = settled if len(settled) > 1 else list(history)
    last = history[-1]
    shown = joined if last.settled or joined is not settled else [*joined, last]
    low, high = min(past.cut for past in shown), max(past.cut for past in shown)
    start, end = shown[0].at, shown[-1].at
    length = (end - start).total_seconds() or 1.0
    spread = high - low

    def place(past: FedPast) -> tuple[float, float]:
        y = (past.cut - low) / spread if spread else 0.5
        return (past.at - start).total_seconds() / length, y

    places = [place(past) for past in shown]
    first, final = (at.astimezone(NEW_YORK) for at in (start, end))
    if first.date() == final.date():
        ends = (f"{short_day(first.date())} {first:%H:%M}", f"{final:%H:%M} New York")
    else:
        ends = (day(first.date()), day(final.date()))
    return _Line(
        joined=places[: len(joined)],
        settled=joined is settled,
        now=places[-1] if shown is not joined else None,
        low=low,
        high=high,
        ends=ends,
        shown=tuple(shown),
        places=tuple(places),
    )


def _inner(width: int) -> int:
    return max(width - AXIS - 1, 4)


def _plot(line: _Line, width: int, height: int, crosshair: int | None = None) -> list[Row]:
    """The line with its highest and its lowest value; ``crosshair``: the place of the point under it."""
    inner = _inner(width)
    flat = line.high == line.low
    labels = {height // 2: share(line.low)} if flat else {0: share(line.high), height - 1: share(line.low)}
    cells = line_cells(line.joined, inner, height, "line" if line.settled else "muted")
    if line.now is not None:
        x, y = cell_of(line.now, inner, height)
        cells[y][x] = (NOW, "accent")
    if crosshair is not None:
        cross(cells, cell_of(line.places[crosshair], inner, height))
    return [
        ((column(f"{labels[y]} %" if y in labels else "", AXIS) + "┤", "faint"), *joined(row))
        for y, row in enumerate(cells)
    ]


def _foot(line: _Line, width: int) -> Row:
    """The first and the last date, and between them what the line is."""
    inner = _inner(width)
    left, right = line.ends
    if line.now:
        right = f"{NOW} {right}"
    middle = max(inner - len(left) - len(right), 1)
    title = "P(cut) by day" if line.settled else "intraday"
    mid = title.center(middle) if middle >= len(title) + 2 else " " * middle
    return ((" " * (AXIS + 1) + left + mid + right, "faint"),)


def _small(line: _Line, width: int) -> list[Row]:
    left = line.ends[0].rpartition(" ")[0]
    low, high = share(line.low), share(line.high)
    figures = f" {low} %" if low == high else f" {low}…{high} %"
    inner = max(width - len(left) - 1 - len(figures), 4)
    at = cell_of(line.now, inner, 1) if line.now else None
    text = braille(line.joined, inner, 1)[0]
    drawn = _with_now(text, at[0] if at else None, "line" if line.settled else "muted")
    return [((left + " ", "faint"), *drawn, (figures, "faint"))]


def _with_now(text: str, at: int | None, role: str) -> tuple[Span, ...]:
    if at is None:
        return ((text, role),)
    return (text[:at], role), (NOW, "accent"), (text[at + 1 :], role)
