"""Long lines: a spread over all of history with its widest readings, and a year of closes of each leg."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from rotation.context.figures import Episode, HistoryLine
from rotation.figures.registry import figures
from rotation.market.records import TRAILING
from rotation.sessions import sessions_between

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import date

    from rotation.desk import Desk
    from rotation.history import History
    from rotation.story.episodes import SettledReadings

    Point = tuple[date, float]

POINTS = 400
"""Points of a line at most: two for each column of dots of a wide screen."""
WIDEST = 10
"""Readings listed on each side."""
HORIZONS = (5, 20, 60)
YEAR = timedelta(days=400)
"""Calendar days that hold more than TRAILING sessions."""
LEAST_CLOSES = 20
"""Closes of a year below which their range is none."""


def spread_line(
    readings: SettledReadings,
    desk: Desk,
    k: int,
    shown: date,
    cut_then: Callable[[date], float | None] | None = None,
) -> HistoryLine:
    """The spread of the desk's first pair over k sessions, at every session before the one shown."""
    days, values = readings.days, readings.column(figures(desk)[f"spread.{k}.pp"])
    known = {
        row: float(value)
        for row, value in enumerate(values)
        if isinstance(value, int | float) and days[row] < shown
    }
    after = {h: readings.after(h)[0] for h in HORIZONS}

    def episode(row: int) -> Episode:
        return Episode(
            date=days[row],
            value=known[row],
            after={str(h): after[h][row] for h in HORIZONS},
            cut=cut_then(days[row]) if cut_then else None,
        )

    return line_of(
        [(days[row], value) for row, value in known.items()],
        tuple(episode(row) for row in _widest(known, k, sign=1)),
        tuple(episode(row) for row in _widest(known, k, sign=-1)),
    )


def leg_lines(history: History, symbols: Iterable[str], shown: date) -> dict[str, HistoryLine]:
    """By symbol the closes of the TRAILING - 1 sessions before the one shown: with its price a year.

    They are the exchange's sessions, not the symbol's last so many closes, which may be of years ago. A
    symbol with fewer than LEAST_CLOSES of them has no line.
    """
    sessions = sessions_between(shown - YEAR, shown - timedelta(days=1))[-(TRAILING - 1) :]
    is_wanted = pl.col("symbol").is_in(list(symbols)) & pl.col("close").is_not_null()
    rows = history.before(shown).filter(is_wanted & (pl.col("date") >= sessions[0]))
    closes: dict[str, list[Point]] = {}
    for symbol, day, close in rows.select("symbol", "date", "close").sort("date").iter_rows():
        closes.setdefault(symbol, []).append((day, close))
    return {symbol: line_of(points) for symbol, points in closes.items() if len(points) >= LEAST_CLOSES}


def line_of(
    points: Sequence[Point], leads: tuple[Episode, ...] = (), gaps: tuple[Episode, ...] = ()
) -> HistoryLine:
    """The line through these points, oldest first."""
    newest = points[::-1]
    return HistoryLine(
        points=tuple(thinned(points)),
        n=len(points),
        low=min(newest, key=lambda point: point[1], default=None),
        high=max(newest, key=lambda point: point[1], default=None),
        leads=leads,
        gaps=gaps,
    )


def thinned(points: Sequence[Point], most: int = POINTS) -> list[Point]:
    """At most so many of the points: the lowest and the highest of each stretch, and so those of all."""
    if len(points) <= most:
        return list(points)
    stretches = most // 2
    kept: list[Point] = []
    for n in range(stretches):
        stretch = points[n * len(points) // stretches : (n + 1) * len(points) // stretches]
        ends = {min(stretch, key=lambda point: point[1]), max(stretch, key=lambda point: point[1])}
        kept += sorted(ends)
    return kept


def _widest(known: dict[int, float], k: int, *, sign: int) -> list[int]:
    """The rows farthest on one side of 0, the farthest first, each at least k sessions from all before it."""
    side = sorted(
        (row for row, value in known.items() if sign * value > 0), key=lambda row: -sign * known[row]
    )
    chosen: list[int] = []
    for row in side:
        if all(abs(row - other) >= k for other in chosen):
            chosen.append(row)
            if len(chosen) == WIDEST:
                break
    return chosen
