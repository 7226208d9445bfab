"""A file that names symbols: one a line, or a fund's list of holdings as its issuer exports it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from feeds.errors import InputError, SourceError
from feeds.files.names import SYMBOL, read_bytes, shown
from feeds.parsing.shares import LineKind, kind_of
from feeds.parsing.sheet import cell_under, read_sheet, text_of
from feeds.parsing.symbols import CLASSES

if TYPE_CHECKING:
    from pathlib import Path

    from feeds.parsing.sheet import Sheet

_HEADINGS = ("ticker", "symbol")
_KIND = "asset class"
_MOST = 20_000


def read_universe(path: Path) -> list[str]:
    """The symbols, upper-cased, each once, in the file's order.

    A table has a heading ``Ticker`` or ``Symbol``, perhaps below some lines of title; with a column ``Asset
    Class`` only what is Equity counts, and lines of cash, futures of a fund and the like are left out. Any
    other file is a list: a symbol a line, ``#`` begins a comment. Raises InputError, which names the line of
    what cannot be a symbol.
    """
    try:
        text = text_of(read_bytes(path), shown(path.name))
        sheet = read_sheet(text, _HEADINGS, shown(path.name))
    except SourceError as error:
        raise InputError(str(error)) from error
    symbols = _list(path, text) if sheet is None else _table(path, sheet)
    if not symbols:
        raise InputError(f"{shown(path.name)}: contains no symbol — write one per line")
    if len(symbols) > _MOST:
        raise InputError(f"{shown(path.name)}: contains {len(symbols):,} symbols — the limit is {_MOST:,}")
    return symbols


def _table(path: Path, sheet: Sheet) -> list[str]:
    """As the lists of members are read: cash is no share, and what cannot be a symbol is named."""
    symbols: dict[str, None] = {}
    for line, row in sheet.table():
        cell = cell_under(row, _HEADINGS, sheet.columns)
        symbol = CLASSES.get(cell.upper(), cell.upper())
        stated, name, sector = (
            cell_under(row, (heading,), sheet.columns) for heading in (_KIND, "name", "sector")
        )
        kind = LineKind.SHARE if stated or "=" in symbol else kind_of(symbol, name, sector)
        if kind is LineKind.UNREADABLE:
            raise InputError(f"{shown(path.name)}, line {line}: {shown(cell)!r} is not a symbol")
        is_wanted = kind is LineKind.SHARE and stated.lower() in ("", "equity")
        if is_wanted and re.fullmatch(SYMBOL, symbol) and re.search(r"[A-Z]", symbol):
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
