"""What a delivery is, and how it fails. Quick to import: no client is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rotation.alerts.rule import Fired


class DeliveryError(Exception):
    """A try that failed. ``str()`` is for the person and holds neither address nor secret."""

    def __init__(self, message: str, *, again: bool = True, after_s: float | None = None) -> None:
        """``again``: whether another try may help; ``after_s``: not before so many seconds."""
        super().__init__(message)
        self.again = again
        self.after_s = after_s


class Sender(Protocol):
    """Delivers one call."""

    async def __call__(self, fired: Fired, text: str) -> None:
        """Raises DeliveryError."""
        ...
