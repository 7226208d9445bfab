"""What a parent and its workers send each other over a socket pair: framed msgpack, versioned.

A frame is four bytes of length, one byte of kind, and the body. Snapshots are a kind of their own, so that a
worker need not decode those that it is too slow to show.
"""

from __future__ import annotations

import asyncio
import struct
from typing import Final, TypeVar

import msgspec

from rotation import __version__
from rotation.context.wants import Wants
from rotation.snapshot import Snapshot
from tui.ssh.limits import Limits
from tui.ssh.preferences import Choice
from tui.ssh.rooms.defaults import Notice, ViewDefaults
from tui.ssh.status import HostStatus, ViewerStatus

T = TypeVar("T")
VERSION: Final = f"{__version__}/4"
"""Program and format. A worker of another one, from an upgrade under a running parent, refuses to work."""
FRAME_MAX = 64 * 1024 * 1024
"""Bytes of a body; a Snapshot of seven legs has 32 KB, each further leg 2 KB."""
SNAPSHOT, MESSAGE = 0, 1
"""Kinds of frame."""


class FrameError(ValueError):
    """The bytes are not a frame of this format."""


class Clock(msgspec.Struct, frozen=True):
    """The program's clock at one moment: a worker reads none of its own."""

    now_s: float = 0.0
    """UTC seconds."""
    at_s: float = 0.0
    """The same moment on the machine's monotonic clock, which parent and workers share."""


class Setup(msgspec.Struct, frozen=True, tag="setup"):
    """The first message to a worker: how to serve."""

    version: str
    worker: int
    """Its number, from 1."""
    limits: Limits
    authorized_keys: str | None
    host_key: str
    preferences: str
    clock: Clock
    log_level: str
    log_json: bool
    admin_keys: str | None = None
    revoked_keys: str | None = None
    defaults: ViewDefaults = ViewDefaults()
    themes: str | None = None
    """The folder of the operator's own themes."""
    bans: tuple[str, ...] = ()


class Beat(msgspec.Struct, frozen=True, tag="beat"):
    """The parent is alive, and these are the lines about the host for the Health panel."""

    health: tuple[str, ...]
    clock: Clock = Clock()
    """When the parent made it."""


class Reload(msgspec.Struct, frozen=True, tag="reload"):
    """Read the key files again."""


class Adopt(msgspec.Struct, frozen=True, tag="adopt"):
    """The settings in force: sent after a changed configuration file, and to each worker once it serves.

    Own themes are read again, too.
    """

    defaults: ViewDefaults
    log_level: str
    notice: Notice | None = None
    """What administrators at the screen read of it."""


class Stop(msgspec.Struct, frozen=True, tag="stop"):
    """Say goodbye to the viewers and end."""


class BansChanged(msgspec.Struct, frozen=True, tag="bans"):
    """Everything that is banned now."""

    names: tuple[str, ...]


class Chosen(msgspec.Struct, frozen=True, tag="chosen"):
    """What a viewer chose, to be kept; and from the parent, what a viewer of another worker chose."""

    fingerprint: str
    choice: Choice


class Question(msgspec.Struct, frozen=True, tag="question"):
    """A viewer's command for the parent, or the parent's for a worker; a Reply has the same ID."""

    id: int
    command: str
    """A command line; to a worker ``kick ID``, ``viewers`` or ``dismissed``."""
    by: str = ""
    """Fingerprint of the administrator; "" for anyone else."""
    is_admin: bool = False


class Reply(msgspec.Struct, frozen=True, tag="reply"):
    """The answer to a Question."""

    id: int
    out: str = ""
    err: str = ""
    code: int = 0
    viewers: tuple[ViewerStatus, ...] = ()
    """To ``viewers``: who looks at the screen."""
    count: int = 0
    """To ``dismissed``: how many the bans sent before it have disconnected."""


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """A worker takes connections from now on."""


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """A worker cannot start, for a reason that a person can mend."""

    why: str


class Report(msgspec.Struct, frozen=True, tag="report"):
    """How a worker is doing, each second; the parent also takes it as a sign of life."""

    status: HostStatus
    frames: int
    """Frames sent since it started."""
    bytes: int
    pending: int
    """Connections without a session yet."""


class Left(msgspec.Struct, frozen=True, tag="left"):
    """A connection is closed, or was refused."""

    number: int


class LoggedIn(msgspec.Struct, frozen=True, tag="logged in"):
    """Somebody has logged in from this address."""

    address: str


class WantsChanged(msgspec.Struct, frozen=True, tag="wants"):
    """The parts of a Snapshot that this worker's viewers look at: all of them, each time they change."""

    wants: Wants


ToWorker = Setup | Beat | Reload | Adopt | Stop | BansChanged | Chosen | Question | Reply
ToParent = Ready | Failed | Report | Left | LoggedIn | WantsChanged | Chosen | Question | Reply


class Handed(msgspec.Struct, frozen=True, array_like=True):
    """Travels with an accepted socket from the parent to a worker."""

    number: int
    """The connection's ID, another one for each connection of the host."""
    address: str
    """The client's, also behind a balancer."""
    port: int
    is_known: bool
    """Whether somebody has logged in from there before, on any worker."""


_DAMAGED = (msgspec.MsgspecError, UnicodeDecodeError)
"""What msgspec raises for bytes that are not what was asked for: the latter for text within."""
_AT = struct.Struct(">d")
_encode = msgspec.msgpack.Encoder().encode
_snapshot = msgspec.msgpack.Decoder(Snapshot)
_to_worker = msgspec.msgpack.Decoder(ToWorker)
_to_parent = msgspec.msgpack.Decoder(ToParent)
_handed = msgspec.msgpack.Decoder(Handed)


def frame(message: ToWorker | ToParent) -> bytes:
    """Return a message as one frame."""
    return _framed(MESSAGE, _encode(message))


def snapshot_frame(snapshot: Snapshot, at_s: float = 0.0) -> bytes:
    """Return a Snapshot as one frame. ``at_s``: when the parent made it, on its monotonic clock."""
    return _framed(SNAPSHOT, _AT.pack(at_s) + _encode(snapshot))


def _framed(kind: int, body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + bytes([kind]) + body


def made_at_s(body: bytes) -> float:
    """Return when the parent made the Snapshot in a frame's body, on its clock. Raises FrameError."""
    try:
        return float(_AT.unpack_from(body)[0])
    except struct.error as error:
        raise FrameError(f"damaged snapshot: {error}") from error


def read_snapshot(body: bytes) -> Snapshot:
    """Return the Snapshot in a frame's body. Raises FrameError."""
    return _read(_snapshot, memoryview(body)[_AT.size :], "snapshot")


def read_for_worker(body: bytes) -> ToWorker:
    """Return a message from the parent. Raises FrameError."""
    message: ToWorker = _read(_to_worker, body, "message")
    return message


def read_for_parent(body: bytes) -> ToParent:
    """Return a message from a worker. Raises FrameError."""
    message: ToParent = _read(_to_parent, body, "message")
    return message


def handed_bytes(handed: Handed) -> bytes:
    """Return what is sent with a socket."""
    return _encode(handed)


def read_handed(data: bytes) -> Handed:
    """Return what came with a socket. Raises FrameError."""
    return _read(_handed, data, "handover")


def _read(decoder: msgspec.msgpack.Decoder[T], data: bytes | memoryview, what: str) -> T:
    try:
        return decoder.decode(data)
    except _DAMAGED as error:
        raise FrameError(f"damaged {what}: {error}") from error


async def read_frame(reader: asyncio.StreamReader) -> tuple[int, bytes] | None:
    """Return kind and body of the next frame; None at the end. Raises FrameError."""
    try:
        head = await reader.readexactly(5)
        size, kind = int.from_bytes(head[:4], "big"), head[4]
        if size > FRAME_MAX or kind not in (SNAPSHOT, MESSAGE):
            raise FrameError(f"a frame of kind {kind} and {size:,} bytes")
        return kind, await reader.readexactly(size)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
