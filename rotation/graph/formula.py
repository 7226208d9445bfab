"""The formula of the rotation graph, version 1: open, and the same for settled points and for today's.

RS = 100 · price / benchmark's price. RS-Ratio = 100 + z(SMA₁₀(RS)). RS-Momentum = 100 + z(ROC₄(RS-Ratio)).
z is against the values of the 40 weeks before (40 of a weekly series, 200 of a daily one), the value itself
left out, with the sample's standard deviation. Sums are exact, so a point depends on nothing but the prices
that the formula names: neither on where history begins nor on the order of the work.
"""

from __future__ import annotations

from collections import deque
from math import fsum, sqrt
from typing import TYPE_CHECKING, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rotation.graph.figures import Step

MEAN = 10
"""Values in SMA₁₀."""
BACK = 4
"""Steps in ROC₄."""
TRAILING: dict[Step, int] = {"weekly": 40, "daily": 200}
"""Values behind z: forty weeks of them."""
FLAT = 1e-9
"""A standard deviation that is smaller, relative to the mean, is noise: the series stands still."""

UNIT = 2.0**-40
"""To which values behind z are rounded: a trillionth."""


class Norm(NamedTuple):
    """Mean and standard deviation of a window."""

    mean: float
    sd: float

    def z(self, value: float) -> float:
        """How many standard deviations above the mean."""
        return (value - self.mean) / self.sd


def norms(values: Sequence[float | None], window: int) -> list[Norm | None]:
    """Norms of the ``window`` values before each place and before the one to come.

    None where one of them is unknown, or where they do not vary. Values are taken as whole multiples of UNIT:
    sums of integers are exact however they are made, so a running sum is that of its window alone.
    """
    known: deque[int] = deque()
    total = squares = 0
    made: list[Norm | None] = []
    for value in (*values, None):
        made.append(_norm(total, squares, window) if len(known) == window else None)
        if value is None:
            known.clear()
            total = squares = 0
            continue
        units = round(value / UNIT)
        known.append(units)
        total, squares = total + units, squares + units * units
        if len(known) > window:
            left = known.popleft()
            total, squares = total - left, squares - left * left
    return made


def _norm(total: int, squares: int, n: int) -> Norm | None:
    sd = sqrt((n * squares - total * total) / (n * (n - 1))) * UNIT
    mean = total / n * UNIT
    return Norm(mean, sd) if sd > FLAT * abs(mean) else None


class Ahead(msgspec.Struct, frozen=True):
    """All that the next point needs of the points before it."""

    strengths: tuple[float, ...]
    """The nine RS before it."""
    means: Norm
    """Norm of SMA₁₀ over the window before it."""
    back: float
    """RS-Ratio four steps before it."""
    changes: Norm
    """Norm of ROC₄ over the window before it."""

    def point(self, strength: float) -> tuple[float, float]:
        """RS-Ratio and RS-Momentum at an RS of ``strength``."""
        ratio = 100 + self.means.z(_mean((*self.strengths, strength)))
        return ratio, 100 + self.changes.z(_change(ratio, self.back))


def _mean(strengths: Sequence[float]) -> float:
    return fsum(strengths) / MEAN


def _change(ratio: float, back: float) -> float:
    return (ratio / back - 1) * 100


def ahead(strengths: Sequence[float], step: Step) -> list[Ahead | None]:
    """What each point needs, oldest first, and last what the one to come needs: one more than there are RS.

    None where too few values lie before, or where they do not vary.
    """
    window = TRAILING[step]
    means = [_mean(strengths[at - MEAN : at]) if at >= MEAN else None for at in range(1, len(strengths) + 1)]
    mean_norms = norms(means, window)
    ratios = [
        100 + of.z(mean) if of is not None and mean is not None else None
        for of, mean in zip(mean_norms, means, strict=False)
    ]
    backs = [None] * BACK + ratios
    changes = [
        _change(ratio, back) if ratio is not None and back is not None and back > 0 else None
        for ratio, back in zip(ratios, backs, strict=False)
    ]
    change_norms = norms(changes, window)
    return [
        Ahead(tuple(strengths[at - MEAN + 1 : at]), of_means, back, of_changes)
        if of_means is not None and of_changes is not None and back is not None and back > 0
        else None
        for at, (of_means, of_changes, back) in enumerate(zip(mean_norms, change_norms, backs, strict=False))
    ]
