"""A user's CSV or Parquet file as a Table: trimmed header, cells, and each row's place in the file.

A Table's ``refuse`` turns the first bad row into the one-line error that a person reads. CSV cells
stay text here (an empty cell or ``null`` is null); what they mean is the business of feeds.files.columns.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from feeds.errors import InputError, StrayError
from feeds.files.names import read_bytes, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

AT = "_at"
"""The column that holds a row's place: the 1-based line of a CSV, the 1-based row of a Parquet file."""

_LOOK = 4096
_WORKBOOK = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_DECIMAL_COMMA = r"^[+-]?(\d{1,3}(\.\d{3})+|\d+),\d+$"
_BLANK = " \t,"
"""A line of nothing else is what a spreadsheet leaves under its data."""


@dataclass(frozen=True)
class Table:
    """One file: ``frame`` has the column AT and those known columns that the file holds."""

    name: str
    unit: str
    """What AT counts: ``line`` of a CSV (its cells are text) or ``row`` of a Parquet file."""
    frame: pl.DataFrame
    extra: tuple[str, ...] = ()
    """Headings of the columns that are not used, as written."""

    def refuse(self, bad: pl.Expr, what: Callable[[dict[str, Any]], str], todo: str) -> None:
        """Raise InputError on the first row for which ``bad`` holds; ``what`` words that row."""
        rows = self.frame.filter(bad)
        if rows.height:
            row = rows.row(0, named=True)
            others = f" ({rows.height - 1} more like it)" if rows.height > 1 else ""
            raise InputError(f"{self.name}, {self.unit} {row[AT]}: {what(row)} — {todo}{others}")

    def with_frame(self, frame: pl.DataFrame) -> Table:
        """The same file with other cells."""
        return replace(self, frame=frame)


def read_table(path: Path, known: Sequence[str] | None = None) -> Table:
    """Read a file's ``known`` columns, or all; headings are matched trimmed, in any case, blanks as ``_``.

    Raises InputError if the file cannot be read, has no rows, or holds a known column twice.
    """
    name = shown(path.name)
    if path.suffix.lower() == ".csv":
        unit, (headings, frame) = "line", _read_csv(read_bytes(path), name)
    else:
        unit, (headings, frame) = "row", _read_parquet(read_bytes(path), name)
    chosen, extra = choose_columns(headings, known, name)
    if not frame.height:
        raise StrayError(f"{name}: has no rows — export it again")
    return Table(name, unit, frame.select(AT, **{key: pl.col(str(i)) for key, i in chosen.items()}), extra)


def choose_columns(
    headings: Sequence[str], known: Sequence[str] | None, name: str
) -> tuple[dict[str, int], tuple[str, ...]]:
    """The place of each known column that a file holds, and the headings of the others, as written.

    None knows them all.

    Raises InputError if it holds a known column twice.
    """
    chosen: dict[str, int] = {}
    extra: list[str] = []
    for i, heading in enumerate(headings):
        key = heading.strip().lower().replace(" ", "_")
        if known is not None and key not in known:
            extra.append(shown(heading) or "(unnamed)")
        elif key in chosen:
            raise InputError(f"{name}: has two columns {key} — remove one")
        else:
            chosen[key] = i
    return chosen, tuple(extra)


def parse_parquet(data: bytes, name: str, columns: list[str] | None = None) -> pl.DataFrame:
    """Parquet bytes as a frame; InputError if they are damaged."""
    try:
        return pl.read_parquet(io.BytesIO(data), columns=columns)
    # Some damaged files make Polars panic where others make it raise.
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise InputError(f"{name}: is not a readable Parquet file — export it again") from error


def _read_parquet(data: bytes, name: str) -> tuple[list[str], pl.DataFrame]:
    frame = parse_parquet(data, name)
    headings = frame.columns
    frame.columns = [str(i) for i in range(frame.width)]
    return headings, frame.with_row_index(AT, 1)


def _read_csv(data: bytes, name: str) -> tuple[list[str], pl.DataFrame]:
    if b"\0" in data[:_LOOK] or data.startswith(_WORKBOOK):
        raise StrayError(
            f"{name}: is a binary file (perhaps a workbook of a spreadsheet), not CSV — export it as CSV"
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"{name}, line {line}: is not UTF-8 text — save the file as UTF-8") from error
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    mark = _delimiter(text)
    rows = _quoted(text, name, mark) if '"' in text else _plain(text, mark)
    if not rows.height:
        raise StrayError(f"{name}: is empty — export it again")
    rows = _of_yfinance(rows, name)
    headings = [heading.strip() for heading in rows["cells"][0]]
    Table(name, "line", rows).refuse(
        pl.col("cells").list.len() != len(headings),
        lambda row: f"the header has {len(headings)} cells, this row {len(row['cells'])}",
        "fix or remove the row",
    )
    cells = (pl.col("cells").list.get(i).str.strip_chars().alias(str(i)) for i in range(len(headings)))
    given = ~pl.col(pl.String).str.to_lowercase().is_in(["", "null"])
    body = rows.slice(1).select(AT, *cells)
    body = body.with_columns(pl.when(given).then(pl.col(pl.String)))
    return headings, body if mark == "," else _with_points(body, headings, name)


def _delimiter(text: str) -> str:
    """The comma, unless the header has none and a semicolon or a tab instead."""
    header = next((line for line in text.split("\n") if line.strip(_BLANK)), "")
    return next((mark for mark in (",", ";", "\t") if mark in header), ",")


def _of_yfinance(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    """Without yfinance's second and third header line: ``Price,Close,…``, ``Ticker,IWM,…``, ``Date,,…``."""
    heads = [[cell.strip() for cell in cells] for cells in rows["cells"][:3].to_list()]
    if len(heads) < 3 or [head[0].lower() for head in heads] != ["price", "ticker", "date"]:
        return rows
    tickers = {cell for cell in heads[1][1:] if cell}
    if len(tickers) > 1 or any(heads[2][1:]):
        raise InputError(f"{name}: holds {shown(', '.join(sorted(tickers)))} — export one file per symbol")
    header = pl.DataFrame({AT: [rows[AT][0]], "cells": [["date", *heads[0][1:]]]}, schema=rows.schema)
    return pl.concat([header, rows.slice(3)])


def _with_points(body: pl.DataFrame, headings: Sequence[str], name: str) -> pl.DataFrame:
    """Decimal commas of a file whose cells are kept apart by another mark: ``1.234,56`` is 1234.56.

    Raises InputError where a comma could be either: three digits behind every one of a column.
    """
    changed = []
    for i, heading in enumerate(headings):
        column = body[str(i)]
        cells = column.drop_nulls()
        with_comma = cells.filter(cells.str.contains(",", literal=True))
        if not with_comma.len() or not with_comma.str.contains(_DECIMAL_COMMA).all():
            continue
        if with_comma.str.contains(r"^\d{1,3},\d{3}$").all():
            example = shown(with_comma[0])
            raise InputError(
                f"{name}: {heading} {example!r} may be thousands or decimals — write a decimal point"
            )
        points = column.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
        has_comma = column.str.contains(",", literal=True)
        changed.append(pl.when(has_comma).then(points).otherwise(column).alias(str(i)))
    return body.with_columns(*changed)


def _plain(text: str, mark: str) -> pl.DataFrame:
    lines = pl.DataFrame({"line": text.split("\n")}).with_row_index(AT, 1)
    filled = lines.filter(pl.col("line").str.strip_chars(_BLANK + mark) != "")
    return filled.select(AT, pl.col("line").str.split(mark).alias("cells"))


def _quoted(text: str, name: str, mark: str) -> pl.DataFrame:
    """Quotes may hide commas and line ends: the slower reader, row by row, which counts lines too."""
    reader = csv.reader(io.StringIO(text), strict=True, delimiter=mark)
    places: list[int] = []
    rows: list[list[str]] = []
    ended = 0
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                places.append(ended + 1)
                rows.append(row)
            ended = reader.line_num
    except csv.Error as error:
        raise InputError(f"{name}, line {ended + 1}: {error} — fix the quotes") from error
    return pl.DataFrame({AT: places, "cells": rows}, schema={AT: pl.UInt32, "cells": pl.List(pl.String)})
