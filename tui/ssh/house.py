"""What all sessions of a host share, and the counts of who is here."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rotation import __version__
from tui.ssh import journal
from tui.ssh.limits import Admission, Limits
from tui.ssh.rooms.pace import Pace
from tui.ssh.rooms.rooms import Rooms
from tui.ssh.status import HostStatus, Meter

if TYPE_CHECKING:
    from collections.abc import Callable

    from tui.ssh.gate import SshConnection
    from tui.ssh.identity import AuthorizedKeys
    from tui.ssh.prefs import Preferences
    from tui.ssh.session import Session

TELL_S = 1.0
"""Refusals are logged at most once in so long: a storm of connections must not become one of lines."""


class HostState:
    """One host's state. ``guests`` None: anyone may come in."""

    def __init__(
        self,
        *,
        theme: str,
        limits: Limits,
        guests: AuthorizedKeys | None,
        prefs: Preferences,
        clock: Callable[[], float],
        now: Callable[[], float],
    ) -> None:
        """``clock``: seconds, steady. ``now``: UTC seconds since 1970."""
        self.theme = theme
        self.limits = limits
        self.guests = guests
        self.prefs = prefs
        self.clock = clock
        self.now = now
        self.rooms = Rooms()
        self.meter = Meter()
        self.pace = Pace(clock())
        self.admission = Admission(limits)
        self.gates: dict[SshConnection, None] = {}
        """Every connection that was let in, the oldest first."""
        self.empty = asyncio.Event()
        """Set once the host is closing and the last connection is gone."""
        self.closing = False
        self.lag_s = 0.0
        """The worst of the last seconds."""
        self._since = datetime.fromtimestamp(now(), UTC)
        self._told = float("-inf")
        self._untold = 0

    @property
    def sessions(self) -> list[Session]:
        """Those that look at the screen."""
        return [gate.session for gate in self.gates if gate.session and gate.session.viewer]

    def admit(self, address: str) -> str | None:
        """Why a connection is turned away; None lets it in."""
        if self.closing:
            return "closing"
        if self.pace.level == "closed":
            return "overloaded"
        now = self.clock()
        if self.admission.pending >= self.limits.pending:
            slowest = next((gate for gate in self.gates if gate.pending), None)
            if slowest is not None and now - slowest.since >= self.limits.patience_s:
                slowest.give_way()
        return self.admission.admit(address, now)

    def gone(self, gate: SshConnection) -> None:
        """A connection has ended."""
        self.gates.pop(gate, None)
        if self.closing and not self.gates:
            self.empty.set()

    def refused(self, reason: str, **who: object) -> None:
        """Something was turned away."""
        self.meter.refused[reason] += 1
        if self.clock() - self._told < TELL_S:
            self._untold += 1
            return
        journal.tell("refused", reason=reason, **who, **({"and_more": self._untold} if self._untold else {}))
        self._told, self._untold = self.clock(), 0

    def sweep(self) -> None:
        """End what has lasted too long; call about once a second."""
        now = self.clock()
        self.meter.mark(now)
        for session in self.sessions:
            viewer = session.viewer
            if viewer is None or session.ended:
                continue
            if now - viewer.last_key >= self.limits.idle_s:
                session.end("idle")
            elif now - session.began >= self.limits.visit_s:
                session.end("visit")

    def withdraw(self) -> None:
        """The guests have changed: end the sessions of those who may not come in any more."""
        for gate in list(self.gates):
            gate.look_again()

    def status(self) -> HostStatus:
        """How the host is doing."""
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
            refused=dict(self.meter.refused),
            mode=newest.mode if newest else "",
            as_of=newest.as_of if newest else None,
        )
