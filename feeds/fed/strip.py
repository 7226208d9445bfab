"""The strip of 30-Day Fed Funds futures, whichever vendor quotes it: Yahoo, and Databento with a key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from rotation.fed.inputs import StripQuote
from rotation.fed.strip.contracts import CODES, symbol
from rotation.status import Kind
from rotation.wording import state_word

__all__ = ["CODES", "Strip", "StripQuote", "StripSource", "code", "in_order", "months_ahead", "usable"]

if TYPE_CHECKING:
    from collections.abc import Iterable


PRICE_MIN, PRICE_MAX = 90.0, 110.0
"""Below: a wrong symbol or scale. Above 100 is a negative rate; above this, too, another thing."""


class Strip(msgspec.Struct, frozen=True):
    """What one refresh gave: contracts in order of expiry, each with its own time."""

    quotes: tuple[StripQuote, ...]
    kind: Kind
    """The worst of its contracts: LIVE, STALE or OFFLINE."""
    errors: tuple[str, ...] = ()
    """What failed, one line a contract."""
    age_s: float | None = None
    """Seconds since the answer confirmed longest ago; None without one."""

    @property
    def state(self) -> str:
        """The word for a reader: LIVE, STALE 42s or OFFLINE."""
        return state_word(self.kind, age_s=self.age_s)


class StripSource(Protocol):
    """What gives a strip. A vendor that pushes keeps the newest quotes itself and hands them out here."""

    name: str

    async def refresh(self) -> Strip:
        """The newest quotes; never raises for what the source does."""
        ...


def code(year: int, month: int) -> str:
    """``ZQZ26`` for December 2026."""
    return symbol((year, month))


def months_ahead(year: int, month: int, count: int) -> tuple[tuple[int, int], ...]:
    """``count`` contract months from this one on."""
    first = year * 12 + month - 1
    return tuple((at // 12, at % 12 + 1) for at in range(first, first + count))


def usable(price: float | None) -> float | None:
    """A price to four decimals, free of 32-bit noise; None where it cannot be one."""
    return round(price, 4) if price is not None and PRICE_MIN <= price <= PRICE_MAX else None


def in_order(quotes: Iterable[StripQuote]) -> tuple[StripQuote, ...]:
    """By expiry."""
    return tuple(sorted(quotes, key=lambda quote: (quote.year, quote.month)))
