"""Is the stream alive? Three clocks, none of which resets another: transport, application data, each symbol.

Pure: times are given. Seconds are monotonic, ``now_ns`` is the wall clock, for the calendar only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rotation.text import duration

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet

    from feeds.streaming.hours import Hours

PING_S = 20.0
"""Between pings of the transport."""
PONG_S = 20.0
"""A ping without an answer for this long: the connection is dead, whatever TCP says."""
HEARTBEAT_S = 45.0
"""A vendor that speaks at every hour is gone after this long."""
UNSURE_S = 300.0
"""Where no symbol is sure to trade (two indices, a few small shares), silence says little."""
HEALTHY_S = 60.0
"""Good data for this long, and the back-off starts from the beginning."""
PATIENCE_MAX = 16.0
"""Silence that outlasts a reconnect (a halt of the whole market) is borne longer, up to this factor."""


class Liveness:
    """The clocks of one stream over all its connections."""

    def __init__(self, hours: Hours, canaries: AbstractSet[str], *, heartbeats: bool) -> None:
        """``canaries``: symbols that always trade; ``heartbeats``: it speaks even when nothing does."""
        self._hours = hours
        self._canaries = canaries
        self._heartbeats = heartbeats
        self._patience = 1.0
        self._heard_s = self._since_s = self._gate_s = 0.0
        self._first_s: float | None = None
        self.data_s: float | None = None
        """When this connection last brought a print that was let in; None: not yet."""
        self._printed: dict[str, float] = {}

    def opened(self, now_s: float) -> None:
        """A connection stands: nothing that came before it counts."""
        self.subscribed(now_s)
        self._heard_s = now_s
        self._first_s = self.data_s = None
        self._printed.clear()

    def subscribed(self, now_s: float) -> None:
        """The clock of data starts here, not at the first message: some never send one."""
        self._since_s = self._gate_s = now_s

    def heard(self, now_s: float) -> None:
        """Any frame of the vendor. It never moves the clock of data."""
        self._heard_s = now_s

    def printed(self, symbols: Iterable[str], now_s: float) -> None:
        """Prints that were let in."""
        self.data_s = now_s
        if self._first_s is None:
            self._first_s = now_s
        for symbol in symbols:
            if symbol in self._canaries:
                self._printed[symbol] = now_s
        if self._printed.keys() >= self._canaries:
            self._patience = 1.0

    def overdue(self, now_s: float, now_ns: int, halted: AbstractSet[str] = frozenset()) -> str:
        """Why the connection must be given up; empty while it need not."""
        why = self._overdue(now_s, now_ns, halted)
        if why:
            self._patience = min(self._patience * 2.0, PATIENCE_MAX)
        return why

    def _overdue(self, now_s: float, now_ns: int, halted: AbstractSet[str]) -> str:
        if self._heartbeats and now_s - self._heard_s > HEARTBEAT_S:
            return f"nothing heard for {duration(now_s - self._heard_s)}"
        quiet_s, canary_s = self._hours.quiet_s(now_ns), self._hours.canary_s(now_ns)
        if quiet_s is None or (self._canaries and self._canaries <= halted):
            self._gate_s = now_s  # silence counts from the bell on, not from the night before it
            return ""
        if not self._canaries:
            quiet_s = max(quiet_s, UNSURE_S)
        since_s = max(self._since_s, self._gate_s)
        silent_s = now_s - max(self.data_s or 0.0, since_s)
        if silent_s > quiet_s * self._patience:
            return f"no data for {duration(silent_s)}"
        for canary in sorted(self._canaries - halted) if canary_s is not None else ():
            silent_s = now_s - max(self._printed.get(canary, 0.0), since_s)
            if canary_s is not None and silent_s > canary_s * self._patience:
                return f"no print of {canary} for {duration(silent_s)}"
        return ""

    def healthy(self, now_s: float) -> bool:
        """Whether data have come for HEALTHY_S on this connection, the last of them within as long."""
        if self._first_s is None or self.data_s is None:
            return False
        return now_s - self._first_s >= HEALTHY_S and now_s - self.data_s <= HEALTHY_S
