"""P(cut at the next meeting) as a line: settled values joined, today's provisional one apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rotation.text import day
from tui.panels.fed.figures import share, short_day
from tui.panels.ribbon import NEW_YORK
from tui.view.draw import Row, Span, braille, column

if TYPE_CHECKING:
    from rotation.fed.figures import FedPast

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


def chart(history: tuple[FedPast, ...], width: int, height: int) -> list[Row]:
    """``height`` lines, the last one with the first and last date; one line without room for an axis."""
    if not history:
        return [NOTHING]
    line = _line(history)
    return _small(line, width) if height < 3 else _large(line, width, height)


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

    first, final = (at.astimezone(NEW_YORK) for at in (start, end))
    if first.date() == final.date():
        ends = (f"{short_day(first.date())} {first:%H:%M}", f"{final:%H:%M} New York")
    else:
        ends = (day(first.date()), day(final.date()))
    return _Line(
        joined=[place(past) for past in joined],
        settled=joined is settled,
        now=place(last) if shown is not joined else None,
        low=low,
        high=high,
        ends=ends,
    )


def _large(line: _Line, width: int, height: int) -> list[Row]:
    plot, inner = height - 1, max(width - AXIS - 1, 4)
    flat = line.high == line.low
    labels = {plot // 2: share(line.low)} if flat else {0: share(line.high), plot - 1: share(line.low)}
    drawn = braille(line.joined, inner, plot)
    at = _cell(line.now, inner, plot)
    rows: list[Row] = [
        (
            (column(f"{labels[y]} %" if y in labels else "", AXIS) + "┤", "faint"),
            *_with_now(text, at[0] if at and at[1] == y else None, "line" if line.settled else "muted"),
        )
        for y, text in enumerate(drawn)
    ]
    left, right = line.ends
    if line.now:
        right = f"{NOW} {right}"
    middle = max(inner - len(left) - len(right), 1)
    title = "P(cut) by day" if line.settled else "intraday"
    mid = title.center(middle) if middle >= len(title) + 2 else " " * middle
    rows.append(((" " * (AXIS + 1) + left + mid + right, "faint"),))
    return rows


def _small(line: _Line, width: int) -> list[Row]:
    left = line.ends[0].rpartition(" ")[0]
    low, high = share(line.low), share(line.high)
    figures = f" {low} %" if low == high else f" {low}…{high} %"
    inner = max(width - len(left) - 1 - len(figures), 4)
    at = _cell(line.now, inner, 1)
    text = braille(line.joined, inner, 1)[0]
    drawn = _with_now(text, at[0] if at else None, "line" if line.settled else "muted")
    return [((left + " ", "faint"), *drawn, (figures, "faint"))]


def _cell(point: tuple[float, float] | None, width: int, height: int) -> tuple[int, int] | None:
    """The cell (x, y from the top) in which ``braille`` would set a point."""
    if point is None:
        return None
    x, y = point
    return int(x * (2 * width - 1) + 0.5) // 2, int((1 - y) * (4 * height - 1) + 0.5) // 4


def _with_now(text: str, at: int | None, role: str) -> tuple[Span, ...]:
    if at is None:
        return ((text, role),)
    return (text[:at], role), (NOW, "accent"), (text[at + 1 :], role)
