"""Records: how unusual a value is against the settled series before it.

"Since" answers come from two monotonic stacks (suffix maxima and minima), so a live value costs a
binary search, whatever the length of history.
"""

from __future__ import annotations

import datetime as dt
from array import array
from bisect import bisect_left, bisect_right
from math import inf
from typing import TYPE_CHECKING

import msgspec
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable

TRAILING = 252
"""Settled values behind z."""
SINCE_LEAST = 250
"""Settled values, about a year, below which no "since" and no record is claimed."""
EFFECTIVE_LEAST = 10
"""Independent windows below which z says nothing."""
AT_ONCE = 11
"""Series that are indexed in one query: more hold more temporaries at a time and are no faster."""
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
        self._fill(_passes(pl.DataFrame({"date": dates, "value": values}), ["value"])[0], window)

    @classmethod
    def of_columns(cls, frame: pl.DataFrame, columns: dict[str, int]) -> list[Records]:
        """Index several series of one ``date`` column; ``columns`` gives each one's window.

        AT_ONCE of them in a query: fifty-five series in a query each take three times as long.
        """
        indices = [cls.__new__(cls) for _ in columns]
        names = list(columns)
        groups = (names[at : at + AT_ONCE] for at in range(0, len(names), AT_ONCE))
        made = [passes for group in groups for passes in _passes(frame, group)]
        for index, passes, window in zip(indices, made, columns.values(), strict=True):
            index._fill(passes, window)  # noqa: SLF001 - a second constructor
        return indices

    def _fill(self, passes: _Passes, window: int) -> None:
        self.window = window
        self._ranked = _made(passes.ranked)
        self.n = len(self._ranked)
        self.first_date = passes.first_date
        self._mean = passes.mean if self.n >= TRAILING else None
        # Equal values have no spread, whatever rounding says.
        varies = self.n >= TRAILING and passes.tail_high - passes.tail_low > tie(passes.tail_high)
        self._sd = passes.sd if varies else None
        self._highs = _Stack(_made(passes.highs), passes.high_dates)
        self._lows = _Stack(_made(-low for low in passes.lows), passes.low_dates)

    def _take(self, kept: Kept) -> None:
        self.window, self.first_date = kept.window, kept.first_date
        self._ranked = _viewed(kept.ranked)
        self.n = len(self._ranked)
        self._mean, self._sd = kept.mean, kept.sd
        self._highs = _Stack.of_kept(kept.highs, kept.high_dates)
        self._lows = _Stack.of_kept(kept.lows, kept.low_dates)

    @property
    def kept(self) -> Kept:
        """All of the index, as data."""
        (highs, high_dates), (lows, low_dates) = self._highs.kept, self._lows.kept
        return Kept(
            self.window,
            memoryview(self._ranked.tobytes()),
            self.first_date,
            self._mean,
            self._sd,
            highs,
            high_dates,
            lows,
            low_dates,
        )

    @classmethod
    def of_kept(cls, kept: Kept) -> Records:
        """The index that ``kept`` is of. Raises ValueError where its parts do not fit."""
        index = cls.__new__(cls)
        index._take(kept)  # noqa: SLF001 - a second constructor
        return index

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
        return float((value - self._mean) / self._sd)


class Kept(msgspec.Struct, frozen=True, array_like=True):
    """An index as data: floats are the bytes of this machine's doubles, dates the ordinals of 32 bits.

    They are views: a decoded index is not copied out of the bytes that it came in.
    """

    window: int
    ranked: memoryview
    first_date: dt.date | None
    mean: float | None
    sd: float | None
    highs: memoryview
    high_dates: memoryview
    lows: memoryview
    low_dates: memoryview


def _made(values: Iterable[float]) -> memoryview[float]:
    return memoryview(array("d", values))


def _viewed(raw: memoryview) -> memoryview[float]:
    """Raises TypeError where they are no whole doubles."""
    return raw.cast("d") if raw.nbytes else _made(())


class _Passes(msgspec.Struct, frozen=True):
    """What an index is made of: all that reads a whole series. Scalars are None without values."""

    ranked: list[float]
    first_date: dt.date | None
    mean: float | None
    sd: float | None
    tail_low: float
    tail_high: float
    highs: list[float]
    high_dates: list[dt.date]
    lows: list[float]
    low_dates: list[dt.date]


def _passes(frame: pl.DataFrame, columns: list[str]) -> list[_Passes]:
    """Read every column once, in one query.

    A high is kept where no later value is at least as high: with the newest first, where it beats all before.
    """
    asked: list[pl.Expr] = []
    for column in columns:
        known = pl.col(column).is_not_null()
        values, dates = pl.col(column).filter(known), pl.col("date").filter(known)
        newest, newest_dates = values.reverse(), dates.reverse()
        # Nothing is above or below the newest value but infinity.
        high = newest > newest.cum_max().shift(1, fill_value=-inf)
        low = newest < newest.cum_min().shift(1, fill_value=inf)
        tail = values.tail(TRAILING)
        parts = (
            values.sort().implode(),
            dates.first(),
            tail.mean(),
            tail.std(),
            tail.min(),
            tail.max(),
            newest.filter(high).implode(),
            newest_dates.filter(high).implode(),
            newest.filter(low).implode(),
            newest_dates.filter(low).implode(),
        )
        asked += [expr.alias(f"{len(asked) + i}") for i, expr in enumerate(parts)]
    row = frame.select(asked).row(0)
    width = len(_Passes.__struct_fields__)
    return [_Passes(*row[i : i + width]) for i in range(0, len(row), width)]


class _Stack:
    """Suffix maxima of a series, newest first: rising values, each with its most recent date."""

    def __init__(self, values: memoryview[float], dates: list[dt.date]) -> None:
        self._values = values
        self._dates = dates

    @property
    def kept(self) -> tuple[memoryview, memoryview]:
        """Values and dates, as ``Kept`` has them."""
        ordinals = array("i", (day.toordinal() for day in self._dates))
        return memoryview(self._values.tobytes()), memoryview(ordinals.tobytes())

    @classmethod
    def of_kept(cls, values: memoryview, dates: memoryview) -> _Stack:
        """Raises ValueError where there is not a date for every value."""
        ordinals = array("i")
        ordinals.frombytes(dates)
        stack = cls(_viewed(values), [dt.date.fromordinal(ordinal) for ordinal in ordinals])
        if len(stack._values) != len(stack._dates):
            raise ValueError("a date is missing")
        return stack

    def at_least(self, value: float) -> tuple[dt.date, float] | None:
        """The most recent (date, value) that is >= value; None if none is."""
        i = bisect_left(self._values, value)
        return (self._dates[i], self._values[i]) if i < len(self._dates) else None
