"""Messages of JSON that are written alike. Pure.

Bytes are ASCII without control characters and backslashes (``joined``), so a text is what stands between two
quotation marks. Each message is a piece that begins with a brace: where every piece is an object by itself,
they are the elements of the array, whatever stands in them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from feeds.streaming.alike import words as w
from feeds.streaming.alike.fields import (
    Field,
    Form,
    Readers,
    Template,
    Value,
    Wanted,
    are_values,
    fixed,
    kinds_of,
)
from feeds.streaming.alike.known import Known
from feeds.streaming.alike.words import U64, Array, ByteWords, before, bits, in_parts, number, repeated

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from feeds.streaming.vendor import Frame

_QUOTE, _BRACKET, _Z = repeated('"'), repeated("]"), repeated("Z")
NAME_MAX = 40
_ANY = np.ones(1, np.bool_)
"""Of any text."""
_RAW = msgspec.json.Decoder(msgspec.Raw)
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Texts:
    """Frames under way."""

    def __init__(self, frames: Sequence[Frame], words: ByteWords) -> None:
        """``frames``: see ``are_arrays``. Raises ValueError where the bytes are not plain, or too many."""
        self.words = words
        stop = words.fill(map(_plain, in_parts(frames)))
        if words.byte[w.BEFORE : stop].min() < ord(" "):
            raise ValueError("not plain")
        self.starts = words.places("{", stop)
        self.ends = np.append(self.starts[1:], stop)
        """Behind the comma that stands behind each message."""

    def joined(self, chosen: list[int]) -> bytes | None:
        """Some of the messages, in an array of their own; None where one is none by itself."""
        data, ends = self.words.data, self.ends[chosen].tolist()
        parts = [data[start:end] for start, end in zip(self.starts[chosen].tolist(), ends, strict=True)]
        bare = [part[:-1] for part in parts if part[-1:] == b","]
        are_whole = len(bare) == len(parts) and are_values(_RAW, bare)
        return b"[%b]" % b"".join(parts)[:-1] if are_whole else None


def are_arrays(frames: Sequence[Frame]) -> int:
    """How many of the frames, from the first on, may be arrays of objects without a space around them."""
    if isinstance(frames[0], str):
        for i, frame in enumerate(frames):
            if not (isinstance(frame, str) and frame[:2] == "[{" and frame[-2:] == "}]"):
                return i
    else:
        for i, frame in enumerate(frames):
            if isinstance(frame, str) or frame[:2] != b"[{" or frame[-2:] != b"}]":
                return i
    return len(frames)


def _plain(frames: Sequence[Frame]) -> bytes:
    """The messages of these frames, a comma behind each."""
    if isinstance(frames[0], str):
        data = ",".join([frame[1:-1] for frame in frames]).encode()  # type: ignore[misc]
    else:
        data = b",".join([frame[1:-1] for frame in frames])  # type: ignore[misc]
    if not data.isascii() or b"\\" in data:
        raise ValueError("not plain")
    return data + b","


class TextTemplate(Template):
    """How messages of JSON are written."""

    def __init__(self, fields: list[Field], tail: bytes, stamp_ns: Callable[[str], int | None]) -> None:
        """``stamp_ns``: of a time to the second; None where it is none."""
        self._stamp_ns = stamp_ns
        self._seconds = Known(3, self._second_ns)
        readers: Readers = {
            Form.FIXED: fixed,
            Form.TEXT: _text,
            Form.WHOLE: _whole,
            Form.DECIMAL: _decimal,
            Form.LIST: _list,
            Form.STAMP: self._stamp,
            Form.NAME: _name,
        }
        super().__init__(fields, tail, readers)

    @classmethod
    def learnt(
        cls, piece: bytes, wanted: Wanted, stamp_ns: Callable[[str], int | None]
    ) -> TextTemplate | None:
        """From a message; None where it cannot be read this way, or is no trade."""
        try:
            raw = _OBJECT.decode(piece)
            first = {name: msgspec.json.decode(value) for name, value in raw.items()}
        except (msgspec.MsgspecError, ValueError):
            return None
        of = kinds_of(first, wanted)
        if of is None:
            return None
        fields: list[Field] = []
        head = b"{"
        text = (b'"', '"')
        marks = {Form.TEXT: text, Form.NAME: text, Form.STAMP: (b'"', "Z"), Form.LIST: (b"[", "]")}
        names = list(raw)
        for name in names:
            end = "}" if name == names[-1] else ","
            head += b'"%b":' % name.encode()
            if of[name] is Form.FIXED:
                head += bytes(raw[name])
            else:
                opening, closing = marks.get(of[name], (b"", end))
                fields.append(Field(head + opening, name, of[name], closing))
                head = b'Z"' if of[name] is Form.STAMP else closing.encode() if opening else b""
            head += b"," if end == "," else b""
        return cls(fields, head + b"},", stamp_ns)

    def _second_ns(self, key: tuple[int, ...]) -> int:
        text = b"".join(word.to_bytes(8, "little") for word in key)[:19].decode("latin-1")
        ts_ns = self._stamp_ns(f"{text}Z")
        return -1 if ts_ns is None else ts_ns

    def _stamp(self, words: ByteWords, place: Array, field: Field) -> tuple[Value, Array, Array]:
        """RFC 3339 with a point, up to nine digits and a Z; others are not read."""
        del field
        at = words.at
        third = at[place + 16]
        second_ns = self._seconds.of(at[place], at[place + 8], third & U64(0xFFFFFF))
        digits = at[place + 20]
        masks = before(digits, _Z)
        ninth = words.byte[place + 28]
        has_ninth = (masks == w.ALL) & (ninth != ord("Z"))
        digits = (digits & masks) | (w.ZEROS & ~masks)
        ninth = np.where(has_ninth, ninth - np.uint8(ord("0")), np.uint8(0))
        nanos = (number(digits) * U64(10) + ninth).view(np.int64)
        is_fine = (second_ns >= 0) & w.are_digits(digits) & (masks > 0) & (ninth < 10)
        is_fine &= (third >> U64(24)) & U64(0xFF) == ord(".")
        return (second_ns + nanos,), (bits(masks) >> 3) + has_ninth + np.int64(20), is_fine


def _text(words: ByteWords, place: Array, field: Field) -> tuple[Value, Array, Array]:
    del field
    word = words.at[place]
    masks = before(word, _QUOTE)
    return (word & masks,), bits(masks) >> 3, _ANY


def _name(words: ByteWords, place: Array, field: Field) -> tuple[Value, Array, Array]:
    """Of its words only the first two are kept."""
    del field
    kept: list[Array] = []
    goes_on, size = np.ones(len(place), np.bool_), np.zeros(len(place), np.int64)
    for start in range(0, NAME_MAX, 8):
        word = words.at[place + start]
        masks = before(word, _QUOTE)
        size += np.where(goes_on, bits(masks) >> 3, np.uint8(0))
        if len(kept) < 2:
            kept.append(np.where(goes_on, word & masks, U64(0)))
        goes_on &= masks == w.ALL
        if not goes_on.any():
            break
    first, second = (*kept, np.zeros(len(place), U64))[:2]
    return (first, second), size, ~goes_on


def _whole(words: ByteWords, place: Array, field: Field) -> tuple[Value, Array, Array]:
    value, count, is_fine = w.whole(words, place, repeated(field.end))
    return (value,), count, is_fine


def _decimal(words: ByteWords, place: Array, field: Field) -> tuple[Value, Array, Array]:
    value, count, is_fine = w.decimal(words, place, repeated(field.end))
    return (value,), count, is_fine


def _list(words: ByteWords, place: Array, field: Field) -> tuple[Value, Array, Array]:
    del field
    first = words.at[place]
    masks = before(first, _BRACKET)
    is_long = masks == w.ALL
    if not is_long.any():
        return (first & masks, np.zeros(len(place), U64)), bits(masks) >> 3, _ANY
    second = words.at[place + 8]
    seconds = np.where(is_long, before(second, _BRACKET), U64(0))
    return (first & masks, second & seconds), (bits(masks) + bits(seconds)) >> 3, _ANY
