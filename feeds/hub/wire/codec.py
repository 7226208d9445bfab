"""Messages ↔ bytes, strictly: bytes that are no message of this schema raise, whatever they are."""

from __future__ import annotations

import zlib
from enum import StrEnum
from math import isfinite
from typing import TYPE_CHECKING, TypeVar

import msgspec

from feeds.errors import SourceError
from feeds.hub.wire import subjects
from feeds.hub.wire.messages import (
    SCHEMA,
    BeatMessage,
    BlobMessage,
    FundsMessage,
    HistoryMessage,
    IndexMessage,
    MembersMessage,
    Message,
    MinutesMessage,
    QuoteMessage,
    StateMessage,
    TapeMessage,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rotation.market.status import Provenance

UNPACKED_MAX = 8 * 2**20
"""Bytes that a packed body may grow to: more is an attack, not a market."""
PACK_LEVEL = 1
DELAY_MAX_S = 86_400.0
"""No feed is later by design."""
CLOCK_MAX_S = 100 * 366 * 86_400.0
"""Between a clock that was never set and the prints' own time."""

T = TypeVar("T")


class Fault(StrEnum):
    """What is wrong with bytes that change nothing."""

    SUBJECT = "on the wrong subject"
    FORM = "malformed"
    VERSION = "of another version"
    BODY = "with a damaged body"
    VALUE = "with impossible values"
    MANY = "beyond what a hub sends"


class WireError(SourceError):
    """Bytes that are no message."""

    def __init__(self, message: str, fault: Fault) -> None:
        super().__init__(message)
        self.fault = fault


class OtherVersion(WireError):  # noqa: N818 - a state of the hub, reported as its others are
    """A message of another schema. ``version``: the one it has."""

    def __init__(self, version: int) -> None:
        super().__init__(
            f"the hub sends version {version} of its messages, this program reads version {SCHEMA};"
            f" update {'this program' if version > SCHEMA else 'the hub'}",
            Fault.VERSION,
        )
        self.version = version


class _Any(msgspec.Struct, frozen=True, array_like=True):
    """The beginning of every message of every version."""

    version: int


_TYPES: Mapping[str, type[Message]] = {
    subjects.BEAT: BeatMessage,
    subjects.STATE: StateMessage,
    subjects.INDEX: IndexMessage,
    subjects.FUNDS: FundsMessage,
    subjects.FED: BlobMessage,
    subjects.MACRO: BlobMessage,
}
_FAMILIES: Mapping[str, type[Message]] = {
    subjects.QUOTES: QuoteMessage,
    subjects.MINUTES: MinutesMessage,
    subjects.HISTORY: HistoryMessage,
    subjects.MEMBERS: MembersMessage,
    subjects.TAPE: TapeMessage,
}
_ENCODER = msgspec.msgpack.Encoder()
_DECODERS: dict[type[Message], msgspec.msgpack.Decoder[Message]] = {
    kind: msgspec.msgpack.Decoder(kind) for kind in {*_TYPES.values(), *_FAMILIES.values()}
}
_VERSION = msgspec.msgpack.Decoder(_Any)


def encode(message: Message) -> bytes:
    """The bytes of a message."""
    return _ENCODER.encode(message)


def decode(subject: str, data: bytes) -> Message:
    """The message that was sent on a subject. Raises OtherVersion, and WireError for all else."""
    kind = _type_of(subject)
    if kind is None:
        raise WireError("unknown subject", Fault.SUBJECT)
    try:
        message = _DECODERS[kind].decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        version = _version_of(data)
        if version is not None and version != SCHEMA:
            raise OtherVersion(version) from error
        raise WireError("not a message of a hub", Fault.FORM) from error
    if isinstance(message, (BeatMessage, StateMessage)) and not _is_finite(msgspec.to_builtins(message)):
        raise WireError("a number that is not finite", Fault.VALUE)
    if isinstance(message, StateMessage) and not all(map(_is_possible, message.states)):
        raise WireError("a delay that no feed has", Fault.VALUE)
    return message


def _is_possible(state: Provenance) -> bool:
    delay_s = 0.0 if state.mode is None else state.mode.delay_s
    return 0 <= delay_s <= DELAY_MAX_S and abs(state.behind_s) <= CLOCK_MAX_S


def _is_finite(value: object) -> bool:
    """Whether no number in these lists and dicts is NaN or infinite."""
    match value:
        case float():
            return isfinite(value)
        case dict():
            return all(map(_is_finite, value.values()))
        case list() | tuple():
            return all(map(_is_finite, value))
        case _:
            return True


def _type_of(subject: str) -> type[Message] | None:
    kind = _TYPES.get(subject)
    if kind is None:
        head, dot, _ = subject.rpartition(".")
        kind = _FAMILIES.get(head + dot)
        if kind is None and subject.startswith(subjects.MEMBERS):
            kind = MembersMessage
    return kind


def _version_of(data: bytes) -> int | None:
    try:
        version = _VERSION.decode(data).version
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return version if 0 < version < 2**31 else None


def pack(data: bytes) -> bytes:
    """Compressed."""
    return zlib.compress(data, PACK_LEVEL)


def unpack(data: bytes) -> bytes:
    """What was compressed. Raises WireError for anything else, and for what grows beyond UNPACKED_MAX."""
    reader = zlib.decompressobj()
    try:
        plain = reader.decompress(data, UNPACKED_MAX)
    except zlib.error as error:
        raise WireError("a compressed body is damaged", Fault.BODY) from error
    if not reader.eof or reader.unused_data:
        raise WireError("a compressed body is damaged or too long", Fault.BODY)
    return plain


def pack_struct(value: object) -> bytes:
    """A struct, or None, as a body."""
    return pack(_ENCODER.encode(value))


def unpack_struct(data: bytes, kind: type[T]) -> T | None:
    """The struct of a body; None where it says that nothing is known. Raises WireError."""
    try:
        value: T | None = msgspec.msgpack.decode(unpack(data), type=kind | None)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        if isinstance(error, WireError):
            raise
        raise WireError("a body is not what its subject promises", Fault.BODY) from error
    if not _is_finite(msgspec.to_builtins(value)):
        raise WireError("a number that is not finite", Fault.VALUE)
    return value
