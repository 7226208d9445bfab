"""Streaks: consecutive sessions in one direction, and how rare a run of that length is."""

from __future__ import annotations

from functools import lru_cache

import msgspec
import polars as pl

from rotation.snapshot import BaseRate, Streak


def sign(change: float | None) -> int | None:
    """-1, 0 or 1; None stays unknown."""
    return None if change is None else (change > 0) - (change < 0)


def extend(settled: int | None, today: int | None) -> int | None:
    """The streak with today's sign on top of the settled one.

    An unchanged session is a streak of 0; an unknown today leaves the streak unknown.
    """
    if not today:
        return today
    return settled + today if settled and settled * today > 0 else today


def streak_of(settled: int | None, today: int | None, *, official: bool) -> Streak:
    """The Streak shown: ``settled`` up to the session before, ``today`` the sign of today's change.

    ``official``: today's change rests on official closes, so it counts as settled.
    """
    with_today = extend(settled, today)
    if official:
        return Streak(with_today, with_today, provisional=False)
    return Streak(settled, with_today, provisional=today is not None)


def streaks(change: pl.Expr) -> pl.Expr:
    """Signed run length at every row of a series of day changes; null where the change is unknown."""
    direction = change.sign()
    length = pl.int_range(1, pl.len() + 1).over(direction.rle_id())
    return (direction * length).cast(pl.Int64)


class Runs(msgspec.Struct, frozen=True):
    """What the settled past says about runs."""

    reached: dict[int, int]
    """Signed length → how many earlier runs reached it."""
    n: int
    """Sessions with a known change."""
    ups: int
    downs: int

    @classmethod
    def of(cls, streak: pl.Series) -> Runs:
        """Count a series of signed run lengths, as ``streaks`` gives it."""
        known = streak.drop_nulls()
        # A run passes each length once, so counting rows of a length counts the runs that reached it.
        reached = dict(known.value_counts().iter_rows())
        return cls(reached, len(known), int((known > 0).sum()), int((known < 0).sum()))

    def rate(self, streak: Streak) -> BaseRate | None:
        """How rare the streak shown is; None without a run."""
        length = streak.with_today if streak.with_today is not None else streak.settled
        if not length:
            return None
        # With today unknown, the run shown ends in the sample itself: it is not an earlier one.
        own = int(streak.with_today is None)
        n, same_way = self.n - own, (self.ups if length > 0 else self.downs) - own
        if n < 1:
            return None
        return BaseRate(
            length=length,
            runs=self.reached.get(length, 0) - own,
            n=n,
            p_longest=p_longest_run(n, abs(length), same_way / n),
        )


@lru_cache(maxsize=1024)
def p_longest_run(n: int, k: int, p: float) -> float:
    """P(longest run of successes in n Bernoulli(p) trials is at least k).

    Recurrence: r(m) = r(m-1) + (1-p) p^k (1 - r(m-k-1)), r(k) = p^k, r = 0 below, so that small ones
    keep their digits (Feller, An Introduction to Probability Theory I, chapter XIII, runs).
    """
    if k <= 0:
        return 1.0
    if n < k:
        return 0.0
    step = (1 - p) * p**k
    r = [0.0] * k + [p**k]
    for m in range(k + 1, n + 1):
        r.append(min(1.0, r[m - 1] + step * (1 - r[m - k - 1])))
    return r[n]
