"""The one pass over history at a session's start: all that a tick needs, and nothing that grows.

Only rows strictly before the session enter, so nothing can look ahead. Sessions are counted on the
exchange's calendar: a symbol that misses a close has unknown figures there, never shifted ones.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import msgspec
import polars as pl

from rotation.desk import BANKS, Desk
from rotation.history import closures_in
from rotation.market.records import Records
from rotation.market.streaks import Before, Ends, Runs, is_whole, outcomes, streaks
from rotation.moves import SAME, direction, return_pct
from rotation.sessions import sessions_between

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rotation.history import History


BACK = "back_"
"""How the table's columns of earlier values begin; the window follows."""


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
    (a column a window: value k sessions before), ``streak`` and ``direction`` at the session before (see
    ``streaks.Before``). Unknown is null."""
    legs: dict[str, Baseline]
    spread: Baseline
    ends: dict[Before, Ends]
    """Of the legs as the table has them, of the spread and of the pairs: ``streaks.outcomes``."""
    pairs: tuple[Baseline, ...] = ()
    """The spreads of the desk's more pairs, in their order."""
    banks: dict[str, Records] = {}
    """Bank funds that are legs: their day returns minus the base leg's."""

    @property
    def windows(self) -> tuple[int, ...]:
        """Those of the table, in its order."""
        return tuple(int(name.removeprefix(BACK)) for name in self.table.columns if name.startswith(BACK))


def settle(history: History, session: date, desk: Desk) -> Settled:
    """Look back from ``session`` over ``history``: a table row for each leg of the desk, and its series."""
    value = pl.col("adj_close" if desk.returns == "total" else "close")
    before = history.before(session)
    pairs = ((desk.base, desk.against), *desk.pairs)
    symbols = {*desk.legs, *(symbol for pair in pairs for symbol in pair)}
    past = before.filter(pl.col("symbol").is_in(symbols))
    first = past["date"].min()
    days = sessions_between(first, session) if first is not None else [session]  # type: ignore[arg-type]
    closures = set(closures_in(before))
    days = [day for day in days if day not in closures]
    calendar = pl.DataFrame({"date": days[:-1]}, schema={"date": pl.Date}).with_row_index("n")
    rows = past.join(calendar, on="date").with_columns(value=value).sort("symbol", "n")
    grid = _grid(rows, calendar, symbols)
    k = desk.windows
    series = _baselines(
        grid, [*(_leg(leg, k) for leg in desk.legs), *(_spread(*pair, k) for pair in pairs)], k
    )
    number = len(desk.legs)
    table = _table(rows, len(days) - 1, desk.legs, k)
    return Settled(
        session,
        table,
        dict(zip(desk.legs, series[:number], strict=True)),
        series[number],
        _ends(table, [each.before for each in series[number:]]),
        tuple(series[number + 1 :]),
        _banks(grid, desk),
    )


def _ends(table: pl.DataFrame, spreads: Sequence[Before]) -> dict[Before, Ends]:
    """The only figures of a streak that a tick can change, computed with the pass: a start looks them up."""
    legs = table.select("streak", "direction")
    known = [*map(msgspec.structs.astuple, spreads)]
    befores = pl.concat([legs, pl.DataFrame(known, schema=legs.schema, orient="row")]).unique()
    return dict(zip([Before(*row) for row in befores.rows()], outcomes(befores), strict=True))


def _banks(grid: pl.DataFrame, desk: Desk) -> dict[str, Records]:
    funds = [symbol for symbol in BANKS if symbol in desk.legs and symbol != desk.base]
    if not funds:
        return {}
    frame = grid.select(
        "date", *(_spread(symbol, desk.base, (1,)).values[0].alias(symbol) for symbol in funds)
    )
    return dict(zip(funds, Records.of_columns(frame, dict.fromkeys(funds, 1)), strict=True))


def _table(rows: pl.DataFrame, today: int, symbols: Sequence[str], windows: Sequence[int]) -> pl.DataFrame:
    """``today``: the session's own place on the calendar; the session before is ``today - 1``."""
    priced = rows.filter(pl.col("value").is_not_null())
    moved = direction(pl.col("value"), pl.col("value").shift(1))
    way, place = pl.col("direction"), pl.col("n")
    turned = way.is_null() | (way != way.last())
    is_fresh = place.last() == today - 1
    # The run began after the last session that went another way. After a missing close, and at the first one
    # of history, nobody knows that way: the run may be longer.
    began = pl.when(way.filter(turned).last().is_not_null()).then(place.filter(turned).last())
    run = (
        pl.when(way.last() != 0)
        .then(way.last() * (place.last() - began).cast(pl.Int64))
        .otherwise(way.last())
    )
    back = [pl.col("value").filter(pl.col("n") == today - k).first().alias(f"{BACK}{k}") for k in windows]
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


class _Series(msgspec.Struct, frozen=True):
    """One series of the desk over the grid's sessions, as expressions."""

    values: list[pl.Expr]
    """The value of every window, in their order."""
    way: pl.Expr
    """The direction of each session's change."""


def _leg(leg: str, windows: Sequence[int]) -> _Series:
    price = pl.col(leg)
    returns = [return_pct(price, price.shift(k)) for k in windows]
    return _Series(returns, direction(price, price.shift(1)))


def _spread(base: str, against: str, windows: Sequence[int]) -> _Series:
    spreads = [
        return_pct(pl.col(base), pl.col(base).shift(k))
        - return_pct(pl.col(against), pl.col(against).shift(k))
        for k in windows
    ]
    # As ``streaks.with_today`` does for today's.
    way = pl.when(spreads[0].abs() <= 100 * SAME).then(0.0).otherwise(spreads[0].sign())
    return _Series(spreads, way)


def _baselines(grid: pl.DataFrame, series: list[_Series], windows: Sequence[int]) -> list[Baseline]:
    """Each series as settled before the session; all together, for a query costs more than its rows."""
    names = [str(i) for i in range(len(series))]
    frame = grid.select(
        "date",
        *(
            expr.alias(f"{i} {k}")
            for i, each in zip(names, series, strict=True)
            for k, expr in zip(windows, each.values, strict=True)
        ),
        *(each.way.cast(pl.Int64).alias(f"{i} way") for i, each in zip(names, series, strict=True)),
    ).with_columns(
        *(streaks(pl.col(f"{i} way")).alias(f"{i} streak") for i in names),
        *(is_whole(pl.col(f"{i} way")).alias(f"{i} whole") for i in names),
    )
    indices = iter(Records.of_columns(frame, {f"{i} {k}": k for i in names for k in windows}))
    last = frame.row(-1, named=True) if frame.height else {}
    return [
        Baseline(
            Before(last[f"{i} streak"] if last[f"{i} whole"] else None, last[f"{i} way"])
            if last
            else Before(),
            Runs.of(frame[f"{i} streak"]),
            {k: next(indices) for k in windows},
        )
        for i in names
    ]
