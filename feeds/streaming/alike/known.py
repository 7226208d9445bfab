"""Numbers by short texts, of thousands at once: what a text means is asked once. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from feeds.streaming.alike.words import U64, Array

if TYPE_CHECKING:
    from collections.abc import Callable

MOST = 65_536
"""Texts known at once."""
_BITS = (15, 12)
_FACTORS = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)
"""Odd numbers without a pattern."""


class Known:
    """By the words of a text its number. Texts that share a place in all tables are looked up one by one."""

    def __init__(self, width: int, number_of: Callable[[tuple[int, ...]], int]) -> None:
        """``width``: words of a text. ``number_of`` is asked once for each, of 64 bits."""
        self._width = width
        self._number_of = number_of
        self._tables = [_Table(bits, width, turn) for turn, bits in enumerate(_BITS)]
        self._all: dict[tuple[int, ...], int] = {}

    def of(self, *words: Array) -> Array:
        """The number of each text, int64."""
        values, is_found = self._tables[0].look_up(words)
        if is_found.all():
            return values
        left = np.flatnonzero(~is_found)
        theirs = tuple(word[left] for word in words)
        values[left], is_second = self._tables[1].look_up(theirs)
        left = left[~is_second]
        if len(left):
            keys = list(zip(*(word[left].tolist() for word in words), strict=True))
            self._learn(set(keys))
            values[left] = [self._all[key] for key in keys]
        return values

    def _learn(self, keys: set[tuple[int, ...]]) -> None:
        """Ask what these mean, as far as it is not known."""
        if len(self._all) + len(keys) > MOST:
            self._all.clear()
            for table in self._tables:
                table.clear()
        keys -= self._all.keys()
        self._all.update((key, self._number_of(key)) for key in keys)
        ordered = list(keys)
        for table in self._tables:
            ordered = table.put(ordered, [self._all[key] for key in ordered]) if ordered else []


class _Table:
    """A text has one place in it, by a hash of its own."""

    def __init__(self, bits: int, width: int, turn: int) -> None:
        self._shift = U64(64 - bits)
        factors = _FACTORS[turn:] + _FACTORS[:turn]
        self._factors = [U64(factor) for factor in factors[:width]]
        self._words = [np.zeros(1 << bits, U64) for _ in range(width)]
        self._is_used = np.zeros(1 << bits, np.bool_)
        self._numbers = np.zeros(1 << bits, np.int64)

    def look_up(self, words: tuple[Array, ...]) -> tuple[Array, Array]:
        """Numbers, and where they are those of the texts."""
        places = self._places(words)
        is_found = self._is_used[places]
        for word, held in zip(words, self._words, strict=True):
            is_found &= held[places] == word
        return self._numbers[places], is_found

    def put(self, keys: list[tuple[int, ...]], numbers: list[int]) -> list[tuple[int, ...]]:
        """Keep texts; returns those whose place is taken."""
        words = tuple(np.array(word, U64) for word in zip(*keys, strict=True))
        places, firsts = np.unique(self._places(words), return_index=True)
        is_free = ~self._is_used[places]
        places, firsts = places[is_free], firsts[is_free]
        for word, held in zip(words, self._words, strict=True):
            held[places] = word[firsts]
        self._numbers[places], self._is_used[places] = np.array(numbers, np.int64)[firsts], True
        kept = set(firsts.tolist())
        return [key for i, key in enumerate(keys) if i not in kept]

    def clear(self) -> None:
        """Keep nothing."""
        self._is_used[:] = False

    def _places(self, words: tuple[Array, ...]) -> Array:
        mixed = words[0] * self._factors[0]
        for word, factor in zip(words[1:], self._factors[1:], strict=True):
            mixed = (mixed ^ (mixed >> U64(29)) ^ word) * factor
        places: Array = (mixed >> self._shift).astype(np.int64)
        return places
