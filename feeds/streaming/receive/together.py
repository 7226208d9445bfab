"""Many frames read at once, as far as they raise no doubt; a vendor's ``Reading`` knows what they mean. Pure.

Short frames are joined to one array and decoded in one go, since a call of a decoder costs some messages.
"""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Protocol, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from feeds.streaming.vendor import Frame, ManyFrames

_WHOLE = msgspec.msgpack.Decoder(msgspec.Raw)
T = TypeVar("T")
K = TypeVar("K", bound="Hashable")
EXACT, REPORT = -1, -2
"""In place of a role: left to the exact way; a report of a price, which is not a trade."""
ROLES_MAX = 4096
MANY = 65_536
"""Characters or bytes, of some five hundred messages."""
FRAMES_MAX = 1_024
READ_MAX = 65_536
"""Characters or bytes after which a call has read enough: what comes then may be read another way."""
JOINED_MAX = 32_768
"""Characters or bytes of frames that are joined: more structs alive at once cost more than they save."""


def are_many(frames: Sequence[Frame], start: int) -> bool:
    """Whether there are so many messages, from the place on, that arrays of them cost less than objects."""
    return sum(map(len, frames[start : start + FRAMES_MAX])) >= MANY


def are_finite(prices: Sequence[float]) -> bool:
    """Whether all of these are numbers: the sum of others is none."""
    return isfinite(sum(prices)) or all(map(isfinite, prices))


class Roles(dict[K, int]):
    """By the conditions of a trade the number of its ``Role``, EXACT or REPORT: a few dozen in a year."""

    def __init__(self, number_of: Callable[[K], int]) -> None:
        """``number_of`` is asked once for each, as long as there are no more than ROLES_MAX."""
        super().__init__()
        self._number_of = number_of

    def __missing__(self, conditions: K) -> int:
        number = self._number_of(conditions)
        if len(self) >= ROLES_MAX:
            self.clear()
        self[conditions] = number
        return number


class Reading(Protocol):
    """Frames under way."""

    def take(self, frame: Frame) -> bool:
        """Read a frame, or several as one; False, and nothing of it is read, where any doubt is left."""
        ...

    def made(self, count: int) -> ManyFrames | None:
        """All that was taken from so many frames; None where that shows a doubt after all."""
        ...


def read_many(frames: Sequence[Frame], begin: Callable[[], Reading], start: int = 0) -> ManyFrames:
    """What frames mean, from the place ``start`` on as far as their messages are well formed.

    Not all that there are: the first READ_MAX of them, or a little more.
    """
    reading, place, size = begin(), start, 0
    while place < len(frames) and size < READ_MAX:
        end = _end_of_run(frames, place)
        size += sum(map(len, frames[place:end]))
        whole = _joined(frames[place:end]) if end - place > 1 else None
        if whole is not None and reading.take(whole):
            place = end
            continue
        while place < end and reading.take(frames[place]):
            place += 1
        if place < end:
            break
    made = reading.made(place - start)
    if made is not None:
        return made
    count = next((i for i in range(start, place) if not read_one(frames[i], begin)), start) - start
    return read_many(frames[start : start + count], begin)


def read_one(frame: Frame, begin: Callable[[], Reading]) -> bool:
    """Whether this frame can be read at once."""
    reading = begin()
    return reading.take(frame) and reading.made(1) is not None


def decoded(decode: Callable[[Frame], list[T]], frame: Frame, most: int) -> list[T] | None:
    """The messages of a frame; None where one is not well formed, or there are more than ``most``."""
    try:
        messages = decode(frame)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return messages if len(messages) <= most else None


def _end_of_run(frames: Sequence[Frame], start: int) -> int:
    """Up to where frames are of one kind and short together; at least the first."""
    kind, size = type(frames[start]), 0
    for place in range(start, len(frames)):
        size += len(frames[place])
        if size > JOINED_MAX or type(frames[place]) is not kind:
            return max(place, start + 1)
    return len(frames)


def _joined(frames: Sequence[Frame]) -> Frame | None:
    """Arrays, of JSON or msgpack, as one; None where one does not look like one that is whole."""
    if isinstance(frames[0], str):
        inner: list[str] = [frame[1:-1] for frame in frames if frame[:2] == "[{" and frame[-2:] == "}]"]  # type: ignore[misc]
        return f"[{','.join(inner)}]" if len(inner) == len(frames) else None
    if frames[0][:1] == b"[":
        parts: list[bytes] = [frame[1:-1] for frame in frames if frame[:2] == b"[{" and frame[-2:] == b"}]"]  # type: ignore[misc]
        return b"[%b]" % b",".join(parts) if len(parts) == len(frames) else None
    try:
        for frame in frames:
            _WHOLE.decode(frame)  # type: ignore[arg-type] # half a message would be joined to the next half
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    total, bodies = 0, []
    for frame in frames:
        head = frame[0] if frame else 0
        if 0x90 <= head <= 0x9F:  # type: ignore[operator] # msgpack: an array of up to 15
            total += head & 15  # type: ignore[operator]
            bodies.append(frame[1:])
        elif head == 0xDC:  # of up to 65,535
            total += int.from_bytes(frame[1:3])  # type: ignore[arg-type]
            bodies.append(frame[3:])
        else:
            return None
    return b"\xdd" + total.to_bytes(4) + b"".join(bodies)  # type: ignore[arg-type]
