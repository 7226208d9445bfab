"""From expected moves to probabilities: two-point splits, their convolution, and the three views.

A distribution is {steps of 25 bp: probability}, in rising order, without outcomes of probability 0.
"""

from __future__ import annotations

from datetime import date
from itertools import accumulate
from math import floor, prod
from typing import TYPE_CHECKING, Literal

import msgspec

from rotation.fed.strip.chain import SNAP, STEP_PCT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rotation.fed.strip.chain import Chain

View = Literal["conditional", "aggregated", "local"]


class TargetRange(msgspec.Struct, frozen=True):
    """One target range in basis points, and the first and the last day for which it was published."""

    first: date
    last: date
    lower_bp: int
    upper_bp: int

    @property
    def bounds(self) -> tuple[int, int]:
        """Lower and upper bound in bp."""
        return self.lower_bp, self.upper_bp


class Odds(msgspec.Struct, frozen=True):
    """One meeting's row. Probabilities are shares of 1."""

    outcomes: dict[str, float]
    """Target range in bp, lowest first, as "475-500" → probability."""
    cut: float
    """Mass below the current range."""
    hold: float
    hike: float


def split(x: float) -> dict[int, float]:
    """The two-point distribution of a move: k = floor(x) with 1 - (x - k), k + 1 with x - k."""
    k = floor(x)
    rest = x - k
    if rest < SNAP:
        return {k: 1.0}
    return {k: 1 - rest, k + 1: rest} if rest < 1 - SNAP else {k + 1: 1.0}


def convolve(a: Mapping[int, float], b: Mapping[int, float]) -> dict[int, float]:
    """The distribution of the sum of two independent moves."""
    total: dict[int, float] = {}
    for i, p in a.items():
        for j, q in b.items():
            total[i + j] = total.get(i + j, 0.0) + p * q
    return dict(sorted(total.items()))


def conditional(moves: Sequence[float]) -> list[dict[int, float]]:
    """After each meeting, were the meetings independent: CME's "Conditional" view."""
    return list(accumulate(map(split, moves), convolve))


def aggregated(chain: Chain) -> list[dict[int, float]]:
    """After each meeting, the two-point split of the whole way from the first start rate: "Aggregated"."""
    ends = [meeting.end_pct for meeting in chain.solved if meeting.end_pct is not None]
    now = chain.meetings[0].start_pct if ends else None
    return [] if now is None else [split((end - now) / STEP_PCT) for end in ends]


def local(moves: Sequence[float]) -> list[dict[int, float]]:
    """Each meeting alone, as per-meeting prediction-market contracts price it."""
    return [split(x) for x in moves]


def distributions(chain: Chain, view: View = "conditional") -> list[dict[int, float]]:
    """One distribution a solved meeting, in the view asked for."""
    if view == "aggregated":
        return aggregated(chain)
    return conditional(chain.moves) if view == "conditional" else local(chain.moves)


def odds(distribution: Mapping[int, float], target_range_bp: tuple[int, int]) -> Odds:
    """Label a distribution from the current range.

    The local view's labels say where the range would stand were this the only meeting.
    """
    low, high = target_range_bp
    cut = sum((p for k, p in distribution.items() if k < 0), 0.0)
    hike = sum((p for k, p in distribution.items() if k > 0), 0.0)
    labelled = {f"{low + 25 * k}-{high + 25 * k}": p for k, p in distribution.items()}
    return Odds(labelled, cut, distribution.get(0, 0.0), hike)


def lower_bound(name: str) -> int:
    """The lower bound in bp of a range's name: 475 of "475-500"; below zero the name begins with a minus."""
    return int(name[: name.index("-", 1)])


def mean_bp(distribution: Mapping[int, float]) -> float:
    """The expected move in bp."""
    return 25 * sum(k * p for k, p in distribution.items())


def cumulative_moves(moves: Sequence[float]) -> list[float]:
    """Expected steps of 25 bp up to and including each meeting; cuts are negative."""
    return list(accumulate(moves))


def at_least_one(cuts: Sequence[float]) -> float:
    """1 - Π(1 - p): P(at least one cut), were the meetings independent."""
    return 1 - prod(1 - p for p in cuts)


def at_least_one_cut(moves: Sequence[float]) -> float | None:
    """P(at least one cut by the last of these meetings).

    None unless every move lies in [-1, 0]: elsewhere a two-point split hides cuts or offsets them by hikes.
    """
    return at_least_one([-x for x in moves]) if all(-1 <= x <= 0 for x in moves) else None
