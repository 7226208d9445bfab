"""Plain prints as columns: a row a print, in order of arrival. Bars stay quotes."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import msgspec
import polars as pl

from rotation.quote import Quote, Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SCHEMA = {
    "symbol": pl.String,
    "ts_ns": pl.Int64,
    "price": pl.Float64,
    "seq": pl.Int64,
    "size": pl.Int64,
    "role": pl.UInt8,
}
"""Without nulls; ``symbol`` may be an Enum instead.

Units and meanings are those of ``Quote``: ``ts_ns`` in UTC nanoseconds, ``seq`` 0 where
there is none, ``role`` the number of a ``Role``."""

_ROLES = tuple(Role)


def _whole_numbers() -> array[int]:
    return array("q")


class PrintColumns(msgspec.Struct):
    """Plain prints in order of arrival, a column for each field of ``Quote``, all of one length.

    Numbers are held as 64 bits, since a look may have as many as a core reads in a second. One that does not
    fit raises OverflowError.
    """

    names: list[str] = []
    """Symbols by code, each once; it may be shared with other prints, and grow."""
    codes: array[int] = msgspec.field(default_factory=lambda: array("I"))
    """The symbol of each print: its place among ``names``."""
    ts_ns: array[int] = msgspec.field(default_factory=_whole_numbers)
    prices: array[float] = msgspec.field(default_factory=lambda: array("d"))
    seqs: array[int] = msgspec.field(default_factory=_whole_numbers)
    sizes: array[int] = msgspec.field(default_factory=_whole_numbers)
    roles: bytearray = msgspec.field(default_factory=bytearray)

    def __len__(self) -> int:
        """How many prints."""
        return len(self.codes)

    @classmethod
    def of(cls, quotes: Sequence[Quote]) -> PrintColumns:
        """Of plain prints (``is_plain``)."""
        code_of = {name: code for code, name in enumerate(dict.fromkeys(quote.symbol for quote in quotes))}
        return cls(
            list(code_of),
            array("I", [code_of[quote.symbol] for quote in quotes]),
            array("q", [quote.ts_ns for quote in quotes]),
            array("d", [quote.price for quote in quotes]),
            array("q", [quote.seq for quote in quotes]),
            array("q", [quote.size for quote in quotes]),
            bytearray(quote.role for quote in quotes),
        )

    def add(self, later: PrintColumns) -> None:
        """Put other prints behind these."""
        if not self.codes:
            self.names, self.codes = later.names, later.codes[:]
        elif later.names is self.names:
            self.codes += later.codes
        else:
            code_of = {name: code for code, name in enumerate(self.names)}
            fresh = [name for name in later.names if name not in code_of]
            code_of.update(zip(fresh, range(len(code_of), len(code_of) + len(fresh)), strict=True))
            self.names = [*self.names, *fresh] if fresh else self.names
            here = [code_of[name] for name in later.names]
            self.codes.extend(here[code] for code in later.codes)
        self.ts_ns += later.ts_ns
        self.prices += later.prices
        self.seqs += later.seqs
        self.sizes += later.sizes
        self.roles += later.roles

    def symbol(self, place: int) -> str:
        """The symbol of the print at a place."""
        return self.names[self.codes[place]]

    def quotes(self, places: Iterable[int] | None = None) -> list[Quote]:
        """The prints at these places, all of them where None."""
        return [
            Quote(
                self.names[self.codes[i]],
                self.ts_ns[i],
                self.prices[i],
                self.seqs[i],
                self.sizes[i],
                role=_ROLES[self.roles[i]],
            )
            for i in (range(len(self)) if places is None else places)
        ]


def of_quotes(quotes: Iterable[Quote]) -> pl.DataFrame:
    """These prints as columns; no bar may be among them (``is_plain``)."""
    held = list(quotes)
    return pl.DataFrame(
        {
            "symbol": [quote.symbol for quote in held],
            "ts_ns": [quote.ts_ns for quote in held],
            "price": [quote.price for quote in held],
            "seq": [quote.seq for quote in held],
            "size": [quote.size for quote in held],
            "role": [quote.role for quote in held],
        },
        schema=SCHEMA,
    )


def to_quotes(frame: pl.DataFrame) -> list[Quote]:
    """The rows of a frame with the columns of SCHEMA, as quotes."""
    return [
        Quote(symbol, ts_ns, price, seq, size, role=_ROLES[role])
        for symbol, ts_ns, price, seq, size, role in frame.select(*SCHEMA).iter_rows()
    ]


def is_plain(quote: Quote) -> bool:
    """Whether it is a print, which the columns can hold: no bar, and not in the place of a minute."""
    return quote.high is None and quote.low is None and not quote.bar_ns and quote.role != Role.MINUTE
