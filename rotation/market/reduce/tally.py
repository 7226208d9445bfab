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

from rotation.market.prints import NO_IDENTITY, Prints
from rotation.market.reduce.backlog import Backlog
from rotation.market.reduce.ends import Ends, chosen, parted, stacked
from rotation.market.reduce.late import Known, repeated_or_too_late
from rotation.market.reduce.sift import KEYS, sift
from rotation.market.reduce.sums import minute_sums, read
from rotation.quote import Quote, Role

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from rotation.market.reduce.verdicts import Bounds

ONE_BY_ONE = 256
"""So few rows of the symbols that are asked for cost less one by one than as sums."""
_ROLES = tuple(Role)


class _Taken(NamedTuple):
    """Rows that may be taken as columns."""

    ordered: pl.DataFrame
    late: pl.DataFrame
    keys: pl.DataFrame
    """The keys of ``ordered``, and the ``count`` of rows of each."""


class Tally:
    """The prints of one session; empty at its start."""

    def __init__(self, bounds: Bounds, names: Sequence[str]) -> None:
        """``names``: of the symbols by code; it may grow.

        ``follows_last``: whether ``last`` of symbols that are not ``asked`` is asked for after every frame:
        see ``follow_last``.
        """
        self.follows_last = False
        self._starts_ns, self._opens_ns = bounds[:2]
        self._names = names
        self._prints: dict[int, Prints] = {}
        self._moved: set[int] = set()
        """Keys whose newest prints the columns do not know yet."""
        self._newest = Ends()
        self._priced = Ends("price")
        """By key, the newest that sets a price."""
        self._asked: frozenset[int] = frozenset()
        self._is_asked = pl.Series(dtype=pl.Boolean)
        self._backlog = Backlog(self._opens_ns)
        self._known = Known(self._newest, self._backlog, self._prints)
        self._lasts: dict[int, tuple[int, int, float]] = {}
        """By key with rows in no sum yet: time, number and price of the newest that sets a price.

        It counts only while the key has such rows. A time below 0: there is none.
        """

    @property
    def codes(self) -> set[int]:
        """Codes of the symbols with a print."""
        return {key // 3 for key in (*self._prints, *self._backlog.unsummed)}

    def prints(self, key: int) -> Prints | None:
        """All of a key; None where there are none."""
        if key in self._backlog.unsummed:
            self._sum([key])
        return self._prints.get(key)

    def last(self, key: int) -> tuple[float, int] | None:
        """Price and time (ns) of ``prints(key).last``, without making sums of what is held."""
        if key in self._backlog.unsummed and not self.follows_last:
            self.prints(key)
        prints = self._prints.get(key)
        known = None if prints is None else prints.last
        held = self._lasts.get(key) if key in self._backlog.unsummed else None
        if held is not None and held[0] >= 0 and (known is None or held[:2] >= (known.ts_ns, known.seq)):
            return held[2], held[0]
        return None if known is None else (known.price, known.ts_ns)

    def follow_last(self) -> None:
        """Make ``last`` cheap from now on."""
        if not self.follows_last:
            if self._backlog.unsummed:
                self._sum(None)
            self.follows_last = True

    def sum_up(self, codes: Iterable[int]) -> None:
        """Prepare ``prints`` of many symbols in one pass; one by one each would be a pass of its own."""
        waiting = {code * 3 + part for code in codes for part in range(3)} & self._backlog.unsummed
        if waiting:
            self._sum(waiting)

    @property
    def has_unread(self) -> bool:
        """Whether rows of columns are held, which a print that is taken one by one may repeat."""
        return bool(self._backlog.unread)

    def read(self, codes: Iterable[int]) -> None:
        """Look at what is held of these symbols, since prints of theirs are about to be taken one by one."""
        self._read({code * 3 + part for code in codes for part in range(3)} & self._backlog.unread)

    def book(self, key: int) -> Prints:
        """The prints of a key, for one to be taken there."""
        if key in self._backlog.unread:
            self._read([key])
        self._moved.add(key)
        prints = self._book(key)
        if key in self._backlog.unsummed:
            self._sum([key])
        return prints

    def forget(self, codes: Collection[int]) -> None:
        """Drop all of these symbols."""
        self._grow()
        keys = {code * 3 + part for code in codes for part in range(3)}
        for key in keys:
            self._prints.pop(key, None)
        self._backlog.forget(keys)
        self._moved |= keys

    def take_columns(self, rows: pl.DataFrame) -> tuple[Counter[str], set[int]]:
        """Count rows in, with ``key`` and in order of arrival; what they were, and the keys that changed."""
        self._grow()
        self._see_moved()
        taken, slow = self._in_order(rows)
        counts: Counter[str] = Counter()
        changed: set[int] = set()
        if slow:
            one_by_one = stacked(slow)
            keys = set(one_by_one["key"].to_list())
            waiting = keys & self._backlog.unsummed
            if waiting:
                self._sum(waiting)
            self._read(keys & self._backlog.unread)
            for key, quote in self._quotes(one_by_one):
                outcome = self.book(key).take(quote)
                counts[outcome] += 1
                if outcome in ("accepted", "revised"):
                    changed.add(key)
        if taken is not None:
            counts["accepted"] += taken.ordered.height + taken.late.height
            changed.update(self._add(taken))
        return counts, changed

    def _add(self, taken: _Taken) -> set[int]:
        """Hold rows that are in order, or late but new; returns their keys."""
        ordered, late, of_key = taken
        keys = {*of_key["key"].to_list(), *late["key"].to_list()}
        waiting = self._asked & self._backlog.unsummed
        if waiting:
            self._sum(waiting)
        if not self._asked.isdisjoint(keys):
            both = stacked((ordered, late))
            self._count_in(
                minute_sums(chosen(both, self._is_asked[both["key"]]).sort("ts_ns", "seq"), self._opens_ns)
            )
        self._newest.put(ordered)
        self._priced.put(_priced(ordered))
        if late.height:
            self._newest.lift(late)
            self._priced.lift(_priced(late))
        if self.follows_last:
            listed = pl.Series([*keys], dtype=pl.UInt32)
            lasts = (column.to_list() for column in self._priced.of(listed))
            self._lasts.update(zip(listed.to_list(), zip(*lasts, strict=True), strict=True))
        self._backlog.add(ordered, late, keys, of_key, summed=self._asked)
        self._let_go(ordered.height + late.height)
        return keys

    @property
    def asked(self) -> frozenset[int]:
        """The keys of symbols whose ``prints`` are asked for after every frame."""
        return self._asked

    @asked.setter
    def asked(self, keys: frozenset[int]) -> None:
        for key in keys & self._prints.keys():
            self._prints[key].unpack()
        for key in (self._asked - keys) & self._prints.keys():
            self._prints[key].pack()
        self._asked = keys
        self._is_asked = pl.Series([key in keys for key in range(3 * len(self._names))], dtype=pl.Boolean)

    # Order ---------------------------------------------------------------------------------------------

    def _grow(self) -> None:
        missing = 3 * len(self._names) - len(self._newest)
        if missing > 0:
            for each in (self._newest, self._priced, self._backlog):
                each.grow(missing)
            self.asked = self._asked

    def _see_moved(self) -> None:
        """Bring the columns up to date with what was taken one by one."""
        if not self._moved:
            return
        keys = sorted(self._moved)
        self._moved.clear()
        newest, priced = [], []
        for key in keys:
            prints = self._prints.get(key)
            last = None if prints is None else prints.last
            newest.append(NO_IDENTITY if prints is None else prints.newest)
            priced.append((*NO_IDENTITY, 0.0) if last is None else (last.ts_ns, last.seq, last.price))
        self._newest.set(keys, newest)
        self._priced.set(keys, priced)

    def _in_order(self, rows: pl.DataFrame) -> tuple[_Taken | None, list[pl.DataFrame]]:
        """The rows of the keys that may be taken as columns, and the others as they came."""
        if len(self._newest) > KEYS:
            return None, [rows]
        slow: list[pl.DataFrame] = []
        own = self._is_asked[rows["key"]]
        if 0 < own.sum() <= ONE_BY_ONE:
            asked, rows = parted(rows, own)
            slow.append(asked)
        if rows.is_empty():
            return None, slow
        ordered, late, doubtful = sift(rows, self._newest, self._starts_ns)
        of_key = ordered["key"].value_counts()
        if late.height:
            doubtful |= repeated_or_too_late(late, ordered, of_key, self._known)
        if rows["role"].max() == Role.MINUTE.value:
            doubtful.update(rows["key"].filter(rows["role"] == Role.MINUTE.value).to_list())
        if doubtful:
            is_fine = pl.Series([True]).new_from_index(0, len(self._newest))
            is_fine.scatter([*doubtful], [False] * len(doubtful))
            slow.append(chosen(rows, ~is_fine[rows["key"]]))
            ordered, late, of_key = (chosen(each, is_fine[each["key"]]) for each in (ordered, late, of_key))
        return (_Taken(ordered, late, of_key) if ordered.height or late.height else None), slow

    # From columns to prints ----------------------------------------------------------------------------

    def _quotes(self, rows: pl.DataFrame) -> Iterable[tuple[int, Quote]]:
        columns = (rows[name].to_list() for name in ("key", "ts_ns", "price", "seq", "size", "role"))
        for key, ts_ns, price, seq, size, role in zip(*columns, strict=True):
            yield key, Quote(self._names[key // 3], ts_ns, price, seq, size, role=_ROLES[role])

    def _book(self, key: int) -> Prints:
        prints = self._prints.get(key)
        if prints is None:
            prints = self._prints[key] = Prints(self._opens_ns, packs=key not in self._asked)
        return prints

    def _sum(self, keys: Collection[int] | None) -> None:
        """Make sums of what is held of these keys, and of what was let go; None: of all."""
        old, held = self._backlog.take_unsummed(keys)
        if old is not None:
            self._fold(old, self._count_in(old))
        if held is not None:
            self._count_in(held)

    def _count_in(self, sums: pl.DataFrame) -> set[int]:
        """Count sums of minutes in; returns their keys."""
        keys = set()
        for each in read(sums):
            keys.add(each.key)
            prints = self._book(each.key)
            prints.add(each.minute, each.volume, each.high, each.low)
            if each.high is not None:
                prints.place_last(each.quote(self._names[each.key // 3]))
        return keys

    def _fold(self, sums: pl.DataFrame | None, keys: Collection[int]) -> None:
        """Let prints know that they remember no more of what these sums are of, and of these keys."""
        for each in () if sums is None else read(sums):
            if each.high is not None and each.low is not None:
                self._prints[each.key].fold(each.minute, each.high, each.low)
        known = [key for key in keys if key in self._prints]
        places = pl.Series(known, dtype=pl.UInt32)
        folded = (column.to_list() for column in self._backlog.folded.of(places))
        for key, ts_ns, seq in zip(known, *folded, strict=True):
            self._prints[key].fold_through((ts_ns, seq))

    def _read(self, keys: Collection[int]) -> None:
        """Make prints of a few keys' rows, whose identities a print that comes may repeat."""
        if not keys:
            return
        waiting = self._backlog.unsummed.intersection(keys)
        if waiting:
            self._sum(waiting)
        rows = self._backlog.take_unread(keys)
        if rows is None:
            return
        remembered, folded = parted(rows, self._backlog.folded.are_above(rows))
        if folded.height:
            self._fold(minute_sums(folded, self._opens_ns), ())
        quotes: dict[int, list[Quote]] = {}
        for key, quote in self._quotes(remembered):
            quotes.setdefault(key, []).append(quote)
        for key, held in quotes.items():
            self._prints[key].remember(held)

    def _let_go(self, added: int) -> None:
        """Let some of what is held go that can be repeated no longer. ``added``: rows that have just come."""
        gone = self._backlog.let_go(self._priced, added)
        if gone.keys:
            sums = None if gone.summed is None else minute_sums(gone.summed, self._opens_ns)
            self._fold(sums, gone.keys)
        old = self._backlog.take_old()
        if old is not None:
            self._fold(old, self._count_in(old))
        if self._backlog.crowded:
            self._read(self._backlog.crowded & self._backlog.unread)
            self._backlog.crowded.clear()


def _priced(rows: pl.DataFrame) -> pl.DataFrame:
    """Those that set a price (see ``Quote.sets_last``)."""
    return chosen(rows, rows["role"] != Role.SIZE.value)
