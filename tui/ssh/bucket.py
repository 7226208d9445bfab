"""A token bucket for what a visitor types: a person never fills it, /dev/zero at once."""

from __future__ import annotations


class Bucket:
    """Takes up to ``burst`` bytes at once and ``per_s`` in the long run."""

    def __init__(self, burst: int, per_s: int, now: float) -> None:
        """``now``: seconds on any steady clock; later calls use the same one."""
        self._burst = burst
        self._per_s = per_s
        self._tokens = float(burst)
        self._at = now
        self.dropped = 0
        """Bytes turned away so far."""

    def take(self, wanted: int, now: float) -> int:
        """How many of these bytes may pass."""
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._per_s)
        self._at = now
        passed = min(wanted, int(self._tokens))
        self._tokens -= passed
        self.dropped += wanted - passed
        return passed
