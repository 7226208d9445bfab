"""Streaks: consecutive sessions in one direction, and how rare a run of that length is."""

from __future__ import annotations

from functools import lru_cache

import msgspec
import polars as pl

from rotation.snapshot import BaseRate, Streak


class Before(msgspec.Struct, frozen=True):
    """How a series stood at the session before the one shown."""

    streak: int | None = None
    """Signed length of the run; None where its beginning or its last change is unknown."""
    direction: int | None = None
    """-1, 0 or 1: the last change alone; None where it is unknown."""


def with_today(streak: pl.Expr, way: pl.Expr, today: pl.Expr) -> pl.Expr:
    """The streak with today's direction on top of the one before; ``streak`` and ``way`` as in ``Before``.

    An unchanged session is a streak of 0, and one that turns begins a new run; unknown is what goes on from
    an unknown change or an unknown run.
    """
    goes_on = pl.when(way != today).then(today).otherwise(streak + today)
    return pl.when(today == 0).then(0).when(way.is_not_null()).then(goes_on).cast(pl.Int64)


WAYS = (0, 1, -1)
"""Today's directions, in the order in which an index finds them."""


Ends = tuple[int | None, int | None, int | None]
"""What each of WAYS makes of a streak."""


def outcomes(befores: pl.DataFrame) -> list[Ends]:
    """Of series as they stood before (columns ``streak`` and ``direction``): ``with_today`` of each of WAYS.

    Today's direction is all that a tick can change: each of them is computed once a session.
    """
    streak, way = pl.col("streak"), pl.col("direction")
    asked = (with_today(streak, way, pl.lit(today)).alias(str(today)) for today in WAYS)
    return befores.select(asked).rows()


def way_of(change: float | None, least: float) -> int | None:
    """-1, 0 or 1: a change of no more than ``least`` is none; None where it is unknown."""
    if change is None:
        return None
    return 0 if abs(change) <= least else 1 if change > 0 else -1


def streak_of(settled: int | None, with_today: int | None, *, official: bool) -> Streak:
    """The Streak shown: settled up to the session before, and with today's change.

    ``official``: today's change rests on official closes, so it counts as settled.
    """
    if official:
        return Streak(with_today, with_today, provisional=False)
    return Streak(settled, with_today, provisional=with_today is not None)


def streaks(direction: pl.Expr) -> pl.Expr:
    """Signed run length at every row of a series of directions (-1, 0, 1); null where that is unknown.

    A run is counted from the first row on, and from the row after an unknown one: see ``is_whole``.
    """
    length = pl.int_range(1, pl.len() + 1).over(direction.rle_id())
    return (direction * length).cast(pl.Int64)


def is_whole(direction: pl.Expr) -> pl.Expr:
    """Whether the run at every row is known from its beginning; null where the direction is.

    A run that follows a missing close may be longer than it looks, and so may the one with which the series
    begins: what came before its first change is not known.
    """
    begins = (direction.rle_id().diff() != 0).fill_null(value=True)
    return (direction == 0) | pl.when(begins).then(direction.shift(1).is_not_null()).forward_fill()


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
            expected=expected_runs(n, abs(length), same_way / n),
        )


def expected_runs(n: int, k: int, p: float) -> float:
    """How many maximal runs of at least k successes n Bernoulli(p) trials are expected to hold.

    One may begin at the first trial, with p^k, or after a failure at each of the n - k others.
    """
    return p**k * ((n - k) * (1 - p) + 1) if 0 < k <= n else 0.0


@lru_cache(maxsize=1024)
def p_longest_run(n: int, k: int, p: float) -> float:
    """P(longest run of successes in n Bernoulli(p) trials is at least k).

    Recurrence: r(m) = r(m-1) + (1-p) p^k (1 - r(m-k-1)), r(k) = p^k, r = 0 below, so that small ones
    keep their digits (Feller, An Introduction to Probability Theory I, chapter XIII, runs). Later
    steps add less and less. One that adds nothing is the last: of short runs in thousands of trials, soon.
    """
    if k <= 0:
        return 1.0
    if n < k:
        return 0.0
    step = (1 - p) * p**k
    odds = p**k
    r = [0.0] * k + [odds]
    for before in range(n - k):
        more = odds + step * (1 - r[before])
        if more == odds:
            break
        if more >= 1.0:
            return 1.0
        odds = more
        r.append(odds)
    return odds
