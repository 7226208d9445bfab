"""Whether a cached series is still what its vendor says: splits and dividends restate the past.

On a split's ex-date a vendor divides every earlier close, on a dividend's every earlier adjusted close.
So a few sessions held already are asked for again, and compared.
"""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import msgspec
import polars as pl

SAME = 1e-6
"""Relative. Two answers of one vendor differ by the rounding of 32-bit floats, 6e-8, or not at all; the
smallest dividend worth telling, a cent on 1,000 dollars, is 1e-5."""
ALIKE = 2e-3
"""Relative, between two vendors: one may give the last trade, the other the auction's price. The smallest
stock dividends are 5e-3."""
_CLOSES = ("close", "adj_close")
_RATIO_SLACK = 2e-3


class Restated(msgspec.Struct, frozen=True):
    """The first difference between the two."""

    day: date
    column: str
    """``close`` (a split, a correction) or ``adj_close`` alone (a dividend)."""
    cached: float
    given: float

    def __str__(self) -> str:
        """In words."""
        if self.column == "adj_close":
            return (
                f"a dividend restated the adjusted close of {self.day} ({self.cached:.6g} → {self.given:.6g})"
            )
        return f"{self._event} restated the close of {self.day} ({self.cached:.6g} → {self.given:.6g})"

    @property
    def _event(self) -> str:
        """A plain ratio of shares is a split; anything else some correction."""
        ratio = Fraction(self.cached / self.given).limit_denominator(30)
        exact = ratio > 0 and abs(float(ratio) / (self.cached / self.given) - 1) < _RATIO_SLACK
        if not exact or max(ratio, 1 / ratio) < Fraction(21, 20):
            return "a correction"
        return f"a split ({ratio.numerator} for {ratio.denominator})"


class Apart(msgspec.Struct, frozen=True):
    """No day in common: nothing can be compared."""

    def __str__(self) -> str:
        """In words."""
        return "the source has none of the last stored days"


def compare(cached: pl.DataFrame, given: pl.DataFrame, tolerance: float) -> Restated | Apart | None:
    """The first day, oldest first, whose close or else adjusted close differs by more; None if none does.

    Both frames hold one symbol. Only figures that both of them have are compared.
    """
    both = cached.join(given, on="date", how="inner", suffix="_given").sort("date")
    if both.is_empty():
        return Apart()
    for column in _CLOSES:
        held, now = pl.col(column), pl.col(f"{column}_given")
        off = both.filter((held - now).abs() > tolerance * pl.min_horizontal(held.abs(), now.abs()))
        if off.height:
            row = off.row(0, named=True)
            return Restated(row["date"], column, row[column], row[f"{column}_given"])
    return None
