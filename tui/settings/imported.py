"""Lists of symbols as other programs keep them: plain text, CSV, and the configuration of ``ticker``."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, NamedTuple

from rotation.errors import InputError
from tui.settings.values import shown, symbol
from tui.view.draw import clean

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SIZE_MAX = 1_000_000
COLUMNS = ("symbol", "ticker", "symbols", "tickers")
"""Headings of the column that has them, in any case."""
YAML = (".yaml", ".yml")
TABLES = (".csv", ".tsv")
"""Any other file is one, too, if its first line has such a heading."""
MARKS = (",", ";", "\t")
NAMED = 120
"""Characters of a first line that an error repeats."""
TICKER = "of ticker's YAML only lists of plain names under watchlist: are read"


class _Listed(NamedTuple):
    line: int
    text: str


def symbols_of(path: Path) -> tuple[str, ...]:
    """The symbols of a file, each once, in order. Raises InputError with the file and the line."""
    try:
        with path.open("rb") as file:
            raw = file.read(SIZE_MAX + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    if len(raw) > SIZE_MAX or b"\0" in raw:
        raise InputError(f"{path}: this is no list of symbols (a text file of at most 1 MB)")
    try:
        text = raw.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}, line {line}: not UTF-8; save the file as UTF-8") from error
    if path.suffix.lower() in YAML:
        listed = _of_ticker(path, text)
    elif path.suffix.lower() in TABLES or _header(_first(text)) is not None:
        listed = _of_table(path, text)
    else:
        listed = _of_text(text)
    symbols = dict.fromkeys(_checked(path, each) for each in listed)
    if not symbols:
        raise InputError(f"{path}: holds no symbols")
    return tuple(symbols)


def _checked(path: Path, listed: _Listed) -> str:
    try:
        return symbol(listed.text)
    except ValueError as error:
        raise InputError(f"{path}, line {listed.line}: {error}") from error


def _of_text(text: str) -> Iterator[_Listed]:
    """One or several a line, with blanks or commas between; what follows # is a comment."""
    for number, line in enumerate(text.split("\n"), 1):
        for item in line.partition("#")[0].replace(",", " ").replace(";", " ").split():
            yield _Listed(number, item)


def _first(text: str) -> str:
    """The first line that is neither empty nor a comment."""
    lines = (line for line in text.split("\n") if line.strip() and not line.lstrip().startswith("#"))
    return next(lines, "")


def _of_table(path: Path, text: str) -> Iterator[_Listed]:
    """The column ``symbol`` (or ``ticker``), as brokers export it; rows without one, as totals, are none."""
    lines = text.split("\n")
    headers = ((n, header) for n, line in enumerate(lines) if (header := _header(line)) is not None)
    first, header = next(headers, (0, None))
    if header is None:
        if not (line := _first(text)):
            return
        mark = max(MARKS, key=line.count)
        heads = ", ".join(cell.strip() for cell in _cells(line, mark) if cell.strip())
        raise InputError(
            f"{path}: no column is called symbol or ticker; the first line has {clean(heads)[:NAMED]}"
        )
    rows = csv.reader(io.StringIO("\n".join(lines[first + 1 :])), delimiter=header.mark, strict=True)
    number = first + 2
    try:
        for row in rows:
            if header.column < len(row) and row[header.column].strip():
                yield _Listed(number, row[header.column].strip())
            number = first + 2 + rows.line_num
    except csv.Error as error:
        raise InputError(f"{path}, line {number}: {error}") from error


class _Header(NamedTuple):
    mark: str
    """What stands between the cells."""
    column: int
    """Where the symbols stand."""


def _cells(line: str, mark: str) -> list[str]:
    return next(csv.reader([line], delimiter=mark), [])


def _header(line: str) -> _Header | None:
    """What this line says of the table, if it is the header."""
    for mark in MARKS:
        cells = [cell.strip().lower() for cell in _cells(line, mark)]
        column = next((cells.index(name) for name in COLUMNS if name in cells), None)
        if column is not None:
            return _Header(mark, column)
    return None


_KEY = re.compile(r"(\s*)(?:- +)?([\w-]+):\s*(.*)")
_ITEM = re.compile(r"\s*- +(?:\"([^\"]+)\"|'([^']+)'|([^\s#\"'{\[&*!|>%@`][^#]*?))\s*(?:#.*)?")


def _of_ticker(path: Path, text: str) -> Iterator[_Listed]:
    """The names under every ``watchlist:``, those of groups too; no other YAML is understood.

    Raises InputError for an entry under ``watchlist:`` that is no plain name.
    """
    is_list, seen = False, False
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.lstrip().startswith(("#", "---")):
            continue
        if is_list and (item := _ITEM.fullmatch(line)) and ":" not in (item[3] or ""):
            yield _Listed(number, next(part for part in item.groups() if part).strip())
            continue
        key = _KEY.fullmatch(line)
        if is_list and key is None:
            raise InputError(f"{path}, line {number}: {shown(line.strip())} is not understood: {TICKER}")
        if key is None:
            continue
        is_list = key[2] == "watchlist"
        seen = seen or is_list
        if is_list and key[3].partition("#")[0].strip():
            raise InputError(f"{path}, line {number}: {shown(line.strip())} is not understood: {TICKER}")
    if not seen:
        raise InputError(f"{path}: has no watchlist: — {TICKER}")
