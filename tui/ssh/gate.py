"""The door of a connection, in this order: recover, log, limit, authenticate; then one session."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from typing import TYPE_CHECKING

import asyncssh

from tui.ssh import journal
from tui.ssh.bucket import Bucket
from tui.ssh.session import Session

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tui.ssh.house import HostState

LINE_BURST, LINE_PER_S = 128 * 1024, 16 * 1024
"""Bytes that a client may send in all: logging in takes 4 KB, typing 4 KB a second with ssh's decoys."""
LINGER_S = 0.5
"""For a client whose session is closed to go by itself, without a word about it on its screen."""
SEND_BUFFER = 128 * 1024
"""Of the kernel, a connection: what waits there is old by the time it is seen."""


class SshConnection(asyncssh.SSHServer):
    """One connection, from TCP to its one session."""

    def __init__(self, house: HostState) -> None:
        self.session: Session | None = None
        self.since = house.clock()
        self.pending = False
        """Let in, and without a session yet."""
        self.fingerprint = ""
        """Of the key that came in; "" for none."""
        self._house = house
        self._loop = asyncio.get_running_loop()
        self._conn: asyncssh.SSHServerConnection | None = None
        self._bucket = Bucket(LINE_BURST, LINE_PER_S, house.clock())
        self._key: asyncssh.SSHKey | None = None
        self._options: Mapping[str, object] = {}
        self._address = ""
        self._user = ""
        self._here = False
        """Counted by the admission."""
        self._refused = False
        self._deadline: asyncio.TimerHandle | None = None
        self._stalls: set[str] = set()

    @property
    def who(self) -> dict[str, object]:
        """For the log."""
        term = self.session.term if self.session else ""
        return {"address": self._address, "user": self._user, "key": self.fingerprint, "term": term}

    @property
    def may_look(self) -> bool:
        """Whether the key may have a terminal (``no-pty`` and ``restrict`` in authorized_keys forbid it)."""
        return "pty" in self._options or not self._options.keys() & {"no-pty", "restrict"}

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Limits come before any cryptography: a refusal costs next to nothing."""
        peer = conn.get_extra_info("peername")
        self._address = str(peer[0]) if peer else ""
        reason = self._house.admit(self._address)
        if reason is not None:
            self._house.refused(reason, address=self._address)
            _turn_away(conn, reason)
            return
        self._conn = conn
        self.pending = self._here = True
        self._house.gates[self] = None
        self._deadline = self._loop.call_later(self._house.limits.login_s, self._too_slow)
        self._watch(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        """Whatever ended it, the counts are put right and one line is logged."""
        del exc
        if self._conn is None:
            return
        self._conn = None
        if self._deadline is not None:
            self._deadline.cancel()
        self._house.gone(self)
        self._leave()
        session = self.session
        if session is None:
            self._refuse("no login")
            return
        viewer = session.viewer
        journal.tell(
            "session end",
            **self.who,
            reason=session.ended or "gone",
            seconds=round(self._house.clock() - session.began, 1),
            **({"frames": viewer.frames, "bytes": viewer.bytes, "dropped": viewer.dropped} if viewer else {}),
        )

    def begin_auth(self, username: str) -> bool:
        """Any user name will do: it is the key that counts."""
        self._user = journal.word(username)
        return True

    def public_key_auth_supported(self) -> bool:
        """Keys are the way in; when the host is open, the way to be remembered."""
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Whether this key may come in; asyncssh checks the signature."""
        del username
        guests = self._house.guests
        options = {} if guests is None else guests.options(key, self._address)
        if options is None:
            return False
        self._key, self._options, self.fingerprint = key, options, key.get_fingerprint()
        return True

    def kbdint_auth_supported(self) -> bool:
        """An open host lets those without a key in, without a question."""
        return self._house.guests is None

    def get_kbdint_challenge(self, username: str, lang: str, submethods: str) -> bool:
        """No question is asked."""
        del username, lang, submethods
        self._key, self._options, self.fingerprint = None, {}, ""
        return self._house.guests is None

    def auth_completed(self) -> None:
        """Logged in."""
        self._house.meter.logins += 1

    def session_requested(self) -> Session | bool:
        """One session a connection."""
        if self.session is not None:
            self._house.refused("second session", **self.who)
            return False
        self.session = Session(self._house, self, forced=str(self._options.get("command", "")) or None)
        return self.session

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> bool:
        """Nothing is forwarded."""
        del dest_host, dest_port, orig_host, orig_port
        self._house.refused("forward", **self.who)
        return False

    def server_requested(self, listen_host: str, listen_port: int) -> bool:
        """Nothing is forwarded back either."""
        del listen_host, listen_port
        self._house.refused("forward", **self.who)
        return False

    def unix_connection_requested(self, dest_path: str) -> bool:
        """Nor to a socket of this machine."""
        del dest_path
        self._house.refused("forward", **self.who)
        return False

    def begun(self) -> None:
        """The session has started: the time for logging in is over."""
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if self.pending:
            self.pending = False
            self._house.admission.arrived()

    def over(self) -> None:
        """The session is closed; a client that does not go by itself is sent away."""
        self._loop.call_later(LINGER_S, self.cut)

    def cut(self) -> None:
        """Close the connection now, whatever is still on its way."""
        if self._conn is not None:
            self._conn.abort()

    def stalled(self, where: str, *, stalled: bool) -> None:
        """A part of the line (the channel, the socket) is full, or takes bytes again."""
        was = bool(self._stalls)
        (self._stalls.add if stalled else self._stalls.discard)(where)
        if self.session is not None and bool(self._stalls) != was:
            self.session.stall(stalled=stalled)

    def look_again(self) -> None:
        """The authorized keys have changed."""
        guests = self._house.guests
        if guests is None or self._key is None or guests.options(self._key, self._address) is not None:
            return
        if self.session is not None:
            self.session.end("withdrawn")
        else:
            self.cut()

    def give_way(self) -> None:
        """Make room at once for one who may be quicker to log in."""
        self._refuse("slow login")
        self._leave()
        self.cut()

    def _leave(self) -> None:
        if self._here:
            self._house.admission.left(self._address, pending=self.pending)
        self._here = self.pending = False

    def _too_slow(self) -> None:
        self._deadline = None
        self._refuse("login time")
        self.cut()

    def _refuse(self, reason: str) -> None:
        """Count why this connection has to go; the first reason only."""
        if not self._refused:
            self._refused = True
            self._house.refused(reason, **self.who)

    def _watch(self, conn: asyncssh.SSHServerConnection) -> None:
        """Stand between the socket and asyncssh, which neither limits what comes nor heeds a full socket.

        Nothing private is touched: these are the callbacks by which asyncio tells every protocol.
        """
        sock = conn.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        received = conn.data_received

        def data_received(data: bytes) -> None:
            if self._bucket.take(len(data), self._house.clock()) < len(data):
                self._refuse("flood")
                if self.session is not None:
                    self.session.ended = self.session.ended or "flood"
                self.cut()
                return
            received(data)

        vars(conn).update(
            data_received=data_received,
            pause_writing=lambda: self.stalled("socket", stalled=True),
            resume_writing=lambda: self.stalled("socket", stalled=False),
        )


def _turn_away(conn: asyncssh.SSHServerConnection, reason: str) -> None:
    sock = conn.get_extra_info("socket")
    if sock is not None:
        # A line before the version is allowed, and ssh shows it when nothing follows.
        with contextlib.suppress(OSError):
            os.write(sock.fileno(), f"rotation-tui: {reason}; try again later\r\n".encode())
    conn.abort()
