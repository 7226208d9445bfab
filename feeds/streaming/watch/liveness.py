"""Is the stream alive? Two clocks, neither of which resets the other: application data, and each canary.

(The transport's, pings and pongs, is the session's.) Pure: times are given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from feeds.streaming.reasons import Reason, Why

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet

    from feeds.clock import Moment
    from feeds.streaming.watch.hours import Hours

HEARTBEAT_S = 45.0
"""A vendor that sends something at every hour is gone after this long."""
UNSURE_S = 300.0
"""Where no symbol is sure to trade (two indices, a few small shares), silence says little."""
HEALTHY_S = 60.0
"""Good data for this long, and the back-off starts from the beginning."""
PATIENCE_MAX = 16.0
"""Silence that outlasts a reconnect (a halt of the whole market) is borne longer, up to this factor."""


class Liveness:
    """The clocks of one stream over all its connections."""

    def __init__(self, hours: Hours, canaries: AbstractSet[str], *, heartbeats: bool) -> None:
        """``canaries``: symbols that always trade; ``heartbeats``: the vendor sends even at night."""
        self._hours = hours
        self._canaries = canaries
        self._heartbeats = heartbeats
        self._patience = 1.0
        self._received_s = self._since_s = self._expected_s = 0.0
        self._first_s: float | None = None
        self.data_s: float | None = None
        """When this connection last brought a print that was let in; None: not yet."""
        self._printed: dict[str, float] = {}

    def opened(self, now_s: float) -> None:
        """A new connection is open: nothing that came before it counts."""
        self.subscribed(now_s)
        self._received_s = now_s
        self._first_s = self.data_s = None
        self._printed.clear()

    def subscribed(self, now_s: float) -> None:
        """The clock of data starts here, not at the first message: some never send one."""
        self._since_s = self._expected_s = now_s

    def received(self, now_s: float) -> None:
        """Any frame of the vendor. It never moves the clock of data."""
        self._received_s = now_s

    def printed(self, symbols: Iterable[str], now_s: float) -> None:
        """Prints that were let in."""
        self.data_s = now_s
        if self._first_s is None:
            self._first_s = now_s
        for symbol in self._canaries & frozenset(symbols):
            self._printed[symbol] = now_s
        if self._printed.keys() >= self._canaries:
            self._patience = 1.0

    def refused(self, now_s: float) -> None:
        """Prints that our own clock makes implausible: another connection would bring the same."""
        self._since_s = now_s

    def overdue(self, now: Moment, halted: AbstractSet[str] = frozenset()) -> Reason | None:
        """Why the connection must be left; None while it need not."""
        reason = self._overdue(now, halted)
        if reason is not None:
            self._patience = min(self._patience * 2.0, PATIENCE_MAX)
        return reason

    def _overdue(self, now: Moment, halted: AbstractSet[str]) -> Reason | None:
        if self._heartbeats and now.s - self._received_s > HEARTBEAT_S:
            return Reason(Why.NOTHING_RECEIVED, now.s - self._received_s)
        quiet_s, canary_s = self._hours.quiet_s(now.ns), self._hours.canary_s(now.ns)
        if quiet_s is None:
            quiet_s = self._hours.over_bell_s(now.ns)
        if quiet_s is None or (self._canaries and self._canaries <= halted):
            self._expected_s = now.s  # silence counts from the bell on, not from the night before it
            return None
        if not self._canaries:
            quiet_s = max(quiet_s, UNSURE_S)
        since_s = max(self._since_s, self._expected_s)
        silent_s = now.s - max(self.data_s or 0.0, since_s)
        if silent_s > quiet_s * self._patience:
            return Reason(Why.NO_DATA, silent_s)
        for canary in sorted(self._canaries - halted) if canary_s is not None else ():
            silent_s = now.s - max(self._printed.get(canary, 0.0), since_s)
            if canary_s is not None and silent_s > canary_s * self._patience:
                return Reason(Why.NO_PRINT, silent_s, symbol=canary)
        return None

    def healthy(self, now_s: float) -> bool:
        """Whether data have come for HEALTHY_S on this connection, the last of them within as long."""
        if self._first_s is None or self.data_s is None:
            return False
        return now_s - self._first_s >= HEALTHY_S and now_s - self.data_s <= HEALTHY_S
