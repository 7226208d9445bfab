"""How long frames are left to gather between two looks at them. Pure.

A look costs some milliseconds whatever it holds, so at a thousand prints a look a longer pause halves the
work; what the screen shows changes four times a second. With many thousands a look its cost no longer
matters, and a pause only lets the socket fill up.
"""

from __future__ import annotations

BUSY_PER_S = 1_600_000
"""Characters or bytes a second: some 12,000 trades of Alpaca's."""
MANY = 1_000_000
"""Of one look: the socket stops reading at a few times as many."""
LONGER = 2.5
"""A busy stream's pause over that of another."""


def pause_s(pace_s: float, size: int, gathered_s: float) -> float:
    """Seconds until the next look. ``size``: of the frames that this one held, gathered in ``gathered_s``.

    A look that came sooner than usual says little of how much comes a second.
    """
    is_busy = BUSY_PER_S * max(gathered_s, pace_s) < size < MANY
    return pace_s * LONGER if is_busy else pace_s
