"""Prints that were counted in as columns: rows wait to be summed, or for a print that repeats one.

Of every key the rows are returned in the order of their identities. What is held is bounded as ``Prints``
is: when the rows have doubled, those are let go that are too old to be repeated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from rotation.market import prints as limits
from rotation.quote import Role

if TYPE_CHECKING:
    from collections.abc import Collection
    from collections.abc import Set as AbstractSet

SETS_LAST = pl.col("role") != Role.SIZE.value
"""As ``Quote.sets_last``."""
LEAST = 65_536
"""Rows that are held before any are let go."""


class Backlog:
    """Rows with ``key``, ``ts_ns``, ``price``, ``seq``, ``size``, ``role``."""

    def __init__(self) -> None:
        """Hold nothing."""
        self._chunks: list[pl.DataFrame] = []
        self._newest_ns: list[int] = []
        """The latest time in each chunk: a row that is later repeats none of it."""
        self._serial = 0
        """Of the newest rows; the column ``serial`` says with which of them a row came."""
        self._summed_through = 0
        self._summed: dict[int, int] = {}
        """By key, the serial through which its rows are summed, where it is above ``_summed_through``."""
        self._read: dict[int, int] = {}
        """By key, the serial through which its rows have become prints; 0 where none have."""
        self._height = 0
        self._full_at = LEAST
        self.unsummed: set[int] = set()
        """Keys with rows that are in no sum yet."""
        self.unread: set[int] = set()
        """Keys with rows that are no prints yet."""

    @property
    def is_full(self) -> bool:
        """Whether it is time to ``compact``."""
        return self._height >= self._full_at

    def add(self, rows: pl.DataFrame, keys: Collection[int], summed: AbstractSet[int]) -> None:
        """Hold rows of these ``keys``, sorted by key and identity, whose identities are new to their key.

        ``summed``: keys of which all rows are in a sum, these ones included.
        """
        self._serial += 1
        self._height += rows.height
        chunks = self._chunks
        serial = pl.Series("serial", [self._serial], dtype=pl.UInt32).new_from_index(0, rows.height)
        chunks.append(rows.hstack([serial]))
        self._newest_ns.append(_latest_ns(rows))
        # Every chunk is at least twice as high as the next, so there are few, and a row is seldom copied.
        while len(chunks) > 1 and chunks[-2].height < 2 * chunks[-1].height:
            last, last_ns = chunks.pop(), self._newest_ns.pop()
            self._newest_ns[-1] = max(self._newest_ns[-1], last_ns)
            chunks[-1] = pl.concat((chunks[-1], last), rechunk=True)
        self._summed.update(dict.fromkeys(summed, self._serial))
        self.unsummed.update(keys)
        self.unsummed.difference_update(summed)
        self.unread.update(keys)

    def take_unsummed(self, keys: Collection[int] | None) -> pl.DataFrame:
        """The rows of these keys that are in no sum yet, which they now are; None: of all keys."""
        if keys is None:
            rows = _sorted(self._after(self._all(), self._summed, self._summed_through))
            self._summed_through = self._serial
            self._summed.clear()
            self.unsummed.clear()
            return rows
        rows = _sorted(self._after(self._of(keys), self._summed, self._summed_through))
        self._summed.update(dict.fromkeys(keys, self._serial))
        self.unsummed.difference_update(keys)
        return rows

    def take_unread(self, keys: Collection[int]) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The rows of these keys that are no prints yet, which they now are: in no sum, and in one."""
        rows = _sorted(self._after(self._of(keys), self._read, 0))
        unsummed = self._after(rows, self._summed, self._summed_through)
        summed = rows.join(unsummed, on=("key", "serial"), how="anti", maintain_order="left")
        self.forget(keys)
        return unsummed, summed

    def forget(self, keys: Collection[int]) -> None:
        """Have no rows of these keys."""
        self._summed.update(dict.fromkeys(keys, self._serial))
        self._read.update(dict.fromkeys(keys, self._serial))
        self.unsummed.difference_update(keys)
        self.unread.difference_update(keys)

    def repeated(self, rows: pl.DataFrame) -> set[int]:
        """Keys of these rows of which one has the identity of a row that is, or was, held."""
        if rows.is_empty():
            return set()
        least_ns = rows["ts_ns"].min()
        names = ("key", "ts_ns", "seq")
        keys: set[int] = set()
        for chunk, newest_ns in zip(self._chunks, self._newest_ns, strict=True):
            if newest_ns < least_ns:  # type: ignore[operator] # there is a row
                continue
            recent = chunk.filter(chunk["ts_ns"] >= least_ns)
            keys.update(recent.join(rows, on=names, how="semi")["key"].to_list())
        return keys

    def heights(self, keys: int) -> pl.Series:
        """How many rows of each of the first ``keys`` keys are held."""
        heights = pl.Series([0], dtype=pl.Int64).new_from_index(0, keys)
        counted = self._all()["key"].value_counts()
        return heights.scatter(counted["key"], counted["count"].cast(pl.Int64))

    def compact(self) -> pl.DataFrame:
        """Let go the rows that can be repeated no longer, and return them. All must be summed before."""
        rows = _sorted(self._after(self._all(), self._read, 0))
        newest_ns = pl.col("ts_ns").filter(SETS_LAST).max().over("key")
        is_recent = (pl.col("ts_ns") >= newest_ns - limits.KEPT_NS).fill_null(value=True)
        behind = pl.int_range(pl.len(), 0, -1).over("key")
        rows = rows.with_columns(is_kept=is_recent & (behind <= limits.KEPT_MAX))
        kept = rows.filter("is_kept").drop("is_kept")
        self._chunks, self._newest_ns = [kept], [_latest_ns(kept)]
        self._read.clear()
        self._height = kept.height
        self._full_at = max(LEAST, 2 * kept.height)
        self.unread = set(kept["key"].unique().to_list())
        return rows.filter(~pl.col("is_kept")).drop("is_kept")

    def _all(self) -> pl.DataFrame:
        return pl.concat(self._chunks)

    def _of(self, keys: Collection[int]) -> pl.DataFrame:
        wanted = pl.Series(list(keys), dtype=pl.UInt32)
        return pl.concat([chunk.filter(chunk["key"].is_in(wanted.implode())) for chunk in self._chunks])

    @staticmethod
    def _after(rows: pl.DataFrame, through: dict[int, int], otherwise: int) -> pl.DataFrame:
        """Those rows whose serial is above their key's."""
        limits_of = pl.DataFrame(
            {"key": list(through), "through": list(through.values())},
            schema={"key": pl.UInt32, "through": pl.UInt32},
        )
        return (
            rows.join(limits_of, on="key", how="left", maintain_order="left")
            .filter(pl.col("serial") > pl.col("through").fill_null(otherwise))
            .drop("through")
        )


def _latest_ns(rows: pl.DataFrame) -> int:
    newest: int | None = rows["ts_ns"].max()  # type: ignore[assignment]
    return 0 if newest is None else newest


def _sorted(rows: pl.DataFrame) -> pl.DataFrame:
    """By key and identity: rows that came late stand behind later ones."""
    return rows.sort("key", "ts_ns", "seq")
