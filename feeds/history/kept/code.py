"""What computes: a file kept by another version of this program, or of the calendar, is of no use."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from operator import attrgetter
from os import scandir
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

import rotation
from rotation import sessions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from os import DirEntry, PathLike, stat_result

CALENDAR = ("holidays", "financial", "ny_stock_exchange.py")


def code() -> str:
    """Names this program's version, its core's files, and the calendar with the closures that were added."""
    return f"{_core()} {calendar_file()} {' '.join(map(str, sessions.closures_added()))}"


@cache
def calendar_file() -> str:
    """Names the file of the exchange's holidays; empty where it is not found."""
    spec = find_spec(CALENDAR[0])  # finds the package without importing it
    path = Path(spec.origin).parent.joinpath(*CALENDAR[1:]) if spec and spec.origin else None
    return _facts(path.name, path.stat()) if path is not None and path.exists() else ""


@cache
def _core() -> str:
    """By sizes and times of the files, which are not read: it holds for a checkout that is worked on."""
    files = sorted(_modules(Path(sessions.__file__).parent), key=attrgetter("path"))
    facts = [rotation.__version__, pl.__version__, *(_facts(file.name, file.stat()) for file in files)]
    return sha256("\n".join(facts).encode()).hexdigest()[:24]


def _modules(folder: PathLike[str] | str) -> Iterator[DirEntry[str]]:
    """The source files in a folder and below: without a Path for each, which takes a start 3 ms."""
    with scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _modules(entry)
            elif entry.name.endswith(".py"):
                yield entry


def _facts(name: str, stat: stat_result) -> str:
    return f"{name} {stat.st_size} {stat.st_mtime_ns}"
