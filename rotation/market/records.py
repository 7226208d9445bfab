"""Records: how unusual a value is against the settled series before it.

"Since" answers come from two monotonic stacks (suffix maxima and minima), so a live value costs a
binary search, whatever the length of history.
"""

from __future__ import annotations

import datetime as dt
from array import array
from bisect import bisect_left, bisect_right

import msgspec
import polars as pl

TRAILING = 252
"""Settled values behind z."""


class Since(msgspec.Struct, frozen=True):
    """The most recent earlier session at least as extreme; a record has no ``date`` but a ``first_date``."""

    date: dt.date | None
    value: float | None
    first_date: dt.date | None


class Records:
    """An index over one settled series, oldest first."""

    def __init__(self, dates: pl.Series, values: pl.Series) -> None:
        """Take aligned dates and values; rows without a value are unknown and left out."""
        series = pl.DataFrame({"date": dates, "value": values}).drop_nulls("value")
        self.n = series.height
        self.first_date: dt.date | None = series["date"][0] if self.n else None
        self._ranked = array("d", series["value"].sort())
        tail = series["value"].tail(TRAILING)
        self._mean = tail.mean() if self.n >= TRAILING else None
        # Equal values have no spread, whatever rounding says.
        self._sd = tail.std() if self.n >= TRAILING and tail.min() != tail.max() else None
        newest_first = series.reverse()
        self._highs = _Stack(newest_first)
        self._lows = _Stack(newest_first.with_columns(-pl.col("value")))

    def since(self, value: float | None, *, low: bool | None = None) -> Since | None:
        """When the series was last at least as large (as small for ``low``; default: for a fall).

        None while the value is unknown or there is nothing to compare with.
        """
        if value is None or not self.n:
            return None
        low = value < 0 if low is None else low
        found = self._lows.at_least(-value) if low else self._highs.at_least(value)
        if found is None:
            return Since(None, None, self.first_date)
        day, extreme = found
        return Since(day, -extreme if low else extreme, None)

    def percentile(self, value: float | None) -> float | None:
        """Midrank among all settled values, in percent; None while unknown or alone."""
        if value is None or not self.n:
            return None
        below, upto = bisect_left(self._ranked, value), bisect_right(self._ranked, value)
        return 50 * (below + upto) / self.n

    def z(self, value: float | None) -> float | None:
        """(value - mean) / sample sd of the trailing 252 settled values; None with fewer, or sd 0."""
        if value is None or self._mean is None or not self._sd:
            return None
        return float((value - self._mean) / self._sd)  # type: ignore[operator]


class _Stack:
    """Suffix maxima of a series given newest first: rising values, each with its most recent date."""

    def __init__(self, newest_first: pl.DataFrame) -> None:
        value = pl.col("value")
        beaten = value.cum_max().shift(1)
        kept = newest_first.filter(beaten.is_null() | (value > beaten))
        self._values = array("d", kept["value"])
        self._dates: list[dt.date] = kept["date"].to_list()

    def at_least(self, value: float) -> tuple[dt.date, float] | None:
        """The most recent (date, value) that is >= value; None if none is."""
        i = bisect_left(self._values, value)
        return (self._dates[i], self._values[i]) if i < len(self._dates) else None
