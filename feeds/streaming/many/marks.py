"""Numbers that are looked for among thousands: nearly all others are passed over at once. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from feeds.streaming.many.look import Array

BITS = 20
_SPREAD = np.int64(-7046029254386353131)
"""An odd number without a pattern."""


class Marks:
    """A place for each of a million remainders."""

    def __init__(self, numbers: Iterable[int] = (), *, bits: int = BITS) -> None:
        """``numbers``: of 64 bits. ``bits`` of a remainder."""
        self._shift, self._mask = np.int64(62 - bits), np.int64((1 << bits) - 1)
        self._is_marked = np.zeros(1 << bits, np.bool_)
        self.add(numbers)

    def add(self, numbers: Iterable[int]) -> None:
        """Look for these too; a number beyond 64 bits is none that any array holds."""
        held = [number for number in numbers if -(1 << 63) <= number < 1 << 63]
        self._is_marked[self._places(np.array(held, np.int64))] = True

    def find(self, numbers: Array) -> Array:
        """Where in an array any of them may stand: wherever one does, and in a few places more."""
        return np.flatnonzero(self._is_marked[self._places(numbers)])

    def _places(self, numbers: Array) -> Array:
        places: Array = ((numbers * _SPREAD) >> self._shift) & self._mask
        return places
