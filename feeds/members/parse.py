"""A fund's holdings as its sponsor (iShares, Invesco) or a person lists them, as a MemberList."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import polars as pl

from feeds.errors import SourceError
from feeds.files.names import shown
from feeds.members.checks import check_lines, check_unit, check_whole
from feeds.members.table import SECTOR, TICKERS, WEIGHTS, Table, check_cells
from feeds.parsing.sheet import read_sheet, text_of
from rotation.breadth.members import SCHEMA, MemberList

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from feeds.parsing.sheet import Sheet

TITLES = {"IWM": "russell 2000 etf", "QQQ": "invesco qqq"}
"""What the first line of a sponsor's file says, where it has a title."""
LEAST = {"IWM": 1_500, "QQQ": 90}
"""Members that a whole sponsor's file has at least: a shorter one was cut off, or is another fund's."""
MOST = 20_000
EARLIEST = date(1990, 1, 1)
"""No fund has published a list before."""
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
    """The members: lines of shares with a ticker, without cash, futures, escrow and private shares.

    ``as_of``: used where the file does not say its day. ``is_sponsors``: refuse what is no whole file of this
    fund. ``weights``, ``sectors``: headings of these columns; "" for the usual ones. ``is_named``: False
    where ``fund`` is no ticker, and the file may be of any. Raises SourceError for anything else than such a
    table, where no day is known, and for a line of a person's file that cannot be read.
    """
    what = f"{fund} holdings"
    sheet = _sheet(data, what)
    columns = _with_own(sheet.columns, {WEIGHTS[0]: weights, SECTOR: sectors}, fund)
    if is_named:
        _check_fund(sheet, fund)
    day = _day(sheet, as_of, what)
    _check_quotes(sheet, what)
    if not is_sponsors:
        check_cells(sheet, what)
    table = Table.of(sheet, columns, what)
    listing = table.read(is_published=bool(weights), is_sponsors=is_sponsors)
    (check_whole if is_sponsors else check_unit)(listing.weights, fund)
    # A fund is no member of its own: its return would explain itself.
    members = [each for each in listing.members if not (is_named and each[0] == fund)]
    if not members:
        raise SourceError(f"{what}: no members in the file")
    if len(members) > MOST or (is_sponsors and len(members) < LEAST.get(fund, 1)):
        raise SourceError(f"{what}: {len(members):,} members cannot be the whole fund")
    if is_sponsors:
        check_lines(*table.given(), fund)
    frame = pl.DataFrame(members, schema=SCHEMA, orient="row")
    return MemberList.of(fund, day, frame, left_out=listing.left_out)


def _sheet(data: bytes, what: str) -> Sheet:
    text = text_of(data, what)
    if not text.strip():
        raise SourceError(f"{what}: the file is empty")
    if text.lstrip()[:1] == "<":
        raise SourceError(f"{what}: got a web page instead of CSV")
    sheet = read_sheet(text, TICKERS, what)
    if sheet is None:
        raise NoTableError(f"{what}: no column Ticker or Symbol")
    return sheet


def _check_quotes(sheet: Sheet, what: str) -> None:
    """Raise SourceError where a line of the table takes others in. Of the notes below it one cell may."""
    is_narrow = len(sheet.rows[sheet.place]) == 1
    for at in range(sheet.place + 1, len(sheet.rows)):
        if sheet.ends[at] > sheet.lines[at] and (is_narrow or len(sheet.rows[at]) > 1):
            raise SourceError(f"{what}: line {sheet.lines[at]}: a quotation mark is not closed")


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


def _check_fund(sheet: Sheet, fund: str) -> None:
    title = " ".join(sheet.rows[0]).lower() if sheet.place else ""
    if title and fund in TITLES and " etf" in title and TITLES[fund] not in title:
        raise SourceError(f"{fund} holdings: the file is of another fund ({shown(' '.join(sheet.rows[0]))})")
    others = {cell.upper() for cell in _below(sheet, "fund ticker")} - {fund}
    if others:
        raise SourceError(f"{fund} holdings: the file is of another fund ({shown(min(others))})")


def _below(sheet: Sheet, heading: str) -> Sequence[str]:
    """The cells below a heading that are not empty; none where there is no such heading."""
    at = sheet.columns.get(heading)
    if at is None:
        return ()
    return [row[at].strip() for row in sheet.rows[sheet.place + 1 :] if len(row) > at and row[at].strip()]


def _day(sheet: Sheet, as_of: date | None, what: str) -> date:
    """The day that the file says of itself, else ``as_of``."""
    stated = next((row for row in sheet.rows[: sheet.place] if row and "as of" in row[0].lower()), None)
    if stated is not None:
        day = _date(",".join(stated[1:]) or stated[0].lower().partition("as of")[2])
    else:
        day = max((day for day in map(_date, _below(sheet, "date")) if day), default=None)
    day = day or as_of
    if day is None:
        raise UndatedError(f"{what}: the file does not say its date")
    if day < EARLIEST:
        raise SourceError(f"{what}: {day} cannot be its date")
    return day


def _date(text: str) -> date | None:
    for form in DATE_FORMS:
        try:
            return datetime.strptime(text.strip().strip('"'), form).replace(tzinfo=UTC).date()
        except ValueError:
            continue
    return None
