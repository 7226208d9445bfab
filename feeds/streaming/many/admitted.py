"""What a filter lets in of many prints: rows, or quotes where a bar that waited is among them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import polars as pl

from rotation.columns import SCHEMA, is_plain, of_quotes, to_quotes
from rotation.quote import Quote, Role

if TYPE_CHECKING:
    from collections.abc import Mapping

    from feeds.streaming.many.judging import Passed

END = 2**32 - 1
"""Behind every row of a frame."""


class Admitted(msgspec.Struct, frozen=True, eq=False):
    """Rows or quotes; one of the two is empty."""

    rows: pl.DataFrame | None = None
    """With the columns of ``rotation.columns``; None where there are none."""
    quotes: list[Quote] = []
    symbols: frozenset[str] = frozenset()
    """Symbols with a row."""
    priced: frozenset[str] = frozenset()
    """Those of them with a row that may set the last price."""
    newest_ns: int = 0
    """The latest time of a row."""


def all_passed(passed: Passed) -> Admitted:
    """Where nothing else is let in."""
    if passed.rows.is_empty():
        return Admitted()
    symbols = frozenset(passed.symbols)
    return Admitted(passed.rows, [], symbols, passed.priced, passed.newest_ns)


def merged(passed: Passed, admitted: list[Quote], places: Mapping[int, int]) -> Admitted:
    """Rows and quotes in order of arrival; quotes keep the order in which they were let in.

    One that waited stands before the one that it was let in with, or at the end, where bid and ask did that.
    ``places`` of the quotes among all that came, by their ``id``.
    """
    if not admitted:
        return all_passed(passed)
    at, place = [], END
    for quote in reversed(admitted):
        place = min(place, places.get(id(quote), place))
        at.append(place)
    at.reverse()
    if not all(map(is_plain, admitted)):
        plain = zip(passed.places.tolist(), to_quotes(passed.rows), strict=True)
        ordered = sorted([*plain, *zip(at, admitted, strict=True)], key=lambda item: item[0])
        return Admitted(quotes=[quote for _, quote in ordered])
    others = of_quotes(admitted).cast({"symbol": passed.rows.schema["symbol"]})
    both = pl.concat([passed.rows, others])
    row = pl.Series("row", [*passed.places.tolist(), *at], dtype=pl.UInt32)
    return Admitted(
        both.hstack([row]).sort("row", maintain_order=True).select(*SCHEMA),
        symbols=frozenset(passed.symbols) | {quote.symbol for quote in admitted},
        priced=passed.priced | {quote.symbol for quote in admitted if quote.role != Role.SIZE},
        newest_ns=max(passed.newest_ns, *(quote.ts_ns for quote in admitted)),
    )
