"""nats-py's client, with TLS as a condition: by itself it goes on in plain text where none is offered.

Its requests and its connecting can be cancelled at any moment: by themselves they lose a cancellation now and
then.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from typing import TYPE_CHECKING, Any

from nats import errors
from nats.aio.client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nats.aio.client import Srv
    from nats.aio.msg import Msg

OLDEST = (2, 11)
"""Versions of a NATS server that can be used, from this one on."""

_DENIED = re.compile(r'permissions violation for (?:publish|subscription) to "([^"]+)"', re.IGNORECASE)
"""The protocol's words; the subject is the only thing that says which request they are about."""
DENIED_MAX = 1_000
"""Subjects remembered; a hub has one for each symbol."""


class CertificateNeededError(errors.Error):
    """The server lets in only those who show a certificate, and we have none."""


class OldServerError(errors.Error):
    """The server does not know how to return the last messages of many subjects at once."""


class StrictClient(Client):
    """Gives no server its credentials before the connection is encrypted, where that was asked for."""

    def __init__(self, *, needs_tls: bool, has_certificate: bool) -> None:
        """``needs_tls``: whatever the address says; one with tls:// needs it anyway."""
        super().__init__()
        self._needs_tls = needs_tls
        self._has_certificate = has_certificate
        self.denied_s: dict[str, float] = {}
        """When the server last refused what was sent to a subject, or listening to it (monotonic).

        In small letters, as nats-py's parser gives them.
        """

    async def _process_err(self, err_msg: str) -> None:
        """Take an error of the protocol."""
        if denied := _DENIED.search(err_msg):
            while len(self.denied_s) >= DENIED_MAX:
                self.denied_s.pop(next(iter(self.denied_s)))
            self.denied_s[denied[1].lower()] = time.monotonic()
        await super()._process_err(err_msg)

    async def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> None:  # noqa: FBT001, FBT002 - nats-py's
        """Take what the server says first, on every connection.

        Raises SecureConnRequiredError, CertificateNeededError and OldServerError.
        """
        server = self._current_server
        needs_tls = self._needs_tls or (server is not None and server.uri.scheme == "tls")
        if initial_connection and needs_tls and not info.get("tls_required"):
            raise errors.SecureConnRequiredError
        if initial_connection and info.get("tls_verify") and not self._has_certificate:
            raise CertificateNeededError
        if initial_connection and _is_old(str(info.get("version", ""))):
            raise OldServerError
        await super()._process_info(info, initial_connection)

    async def _connect_to_server(self, s: Srv) -> None:
        """As nats-py has it, which tries the next server after any error, also where it was cancelled."""
        with _cancellable():
            await super()._connect_to_server(s)

    async def _process_connect_init(self) -> None:
        """As nats-py has it."""
        with _cancellable():
            await super()._process_connect_init()

    async def request(self, *args: Any, **more: Any) -> Msg:
        """As nats-py has it."""
        with _cancellable():
            return await super().request(*args, **more)

    async def flush(self, timeout: int = 10) -> None:  # noqa: ASYNC109 - nats-py's
        """As nats-py has it."""
        with _cancellable():
            await super().flush(timeout)


@contextlib.contextmanager
def _cancellable() -> Iterator[None]:
    """Raise CancelledError where the task was cancelled in between, whatever else has come of it.

    Until Python 3.12 ``asyncio.wait_for``, on which nats-py rests, returns an answer that comes together with
    a cancellation, and the cancellation is lost: the tape's task then went on for ever, and a hub that had
    been told to end with it. A client given up while a server refused it tried to connect for ever, and the
    desk that waited for its end never said that it had not become another one.
    """
    task = asyncio.current_task()
    assert task is not None
    before = task.cancelling()
    try:
        yield
    finally:
        if task.cancelling() > before:
            raise asyncio.CancelledError


def _is_old(version: str) -> bool:
    """False for a version that is not written as usual."""
    numbers = version.split(".")[:2]
    return (
        len(numbers) == len(OLDEST) and all(map(str.isdecimal, numbers)) and tuple(map(int, numbers)) < OLDEST
    )
