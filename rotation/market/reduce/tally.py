"""The prints of one session by key, a symbol and a part of the day: as columns, or one by one.

Rows of a frame are the same in any order, and never repeats, where their identities are distinct, new to
their key, and within what the key remembers. Such rows are kept as columns, and become sums of
minutes when somebody asks for their ``Prints``, identities when a print comes that may repeat one of them.
All others are taken one by one, in order of arrival.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from rotation.market import prints as limits
from rotation.market.prints import NO_IDENTITY, Identity, Prints
from rotation.market.reduce.backlog import SETS_LAST, Backlog
from rotation.quote import MINUTE_NS, Quote, Role

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from rotation.market.reduce.verdicts import Bounds

SPAN_BITS = 46
"""A session's nanoseconds, 16 hours, are fewer than 2^46."""
KEYS = 1 << (63 - SPAN_BITS)
"""So many keys go with a time of the session into one 64-bit number; more are taken one by one."""
ONE_BY_ONE = 256
"""So few rows of the symbols that are asked for cost less one by one than as sums."""
_ROLES = tuple(Role)
_RUNS = pl.col("key").rle().implode().alias("runs")
_TIES = (pl.col("place").diff() == 0).any().alias("ties")


def _is_above(side: str, other: str) -> pl.Expr:
    ts_ns, other_ns = pl.col(f"{side}_ts_ns"), pl.col(f"{other}_ts")
    return (ts_ns > other_ns) | ((ts_ns == other_ns) & (pl.col(f"{side}_seq") > pl.col(f"{other}_seq")))


_NEWEST_TS, _NEWEST_SEQ = (
    pl.when(_is_above("last", "was")).then(pl.col(f"last_{of}")).otherwise(pl.col(f"was_{was}"))
    for of, was in (("ts_ns", "ts"), ("seq", "seq"))
)
_OF_RUNS = (
    pl.col("key", "was_ts", "was_seq", "held"),
    _NEWEST_TS.alias("newest_ts"),
    _NEWEST_SEQ.alias("newest_seq"),
    _is_above("first", "was").alias("is_new"),
    ((_NEWEST_TS - pl.col("first_ts_ns") <= limits.KEPT_NS) & (pl.col("len") <= limits.KEPT_MAX)).alias(
        "is_short"
    ),
)
"""Built once."""


class _Ordered(NamedTuple):
    """Rows sorted by key and identity, and their keys, each once."""

    rows: pl.DataFrame
    keys: list[int]


def _joined(parts: list[pl.DataFrame]) -> pl.DataFrame | None:
    """Parts without a key in common as one frame; None where there are none."""
    return pl.concat(parts) if parts else None


class Tally:
    """The prints of one session; empty at its start."""

    def __init__(self, bounds: Bounds, names: Sequence[str]) -> None:
        """``names``: of the symbols by code; it may grow.

        ``follows_last``: whether ``last`` of symbols that are not ``asked`` is asked for after every frame:
        see ``follow_last``.
        """
        self._asked_keys: pl.Series | None = None
        """Those of ``asked``, made with the next frame."""
        self.asked = frozenset()
        self.follows_last = False
        self._starts_ns, self._opens_ns = bounds[:2]
        self._names = names
        self._prints: dict[int, Prints] = {}
        self._moved: set[int] = set()
        """Keys whose newest identity ``_newest`` does not know yet."""
        self._newest_ts = pl.Series(dtype=pl.Int64)
        self._newest_seq = pl.Series(dtype=pl.Int64)
        self._held = pl.Series(dtype=pl.Int64)
        """By key, rows of the backlog, at least as many as it has."""
        self._backlog = Backlog()
        self._lasts: dict[int, tuple[int, int, float]] = {}
        """By key with rows in no sum yet: time, number and price of the newest that sets a price.

        It counts only while the key has such rows.
        """

    @property
    def codes(self) -> set[int]:
        """Codes of the symbols with a print."""
        return {key // 3 for key in (*self._prints, *self._backlog.unsummed)}

    def prints(self, key: int) -> Prints | None:
        """All of a key; None where there are none."""
        if key in self._backlog.unsummed:
            self._sum(self._backlog.take_unsummed([key]))
        return self._prints.get(key)

    def last(self, key: int) -> tuple[float, int] | None:
        """Price and time (ns) of ``prints(key).last``, without making sums of what is held."""
        if key in self._backlog.unsummed and not self.follows_last:
            self.prints(key)
        prints = self._prints.get(key)
        known = None if prints is None else prints.last
        held = self._lasts.get(key) if key in self._backlog.unsummed else None
        if held is not None and (known is None or held[:2] >= (known.ts_ns, known.seq)):
            return held[2], held[0]
        return None if known is None else (known.price, known.ts_ns)

    def follow_last(self) -> None:
        """Make ``last`` cheap from now on."""
        if not self.follows_last:
            if self._backlog.unsummed:
                self._sum(self._backlog.take_unsummed(None))
            self.follows_last = True

    def sum_up(self, codes: Iterable[int]) -> None:
        """Prepare ``prints`` of many symbols in one pass; one by one each would be a pass of its own."""
        waiting = {code * 3 + part for code in codes for part in range(3)} & self._backlog.unsummed
        if waiting:
            self._sum(self._backlog.take_unsummed(waiting))

    @property
    def has_unread(self) -> bool:
        """Whether rows of columns are held, which a print that is taken one by one may repeat."""
        return bool(self._backlog.unread)

    def read(self, codes: Iterable[int]) -> None:
        """Look at what is held of these symbols, since prints of theirs are about to be taken one by one."""
        self._read(sorted({code * 3 + part for code in codes for part in range(3)} & self._backlog.unread))

    def book(self, key: int) -> Prints:
        """The prints of a key, for one to be taken there."""
        if key in self._backlog.unread:
            self._read([key])
        self._moved.add(key)
        return self._book(key)

    def forget(self, codes: Collection[int]) -> None:
        """Drop all of these symbols."""
        keys = {code * 3 + part for code in codes for part in range(3)}
        for key in keys:
            self._prints.pop(key, None)
        self._backlog.forget(keys)
        self._clear_held(keys)
        self._moved |= keys

    def take_columns(self, rows: pl.DataFrame) -> tuple[Counter[str], set[int]]:
        """Count rows in, with ``key`` and in order of arrival; what they were, and the keys that changed."""
        self._see_moved()
        (ordered, keys_taken), slow = self._in_order(rows)
        counts: Counter[str] = Counter()
        changed: set[int] = set()
        if slow is not None:
            keys = set(slow["key"].to_list())
            self._read(sorted(keys & self._backlog.unread))
            for key, quote in self._quotes(slow):
                outcome = self.book(key).take(quote)
                counts[outcome] += 1
                if outcome in ("accepted", "revised"):
                    changed.add(key)
        if ordered.height:
            counts["accepted"] += ordered.height
            self._add(ordered, keys_taken)
            changed.update(keys_taken)
        return counts, changed

    def _add(self, rows: pl.DataFrame, keys: list[int]) -> None:
        """Hold rows of these keys that are in order."""
        waiting = self._asked & self._backlog.unsummed
        if waiting:
            self._sum(self._backlog.take_unsummed(waiting))
        if not self._asked.isdisjoint(keys):
            self._sum(rows.filter(self._is_asked(rows)))
        if self.follows_last:
            self._follow(rows, keys)
        self._backlog.add(rows, keys, summed=self._asked)
        if self._backlog.is_full:
            self._compact()

    @property
    def asked(self) -> frozenset[int]:
        """The keys of symbols whose ``prints`` are asked for after every frame."""
        return self._asked

    @asked.setter
    def asked(self, keys: frozenset[int]) -> None:
        self._asked = keys
        self._asked_keys = None

    def _is_asked(self, rows: pl.DataFrame) -> pl.Series:
        if self._asked_keys is None:
            self._asked_keys = pl.Series(sorted(self._asked), dtype=pl.UInt32).implode()
        return rows["key"].is_in(self._asked_keys)

    def _follow(self, rows: pl.DataFrame, keys: list[int]) -> None:
        """Note the newest price of each of these keys; rows are sorted by key and identity."""
        lasts, waiting = self._lasts, self._backlog.unsummed
        for key in keys:
            if key not in waiting:
                lasts.pop(key, None)
        priced = rows
        if rows.height > ONE_BY_ONE:
            priced = rows.filter(SETS_LAST).group_by("key").agg(pl.all().last())
        for key, ts_ns, seq, price, role in priced.select("key", "ts_ns", "seq", "price", "role").iter_rows():
            known = lasts.get(key)
            if role != Role.SIZE.value and (known is None or (ts_ns, seq) >= known[:2]):
                lasts[key] = (ts_ns, seq, price)

    # Order ---------------------------------------------------------------------------------------------

    def _see_moved(self) -> None:
        """Bring the newest identities up to date with what was taken one by one."""
        missing = 3 * len(self._names) - len(self._newest_ts)
        if missing > 0:
            nothing = pl.Series([NO_IDENTITY[0]], dtype=pl.Int64)
            self._newest_ts = pl.concat([self._newest_ts, nothing.new_from_index(0, missing)])
            self._newest_seq = pl.concat([self._newest_seq, nothing.new_from_index(0, missing)])
            self._held = pl.concat([self._held, pl.Series([0], dtype=pl.Int64).new_from_index(0, missing)])
        if self._moved:
            keys = sorted(self._moved)
            self._moved.clear()
            newest = [self._newest_of(key) for key in keys]
            self._newest_ts.scatter(keys, [ts_ns for ts_ns, _ in newest])
            self._newest_seq.scatter(keys, [seq for _, seq in newest])

    def _newest_of(self, key: int) -> Identity:
        prints = self._prints.get(key)
        return NO_IDENTITY if prints is None else prints.newest

    def _in_order(self, rows: pl.DataFrame) -> tuple[_Ordered, pl.DataFrame | None]:
        """The rows of the keys that may be taken as columns, sorted, and the others as they came."""
        if len(self._newest_ts) > KEYS:
            return _Ordered(rows.clear(), []), rows
        rest: list[pl.DataFrame] = []
        own = self._is_asked(rows)
        if 0 < own.sum() <= ONE_BY_ONE:
            rest.append(rows.filter(own))
            rows = rows.filter(~own)
        if rows.is_empty():
            return _Ordered(rows, []), _joined(rest)
        place = rows["key"].cast(pl.Int64) * (1 << SPAN_BITS) + (rows["ts_ns"] - self._starts_ns)
        ordered = rows.hstack([place.alias("place")]).sort("place")
        slow: list[pl.Series] = []
        seen = ordered.select_seq(_RUNS, _TIES)
        if seen["ties"][0]:
            ordered = ordered.sort("place", "seq")
            repeats = (ordered["place"].diff() == 0) & (ordered["seq"].diff() == 0)
            slow.append(ordered["key"].filter(repeats))
        ordered.drop_in_place("place")
        runs = self._runs(ordered, seen["runs"][0].struct.unnest())
        if not runs["is_short"].all():
            slow.append(runs["key"].filter(~runs["is_short"]))
        if not runs["is_new"].all():
            slow.append(self._doubtful(ordered, runs.filter(pl.col("is_short") & ~pl.col("is_new"))))
        if ordered["role"].max() == Role.MINUTE.value:
            slow.append(ordered["key"].filter(ordered["role"] == Role.MINUTE.value))
        keys_slow = pl.concat(slow).unique() if slow else pl.Series(dtype=pl.UInt32)
        if len(keys_slow):
            listed = keys_slow.implode()
            rest.append(rows.filter(rows["key"].is_in(listed)))
            ordered = ordered.filter(~ordered["key"].is_in(listed))
            runs = runs.filter(~runs["key"].is_in(listed))
        keys = runs["key"]
        if len(keys):
            self._newest_ts.scatter(keys, runs["newest_ts"])
            self._newest_seq.scatter(keys, runs["newest_seq"])
            self._held.scatter(keys, runs["held"])
        return _Ordered(ordered, keys.to_list()), _joined(rest)

    def _runs(self, ordered: pl.DataFrame, runs: pl.DataFrame) -> pl.DataFrame:
        """By key, in order: its newest identity before (``was``) and with these rows, and what they are.

        ``runs``: how many rows each key has. One query, since each costs more than a key does.
        """
        ends = pl.col("len").cum_sum()
        names = ("ts_ns", "seq")
        sides = (("first", ends - pl.col("len")), ("last", ends - 1))
        ends_and_known = runs.select_seq(
            pl.col("value").alias("key"),
            pl.col("len"),
            *(
                pl.lit(ordered[name]).gather(at).alias(f"{side}_{name}")
                for side, at in sides
                for name in names
            ),
            pl.lit(self._newest_ts).gather(pl.col("value")).alias("was_ts"),
            pl.lit(self._newest_seq).gather(pl.col("value")).alias("was_seq"),
            (pl.lit(self._held).gather(pl.col("value")) + pl.col("len")).alias("held"),
        )
        return ends_and_known.select_seq(_OF_RUNS)

    def _doubtful(self, ordered: pl.DataFrame, late: pl.DataFrame) -> pl.Series:
        """Keys with a row that is not above their newest, and may repeat one or come too late.

        ``late``: by key, its newest identity before these rows, and how many are held with them.
        """
        late = pl.DataFrame([late[name] for name in ("key", "was_ts", "was_seq", "held")])
        at = pl.col("ts_ns")
        is_late = (at < pl.col("was_ts")) | ((at == pl.col("was_ts")) & (pl.col("seq") <= pl.col("was_seq")))
        rows = ordered.join(late, on="key").filter(is_late)
        doubtful = self._backlog.repeated(rows)
        columns = (rows[name].to_list() for name in ("key", "ts_ns", "seq", "held"))
        for key, ts_ns, seq, held in zip(*columns, strict=True):
            prints = self._prints.get(key)
            kept = 0 if prints is None else prints.kept
            is_known = prints is not None and not prints.is_new((ts_ns, seq))
            if is_known or kept + held > limits.KEPT_MAX:
                doubtful.add(key)
        return pl.Series(sorted(doubtful), dtype=pl.UInt32)

    def _clear_held(self, keys: Iterable[int]) -> None:
        """These keys have no rows in the backlog any more."""
        known = [key for key in keys if key < len(self._held)]
        self._held.scatter(known, [0] * len(known))

    # From columns to prints ----------------------------------------------------------------------------

    def _quotes(self, rows: pl.DataFrame) -> Iterable[tuple[int, Quote]]:
        columns = (rows[name].to_list() for name in ("key", "ts_ns", "price", "seq", "size", "role"))
        for key, ts_ns, price, seq, size, role in zip(*columns, strict=True):
            yield key, Quote(self._names[key // 3], ts_ns, price, seq, size, role=_ROLES[role])

    def _book(self, key: int) -> Prints:
        prints = self._prints.get(key)
        if prints is None:
            prints = self._prints[key] = Prints(self._opens_ns)
        return prints

    def _sum(self, rows: pl.DataFrame) -> None:
        """Count rows in as sums of minutes; those of a key are in order."""
        since_ns = pl.col("ts_ns") - self._opens_ns
        price = pl.col("price").filter(SETS_LAST)
        sums = rows.group_by("key", place=since_ns // MINUTE_NS).agg(
            pl.col("size").sum(), high=price.max(), low=price.min()
        )
        for key, place, volume, high, low in sums.iter_rows():
            self._book(key).add(place, volume, high, low)
        # The minute that ends at or after the print, as ``Prints`` has it.
        lasts = rows.filter(SETS_LAST).group_by("key", minute=-(-since_ns // MINUTE_NS)).agg(pl.all().last())
        for key, quote in self._quotes(lasts):
            self._prints[key].place_last(quote)

    def _read(self, keys: Collection[int]) -> None:
        """Make prints of a few keys' rows, whose identities a print that comes may repeat."""
        if not keys:
            return
        unsummed, summed = self._backlog.take_unread(keys)
        self._clear_held(keys)
        quotes: dict[int, list[Quote]] = {}
        for key, quote in self._quotes(summed):
            quotes.setdefault(key, []).append(quote)
        for key, held in quotes.items():
            self._prints[key].remember(held)
        for key, quote in self._quotes(unsummed):
            self._book(key).take(quote)

    def _compact(self) -> None:
        """Sum all that is held, and let go what can be repeated no longer."""
        self._sum(self._backlog.take_unsummed(None))
        folded = self._backlog.compact()
        ranges = (
            folded.filter(SETS_LAST)
            .group_by("key", place=(pl.col("ts_ns") - self._opens_ns) // MINUTE_NS)
            .agg(high=pl.col("price").max(), low=pl.col("price").min())
        )
        for key, place, high, low in ranges.iter_rows():
            self._prints[key].fold(place, high, low)
        newest = folded.group_by("key").agg(pl.col("ts_ns", "seq").last())
        for key, ts_ns, seq in newest.iter_rows():
            self._prints[key].fold_through((ts_ns, seq))
        self._held = self._backlog.heights(len(self._held))
