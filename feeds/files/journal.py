"""An append-only file of checksummed lines: each is there whole or not at all, after a kill too.

A line is ``<16 hex of its SHA-256> <JSON>``. The last one may be torn (its writer died before it was
acknowledged) and is then ignored, and overwritten by the next; a broken one before others is damage.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from io import FileIO
    from pathlib import Path

FILE = r"journal-\d{6}\.jsonl"
FIRST = "journal-000001.jsonl"
_HEX = 16


class DamagedError(ValueError):
    """A line that others follow is broken."""


def next_name(name: str) -> str:
    """The journal after this one (after none: the first)."""
    return f"journal-{int(name[8:14]) % 999_999 + 1:06}.jsonl" if name else FIRST


def lines(data: bytes) -> list[tuple[int, bytes]]:
    """(end in bytes, JSON) of every whole line. Raises DamagedError."""
    whole: list[tuple[int, bytes]] = []
    at = 0
    while (end := data.find(b"\n", at) + 1) > 0:
        line = data[at + _HEX + 1 : end - 1]
        if data[at : at + _HEX + 1] != _sum(line) + b" ":
            if end < len(data):
                raise DamagedError("a broken line")
            break
        whole.append((end, line))
        at = end
    return whole


def append(path: Path, end: int, line: bytes) -> int:
    """Write a line of JSON at ``end`` (see ``lines``), cut off what follows, flush; returns the new end.

    Raises OSError; what came of the line is then cut off, or ignored as torn where even that fails.
    """
    with path.open("r+b", buffering=0) as file:
        file.truncate(end)
        file.seek(end)
        try:
            _write_all(file, _sum(line) + b" " + line + b"\n")
            os.fsync(file.fileno())
        except OSError:
            with suppress(OSError):
                file.truncate(end)
            raise
        return file.tell()


def _write_all(file: FileIO, data: bytes) -> None:
    """Raises OSError where the disk takes only a part of it."""
    if file.write(data) != len(data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _sum(line: bytes) -> bytes:
    return sha256(line).hexdigest()[:_HEX].encode()
