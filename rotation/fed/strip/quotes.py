"""One usable price a contract, from settlement files and from order books."""

from __future__ import annotations

import re
from math import isfinite
from typing import TYPE_CHECKING

import msgspec

from rotation.errors import InputError
from rotation.fed.strip.contracts import month_named, name
from rotation.fed.strip.errors import PriceError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rotation.fed.strip.contracts import Month

_SETTLE = re.compile(r"(\d{1,3}(?:\.\d+)?)[AB]?", re.ASCII)
"""A and B mark a settlement made from the ask or the bid."""


class Book(msgspec.Struct, frozen=True):
    """The best quotes of one contract; None means there is none. The last trade is left out on purpose."""

    bid: float | None
    ask: float | None
    settlement: float | None
    """The last daily one."""


class Usable(msgspec.Struct, frozen=True):
    """The price to compute with."""

    price: float
    settled: bool
    """True where it is the last settlement, which does not age."""
    flag: str
    """Why the quotes were not used, without the contract's name; "" where they were."""


def settlement(text: str) -> float | None:
    """The price in "95.3050", "95.3050A" or "95.3050B"; None in "-" and "". Else InputError."""
    bare = text.strip()
    if bare in ("", "-"):
        return None
    match = _SETTLE.fullmatch(bare)
    if not match:
        raise InputError(
            f"{text!r} is not a settlement; it should read like 95.3050, with A or B behind it at most"
        )
    return float(match[1])


def settlements(rows: Iterable[tuple[str, str]]) -> dict[Month, float]:
    """Read (month, settle) rows of a settlement file, as ("DEC 26", "95.8350").

    "Total" and contracts without a settlement are left out. Raises InputError that names the contract for
    a month given twice or a price that cannot be read.
    """
    prices: dict[Month, float] = {}
    for label, text in rows:
        if label.strip().casefold() == "total":
            continue
        month = month_named(label)
        try:
            price = settlement(text)
        except InputError as error:
            raise InputError(f"{name(month)}: {error}") from None
        if month in prices:
            raise InputError(f"{name(month)} appears twice in the settlement file; keep one row")
        if price is not None:
            prices[month] = price
    return prices


def usable(month: Month, book: Book) -> Usable:
    """The middle of a two-sided book; else the last settlement, flagged.

    Raises PriceError where the book has no two sides and no settlement is known.
    """
    bid, ask = (side if side is not None and isfinite(side) else None for side in (book.bid, book.ask))
    if bid is not None and ask is not None and bid <= ask:
        return Usable((bid + ask) / 2, settled=False, flag="")
    why = "crossed" if bid is not None and ask is not None else "empty" if bid is ask else "one-sided"
    if book.settlement is None or not isfinite(book.settlement):
        raise PriceError(
            f"{name(month)}: the book is {why} and there is no settlement; add its last settlement",
            contracts=(month,),
        )
    return Usable(book.settlement, settled=True, flag=f"{why} book, last settlement used")
