"""A tap on all that sources send, for ``doctor --capture``: closed unless a capture has opened it.

It belongs to the task that opened it and to those started from there, so no source needs to know of it.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping


class Tap(Protocol):
    """What a capture receives."""

    def opened(self, source: str) -> None:
        """A stream's socket is open."""
        ...

    def frame(self, source: str, frame: str | bytes) -> None:
        """A stream has sent a frame."""
        ...

    def lost(self, source: str, why: str) -> None:
        """A stream's connection has ended, or there was none; ``why`` names the kind of reason."""
        ...

    def answer(self, address: str, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """A REST source has answered; ``address``: host and path."""
        ...


tap: ContextVar[Tap | None] = ContextVar("tap", default=None)
