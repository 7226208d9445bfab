"""Times of messages under way, as the bytes that came; read one by one or at once. Pure."""

from __future__ import annotations

from array import array
from itertools import groupby
from typing import TYPE_CHECKING

import msgspec

from feeds.vendors.alpaca.frames import exact_ns
from feeds.vendors.alpaca.stamp_forms import LATEST_S, PACKED, TEXT
from rotation.quote import NS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FEW = 64
"""Fewer times cost less one by one."""
_EXACT = 0
_TEXT = msgspec.json.Decoder(str)
_PACKED = msgspec.msgpack.Decoder(msgspec.msgpack.Ext | str)


class Stamps:
    """In order of arrival."""

    def __init__(self) -> None:
        """None yet."""
        self._parts: list[tuple[int, bytes | array[int]]] = []
        """Bytes a time, and these bytes; or _EXACT, and the times."""

    def add(self, stamps: Sequence[msgspec.Raw], *, is_json: bool) -> bool:
        """Times as they came; False, and nothing is added, where one is none."""
        joined: bytes | None = b"".join(stamps)
        width = TEXT if is_json else PACKED
        if len(joined) != width * len(stamps):  # type: ignore[arg-type]
            joined = _padded(stamps) if is_json else None
        if joined is not None:
            self._parts.append((width, joined))
            return True
        exact = _exact(map(bytes, stamps), is_json=is_json)
        if exact is None:
            return False
        self._parts.append((_EXACT, exact))
        return True

    def times_ns(self) -> array[int] | None:
        """UTC nanoseconds of each, exactly; None if any is invalid, or beyond 64 bits."""
        times = array("q")
        for width, parts in groupby(self._parts, key=lambda part: part[0]):
            values = [part for _, part in parts]
            if not width:
                for exact in values:
                    times.extend(exact)
                continue
            read_ns = _of_width(b"".join(values), width)
            if read_ns is None:
                return None
            times += read_ns
        return times


def _of_width(joined: bytes, width: int) -> array[int] | None:
    """Of times of so many bytes each."""
    count = len(joined) // width
    if count and count >= FEW:
        from feeds.vendors.alpaca import times  # noqa: PLC0415 - it imports numpy

        read_ns = (times.of_texts if width == TEXT else times.of_packed)(joined, count)
        if read_ns is not None:
            return array("q", read_ns.tobytes())
    each = (joined[i * width : (i + 1) * width] for i in range(count))
    return _exact(each, is_json=width == TEXT)


def are_below(numbers: array[int], limit: float) -> bool:
    """Whether all of these are from 0 to below ``limit``."""
    if len(numbers) < FEW or not numbers:
        return all(0 <= number < limit for number in numbers)
    from feeds.vendors.alpaca import times  # noqa: PLC0415 - it imports numpy

    return times.are_below(numbers, limit)


def one_ns(stamp: bytes, *, is_json: bool) -> int | None:
    """UTC nanoseconds of one time; None where it is none."""
    try:
        return exact_ns(_TEXT.decode(stamp) if is_json else _PACKED.decode(stamp))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def _exact(stamps: Iterable[bytes], *, is_json: bool) -> array[int] | None:
    times = array("q")
    for stamp in stamps:
        ts_ns = one_ns(stamp, is_json=is_json)
        if ts_ns is None or ts_ns >= LATEST_S * NS:
            return None
        times.append(ts_ns)
    return times


def _padded(stamps: Sequence[msgspec.Raw]) -> bytes | None:
    """JSON texts, which Alpaca ends with no zeros, with nine digits; None where one is another."""
    whole: list[bytes] = []
    for stamp in map(bytes, stamps):
        if len(stamp) == TEXT:
            whole.append(stamp)
        elif len(stamp) == 22 and stamp[20:] == b'Z"':
            whole.append(stamp[:20] + b'.000000000Z"')
        elif 24 <= len(stamp) < TEXT and stamp[-2:] == b'Z"':
            whole.append(stamp[:-2].ljust(30, b"0") + b'Z"')
        else:
            return None
    return b"".join(whole)
