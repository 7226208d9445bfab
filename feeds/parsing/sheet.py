"""A table as a sponsor, a broker or a spreadsheet has written it: text of bytes, and rows of text. Pure."""

from __future__ import annotations

import codecs
import csv
from typing import TYPE_CHECKING, NamedTuple

from feeds.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MARKS = (",", ";", "\t")
"""What stands between cells; of two that fit the first. Tabs: Excel's "Unicode text"."""
HEAD_MOST = 50
"""Lines among which the headings are looked for."""
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
SAVE = 'save it as "CSV UTF-8"'


class Sheet(NamedTuple):
    """The rows of a file."""

    rows: list[list[str]]
    lines: list[int]
    """Of each row the line of the file on which it begins, from 1."""
    ends: list[int]
    """And the line on which it ends."""
    mark: str
    place: int
    """Of the row of headings."""
    columns: dict[str, int]
    """By heading, in lower case; of equal ones the first."""

    def table(self) -> list[tuple[int, list[str]]]:
        """Line and cells of each row with a cell under each heading: shorter ones stand below the table."""
        width = len(self.rows[self.place])
        below = zip(self.lines[self.place + 1 :], self.rows[self.place + 1 :], strict=True)
        return [(line, row) for line, row in below if len(row) >= width]


def text_of(data: bytes, what: str) -> str:
    """UTF-8, or UTF-16 where it begins so. Raises SourceError with ``what`` before it for anything else."""
    if data.startswith(_WORKBOOKS):
        raise SourceError(f"{what}: an Excel workbook, which is not read — {SAVE}")
    if data.startswith(_UTF16):
        try:
            return data.decode("utf-16")
        except UnicodeDecodeError as error:
            raise SourceError(f"{what}: its text is cut off — {SAVE} again") from error
    if b"\0" in data:
        raise SourceError(f"{what}: it is not text — {SAVE}")
    return data.decode("utf-8-sig", errors="replace")


def cell_under(row: Sequence[str], names: Sequence[str], columns: Mapping[str, int]) -> str:
    """Under the first of these headings that there is, trimmed; "" where there is none."""
    at = next((columns[name] for name in names if name in columns), None)
    return row[at].strip() if at is not None and at < len(row) else ""


def read_sheet(text: str, headings: Sequence[str], what: str) -> Sheet | None:
    """The table below the first row with one of these headings; None where no mark shows such a row.

    Raises SourceError, with ``what`` before it, for what is not CSV.
    """
    lines = text.splitlines()
    for mark in MARKS:
        sheet = _read(lines, mark, headings, what)
        if sheet is not None:
            return sheet
    return None


def _read(lines: Sequence[str], mark: str, headings: Sequence[str], what: str) -> Sheet | None:
    rows, begins, ends, before = list[list[str]](), list[int](), list[int](), 0
    place, columns = -1, dict[str, int]()
    reader = csv.reader(lines, delimiter=mark)
    try:
        for row in reader:
            if place < 0:
                columns = {cell.strip().lower(): at for at, cell in reversed(list(enumerate(row)))}
                if any(heading in columns for heading in headings):
                    place = len(rows)
                elif len(rows) >= HEAD_MOST:
                    return None
            rows.append(row)
            begins.append(before + 1)
            before = reader.line_num
            ends.append(before)
    except csv.Error as error:
        if place < 0:
            return None
        raise SourceError(f"{what}: line {before + 1}: not a line of CSV") from error
    return Sheet(rows, begins, ends, mark, place, columns) if place >= 0 else None
