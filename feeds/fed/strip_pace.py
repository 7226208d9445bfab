"""When the strip's charts are worth asking for: nineteen requests of the budget of quotes. Pure."""

from __future__ import annotations

from feeds.streaming.watch.hours import Globex
from rotation.quote import NS

EVERY_S = 120.0
"""While nothing is pushed."""
PUSHED_EVERY_S = 1800.0
"""While the stream brings the prices: the charts add settlements, and contracts that do not trade."""
PUSHED_S = 3600.0
"""A stream that has brought a price within this time brings them: fed funds futures may rest for long."""
LOOK_S = 60.0
"""While Globex is shut it is looked this often whether it has opened."""


def wait_s(now_ns: int, asked_ns: int, pushed_ns: int | None) -> float:
    """Seconds until charts that answered at ``asked_ns`` are due again; 0 where they are.

    ``pushed_ns``: when the stream last brought a price; None where it has not.
    """
    if Globex().is_shut(now_ns):
        return LOOK_S
    is_pushed = pushed_ns is not None and now_ns - pushed_ns <= PUSHED_S * NS
    every_s = PUSHED_EVERY_S if is_pushed else EVERY_S
    return max(0.0, every_s - (now_ns - asked_ns) / NS)
