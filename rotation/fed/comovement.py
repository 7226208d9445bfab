"""Do the spread and the probability of a cut move together: beta and correlation of their changes."""

from __future__ import annotations

from math import fsum, sqrt
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

LEAST_N = 20
"""Pairs of changes below which neither figure is shown: at 20 a correlation's standard error is still 0.2."""
WINDOW = 60


class CoMovement(msgspec.Struct, frozen=True):
    """Over ``n`` pairs of changes; None while n is short or one side did not move."""

    n: int
    beta: float | None
    """Change of the spread in pp for one percentage point of P(cut), least squares."""
    correlation: float | None
    """Pearson."""


def comovement(
    cut_changes: Sequence[float], spread_changes: Sequence[float], *, least_n: int = LEAST_N
) -> CoMovement:
    """Beta and correlation of paired changes, both in percentage points. Raises ValueError if unpaired."""
    n = len(cut_changes)
    if n != len(spread_changes):
        raise ValueError(f"{n} changes of the cut probability, {len(spread_changes)} of the spread")
    if n < max(least_n, 2):
        return CoMovement(n, None, None)
    mean_x, mean_y = fsum(cut_changes) / n, fsum(spread_changes) / n
    dx = [x - mean_x for x in cut_changes]
    dy = [y - mean_y for y in spread_changes]
    xx, yy = fsum(x * x for x in dx), fsum(y * y for y in dy)
    xy = fsum(x * y for x, y in zip(dx, dy, strict=True))
    # Equal changes have no variance, whatever rounding says.
    if not xx or min(cut_changes) == max(cut_changes):
        return CoMovement(n, None, None)
    flat = not yy or min(spread_changes) == max(spread_changes)
    correlation = None if flat else max(-1.0, min(1.0, xy / sqrt(xx) / sqrt(yy)))
    return CoMovement(n, 0.0 if flat else xy / xx, correlation)
