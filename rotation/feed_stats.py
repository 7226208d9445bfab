"""What a stream counts: for the Health panel and the JSON people read."""

from __future__ import annotations

import msgspec


class FeedStats(msgspec.Struct, frozen=True, kw_only=True):
    """One stream since it began. ``None`` is unknown, never 0."""

    symbols: int
    """Asked for."""
    subscribed: int
    """Of these, those the vendor acknowledges now; where it never does, those that have printed."""
    quotes: int = 0
    """Let in."""
    rate_per_s: float | None = None
    """Quotes let in, over the last ten seconds; None while there is no connection."""
    age_s: float | None = None
    """Seconds since the last one was received; None before the first."""
    lag_s: float | None = None
    """Smallest difference of receipt and event in the last minute or two: both clocks and the way."""
    connections: int = 0
    reconnects: int = 0
    """Connections after the first."""
    gaps: int = 0
    """Spans in which prints may have been missed."""
    gapped: int = 0
    """Symbols whose price is in doubt after a gap."""
    incomplete: int = 0
    """Symbols whose high, low and volume of today lack prints: a gap of theirs is not filled yet."""
    conflated: int = 0
    """Quotes merged into newer ones because the reader was slow."""
    unreported: int = 0
    """Corrections missing from the log because the reader was slow; their prints are corrected."""
    passed_over: int = 0
    """Prints of symbols that nobody asked for, of a stream that brings those of a whole market."""
    duplicates: int = 0
    rejects: int = 0
    last_reject: str = ""
