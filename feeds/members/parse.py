"""A fund's holdings as its sponsor (iShares, Invesco) or a person lists them, as a MemberList."""

from __future__ import annotations

import csv
import re
from datetime import UTC, date, datetime
from math import fsum
from typing import TYPE_CHECKING

import polars as pl

from feeds.errors import SourceError
from feeds.files.names import SYMBOL, shown
from feeds.members.checks import check_lines, check_unit, check_whole
from feeds.parsing.sanitize import clean
from feeds.parsing.symbols import listed_symbol
from feeds.parsing.wire import number
from rotation.breadth.members import SCHEMA, MemberList

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TICKERS = ("ticker", "holding ticker", "symbol")
WEIGHTS = ("weight (%)", "weight", "weight_pct", "% of net assets")
SECTOR = "sector"
VALUES = ("market value", "marketvalue")
TITLES = {"IWM": "russell 2000 etf", "QQQ": "invesco qqq"}
"""What the first line of a sponsor's file says, where it has a title."""
LEAST = {"IWM": 1_500, "QQQ": 90}
"""Members that a whole sponsor's file has at least: a shorter one was cut off, or is another fund's."""
MOST = 20_000
EARLIEST = date(1990, 1, 1)
"""No fund has published a list before."""
ROUNDED = 0.011
"""Published weights are rounded to 0.01: where value over total agrees so far, it is the finer weight."""
GROUPED = r"[-+]?[1-9]\d{0,2}(,\d{3})+(\.\d*)?"
"""Thousands with commas between them."""
DATE_FORMS = ("%b %d, %Y", "%B %d, %Y", "%m/%d/%Y", "%Y-%m-%d")


class UndatedError(SourceError):
    """The file does not name its day, and none was given."""


class NoTableError(SourceError):
    """The file has no heading of a column of symbols."""


def parse_holdings(
    data: bytes,
    fund: str,
    *,
    as_of: date | None = None,
    is_sponsors: bool = False,
    weights: str = "",
    sectors: str = "",
    is_named: bool = True,
) -> MemberList:
    """The members: lines of class Equity with a ticker, without cash, futures, escrow and private shares.

    ``as_of``: used where the file does not say its day. ``is_sponsors``: refuse what is no whole file of this
    fund. ``weights``, ``sectors``: headings of these columns; "" for the usual ones. ``is_named``: False
    where ``fund`` is no ticker, and the file may be of any. Raises SourceError for anything else than such a
    table, and where no day is known.
    """
    text = data.decode("utf-8-sig", errors="replace")
    if not text.strip():
        raise SourceError(f"{fund} holdings: the file is empty")
    if text.lstrip()[:1] == "<":
        raise SourceError(f"{fund} holdings: got a web page instead of CSV")
    rows, spread = _rows(text.splitlines(), fund)
    place, columns = _header(rows, fund)
    width, columns = len(columns), _with_own(columns, {WEIGHTS[0]: weights, SECTOR: sectors}, fund)
    if is_named:
        _check_fund(rows, place, columns, fund)
    day = _day(rows, place, columns) or as_of
    if day is None:
        raise UndatedError(f"{fund} holdings: the file does not say its date")
    if day < EARLIEST:
        raise SourceError(f"{fund} holdings: {day} cannot be its date")
    _check_quotes(rows, place, spread, fund)
    table = [row for row in rows[place + 1 :] if len(row) >= width]
    known = _weights(table, columns, is_published=bool(weights))
    (check_whole if is_sponsors else check_unit)(known, fund)
    # A fund is no member of its own: its return would explain itself.
    members = [each for each in _members(table, columns, known) if not (is_named and each[0] == fund)]
    if not members:
        raise SourceError(f"{fund} holdings: no members in the file")
    if len(members) > MOST or (is_sponsors and len(members) < LEAST.get(fund, 1)):
        raise SourceError(f"{fund} holdings: {len(members):,} members cannot be the whole fund")
    if is_sponsors:
        check_lines(*_given(table, columns), fund)
    return MemberList.of(fund, day, pl.DataFrame(members, schema=SCHEMA, orient="row"))


def _rows(lines: Sequence[str], fund: str) -> tuple[list[list[str]], dict[int, int]]:
    """The rows, and of each that spans several lines, by place, its first line. Raises SourceError."""
    rows, spread, before = list[list[str]](), dict[int, int](), 0
    reader = csv.reader(lines)
    try:
        for row in reader:
            if reader.line_num > before + 1:
                spread[len(rows)] = before + 1
            before = reader.line_num
            rows.append(row)
    except csv.Error as error:
        raise SourceError(f"{fund} holdings: line {before + 1}: not a line of CSV") from error
    return rows, spread


def _check_quotes(rows: Sequence[Sequence[str]], place: int, spread: Mapping[int, int], fund: str) -> None:
    """Raise SourceError where a line of the table takes others in. Of the notes below it one cell may."""
    is_narrow = len(rows[place]) == 1
    for at, line in spread.items():
        if at > place and (is_narrow or len(rows[at]) > 1):
            raise SourceError(f"{fund} holdings: line {line}: a quotation mark is not closed")


def _header(rows: Sequence[Sequence[str]], fund: str) -> tuple[int, Mapping[str, int]]:
    for place, row in enumerate(rows[:50]):
        names = {cell.strip().lower(): at for at, cell in reversed(list(enumerate(row)))}
        if any(name in names for name in TICKERS):
            return place, names
    raise NoTableError(f"{fund} holdings: no column Ticker or Symbol")


def _with_own(columns: Mapping[str, int], own: Mapping[str, str], fund: str) -> dict[str, int]:
    """The columns, those that a person has named in the place of the usual ones."""
    named = dict(columns)
    for usual, heading in own.items():
        if heading:
            at = columns.get(heading.strip().lower())
            if at is None:
                raise SourceError(f"{fund} holdings: no column {shown(heading)!r}")
            named[usual] = at
    return named


def _check_fund(rows: Sequence[Sequence[str]], place: int, columns: Mapping[str, int], fund: str) -> None:
    title = " ".join(rows[0]).lower() if place else ""
    if title and fund in TITLES and " etf" in title and TITLES[fund] not in title:
        raise SourceError(f"{fund} holdings: the file is of another fund ({shown(' '.join(rows[0]))})")
    at = columns.get("fund ticker")
    if at is not None:
        named = {row[at].strip().upper() for row in rows[place + 1 :] if len(row) > at and row[at].strip()}
        if named - {fund}:
            raise SourceError(f"{fund} holdings: the file is of another fund ({shown(min(named - {fund}))})")


def _day(rows: Sequence[Sequence[str]], place: int, columns: Mapping[str, int]) -> date | None:
    for row in rows[:place]:
        if row and "as of" in row[0].lower():
            return _date(",".join(row[1:]) or row[0].lower().partition("as of")[2])
    at = columns.get("date")
    if at is None:
        return None
    days = {_date(row[at]) for row in rows[place + 1 :] if len(row) > at} - {None}
    return max(day for day in days if day) if days else None


def _date(text: str) -> date | None:
    for form in DATE_FORMS:
        try:
            return datetime.strptime(text.strip().strip('"'), form).replace(tzinfo=UTC).date()
        except ValueError:
            continue
    return None


def _cell(row: Sequence[str], columns: Mapping[str, int], names: Sequence[str]) -> str:
    at = next((columns[name] for name in names if name in columns), None)
    return row[at].strip() if at is not None and at < len(row) else ""


def _number(text: str) -> float | None:
    """None for what is no number, among them a decimal comma: 1,5 is neither 15 nor surely 1.5."""
    plain = text.rstrip("%").strip()
    return number(plain.replace(",", "") if re.fullmatch(GROUPED, plain) else plain)


def _given(
    table: Sequence[Sequence[str]], columns: Mapping[str, int]
) -> tuple[list[float | None], list[float | None]]:
    """Of every line the published weight, in percent, and the market value."""
    weights = [_number(_cell(row, columns, WEIGHTS)) for row in table]
    return weights, [_number(_cell(row, columns, VALUES)) for row in table]


def _weights(
    table: Sequence[Sequence[str]], columns: Mapping[str, int], *, is_published: bool = False
) -> list[float | None]:
    """In percent, of every line: published, and where the values agree with it value over total.

    ``is_published``: a person has named the column, and it stands as it is.
    """
    published, values = _given(table, columns)
    total = fsum(value or 0.0 for value in values)
    if total <= 0 or is_published:
        return published
    return [
        100 * value / total
        if value is not None and (weight is None or abs(100 * value / total - weight) <= ROUNDED)
        else weight
        for value, weight in zip(values, published, strict=True)
    ]


def _members(
    table: Sequence[Sequence[str]], columns: Mapping[str, int], weights: Sequence[float | None]
) -> list[tuple[str, str, str, float | None]]:
    members: dict[str, tuple[str, str, str, float | None]] = {}
    for row, weight in zip(table, weights, strict=True):
        symbol = listed_symbol(_cell(row, columns, TICKERS).upper())
        kind = _cell(row, columns, ("asset class",)).lower()
        exchange = _cell(row, columns, ("exchange",)).lower()
        is_listed = "no market" not in exchange and "non-nms" not in exchange
        is_share = re.fullmatch(SYMBOL, symbol) and re.search(r"[A-Z]", symbol)
        if is_share and is_listed and kind in ("", "equity"):
            name, sector = (clean(_cell(row, columns, (what,))) for what in ("name", SECTOR))
            members.setdefault(symbol, (symbol, name, "" if sector == "-" else sector, weight))
    return list(members.values())
