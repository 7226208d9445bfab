"""Rows as sums of minutes, and those of rows that were let go: columns still, until a key's prints are read.

A sum is of one key, one minute, and one kind of price: it is a row with ``place`` (all of these in one
number), ``volume``, ``high``, ``low``, and the last of its prints.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from rotation.market.reduce.ends import chosen, stacked
from rotation.quote import MINUTE_NS, Quote, Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FULL = 8_192
"""A frame of so many sums is not joined with others any more."""
_MINUTES = 2_048
"""A session has fewer minutes, on both sides of the opening bell."""
_ROLES = tuple(Role)
_LAST = ("ts_ns", "seq", "price", "size", "role")
_OF_ROWS = (
    pl.col("size").sum().alias("volume"),
    pl.col("price").max().alias("high"),
    pl.col("price").min().alias("low"),
    *(pl.col(name).last() for name in _LAST),
)
_OF_SUMS = (
    pl.col("volume").sum(),
    pl.col("high").max(),
    pl.col("low").min(),
    *(pl.col(name).last() for name in _LAST),
)


class Sum(NamedTuple):
    """Prints of one minute."""

    key: int
    minute: int
    """In which they were made."""
    volume: int
    high: float | None
    """None where none of them sets a price."""
    low: float | None
    last: tuple[int, int, float, int, int]
    """Time, number, price, size and role of the last of them."""

    def quote(self, symbol: str) -> Quote:
        """The last of them."""
        ts_ns, seq, price, size, role = self.last
        return Quote(symbol, ts_ns, price, seq, size, role=_ROLES[role])


def minute_sums(rows: pl.DataFrame, opens_ns: int) -> pl.DataFrame:
    """Rows, which of a key stand in the order of their identities, summed; ``opens_ns``: where minute 0 is.

    Prints of the very instant at which a minute begins have a sum of their own: as last prices they belong
    to the minute that ends there (see ``Prints.minutes``), by range and size to the one that begins.
    """
    since_ns = rows["ts_ns"] - opens_ns
    minute = since_ns // MINUTE_NS
    is_inside = minute * MINUTE_NS != since_ns
    place = (rows["key"].cast(pl.Int64) * _MINUTES + minute + _MINUTES // 2) * 4
    place += is_inside.cast(pl.Int64) * 2 + (rows["role"] != Role.SIZE.value).cast(pl.Int64)
    columns = [place.alias("place"), *(rows[name] for name in _LAST)]
    return pl.DataFrame(columns).group_by("place").agg(_OF_ROWS)


def read(sums: pl.DataFrame) -> Iterable[Sum]:
    """The sums one by one."""
    for place, volume, high, low, *last in sums.select("place", "volume", "high", "low", *_LAST).iter_rows():
        minute, key = (place >> 2) % _MINUTES - _MINUTES // 2, (place >> 2) // _MINUTES
        sets_price = place & 1
        yield Sum(key, minute, volume, high if sets_price else None, low if sets_price else None, tuple(last))


class OldSums:
    """The sums of rows that are held no longer, of keys whose prints have not been read since."""

    def __init__(self, *, in_order: bool) -> None:
        """Have none. ``in_order``: later sums of a key are always of later prints."""
        self._in_order = in_order
        self._frames: list[tuple[int, pl.DataFrame]] = []
        """With the number of the newest sums in them, ascending."""
        self._newest = 0
        self._taken = pl.Series(dtype=pl.UInt32)
        """By key, the number through which its sums were taken."""

    def grow(self, keys: int) -> None:
        """Have places for so many more keys."""
        self._taken = pl.concat([self._taken, pl.Series([0], dtype=pl.UInt32).new_from_index(0, keys)])

    def add(self, sums: pl.DataFrame) -> None:
        """Keep these; frames of like height are joined, so there are few."""
        self._newest += 1
        frames = self._frames
        frames.append((self._newest, sums))
        while len(frames) > 1 and frames[-2][1].height < min(2 * frames[-1][1].height, FULL):
            number, _ = frames[-1]
            joined = stacked(self._untaken(*each) for each in frames[-2:])
            joined = joined if self._in_order else joined.sort("ts_ns", "seq")
            frames[-2:] = [(number, joined.group_by("place").agg(_OF_SUMS))]

    def take(self, keys: Sequence[int] | None) -> pl.DataFrame | None:
        """The sums of these keys, which are kept here no longer; None where there are none.

        ``keys``: None for all.
        """
        frames = self._frames
        if not frames:
            return None
        if keys is None:
            self._frames = []
            return stacked(self._untaken(*each) for each in frames)
        is_wanted = pl.Series([False]).new_from_index(0, len(self._taken))
        is_wanted.scatter(keys, [True] * len(keys))
        taken = [
            chosen(sums, is_wanted[_keys(sums)] & (self._taken[_keys(sums)] < number))
            for number, sums in frames
        ]
        self.drop(keys)
        return stacked(taken)

    @property
    def height(self) -> int:
        """How many rows are kept."""
        return sum(sums.height for _, sums in self._frames)

    def take_oldest(self, rows: int) -> pl.DataFrame:
        """The sums in up to so many of the oldest rows, which are kept here no longer; there must be some."""
        number, sums = self._frames[0]
        if sums.height <= rows:
            del self._frames[0]
        else:
            self._frames[0] = number, sums.slice(rows)
        return self._untaken(number, sums.slice(0, rows))

    def drop(self, keys: Sequence[int]) -> None:
        """Keep none of these keys."""
        self._taken.scatter(keys, [self._newest] * len(keys))

    def _untaken(self, number: int, sums: pl.DataFrame) -> pl.DataFrame:
        """Those that have not been taken."""
        is_here = self._taken[_keys(sums)] < number
        return sums if is_here.all() else chosen(sums, is_here)


def _keys(sums: pl.DataFrame) -> pl.Series:
    return (sums["place"] // (4 * _MINUTES)).cast(pl.UInt32)
