"""The closing auction among a session's prints: after the bell, and in a bar mixed with late trades."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rotation.desk import is_index
from rotation.quote import MINUTE_NS, NS, Role

if TYPE_CHECKING:
    from rotation.market.prints import Prints
    from rotation.quote import Quote

AUCTION_NS = 120 * NS
"""Closing auctions print within seconds of the bell; what first prints after so long is late trading."""


def is_missing(
    symbol: str, regular: Prints | None, late: Prints | None, closes_ns: int, *, range_incomplete: bool
) -> bool:
    """Whether the session's auction may have printed unseen: none is known, and prints are missing.

    ``regular`` and ``late``: the prints before and after the bell, at ``closes_ns``. A bar of the first
    minutes after the bell is made of the auction and of late trades, and nobody can tell which is which.
    """
    last = regular.last if regular else None
    if is_index(symbol) or (last is not None and last.role == Role.CLOSE):
        return False
    starts = range(closes_ns, closes_ns + AUCTION_NS, MINUTE_NS)
    return range_incomplete or (late is not None and any(late.has_bar(start_ns) for start_ns in starts))


def lacks_size(regular: Prints | None) -> bool:
    """Whether the auction is known by its price alone: its shares are missing from the session's volume."""
    last = regular.last if regular else None
    return last is not None and last.role == Role.CLOSE and not last.size


def late_trade(late: Prints | None, closes_ns: int) -> Quote | None:
    """The last trade after hours; None without any, and where the newest may be the auction's, in a bar."""
    last = late.last if late else None
    if last is None or (last.bar_ns and last.ts_ns - last.bar_ns < closes_ns + AUCTION_NS):
        return None
    return last
