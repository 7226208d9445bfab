"""A split that a person's file does not adjust for: the close jumps by it, the adjusted close does not."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from feeds.files.tables import Table

LEAST_SPLIT = 1.2
"""Six for five. Smaller ratios are stock dividends and special dividends, which do not count as splits."""
_EXACT = 5e-3
"""Relative. The adjusted close takes the day's own move out, so only its rounding is left."""
_PARTS = 5
"""Splits are n for 1, or of few parts: 3 for 2, 5 for 4."""
_WHOLE_FROM = 4.0
"""Above this ratio only n for 1 counts: fractions of few parts would be near everything."""

_FIX = "export it split-adjusted, or import it with --raw if its closes are right"


def check_splits(table: Table) -> None:
    """Raise InputError on the first day whose close moves by a small ratio that adj_close does not share.

    ``table`` has ``date``, ``close`` and ``adj_close``, one row a day. A missing one says nothing.
    """
    close, adjusted = pl.col("close"), pl.col("adj_close")
    days = table.frame.sort("date").with_columns(
        move=close.shift(1) / close, adjusted_move=adjusted.shift(1) / adjusted, was=close.shift(1)
    )
    factor = pl.col("move") / pl.col("adjusted_move")
    suspects = days.with_columns(factor=factor).filter(
        pl.max_horizontal(pl.col("factor"), 1 / pl.col("factor")) >= LEAST_SPLIT
    )
    splits = [row["date"] for row in suspects.iter_rows(named=True) if ratio_of(row["factor"])]
    table.with_frame(days.with_columns(factor=factor)).refuse(
        pl.col("date").is_in(splits),
        lambda row: (
            f"close goes from {row['was']:g} to {row['close']:g} and adj_close does not, which looks like"
            f" a split ({ratio_of(row['factor'])}) that close is not adjusted for"
        ),
        _FIX,
    )


def ratio_of(factor: float) -> str:
    """``10:1`` or ``1:8``; "" if it is not a simple ratio of shares."""
    size = max(factor, 1 / factor)
    ratio = Fraction(size).limit_denominator(1 if size >= _WHOLE_FROM else _PARTS)
    if size < LEAST_SPLIT or abs(float(ratio) / size - 1) > _EXACT:
        return ""
    parts = (ratio.numerator, ratio.denominator)
    return "{}:{}".format(*(parts if factor > 1 else parts[::-1]))
