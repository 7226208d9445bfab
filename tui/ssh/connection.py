"""One SSH connection, in this order: admit, authenticate, open one session, clean up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncssh

from tui.ssh import event_log
from tui.ssh.access.authentication import Authentication
from tui.ssh.limits import Progress
from tui.ssh.reasons import CUT_OFF, EndReason, NoLogin, Refusal
from tui.ssh.session import Session
from tui.ssh.wire.token_bucket import TokenBucket
from tui.ssh.wire.turned_away import TOO_MANY_CONNECTIONS

if TYPE_CHECKING:
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
KEY_SIZE_MAX, EXPONENT_SIZE_MAX = 1_100, 4
"""Bytes of a public key (RSA with 8,192 bits) and of an RSA exponent: larger ones cost too much to verify."""
LINGER_S = 0.5
"""Seconds that a client gets to disconnect by itself, without a message about it on its screen."""


class SshConnection(asyncssh.SSHServer):
    """One connection from TCP to its one session; asyncssh calls its methods."""

    def __init__(self, state: HostState) -> None:
        self.session: Session | None = None
        self.number = next(state.numbers)
        self.idle_since: float | None = state.clock()
        """Since when we wait for the client; None while it waits for us."""
        self.progress = Progress.SILENT
        self.is_over = False
        """Whether the connection is ending: what still comes is discarded."""
        self.pending = False
        """Admitted, and without a session yet."""
        self._state = state
        self._conn: asyncssh.SSHServerConnection | None = None
        self._bucket = TokenBucket(STRANGER_BYTES, 0, state.clock())
        self._packets = TokenBucket(STRANGER_PACKETS, 0, state.clock())
        self._exchanges = TokenBucket(1, 0, state.clock())
        self._attempts = 1 + state.limits.keys
        """Failures to log in that are left; ssh's first attempt is without a key."""
        self._authentication = Authentication(state.authorized_keys, self._key_rejected, state.bans.has_key)
        self._address = ""
        self._user = ""
        self._is_admitted = False
        self._is_refused = False
        self._has_logged_in = False
        self._deadline: Handle | None = None
        self._exchange_deadline: Handle | None = None
        self._stalled_parts: set[str] = set()

    @property
    def log_fields(self) -> dict[str, object]:
        """Who this is, for the log."""
        access, term = self._authentication.access, self.session.term if self.session else ""
        comment = {"comment": access.comment} if access.comment else {}
        return {
            "address": self._address,
            "user": self._user,
            "key": self.fingerprint,
            **comment,
            "term": term,
        }

    @property
    def address(self) -> str:
        """The client's address; "" before it is known."""
        return self._address

    @property
    def fingerprint(self) -> str:
        """Of the key that logged in; "" without one. A key that was merely offered does not count."""
        return self._authentication.fingerprint

    @property
    def is_admin(self) -> bool:
        """Whether the key that logged in is an administrator's."""
        return self._authentication.access.is_admin

    @property
    def may_use_terminal(self) -> bool:
        """Whether the key is allowed a terminal: ``no-pty`` and ``restrict`` in authorized_keys forbid it."""
        return self._authentication.access.allows_terminal

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Begin: the client has been admitted."""
        peer = conn.get_extra_info("peername")
        self._address = str(peer[0]) if peer else ""
        self._conn = conn
        self.pending = self._is_admitted = True
        self._state.connections[self] = self._state.newcomers[self] = None
        self._deadline = self._state.later(self._state.limits.login_s, self._login_timed_out)

    def connection_lost(self, exc: Exception | None) -> None:
        """Correct the counts, whatever ended the connection, and log its session once."""
        del exc
        if self._conn is None:
            return
        self._conn = None
        self._cancel_deadline()
        self.exchanging_keys(is_under_way=False)
        self._state.remove(self)
        self._leave()
        session = self.session
        if session is None:
            self._refuse(Refusal.NO_LOGIN)
            return
        viewer = session.viewer
        event_log.event(
            "session end",
            **self.log_fields,
            reason=session.ended or EndReason.DISCONNECTED,
            size=session.size_text,
            seconds=round(self._state.clock() - session.began, 1),
            **({"frames": viewer.frames, "bytes": viewer.bytes, "dropped": viewer.dropped} if viewer else {}),
        )

    def begin_auth(self, username: str) -> bool:
        """Require authentication. Any user name will do: only the key counts."""
        self._user = event_log.client_text(username)
        if self._conn is not None:
            self._authentication.begin(self._conn, self._address)
        if self._state.authorized_keys.refresh():
            self._state.recheck_keys()
        self._state.refresh_bans()
        return True

    def public_key_auth_supported(self) -> bool:
        """Offer public keys; on an open host they are how preferences are kept."""
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Return whether this key is authorized; asyncssh checks the signature afterwards."""
        del username
        return not _is_costly(key) and self._authentication.key(key)

    def kbdint_auth_supported(self) -> bool:
        """Let clients without a key in on an open host, without asking anything."""
        return self._state.authorized_keys.is_open

    def get_kbdint_challenge(self, username: str, lang: str, submethods: str) -> bool:
        """Accept on an open host without asking anything; an offered key no longer counts."""
        del username, lang, submethods
        self._authentication.forget()
        return self._state.authorized_keys.is_open

    def auth_completed(self) -> None:
        """Take over the key whose signature asyncssh has verified."""
        self._state.meter.logins += 1
        self._state.admission.logged_in(self._address)
        self._authentication.complete()
        self._has_logged_in = True
        self.progressed(Progress.LOGGED_IN)
        now = self._state.clock()
        self._bucket = TokenBucket(CONNECTION_BURST, CONNECTION_PER_S, now)
        self._packets = TokenBucket(PACKETS_BURST, PACKETS_PER_S, now)
        self._exchanges = TokenBucket(EXCHANGES_BURST, EXCHANGES_PER_S, now)

    def session_requested(self) -> Session | bool:
        """Open a session; False if the connection has one already."""
        if self.session is not None:
            self._state.refuse(Refusal.SECOND_SESSION, **self.log_fields)
            return False
        self.session = Session(self._state, self, forced=self._authentication.access.command)
        return self.session

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> bool:
        """Refuse to forward a connection."""
        del dest_host, dest_port, orig_host, orig_port
        return self._refuse_forwarding()

    def server_requested(self, listen_host: str, listen_port: int) -> bool:
        """Refuse to listen for the client."""
        del listen_host, listen_port
        return self._refuse_forwarding()

    def unix_connection_requested(self, dest_path: str) -> bool:
        """Refuse to connect to a socket of this machine."""
        del dest_path
        return self._refuse_forwarding()

    def bytes_received(self, count: int) -> bool:
        """Count bytes from the client; False if they are too many, and the connection is ending."""
        if self._bucket.take(count, self._state.clock()) == count:
            return True
        self._end(Refusal.FLOOD)
        return False

    def packet_received(self) -> bool:
        """Count a packet from the client; False if they are too many, and the connection is ending."""
        if self._packets.take(1, self._state.clock()):
            return True
        self._end(Refusal.FLOOD)
        return False

    def progressed(self, progress: Progress) -> None:
        """Note how far the client has come; from now on we wait for it."""
        self.progress = progress
        self.idle_since = self._state.clock()

    def waits(self) -> None:
        """Note that the client waits for its key exchange."""
        self.idle_since = None

    def broke_protocol(self) -> None:
        """End the connection: the client sent what is no SSH, or not now."""
        self._end(Refusal.PROTOCOL)

    def left_unread(self) -> None:
        """End the connection: the client goes on asking without reading the replies."""
        self._refuse(Refusal.UNREAD)
        if self.session is not None:
            self.session.ended = self.session.ended or EndReason.FLOOD
        self.cut()

    def may_exchange_keys(self) -> bool:
        """Return whether the client may begin a key exchange: once before the login, seldom afterwards."""
        if self._exchanges.take(1, self._state.clock()):
            return True
        self._refuse(Refusal.KEY_EXCHANGE)
        return False

    def exchanging_keys(self, *, is_under_way: bool) -> None:
        """Hold frames back during a later key exchange, and end a connection that never finishes it."""
        if self._exchange_deadline is not None:
            self._exchange_deadline.cancel()
            self._exchange_deadline = None
        if self._has_logged_in and self._conn is not None:
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
        self._refuse(Refusal.TOO_MANY_KEYS)
        return False

    def checking_key(self, username: str, key_data: bytes) -> bool:
        """Return whether a key or certificate that is offered is worth checking."""
        return self._authentication.checking(username, key_data)

    def key_refused(self, key_data: bytes) -> None:
        """Note a key or certificate that may not log in."""
        self._authentication.refused(key_data)

    def stalled(self, part: str, *, is_stalled: bool) -> None:
        """Note that a part of the way to the client ("channel", "socket") is full, or takes bytes again."""
        was = bool(self._stalled_parts)
        (self._stalled_parts.add if is_stalled else self._stalled_parts.discard)(part)
        if self.session is not None and bool(self._stalled_parts) != was:
            self.session.stall(is_stalled=is_stalled)

    def session_began(self) -> None:
        """Note that the session has started: the time limit of the login no longer applies."""
        session, conn = self.session, self._conn
        if session is not None and conn is not None:
            event_log.event(
                "session begin",
                **self.log_fields,
                client=event_log.client_text(str(conn.get_extra_info("client_version") or "")),
                size=session.size_text,
                command=session.command_text,
            )
        self._cancel_deadline()
        if self.pending:
            self.pending = False
            self._state.newcomers.pop(self, None)
            self._state.admission.session_started()

    def session_closed(self) -> None:
        """Close the connection soon, if the client does not do it by itself."""
        self._state.later(LINGER_S, self.cut)

    def cut(self) -> None:
        """Close the connection at once, whatever has not been sent yet."""
        if self._conn is not None:
            self._conn.abort()

    def recheck_key(self) -> None:
        """Disconnect the client if its key is no longer authorized, or no longer for what it does."""
        if not self.fingerprint:
            return
        access, before = self._authentication.now(), self._authentication.access
        if access is None:
            self.dismiss(EndReason.KEY_WITHDRAWN)
        elif (access.allows_terminal, access.command) != (before.allows_terminal, before.command):
            self.dismiss(EndReason.KEY_RESTRICTED)
        else:
            self._authentication.access = access

    def dismiss(self, reason: EndReason) -> None:
        """End the session with its farewell; without a session, close the connection at once."""
        if self.session is not None:
            self.session.end(reason)
        else:
            self.cut()

    def give_way(self) -> None:
        """Disconnect the client because it has not logged in and others wait for its place."""
        self._state.newcomers.pop(self, None)
        self._leave()
        self._end(Refusal.SLOW_LOGIN)

    def _leave(self) -> None:
        if self._is_admitted:
            self._state.admission.leave(self._address, pending=self.pending)
        self._is_admitted = self.pending = False

    def _login_timed_out(self) -> None:
        self._deadline = None
        self._end(Refusal.LOGIN_TIME)

    def _exchange_timed_out(self) -> None:
        self._exchange_deadline = None
        self._refuse(Refusal.KEY_EXCHANGE)
        self.cut()

    def _end(self, reason: Refusal) -> None:
        """End the connection: restore a viewer's terminal, and say why."""
        self.is_over = True
        self._refuse(reason)
        if self.session is not None and self.session.viewer is not None:
            self.session.end(EndReason.FLOOD)
        elif self._conn is not None:
            self._conn.disconnect(TOO_MANY_CONNECTIONS, f"rotation-tui: {CUT_OFF[reason]}")

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refuse(self, reason: Refusal) -> None:
        """Count why this connection is closed; only the first reason counts."""
        if self._is_refused:
            return
        self._is_refused = True
        more: dict[str, object] = {}
        if reason in {Refusal.NO_LOGIN, Refusal.LOGIN_TIME, Refusal.SLOW_LOGIN}:
            more = {"kind": self._kind(), "rejected": list(self._authentication.rejected)}
        self._state.refuse(reason, **self.log_fields, **more)

    def _kind(self) -> NoLogin:
        """Return what a client without a session did."""
        if self._has_logged_in:
            return NoLogin.NO_SESSION
        if self._authentication.rejected:
            return NoLogin.WRONG_KEY
        return NoLogin.NO_KEY if self._authentication.began else NoLogin.SCANNER

    def _key_rejected(self, fingerprint: str) -> None:
        self._state.key_rejected(address=self._address, user=self._user, key=fingerprint)

    def _refuse_forwarding(self) -> bool:
        self._state.refuse(Refusal.FORWARD, **self.log_fields)
        return False


def _is_costly(key: asyncssh.SSHKey) -> bool:
    """Whether checking a signature of this key would cost too much: on an open host, any key is checked."""
    data = key.public_data
    if len(data) > KEY_SIZE_MAX:
        return True
    return data[4:11] == b"ssh-rsa" and int.from_bytes(data[11:15], "big") > EXPONENT_SIZE_MAX
