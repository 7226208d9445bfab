"""How late a hub's messages come, told from their pace: no clock is compared with another machine's."""

from __future__ import annotations

DRIFT = 2e-4
"""Seconds a second by which two machines' clocks may run apart; a hub runs for weeks."""


class Lateness:
    """``of`` each message of one hub, against the quickest of that hub so far."""

    def __init__(self) -> None:
        self._quickest_s: float | None = None
        """Smallest difference between our monotonic clock and the hub's, which is no time by itself."""
        self._at_s = 0.0
        self._late_s = 0.0
        """Of the newest message."""

    def begin(self) -> None:
        """Another hub, with a clock of its own, or another connection."""
        self._quickest_s = None

    def step(self, now_s: float, as_of_ns: int) -> None:
        """The hub's clock was set back before this message, which is as late as the one before."""
        self._quickest_s, self._at_s = now_s - as_of_ns / 1e9 - self._late_s, now_s

    def of(self, now_s: float, as_of_ns: int) -> float:
        """Seconds by which the message took longer than the quickest one."""
        difference_s = now_s - as_of_ns / 1e9
        if self._quickest_s is not None:
            self._quickest_s += DRIFT * max(now_s - self._at_s, 0.0)
        self._at_s = now_s
        if self._quickest_s is None or difference_s < self._quickest_s:
            self._quickest_s = difference_s
        self._late_s = difference_s - self._quickest_s
        return self._late_s
