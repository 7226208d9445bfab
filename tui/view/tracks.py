"""Tracks from one end to the other with a mark where something stands, and lines one cell high. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

BLOCKS = "▁▂▃▄▅▆▇█"


def track(share: float | None, width: int, *, middle: bool = False, level: float | None = None) -> str:
    """``├───●────┤``: where a share of 1 stands between two ends; no mark where it is not known.

    ``middle``: with a mark halfway, as of a median, for tracks on which both ends are extreme.
    ``level``: a share at which another mark stands; beyond either end there is none.
    """
    room = max(width - 2, 1)
    cells = ["┄" if middle else "─"] * room
    if middle:
        cells[room // 2] = "┊"
    if level is not None and 0 <= level <= 1:
        cells[min(int(level * room), room - 1)] = "┊"
    if share is not None:
        cells[min(int(min(max(share, 0.0), 1.0) * room), room - 1)] = "●"
    return f"├{''.join(cells)}┤"


def sparkline(values: Sequence[float], width: int) -> str:
    """The values as one line of blocks, the last of each stretch, the highest as a whole cell."""
    if not values:
        return ""
    size = min(width, len(values))
    shown = [values[(n + 1) * len(values) // size - 1] for n in range(size)]
    low, high = min(shown), max(shown)
    if high <= low:
        return BLOCKS[3] * size
    top = len(BLOCKS) - 1
    return "".join(BLOCKS[round((value - low) / (high - low) * top)] for value in shown)
