"""Plain prints as columns: a row a print, in order of arrival. Bars stay quotes."""

from __future__ import annotations

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


class PrintColumns(msgspec.Struct):
    """Plain prints in order of arrival, a list for each field of ``Quote``, all of one length."""

    symbols: list[str] = []
    ts_ns: list[int] = []
    prices: list[float] = []
    seqs: list[int] = []
    sizes: list[int] = []
    roles: list[int] = []

    def __len__(self) -> int:
        """How many prints."""
        return len(self.symbols)

    @classmethod
    def of(cls, quotes: Sequence[Quote]) -> PrintColumns:
        """Of plain prints (``is_plain``)."""
        return cls(
            [quote.symbol for quote in quotes],
            [quote.ts_ns for quote in quotes],
            [quote.price for quote in quotes],
            [quote.seq for quote in quotes],
            [quote.size for quote in quotes],
            [int(quote.role) for quote in quotes],
        )

    def add(self, later: PrintColumns) -> None:
        """Put other prints behind these."""
        for name in self.__struct_fields__:
            getattr(self, name).extend(getattr(later, name))

    def quotes(self, places: Iterable[int] | None = None) -> list[Quote]:
        """The prints at these places, all of them where None."""
        return [
            Quote(
                self.symbols[i],
                self.ts_ns[i],
                self.prices[i],
                self.seqs[i],
                self.sizes[i],
                role=_ROLES[self.roles[i]],
            )
            for i in (range(len(self)) if places is None else places)
        ]

    def frame(self, kind: pl.DataType) -> pl.DataFrame:
        """With the columns of SCHEMA; ``kind`` is the symbols' type, null where an Enum lacks one.

        Raises OverflowError for a number beyond 64 bits.
        """
        # Made as an Enum at once, its thousands of names would be hashed for each column.
        symbols = pl.Series("symbol", self.symbols, dtype=pl.String)
        return pl.DataFrame(
            [
                symbols if kind == pl.String else symbols.cast(kind, strict=False),
                pl.Series("ts_ns", self.ts_ns, dtype=pl.Int64),
                pl.Series("price", self.prices, dtype=pl.Float64),
                pl.Series("seq", self.seqs, dtype=pl.Int64),
                pl.Series("size", self.sizes, dtype=pl.Int64),
                pl.Series("role", self.roles, dtype=pl.UInt8),
            ]
        )


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
