"""nats-py's client, with TLS as a condition: by itself it goes on in plain text where none is offered."""

from __future__ import annotations

from typing import Any

from nats import errors
from nats.aio.client import Client


class StrictClient(Client):
    """Gives no server its credentials before the connection is encrypted, where that was asked for."""

    def __init__(self, *, needs_tls: bool) -> None:
        """``needs_tls``: whatever the address says; one with tls:// needs it anyway."""
        super().__init__()
        self._needs_tls = needs_tls

    async def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> None:  # noqa: FBT001, FBT002 - nats-py's
        """Take what the server says first, on every connection. Raises SecureConnRequiredError."""
        server = self._current_server
        needs_tls = self._needs_tls or (server is not None and server.uri.scheme == "tls")
        if initial_connection and needs_tls and not info.get("tls_required"):
            raise errors.SecureConnRequiredError
        await super()._process_info(info, initial_connection)
