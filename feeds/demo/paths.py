"""Paths of the demo: random steps made to pass where they must and to stay where they may."""

from __future__ import annotations

from itertools import pairwise
from math import fsum, inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def bridge(steps: Sequence[float], marks: Mapping[int, float]) -> list[float]:
    """A path from the first mark to the last, through all of them, that moves by ``steps`` in between.

    ``steps[i]`` is the move from ``i - 1`` to ``i``; a constant pull between two marks makes the ends
    meet. The result starts at the first mark's index. Units are those of the marks.
    """
    knots = sorted(marks.items())
    path = [knots[0][1]]
    for (start, level), (end, target) in pairwise(knots):
        # Not sum(): since Python 3.12 it compensates, and a seed would differ between versions.
        pull = (target - level - fsum(steps[start + 1 : end + 1])) / (end - start)
        for step in steps[start + 1 : end]:
            path.append(path[-1] + step + pull)
        path.append(target)
    return path


def held(
    path: Sequence[float], fixed: Mapping[int, float], caps: Sequence[float], window: int
) -> list[float]:
    """Clip a path so that ``path[i] - path[i - window] <= caps[i]``, its fixed points staying where they are.

    Points ``window`` apart form a chain. Walked back from a fixed point it gives the lowest level from
    which the caps still let that point be reached. A path that stays above that level and rises no faster
    than its caps exists whenever the fixed points allow it; a move from one of them to another is taken
    as it is. Units are those of the path.
    """
    lowest = [-inf] * len(path)
    for i in reversed(range(len(path))):
        if i in fixed:
            lowest[i] = fixed[i]
            continue
        if i + window < len(path):
            lowest[i] = lowest[i + window] - caps[i + window]
        if i + 1 < len(path):
            # The chains need no more; this keeps them together, or one would leap where another must not.
            pace = min(caps[i + 1 : i + 1 + window]) / window
            lowest[i] = max(lowest[i], lowest[i + 1] - pace)
    kept: list[float] = []
    for i, level in enumerate(path):
        highest = kept[i - window] + caps[i] if i >= window else inf
        kept.append(max(min(level, highest), lowest[i]))
    return kept


def mirrored(path: Sequence[float], other: Sequence[float], low: int, margin: float) -> list[float]:
    """A path whose distance above ``other`` is least at ``low``, and before it larger by ``margin`` or more.

    Smaller distances before ``low`` are mirrored upwards; from ``low`` on nothing changes. For logs of
    prices the distance is the log of their ratio.
    """
    floor = path[low] - other[low] + margin
    before = zip(path[:low], other[:low], strict=True)
    return [*(base + floor + abs(level - base - floor) for level, base in before), *path[low:]]
