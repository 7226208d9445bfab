"""Which files a person named, what symbol a file's name gives, and names fit for a message."""

from __future__ import annotations

import errno
import os
import re
from typing import TYPE_CHECKING

from feeds.errors import InputError, StrayError
from rotation.desk import SYMBOL
from rotation.errors import not_a_file

__all__ = [
    "SUFFIXES",
    "SYMBOL",
    "find_files",
    "read_bytes",
    "read_regular",
    "shown",
    "shown_path",
    "symbol_from",
]

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SUFFIXES = (".csv", ".parquet")
SIZE_MAX = 4 * 10**9
"""Bytes of a file that is read as a whole; a year of one symbol's trades is some 500 MB."""


def shown(text: object, limit: int = 40) -> str:
    """A cell, name or path cut down to what one line of a terminal can print."""
    line = "".join(c if c.isprintable() else "?" for c in str(text))
    return line if len(line) <= limit else line[: limit - 1] + "…"


def shown_path(path: Path) -> str:
    """A whole path on one line."""
    return shown(path, 300)


def find_files(paths: Iterable[Path]) -> list[Path]:
    """CSV and Parquet files: those named, and those right inside a named folder, sorted; each once.

    Raises InputError on a missing path, a folder without such a file, and another kind of file.
    """
    files: dict[Path, Path] = {}
    for path in paths:
        try:
            for file in _files_of(path):
                files.setdefault(file.parent.resolve() / file.name, file)
        except OSError as error:
            raise InputError(f"{shown_path(path)}: cannot be read ({error.strerror}) — check it") from error
    return list(files.values())


def _files_of(path: Path) -> list[Path]:
    if path.is_dir():
        # Hidden files are a system's own: macOS leaves ._IWM.csv beside IWM.csv.
        inside = sorted(p for p in path.iterdir() if _is_data(p) and not p.name.startswith("."))
        if not inside:
            raise InputError(
                f"{shown_path(path)}: contains no .csv or .parquet file — name a file, or a folder with files"
            )
        return inside
    if not path.exists():
        raise InputError(f"{shown_path(path)}: no such file or folder — check the path")
    if why := not_a_file(path.stat().st_mode):
        raise InputError(f"{shown_path(path)}: cannot be read ({why}) — check it")
    if not _is_data(path):
        raise InputError(f"{shown_path(path)}: is not a .csv or .parquet file — convert it first")
    return [path]


def _is_data(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and path.is_file()


def symbol_from(path: Path, stem: str) -> str:
    """The symbol that (part of) a file's name gives, upper-cased; InputError if it cannot be one."""
    symbol = stem.upper()
    if not re.fullmatch(SYMBOL, symbol):
        raise StrayError(
            f"{shown(path.name)}: {shown(stem)!r} is not a valid symbol (1 to 15 of A-Z 0-9 . ^ = -)"
            " — name the file after its symbol, like IWM.csv"
        )
    return symbol


def read_regular(path: Path, most: int = SIZE_MAX) -> bytes:
    """The whole file. Raises OSError, for a pipe, a device and more than ``most`` bytes, too."""
    with open(path, "rb", opener=_without_waiting) as file:
        state = os.fstat(file.fileno())
        why = not_a_file(state.st_mode)
        if not why and state.st_size > most:
            why = f"it has {state.st_size // 10**6:,} MB; at most {most // 10**6:,} are read"
        if why:
            raise OSError(errno.EINVAL, why)
        return file.read()


def _without_waiting(name: str, flags: int) -> int:
    return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))


def read_bytes(path: Path, most: int = SIZE_MAX) -> bytes:
    """The whole file; InputError if it cannot be read, or is none of at most ``most`` bytes."""
    try:
        return read_regular(path, most)
    except OSError as error:
        raise InputError(f"{shown(path.name)}: cannot be read ({error.strerror}) — check the file") from error
