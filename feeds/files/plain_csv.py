"""A CSV file's bytes: whether all in them is plain, which Polars then reads as the exact reader would.

Looked through where they stand: copies of each file's bytes, made and let go, cost more than the looking.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import msgspec
import polars as pl

from feeds.files.tables import choose_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

_QUOTE = b'"'
_PLAIN = bytes(each for each in range(32, 127) if each not in b'",')
"""What cells are made of: neither quotes nor commas nor line ends."""
_PIECE = 1 << 16
"""Bytes."""
_BOM = b"\xef\xbb\xbf"
_NULLS = ["null", "NULL", "Null"]


class PlainCsv(msgspec.Struct, frozen=True):
    """A file in whose bytes nothing is in doubt, not read yet."""

    name: str
    chosen: dict[str, int]
    """The place of each wanted column that it holds."""
    extra: tuple[str, ...]
    """Headings of the other columns, as written."""
    _data: bytes
    _rows: int
    """Where the first line below the headings begins."""
    _width: int
    """Cells of a line."""
    _text: tuple[str, ...]
    _numbers: tuple[str, ...]
    _has_nulls: bool
    _is_quoted: bool
    """Whether every cell stands in quotes."""
    _hidden_commas: int
    """Commas inside quotes."""

    def scan(self) -> pl.LazyFrame:
        """The wanted columns, named by their places; a line with too many cells is an error of Polars."""
        kinds = {str(i): pl.String for i in range(self._width)}
        typed = {str(i): pl.Float64 for key, i in self.chosen.items() if key in self._numbers}
        return pl.scan_csv(
            self._data,
            has_header=False,
            skip_lines=1 if self._rows else 0,
            schema={**kinds, **typed},
            quote_char='"' if self._data.find(_QUOTE, self._rows) >= 0 else None,
            # To look for them in every cell takes a fifth of the reading.
            null_values=_NULLS if self._has_nulls else None,
        ).select(str(i) for i in self.chosen.values())

    def named(self, frame: pl.DataFrame) -> pl.DataFrame | None:
        """What was scanned, its columns by name; None where a line has too few cells, or a text none."""
        if not frame.height or not self._has_all_cells(frame.height):
            return None
        places = [str(self.chosen[key]) for key in self._text if key in self.chosen]
        if self._is_quoted and any((frame[place] == "").any() for place in places):
            return None  # an empty cell in quotes, which is text to Polars
        by_place = {str(i): key for key, i in self.chosen.items()}
        frame.columns = [by_place[column] for column in frame.columns]  # ``rename`` would be a query
        return frame

    def _has_all_cells(self, height: int) -> bool:
        """Whether no line is short, which Polars would fill up with nulls; it refuses a short first line."""
        if self._is_quoted:  # lines are alike
            return True
        commas = self._data.count(b",", self._rows) - self._hidden_commas
        return commas == (self._width - 1) * height


def plain_csv(data: bytes, name: str, text: Sequence[str], numbers: Sequence[str]) -> PlainCsv | None:
    """A file with these columns wanted; None where the exact reader has to look.

    Raises InputError if it holds one of them twice.
    """
    data = data.removeprefix(_BOM)
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    rows = data.find(b"\n") + 1
    if not _is_utf8(data) or not 0 < rows < len(data):
        return None
    # Dates and numbers have no such letter.
    has_nulls = data.find(b"l", rows) >= 0 or data.find(b"L", rows) >= 0
    hidden_commas: int | None = 0
    # Such quotes Polars reads as fast as they could be taken away; in them the word null is text to it.
    is_quoted = data.startswith(_QUOTE, rows) and not has_nulls and _are_quoted(data, rows)
    headings = _headings(data[: rows - 1])
    if not is_quoted and data.find(_QUOTE, rows) >= 0:
        data, rows = data[rows:], 0
        if data.startswith(_QUOTE) and _is_all_quoted(data):
            data = data.translate(None, _QUOTE)
        hidden_commas = _commas_in_quotes(data)
    if hidden_commas is None or not headings:
        return None
    chosen, extra = choose_columns(headings, (*text, *numbers), name)
    return PlainCsv(
        name,
        chosen,
        extra,
        data,
        rows,
        len(headings),
        tuple(text),
        tuple(numbers),
        has_nulls,
        is_quoted,
        hidden_commas,
    )


def _is_utf8(data: bytes) -> bool:
    if data.isascii():
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _headings(line: bytes) -> list[str]:
    """The cells of the first line, trimmed; none where it is blank or does not end with its quotes closed."""
    if line.count(_QUOTE) % 2:
        return []
    cells = [cell.strip() for cell in next(csv.reader([line.decode()]), [])]
    return cells if any(cells) else []


def _are_quoted(data: bytes, rows: int) -> bool:
    """Whether lines are alike once what cells are made of is left out: cells in quotes, apart by commas.

    ``rows``: where the first line begins. Looked at a piece at a time, which stays in the processor's cache.
    """
    end = data.find(b"\n", rows)
    line = data[rows : end if end >= 0 else None].translate(None, _PLAIN) + b"\n"
    if line != b'"",' * line.count(b",") + b'""\n':
        return False
    alike = line * (_PIECE // len(line) + 2)
    at = 0
    for start in range(rows, len(data), _PIECE):
        left = data[start : start + _PIECE].translate(None, _PLAIN)
        if not alike.startswith(left, at):
            return False
        at = (at + len(left)) % len(line)
    return at in (0, len(line) - 1)  # the last line may end with the file


def _is_all_quoted(body: bytes) -> bool:
    """Whether every cell stands in quotes that hide neither a comma nor a line's end: they may all go."""
    lines = body.removesuffix(b"\n")
    commas, ends = lines.count(b'","'), lines.count(b'"\n"')
    return (
        lines.endswith(_QUOTE)
        and lines.count(b",") == commas
        and lines.count(b"\n") == ends
        and lines.count(_QUOTE) == 2 * (commas + ends) + 2
        # A quote that closes one cell must not open the next.
        and b'","\n"' not in lines
        and b'"\n","' not in lines
    )


def _commas_in_quotes(data: bytes) -> int | None:
    """How many commas stand inside quotes; None unless every quote opens or closes a whole cell.

    Nothing is doubled, nothing stands beside a quote but a comma or the line's end.
    """
    if _QUOTE not in data:
        return 0
    parts = data.split(_QUOTE)
    if len(parts) % 2 == 0:
        return None
    first, last, between = parts[0], parts[-1], set(parts[2:-1:2])
    if (first and first[-1:] not in b",\n") or (last and last[:1] not in b",\n"):
        return None
    if not all(part and part[:1] in b",\n" and part[-1:] in b",\n" for part in between):
        return None
    return b"".join(parts[1::2]).count(b",")
