"""Settled points of the rotation graph before a session, and what the next one needs of them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import msgspec
import polars as pl

from rotation.graph.figures import STEPS, Point, Step
from rotation.graph.formula import Ahead, ahead
from rotation.sessions import next_session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rotation.desk import Desk
    from rotation.history import History

TAIL = 12
"""Settled points shown."""
LOOK = timedelta(days=950)
"""Longer than any point of the tail looks back: 118 weeks, or 427 sessions with many a close missing."""
CLOSED_LONGEST = timedelta(days=7)
"""Between two sessions: the exchange's longest closure since 1933, of September 2001."""


class PastTrail(msgspec.Struct, frozen=True):
    """One symbol as settled before the session."""

    tail: tuple[Point, ...]
    ahead: Ahead | None
    """None where history is too short for a point of the session shown."""


class GraphPast(msgspec.Struct, frozen=True):
    """All of it, before ``session``."""

    session: date
    benchmark: str
    is_week_over: bool
    """Whether ``session`` is the last of its week, so that its close settles the weekly point."""
    trails: dict[Step, dict[str, PastTrail]]
    """By step and symbol; those with no settled value in common with the benchmark are left out."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """Those that have a trail, in the desk's order."""
        return tuple(self.trails["daily"])


def past(history: History, session: date, desk: Desk) -> GraphPast:
    """Look back from ``session``; nothing of it or of later enters.

    A session on which the symbol or the benchmark has no close is left out. A week's point is that of the
    last session left; the week of ``session`` itself is not settled before it. What lies before a hole (a
    week, or more than CLOSED_LONGEST) counts no more; after one that lasts until now there is no head.
    """
    benchmark = desk.benchmark_leg
    rows = history.before(session).filter(pl.col("date") >= session - LOOK)
    daily = strengths(rows, desk)
    weekly = by_week(daily.filter(pl.col("week") < _monday(session)))
    symbols = [symbol for symbol in desk.graphed if symbol != benchmark]
    frames: dict[Step, pl.DataFrame] = {"weekly": weekly, "daily": daily}
    return GraphPast(
        session,
        benchmark,
        _monday(next_session(session)) != _monday(session),
        {step: _trails(frames[step], step, symbols, session) for step in STEPS},
    )


def strengths(rows: pl.DataFrame, desk: Desk) -> pl.DataFrame:
    """``symbol``, ``date``, ``week`` (its Monday) and RS as ``strength``; sorted. ``rows``: of History."""
    benchmark = desk.benchmark_leg
    value = pl.col("adj_close" if desk.returns == "total" else "close")
    rows = rows.filter(pl.col("symbol").is_in({*desk.graphed, benchmark}), value.is_not_null())
    against = rows.filter(pl.col("symbol") == benchmark).select("date", against=value)
    week = pl.col("date").dt.truncate("1w")
    return (
        rows.filter(pl.col("symbol") != benchmark)
        .join(against, on="date")
        .select("symbol", "date", week=week, strength=100 * (value / pl.col("against")))
        .sort("symbol", "date")
    )


def by_week(daily: pl.DataFrame) -> pl.DataFrame:
    """The last row of every week."""
    return daily.group_by("symbol", "week", maintain_order=True).agg(pl.col("date", "strength").last())


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _trails(frame: pl.DataFrame, step: Step, symbols: Sequence[str], session: date) -> dict[str, PastTrail]:
    return {
        symbol: _trail(own["date"].to_list(), own["strength"].to_list(), step, session)
        for symbol in symbols
        if not (own := frame.filter(pl.col("symbol") == symbol)).is_empty()
    }


def _trail(days: list[date], strengths: list[float], step: Step, session: date) -> PastTrail:
    first = max(begins(days, step))
    known, needs = days[first:], ahead(strengths[first:], step)
    points = [
        Point(day, *need.point(strength))
        for day, strength, need in zip(known, strengths[first:], needs, strict=False)
        if need is not None
    ]
    return PastTrail(tuple(points[-TAIL:]), needs[-1] if _follows(session, days[-1], step) else None)


def begins(days: Sequence[date], step: Step) -> list[int]:
    """Where the series begins, and where it begins anew after a hole."""
    return [at for at in range(len(days)) if at == 0 or not _follows(days[at], days[at - 1], step)]


def _follows(day: date, before: date, step: Step) -> bool:
    """Whether nothing is missing between two neighbours of a series."""
    if step == "weekly":
        return _monday(day) - _monday(before) == timedelta(days=7)
    return day - before <= CLOSED_LONGEST
