"""The prints of one look at what has come, as arrays, and by symbol. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import polars as pl

from rotation.quote import Role

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rotation.columns import PrintColumns

Array = np.ndarray[Any, Any]
SPAN_BITS = 46
"""A code and the nanoseconds of 19 hours make one 64-bit number; what spans more is sorted another way."""
CODES_MAX = 1 << (63 - SPAN_BITS)


class Table:
    """The symbols of a stream, each with a code."""

    def __init__(self, symbols: Iterable[str]) -> None:
        """Codes are the places of the sorted symbols."""
        self.names = tuple(sorted(symbols))
        self.code_of = {name: code for code, name in enumerate(self.names)}
        self.unknown = len(self.names)
        """In the place of a code."""
        self._dtype = np.dtype(np.uint16 if self.unknown < 1 << 16 else np.uint32)
        self._named = np.array(self.names, dtype=object)
        self._each = pl.Series("symbol", self.names, dtype=pl.Enum(self.names))
        self._theirs: tuple[list[str], int] = ([], 0)
        self._ours = np.empty(0, self._dtype)

    def of(self, prints: PrintColumns) -> Array:
        """The code of each print, or ``unknown``."""
        names = prints.names
        if self._theirs[0] is not names or self._theirs[1] != len(names):
            codes = (self.code_of.get(name, self.unknown) for name in names)
            self._ours, self._theirs = np.fromiter(codes, self._dtype, len(names)), (names, len(names))
        return self._ours[np.frombuffer(prints.codes, np.uint32)]

    def named(self, codes: Array) -> list[str]:
        """The symbols of these codes."""
        names: list[str] = self._named[codes].tolist()
        return names

    def series(self, codes: Array) -> pl.Series:
        """The symbols of these codes as an Enum; a lookup, since a cast hashes all the names."""
        return self._each[pl.Series(codes)]


class Look(msgspec.Struct, eq=False):
    """Prints as arrays of one length, in order of arrival."""

    place: Array
    """Of each print among all that came; ascending."""
    code: Array
    ts_ns: Array
    price: Array
    seq: Array
    size: Array
    role: Array

    @classmethod
    def of(cls, prints: PrintColumns, table: Table) -> Look:
        """These prints, without those of unknown symbols."""
        look = cls(
            np.arange(len(prints)),
            table.of(prints),
            np.frombuffer(prints.ts_ns, np.int64),
            np.frombuffer(prints.prices, np.float64),
            np.frombuffer(prints.seqs, np.int64),
            np.frombuffer(prints.sizes, np.int64),
            np.frombuffer(prints.roles, np.uint8),
        )
        is_known = look.code != table.unknown
        return look if is_known.all() else look.where(is_known)

    def __len__(self) -> int:
        """How many."""
        return len(self.code)

    def where(self, chosen: Array) -> Look:
        """Those of a mask, or of places in ascending order."""
        return Look(*(getattr(self, name)[chosen] for name in self.__struct_fields__))

    def frame(self, table: Table) -> pl.DataFrame:
        """With the columns of ``rotation.columns``."""
        return pl.DataFrame(
            [
                table.series(self.code),
                pl.Series("ts_ns", self.ts_ns),
                pl.Series("price", self.price),
                pl.Series("seq", self.seq),
                pl.Series("size", self.size),
                pl.Series("role", self.role),
            ]
        )


class Sorted(msgspec.Struct, eq=False):
    """Where the prints of a look stand by symbol."""

    arrived: Array
    """Places by code, those of a symbol in order of arrival."""
    order: Array
    """Places by code, time and number, equal ones in order of arrival."""
    same: Array
    """Where in ``order`` a print has the symbol, time and number of the next one; ascending."""

    @classmethod
    def of(cls, look: Look) -> Sorted:
        """Sort a look that is not empty."""
        arrived = np.argsort(look.code, kind="stable")  # for 16 bits a radix sort
        span_ns = int(look.ts_ns.max()) - int(look.ts_ns.min())
        if span_ns >= 1 << SPAN_BITS or int(look.code[arrived[-1]]) >= CODES_MAX:
            order = np.lexsort((look.seq, look.ts_ns, look.code))
            code, ts_ns = look.code[order], look.ts_ns[order]
            tied = np.flatnonzero((code[1:] == code[:-1]) & (ts_ns[1:] == ts_ns[:-1]))
        else:
            order, tied = _in_time(look, arrived)
        same = tied[look.seq[order[tied]] == look.seq[order[tied + 1]]]
        return cls(arrived, order, same)

    def without(self, left_out: Array) -> Sorted:
        """Of the look without the prints of a mask; ``same`` is empty."""
        kept = ~left_out
        fresh = np.cumsum(kept) - 1
        arrived, order = self.arrived[kept[self.arrived]], self.order[kept[self.order]]
        return Sorted(fresh[arrived], fresh[order], self.same[:0])


class Groups:
    """By symbol the prints of a look that may set the last price."""

    def __init__(self, look: Look, places: Array) -> None:
        """``places``: by code, all of the look."""
        sets_last = look.role != Role.SIZE
        self.places = places if sets_last.all() else places[sets_last[places]]
        codes = look.code[self.places]
        self.starts = starts_of(codes)
        self.codes = codes[self.starts]
        """Of the symbols, ascending."""

    @property
    def last(self) -> Array:
        """Of each symbol the place that stands last."""
        return (
            self.places[np.append(self.starts[1:], len(self.places)) - 1] if len(self.starts) else self.places
        )

    def range(self, price: Array) -> tuple[Array, Array]:
        """Lowest and highest price of each symbol."""
        if not len(self.starts):
            return price[:0], price[:0]
        prices = price[self.places]
        return np.minimum.reduceat(prices, self.starts), np.maximum.reduceat(prices, self.starts)


def starts_of(codes: Array) -> Array:
    """Where each run of equal codes begins."""
    if not len(codes):
        return np.empty(0, np.int64)
    return np.concatenate((np.zeros(1, np.int64), np.flatnonzero(codes[1:] != codes[:-1]) + 1))


def _in_time(look: Look, arrived: Array) -> tuple[Array, Array]:
    """Places by code, time and number; and where in them a print has the symbol and time of the next one."""
    ts_ns = look.ts_ns[arrived]
    at = (look.code[arrived].astype(np.int64) << SPAN_BITS) | (ts_ns - look.ts_ns.min())
    order = arrived
    if (at[1:] < at[:-1]).any():  # nearly sorted, so this costs little
        by_time = np.argsort(at, kind="stable")
        order, at = arrived[by_time], at[by_time]
    is_tied = at[1:] == at[:-1]
    tied = np.flatnonzero(is_tied)
    if len(tied) and (look.seq[order[tied]] > look.seq[order[tied + 1]]).any():
        in_runs = np.flatnonzero(np.append(is_tied, False) | np.append(False, is_tied))
        run = order[in_runs]
        order = order.copy()
        order[in_runs] = run[np.lexsort((look.seq[run], at[in_runs]))]
    return order, tied
