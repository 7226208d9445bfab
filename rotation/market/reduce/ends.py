"""One print of every key, its newest say, as columns: that of a key stands at the key's place.

Operations of whole columns that are no queries: each takes a few microseconds, a query of Polars 50 to 300.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

import polars as pl

from rotation.market.prints import NO_IDENTITY

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def parted(rows: pl.DataFrame, mask: pl.Series) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows where it is true, and those where it is not; without a query."""
    return chosen(rows, mask), chosen(rows, ~mask)


def chosen(rows: pl.DataFrame, mask: pl.Series) -> pl.DataFrame:
    """The rows where it is true; without a query."""
    return pl.DataFrame([column.filter(mask) for column in rows.get_columns()])


def stacked(frames: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """The rows of at least one frame, one frame below the other; without a query."""
    rows = reduce(pl.DataFrame.vstack, frames)
    return pl.DataFrame([column.rechunk() for column in rows.get_columns()])


class Ends:
    """The identity (``ts_ns``, ``seq``) of a print of each key, and perhaps more of it."""

    def __init__(self, *more: str) -> None:
        """``more``: other columns of numbers that are kept of it."""
        self._columns = {
            "ts_ns": pl.Series("ts_ns", dtype=pl.Int64),
            "seq": pl.Series("seq", dtype=pl.Int64),
            **{name: pl.Series(name, dtype=pl.Float64) for name in more},
        }

    def __len__(self) -> int:
        """How many keys have a place."""
        return len(self.ts_ns)

    @property
    def ts_ns(self) -> pl.Series:
        """By key; that of NO_IDENTITY where it has none."""
        return self._columns["ts_ns"]

    @property
    def seq(self) -> pl.Series:
        """By key."""
        return self._columns["seq"]

    def of(self, keys: pl.Series) -> list[pl.Series]:
        """The columns at these keys."""
        return [column[keys] for column in self._columns.values()]

    def grow(self, keys: int) -> None:
        """Have places for so many more keys."""
        for name, column in self._columns.items():
            none = NO_IDENTITY[0] if name == "ts_ns" else 0
            self._columns[name] = pl.concat(
                [column, pl.Series(name, [none], dtype=column.dtype).new_from_index(0, keys)]
            )

    def set(self, keys: Sequence[int], values: Sequence[Sequence[float]]) -> None:
        """Set the columns of each of these keys, in their order."""
        if not keys:
            return
        columns = zip(*values, strict=True)
        for column, held in zip(self._columns.values(), columns, strict=True):
            column.scatter(keys, list(held))

    def clear(self, keys: Sequence[int]) -> None:
        """Have nothing of these keys."""
        nothing = (*NO_IDENTITY, *[0.0] * (len(self._columns) - 2))
        self.set(keys, [nothing] * len(keys))

    def put(self, rows: pl.DataFrame) -> None:
        """Take the last row of each key; of a key, identities must ascend, and be above what is held."""
        keys = rows["key"]
        for name, column in self._columns.items():
            column.scatter(keys, rows[name])  # of equal places the last one stays

    def lift(self, rows: pl.DataFrame) -> None:
        """Take the highest row of each key, in any order, where it is above what is held."""
        above = chosen(rows, self.are_above(rows))
        highest: dict[int, tuple[float, ...]] = {}
        for key, *row in zip(*(above[name].to_list() for name in ("key", *self._columns)), strict=True):
            if key not in highest or tuple(row) > highest[key]:
                highest[key] = tuple(row)
        if highest:
            self.set([*highest], [*highest.values()])

    def are_above(self, rows: pl.DataFrame) -> pl.Series:
        """Of every row, whether its identity is above what is held of its key."""
        keys, ts_ns = rows["key"], rows["ts_ns"]
        known_ns = self.ts_ns[keys]
        above = ts_ns > known_ns
        if not above.all():
            above |= (ts_ns == known_ns) & (rows["seq"] > self.seq[keys])
        return above
