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
from rotation.market.records import Records
from rotation.market.streaks import Runs, streaks
from rotation.sessions import sessions_between

if TYPE_CHECKING:
    from rotation.history import History


class Baseline(msgspec.Struct, frozen=True):
    """One series of the desk as settled before the session: a leg, or the spread."""

    streak: int | None
    runs: Runs
    records: dict[int, Records]


class Settled(msgspec.Struct, frozen=True):
    """What history says about a session before it has a value of its own."""

    session: date
    table: pl.DataFrame
    """One row a symbol, in the order asked for: ``symbol``, the latest ``close`` known and its
    ``date`` (of the latest row where no close is), ``scale`` (value per unit of price), ``back_1`` …
    ``back_252`` (value k sessions before), ``streak`` at the session before. Unknown is null."""
    legs: dict[str, Baseline]
    spread: Baseline


def settle(history: History, session: date, symbols: list[str], desk: Desk) -> Settled:
    """Look back from ``session`` over ``history``: a table row for each symbol, and the desk's series."""
    value = pl.col("adj_close" if desk.returns == "total" else "close")
    past = history.before(session).filter(pl.col("symbol").is_in(symbols))
    first = past["date"].min()
    days = sessions_between(first, session) if first is not None else [session]  # type: ignore[arg-type]
    calendar = pl.DataFrame({"date": days[:-1]}, schema={"date": pl.Date}).with_row_index("n")
    rows = past.join(calendar, on="date").with_columns(value=value).sort("symbol", "n")
    asked = [leg for leg in desk.legs if leg in symbols]
    grid = _grid(rows, calendar, {*asked, desk.base, desk.against})
    return Settled(
        session,
        _table(rows, len(days) - 1, symbols),
        {leg: _leg(grid, leg) for leg in asked},
        _spread(grid, desk.base, desk.against),
    )


def _table(rows: pl.DataFrame, today: int, symbols: list[str]) -> pl.DataFrame:
    """``today``: the session's own place on the calendar; the session before is ``today - 1``."""
    priced = rows.filter(pl.col("value").is_not_null())
    direction = pl.when(pl.col("n").diff() == 1).then(pl.col("value").diff().sign()).over("symbol")
    turned = pl.col("direction").is_null() | (pl.col("direction") != pl.col("direction").last())
    back = [pl.col("value").filter(pl.col("n") == today - k).first().alias(f"back_{k}") for k in WINDOWS]
    latest = (
        priced.with_columns(direction=direction)
        .group_by("symbol")
        .agg(
            *back,
            # The run began after the last session that went another way, or whose way is unknown.
            streak=pl.when(pl.col("n").last() == today - 1).then(
                pl.col("direction").last()
                * (pl.col("n").last() - pl.col("n").filter(turned).max()).cast(pl.Int64)
            ),
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
        .with_columns(pl.col("streak").cast(pl.Int64))
    )


def _grid(rows: pl.DataFrame, calendar: pl.DataFrame, legs: set[str]) -> pl.DataFrame:
    """``date`` and one value column a leg, a row for every session, null where there is no close."""
    wide = calendar.select("date")
    for leg in sorted(legs):
        column = rows.filter(pl.col("symbol") == leg).select("date", pl.col("value").alias(leg))
        wide = wide.join(column, on="date", how="left", maintain_order="left")
    return wide


def return_pct(leg: str, k: int) -> pl.Expr:
    """k-session return of a grid column, in percent."""
    return (pl.col(leg) / pl.col(leg).shift(k) - 1) * 100


def _leg(grid: pl.DataFrame, leg: str) -> Baseline:
    return _baseline(grid, [return_pct(leg, k) for k in WINDOWS], pl.col(leg).diff())


def _spread(grid: pl.DataFrame, base: str, against: str) -> Baseline:
    spreads = [return_pct(base, k) - return_pct(against, k) for k in WINDOWS]
    return _baseline(grid, spreads, spreads[0])


def _baseline(grid: pl.DataFrame, series: list[pl.Expr], change: pl.Expr) -> Baseline:
    frame = grid.select(
        "date",
        *(expr.alias(str(k)) for k, expr in zip(WINDOWS, series, strict=True)),
        streak=streaks(change),
    )
    return Baseline(
        frame["streak"][-1] if frame.height else None,
        Runs.of(frame["streak"]),
        {k: Records(frame["date"], frame[str(k)]) for k in WINDOWS},
    )
