"""The rules of ``LiveFilter`` for a look of many prints: all that raise no doubt are passed together. Pure.

There is no second copy of a rule. By the range of each symbol's prices a rule says whether it might do more
than pass its prints; then all of the symbol's prints are left to be judged one by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
import polars as pl

from feeds.streaming.many.last_rows import LastRows
from feeds.streaming.many.look import Array, Groups, Look, Sorted, Table, starts_of
from feeds.streaming.many.seen_rows import numbers
from rotation.columns import PrintColumns
from rotation.quote import FUTURE_NS, JUMP, PRICE_MAX

if TYPE_CHECKING:
    from collections.abc import Iterable

    from feeds.streaming.many.seen import Seen
    from feeds.streaming.watch.jumps import Jumps
    from feeds.streaming.watch.nbbo import Quotes
    from rotation.quote import Quote


class Passed(msgspec.Struct, frozen=True, eq=False):
    """What became of a look."""

    rows: pl.DataFrame
    """Prints that are let in, in order of arrival, with the columns of ``rotation.columns``."""
    places: Array
    """Of the rows among all prints that came."""
    symbols: list[str]
    """Of the rows, each once."""
    priced: frozenset[str]
    """Those of them with a print that may set the last price."""
    newest_ns: int
    """The latest time of a row; 0 where there are none."""
    repeated: int
    """How many were seen before."""
    doubted: list[int]
    """Places of prints that are to be judged one by one."""


class ManyPrints:
    """What the filter of a stream knows, for prints as arrays."""

    def __init__(
        self, symbols: Iterable[str], seen: Seen, jumps: Jumps, quotes: Quotes, last: Iterable[Quote]
    ) -> None:
        """``seen``, ``jumps``, ``quotes``: the filter's own. ``last``: the newest prints until now."""
        self._table = Table(symbols)
        self._seen = seen
        self._rows = seen.rows(self._table)
        self._jumps = jumps
        self._quotes = quotes
        self.last = LastRows(self._table, last)
        # The first Series that is made of an array has Polars import more of numpy, 50 ms of CPU.
        Look.of(PrintColumns(), self._table).frame(self._table)

    def newest_ns(self, prints: PrintColumns) -> int:
        """The latest time of prints, of whatever symbol."""
        return int(np.frombuffer(prints.ts_ns, np.int64).max())

    def judge(self, prints: PrintColumns, now_ns: int) -> Passed:
        """Pass and remember what raises no doubt."""
        look = Look.of(prints, self._table)
        if not len(look):
            return self._passed(look, Sorted(*(np.empty(0, np.int64),) * 3), 0, [])
        by = Sorted.of(look)
        groups = Groups(look, by.arrived)
        doubtful = self._doubtful(look, groups, now_ns)
        repeats = self._repeats(look, by)
        doubted: list[int] = []
        left_out = np.zeros(len(look), np.bool_)
        if doubtful:
            is_doubtful = np.zeros(len(self._table.names), np.bool_)
            is_doubtful[[self._table.code_of[symbol] for symbol in doubtful]] = True
            left_out = is_doubtful[look.code]
            doubted = look.place[left_out].tolist()
            repeats = repeats[~left_out[repeats]]
        left_out[repeats] = True
        if doubted or len(repeats):
            by, look = by.without(left_out), look.where(~left_out)
        return self._passed(look, by, len(repeats), doubted)

    def _passed(self, look: Look, by: Sorted, repeated: int, doubted: list[int]) -> Passed:
        """Note and remember these, all of which are let in."""
        came, newest = Groups(look, by.arrived), Groups(look, by.order)
        names = self._table.named(came.codes)
        self._jumps.reference.update(zip(names, look.price[came.last].tolist(), strict=True))
        self.last.take(look, newest.last)
        starts = starts_of(look.code[by.order])
        latest = by.order[np.append(starts[1:], len(look)) - 1] if len(look) else by.order
        self._rows.add(look, latest, self._seen.take_numbers(len(look)))
        return Passed(
            look.frame(self._table),
            look.place,
            self._table.named(look.code[by.order[starts]]),
            frozenset(names),
            int(look.ts_ns[latest].max()) if len(look) else 0,
            repeated,
            doubted,
        )

    def _doubtful(self, look: Look, groups: Groups, now_ns: int) -> set[str]:
        """Symbols with a print that a rule might not pass at once."""
        price, ts_ns, size = look.price, look.ts_ns, look.size
        limit_ns = now_ns + FUTURE_NS
        doubtful: set[str] = set()
        # The least of numbers with a NaN among them is NaN, which is above nothing.
        is_fine = price.min() > 0 and price.max() <= PRICE_MAX and size.min() >= 0
        if not (is_fine and ts_ns.min() > 0 and ts_ns.max() <= limit_ns):
            fits = (price > 0) & (price <= PRICE_MAX) & (size >= 0) & (ts_ns > 0) & (ts_ns <= limit_ns)
            doubtful.update(self._table.named(look.code[~fits]))
        names = self._table.named(groups.codes)
        lows, highs = groups.range(price)
        # ``Jumps.may_hold``, of all at once.
        known = np.array(list(map(self._jumps.reference.get, names)), np.float64)  # None is NaN then
        known = np.where(np.isnan(known), lows, known)
        lowest, highest = np.minimum(lows, known), np.maximum(highs, known)
        with np.errstate(invalid="ignore"):  # of prices that are not finite
            is_far = ~(np.abs(highest - lowest) <= JUMP * lowest)
        doubtful.update(self._table.named(groups.codes[is_far]))
        doubtful.update(self._jumps.in_doubt.intersection(names))
        if self._quotes.is_used:
            ranges = zip(names, lows.tolist(), highs.tolist(), strict=True)
            doubtful.update(name for name, low, high in ranges if self._quotes.may_hold(name, low, high))
        return doubtful

    def _repeats(self, look: Look, by: Sorted) -> Array:
        """Places of prints that were seen before, in an earlier look or in this one."""
        suspects = self._rows.suspects(look)
        if not len(suspects) and not len(by.same):
            return suspects
        known = self._rows.of_times(look.ts_ns[suspects])
        is_alike = np.zeros(len(look), np.bool_)
        is_alike[suspects] = is_alike[by.order[by.same]] = is_alike[by.order[by.same + 1]] = True
        alike = np.flatnonzero(is_alike)
        columns = (look.ts_ns, look.price, numbers(look))
        names = self._table.named(look.code[alike])
        identities = zip(names, *(column[alike].tolist() for column in columns), strict=True)
        repeats: list[int] = []
        for place, identity in zip(alike.tolist(), identities, strict=True):
            if identity in known or self._seen.has(identity):
                repeats.append(place)
            else:
                known.add(identity)
        return np.array(repeats, np.int64)
