"""A token bucket: a limit on bytes that a person never reaches and a flood reaches at once."""

from __future__ import annotations


class TokenBucket:
    """Passes up to ``burst`` bytes at once and ``per_s`` bytes a second in the long run."""

    def __init__(self, burst: int, per_s: float, now: float) -> None:
        """Start full. ``now`` is seconds on any steady clock; later calls must use the same clock."""
        self._burst = burst
        self._per_s = per_s
        self._tokens = float(burst)
        self._filled_at = now
        self.dropped = 0
        """Bytes that were not allowed to pass so far."""

    def take(self, count: int, now: float) -> int:
        """Return how many of ``count`` bytes may pass at ``now``; the rest counts as dropped."""
        self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._per_s)
        self._filled_at = now
        passed = min(count, int(self._tokens))
        self._tokens -= passed
        self.dropped += count - passed
        return passed
