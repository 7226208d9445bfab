"""Bytes that show whether they are whole: behind the SHA-256 of all that follows. Pure."""

from __future__ import annotations

from hashlib import sha256

DIGEST = 32
"""Bytes of SHA-256."""


def seal(body: bytes) -> bytes:
    """The bytes to write."""
    return sha256(body).digest() + body


def unsealed(data: bytes | None) -> bytes | None:
    """What was sealed; None where nothing was read, or something else than was written."""
    if data is None or sha256(data[DIGEST:]).digest() != data[:DIGEST]:
        return None
    return data[DIGEST:]
