"""The order of what is pushed: (epoch, seq), and which numbers are missing in it."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from feeds.hub.wire.messages import Place

MISSING_MAX = 10_000
"""Numbers that are looked for; of a longer gap the newest."""


class Arrival(Enum):
    """Where a message stands among those before it."""

    EARLIER_HUB = "earlier hub"
    """Of a hub that has been replaced: it counts for nothing."""
    LATE = "late"
    """A newer one of its hub came before."""
    NEWEST = "newest"


class Order:
    """``follow`` every pushed message, and ask whether there ``is_gap``."""

    def __init__(self, grace_s: float) -> None:
        """``grace_s``: how much later than the next message one may come."""
        self._grace_s = grace_s
        self.epoch = -1
        """Of the newest hub; -1 before the first."""
        self._live_seq: int | None = None
        """Of the newest pushed message."""
        self._missing: set[int] = set()
        self._missing_since_s: float | None = None

    @property
    def is_live(self) -> bool:
        """Whether anything has been pushed by this hub over this connection."""
        return self._live_seq is not None

    def begin(self, epoch: int) -> None:
        """Another hub counts its messages from 1."""
        self.epoch = epoch
        self.reconnected()

    def reconnected(self) -> None:
        """A new connection: whatever number comes first is the first."""
        self._live_seq = None
        self._missing.clear()

    def follow(self, place: Place, now_s: float) -> Arrival:
        """Take the place of a pushed message; one of a later hub than ``epoch`` must be begun before."""
        if place.epoch < self.epoch:
            return Arrival.EARLIER_HUB
        seq, live_seq = place.seq, self._live_seq
        self._missing.discard(seq)
        if live_seq is not None and seq > live_seq + 1:
            self._missing_since_s = self._missing_since_s or now_s
            self._missing.update(range(max(live_seq + 1, seq - MISSING_MAX), seq))
        if live_seq is not None and seq <= live_seq:
            return Arrival.LATE
        self._live_seq = seq
        return Arrival.NEWEST

    def refuse(self, place: Place) -> None:
        """A message that cannot be used has come all the same: fetching it again would not help."""
        if place.epoch != self.epoch:
            return
        self._missing.discard(place.seq)
        if self._live_seq is not None and place.seq == self._live_seq + 1:
            self._live_seq = place.seq

    def is_gap(self, now_s: float) -> bool:
        """Whether a number has been missing for ``grace_s``: it was lost, and is no longer looked for."""
        if not self._missing:
            self._missing_since_s = None
        elif self._missing_since_s is not None and now_s - self._missing_since_s >= self._grace_s:
            self._missing.clear()
            self._missing_since_s = None
            return True
        return False
