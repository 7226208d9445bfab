"""Sizes: which ones a terminal may have, and the few frames that viewers share. Pure."""

from __future__ import annotations

from typing import NamedTuple

from tui.view.layout import SMALLEST

UNKNOWN = (80, 24)
"""Columns and lines assumed for a terminal that reports no size."""
LEAST = (20, 6)
MOST = (300, 120)

FRAMES = (
    (40, 10), (40, 24), (60, 20), (80, 23), (80, 24), (80, 39), (80, 40), (100, 29), (100, 30), (120, 23),
    (120, 24), (120, 29), (120, 30), (120, 39), (120, 40), (140, 44), (140, 45), (160, 44), (160, 45),
    (200, 49), (200, 50), (240, 59), (240, 60), (300, 80),
)  # fmt: skip
"""Columns and lines, most also a line less (tmux has a bar); a terminal gets the largest frame that fits."""


class Frame(NamedTuple):
    """The size that is painted, and where its top left corner is in the terminal, in cells."""

    size: tuple[int, int]
    x: int
    y: int


def clamp(width: int, height: int) -> tuple[int, int]:
    """Return the size to use: zero means unknown, and the size has an upper limit."""
    if width <= 0 or height <= 0:
        return UNKNOWN
    return min(max(width, LEAST[0]), MOST[0]), min(max(height, LEAST[1]), MOST[1])


def frame(width: int, height: int) -> Frame:
    """Return the standard frame for a terminal of this (clamped) size, centred in it.

    A terminal below the smallest frame keeps its own size, which the message shown there names.
    """
    if width < SMALLEST[0] or height < SMALLEST[1]:
        return Frame((width, height), 0, 0)
    fitting = [size for size in FRAMES if size[0] <= width and size[1] <= height]
    size = max(fitting, key=lambda each: each[0] * each[1])
    return Frame(size, (width - size[0]) // 2, (height - size[1]) // 2)
