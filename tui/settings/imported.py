"""Lists of symbols as other programs keep them: plain text, CSV, and the configuration of ``ticker``."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, NamedTuple

from rotation.errors import InputError
from tui.settings.values import shown, symbol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SIZE_MAX = 1_000_000
COLUMNS = ("symbol", "ticker", "symbols", "tickers")
"""Headings of the column that has them, in any case."""
YAML = (".yaml", ".yml")
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
    elif path.suffix.lower() == ".csv":
        listed = _of_csv(path, text)
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


def _of_csv(path: Path, text: str) -> Iterator[_Listed]:
    """The column ``symbol`` (or ``ticker``), as brokers export it; rows without one, as totals, are none."""
    lines = text.split("\n")
    first = next((n for n, line in enumerate(lines) if _column(line) is not None), None)
    if first is None:
        raise InputError(f"{path}: no column is called symbol or ticker")
    column = _column(lines[first])
    mark = _mark(lines[first])
    rows = csv.reader(io.StringIO("\n".join(lines[first + 1 :])), delimiter=mark, strict=True)
    number = first + 2
    try:
        for row in rows:
            if column is not None and column < len(row) and row[column].strip():
                yield _Listed(number, row[column].strip())
            number = first + 2 + rows.line_num
    except csv.Error as error:
        raise InputError(f"{path}, line {number}: {error}") from error


def _mark(line: str) -> str:
    return next((mark for mark in (",", ";", "\t") if mark in line), ",")


def _column(line: str) -> int | None:
    """Where the symbols stand, if this line is the header."""
    cells = [cell.strip().strip('"').lower() for cell in line.split(_mark(line))]
    return next((cells.index(name) for name in COLUMNS if name in cells), None)


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
