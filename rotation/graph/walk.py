"""The graph as it stood at each session's close, over all of a history."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from rotation.graph.figures import Point, heading_deg, speed
from rotation.graph.formula import ahead
from rotation.graph.past import begins, by_week, strengths

if TYPE_CHECKING:
    from datetime import date

    from rotation.desk import Desk
    from rotation.graph.figures import Step
    from rotation.graph.formula import Ahead

Place = tuple[Point, Point | None]
"""A head and the last settled point before it."""


def heads(rows: pl.DataFrame, symbol: str, desk: Desk, step: Step) -> dict[date, Place]:
    """By session the head at its close; sessions without one are left out. ``rows``: of History."""
    own = rows.filter(pl.col("symbol").is_in({symbol, desk.benchmark_leg}))
    daily = strengths(own, desk)
    series = by_week(daily) if step == "weekly" else daily
    days: list[date] = series["date"].to_list()
    values: list[float] = series["strength"].to_list()
    weeks: list[date] = series["week"].to_list()
    turns = begins(days, step)
    needs: dict[date, tuple[Ahead, Point | None]] = {}
    for first, end in zip(turns, [*turns[1:], len(days)], strict=False):
        last: Point | None = None
        for at, need in zip(range(first, end), ahead(values[first:end], step), strict=False):
            if need is None:
                last = None
                continue
            needs[weeks[at] if step == "weekly" else days[at]] = need, last
            last = Point(days[at], *need.point(values[at]))
    made: dict[date, Place] = {}
    for day, week, value in daily.select("date", "week", "strength").iter_rows():
        needed = needs.get(week if step == "weekly" else day)
        if needed is not None:
            need, last = needed
            made[day] = Point(day, *need.point(value)), last
    return made


def figure(place: Place, name: str) -> float | str | None:
    """``ratio``, ``momentum``, ``quadrant``, ``heading`` or ``speed`` of a head."""
    head, last = place
    if name == "heading":
        return heading_deg(last, head)
    if name == "speed":
        return speed(last, head)
    value: float | str = getattr(head, name)
    return value
