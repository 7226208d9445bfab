"""Daily history from a user's own files: one CSV or Parquet a symbol, checked to the last cell.

Frames are long: ``symbol`` str, ``date`` date, ``close``, ``adj_close``, ``open``, ``high``, ``low``
f64, ``volume`` i64; null where the file gives none; sorted, one row for a symbol and date.
"""

from __future__ import annotations

from datetime import date, time
from typing import TYPE_CHECKING

import polars as pl

from feeds.errors import InputError
from feeds.files.columns import FIX, check_prices, drop_repeats, parse_numbers, parse_shares, require
from feeds.files.names import find_files, shown, shown_path, symbol_from
from feeds.files.tables import Table, read_table
from feeds.history.raw_splits import check_splits
from rotation.history import rounded
from rotation.sessions import close_ns, is_session, new_york_day, sessions_between

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

CLOSES = ("close", "adj_close")
PRICES = (*CLOSES, "open", "high", "low")
SCHEMA = {
    "symbol": pl.String,
    "date": pl.Date,
    **dict.fromkeys(PRICES, pl.Float64),
    "volume": pl.Int64,
}
KNOWN = tuple(name for name in SCHEMA if name != "symbol")
NEEDS = "date, and close or adj_close; open, high, low, volume may follow"

_SLACK = 1e-6
"""Relative; vendors round the prices of a bar apart from each other."""

_ISO_DAY = r"^(\d{4}-\d{2}-\d{2})(?:[T ]00:00(?::00(?:\.0+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?$"
"""A date, or the midnight that some exports write for it."""


def read_history(paths: Sequence[Path], *, now_ns: int, raw: bool = False) -> tuple[pl.DataFrame, list[str]]:
    """Read files and folders into one frame (see the module), with notes on what was left out.

    Settled sessions only: days without a session and a session still open at ``now_ns`` are left out. Prices
    are rounded to the digits of 32-bit floats. ``raw`` believes a close that moves like an unadjusted split.
    Raises InputError on the first thing that is wrong, naming the file, its line and the way out.
    """
    files: dict[str, Path] = {}
    for path in find_files(paths):
        symbol = symbol_from(path, path.stem)
        if symbol in files:
            both = f"{shown_path(files[symbol])} and {shown_path(path)}"
            raise InputError(f"{symbol}: found in two files, {both} — keep one")
        files[symbol] = path
    notes: list[str] = []
    parts = [_read_one(symbol, path, now_ns, notes, raw=raw) for symbol, path in files.items()]
    return pl.concat([pl.DataFrame(schema=SCHEMA), *parts]).sort("symbol", "date"), notes


def _read_one(symbol: str, path: Path, now_ns: int, notes: list[str], *, raw: bool) -> pl.DataFrame:
    table = read_table(path, KNOWN)
    require(table, ["date"], NEEDS)
    if not set(CLOSES) & set(table.frame.columns):
        require(table, CLOSES, NEEDS)
    if table.extra:
        notes.append(f"{table.name}: ignored the columns {', '.join(table.extra)}")
    table = _parse_dates(table)
    prices = [name for name in PRICES if name in table.frame.columns]
    table = parse_numbers(table, prices)
    check_prices(table, prices)
    if "volume" in table.frame.columns:
        table = parse_shares(table, "volume")
    absent = (pl.lit(None, SCHEMA[name]).alias(name) for name in KNOWN if name not in table.frame.columns)
    table = table.with_frame(table.frame.with_columns(*absent))
    table.refuse(
        pl.all_horizontal(pl.col(name).is_null() for name in CLOSES),
        lambda row: f"{row['date']} has neither close nor adj_close",
        FIX,
    )
    today = new_york_day(now_ns)
    table.refuse(
        pl.col("date") > today,
        lambda row: f"{row['date']} is in the future (it is {today} in New York)",
        FIX,
    )
    _check_range(table)
    table = _once_a_day(table, notes)
    if not raw:
        check_splits(table)
    frame = _settled(table, now_ns, notes)
    return frame.select(pl.lit(symbol).alias("symbol"), *KNOWN).with_columns(rounded(*PRICES))


def _check_range(table: Table) -> None:
    """Raise InputError on a close outside its own bar; the close may be its high or its low."""
    close, high, low = pl.col("close"), pl.col("high"), pl.col("low")
    table.refuse(
        close > high * (1 + _SLACK),
        lambda row: f"close is {row['close']}, above the high {row['high']}",
        FIX,
    )
    table.refuse(
        close < low * (1 - _SLACK),
        lambda row: f"close is {row['close']}, below the low {row['low']}",
        FIX,
    )


def _parse_dates(table: Table) -> Table:
    """``date`` as Date. Raises InputError on a missing or unparsable one, or a time of day."""
    kind = table.frame.schema["date"]
    column = pl.col("date")
    if kind == pl.String:
        day = column.str.extract(_ISO_DAY).str.to_date("%Y-%m-%d", strict=False)
    elif isinstance(kind, pl.Datetime):
        # Some vendors stamp a session with New York's midnight, written in UTC.
        local = column if kind.time_zone is None else column.dt.convert_time_zone("America/New_York")
        day = pl.coalesce(pl.when(at.dt.time() == time()).then(at.dt.date()) for at in (column, local))
    elif kind == pl.Date:
        day = column
    else:
        raise InputError(f"{table.name}: column date is of type {kind}, not dates — export it again")
    table.refuse(column.is_null(), lambda _: "date is missing", FIX)
    # Written as text: Python has no date for every day that Parquet can hold.
    days = table.frame.with_columns(
        pl.when(day.dt.year().is_between(1900, 9999)).then(day).alias("date"),
        column.cast(pl.String).alias("written"),
    )
    table.with_frame(days).refuse(
        column.is_null(),
        lambda row: f"date is {shown(row['written'])!r}, not a date",
        "write dates as YYYY-MM-DD",
    )
    return table.with_frame(days.drop("written"))


def _once_a_day(table: Table, notes: list[str]) -> Table:
    """One row a day; a note where rows were repeated. A day with two stories is an InputError."""
    once = drop_repeats(table, "date")
    if once.frame.height < table.frame.height:
        repeats = table.frame.filter(~pl.col("date").is_first_distinct())
        notes.append(
            f"{table.name}: dropped {_rows(repeats)} repeating an earlier row, the first {repeats['date'][0]}"
        )
    return once


def _settled(table: Table, now_ns: int, notes: list[str]) -> pl.DataFrame:
    """Rows of sessions whose closing bell has rung; a note for each kind left out."""
    first, last = table.frame["date"].min(), table.frame["date"].max()
    assert isinstance(first, date)
    assert isinstance(last, date)
    in_session = pl.col("date").is_in(sessions_between(first, last))
    idle = table.frame.filter(~in_session)
    if idle.height:
        notes.append(
            f"{table.name}: left out {_rows(idle)} on days without an NYSE session,"
            f" the first {idle['date'].sort()[0]}"
        )
    frame = table.frame.filter(in_session)
    if is_session(last) and close_ns(last) > now_ns:
        frame = frame.filter(pl.col("date") < last)
        notes.append(f"{table.name}: left out {last}, still open, not settled")
    if not frame.height:
        raise InputError(f"{table.name}: no row is a settled NYSE session — check the dates")
    return frame


def _rows(frame: pl.DataFrame) -> str:
    return "1 row" if frame.height == 1 else f"{frame.height} rows"
