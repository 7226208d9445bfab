"""Daily history from a user's own files: one CSV or Parquet a symbol, checked to the last cell.

Frames are long: ``symbol`` str, ``date`` date, ``close``, ``adj_close``, ``open``, ``high``, ``low``
f64, ``volume`` i64; null where the file gives none; sorted, one row for a symbol and date.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, time
from math import inf, isfinite
from typing import TYPE_CHECKING, cast

import polars as pl

from feeds.errors import InputError, StrayError
from feeds.files.columns import (
    FIX,
    MOST_SHARES,
    check_prices,
    drop_repeats,
    parse_numbers,
    parse_shares,
    require,
)
from feeds.files.days import SharedDays
from feeds.files.names import find_files, shown, shown_path, symbol_from
from feeds.files.plain import PlainFile, read_plain_each
from feeds.files.tables import Table, read_table
from feeds.history.raw_splits import LEAST_SPLIT, check_splits
from rotation.history import are_rounded, is_rounded, rounded
from rotation.sessions import close_ns, is_session, new_york_day, sessions_between

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from collections.abc import Set as AbstractSet
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

SLACK = 1e-6
"""Relative; vendors round the prices of a bar apart from each other."""

_ISO_DAY = r"^(\d{4}-\d{2}-\d{2})(?:[T ]00:00(?::00(?:\.0+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?$"
"""A date, or the midnight that some exports write for it."""


def read_history(
    paths: Sequence[Path],
    *,
    now_ns: int,
    raw: bool = False,
    only: AbstractSet[str] | None = None,
    strays: list[StrayError] | None = None,
) -> tuple[pl.DataFrame, list[str]]:
    """Read files and folders into one frame (see the module), with notes on what was left out.

    ``only``: leave the files of other symbols unread. Otherwise as ``read_each``.
    """
    notes: list[str] = []
    each = read_each(paths, notes, now_ns=now_ns, raw=raw, only=only, strays=strays)
    parts = [frame for _, frame in each]
    return pl.concat([pl.DataFrame(schema=SCHEMA), *parts]).sort("symbol", "date"), notes


def read_each(
    paths: Sequence[Path],
    notes: list[str],
    *,
    now_ns: int,
    raw: bool = False,
    only: AbstractSet[str] | None = None,
    strays: list[StrayError] | None = None,
) -> Iterator[tuple[Path, pl.DataFrame]]:
    """Read files and folders one by one: each file with its frame (see the module), sorted by date.

    Settled sessions only: days without a session and a session still open at ``now_ns`` are left out. Prices
    are rounded to the digits of 32-bit floats. ``raw`` believes a close that moves like an unadjusted split.
    ``notes`` gains what was left out, ``strays`` the errors of a folder's files that hold no history.
    Raises InputError on the first thing that is wrong, naming the file, its line and the way out.
    """
    run = _Run(now_ns, new_york_day(now_ns), raw, notes)
    strays = [] if strays is None else strays
    by_symbol = files_by_symbol(paths, strays)
    files = {symbol: path for symbol, path in by_symbol.items() if only is None or symbol in only}
    read = 0
    plain = read_plain_each(files.values(), text=("date",), numbers=KNOWN[1:])
    for (symbol, path), file in zip(files.items(), plain, strict=True):
        try:
            frame = _read(symbol, path, file, run)
        except StrayError as error:
            if path in paths:
                raise
            strays.append(error)
        else:
            read += 1
            yield path, frame
    if strays and not read and only is None:
        raise strays[0]
    notes += [f"left out the file {error}" for error in strays]


def files_by_symbol(paths: Sequence[Path], strays: list[StrayError] | None = None) -> dict[str, Path]:
    """The file of each symbol. Raises InputError as ``find_files`` does, and where a symbol has two.

    ``strays`` gains the errors of files in a folder whose names are no symbols; they are left out.
    """
    files: dict[str, Path] = {}
    for path in find_files(paths):
        try:
            symbol = symbol_from(path, path.stem)
        except StrayError as error:
            if path in paths:
                raise
            if strays is not None:
                strays.append(error)
            continue
        if symbol in files:
            both = f"{shown_path(files[symbol])} and {shown_path(path)}"
            raise InputError(f"{symbol}: found in two files, {both} — keep one")
        files[symbol] = path
    return files


@dataclass(frozen=True)
class _Run:
    """What holds for every file of one import."""

    now_ns: int
    today: date
    raw: bool
    notes: list[str]
    days: SharedDays = field(default_factory=SharedDays)
    calendars: dict[tuple[int, int], pl.Series] = field(default_factory=dict)
    """Sessions from the first year to the last, as they were asked for."""

    def sessions(self, first: date, last: date) -> pl.Series:
        """All sessions of the years of these days: files of one folder share them."""
        years = (first.year, last.year)
        if years not in self.calendars:
            days = sessions_between(date(years[0], 1, 1), date(years[1], 12, 31))
            self.calendars[years] = pl.Series(days, dtype=pl.Date)
        return self.calendars[years]


def _read(symbol: str, path: Path, file: PlainFile | None, run: _Run) -> pl.DataFrame:
    table = (file and _plain(file, run)) or _checked(path, run)
    frame = _settled(table, run)
    frame = _by_date(frame, run)
    noisy = _noisy(frame)
    exact = frame.select_seq(rounded(*noisy)) if noisy else frame
    of_symbol = pl.Series("symbol", [symbol]).new_from_index(0, frame.height)
    prices = (exact[name] if name in noisy else frame[name] for name in PRICES)
    return pl.DataFrame([of_symbol, frame["date"], *prices, _whole(frame["volume"])])


def _noisy(frame: pl.DataFrame) -> list[str]:
    """The prices that may have to be rounded."""
    given = [name for name in PRICES if frame[name].null_count() < frame.height]
    if are_rounded([frame[name] for name in given]):
        return []
    return [name for name in given if not is_rounded(frame[name])]


def _whole(shares: pl.Series) -> pl.Series:
    whole = shares.cast(pl.Int64)
    return whole if (whole == shares).all() else shares.round().cast(pl.Int64)


def _by_date(frame: pl.DataFrame, run: _Run) -> pl.DataFrame:
    """Most files are sorted, and looking costs nothing."""
    days = frame["date"]
    return frame if run.days.is_rising(days) or days.is_sorted() else frame.sort("date")


def _plain(file: PlainFile, run: _Run) -> Table | None:
    """A file in which nothing is wrong and no day stands twice; None where ``_checked`` has to look."""
    kinds = file.frame.schema
    held = tuple(name for name in KNOWN[1:] if name in kinds)
    is_known = kinds.get("date") in (pl.String, pl.Date) and all(kinds[name].is_numeric() for name in held)
    if not is_known or not set(CLOSES) & set(held):
        return None
    days = file.frame["date"] if kinds["date"] == pl.Date else run.days.parsed(file.frame["date"])
    if days is None:
        return None
    nothing = pl.Series([None], dtype=pl.Float64)
    columns = (
        file.frame[name].cast(pl.Float64)
        if name in held
        else nothing.new_from_index(0, len(days)).alias(name)
        for name in KNOWN[1:]
    )
    frame = _by_date(pl.DataFrame([days, *columns]), run)
    if not _are_plain_days(frame["date"], run) or not _is_plain(frame, raw=run.raw):
        return None
    if file.extra:
        run.notes.append(_ignored(file.name, file.extra))
    return Table(file.name, "", frame, file.extra)


def _are_plain_days(days: pl.Series, run: _Run) -> bool:
    """Whether ``_checked`` would find nothing in these days, which are sorted."""
    if not len(days) or days.null_count() or (not run.days.is_rising(days) and days.n_unique() < len(days)):
        return False
    # As numbers: Python has no date for every day that Parquet can hold.
    numbers, epoch = days.cast(pl.Int32), date(1970, 1, 1)
    return bool((date(1900, 1, 1) - epoch).days <= numbers[0] and numbers[-1] <= (run.today - epoch).days)


def _is_plain(frame: pl.DataFrame, *, raw: bool) -> bool:
    """Whether ``_checked`` would find nothing in the numbers of a frame sorted by date."""
    close, adjusted, high, low, volume = (
        frame[name] for name in ("close", "adj_close", "high", "low", "volume")
    )
    if not all(_is_within(frame[name], above=0.0) for name in PRICES):
        return False
    if close.null_count() and not (close.is_not_null() | adjusted.is_not_null()).all():
        return False
    if not ((close <= high * (1 + SLACK)).all() and (close >= low * (1 - SLACK)).all()):
        return False
    if (
        not _is_within(volume, above=-inf)
        or _or(volume.min(), 0.0) < 0
        or _or(volume.max(), 0.0) > MOST_SHARES
    ):
        return False
    if raw:
        return True
    # Rounded in another order than there: a factor as near as that to the limit is looked at exactly.
    ratio, limit = close / adjusted, LEAST_SPLIT * (1 - SLACK)
    factor = ratio[:-1] / ratio[1:]
    return 1 / limit < _or(factor.min(), 1.0) and _or(factor.max(), 1.0) < limit


def _is_within(numbers: pl.Series, *, above: float) -> bool:
    """Whether all are finite and above this; nulls are. A sum is not finite where any number is not."""
    return isfinite(_or(numbers.sum(), 0.0)) and _or(numbers.min(), inf) > above


def _or(value: object, otherwise: float) -> float:
    return otherwise if value is None else cast("float", value)


def _ignored(name: str, extra: Sequence[str]) -> str:
    return f"{name}: ignored the columns {', '.join(extra)}"


def _checked(path: Path, run: _Run) -> Table:
    """A file read cell by cell. Raises InputError on the first thing that is wrong."""
    table = read_table(path, KNOWN)
    require(table, ["date"], NEEDS)
    if not set(CLOSES) & set(table.frame.columns):
        require(table, CLOSES, NEEDS)
    if table.extra:
        run.notes.append(_ignored(table.name, table.extra))
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
    table.refuse(
        pl.col("date") > run.today,
        lambda row: f"{row['date']} is in the future (it is {run.today} in New York)",
        FIX,
    )
    _check_range(table)
    table = _once_a_day(table, run.notes)
    if not run.raw:
        check_splits(table)
    return table


def _check_range(table: Table) -> None:
    """Raise InputError on a close outside its own bar; the close may be its high or its low."""
    close, high, low = pl.col("close"), pl.col("high"), pl.col("low")
    table.refuse(
        close > high * (1 + SLACK),
        lambda row: f"close is {row['close']}, above the high {row['high']}",
        FIX,
    )
    table.refuse(
        close < low * (1 - SLACK),
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
    old = pl.col("written").str.contains(r"^1[0-8]\d\d-\d\d-\d\d")
    table.with_frame(days).refuse(
        column.is_null() & old,
        lambda row: f"date is {shown(row['written'])!r}, before 1900",
        "remove the rows before 1900",
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


def _settled(table: Table, run: _Run) -> pl.DataFrame:
    """Rows of sessions whose closing bell has rung; a note for each kind left out."""
    first, last = table.frame["date"].min(), table.frame["date"].max()
    assert isinstance(first, date)
    assert isinstance(last, date)
    frame = table.frame
    in_session = run.days.are_sessions(frame["date"], lambda: run.sessions(first, last))
    if in_session is not None:
        idle, frame = frame.filter(~in_session), frame.filter(in_session)
        run.notes.append(
            f"{table.name}: left out {_rows(idle)} on days without an NYSE session,"
            f" the first {idle['date'].sort()[0]}"
        )
    if is_session(last) and close_ns(last) > run.now_ns:
        frame = frame.filter(pl.col("date") < last)
        run.notes.append(f"{table.name}: left out {last}, still open, not settled")
    if not frame.height:
        raise InputError(f"{table.name}: no row is a settled NYSE session — check the dates")
    return frame


def _rows(frame: pl.DataFrame) -> str:
    return "1 row" if frame.height == 1 else f"{frame.height} rows"
