"""Sizes: what a pty may claim, and the few frames that viewers share. Pure."""

from __future__ import annotations

from typing import NamedTuple

from tui.view.layout import SMALLEST

UNKNOWN = (80, 24)
"""What a terminal that gives no size is taken for."""
LEAST = (20, 6)
MOST = (300, 120)

FRAMES = (
    (40, 10), (40, 24), (60, 20), (80, 24), (80, 40), (100, 30), (120, 24),
    (120, 30), (120, 40), (140, 45), (160, 45), (200, 50), (240, 60), (300, 80),
)  # fmt: skip
"""Widths and heights; a terminal gets the largest that fits in it."""


class Frame(NamedTuple):
    """What is painted, and where its corner stands in the terminal."""

    size: tuple[int, int]
    x: int
    y: int


def clamp(width: int, height: int) -> tuple[int, int]:
    """The size to believe: zero means unknown, and nothing is allocated for four billion columns."""
    if width <= 0 or height <= 0:
        return UNKNOWN
    return min(max(width, LEAST[0]), MOST[0]), min(max(height, LEAST[1]), MOST[1])


def frame(width: int, height: int) -> Frame:
    """The standard frame for a terminal of this (clamped) size, centred in it.

    Below the smallest frame nothing is snapped: what is said there names the terminal's own size.
    """
    if width < SMALLEST[0] or height < SMALLEST[1]:
        return Frame((width, height), 0, 0)
    fitting = [size for size in FRAMES if size[0] <= width and size[1] <= height]
    size = max(fitting, key=lambda each: each[0] * each[1])
    return Frame(size, (width - size[0]) // 2, (height - size[1]) // 2)
