"""The lines of a holdings file below its headings: cells by name, weights, and what each line is."""

from __future__ import annotations

from math import fsum
from typing import TYPE_CHECKING, NamedTuple

from feeds.errors import SourceError
from feeds.files.names import shown
from feeds.parsing.decimals import decimal_mark, read_number
from feeds.parsing.sanitize import clean
from feeds.parsing.shares import LineKind, is_symbol, kind_of
from feeds.parsing.sheet import cell_under
from feeds.parsing.symbols import listed_symbol
from rotation.text import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from feeds.parsing.sheet import Sheet

TICKERS = ("ticker", "holding ticker", "symbol")
WEIGHTS = ("weight (%)", "weight", "weight_pct", "% of net assets")
SECTOR = "sector"
VALUES = ("market value", "marketvalue")
CLASSES = ("asset class",)
SHARES = ("", "equity", "equities", "stock", "stocks", "common stock")
"""What a column of classes says of shares."""
ROUNDED = 0.011
"""Published weights are rounded to 0.01: where value over total agrees so far, it is the finer weight."""

Member = tuple[str, str, str, float | None]
"""Symbol, name, sector, weight in percent: a row of ``rotation.breadth.members.SCHEMA``."""


class Read(NamedTuple):
    """What a table holds."""

    members: list[Member]
    left_out: list[str]
    """Lines of a person's file that are no members, by the symbol and the line of the file."""
    weights: list[float | None]
    """Of all lines but totals, in percent."""


class Table(NamedTuple):
    """The rows that have a cell under each heading."""

    rows: list[list[str]]
    lines: list[int]
    """Of each row its line of the file, from 1."""
    columns: Mapping[str, int]
    mark: str
    what: str
    """Before an error: what the table is."""

    @classmethod
    def of(cls, sheet: Sheet, columns: Mapping[str, int], what: str) -> Table:
        """``columns``: those of the sheet, or a person's own."""
        table = sheet.table()
        return cls([row for _, row in table], [line for line, _ in table], columns, sheet.mark, what)

    def cell(self, row: Sequence[str], names: Sequence[str]) -> str:
        """Under the first of these headings that there is; "" where there is none."""
        return cell_under(row, names, self.columns)

    def given(self, *, is_strict: bool = False) -> tuple[list[float | None], list[float | None]]:
        """Of every line the published weight, in percent, and the market value.

        ``is_strict``: raise SourceError for a weight with digits that is no number.
        """
        cells = [
            (line, self.cell(row, WEIGHTS), self.cell(row, VALUES))
            for line, row in zip(self.lines, self.rows, strict=True)
        ]
        decimal = "."
        if is_strict:
            of_all = [
                (line, cell, cell is weight) for line, weight, value in cells for cell in (weight, value)
            ]
            decimal = decimal_mark(of_all, self.mark, self.what)
        weights = [read_number(weight, decimal) for _, weight, _ in cells]
        for (line, cell, _), weight in zip(cells, weights, strict=True):
            if is_strict and weight is None and any(map(str.isdigit, cell)):
                raise SourceError(f"{self.what}: line {line}: {clean(cell, 40)!r} is not a number")
        return weights, [read_number(value, decimal) for _, _, value in cells]

    def weights(self, *, is_published: bool, is_strict: bool) -> list[float | None]:
        """In percent, of every line: published, and where the values agree with it value over total.

        ``is_published``: a person has named the column, and it stands as it is. ``is_strict``: see ``given``.
        """
        published, values = self.given(is_strict=is_strict)
        total = fsum(value or 0.0 for value in values)
        if total <= 0 or is_published:
            return published
        return [
            100 * value / total
            if value is not None and (weight is None or abs(100 * value / total - weight) <= ROUNDED)
            else weight
            for value, weight in zip(values, published, strict=True)
        ]

    def read(self, *, is_published: bool, is_sponsors: bool) -> Read:
        """The members, each once, by its first line. Raises SourceError for a line that cannot be read.

        ``is_sponsors``: such a line is left out, since the file says of each line what it is.
        """
        members: dict[str, Member] = {}
        left_out, known = list[str](), list[float | None]()
        weights = self.weights(is_published=is_published, is_strict=not is_sponsors)
        for row, line, weight in zip(self.rows, self.lines, weights, strict=True):
            cell = self.cell(row, TICKERS)
            if not any(map(str.strip, row)):
                continue
            kind = self._kind(row, cell)
            if kind is not LineKind.TOTAL:
                known.append(weight)
            symbol = listed_symbol(cell.upper())
            place = f"{shown(cell) or '(no symbol)'} (line {line}"
            if kind is LineKind.UNREADABLE and not is_sponsors:
                raise SourceError(f"{self.what}: line {line}: {shown(cell)!r} is not a symbol")
            if kind is not LineKind.SHARE:
                left_out.append(f"{place})")
            elif symbol in members:
                left_out.append(f"{place}, listed before)")
            else:
                name, sector = (clean(self.cell(row, (which,))) for which in ("name", SECTOR))
                members[symbol] = (symbol, name, "" if sector == "-" else sector, weight)
        return Read(list(members.values()), [] if is_sponsors else left_out, known)

    def _kind(self, row: Sequence[str], cell: str) -> LineKind:
        exchange = self.cell(row, ("exchange",)).lower()
        stated = self.cell(row, CLASSES).lower()
        if stated not in SHARES or "no market" in exchange or "non-nms" in exchange:
            return LineKind.OTHER
        if stated:  # CASH of class Equity is a share
            return LineKind.SHARE if is_symbol(cell.upper()) else LineKind.OTHER
        return kind_of(cell, self.cell(row, ("name",)), self.cell(row, (SECTOR,)))


def check_cells(sheet: Sheet, what: str) -> None:
    """Raise SourceError for a line of a person's table with more or fewer cells than there are headings.

    With more, a comma within a name has moved those behind it; with fewer, the line was cut off, unless it
    stands below the table and is no symbol.
    """
    width = len(sheet.rows[sheet.place])
    symbols = next(sheet.columns[name] for name in TICKERS if name in sheet.columns)
    below = list(range(sheet.place + 1, len(sheet.rows)))
    last = max((at for at in below if len(sheet.rows[at]) >= width), default=sheet.place)
    for at in below:
        row = sheet.rows[at]
        has_more = any(map(str.strip, row[width:]))
        is_cut = (
            len(row) < width
            and any(map(str.strip, row))
            and (at < last or (len(row) > symbols and is_symbol(row[symbols].strip())))
        )
        if has_more or is_cut:
            raise SourceError(
                f"{what}: line {sheet.lines[at]}: {counted(len(row), 'cell')} under {width} headings — "
                + ("put a name with a comma in quotation marks" if has_more else "is the line cut off?")
            )
