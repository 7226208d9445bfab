"""Cuts what a client sends into its version line and its packets, without decrypting anything. Pure."""

from __future__ import annotations

from typing import NamedTuple

LINE_MAX = 255
"""Bytes of the version line (RFC 4253, 4.2)."""
PACKET_MAX = 35_000
"""Bytes of a packet that every implementation must take (RFC 4253, 6.1); larger ones are refused."""
LENGTH = 4
"""Bytes that hold the length of a packet."""

IGNORE, UNIMPLEMENTED, DEBUG, KEXINIT, NEWKEYS, KEX_REQUEST = 2, 3, 4, 20, 21, 30
"""Message numbers of RFC 4253 and 5656."""


class Packet(NamedTuple):
    """One whole piece of what the client sent."""

    octets: bytes
    kind: int | None
    """The message number; None for the version line and for an encrypted packet."""


class FramingError(Exception):
    """What came cannot be the beginning of a version line or of a packet."""


class Framing:
    """Takes bytes as they come and gives whole packets."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._has_version = False
        self._tag: int | None = None

    @property
    def has_version(self) -> bool:
        """Whether the client has sent its version line."""
        return self._has_version

    @property
    def is_encrypted(self) -> bool:
        """Whether the packets that follow are encrypted."""
        return self._tag is not None

    def encrypt(self, tag: int) -> None:
        """From the next packet on, only the length is readable, and ``tag`` bytes follow each packet."""
        self._tag = tag

    def feed(self, data: bytes) -> None:
        """Take what the client sent."""
        self._buffer += data

    def next(self) -> Packet | None:
        """Return the next whole piece, or None until more comes. Raises FramingError."""
        if not self._has_version:
            return self._line()
        if len(self._buffer) <= LENGTH + 1:
            return None
        length = int.from_bytes(self._buffer[:LENGTH], "big")
        if not 1 < length <= PACKET_MAX:
            raise FramingError
        kind = self._buffer[LENGTH + 1] if self._tag is None else None
        size = LENGTH + length + (self._tag or 0)
        return None if len(self._buffer) < size else Packet(self._cut(size), kind)

    def _line(self) -> Packet | None:
        end = self._buffer.find(b"\n", 0, LINE_MAX) + 1
        if not end:
            if len(self._buffer) >= LINE_MAX or not b"SSH-".startswith(self._buffer[:4]):
                raise FramingError
            return None
        if not self._buffer.startswith((b"SSH-2.0-", b"SSH-1.99-")):
            raise FramingError
        self._has_version = True
        return Packet(self._cut(end), None)

    def _cut(self, size: int) -> bytes:
        octets = bytes(self._buffer[:size])
        del self._buffer[:size]
        return octets
