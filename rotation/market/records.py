"""Records: how unusual a value is against the settled series before it.

"Since" answers come from two monotonic stacks (suffix maxima and minima), so a live value costs a
binary search, whatever the length of history.
"""

from __future__ import annotations

import datetime as dt
from array import array
from bisect import bisect_left, bisect_right
from math import inf

import msgspec
import polars as pl

TRAILING = 252
"""Settled values behind z."""
SINCE_LEAST = 250
"""Settled values, about a year, below which no "since" and no record is claimed."""
EFFECTIVE_LEAST = 10
"""Independent windows below which z says nothing."""
_SAME = 1e-9


def tie(value: float) -> float:
    """How far apart two values in percent (or pp) may be and still be equal: the noise of a division.

    Relative, 1e-9, to the price ratio behind a return, which is near 1 (100 %) where the return is near 0.
    """
    return _SAME * max(100.0, abs(value))


def is_few(window: int) -> bool:
    """Whether the values behind z hold fewer than EFFECTIVE_LEAST windows that do not overlap."""
    return TRAILING / window < EFFECTIVE_LEAST


class Since(msgspec.Struct, frozen=True):
    """The most recent earlier session at least as extreme; a record has no ``date`` but a ``first_date``."""

    date: dt.date | None
    value: float | None
    first_date: dt.date | None


class Records:
    """An index over one settled series, oldest first."""

    def __init__(self, dates: pl.Series, values: pl.Series, window: int = 1) -> None:
        """Take aligned dates and values; rows without a value are unknown and left out.

        ``window``: sessions that each value spans. Neighbouring values share all but one of them.
        """
        self.window = window
        # Plain loops over the numbers: they cost less than a Polars query for each of many short series.
        numbers: list[float | None] = values.to_list()
        known = [value for value in numbers if value is not None]
        self.n = len(known)
        first = next((place for place, value in enumerate(numbers) if value is not None), None)
        self.first_date: dt.date | None = None if first is None else dates[first]
        self._ranked = array("d", values.sort().tail(self.n).to_list())
        tail = pl.Series(known[-TRAILING:], dtype=pl.Float64)
        self._mean = tail.mean() if self.n >= TRAILING else None
        # Equal values have no spread, whatever rounding says.
        low, high = tail.min(), tail.max()
        self._sd = tail.std() if self.n >= TRAILING and high - low > tie(high) else None  # type: ignore[operator, arg-type]
        highs, lows = _extremes(numbers)
        self._highs = _Stack(dates, highs)
        self._lows = _Stack(dates, {place: -value for place, value in lows.items()})

    def since(self, value: float | None, *, low: bool | None = None) -> Since | None:
        """When the series was last at least as large (as small for ``low``; default: for a fall).

        None while the value is unknown or fewer than SINCE_LEAST values are there to compare with.
        """
        if value is None or self.n < SINCE_LEAST:
            return None
        return self._since(self._falls(value) if (value < 0 if low is None else low) else self._rises(value))

    def since_either_way(self, value: float | None) -> Since | None:
        """When the series was last at least as far from 0, on whichever side. None as for ``since``."""
        if value is None or self.n < SINCE_LEAST:
            return None
        sides = (self._rises(abs(value)), self._falls(-abs(value)))
        return self._since(max((match for match in sides if match), default=None))

    def _rises(self, value: float) -> tuple[dt.date, float] | None:
        return self._highs.at_least(value - tie(value))

    def _falls(self, value: float) -> tuple[dt.date, float] | None:
        match = self._lows.at_least(-value - tie(value))
        return match and (match[0], -match[1])

    def _since(self, match: tuple[dt.date, float] | None) -> Since:
        return Since(*match, None) if match else Since(None, None, self.first_date)

    @property
    def n_effective(self) -> float:
        """Windows among the values that do not overlap: n / window."""
        return self.n / self.window

    def percentile(self, value: float | None) -> float | None:
        """Midrank among all settled values, in percent; None while unknown or alone."""
        if value is None or not self.n:
            return None
        below = bisect_left(self._ranked, value - tie(value))
        upto = bisect_right(self._ranked, value + tie(value))
        return 50 * (below + upto) / self.n

    def z(self, value: float | None) -> float | None:
        """(value - mean) / sample sd of the trailing 252 settled values.

        None with fewer, where they hold too few independent windows (``is_few``), or where all are equal.
        """
        if value is None or self._mean is None or not self._sd or is_few(self.window):
            return None
        return float((value - self._mean) / self._sd)  # type: ignore[operator]


def _extremes(numbers: list[float | None]) -> tuple[dict[int, float], dict[int, float]]:
    """The suffix maxima and minima of a series, oldest first: by place the values that beat all newer ones.

    Both newest first, so that the maxima rise and the minima fall.
    """
    highs: dict[int, float] = {}
    lows: dict[int, float] = {}
    highest, lowest = -inf, inf
    place = len(numbers)
    for value in reversed(numbers):
        place -= 1
        if value is None or lowest <= value <= highest:
            continue
        if value > highest:
            highest = highs[place] = value
        if value < lowest:
            lowest = lows[place] = value
    return highs, lows


class _Stack:
    """Rising values, each with its most recent date."""

    def __init__(self, dates: pl.Series, by_place: dict[int, float]) -> None:
        """``by_place``: in ``dates``."""
        self._values = array("d", by_place.values())
        self._dates: list[dt.date] = dates[list(by_place)].to_list()

    def at_least(self, value: float) -> tuple[dt.date, float] | None:
        """The most recent (date, value) that is >= value; None if none is."""
        i = bisect_left(self._values, value)
        return (self._dates[i], self._values[i]) if i < len(self._dates) else None
