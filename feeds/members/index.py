"""Which symbols each membership file lists, kept beside the files: a start reads only the lists in force.

It saves reading hundreds of files and holds nothing else: what is missing or broken is made anew, silently.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec

from feeds.files.durable import write_whole
from feeds.files.sealed import seal, unsealed

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

NAME = "symbols.index"
LAYOUT = 1
"""Of the bytes; to be raised when they change."""


class _File(msgspec.Struct, array_like=True, frozen=True):
    size: int
    mtime_ns: int
    place: int
    """Of its symbols in ``_Kept.lists``."""


class _Kept(msgspec.Struct, array_like=True):
    layout: int = LAYOUT
    lists: list[list[str]] = []
    """Each different list once: most days have the members of the day before."""
    files: dict[str, _File] = {}
    """By name."""


class SymbolIndex:
    """The index of one folder."""

    def __init__(self, folder: Path) -> None:
        """Read it, if it is there."""
        self._path = folder / NAME
        self._was = self._read()
        self._is = _Kept()
        self._places: dict[tuple[str, ...], int] = {}
        self._known: dict[int, int] = {}
        """By the place of a list in what was read, its place now."""

    def symbols(self, path: Path) -> list[str] | None:
        """Those that a file listed when it was put in; None where it has changed since. Raises OSError."""
        stat = path.stat()
        was = self._was.files.get(path.name)
        if was is None or (was.size, was.mtime_ns) != (stat.st_size, stat.st_mtime_ns):
            return None
        place = self._known.get(was.place)
        if place is None:
            place = self._known[was.place] = self._place(self._was.lists[was.place])
        self._is.files[path.name] = _File(was.size, was.mtime_ns, place)
        return self._is.lists[place]

    def put(self, path: Path, symbols: list[str]) -> list[str]:
        """What a file lists; returns an equal list, the same one for all such files. Raises OSError."""
        stat = path.stat()
        place = self._place(symbols)
        self._is.files[path.name] = _File(stat.st_size, stat.st_mtime_ns, place)
        return self._is.lists[place]

    def keep(self) -> None:
        """Write it, if it has changed and the disk lets us."""
        if self._is.files == self._was.files and self._is.lists == self._was.lists:
            return
        body = msgspec.msgpack.encode(self._is)
        try:
            write_whole(self._path, seal(body))
        except OSError as error:
            log.info("%s cannot be kept (%s)", NAME, error.strerror)

    def _place(self, symbols: list[str]) -> int:
        place = self._places.setdefault(tuple(symbols), len(self._is.lists))
        if place == len(self._is.lists):
            self._is.lists.append(symbols)
        return place

    def _read(self) -> _Kept:
        try:
            body = unsealed(self._path.read_bytes())
            kept = _Kept() if body is None else msgspec.msgpack.decode(body, type=_Kept)
        except (OSError, msgspec.MsgspecError):
            return _Kept()
        return kept if kept.layout == LAYOUT else _Kept()
