"""The one pass over history at a session's start: all that a tick needs, and nothing that grows.

Only rows strictly before the session enter, so nothing can look ahead. Sessions are counted on the
exchange's calendar: a symbol that misses a close has unknown figures there, never shifted ones.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import msgspec
import polars as pl

from rotation.desk import WINDOWS, Desk
from rotation.history import closures_in
from rotation.market.records import Records
from rotation.market.streaks import SAME, Before, Runs, direction, is_whole, return_pct, streaks
from rotation.sessions import sessions_between

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rotation.history import History


class Baseline(msgspec.Struct, frozen=True):
    """One series of the desk as settled before the session: a leg, or the spread."""

    before: Before
    runs: Runs
    records: dict[int, Records]


class Settled(msgspec.Struct, frozen=True):
    """What history says about a session before it has a value of its own."""

    session: date
    table: pl.DataFrame
    """One row a leg, in the desk's order: ``symbol``, the latest ``close`` known and its
    ``date`` (of the latest row where no close is), ``scale`` (value per unit of price), ``back_1`` …
    ``back_252`` (value k sessions before), ``streak`` and ``direction`` at the session before (see
    ``streaks.Before``). Unknown is null."""
    legs: dict[str, Baseline]
    spread: Baseline


def settle(history: History, session: date, desk: Desk) -> Settled:
    """Look back from ``session`` over ``history``: a table row for each leg of the desk, and its series."""
    value = pl.col("adj_close" if desk.returns == "total" else "close")
    before = history.before(session)
    past = before.filter(pl.col("symbol").is_in({*desk.legs, desk.base, desk.against}))
    first = past["date"].min()
    days = sessions_between(first, session) if first is not None else [session]  # type: ignore[arg-type]
    closures = set(closures_in(before))
    days = [day for day in days if day not in closures]
    calendar = pl.DataFrame({"date": days[:-1]}, schema={"date": pl.Date}).with_row_index("n")
    rows = past.join(calendar, on="date").with_columns(value=value).sort("symbol", "n")
    grid = _grid(rows, calendar, {*desk.legs, desk.base, desk.against})
    return Settled(
        session,
        _table(rows, len(days) - 1, desk.legs),
        {leg: _leg(grid, leg) for leg in desk.legs},
        _spread(grid, desk.base, desk.against),
    )


def _table(rows: pl.DataFrame, today: int, symbols: Sequence[str]) -> pl.DataFrame:
    """``today``: the session's own place on the calendar; the session before is ``today - 1``."""
    priced = rows.filter(pl.col("value").is_not_null())
    moved = direction(pl.col("value"), pl.col("value").shift(1))
    way, place = pl.col("direction"), pl.col("n")
    turned = way.is_null() | (way != way.last())
    is_fresh = place.last() == today - 1
    # The run began after the last session that went another way. After a missing close nobody knows that way.
    last_turn = place.filter(turned).last()
    is_known = way.filter(turned).last().is_not_null() | (last_turn == place.first())
    began = pl.when(is_known).then(last_turn)
    run = (
        pl.when(way.last() != 0)
        .then(way.last() * (place.last() - began).cast(pl.Int64))
        .otherwise(way.last())
    )
    back = [pl.col("value").filter(pl.col("n") == today - k).first().alias(f"back_{k}") for k in WINDOWS]
    latest = (
        priced.with_columns(direction=pl.when(place.diff() == 1).then(moved).over("symbol"))
        .group_by("symbol")
        .agg(
            *back,
            streak=pl.when(is_fresh).then(run),
            direction=pl.when(is_fresh).then(way.last()),
            scale=(pl.col("value") / pl.col("close")).last(),
        )
    )
    known = pl.col("close").is_not_null()
    closes = rows.group_by("symbol").agg(
        pl.col("close").filter(known).last(),
        pl.coalesce(pl.col("date").filter(known).last(), pl.col("date").last()),
    )
    return (
        pl.DataFrame({"symbol": symbols}, schema={"symbol": pl.String})
        .join(latest, on="symbol", how="left", maintain_order="left")
        .join(closes, on="symbol", how="left", maintain_order="left")
        .with_columns(pl.col("streak", "direction").cast(pl.Int64))
    )


def _grid(rows: pl.DataFrame, calendar: pl.DataFrame, legs: set[str]) -> pl.DataFrame:
    """``date`` and one value column a leg, a row for every session, null where there is no close."""
    wide = calendar.select("date")
    for leg in sorted(legs):
        column = rows.filter(pl.col("symbol") == leg).select("date", pl.col("value").alias(leg))
        wide = wide.join(column, on="date", how="left", maintain_order="left")
    return wide


def _leg(grid: pl.DataFrame, leg: str) -> Baseline:
    returns = [return_pct(pl.col(leg), pl.col(leg).shift(k)) for k in WINDOWS]
    return _baseline(grid, returns, direction(pl.col(leg), pl.col(leg).shift(1)), pl.col(leg).is_not_null())


def _spread(grid: pl.DataFrame, base: str, against: str) -> Baseline:
    spreads = [
        return_pct(pl.col(base), pl.col(base).shift(k))
        - return_pct(pl.col(against), pl.col(against).shift(k))
        for k in WINDOWS
    ]
    # As ``streaks.sign`` does for today's.
    way = pl.when(spreads[0].abs() <= 100 * SAME).then(0.0).otherwise(spreads[0].sign())
    return _baseline(
        grid, spreads, way, pl.all_horizontal(pl.col(*dict.fromkeys((base, against))).is_not_null())
    )


def _baseline(grid: pl.DataFrame, series: list[pl.Expr], way: pl.Expr, is_priced: pl.Expr) -> Baseline:
    """``way``: the direction of each session's change; ``is_priced``: whether the session has its closes."""
    run = pl.col("direction")
    frame = grid.select(
        "date",
        *(expr.alias(str(k)) for k, expr in zip(WINDOWS, series, strict=True)),
        direction=way.cast(pl.Int64),
        is_priced=is_priced,
    ).with_columns(streak=streaks(run), is_whole=is_whole(run, pl.col("is_priced")))
    before = Before()
    if frame.height:
        streak, last, known = (frame[name][-1] for name in ("streak", "direction", "is_whole"))
        before = Before(streak if known else None, last)
    return Baseline(
        before,
        Runs.of(frame["streak"]),
        {k: Records(frame["date"], frame[str(k)], k) for k in WINDOWS},
    )
