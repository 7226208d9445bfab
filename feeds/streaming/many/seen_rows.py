"""Prints that were let in as arrays, by which a repeated one is known. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from feeds.streaming.many.identity import UNNUMBERED
from feeds.streaming.many.look import Array

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from feeds.streaming.many.identity import Identity
    from feeds.streaming.many.look import Look, Table

CHUNKS = 16
"""Are joined when there are more."""
MARK_BITS = 17
_SPREAD = np.int64(-7046029254386353131)
"""An odd number without a pattern: times are multiplied by it to be spread over all bits."""

_COLUMNS = ("serial", "code", "ts_ns", "price", "number")


class _Chunk(msgspec.Struct, eq=False):
    """Prints in order of arrival."""

    serial: Array
    """How many prints were remembered before this one; ascending."""
    code: Array
    ts_ns: Array
    price: Array
    number: Array
    first_ns: int
    last_ns: int


class SeenRows:
    """What is remembered of prints that came as arrays, and of every symbol the latest time remembered."""

    def __init__(self, table: Table, newest_ns: Mapping[str, int]) -> None:
        """``newest_ns``: of prints that were remembered one by one."""
        self._table = table
        self._chunks: list[_Chunk] = []
        self._newest_ns = np.full(len(table.names), -1, np.int64)
        for symbol, ts_ns in newest_ns.items():
            self.note(symbol, ts_ns)

    def __len__(self) -> int:
        """How many are remembered."""
        return sum(len(chunk.code) for chunk in self._chunks)

    def note(self, symbol: str, ts_ns: int) -> None:
        """A print of the symbol was remembered elsewhere."""
        code = self._table.code_of[symbol]
        self._newest_ns[code] = max(int(self._newest_ns[code]), ts_ns)

    def suspects(self, look: Look) -> Array:
        """Places of prints that may repeat one that is remembered: no later than another of their symbol."""
        return np.flatnonzero(look.ts_ns <= self._newest_ns[look.code])

    def add(self, look: Look, newest: Array, serial: int) -> None:
        """Remember these, before which ``serial`` were. ``newest``: the place of each symbol's latest."""
        if not len(look):
            return
        codes = look.code[newest]
        self._newest_ns[codes] = np.maximum(self._newest_ns[codes], look.ts_ns[newest])
        serials = np.arange(serial, serial + len(look))
        columns = [serials, look.code, look.ts_ns, look.price, numbers(look)]
        self._chunks.append(_chunk(columns, int(look.ts_ns.min()), int(look.ts_ns.max())))
        if len(self._chunks) > CHUNKS:
            self._chunks = [_joined(self._chunks)]

    def forget(self, before: int) -> None:
        """Remember only what came after so many others."""
        while self._chunks and self._chunks[0].serial[-1] < before:
            del self._chunks[0]
        if self._chunks and self._chunks[0].serial[0] < before:
            first = self._chunks[0]
            kept = slice(int(np.searchsorted(first.serial, before)), None)
            # Copies, lest all of a large look is held for a few.
            columns = [getattr(first, name)[kept].copy() for name in _COLUMNS]
            self._chunks[0] = _chunk(columns, first.first_ns, first.last_ns)

    def of_these(self, times_ns: Iterable[int]) -> set[Identity]:
        """As ``of_times``; a time beyond 64 bits is of none."""
        return self.of_times(np.array([ts_ns for ts_ns in times_ns if 0 < ts_ns < 1 << 63], np.int64))

    def of_times(self, times_ns: Array) -> set[Identity]:
        """All that is remembered of any of these times."""
        alike: set[Identity] = set()
        if not len(times_ns) or not self._chunks:
            return alike
        times_ns = np.sort(times_ns)
        first_ns, last_ns = int(times_ns[0]), int(times_ns[-1])
        marks = np.zeros(1 << MARK_BITS, np.bool_)
        marks[_mark(times_ns)] = True
        for chunk in self._chunks:
            if chunk.last_ns < first_ns or chunk.first_ns > last_ns:
                continue
            near = np.flatnonzero(marks[_mark(chunk.ts_ns)])
            near_ns = chunk.ts_ns[near]
            rows = near[
                times_ns[np.minimum(np.searchsorted(times_ns, near_ns), len(times_ns) - 1)] == near_ns
            ]
            columns = (chunk.ts_ns, chunk.price, chunk.number)
            names = self._table.named(chunk.code[rows])
            alike.update(zip(names, *(column[rows].tolist() for column in columns), strict=True))
        return alike

    def identities(self) -> set[Identity]:
        """All that is remembered."""
        return self.of_times(np.concatenate([np.empty(0, np.int64), *(each.ts_ns for each in self._chunks)]))


def numbers(look: Look) -> Array:
    """As ``feeds.streaming.many.identity.number_of``, of each."""
    seq = look.seq
    return seq if seq.all() else np.where(seq == 0, UNNUMBERED - look.size, seq)


def _mark(times_ns: Array) -> Array:
    """Of each time MARK_BITS bits, evenly spread."""
    spread: Array = ((times_ns * _SPREAD) >> np.int64(40)) & np.int64((1 << MARK_BITS) - 1)
    return spread


def _chunk(columns: list[Array], first_ns: int, last_ns: int) -> _Chunk:
    serial, code, ts_ns, price, number = columns
    return _Chunk(serial, code, ts_ns, price, number, first_ns, last_ns)


def _joined(chunks: list[_Chunk]) -> _Chunk:
    columns = [np.concatenate([getattr(chunk, name) for chunk in chunks]) for name in _COLUMNS]
    return _chunk(columns, min(each.first_ns for each in chunks), max(each.last_ns for each in chunks))
