"""Times of many messages at once, exactly: RFC 3339 as JSON has it, or msgpack's Timestamps. Pure.

They are given as the bytes that came, end to end. No value's encoding is the beginning of another's, so bytes
that fit a pattern all along are values of that pattern; of others there is no answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from feeds.vendors.alpaca.frames import exact_ns
from feeds.vendors.alpaca.stamp_forms import LATEST_S, PACKED, TEXT
from rotation.quote import NS

if TYPE_CHECKING:
    from array import array

Array = np.ndarray[Any, Any]

_HEAD = 0xD7FF
_LOW = np.uint64(0x0F0F0F0F0F0F0F0F)
_HIGH = np.uint64(0xF0F0F0F0F0F0F0F0)
_SIXES = np.uint64(0x0606060606060606)
_ZEROS = np.uint64(0x3030303030303030)


def of_packed(joined: bytes, count: int) -> Array | None:
    """UTC nanoseconds of so many Timestamps of 64 bits; None where any is another, or invalid."""
    if len(joined) != PACKED * count:
        return None
    stamps = np.frombuffer(joined, [("head", ">u2"), ("value", ">u8")])
    value = stamps["value"].astype(np.uint64)
    seconds, nanos = value & np.uint64(2**34 - 1), value >> np.uint64(34)
    is_fine = (stamps["head"] == _HEAD).all() and nanos.max() < NS
    if not (is_fine and seconds.min() > 0 and seconds.max() < LATEST_S):
        return None
    return (seconds * np.uint64(NS) + nanos).astype(np.int64)


def of_texts(joined: bytes, count: int) -> Array | None:
    """UTC nanoseconds of so many texts with nine digits and a Z; None where any is another, or invalid."""
    if len(joined) != TEXT * count:
        return None
    texts = np.frombuffer(joined, np.uint8).reshape(count, TEXT)
    words = np.frombuffer(joined, "<u8").reshape(count, TEXT // 8)
    quotes = (texts[:, 0] == _byte('"')) & (texts[:, 31] == _byte('"'))
    marks = (texts[:, 20] == _byte(".")) & (texts[:, 30] == _byte("Z"))
    eight = texts[:, 21:29].copy().view("<u8")[:, 0]
    ninth = texts[:, 29] - _byte("0")
    if not (quotes.all() and marks.all() and _are_digits(eight) and ninth.max() < 10):
        return None
    nanos = _number(eight) * np.uint64(10) + ninth
    whole_ns = _whole_seconds(joined, words, texts)
    return None if whole_ns is None else whole_ns + nanos.astype(np.int64)


def _whole_seconds(joined: bytes, words: Array, texts: Array) -> Array | None:
    """UTC nanoseconds of the second of each text: thousands of neighbours share one."""
    last = words[:, 2] & np.uint64(0xFFFFFFFF)  # 16 to 19: a colon, two digits of seconds
    differs = (words[1:, 0] != words[:-1, 0]) | (words[1:, 1] != words[:-1, 1]) | (last[1:] != last[:-1])
    starts = np.append(0, np.flatnonzero(differs) + 1)
    known: dict[bytes, int] = {}
    runs: list[int] = []
    for start in starts.tolist():
        text = joined[start * TEXT + 1 : start * TEXT + 20]
        whole_ns = known.get(text)
        if whole_ns is None:
            read_ns = exact_ns(f"{text.decode('latin-1')}Z")
            if read_ns is None or read_ns >= LATEST_S * NS:
                return None
            whole_ns = known[text] = read_ns
        runs.append(whole_ns)
    return np.repeat(np.array(runs, np.int64), np.diff(np.append(starts, len(texts))))


def are_below(numbers: array[int], limit: float) -> bool:
    """As of ``stamps``, of many."""
    held = np.frombuffer(numbers, np.int64)
    return bool(held.min() >= 0 and held.max() < limit)


def _byte(char: str) -> np.uint8:
    return np.uint8(ord(char))


def _are_digits(words: Array) -> bool:
    """Whether every byte of every word is an ASCII digit."""
    return bool(((words & _HIGH) == _ZEROS).all() and (((words + _SIXES) & _HIGH) == _ZEROS).all())


def _number(words: Array) -> Array:
    """The numbers that eight digits each stand for: first pairs, then fours, then all."""
    pairs = ((words & _LOW) * np.uint64(2561)) >> np.uint64(8)
    fours = ((pairs & np.uint64(0x00FF00FF00FF00FF)) * np.uint64(6553601)) >> np.uint64(16)
    eights: Array = ((fours & np.uint64(0x0000FFFF0000FFFF)) * np.uint64(42949672960001)) >> np.uint64(32)
    return eights
