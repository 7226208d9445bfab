"""The state that all connections of a host share: limits, counters, rooms, and who is connected."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Protocol

from rotation import __version__
from rotation.wording import connection_words
from tui.ssh import event_log
from tui.ssh.access.authorized_keys import AuthorizedKeys
from tui.ssh.access.bans import Bans
from tui.ssh.limits import Admission, Limits, Progress
from tui.ssh.reasons import TURNED_AWAY, EndReason, Refusal
from tui.ssh.rooms.pace import Pace
from tui.ssh.rooms.rooms import Rooms
from tui.ssh.status import ConfigStatus, HostStatus, Meter, ViewerStatus
from tui.ssh.wire.token_bucket import TokenBucket
from tui.ssh.wire.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tui.ssh.answers import Answer
    from tui.ssh.preferences import Preferences
    from tui.ssh.rooms.defaults import Notice, ViewDefaults
    from tui.ssh.rooms.viewer import Handle, Viewer
    from tui.ssh.wire.turned_away import TurnedAway

REFUSALS_EVERY_S = 1.0
"""Seconds between two logged refusals: a storm of connections must not become a storm of log lines."""

REJECTIONS_BURST, REJECTIONS_PER_S = 50, 10
"""Rejected keys that are logged at once, and per second."""


class ClientSession(Protocol):
    """What the host state needs of a session; ``tui.ssh.session.Session`` is one."""

    began: float
    viewer: Viewer | None
    """None for a session that runs a command."""
    ended: EndReason | None
    """Why the session ended; None while it runs."""

    @property
    def size_text(self) -> str:
        """Columns and lines, "120x40"; "" without a terminal."""
        ...

    def adopt(self, before: ViewDefaults, notice: Notice | None) -> None:
        """Take over the host's new settings in place of these, unpainted; administrators are told."""
        ...

    def end(self, reason: EndReason) -> None:
        """End the session; only the first reason counts."""
        ...


class ClientTraffic(Protocol):
    """What the host state needs of a connection's traffic."""

    progress: Progress
    idle_since: float | None
    """Since when we wait for the client; None while it waits for us."""


class ClientConnection(Protocol):
    """What the host state needs of a connection; ``SshConnection`` is one."""

    number: int
    """Its ID, the first connection's is 1."""

    @property
    def traffic(self) -> ClientTraffic:
        """How far the client has come, and whether we wait for it."""
        ...

    @property
    def session(self) -> ClientSession | None:
        """The session of this connection; None before it is requested."""
        ...

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the key that logged in; "" without one."""
        ...

    @property
    def address(self) -> str:
        """The client's address."""
        ...

    def dismiss(self, reason: EndReason) -> None:
        """End the session with its farewell; without a session, close the connection at once."""
        ...

    def give_way(self) -> None:
        """Disconnect a client that has not logged in, because others wait for its place."""
        ...

    def recheck_key(self) -> None:
        """Disconnect the client if its key is no longer authorized."""
        ...

    def cut(self) -> None:
        """Close the connection at once."""
        ...


class Peers(Protocol):
    """The other processes of a host that has several."""

    def answers(self, command: str) -> bool:
        """Whether a command concerns them all."""
        ...

    def ask(self, command: str, reply: Callable[[Answer], None], *, by: str, is_admin: bool) -> None:
        """Have a command carried out, and call ``reply`` with its answer; always, within some seconds.

        ``by``: fingerprint of the administrator; "" for anyone else.
        """
        ...


def _call_later(seconds: float, call: Callable[[], None]) -> Handle:
    return asyncio.get_running_loop().call_later(seconds, call)


class HostState:
    """The state of one host. It knows connections only as ``ClientConnection``, never how SSH works."""

    def __init__(
        self,
        *,
        defaults: ViewDefaults,
        limits: Limits,
        authorized_keys: AuthorizedKeys | None,
        bans: Bans | None = None,
        preferences: Preferences,
        clock: Callable[[], float],
        now: Callable[[], float],
        later: Callable[[float, Callable[[], None]], Handle] = _call_later,
    ) -> None:
        """``authorized_keys`` None lets anyone log in; ``bans`` None begins without any.

        ``clock`` gives seconds on a steady clock, ``now`` UTC seconds since 1970. ``later`` calls a
        function after so many seconds unless its handle is cancelled; by default the running loop does it.
        """
        self.defaults = defaults
        """What viewers begin with and can go through; ``adopt`` changes it."""
        self.config: Callable[[], ConfigStatus | None] = lambda: None
        """The configuration file, for administrators; None where this process reads none."""
        self.peers: Peers | None = None
        """Who answers what concerns the whole host; None where that is this process alone."""
        self.limits = limits
        self.authorized_keys = authorized_keys or AuthorizedKeys(None, now=now)
        self.bans = Bans(None) if bans is None else bans
        self.preferences = preferences
        self.clock = clock
        self.now = now
        self.later = later
        self.rooms = Rooms()
        self.meter = Meter()
        self.pace = Pace(clock())
        self.admission = Admission(limits)
        self.connections: dict[ClientConnection, None] = {}
        """Every admitted connection, the oldest first."""
        self.newcomers: dict[ClientConnection, None] = {}
        """Those of them that have no session yet, the oldest first."""
        self.lingering: set[TurnedAway] = set()
        """Refused connections whose clients may still be reading why."""
        self.empty = asyncio.Event()
        """Set once the host is closing and the last connection has ended."""
        self.closing = False
        self.numbers: Iterator[int] = count(1)
        """IDs of connections."""
        self.lag_s = 0.0
        """The worst lag of the event loop over the last seconds."""
        self._strangers_turns = Turns(limits.exchanges_per_s, clock, later)
        self._known_turns = Turns(limits.known_exchanges_per_s, clock, later)
        self._since = datetime.fromtimestamp(now(), UTC)
        self._refusal_logged_at = float("-inf")
        self._refusals_not_logged = 0
        self._rejections = TokenBucket(REJECTIONS_BURST, REJECTIONS_PER_S, clock())

    @property
    def sessions(self) -> list[ClientSession]:
        """The sessions that show the screen."""
        sessions = (connection.session for connection in self.connections)
        return [session for session in sessions if session and session.viewer]

    def admit(self, address: str) -> Refusal | None:
        """Count a new connection and return None, or return why it is refused."""
        if self.closing:
            return Refusal.CLOSING
        if self.bans.has_address(address):
            return Refusal.BANNED
        if self.pace.level == "closed" and any(each.session for each in self.connections):
            # Without a session nobody is protected, and a newcomer would be refused for other programs' work.
            return Refusal.OVERLOADED
        now = self.clock()
        self._make_room(now)
        crowd = sum(each.traffic.progress is Progress.NEGOTIATING for each in self.newcomers)
        return self.admission.admit(address, now, crowd=crowd, draw=random.random())  # noqa: S311 - no secret

    def _make_room(self, now: float) -> None:
        """End one login that goes too slowly, if its place is needed."""
        limits = self.limits
        if self.admission.pending < limits.pending and len(self.admission) < limits.sessions:
            return
        idle = ((each, since) for each in self.newcomers if (since := each.traffic.idle_since) is not None)
        slow = min(
            (each for each, since in idle if now - since >= limits.patience(each.traffic.progress)),
            key=lambda each: limits.patience(each.traffic.progress),
            default=None,
        )
        if slow is not None:
            slow.give_way()

    def refusal(self, address: str) -> str | None:
        """Count a new connection and return None, or return the words that refuse it."""
        reason = self.admit(address)
        if reason is None:
            return None
        self.refuse(reason, address=address)
        wait = max(round(self.admission.wait_s(address, self.clock())), 1)
        return "rotation-tui: " + TURNED_AWAY[reason].format(wait=wait)

    def turns(self, address: str) -> Turns:
        """Return the queue in which a key exchange from this address waits."""
        return self._known_turns if self.admission.is_known(address) else self._strangers_turns

    def remove(self, connection: ClientConnection) -> None:
        """Forget a connection that has ended."""
        self.connections.pop(connection, None)
        self.newcomers.pop(connection, None)
        if self.closing and not self.connections:
            self.empty.set()

    def refuse(self, reason: Refusal, **client: object) -> None:
        """Count a refusal, and log it with these fields unless one was logged a moment ago."""
        self.meter.refused[reason] += 1
        if self.clock() - self._refusal_logged_at < REFUSALS_EVERY_S:
            self._refusals_not_logged += 1
            return
        more = {"and_more": self._refusals_not_logged} if self._refusals_not_logged else {}
        event_log.event("refused", reason=reason, **client, **more)
        self._refusal_logged_at, self._refusals_not_logged = self.clock(), 0

    def key_rejected(self, **fields: object) -> None:
        """Log a key that may not log in; in a storm only some, the next line counts the others."""
        if not self._rejections.take(1, self.clock()):
            return
        more = {"and_more": self._rejections.dropped} if self._rejections.dropped else {}
        self._rejections.dropped = 0
        event_log.event("key rejected", **fields, **more)

    def adopt(self, defaults: ViewDefaults, notice: Notice | None = None) -> None:
        """Have all viewers take over these settings, unpainted; administrators are told."""
        before, self.defaults = self.defaults, defaults
        for session in self.sessions:
            session.adopt(before, notice)

    def sweep(self) -> None:
        """End sessions that have been idle or open for too long; call it about once a second."""
        now = self.clock()
        self.meter.mark(now)
        if self.authorized_keys.refresh() or self.authorized_keys.has_expiry:
            self.recheck_keys()
        self.refresh_bans()
        for session in self.sessions:
            viewer = session.viewer
            if viewer is None or session.ended:
                continue
            if now - viewer.last_key >= self.limits.idle_s:
                session.end(EndReason.IDLE)
            elif now - session.began >= self.limits.visit_s:
                session.end(EndReason.VISIT_LIMIT)

    def recheck_keys(self) -> None:
        """Disconnect clients whose keys are no longer authorized; call it after the keys were reloaded."""
        for connection in list(self.connections):
            connection.recheck_key()

    def refresh_bans(self) -> None:
        """Read the bans again if another host has changed them, and disconnect whom they concern."""
        if self.bans.refresh():
            self.dismiss_banned()

    def dismiss_banned(self) -> int:
        """Disconnect every client that is banned, and return how many."""
        banned = [
            each
            for each in self.connections
            if self.bans.has_key(each.fingerprint) or self.bans.has_address(each.address)
        ]
        for each in banned:
            each.dismiss(EndReason.BANNED)
        return len(banned)

    def viewers(self) -> list[ViewerStatus]:
        """Return who looks at the screen, the oldest connection first; only administrators may read it."""
        now, wall = self.clock(), self.now()
        return [
            ViewerStatus(
                id=connection.number,
                key=connection.fingerprint,
                address=connection.address,
                size=session.size_text,
                since=datetime.fromtimestamp(wall - (now - session.began), UTC),
                frames=session.viewer.frames,
            )
            for connection in self.connections
            if (session := connection.session) and session.viewer
        ]

    def status(self, *, with_viewers: bool = False) -> HostStatus:
        """Return how the host is doing now; ``with_viewers`` for administrators."""
        frames, octets = self.meter.rates()
        newest = self.rooms.newest
        return HostStatus(
            since=self._since,
            version=__version__,
            sessions=len(self.sessions),
            most_sessions=self.limits.sessions,
            rooms=len(self.rooms),
            frames_per_s=round(frames, 1),
            bytes_per_s=round(octets, 1),
            dropped=self.meter.dropped,
            lag_ms=round(self.lag_s * 1e3, 1),
            pace=self.pace.level,
            logins=self.meter.logins,
            refused={reason.value: count for reason, count in self.meter.refused.items()},
            mode=newest.mode if newest else "",
            as_of=newest.as_of if newest else None,
            connection=connection_words(newest.connection, newest.as_of) if newest else "",
            data_as_of=newest.data_as_of if newest else None,
            viewers=self.viewers() if with_viewers else None,
            config=self.config() if with_viewers else None,
        )
