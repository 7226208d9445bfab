"""Tickers that changed their name: the same shares, so the same history goes on.

A name can be given up and taken by another company later, and can come back (FISV was FI for two years):
so each change has its day, and what counts is the last one that a name had part in.
"""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

import msgspec

from feeds.errors import InputError
from feeds.files.names import SYMBOL, read_bytes, shown

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

FILE = "renames.csv"
"""A person's own table beside the history: ``date,old,new``."""


class Rename(msgspec.Struct, frozen=True, order=True):
    """From ``day`` on the shares that were ``old`` trade as ``new``."""

    day: date
    old: str
    new: str


KNOWN = (
    Rename(date(2022, 6, 9), "FB", "META"),
    Rename(date(2022, 6, 28), "ANTM", "ELV"),
    Rename(date(2023, 6, 7), "FISV", "FI"),
    Rename(date(2023, 8, 30), "ABC", "COR"),
    Rename(date(2024, 8, 22), "GPS", "GAP"),
    Rename(date(2025, 1, 21), "SQ", "XYZ"),
    Rename(date(2025, 11, 11), "FI", "FISV"),
)
"""Large ones since 2022; others go into the person's own table."""


class Renames:
    """A table of changes; asked as of a day."""

    def __init__(self, table: Iterable[Rename] = KNOWN) -> None:
        self._table = sorted(set(table))

    def now(self, symbol: str, today: date) -> str:
        """What the shares that last traded under this name are called today."""
        past = [change for change in self._table if change.day <= today]
        mine = [change for change in past if symbol in {change.old, change.new}]
        name = symbol
        if mine and mine[-1].old == symbol:
            name = mine[-1].new
            for change in past:
                if change.day > mine[-1].day and change.old == name:
                    name = change.new
        return name

    def since(self, symbol: str, day: date, today: date) -> str:
        """What the shares that were called this on a day are called today."""
        name = symbol
        for change in self._table:
            if day < change.day <= today and change.old == name:
                name = change.new
        return name

    def changed(self, symbols: Iterable[str], day: date, today: date) -> dict[str, str]:
        """As ``since``, of those of these symbols of which the name is another one today."""
        old = {change.old for change in self._table if day < change.day <= today}
        names = {
            symbol: self.since(symbol, day, today) for symbol in (old.intersection(symbols) if old else ())
        }
        return {symbol: name for symbol, name in names.items() if name != symbol}

    def before(self, symbol: str, today: date) -> list[str]:
        """Earlier names of the shares called this today, the latest first."""
        names: list[str] = []
        name = symbol
        for change in reversed(self._table):
            if change.day <= today and change.new == name and change.old not in {symbol, *names}:
                name = change.old
                names.append(name)
        return names


def read_renames(path: Path) -> Renames:
    """The known renames and those in this file, if it exists. Raises InputError on an invalid line."""
    if not path.exists():
        return Renames()
    changes: list[Rename] = []
    text = read_bytes(path).decode("utf-8-sig", errors="replace")
    for count, line in enumerate(text.splitlines(), 1):
        cells = [cell.strip() for cell in line.split(",")]
        if not any(cells) or (count == 1 and cells[0].lower() == "date"):
            continue
        try:
            day, old, new = date.fromisoformat(cells[0]), *(cell.upper() for cell in cells[1:])
        except ValueError as error:
            raise _bad(path, count, line) from error
        if old == new or not all(re.fullmatch(SYMBOL, name) for name in (old, new)):
            raise _bad(path, count, line)
        changes.append(Rename(day, old, new))
    return Renames((*KNOWN, *changes))


def _bad(path: Path, count: int, line: str) -> InputError:
    return InputError(
        f"{shown(path.name)}, line {count}: {shown(line)!r} is not a valid rename"
        " — write it like 2022-06-09,FB,META"
    )
