"""Tells a client why it is refused, in words that ssh shows, before any cryptography."""

from __future__ import annotations

import asyncio
import os

VERSION = "rotation-tui"
"""The software version that the host calls itself."""
DISCONNECT, TOO_MANY_CONNECTIONS = 1, 12
"""The message and its reason code (RFC 4253, 11.1)."""
LINGER_S = 1.0
"""Seconds that a refused client gets to read: closing at once, with its bytes unread, would be a reset."""
LINGERING_MAX = 64
"""Refused clients that linger at once; beyond that, they may see a reset."""
DISCARDED_MAX = 64 * 1024
"""Bytes that a refused client may still send."""


def disconnect_packet(text: str) -> bytes:
    """Return an unencrypted packet that ends a connection; ssh shows its text."""
    words = text.encode()
    payload = bytes([DISCONNECT]) + TOO_MANY_CONNECTIONS.to_bytes(4, "big")
    payload += len(words).to_bytes(4, "big") + words + bytes(4)
    padding = 4 + -(len(payload) + 9) % 8
    return (len(payload) + padding + 1).to_bytes(4, "big") + bytes([padding]) + payload + os.urandom(padding)


class TurnedAway(asyncio.Protocol):
    """What is left of a refused connection: a message, and a moment to read it."""

    def __init__(self, transport: asyncio.Transport, lingering: set[TurnedAway]) -> None:
        """``lingering`` holds the refused connections that are still open, and is kept up to date."""
        self._transport = transport
        self._lingering = lingering
        self._discarded = 0
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, text: str) -> None:
        """Send the message and let the client close."""
        self._transport.set_protocol(self)
        self._transport.write(f"SSH-2.0-{VERSION}\r\n".encode() + disconnect_packet(text))
        if len(self._lingering) >= LINGERING_MAX:
            self._transport.close()
            return
        self._lingering.add(self)
        self._timer = asyncio.get_running_loop().call_later(LINGER_S, self._transport.abort)
        try:
            self._transport.write_eof()
        except OSError:  # the client has gone already
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Discard what comes."""
        self._discarded += len(data)
        if self._discarded > DISCARDED_MAX:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        del exc
        self._lingering.discard(self)
        if self._timer is not None:
            self._timer.cancel()
