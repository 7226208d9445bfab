"""Prediction markets against the futures: the overround removed, means compared first.

Futures identify the mean move only, and a two-point split has no tails; prediction markets price the tails.
A distribution here is {move in bp: probability}; its outermost moves stand for open ends ("50 or more").
"""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

import msgspec

from rotation.fed.odds import split

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

OPEN_BP = 50


class MarketError(ValueError):
    """Quotes of a prediction market that make no distribution. ``str()`` is one line that says why."""


class Devigged(msgspec.Struct, frozen=True):
    """One meeting's market, made to sum to 1."""

    probability: dict[int, float]
    """Move in bp → share of 1, deepest cut first."""
    raw_sum: float
    """Σ of the middles before: what was removed."""
    mean_bp: float
    """Σ pᵢ·Δᵢ."""

    @property
    def cut(self) -> float:
        """P(cut at this meeting)."""
        return sum((p for move, p in self.probability.items() if move < 0), 0.0)


class Strike(msgspec.Struct, frozen=True):
    """P(upper bound of the range strictly above a threshold), after the ladder's meeting."""

    above_bp: int
    market: float
    futures: float
    gap: float


def middle(bid: float | None, ask: float | None) -> float | None:
    """The middle of a two-sided, uncrossed quote in [0, 1]; None otherwise."""
    if bid is None or ask is None or not 0 <= bid <= ask <= 1:
        return None
    return (bid + ask) / 2


def devig(middles: Mapping[int, float]) -> Devigged:
    """pᵢ = midᵢ / Σ mid. Raises MarketError for a middle outside [0, 1] or a sum of 0."""
    bad = [move for move, mid in middles.items() if not (isfinite(mid) and 0 <= mid <= 1)]
    if bad:
        raise MarketError(f"the {bad[0]:+d} bp contract's price {middles[bad[0]]:g} is not a probability")
    raw_sum = sum(middles.values())
    if not raw_sum:
        raise MarketError("no contract of this meeting has a price above 0")
    probability = {move: middles[move] / raw_sum for move in sorted(middles)}
    return Devigged(probability, raw_sum, sum(move * p for move, p in probability.items()))


def local_bp(x: float) -> dict[int, float]:
    """The local split of a move of x steps in the markets' buckets: what lies beyond ±50 bp counts there."""
    buckets: dict[int, float] = {}
    for k, p in split(x).items():
        move = max(-OPEN_BP, min(OPEN_BP, 25 * k))
        buckets[move] = buckets.get(move, 0.0) + p
    return buckets


def beyond(x: float, open_bp: Iterable[int]) -> tuple[int, ...]:
    """The open buckets that a futures move of x steps goes beyond: their means are only bounds."""
    moves = [25 * k for k in split(x)]
    return tuple(
        edge for edge in sorted(set(open_bp)) if any(move < edge < 0 or move > edge > 0 for move in moves)
    )


def against_cumulative(
    above: Mapping[int, float], cumulative: Mapping[int, float], upper_bp: int
) -> tuple[Strike, ...]:
    """A KXFED ladder against the cumulative (conditional) row of its meeting, strike by strike.

    ``cumulative``: steps of 25 bp → probability. ``upper_bp``: upper bound of the current range.
    """
    strikes = []
    for threshold in sorted(above):
        futures = sum((p for k, p in cumulative.items() if upper_bp + 25 * k > threshold), 0.0)
        strikes.append(Strike(threshold, above[threshold], futures, above[threshold] - futures))
    return tuple(strikes)
