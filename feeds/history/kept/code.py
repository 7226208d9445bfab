"""What computes: a file kept by another version of this program, or of the calendar, is of no use."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

import polars as pl

import rotation
from rotation import sessions

CALENDAR = ("holidays", "financial", "ny_stock_exchange.py")


def code() -> str:
    """Names this program's version, its core's files, and the calendar with the closures that were added."""
    return f"{_core()} {calendar_file()} {' '.join(map(str, sessions.closures_added()))}"


@cache
def calendar_file() -> str:
    """Names the file of the exchange's holidays; empty where it is not found."""
    spec = find_spec(CALENDAR[0])  # finds the package without importing it
    path = Path(spec.origin).parent.joinpath(*CALENDAR[1:]) if spec and spec.origin else None
    return _stat(path) if path is not None and path.exists() else ""


@cache
def _core() -> str:
    """By sizes and times of the files, which are not read: it holds for a checkout that is worked on."""
    core = Path(sessions.__file__).parent
    facts = [rotation.__version__, pl.__version__, *map(_stat, sorted(core.rglob("*.py")))]
    return sha256("\n".join(facts).encode()).hexdigest()[:24]


def _stat(path: Path) -> str:
    stat = path.stat()
    return f"{path.name} {stat.st_size} {stat.st_mtime_ns}"
