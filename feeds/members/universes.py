"""The universes of a person's configuration: a holdings file each, read when a desk opens."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from feeds.errors import InputError, SourceError
from feeds.files.names import read_regular, shown, shown_path
from feeds.members.parse import NoTableError, parse_holdings
from feeds.parsing.shares import LineKind, kind_of
from feeds.parsing.sheet import text_of
from feeds.parsing.symbols import listed_symbol
from rotation.breadth.members import SCHEMA, MemberList

if TYPE_CHECKING:
    from datetime import date

    from rotation.desk import Universe

SIZE_MAX = 100_000_000
"""Bytes of a list of shares; the longest of a sponsor has some 2 MB."""


def load_universe(universe: Universe, today: date) -> MemberList:
    """Its members, under its name in capitals. Raises InputError that names the universe and the file.

    The day of the list is the one that the file says of itself, else ``universe.date``, else the day on which
    the file was last changed. A file without a heading is a list of symbols, a line each.
    """
    path = Path(universe.holdings)
    place = f"universes.{universe.name}: {shown_path(path)}"
    try:
        data = read_regular(path, SIZE_MAX)
        day = universe.date or datetime.fromtimestamp(path.stat().st_mtime, UTC).date()
        try:
            members = parse_holdings(
                data,
                universe.fund,
                as_of=day,
                weights=universe.weights,
                sectors=universe.sectors,
                is_named=False,
            )
        except NoTableError:
            if universe.weights or universe.sectors:
                raise
            symbols, left_out = _listed(text_of(data, f"{universe.fund} holdings"))
            frame = pl.DataFrame({"symbol": symbols}, schema={"symbol": pl.String}).select(
                "symbol",
                *(
                    pl.lit("" if kind == pl.String else None, kind).alias(name)
                    for name, kind in SCHEMA.items()
                    if name != "symbol"
                ),
            )
            members = MemberList.of(universe.fund, day, frame, left_out=left_out)
    except OSError as error:
        raise InputError(f"{place}: cannot be read ({error.strerror or error})") from error
    except (SourceError, InputError) as error:
        raise InputError(f"{place}: {error}") from error
    if universe.date is not None and members.as_of != universe.date:
        raise InputError(f"{place}: the file is dated {members.as_of}, not {universe.date} — leave out date")
    if members.as_of > today:
        raise InputError(f"{place}: {members.as_of} is in the future — check the date")
    return members


def _listed(whole: str) -> tuple[list[str], list[str]]:
    """A symbol a line, each once, and what is no share; # begins a comment. Raises InputError."""
    symbols: dict[str, None] = {}
    left_out = []
    for number, line in enumerate(whole.splitlines(), 1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        kind = kind_of(text)
        if kind is LineKind.UNREADABLE:
            raise InputError(f"line {number}: {shown(text)!r} is neither a symbol nor the heading of a table")
        if kind is LineKind.SHARE:
            symbols[listed_symbol(text.upper())] = None
        else:
            left_out.append(f"{shown(text)} (line {number})")
    if not symbols:
        raise InputError("no symbol in the file")
    return list(symbols), left_out
