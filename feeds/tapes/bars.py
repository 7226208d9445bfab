"""Intraday OHLC bars from a CSV, each known at its end: ``start, open, high, low, close, volume``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl

from feeds.errors import InputError
from feeds.files.columns import (
    FIX,
    MOST_SHARES,
    check_prices,
    drop_repeats,
    parse_numbers,
    parse_shares,
    require,
)
from feeds.files.names import shown, symbol_from
from feeds.files.plain import read_plain
from feeds.files.tables import Table, read_table
from rotation.quote import NS
from rotation.sessions import close_ns, from_ns, is_session

if TYPE_CHECKING:
    from pathlib import Path

PRICES = ("open", "high", "low", "close")
NEEDS = "start, open, high, low, close; volume may follow"
_SLACK = 1e-6
"""Relative; vendors round the four prices of a bar apart from each other."""

_CLOCK = r"^(?:19|20|21)\d{2}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?"
_ZONE = r"(?:Z|[+-]\d{2}:?\d{2})$"
_LENGTH = re.compile(r"([1-9]\d{0,3})([smh])")
_UNIT_NS = {"s": NS, "m": 60 * NS, "h": 3_600 * NS}


def read_bars(path: Path) -> pl.DataFrame:
    """One row a bar, in the file's order, with the columns of a tape.

    ``ts_ns`` is the bar's end, ``price`` its close, ``bar_ns`` its length, ``seq`` 0. The symbol is
    the file's name up to the first ``_``; the bars' length is in the name (``_5m``, ``_1h``), else the
    smallest gap between them. A bar that a closing bell cuts short ends at the bell.
    Raises InputError on anything wrong, naming file and line.
    """
    symbol = symbol_from(path, path.stem.partition("_")[0])
    table = _plain(path) or _checked(path)
    ends = _ends(table.frame["start"], _length_ns(path, table.frame["start"])).alias("ts_ns")
    return table.frame.select(
        pl.lit(symbol).alias("symbol"),
        ends,
        pl.lit(0, pl.Int64).alias("seq"),
        pl.col("close").alias("price"),
        pl.col("volume").fill_null(0).alias("size"),
        "high",
        "low",
        (ends - table.frame["start"]).alias("bar_ns"),
        pl.lit(0, pl.Int64).alias("role"),
    )


def _plain(path: Path) -> Table | None:
    """A file in which nothing is wrong and no start stands twice; None where ``_checked`` has to look."""
    file = read_plain(path, text=("start",), numbers=(*PRICES, "volume"))
    if file is None or not {"start", *PRICES} <= set(file.frame.columns):
        return None
    start, prices = pl.col("start"), [pl.col(name) for name in PRICES]
    if not file.frame.select(start.is_not_null().all() & start.str.contains(_CLOCK + _ZONE).all()).item():
        return None
    volume = pl.col("volume") if "volume" in file.frame.columns else pl.lit(0.0)
    frame = file.frame.select(_instant(start).dt.epoch("ns"), *prices, volume.alias("volume"))
    high, low, first, last = (pl.col(name) for name in ("high", "low", "open", "close"))
    good = [
        start.is_not_null().all() & (start.n_unique() == pl.len()),
        *(price.is_not_null().all() & price.sum().is_finite() & (price > 0).all() for price in prices),
        ((high >= first * (1 - _SLACK)) & (high >= last * (1 - _SLACK))).all(),
        ((low <= first * (1 + _SLACK)) & (low <= last * (1 + _SLACK))).all(),
        pl.col("volume").is_between(0, MOST_SHARES).all(),
    ]
    if not frame.select(pl.all_horizontal(good)).item():
        return None
    return Table(file.name, "line", frame.with_columns(pl.col("volume").round().cast(pl.Int64)), file.extra)


def _checked(path: Path) -> Table:
    """A file read cell by cell. Raises InputError on the first thing that is wrong."""
    table = read_table(path, ("start", *PRICES, "volume"))
    require(table, ("start", *PRICES), NEEDS)
    table = _parse_starts(table)
    table = parse_numbers(table, PRICES)
    for name in PRICES:
        table.refuse(pl.col(name).is_null(), lambda _, name=name: f"{name} is missing", FIX)  # type: ignore[misc]
    check_prices(table, PRICES)
    _check_shape(table)
    if "volume" in table.frame.columns:
        table = parse_shares(table, "volume")
    else:
        table = table.with_frame(table.frame.with_columns(volume=pl.lit(0, pl.Int64)))
    return drop_repeats(table, "start", lambda ts_ns: from_ns(ts_ns).isoformat())


def _instant(start: pl.Expr) -> pl.Expr:
    """Times with a zone, as written, in UTC; null for an invalid time."""
    whole = (
        start.str.replace(" ", "T", literal=True)
        .str.replace("Z", "+00:00", literal=True)
        .str.replace(r"^(.{16})([+-])", "${1}:00${2}")
    )
    return whole.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%:z", time_unit="ns", time_zone="UTC", strict=False)


def _parse_starts(table: Table) -> Table:
    """``start`` as UTC nanoseconds. Raises InputError for a value that is not a time, or has no zone."""
    start = pl.col("start")
    table.refuse(start.is_null(), lambda _: "start is missing", FIX)
    table.refuse(
        start.str.contains(_CLOCK + "$"),
        lambda row: f"start is {shown(row['start'])!r}, without a time zone",
        "end it with Z for UTC or an offset like -04:00",
    )
    parsed = table.frame.with_columns(
        pl.when(start.str.contains(_CLOCK + _ZONE)).then(_instant(start).dt.epoch("ns")).alias("start"),
        start.alias("written"),
    )
    table.with_frame(parsed).refuse(
        start.is_null(),
        lambda row: f"start is {shown(row['written'])!r}, not a time",
        "write times like 2024-07-16T13:30:00Z",
    )
    return table.with_frame(parsed.drop("written"))


def _check_shape(table: Table) -> None:
    body_high = pl.max_horizontal("open", "close")
    body_low = pl.min_horizontal("open", "close")
    table.refuse(
        pl.col("high") < body_high * (1 - _SLACK),
        lambda row: f"high is {row['high']}, below the open {row['open']} or close {row['close']}",
        FIX,
    )
    table.refuse(
        pl.col("low") > body_low * (1 + _SLACK),
        lambda row: f"low is {row['low']}, above the open {row['open']} or close {row['close']}",
        FIX,
    )


def _length_ns(path: Path, starts: pl.Series) -> int:
    for part in path.stem.split("_")[1:]:
        if match := _LENGTH.fullmatch(part):
            return int(match[1]) * _UNIT_NS[match[2]]
    gap = starts.sort().diff().min()
    if not isinstance(gap, int):
        raise InputError(
            f"{shown(path.name)}: a single bar does not show its length"
            " — put it in the file name, like IWM_5m.csv"
        )
    return gap


def _ends(starts: pl.Series, length_ns: int) -> pl.Series:
    """Start plus length, in ns, but no later than the closing bell that falls between."""
    days = pl.from_epoch(starts, "ns").dt.replace_time_zone("UTC").dt.convert_time_zone("America/New_York")
    frame = pl.DataFrame({"start": starts, "end": starts + length_ns, "day": days.dt.date()})
    days_seen = frame["day"].unique().to_list()
    bells = {"day": days_seen, "bell": [close_ns(day) if is_session(day) else None for day in days_seen]}
    bell = pl.DataFrame(bells, schema={"day": pl.Date, "bell": pl.Int64})
    cut = frame.join(bell, on="day", how="left", maintain_order="left").select(
        pl.when(pl.col("start") < pl.col("bell"))
        .then(pl.min_horizontal("end", "bell"))
        .otherwise("end")
        .alias("end")
    )
    return cut["end"]
