"""Prints that were counted in as columns: rows wait to be summed, or for a print that repeats one.

What is held is bounded as ``Prints`` is. Rows that can be repeated no longer are let go as they age, a few
with each frame that comes: no frame waits for a pass over all that is held.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from rotation.market import prints as limits
from rotation.market.reduce.ends import Ends, chosen, parted, stacked
from rotation.market.reduce.sums import OldSums, minute_sums

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from collections.abc import Set as AbstractSet

OLD = 32_768
"""Sums of what was let go that are kept as columns; of more, a few become prints with each frame."""
OLD_AT_ONCE = 128
CHUNK = 8_192
"""Rows that lie together from then on: so many are looked at with one frame."""


class Chunk(NamedTuple):
    """Rows that lie together."""

    rows: pl.DataFrame
    first_ns: int
    """Of their times."""
    last_ns: int

    @classmethod
    def of(cls, rows: pl.DataFrame) -> Chunk:
        """Of at least one row."""
        return cls(rows, *ends_of(rows))

    def joined(self, later: Chunk) -> Chunk:
        """With the rows of another behind these."""
        return Chunk(
            stacked((self.rows, later.rows)),
            min(self.first_ns, later.first_ns),
            max(self.last_ns, later.last_ns),
        )


def _put(chunks: list[Chunk], rows: pl.DataFrame) -> None:
    """Put rows behind these.

    A small chunk is joined with the next one of half its height: there are few, and a row is seldom copied.
    """
    if rows.is_empty():
        return
    chunks.append(Chunk.of(rows))
    while len(chunks) > 1 and chunks[-2].rows.height < min(2 * chunks[-1].rows.height, CHUNK):
        chunks[-2:] = [chunks[-2].joined(chunks[-1])]


class Backlog:
    """Rows with ``key``, ``ts_ns``, ``price``, ``seq``, ``size``, ``role``."""

    def __init__(self, opens_ns: int) -> None:
        """Hold nothing. ``opens_ns``: where minute 0 is."""
        self._opens_ns = opens_ns
        self._ordered: list[Chunk] = []
        """Of a key, each row is above all before it, in one chunk after the other."""
        self._aside: list[Chunk] = []
        """Rows that came late, and old ones of keys that have gone quiet, in no order."""
        self._due: list[Chunk] = []
        """Those aside that are yet to be looked at in this pass."""
        self._aside_full = CHUNK
        self._serial = 0
        """Of the newest rows; the column ``serial`` says with which of them a row came."""
        self._summed = pl.Series(dtype=pl.UInt32)
        """By key, the serial through which its rows are summed."""
        self._read = pl.Series(dtype=pl.UInt32)
        """By key, the serial through which its rows have become prints; 0 where none have."""
        self._held = pl.Series(dtype=pl.Int64)
        """By key, how many rows in order are held that are no prints."""
        self._held_aside: Counter[int] = Counter()
        """By key, how many rows aside are held that are no prints."""
        self._sums = OldSums(in_order=True), OldSums(in_order=False)
        """Of rows that were in order, and of those that were aside."""
        self.folded = Ends()
        """By key, its highest row that was let go."""
        self.unsummed: set[int] = set()
        """Keys with rows, or sums of what was let go, that are in no ``Prints`` yet."""
        self.unread: set[int] = set()
        """Keys with rows that are no prints yet."""
        self.crowded: set[int] = set()
        """Keys with more rows aside than may be remembered: they are to be read."""

    @property
    def height(self) -> int:
        """How many rows are held."""
        return sum(chunk.rows.height for chunk in self._chunks())

    def grow(self, keys: int) -> None:
        """Have places for so many more keys."""
        none = pl.Series([0], dtype=pl.UInt32).new_from_index(0, keys)
        self._summed, self._read = pl.concat([self._summed, none]), pl.concat([self._read, none])
        self._held = pl.concat([self._held, none.cast(pl.Int64)])
        for sums in self._sums:
            sums.grow(keys)
        self.folded.grow(keys)

    def add(
        self,
        ordered: pl.DataFrame,
        late: pl.DataFrame,
        keys: Collection[int],
        of_key: pl.DataFrame,
        *,
        summed: AbstractSet[int],
    ) -> None:
        """Hold rows of these ``keys`` whose identities are new to their key.

        ``ordered``: above all that are held, ``of_key`` the ``count`` of them by ``key``; ``late``: not so.
        ``summed``: keys of which all rows are in a sum, these ones included.
        """
        self._serial += 1
        for chunks, rows in ((self._ordered, ordered), (self._aside, late)):
            serial = pl.Series("serial", [self._serial], dtype=pl.UInt32).new_from_index(0, rows.height)
            _put(chunks, rows.hstack([serial]))
        self._held.scatter(of_key["key"], self._held[of_key["key"]] + of_key["count"])
        self._note_aside(late)
        if summed:
            self._summed.scatter([*summed], [self._serial] * len(summed))
        self.unsummed.update(keys)
        self.unsummed.difference_update(summed)
        self.unread.update(keys)

    def _note_aside(self, rows: pl.DataFrame) -> None:
        for key, count in rows["key"].value_counts().iter_rows():
            self._held_aside[key] += count
            if self._held_aside[key] > limits.KEPT_MAX:
                self.crowded.add(key)

    # What is asked of it -------------------------------------------------------------------------------

    def take_unsummed(self, keys: Collection[int] | None) -> tuple[pl.DataFrame | None, pl.DataFrame | None]:
        """The sums of what was let go of these keys, and of their rows that are in no sum yet; now they are.

        ``keys``: None for all. None for what there is none of.
        """
        wanted = None if keys is None else sorted(keys)
        rows = self._after(self._summed, wanted)
        if wanted is None:
            self._summed = pl.Series([self._serial], dtype=pl.UInt32).new_from_index(0, len(self._summed))
            self.unsummed.clear()
        else:
            self._summed.scatter(wanted, [self._serial] * len(wanted))
            self.unsummed.difference_update(wanted)
        old = [taken for sums in self._sums if (taken := sums.take(wanted)) is not None]
        return stacked(old) if old else None, None if rows is None else minute_sums(rows, self._opens_ns)

    def take_old(self) -> pl.DataFrame | None:
        """A few sums of what was let go, where there are many; None where there are not.

        Else they would grow with every minute of a session in which nobody reads them.
        """
        height = sum(sums.height for sums in self._sums)
        if height <= OLD:
            return None
        most = max(self._sums, key=lambda sums: sums.height)
        return most.take_oldest(max(OLD_AT_ONCE, height - 2 * OLD))

    def take_unread(self, keys: Collection[int]) -> pl.DataFrame | None:
        """The rows of these keys that are no prints yet, which they now are; all of them must be in a sum.

        They are in the order of their identities; None where there are none.
        """
        rows = self._after(self._read, sorted(keys))
        self._forget(keys)
        return rows

    def _after(self, through: pl.Series, keys: Sequence[int] | None) -> pl.DataFrame | None:
        """The rows of these keys whose serial is above the key's, in the order of their identities."""
        is_wanted = None if keys is None else self._mask(keys)
        parts: tuple[list[pl.DataFrame], list[pl.DataFrame]] = ([], [])
        for chunks, part in zip((self._ordered, (*self._aside, *self._due)), parts, strict=True):
            for chunk in chunks:
                names = chunk.rows["key"]
                mask = chunk.rows["serial"] > through[names]
                mask = mask if is_wanted is None else mask & is_wanted[names]
                if mask.any():
                    part.append(chosen(chunk.rows, mask))
        if not any(parts):
            return None
        rows = stacked([*parts[0], *parts[1]])
        return rows.sort("ts_ns", "seq") if parts[1] else rows

    def _mask(self, keys: Collection[int]) -> pl.Series:
        """By key, whether it is one of these."""
        mask = pl.Series([False]).new_from_index(0, len(self._held))
        return mask.scatter([*keys], [True] * len(keys))

    def _chunks(self) -> Iterator[Chunk]:
        yield from self._ordered
        yield from self._aside
        yield from self._due

    def forget(self, keys: Collection[int]) -> None:
        """Have nothing of these keys, as if nothing had ever been."""
        self._forget(keys)
        self._summed.scatter([*keys], [self._serial] * len(keys))
        for sums in self._sums:
            sums.drop([*keys])
        self.folded.clear([*keys])
        self.unsummed.difference_update(keys)

    def _forget(self, keys: Collection[int]) -> None:
        self._read.scatter([*keys], [self._serial] * len(keys))
        self._held.scatter([*keys], [0] * len(keys))
        for key in keys:
            self._held_aside.pop(key, None)
        self.unread.difference_update(keys)
        self.crowded.difference_update(keys)

    def repeated(self, rows: pl.DataFrame, beside: pl.DataFrame) -> set[int]:
        """Keys of these rows of which one has the identity of one that is or was held, or is ``beside``."""
        ts_ns, names = rows["ts_ns"], ("key", "ts_ns", "seq")
        first_ns, last_ns = ends_of(rows)
        near: list[pl.DataFrame] = []
        for chunk in (*self._chunks(), *([Chunk.of(beside)] if beside.height else [])):
            if first_ns <= chunk.last_ns and chunk.first_ns <= last_ns:
                times = chunk.rows["ts_ns"]
                is_near = (times >= first_ns) & (times <= last_ns)
                near.append(pl.DataFrame([chunk.rows[name].filter(is_near) for name in names]))
        if not near:
            return set()
        candidates = stacked(near)
        candidates = chosen(candidates, candidates["ts_ns"].is_in(pl.Series([ts_ns])))
        if candidates.is_empty():
            return set()
        return set(candidates.join(rows, on=names, how="semi")["key"].to_list())

    def count(self, keys: pl.Series) -> list[int]:
        """At these keys, how many rows are held that are no prints."""
        held = zip(keys.to_list(), self._held[keys].to_list(), strict=True)
        return [count + self._held_aside[key] for key, count in held]

    def count_since(self, keys: Collection[int], since_ns: int) -> Counter[int]:
        """By key, how many rows are held that are no older than ``since_ns``, at most."""
        counted: Counter[int] = Counter()
        is_wanted = self._mask(keys)
        for chunk in self._chunks():
            if chunk.last_ns >= since_ns:
                names = chunk.rows["key"].filter(chunk.rows["ts_ns"] >= since_ns)
                counted.update(dict(names.filter(is_wanted[names]).value_counts().iter_rows()))
        return counted

    # What is let go ------------------------------------------------------------------------------------

    def let_go(self, priced: Ends, added: int) -> LetGo:
        """Let rows go that can be repeated no longer.

        ``priced``: of each key the newest that sets a price, or an earlier one. ``added``: rows that have
        come since this was called before. The rows that are looked at are bounded by that and by CHUNK.
        """
        summed: list[pl.DataFrame] = []
        keys: set[int] = set()
        budget = max(CHUNK, 2 * added)
        while budget > 0:
            if self._ordered and (self._is_old(self._ordered[0]) or self._is_overfull()):
                rows, is_ordered = self._ordered.pop(0).rows, True
            elif chunk := self._next_aside():
                rows, is_ordered = chunk.rows, False
            else:
                break
            budget -= rows.height
            gone = self._part(rows, priced, is_ordered=is_ordered)
            if gone.height:
                keys.update(self._see_gone(gone, is_ordered=is_ordered))
                is_summed = gone["serial"] <= self._summed[gone["key"]]
                if is_summed.any():
                    summed.append(chosen(gone, is_summed))
        return LetGo(stacked(summed) if summed else None, keys)

    def _is_old(self, chunk: Chunk) -> bool:
        """Whether all of it is older than what is remembered of a key that prints.

        By the beginnings of the other chunks: a single time far ahead of the others is no reason.
        """
        return chunk.last_ns < max(each.first_ns for each in self._ordered) - limits.KEPT_NS

    def _is_overfull(self) -> bool:
        """Whether more than half of the rows in order are more than are remembered of their keys."""
        height = sum(chunk.rows.height for chunk in self._ordered)
        many = self._held.filter(self._held > limits.KEPT_MAX)
        return height >= CHUNK and 2 * (int(many.sum()) - limits.KEPT_MAX * len(many)) > height

    def _next_aside(self) -> Chunk | None:
        """The next of those aside to be looked at: all of them, whenever they have doubled."""
        if not self._due and sum(chunk.rows.height for chunk in self._aside) >= self._aside_full:
            self._due, self._aside = self._aside, []
        chunk = self._due.pop() if self._due else None
        if chunk is not None and not self._due:
            kept = sum(each.rows.height for each in self._aside)
            self._aside_full = max(CHUNK, 2 * (kept + chunk.rows.height))
        return chunk

    def _part(self, rows: pl.DataFrame, priced: Ends, *, is_ordered: bool) -> pl.DataFrame:
        """The rows that can be repeated no longer; the others are kept aside."""
        live = rows["serial"] > self._read[rows["key"]]
        rows = rows if live.all() else chosen(rows, live)
        keys = rows["key"]
        gone = (rows["ts_ns"] < priced.ts_ns[keys] - limits.KEPT_NS) | ~self.folded.are_above(rows)
        of_key = keys.value_counts()
        if is_ordered:
            too_many = self._held[keys] - limits.KEPT_MAX
            if (too_many > 0).any():
                gone |= rows.select(pl.int_range(pl.len()).over("key")).to_series() < too_many
            self._held.scatter(of_key["key"], self._held[of_key["key"]] - of_key["count"])
        else:
            self._held_aside.subtract(dict(of_key.iter_rows()))
        gone_rows, rest = parted(rows, gone)
        _put(self._aside, rest)
        self._note_aside(rest)
        unheld = of_key["key"].filter(self._held[of_key["key"]] == 0).to_list()
        self.unread.difference_update(key for key in unheld if self._held_aside[key] <= 0)
        return gone_rows

    def _see_gone(self, rows: pl.DataFrame, *, is_ordered: bool) -> list[int]:
        """Keep the sums of these rows, where they are in none, and how far they reach; returns their keys."""
        rows = rows if is_ordered else rows.sort("ts_ns", "seq")
        self.folded.put(chosen(rows, self.folded.are_above(rows)))
        unsummed = rows["serial"] > self._summed[rows["key"]]
        if unsummed.any():
            self._sums[not is_ordered].add(minute_sums(chosen(rows, unsummed), self._opens_ns))
        return rows["key"].unique().to_list()


class LetGo(NamedTuple):
    """What has become of rows that were let go."""

    summed: pl.DataFrame | None
    """Those that were in a sum; None where there are none."""
    keys: set[int]
    """Of all of them."""


def ends_of(rows: pl.DataFrame) -> tuple[int, int]:
    """The first and the last of their times, of at least one row."""
    ts_ns = rows["ts_ns"]
    return ts_ns.min(), ts_ns.max()  # type: ignore[return-value]  # there are rows
