"""Quote: one price of one symbol at one instant, as every feed hands it over."""

from __future__ import annotations

import msgspec

NS = 1_000_000_000
FUTURE_NS = 60 * NS
"""Allowance for clocks that disagree; a print further ahead of the clock is refused."""


class Quote(msgspec.Struct, frozen=True, gc=False):
    """One print, or one bar (then ``price`` is its close, known at its end ``ts_ns``).

    ``(symbol, ts_ns, seq)`` is the print's identity: the same identity with the same values is a
    duplicate, with other values a revision of the earlier one.
    """

    symbol: str
    ts_ns: int
    """Event time at the exchange, UTC nanoseconds since the epoch."""
    price: float
    seq: int = 0
    """Order within the same nanosecond, or the vendor's sequence number."""
    size: int = 0
    """Shares traded; 0 when the source gives none."""
    high: float | None = None
    """Highest price of a bar; None for a print."""
    low: float | None = None
    """Lowest price of a bar; None for a print."""
    bar_ns: int = 0
    """Length of a bar, which began at ``ts_ns - bar_ns``; 0 for a print, and where the length is unknown."""
