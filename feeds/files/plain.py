"""Users' files of plain cells, read in one pass: typed columns, or None where anything is in doubt.

Nearly every file is of this kind. The exact reader (feeds.files.tables) takes ten times as long, and
knows what a bad cell is and on which line it stands: whoever gets None here asks it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import polars as pl

from feeds.errors import InputError
from feeds.files.names import read_bytes, shown
from feeds.files.plain_csv import PlainCsv, plain_csv
from feeds.files.tables import choose_columns, parse_parquet

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

TOGETHER = 8
"""CSV files read by one query: a quarter of what reading one alone costs goes into setting its query up."""
MOST_AHEAD = 8_000_000
"""Bytes after which no further file is read ahead."""
_NOT_READ = (pl.exceptions.PolarsError, pl.exceptions.PanicException)


class PlainFile(msgspec.Struct, frozen=True):
    """One file's columns, by name."""

    name: str
    frame: pl.DataFrame
    """Those wanted that the file holds: text or Float64 of a CSV; of a Parquet file as they are."""
    extra: tuple[str, ...]
    """Headings of the other columns, as written."""


def read_plain(path: Path, *, text: Sequence[str], numbers: Sequence[str]) -> PlainFile | None:
    """Read a file's ``text`` and ``numbers`` columns; None where the exact reader has to look.

    What is read here is what ``read_table`` and ``parse_numbers`` would make of it; they tell as well why a
    file cannot be read.
    """
    return next(read_plain_each([path], text=text, numbers=numbers))


def read_plain_each(
    paths: Iterable[Path], *, text: Sequence[str], numbers: Sequence[str]
) -> Iterator[PlainFile | None]:
    """``read_plain`` of each of these files, in their order; a few small ones are read ahead."""
    waiting: list[PlainFile | PlainCsv | None] = []
    size = 0
    for path in paths:
        file, read = _opened(path, text, numbers)
        waiting.append(file)
        size += read
        if len(waiting) == TOGETHER or size > MOST_AHEAD:
            yield from _read(waiting)
            waiting, size = [], 0
    yield from _read(waiting)


def _opened(
    path: Path, text: Sequence[str], numbers: Sequence[str]
) -> tuple[PlainFile | PlainCsv | None, int]:
    """A file as far as it can be read alone, and the bytes that it holds in memory."""
    name = shown(path.name)
    try:
        data = read_bytes(path)
        if path.suffix.lower() == ".csv":
            return plain_csv(data, name, text, numbers), len(data)
        frame = parse_parquet(data, name)
        chosen, extra = choose_columns(frame.columns, (*text, *numbers), name)
    except (InputError, *_NOT_READ):
        return None, 0
    wanted = frame.select(frame.to_series(i).alias(key) for key, i in chosen.items())
    return (PlainFile(name, wanted, extra) if wanted.height else None), len(data)


def _read(files: Sequence[PlainFile | PlainCsv | None]) -> Iterator[PlainFile | None]:
    frames = iter(_collected([file.scan() for file in files if isinstance(file, PlainCsv)]))
    for file in files:
        if isinstance(file, PlainCsv):
            frame = next(frames)
            named = None if frame is None else file.named(frame)
            yield None if named is None else PlainFile(file.name, named, file.extra)
        else:
            yield file


def _collected(scans: Sequence[pl.LazyFrame]) -> Sequence[pl.DataFrame | None]:
    """All by one query; where one of them fails, each by its own, and None for those that fail."""
    try:
        return pl.collect_all(scans) if scans else []
    except _NOT_READ:
        return [None] if len(scans) == 1 else [frame for scan in scans for frame in _collected([scan])]
