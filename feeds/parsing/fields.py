"""Fields of a vendor's message, checked: only a valid symbol, price, size and instant become a Quote."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from feeds.parsing.wire import instant_ns, number
from rotation.quote import Quote, Role, is_price

if TYPE_CHECKING:
    from collections.abc import Iterable

SIZE_MAX = 10**12
_SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9.:/^=_-]{0,23}", re.ASCII)


def symbol(value: object) -> str | None:
    """A ticker as exchanges write them; None for anything else, so that no text of others passes."""
    return value if isinstance(value, str) and _SYMBOL.fullmatch(value) else None


def price(value: object) -> float | None:
    """A figure that a share can cost (``rotation.quote.is_price``); None for anything else."""
    figure = number(value)
    return figure if figure is not None and is_price(figure) else None


def quote(
    name: object,
    ts_ns: int | None,
    paid: object,
    size: object = None,
    *,
    seq: object = 0,
    high: object = None,
    low: object = None,
    bar_ns: int = 0,
    role: Role = Role.PRICE,
) -> Quote | str:
    """A Quote of checked fields, or in our own words why there is none.

    ``high``, ``low`` and ``bar_ns``, its length, are given together, for a bar. Parts of a share
    are cut off ``size``.
    """
    ticker, last, traded, order = symbol(name), price(paid), _size(size), _order(seq)
    if ticker is None:
        return "invalid symbol"
    if ts_ns is None or last is None or traded is None or order is None:
        fields = (("time", ts_ns), ("price", last), ("size", traded), ("number", order))
        return f"{ticker}: invalid {next(field for field, value in fields if value is None)}"
    if high is None and low is None:
        return Quote(ticker, ts_ns, last, order, traded, role=role)
    top, bottom = price(high), price(low)
    if top is None or bottom is None or not bottom <= last <= top:
        return f"{ticker}: invalid bar"
    return Quote(ticker, ts_ns, last, order, traded, top, bottom, bar_ns)


def _size(value: object) -> int | None:
    figure = 0.0 if value is None else number(value)
    return int(figure) if figure is not None and 0.0 <= figure <= SIZE_MAX else None


def _order(value: object) -> int | None:
    """Exact: ids have up to 63 bits, more than a float holds."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    usable = isinstance(value, int) and not isinstance(value, bool) and -1 <= value < 2**63
    return value if usable and isinstance(value, int) else None


def instant(value: object) -> int | None:
    """UTC nanoseconds of an epoch in s, ms or ns, or of ISO text with a zone; None for anything else."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 10**17:
        return value if value < 2**63 else None
    return instant_ns(value)


def sifted(results: Iterable[Quote | str]) -> tuple[tuple[Quote, ...], tuple[str, ...]]:
    """(quotes, reasons), each in order."""
    quotes: list[Quote] = []
    reasons: list[str] = []
    for result in results:
        if isinstance(result, Quote):
            quotes.append(result)
        else:
            reasons.append(result)
    return tuple(quotes), tuple(reasons)
