"""A user's file of plain cells, read in one pass: typed columns, or None where anything is in doubt.

Nearly every file is of this kind. The exact reader (feeds.files.tables) takes ten times as long, and
knows what a bad cell is and on which line it stands: whoever gets None here asks it.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import msgspec
import polars as pl

from feeds.errors import InputError
from feeds.files.names import read_bytes, shown
from feeds.files.tables import choose_columns, parse_parquet

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_QUOTE = b'"'
_PLAIN = bytes(each for each in range(32, 127) if each not in b'",')
"""What cells are made of: neither quotes nor commas nor line ends."""
_BOM = b"\xef\xbb\xbf"
_NULLS = ["null", "NULL", "Null"]


class PlainFile(msgspec.Struct, frozen=True):
    """One file's columns, by name."""

    name: str
    frame: pl.DataFrame
    """Those wanted that the file holds: text or Float64 of a CSV; of a Parquet file as they are."""
    extra: tuple[str, ...]
    """Headings of the other columns, as written."""


def read_plain(path: Path, *, text: Sequence[str], numbers: Sequence[str]) -> PlainFile | None:
    """Read a file's ``text`` and ``numbers`` columns; None where the exact reader has to look.

    What is read here is what ``read_table`` and ``parse_numbers`` would make of it. Raises InputError if the
    file cannot be read.
    """
    name, data = shown(path.name), read_bytes(path)
    try:
        if path.suffix.lower() == ".csv":
            return _read_csv(data, name, text, numbers)
        frame = parse_parquet(data, name)
        chosen, extra = choose_columns(frame.columns, (*text, *numbers), name)
    except (InputError, pl.exceptions.PolarsError, pl.exceptions.PanicException):
        return None
    wanted = frame.select(frame.to_series(i).alias(key) for key, i in chosen.items())
    return PlainFile(name, wanted, extra) if wanted.height else None


def _read_csv(data: bytes, name: str, text: Sequence[str], numbers: Sequence[str]) -> PlainFile | None:
    data = data.removeprefix(_BOM)
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if not _is_utf8(data):
        return None
    head, _, body = data.partition(b"\n")
    has_nulls = b"l" in body or b"L" in body  # dates and numbers have no such letter
    hidden_commas: int | None = 0
    # Such quotes Polars reads as fast as they could be taken away; in them the word null is text to it.
    is_quoted = body.startswith(_QUOTE) and not has_nulls and _are_quoted(body)
    if not is_quoted:
        if body.startswith(_QUOTE) and _is_all_quoted(body):
            body = body.translate(None, _QUOTE)
        hidden_commas = _commas_in_quotes(body)
    headings = _headings(head)
    if hidden_commas is None or not headings or not body:
        return None
    chosen, extra = choose_columns(headings, (*text, *numbers), name)
    kinds = {str(i): pl.String for i in range(len(headings))}
    typed = {str(i): pl.Float64 for key, i in chosen.items() if key in numbers}
    # A row with too many cells raises; too few would be filled up with nulls.
    frame = pl.read_csv(
        body,
        has_header=False,
        schema={**kinds, **typed},
        columns=list(chosen.values()),
        quote_char='"' if _QUOTE in body else None,
        # To look for them in every cell takes a fifth of the reading.
        null_values=_NULLS if has_nulls else None,
    )
    # Lines in quotes are alike: as many cells as the first, in which Polars has found no more than headings.
    has_all_cells = (
        body.count(b",", 0, body.find(b"\n") if b"\n" in body else None) == len(headings) - 1
        if is_quoted
        else body.count(b",") - hidden_commas == (len(headings) - 1) * frame.height
    )
    if not frame.height or not has_all_cells:
        return None
    if is_quoted and any((frame[str(chosen[key])] == "").any() for key in text if key in chosen):
        return None  # an empty cell in quotes, which is text to Polars
    by_place = {str(i): key for key, i in chosen.items()}
    frame.columns = [by_place[column] for column in frame.columns]  # ``rename`` would be a query
    return PlainFile(name, frame, extra)


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


def _are_quoted(body: bytes) -> bool:
    """Whether lines are alike once what cells are made of is left out: cells in quotes, apart by commas."""
    left = body.translate(None, _PLAIN)
    left = left if left.endswith(b"\n") else left + b"\n"
    line = left[: left.index(b"\n") + 1]
    return line == b'"",' * line.count(b",") + b'""\n' and left == line * (len(left) // len(line))


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
