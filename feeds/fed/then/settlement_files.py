"""Settlements of 30-Day Fed Funds futures from a person's files, as exchanges and vendors write them.

One row a contract and day (``contract_symbol, close_price, as_of_date``), one a field (``ZQU24.CBT.Close``),
a column a contract, a file a contract (``ZQU24.csv``), or the front month alone (``ZQ_front_month.csv``).
Exchanges mark indicative settlements (``95.3050A``) and add a Total row.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from feeds.errors import InputError
from feeds.files.names import find_files, shown
from feeds.files.tables import AT, read_table
from rotation.fed.strip.checks import check_price
from rotation.fed.strip.contracts import Month, month_meant, name
from rotation.fed.strip.errors import PriceError
from rotation.history import DIGITS
from rotation.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

DATES = ("date", "as_of_date", "trade_date", "tradedate", "session", "day", "index")
CONTRACTS = ("contract", "contract_symbol", "symbol", "name", "ticker", "instrument", "month", "term")
PRICES = (
    "settle",
    "settlement",
    "settlement_price",
    "settle_price",
    "close",
    "close_price",
    "price",
    "value",
)
"""Headings of each, the better ones first."""
FIELDS = ("SETTLE", "SETTLEMENT", "CLOSE")
"""Last parts of names such as ``ZQU24.CBT.Close`` that mean settlements; others do not."""
TOTALS = ("TOTAL", "TOTALS")
_PRICE = re.compile(r"(\d{2,3}(?:\.\d+)?)[AB]?")
_FRONT = re.compile(r"FRONT|ZQ=F|CONTINUOUS")


class Row(msgspec.Struct, frozen=True):
    """One contract's settlement of one day, and where it stands."""

    month: Month
    session: date
    price: float
    file: str
    line: int
    is_front: bool = False
    """Of a series that does not name its contract: one that does comes before it."""


class Imported(msgspec.Struct, frozen=True):
    """What the files hold."""

    rows: tuple[Row, ...]
    """Sorted by contract and day, one each."""
    notes: tuple[str, ...]
    """What was left out, a line each."""


def read_settlements(paths: Sequence[Path], today: date) -> Imported:
    """Read all of the files. Raises InputError with file and line on the first thing that is in doubt."""
    kept: dict[tuple[Month, date], Row] = {}
    notes: list[str] = []
    for path in find_files(paths):
        expired = empty = 0
        for row in _rows(path, today):
            if row is None:
                empty += 1
            elif (row.session.year, row.session.month) > row.month:
                expired += 1
            else:
                _keep(kept, row)
        file = shown(path.name)
        if expired:
            notes.append(f"{file}: {counted(expired, 'row')} after the contract's expiry left out")
        if empty:
            notes.append(f"{file}: {counted(empty, 'row')} without a settlement left out")
    if not kept:
        raise InputError("no settlement in these files — a row needs a date, a ZQ contract and a settlement")
    return Imported(tuple(kept[key] for key in sorted(kept)), tuple(notes))


def _keep(kept: dict[tuple[Month, date], Row], row: Row) -> None:
    key = row.month, row.session
    known = kept.get(key)
    if known is None or (known.is_front and not row.is_front):
        kept[key] = row
    elif known.price != row.price and known.is_front == row.is_front:
        raise InputError(
            f"{row.file}, line {row.line}: {name(row.month)} settled at {row.price:g} on {row.session}, "
            f"but at {known.price:g} in {known.file}, line {known.line} — remove one"
        )


def _rows(path: Path, today: date) -> Iterator[Row | None]:
    """Each settlement of a file; None for a row that has none."""
    table = read_table(path)
    file, frame = table.name, table.frame
    headings = [heading for heading in frame.columns if heading != AT]
    days = _first(DATES, headings)
    if days is None:
        raise InputError(f"{file}: has no column of dates — name one of them date")
    wide = {heading: month for heading in headings if (month := month_meant(heading, None)) is not None}
    if wide:
        for cells in frame.iter_rows(named=True):
            session = _session(cells[days], file, cells[AT], today)
            yield from (
                _row(cells[heading], month, session, file, cells[AT]) for heading, month in wide.items()
            )
        return
    prices, contracts = _first(PRICES, headings), _first(CONTRACTS, headings)
    if prices is None:
        raise InputError(f"{file}: has no column of settlements — name one of them settle")
    stem = path.stem.upper()
    of_file = month_meant(stem, None) if contracts is None else None
    is_front = contracts is None and of_file is None and _FRONT.search(stem) is not None
    if contracts is None and of_file is None and not is_front:
        raise InputError(f"{file}: names no contract — add a column contract, or call the file ZQU24.csv")
    for cells in frame.iter_rows(named=True):
        line = cells[AT]
        if contracts is not None:
            written = str(cells[contracts] or "").strip().upper()
            if written in TOTALS or _is_other_field(written):
                continue
        session = _session(cells[days], file, line, today)
        month = of_file or ((session.year, session.month) if is_front else month_meant(written, session))
        if month is None:
            raise InputError(
                f"{file}, line {line}: {shown(written)!r} is not a ZQ contract — write it like ZQU24, SEP 24"
            )
        yield _row(cells[prices], month, session, file, line, is_front=is_front)


def _first(wanted: Sequence[str], headings: Sequence[str]) -> str | None:
    return next((each for each in wanted if each in headings), None)


def _is_other_field(written: str) -> bool:
    parts = written.split(".")
    return len(parts) > 2 and parts[-1] not in FIELDS


def _session(cell: Any, file: str, line: int, today: date) -> date:
    if isinstance(cell, datetime):
        day = cell.date()
    elif isinstance(cell, date):
        day = cell
    else:
        day = _day_written(str(cell or "").strip(), file, line)
    if day > today:
        raise InputError(f"{file}, line {line}: {day} is in the future — check the date")
    if day.isoweekday() > 5:
        raise InputError(
            f"{file}, line {line}: {day} is a {day:%A}, on which nothing settles — check the date"
        )
    return day


def _day_written(text: str, file: str, line: int) -> date:
    for form, part in (("%Y-%m-%d", text[:10]), ("%m/%d/%Y", text)):
        try:
            return datetime.strptime(part, form).date()  # noqa: DTZ007 - a date has no zone
        except ValueError:
            continue
    raise InputError(f"{file}, line {line}: {shown(text)!r} is not a date — write it as 2024-07-16")


def _row(
    cell: Any, month: Month, session: date, file: str, line: int, *, is_front: bool = False
) -> Row | None:
    text = "" if cell is None else str(cell).strip().upper()
    if text in ("", "-", "NAN", "NA", "N/A", "UNCH", "NULL"):
        return None
    match = _PRICE.fullmatch(text)
    price = float(match[1]) if match else float("nan")
    # Vendors store 32 bits: 94.78500366 for 94.785.
    price = float(f"{price:.{DIGITS}g}")
    try:
        check_price(month, price)
    except PriceError as error:
        raise InputError(
            f"{file}, line {line}: {shown(text)!r} is not a settlement of {name(month)}: {error}"
        ) from error
    return Row(month, session, price, file, line, is_front)
