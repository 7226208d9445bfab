"""What the fields of messages that are written alike have to say, in JSON or in msgpack. Pure.

A template is learnt from one message: its keys in their order, and of what kind the value of each is. A
message that follows it byte by byte, but for the values, is read; any other is not, and has its own way.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from feeds.streaming.alike.words import ALL, U64, Array, ByteWords

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

KEYS_MAX = 24
"""Of a message; one with more is no template."""


class Form(Enum):
    """How a value is written."""

    FIXED = auto()
    """The same in all messages."""
    TEXT = auto()
    """Up to eight characters (seven in msgpack)."""
    WHOLE = auto()
    """A whole number from 0 on."""
    DECIMAL = auto()
    LIST = auto()
    """Short texts or numbers, up to 16 bytes in all."""
    STAMP = auto()
    """A time."""
    NAME = auto()
    """A text of up to 40 characters, in JSON."""


Value = tuple[Array, ...]
"""Of a field: TEXT one word, LIST two, NAME its first two, WHOLE uint64, DECIMAL float64, STAMP UTC in
nanoseconds."""


class Read(msgspec.Struct, eq=False):
    """Messages that were read; arrays are of all, whether they were read or not."""

    is_read: Array
    fields: dict[str, Value]
    places: dict[str, Array]
    """Where the value of each field begins."""


class Field(msgspec.Struct, frozen=True):
    """A part of a template."""

    head: bytes
    """What stands before the value, from the end of the value before it."""
    name: str
    kind: Form
    end: str
    """The character behind the value."""


Readers = dict[Form, "Callable[[ByteWords, Array, Field], tuple[Value, Array, Array]]"]
"""By kind: where values begin → the values, how many bytes each has, and whether it is one."""


class Template:
    """How messages are written."""

    def __init__(self, fields: list[Field], tail: bytes, readers: Readers) -> None:
        """``tail``: what stands behind the last value."""
        self._fields = fields
        self._tail = tail
        self._readers = readers

    def may_be(self, words: ByteWords, starts: Array) -> Array:
        """Which of the messages that begin there begin as these do."""
        return _has(words, starts, self._fields[0].head)

    def read(self, words: ByteWords, starts: Array, ends: Array) -> Read:
        """Read the messages that begin at ``starts``; they are read if they end at ``ends``."""
        place, is_read = starts, np.ones(len(starts), np.bool_)
        values: dict[str, Value] = {}
        places: dict[str, Array] = {}
        for field in self._fields:
            is_read &= _has(words, place, field.head)
            place = place + len(field.head)
            places[field.name] = place
            values[field.name], size, is_fine = self._readers[field.kind](words, place, field)
            is_read &= is_fine
            place = place + size
        is_read &= _has(words, place, self._tail)
        is_read &= place + len(self._tail) == ends
        return Read(is_read, values, places)


def _has(words: ByteWords, place: Array, wanted: bytes) -> Array:
    """Where these bytes stand at the place."""
    has = np.ones(len(place), np.bool_)
    for start in range(0, len(wanted), 8):
        part = wanted[start : start + 8]
        word = words.at[place + start]
        if len(part) < 8:
            word &= ALL >> U64(64 - 8 * len(part))
        has &= word == U64(int.from_bytes(part, "little"))
    return has


def fixed(words: ByteWords, place: Array, field: Field) -> tuple[Value, Array, Array]:
    """A value that is part of the next field's head."""
    del words, field
    return (), np.zeros(len(place), np.int64), np.ones(len(place), np.bool_)


class Wanted(msgspec.Struct, frozen=True):
    """What a vendor's trades have."""

    tag: tuple[str, str]
    """A key and its value, which say that a message is a trade."""
    kinds: dict[str, Form]
    """By key how the value is written that is to be read."""
    optional: dict[str, Form] = {}
    """The same of keys that a trade may lack."""


def kinds_of(first: Mapping[str, object], wanted: Wanted) -> dict[str, Form] | None:
    """Of a message's keys, in their order; None where it is another message, or a value cannot be read."""
    name, value = wanted.tag
    of: dict[str, Form] = {}
    if first.get(name) != value or len(first) > KEYS_MAX or not wanted.kinds.keys() <= first.keys():
        return None
    for key, held in first.items():
        if key == wanted.tag[0]:
            of[key] = Form.FIXED
        elif key in wanted.kinds:
            of[key] = wanted.kinds[key]
        elif key in wanted.optional:
            of[key] = wanted.optional[key]
        elif isinstance(held, str):
            of[key] = Form.TEXT
        elif isinstance(held, int) and not isinstance(held, bool):
            of[key] = Form.WHOLE
        else:
            return None
    return of


def are_values(decoder: Any, parts: list[bytearray]) -> bool:
    """Whether each is one value by itself, of whatever kind, as a ``decoder`` of raw values sees it."""
    try:
        for part in parts:
            decoder.decode(part)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return False
    return True
