"""Eight bytes at a time: where in them a character stands, and which number their digits are. Pure.

A word is the eight bytes from a place on as a 64-bit number, the first byte lowest. Every function takes
arrays of them and does the same to all. All ones in a mask's byte means that the byte belongs to the value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from feeds.streaming.vendor import Frame

Array = np.ndarray[Any, Any]

BEFORE, BEHIND = 16, 1024
"""Bytes that a buffer has around what is read: a word may begin before it and end behind it."""
PART = 32_768
_ONES = np.uint64(0x0101010101010101)
_TOPS = np.uint64(0x8080808080808080)
_LOW = np.uint64(0x0F0F0F0F0F0F0F0F)
_HIGH = np.uint64(0xF0F0F0F0F0F0F0F0)
_SIXES = np.uint64(0x0606060606060606)
ZEROS = np.uint64(0x3030303030303030)
"""Eight digits 0."""
ALL = np.uint64(2**64 - 1)
U64 = np.uint64
TENS = np.array([10.0**k for k in range(9)])
_WHOLE_TENS = np.array([10**k for k in range(9)], np.uint64)
POINT = _ONES * U64(ord("."))
EIGHT_DIGITS = np.uint64(10**8)


class ByteWords:
    """A buffer of bytes, with the word at any place. It is filled again, since new memory is dear."""

    def __init__(self, most: int) -> None:
        """``most``: bytes that it holds."""
        self.data = bytearray(BEFORE + most + BEHIND)
        self.most = most
        self.byte = np.frombuffer(self.data, np.uint8)
        self.at = np.ndarray((len(self.data) - 7,), "<u8", self.data, strides=(1,))
        self._is_alike = np.empty(len(self.data), np.bool_)

    def fill(self, parts: Iterable[bytes]) -> int:
        """Hold these bytes, part behind part; returns where they end. Raises ValueError beyond ``most``."""
        place = BEFORE
        for part in parts:
            stop = place + len(part)
            if stop > BEFORE + self.most:
                raise ValueError("too many bytes")
            self.data[place:stop] = part
            place = stop
        self.data[place : place + BEHIND] = bytes(BEHIND)
        return place

    def places(self, char: str, stop: int) -> Array:
        """Where this character stands, before ``stop``."""
        is_alike = np.equal(self.byte[:stop], np.uint8(ord(char)), out=self._is_alike[:stop])
        return np.flatnonzero(is_alike[BEFORE:]) + BEFORE


def in_parts(frames: Sequence[Frame]) -> Iterable[Sequence[Frame]]:
    """Frames by groups of some PART bytes: joined, these are no larger than what is allocated cheaply."""
    start = size = 0
    for place, frame in enumerate(frames):
        size += len(frame)
        if size > PART:
            yield frames[start : place + 1]
            start, size = place + 1, 0
    if start < len(frames):
        yield frames[start:]


def repeated(char: str) -> np.uint64:
    """The character eight times."""
    return _ONES * U64(ord(char))


def before(words: Array, chars: np.uint64) -> Array:
    """Of each word the mask of what is before the first of ``chars`` (``repeated``); all where none is."""
    differs = words ^ chars
    marks = (differs - _ONES) & ~differs & _TOPS  # the lowest mark is exact
    masks: Array = ((marks & (~marks + U64(1))) >> U64(7)) - U64(1)
    return masks


def bits(masks: Array) -> Array:
    """How many bits each mask has, uint8."""
    return np.bitwise_count(masks)


def are_digits(words: Array) -> Array:
    """Of each word whether all of its bytes are ASCII digits."""
    highs = ((words & _HIGH) ^ ZEROS) | (((words + _SIXES) & _HIGH) ^ ZEROS)
    are: Array = highs == 0
    return are


def number(words: Array) -> Array:
    """The numbers that eight digits each stand for: first pairs, then fours, then all."""
    pairs = ((words & _LOW) * U64(2561)) >> U64(8)
    fours = ((pairs & U64(0x00FF00FF00FF00FF)) * U64(6553601)) >> U64(16)
    eights: Array = ((fours & U64(0x0000FFFF0000FFFF)) * U64(42949672960001)) >> U64(32)
    return eights


def to_right(words: Array, count: Array) -> Array:
    """The first digits of each word, of so many bits (uint8), behind zeros, eight digits in all."""
    moved: Array = (words << (64 - count)) | (ZEROS >> count)
    return moved


def whole(words: ByteWords, place: Array, end: np.uint64) -> tuple[Array, Array, Array]:
    """Whole numbers of JSON, with up to 16 digits, before the character ``end`` (``repeated``).

    Returns the values as uint64, how many characters each has, and whether it is one.
    """
    first = words.at[place]
    held = bits(before(first, end))
    if held.max() < 64:
        digits, count = to_right(first, held), held >> 3
        is_fine, value = are_digits(digits), number(digits)
    else:
        second = bits(before(words.at[place + 8], end))
        held += np.where(held == 64, second, 0)  # 128 where it is not found
        count = held >> 3
        stop = place + count
        missing = 128 - held  # bits of the 16 bytes before the end that stand before the number
        upper = _from(words.at[stop - 16], missing)
        lower = _from(words.at[stop - 8], np.maximum(missing, 64) - 64)
        is_fine = are_digits(upper) & are_digits(lower)
        value = number(upper) * EIGHT_DIGITS + number(lower)
    is_fine &= _begins_well(first, count)
    return value, count, is_fine


def _begins_well(first: Array, count: Array) -> Array:
    """Where there are digits, and no needless 0 before others."""
    begins: Array = (((first & U64(0xFF)) > U64(0x30)) & (count > 0)) | (count == 1)
    return begins


def _from(word: Array, count: Array) -> Array:
    """Digits 0 in place of the first bytes, of so many bits; in place of all of them from 64 on."""
    keep: Array = ALL << count
    filled: Array = (word & keep) | (ZEROS & ~keep)
    return filled


def decimal(words: ByteWords, place: Array, end: np.uint64) -> tuple[Array, Array, Array]:
    """As ``whole``, of numbers with or without a point, up to seven characters; values as float64, exactly.

    Longer ones have a point, with up to seven digits before it and behind it each. Digits as a whole number
    over a power of ten, both of which a float holds: so the quotient is the float that is nearest to the
    decimal number.
    """
    first = words.at[place]
    masks = before(first, end)
    wholes = before(first, POINT) & masks
    held, point = bits(masks), bits(wholes)
    has_point = point < held
    digits = held - (has_point.view(np.uint8) << 3)
    packed = to_right((first & wholes) | ((first >> U64(8)) & ~wholes), digits)
    parts = (digits - point) >> 3
    is_fine = are_digits(packed) & (held < 64) & (has_point == (parts > 0)) & _begins_well(first, point >> 3)
    value, count = number(packed) / TENS[parts], held >> 3
    longer = np.flatnonzero(held == 64)
    if len(longer):
        value[longer], count[longer], is_fine[longer] = _long(words, place[longer], first[longer], end)
    return value, count, is_fine


def _long(words: ByteWords, place: Array, first: Array, end: np.uint64) -> tuple[Array, Array, Array]:
    """As ``decimal``, of those that end behind their ``first`` eight characters: one word on each side."""
    point = bits(before(first, POINT))
    second = words.at[place + (point >> 3) + 1]
    held = bits(before(second, end))
    upper, lower, parts = to_right(first, point), to_right(second, held), held >> 3
    is_fine = are_digits(upper) & are_digits(lower) & _begins_well(first, point >> 3)
    is_fine &= (point < 64) & (held > 0) & (held < 64)
    digits = number(upper) * _WHOLE_TENS[parts] + number(lower)
    return digits / TENS[parts], (point >> 3) + parts + 1, is_fine
