"""Moves of a price from one session to another: when two prices are equal, which way, how far."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

SAME = 1e-6
"""Relative: closer prices are equal. 32-bit floats carry 6e-8 of noise; the smallest tick of a listed share,
a cent on 1,000 dollars, is 1e-5."""
SLACK = {"1w": timedelta(days=4), "1m": timedelta(days=7)}
"""How much older than its name the figure may be that a change over a week or a month is measured from."""


def month_earlier(day: date) -> date:
    """The same day of the month before, or that month's last."""
    ended = day.replace(day=1) - timedelta(days=1)
    return ended.replace(day=min(day.day, ended.day))


def is_same(price: pl.Expr, was: pl.Expr) -> pl.Expr:
    """Whether two prices are equal, within SAME; null where one is unknown."""
    return (price - was).abs() <= SAME * was


def direction(price: pl.Expr, was: pl.Expr) -> pl.Expr:
    """-1, 0 or 1: which way ``price`` moved from ``was``; null where one is unknown."""
    return pl.when(is_same(price, was)).then(0).otherwise((price - was).sign())


def return_pct(price: pl.Expr, was: pl.Expr) -> pl.Expr:
    """``price`` over ``was`` minus one, in percent; exactly 0 for an unchanged price, null for an unknown."""
    return pl.when(is_same(price, was)).then(0.0).otherwise((price / was - 1) * 100)


class Returns:
    """As ``return_pct``, over and over from the same prices: of columns, and without a query.

    A query waits for Polars' own threads, which on a busy machine takes longer than all the rest.
    """

    def __init__(self, was: pl.Series) -> None:
        """``was``: null where a price is unknown."""
        self._was = was
        self._least = SAME * was
        self._zero = pl.Series([0.0]).new_from_index(0, len(was))

    def of(self, price: pl.Series) -> pl.Series:
        """Of these prices now, in the same order."""
        moved = price - self._was
        same = (moved <= self._least) & (moved >= -1.0 * self._least)
        return self._zero.zip_with(same, (price / self._was - 1) * 100)


def way_of(price: float, was: float) -> int:
    """As ``direction``, of two known prices."""
    moved = price - was
    return 0 if abs(moved) <= SAME * was else 1 if moved > 0 else -1


def pct_of(price: float, was: float) -> float:
    """As ``return_pct``, of two known prices."""
    return 0.0 if abs(price - was) <= SAME * was else (price / was - 1) * 100
