"""What one client may send, how far it has come, and whether it takes what is sent to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from tui.ssh.limits import Progress
from tui.ssh.reasons import Refusal
from tui.ssh.wire.token_bucket import TokenBucket

if TYPE_CHECKING:
    from tui.ssh.connection.audit import AuditTrail
    from tui.ssh.host_state import HostState
    from tui.ssh.rooms.viewer import Handle

CONNECTION_BURST, CONNECTION_PER_S = 128 * 1024, 16 * 1024
"""Bytes of any kind that a client may send: logging in takes 4 KB, typing 4 KB/s with ssh's decoy packets."""
PACKETS_BURST, PACKETS_PER_S = 500, 150
"""Packets that a client may send: a held key and ssh's decoys make less than a hundred a second."""
STRANGER_BYTES, STRANGER_PACKETS = 16 * 1024, 48
"""What a client may send until it has logged in: six RSA keys take 10 KB and 24 packets."""
EXCHANGES_BURST, EXCHANGES_PER_S = 3, 1 / 60
"""Later key exchanges of a client that has logged in: ssh asks for one an hour, or one a gigabyte."""


class Client(Protocol):
    """Whose traffic it is; ``SshConnection`` is one."""

    audit: AuditTrail

    def end(self, reason: Refusal) -> None:
        """End the connection: restore a viewer's terminal, and say why."""
        ...

    def drop(self, reason: Refusal) -> None:
        """End the connection at once: nothing that is sent would be read."""
        ...

    def stall(self, *, is_stalled: bool) -> None:
        """Stop sending frames, or send them again."""
        ...


class Traffic:
    """The traffic of one connection. The socket's guard and asyncssh's connection call its methods."""

    def __init__(self, state: HostState, client: Client) -> None:
        now = state.clock()
        self.progress = Progress.SILENT
        self.idle_since: float | None = now
        """Since when we wait for the client; None while it waits for us."""
        self.is_over = False
        """Whether the connection is ending: what still comes is discarded."""
        self.has_logged_in = False
        self.stalled_parts: set[str] = set()
        """Parts of the way to the client that are full."""
        self._state = state
        self._client = client
        self._bytes = TokenBucket(STRANGER_BYTES, 0, now)
        self._packets = TokenBucket(STRANGER_PACKETS, 0, now)
        self._exchanges = TokenBucket(1, 0, now)
        self._attempts = 1 + state.limits.keys
        """Failures to log in that are left; ssh's first attempt is without a key."""
        self._exchange_deadline: Handle | None = None
        self._is_closed = False

    def logged_in(self) -> None:
        """Allow what a viewer needs."""
        now = self._state.clock()
        self.has_logged_in = True
        self.progressed(Progress.LOGGED_IN)
        self._bytes = TokenBucket(CONNECTION_BURST, CONNECTION_PER_S, now)
        self._packets = TokenBucket(PACKETS_BURST, PACKETS_PER_S, now)
        self._exchanges = TokenBucket(EXCHANGES_BURST, EXCHANGES_PER_S, now)

    def closed(self) -> None:
        """Wait for nothing any more: the connection has ended."""
        self._is_closed = True
        self._cancel_exchange_deadline()

    def bytes_received(self, count: int) -> bool:
        """Count bytes from the client; False if they are too many, and the connection is ending."""
        if self._bytes.take(count, self._state.clock()) == count:
            return True
        self._client.end(Refusal.FLOOD)
        return False

    def packet_received(self) -> bool:
        """Count a packet from the client; False if they are too many, and the connection is ending."""
        if self._packets.take(1, self._state.clock()):
            return True
        self._client.end(Refusal.FLOOD)
        return False

    def progressed(self, progress: Progress) -> None:
        """Note how far the client has come; from now on we wait for it."""
        self.progress = progress
        self.idle_since = self._state.clock()

    def waits(self) -> None:
        """Note that the client waits for its key exchange."""
        self.idle_since = None

    def broke_protocol(self) -> None:
        """End the connection: what the client sent is not SSH, or comes out of order."""
        self._client.end(Refusal.PROTOCOL)

    def left_unread(self) -> None:
        """End the connection: the client goes on asking without reading the replies."""
        self._client.drop(Refusal.UNREAD)

    def may_exchange_keys(self) -> bool:
        """Return whether the client may begin a key exchange: once before the login, seldom afterwards."""
        if self._exchanges.take(1, self._state.clock()):
            return True
        self._client.audit.refused(Refusal.KEY_EXCHANGE)
        return False

    def exchanging_keys(self, *, is_under_way: bool) -> None:
        """Hold frames back during a later key exchange, and end a connection that never finishes it."""
        self._cancel_exchange_deadline()
        if self.has_logged_in and not self._is_closed:
            self.stalled("key exchange", is_stalled=is_under_way)
            if is_under_way:
                self._exchange_deadline = self._state.later(
                    self._state.limits.login_s, self._exchange_timed_out
                )

    def may_try_again(self) -> bool:
        """Count a failure to log in; False if it was one too many."""
        self._attempts -= 1
        if self._attempts > 0:
            return True
        self._client.audit.refused(Refusal.TOO_MANY_KEYS)
        return False

    def stalled(self, part: str, *, is_stalled: bool) -> None:
        """Note that a part of the way to the client ("channel", "socket") is full, or takes bytes again."""
        was = bool(self.stalled_parts)
        (self.stalled_parts.add if is_stalled else self.stalled_parts.discard)(part)
        if bool(self.stalled_parts) != was:
            self._client.stall(is_stalled=is_stalled)

    def _exchange_timed_out(self) -> None:
        self._exchange_deadline = None
        self._client.drop(Refusal.KEY_EXCHANGE)

    def _cancel_exchange_deadline(self) -> None:
        if self._exchange_deadline is not None:
            self._exchange_deadline.cancel()
            self._exchange_deadline = None
