"""One SSH connection, in this order: admit, authenticate, open one session, clean up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncssh

from tui.ssh import event_log
from tui.ssh.access.authentication import Authentication
from tui.ssh.connection.audit import AuditTrail
from tui.ssh.connection.place import Place
from tui.ssh.connection.traffic import Traffic
from tui.ssh.reasons import CUT_OFF, EndReason, Refusal
from tui.ssh.session import Session
from tui.ssh.wire.turned_away import TOO_MANY_CONNECTIONS

if TYPE_CHECKING:
    from tui.ssh.host_state import HostState

KEY_SIZE_MAX, EXPONENT_SIZE_MAX = 1_100, 4
"""Bytes of a public key (RSA with 8,192 bits) and of an RSA exponent: larger ones cost too much to verify."""
LINGER_S = 0.5
"""Seconds that a client gets to disconnect by itself, without a message about it on its screen."""


class SshConnection(asyncssh.SSHServer):
    """One connection from TCP to its one session; asyncssh calls its methods."""

    def __init__(self, state: HostState) -> None:
        self.session: Session | None = None
        self.number = next(state.numbers)
        self.audit = AuditTrail(state, self)
        self.authentication = Authentication(
            state.authorized_keys, self.audit.key_rejected, state.bans.has_key
        )
        self.traffic = Traffic(state, self)
        self._state = state
        self._conn: asyncssh.SSHServerConnection | None = None
        self._place: Place | None = None
        self._address = ""

    @property
    def log_fields(self) -> dict[str, object]:
        """Who this is, for the log."""
        return self.audit.fields

    @property
    def address(self) -> str:
        """The client's address; "" before it is known."""
        return self._address

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the key that logged in, not of one merely offered; "" without one."""
        return self.authentication.fingerprint

    @property
    def has_logged_in(self) -> bool:
        """Whether a login has succeeded."""
        return self.traffic.has_logged_in

    @property
    def is_admin(self) -> bool:
        """Whether the key that logged in is an administrator's."""
        return self.authentication.access.is_admin

    @property
    def may_use_terminal(self) -> bool:
        """Whether the key is allowed a terminal: ``no-pty`` and ``restrict`` in authorized_keys forbid it."""
        return self.authentication.access.allows_terminal

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Begin: the client has been admitted."""
        peer = conn.get_extra_info("peername")
        self._address = str(peer[0]) if peer else ""
        self._conn = conn
        self._place = Place(self._state, self, address=self._address, too_late=self._login_timed_out)

    def connection_lost(self, exc: Exception | None) -> None:
        """Correct the counts, whatever ended the connection, and log its session once."""
        del exc
        if self._conn is None or self._place is None:
            return
        self._conn = None
        self.traffic.closed()
        self._place.closed()
        self.audit.closed()

    def begin_auth(self, username: str) -> bool:
        """Require authentication. Any user name will do: only the key counts."""
        self.audit.user = event_log.client_text(username)
        if self._conn is not None:
            self.authentication.begin(self._conn, self._address)
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
        return not _is_costly(key) and self.authentication.key(key)

    def kbdint_auth_supported(self) -> bool:
        """Let clients without a key in on an open host, without asking anything."""
        return self._state.authorized_keys.is_open

    def get_kbdint_challenge(self, username: str, lang: str, submethods: str) -> bool:
        """Accept on an open host without asking anything; an offered key no longer counts."""
        del username, lang, submethods
        self.authentication.forget()
        return self._state.authorized_keys.is_open

    def auth_completed(self) -> None:
        """Take over the key whose signature asyncssh has verified."""
        self._state.meter.logins += 1
        self._state.admission.logged_in(self._address)
        self.authentication.complete()
        self.traffic.logged_in()

    def session_requested(self) -> Session | bool:
        """Open a session; False if the connection has one already."""
        if self.session is not None:
            self.audit.denied(Refusal.SECOND_SESSION)
            return False
        self.session = Session(self._state, self, forced=self.authentication.access.command)
        return self.session

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> bool:
        """Refuse to forward a connection."""
        del dest_host, dest_port, orig_host, orig_port
        self.audit.denied(Refusal.FORWARD)
        return False

    def server_requested(self, listen_host: str, listen_port: int) -> bool:
        """Refuse to listen for the client."""
        del listen_host, listen_port
        self.audit.denied(Refusal.FORWARD)
        return False

    def unix_connection_requested(self, dest_path: str) -> bool:
        """Refuse to connect to a socket of this machine."""
        del dest_path
        self.audit.denied(Refusal.FORWARD)
        return False

    def stall(self, *, is_stalled: bool) -> None:
        """Stop sending frames, or send them again."""
        if self.session is not None:
            self.session.stall(is_stalled=is_stalled)

    def stalled(self, part: str, *, is_stalled: bool) -> None:
        """Note that a part of the way to the client is full, or takes bytes again."""
        self.traffic.stalled(part, is_stalled=is_stalled)

    def session_began(self) -> None:
        """Note that the session has started."""
        if self._conn is not None:
            self.audit.session_began(str(self._conn.get_extra_info("client_version") or ""))
        if self._place is not None:
            self._place.session_started()

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
        access, before = self.authentication.now(), self.authentication.access
        if access is None:
            self.dismiss(EndReason.KEY_WITHDRAWN)
        elif (access.allows_terminal, access.command) != (before.allows_terminal, before.command):
            self.dismiss(EndReason.KEY_RESTRICTED)
        else:
            self.authentication.access = access

    def dismiss(self, reason: EndReason) -> None:
        """End the session with its farewell; without a session, close the connection at once."""
        if self.session is not None:
            self.session.end(reason)
        else:
            self.cut()

    def give_way(self) -> None:
        """Disconnect the client because it has not logged in and others wait for its place."""
        if self._place is not None:
            self._place.leave()
        self.end(Refusal.SLOW_LOGIN)

    def end(self, reason: Refusal) -> None:
        """End the connection: restore a viewer's terminal, and say why."""
        self.traffic.is_over = True
        self.audit.refused(reason)
        if self.session is not None and self.session.viewer is not None:
            self.session.end(EndReason.FLOOD)
        elif self._conn is not None:
            self._conn.disconnect(TOO_MANY_CONNECTIONS, f"rotation-tui: {CUT_OFF[reason]}")

    def drop(self, reason: Refusal) -> None:
        """End the connection at once: nothing that is sent would be read."""
        self.audit.refused(reason)
        if self.session is not None and reason is Refusal.UNREAD:
            self.session.ended = self.session.ended or EndReason.FLOOD
        self.cut()

    def _login_timed_out(self) -> None:
        self.end(Refusal.LOGIN_TIME)


def _is_costly(key: asyncssh.SSHKey) -> bool:
    """Whether checking a signature of this key would cost too much: on an open host, any key is checked."""
    data = key.public_data
    if len(data) > KEY_SIZE_MAX:
        return True
    return data[4:11] == b"ssh-rsa" and int.from_bytes(data[11:15], "big") > EXPONENT_SIZE_MAX
