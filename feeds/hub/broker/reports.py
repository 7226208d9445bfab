"""What a hub tells the person who runs it: every change once, however often it is noticed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from feeds.hub.broker.connection import Cause, cause, reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from feeds.hub.broker.lease import Chain

log = logging.getLogger(__name__)


class Reports:
    """Lines about the connection, and about whether the server keeps what is sent."""

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report = report
        self._is_connected = False
        self._problem = ""
        """Why there is no connection, or none that can be used, as it was last reported; "" otherwise."""
        self._is_refused = False
        self._refusals = 0
        self._kept_s = 0.0

    def line(self, text: str) -> None:
        """Tell the person this."""
        self._report(text)

    def connected(self) -> None:
        """For the first time, of which nobody needs to be told."""
        self._is_connected, self._problem = True, ""

    async def connected_again(self) -> None:
        """After an outage."""
        self.connected()
        self._report("connected to the NATS server again")

    async def lost(self) -> None:
        """The connection has gone, if there was one; it will be tried again."""
        if not self._is_connected:
            return
        self._is_connected = False
        self._report("the connection to the NATS server was lost")

    def closed(self) -> None:
        """By this hub itself."""
        self._is_connected = False

    async def error(self, error: Exception) -> None:
        """Say why there is no connection once, however often it is tried."""
        message = reason(error)
        if message == self._problem:
            return
        # A refusal is followed by errors of the socket, which say less.
        if self._problem and cause(error).says_little:
            return
        log.warning("hub: %s: %s", message, type(error).__name__)
        if not self._is_connected or cause(error) is Cause.DENIED:
            self._problem = message
            self._report(message)

    def publishing(self) -> None:
        """The lease is ours, with a chain that has seen no refusal."""
        self._refusals = 0

    def keeping(self, chain: Chain) -> None:
        """Tell the person once that the server keeps nothing, and once that it does again."""
        if chain.refusals > self._refusals and not self._is_refused:
            self._is_refused = True
            if not self._problem:  # it says why
                self._report("the NATS server is not storing messages; only connected viewers receive them")
        elif self._is_refused and chain.refusals == self._refusals and chain.kept_s > self._kept_s:
            self._is_refused, self._problem = False, ""
            self._report("the NATS server is storing messages again")
        self._refusals, self._kept_s = chain.refusals, chain.kept_s
