"""What a live stream tells beside quotes and its own state: all that ``feeds.stream.StreamFeed`` yields.

Wiring: widen ``feeds.base.Event`` by these three once the supervisor handles them.

- ``Gap``: log it, count it; a recorder writes it down. The prices concerned are in ``Words``.
- ``Words``: for every symbol of the stream whose prices are not worth the feed's mode, the state word
  instead of it. Each replaces the one before; empty: all as good as the feed's mode.
- ``feeds.vendor.Correction``: fetch that day's bar again and recompute.

A live stream yields an empty ``Batch`` every second in which it has nothing else, so that ages and STALE
words move while quotes do not.
"""

from __future__ import annotations

import msgspec

from feeds.base import Batch, Status
from feeds.vendor import Correction


class Gap(msgspec.Struct, frozen=True):
    """Prints of these symbols may have been missed between the two instants (UTC ns of our clock)."""

    symbols: frozenset[str]
    start_ns: int
    end_ns: int


class Words(msgspec.Struct, frozen=True):
    """State words by symbol: GAPPED (being filled), HALTED, or OFFLINE (no connection, not subscribed)."""

    by_symbol: dict[str, str]


LiveEvent = Batch | Status | Gap | Words | Correction
