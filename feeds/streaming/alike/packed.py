"""Messages of msgpack that are written alike. Pure.

Each message is a piece that begins with a map whose first key is ``TAG``: where every piece is a map by
itself, and each frame has as many as it says, they are the elements of its array.
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
from feeds.streaming.alike.words import ALL, U64, Array, ByteWords, in_parts
from rotation.quote import NS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from feeds.streaming.vendor import Frame

TAG = b"\xa1T\xa1"
"""The key T, and a text of one character."""
LATEST_S = U64(2**33)
"""Beyond it nanoseconds do not fit into 64 bits."""
_RAW = msgspec.msgpack.Decoder(msgspec.Raw)
_OBJECT = msgspec.msgpack.Decoder(dict[str, msgspec.Raw])
_TOPS = U64(0x8080808080808080)
_WIDTHS = np.full(256, -1, np.int64)
"""By the first byte of a whole number from 0 on how many bytes follow; -1 for anything else."""
_WIDTHS[:0x80] = 0
_WIDTHS[0xCC:0xD0] = (1, 2, 4, 8)


class Packed:
    """Frames under way."""

    def __init__(self, frames: Sequence[Frame], words: ByteWords) -> None:
        """``frames``: see ``are_arrays``. Raises ValueError where one holds another number of messages."""
        counts, sizes = zip(*_heads(frames), strict=True)
        bodies = [frame[size:] for frame, size in zip(frames, sizes, strict=True)]
        self.words = words
        stop = words.fill(map(b"".join, in_parts(bodies)))  # type: ignore[arg-type]
        byte, at = words.byte, words.places("T", stop)
        is_tag = (byte[at - 1] == TAG[0]) & (byte[at + 1] == TAG[2]) & (byte[at - 2] >> 4 == 8)
        self.starts = at[is_tag] - 2
        self.ends = np.append(self.starts[1:], stop)
        stops = w.BEFORE + np.cumsum(np.fromiter(map(len, bodies), np.int64, len(bodies)))
        firsts = np.cumsum(np.array(counts))
        ends_whole = np.append(self.starts, stop).take(firsts, mode="clip") == stops
        if firsts[-1] != len(self.starts) or not ends_whole.all() or self.starts[0] != w.BEFORE:
            raise ValueError("not plain")

    def joined(self, chosen: list[int]) -> bytes | None:
        """Some of the messages, in an array of their own; None where one is none by itself."""
        data, ends = self.words.data, self.ends[chosen].tolist()
        parts = [data[start:end] for start, end in zip(self.starts[chosen].tolist(), ends, strict=True)]
        return b"\xdd" + len(parts).to_bytes(4) + b"".join(parts) if are_values(_RAW, parts) else None


def are_arrays(frames: Sequence[Frame]) -> int:
    """How many of the frames, from the first on, may be arrays that are not empty."""
    if not all(isinstance(frame, bytes) for frame in frames):
        return 0
    return next((i for i, (count, _) in enumerate(_heads(frames)) if not count), len(frames))


def counts_of(frames: Sequence[Frame]) -> list[int]:
    """How many messages each array has; 0 for anything else."""
    return [count for count, _ in _heads(frames)]


def _heads(frames: Sequence[Frame]) -> list[tuple[int, int]]:
    """Of each frame how many messages its array has, and bytes before the first; 0 for anything else."""
    heads = [frame[:3] for frame in frames]
    of = {head: _head(head) for head in set(heads)}  # type: ignore[arg-type]
    return [of[head] for head in heads]


def _head(head: bytes) -> tuple[int, int]:
    first = head[0] if head else 0
    if 0x90 <= first <= 0x9F:
        return first & 15, 1
    return (int.from_bytes(head[1:3]), 3) if first == 0xDC else (0, 0)


class PackedTemplate(Template):
    """How messages of msgpack are written."""

    @classmethod
    def learnt(cls, piece: bytes, wanted: Wanted) -> PackedTemplate | None:
        """From a message; None where it cannot be read this way, or is no trade."""
        try:
            raw = _OBJECT.decode(piece)
            first = {name: msgspec.msgpack.decode(value) for name, value in raw.items()}
        except (msgspec.MsgspecError, ValueError):
            return None
        of = kinds_of(first, wanted)
        if of is None or any(len(name) > 31 or not name.isascii() for name in raw) or len(raw) > 15:
            return None
        fields: list[Field] = []
        head = bytes((0x80 | len(raw),))
        for name in raw:
            head += bytes((0xA0 | len(name),)) + name.encode()
            if of[name] is Form.FIXED:
                head += bytes(raw[name])
                continue
            fields.append(Field(head, name, of[name], ""))
            head = b""
        return cls(fields, head, _READERS)


def _text(words: ByteWords, place: Array, field: Field) -> tuple[Value, Array, Array]:
    """With its first byte, which has its length: so texts with zeros behind them differ."""
    del field
    word = words.at[place]
    size = (word & U64(0x1F)).astype(np.int64)
    masks = ALL >> (U64(56) - (np.minimum(size, 7).astype(U64) << U64(3)))
    word &= masks
    is_fine = (word & U64(0xE0) == 0xA0) & (size < 8) & (word & (_TOPS - U64(0x80)) == 0)
    return (word,), size + 1, is_fine


def _whole(words: ByteWords, place: Array, field: Field) -> tuple[Value, Array, Array]:
    del field
    head = words.byte[place]
    width = _WIDTHS[head]
    bits = U64(64) - (np.maximum(width, 0).astype(U64) << U64(3))
    value = np.where(width == 0, head, words.at[place + 1].byteswap() >> bits)
    return (value,), width + 1, (width >= 0) & (value < U64(2**63))


def _decimal(words: ByteWords, place: Array, field: Field) -> tuple[Value, Array, Array]:
    """A number of 64 bits with a point; whether it is finite is asked elsewhere."""
    del field
    value = words.at[place + 1].byteswap().view(np.float64)
    return (value,), np.full(len(place), 9), words.byte[place] == 0xCB


def _list(words: ByteWords, place: Array, field: Field) -> tuple[Value, Array, Array]:
    """As if each of its values had two bytes: what it means is asked of the bytes (``listed``)."""
    del field
    first = words.at[place]
    count = (first & U64(0x0F)).astype(np.int64)
    size = 1 + 2 * count
    is_fine = (first & U64(0xF0) == 0x90) & (count < 8)
    bits = np.minimum(size, 16).astype(U64) << U64(3)
    first &= ALL >> np.where(bits < 64, U64(64) - bits, U64(0))
    if not (bits > 64).any():
        return (first, np.zeros(len(place), U64)), size, is_fine
    second = words.at[place + 8] & np.where(bits > 64, ALL >> (U64(128) - np.maximum(bits, U64(64))), U64(0))
    return (first, second), size, is_fine


def _stamp(words: ByteWords, place: Array, field: Field) -> tuple[Value, Array, Array]:
    """A Timestamp of 64 bits."""
    del field
    value = words.at[place + 2].byteswap()
    seconds, nanos = value & U64(2**34 - 1), value >> U64(34)
    is_fine = (words.at[place] & U64(0xFFFF) == 0xFFD7) & (nanos < NS) & (seconds > 0) & (seconds < LATEST_S)
    return ((seconds * U64(NS) + nanos).astype(np.int64),), np.full(len(place), 10), is_fine


_READERS: Readers = {
    Form.FIXED: fixed,
    Form.TEXT: _text,
    Form.WHOLE: _whole,
    Form.DECIMAL: _decimal,
    Form.LIST: _list,
    Form.STAMP: _stamp,
}
"""No vendor has names in msgpack."""
