"""How a download of daily history goes, and what came of it: what feeds and screens share."""

from __future__ import annotations

import msgspec


class SyncProgress(msgspec.Struct, frozen=True):
    """Where it stands."""

    done: int
    """Symbols finished, failed ones among them."""
    total: int
    failed: int
    symbol: str = ""
    """The one just finished; empty where ``message`` concerns none."""
    message: str = ""
    """What happened, where a person should read it now; else empty."""
    per_s: float | None = None
    """Symbols a second, over those asked for; None before the first."""
    left_s: float | None = None
    """Seconds to the end at this rate."""


class SyncReport(msgspec.Struct, frozen=True):
    """The result; every symbol stands in exactly one of the first four."""

    current: tuple[str, ...] = ()
    """Nothing was new."""
    extended: tuple[str, ...] = ()
    """The missing tail was added."""
    loaded: tuple[str, ...] = ()
    """The whole series was fetched: for the first time, further back, or because it was restated."""
    failed: tuple[tuple[str, str], ...] = ()
    """Symbol and reason; what was held of it is held still."""
    notes: tuple[str, ...] = ()
    """What else a person should know: splits, renames, prices left out."""
    sessions: int = 0
    """Rows that were not held before."""
