"""Prints that were handed on as columns, and where the ones of certain numbers or times are. Pure.

Twenty thousand may come a second, be kept for minutes, and a hundred of them be taken back: to look at each
of some millions once a second would hold up whatever else the loop has to do. So a full chunk is sorted by a
remainder of its numbers, once. Times need no such order: a chunk holds those of a few seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rotation.columns import to_quotes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from feeds.streaming.many.look import Array
    from rotation.quote import Quote

ROW_CHUNK = 65_536
"""Rows that are sorted, and forgotten, together; as many as there are remainders, so that few share one."""
PARTS = 256
"""Frames that are joined when there are more: a frame costs far more than its rows where these are few."""
_SPREAD = np.int64(-7046029254386353131)
"""An odd number without a pattern."""
_SHIFT = np.int64(47)


def _remainders(numbers: Array) -> Array:
    """Of 16 bits, which are sorted by radix: in a tenth of the time that whole numbers take."""
    remainders: Array = ((numbers * _SPREAD) >> _SHIFT).astype(np.uint16)
    return remainders


class Wanted:
    """Numbers, or times, that are looked for in many chunks."""

    def __init__(self, numbers: Iterable[int]) -> None:
        """A number beyond 64 bits is none that any column holds."""
        held = {number for number in numbers if -(1 << 63) <= number < 1 << 63}
        self._numbers = np.array(sorted(held), np.int64)
        self.remainders = np.unique(_remainders(self._numbers))
        self._is_remainder = np.zeros(1 << 16, np.bool_)
        self._is_remainder[self.remainders] = True

    def lies_within(self, first: int, last: int) -> bool:
        """Whether any of them is neither below the first nor above the last."""
        return bool(np.searchsorted(self._numbers, first) < np.searchsorted(self._numbers, last, "right"))

    def are_among(self, numbers: Array) -> Array:
        """For each of these whether it is one of them."""
        places = np.searchsorted(self._numbers, numbers)
        places[places == len(self._numbers)] = 0
        is_wanted: Array = self._numbers[places] == numbers
        return is_wanted

    def find(self, numbers: Array) -> Array:
        """The places of all that are among these, by looking at each."""
        places = np.flatnonzero(self._is_remainder[_remainders(numbers)])
        return places[self.are_among(numbers[places])] if len(places) else places


class _Sorted:
    """The numbers of a full chunk, by their remainders: six bytes each."""

    def __init__(self, numbers: Array) -> None:
        remainders = _remainders(numbers)
        order = np.argsort(remainders, kind="stable")
        self._numbers = numbers
        self._remainders = remainders[order]
        self._order = order.astype(np.uint32)

    def find(self, wanted: Wanted) -> Array:
        """The places of those that are wanted, in no order."""
        first = np.searchsorted(self._remainders, wanted.remainders)
        counts = np.searchsorted(self._remainders, wanted.remainders, "right") - first
        behind = np.cumsum(counts)
        # Each run of places from its first on: count through all, less what the runs before have counted.
        runs = np.arange(behind[-1] if len(behind) else 0) + np.repeat(first - behind + counts, counts)
        places: Array = self._order[runs]
        if len(places):
            places = places[wanted.are_among(self._numbers[places])]
        return places


class HandedRows:
    """A chunk of them, in order of arrival."""

    def __init__(self) -> None:
        """Nothing yet."""
        self._parts: list[pl.DataFrame] = []
        self._height = 0
        self._first_ns, self._last_ns = (1 << 63) - 1, -(1 << 63)
        """Of all times in it."""
        self._sorted: _Sorted | None = None

    def __len__(self) -> int:
        """How many rows."""
        return self._height

    @property
    def is_full(self) -> bool:
        """Whether no more are to be added."""
        return self._sorted is not None

    @property
    def frame(self) -> pl.DataFrame:
        """All of them."""
        return self._parts[0] if len(self._parts) == 1 else pl.concat(self._parts, rechunk=False)

    def add(self, rows: pl.DataFrame) -> int:
        """Add rows, at least one; returns the newest of their times (UTC ns)."""
        times = rows["ts_ns"]
        oldest_ns: int = times.min()  # type: ignore[assignment] # there is a row
        newest_ns: int = times.max()  # type: ignore[assignment]
        self._first_ns = min(self._first_ns, oldest_ns)
        self._last_ns = max(self._last_ns, newest_ns)
        self._parts.append(rows)
        self._height += rows.height
        is_full = self._height >= ROW_CHUNK
        if is_full or len(self._parts) > PARTS:
            self._parts = [pl.concat(self._parts, rechunk=True)]
        if is_full:
            self._sorted = _Sorted(self._parts[0]["seq"].to_numpy())
        return newest_ns

    def alike(self, numbers: Wanted, times_ns: Wanted) -> list[Quote]:
        """The prints that have one of these numbers or times, in order."""
        frame = self.frame
        places = self._sorted.find(numbers) if self._sorted else numbers.find(frame["seq"].to_numpy())
        if times_ns.lies_within(self._first_ns, self._last_ns):
            places = np.union1d(places, times_ns.find(frame["ts_ns"].to_numpy()))
        return to_quotes(frame[np.sort(places)]) if len(places) else []
