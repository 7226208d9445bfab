"""A file that names symbols: one a line, or a fund's list of holdings as its issuer exports it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from feeds.errors import InputError, SourceError
from feeds.files.names import SYMBOL, read_bytes, shown
from feeds.parsing.sheet import read_sheet, text_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_HEADINGS = ("ticker", "symbol")
_KIND = "asset class"
_MOST = 20_000


def read_universe(path: Path) -> list[str]:
    """The symbols, upper-cased, each once, in the file's order.

    A table has a heading ``Ticker`` or ``Symbol``, perhaps below some lines of title; with a column ``Asset
    Class`` only what is Equity counts, and rows without a ticker of a share (cash, futures) are left out. Any
    other file is a list: a symbol a line, ``#`` begins a comment. Raises InputError.
    """
    try:
        text = text_of(read_bytes(path), shown(path.name))
        sheet = read_sheet(text, _HEADINGS, shown(path.name))
    except SourceError as error:
        raise InputError(str(error)) from error
    if sheet is None:
        symbols = _list(path, text)
    else:
        headings = sheet.rows[sheet.place]
        column = next(sheet.columns[name] for name in _HEADINGS if name in sheet.columns)
        below = sheet.rows[sheet.place + 1 :]
        symbols = _table(below, column, sheet.columns.get(_KIND), len(headings))
    if not symbols:
        raise InputError(f"{shown(path.name)}: contains no symbol — write one per line")
    if len(symbols) > _MOST:
        raise InputError(f"{shown(path.name)}: contains {len(symbols):,} symbols — the limit is {_MOST:,}")
    return symbols


def _table(rows: Sequence[Sequence[str]], column: int, kind: int | None, width: int) -> list[str]:
    symbols: dict[str, None] = {}
    for row in rows:
        if len(row) < width:  # a disclaimer below the table
            continue
        symbol = row[column].strip().upper()
        is_share = kind is None or row[kind].strip().lower() == "equity"
        if is_share and re.fullmatch(SYMBOL, symbol) and re.search(r"[A-Z]", symbol):
            symbols[symbol] = None
    return list(symbols)


def _list(path: Path, text: str) -> list[str]:
    symbols: dict[str, None] = {}
    for count, line in enumerate(text.splitlines(), 1):
        symbol = line.partition("#")[0].strip().upper()
        if not symbol:
            continue
        if not re.fullmatch(SYMBOL, symbol):
            raise InputError(
                f"{shown(path.name)}, line {count}: {shown(symbol)!r} is not a valid symbol"
                " (1 to 15 of A-Z 0-9 . ^ = -) — one per line"
            )
        symbols[symbol] = None
    return list(symbols)
