"""Quote: one price of one symbol at one instant, as every feed hands it over."""

from __future__ import annotations

import datetime as dt
from enum import Enum, IntEnum, auto

import msgspec

NS = 1_000_000_000
MINUTE_NS = 60 * NS
FUTURE_NS = 60 * NS
"""Allowance for clocks that disagree; a print further ahead of the clock is refused."""
PRICE_MAX = 1e7
"""Far above the dearest share (Berkshire Hathaway A, below 1,000,000); no price is larger."""


class Role(IntEnum):
    """What of a print counts. The numbers are those of recorded tapes."""

    PRICE = 0
    """All of it, in the part of the day of its time."""
    SIZE = 1
    """Its size alone: odd lots and other trades that by their conditions set no last price, high or low."""
    CLOSE = 2
    """All of it, and in the regular session though it comes after the bell: the closing auction."""
    MINUTE = 3
    """A bar of one whole minute that was fetched: it takes the place of all that was counted in that minute,
    and holds the prints of it that are still to come."""


class Quote(msgspec.Struct, frozen=True, gc=False):
    """One print, or one bar (then ``price`` is its close, known at its end ``ts_ns``).

    ``(symbol, ts_ns, seq)`` is the print's identity: the same identity with the same values is a
    duplicate, with other values a revision of the earlier one.
    """

    symbol: str
    ts_ns: int
    """Event time at the exchange, UTC nanoseconds since the epoch."""
    price: float
    seq: int = 0
    """Order within the same nanosecond, or the vendor's sequence number."""
    size: int = 0
    """Shares traded; 0 when the source gives none."""
    high: float | None = None
    """Highest price of a bar; None for a print."""
    low: float | None = None
    """Lowest price of a bar; None for a print."""
    bar_ns: int = 0
    """Length of a bar, which began at ``ts_ns - bar_ns``; 0 for a print, and where the length is unknown."""
    role: Role = Role.PRICE

    @property
    def sets_last(self) -> bool:
        """Whether its price may be the last price; else only its size counts."""
        return self.role != Role.SIZE


class Nbbo(msgspec.Struct, frozen=True, gc=False):
    """The best bid and ask of a symbol: of all exchanges, or of the one whose prints the vendor sends.

    Crossed, or with a side that is 0, it says that there is no market: what was known before holds no more.
    """

    symbol: str
    bid: float
    ask: float
    ts_ns: int
    """Event time at the exchange, UTC nanoseconds since the epoch."""

    @property
    def is_market(self) -> bool:
        """Whether both sides are prices, and the bid is not above the ask."""
        return is_price(self.bid) and is_price(self.ask) and self.bid <= self.ask


OTHER_SCALE = 1.25
"""Two prices of one share a session apart differ by less, but for a crash or a split."""


def is_other_scale(price: float, close: float) -> bool:
    """Whether a price is so far from the close before it that a split may lie between them."""
    return max(price / close, close / price) >= OTHER_SCALE


JUMP = 0.10
"""A price further than this from the one before it needs a second print; within as much of the first, that
one confirms it."""


def is_near(price: float, reference: float) -> bool:
    """Whether a price is within JUMP of a reference price."""
    return abs(price - reference) <= JUMP * reference


class PrintFault(Enum):
    """Why a quote cannot be a print."""

    PRICE = auto()
    """Not a number, not positive, or beyond PRICE_MAX."""
    RANGE = auto()
    """A bar whose close lies outside its own high and low."""
    SIZE = auto()
    TIME = auto()
    """Before the epoch, or more than FUTURE_NS ahead of the clock."""


def is_price(value: float) -> bool:
    """Whether a share can cost this much: finite, above 0 and at most PRICE_MAX."""
    return 0.0 < value <= PRICE_MAX  # which neither NaN nor infinity is


def bad_price(quote: Quote) -> float | None:
    """The first of price, high and low that is not a price; None where all are."""
    if quote.high is None and quote.low is None:
        return None if is_price(quote.price) else quote.price
    prices = (quote.price, quote.high, quote.low)
    return next((price for price in prices if price is not None and not is_price(price)), None)


def fault_of(quote: Quote, now_ns: int) -> PrintFault | None:
    """The one rule for a plausible print at ``now_ns`` (UTC nanoseconds); None where it is plausible."""
    if bad_price(quote) is not None:
        return PrintFault.PRICE
    if (quote.low is not None and not quote.low <= quote.price) or (
        quote.high is not None and not quote.price <= quote.high
    ):
        return PrintFault.RANGE
    if quote.size < 0:
        return PrintFault.SIZE
    if quote.ts_ns <= 0 or quote.ts_ns > now_ns + FUTURE_NS:
        return PrintFault.TIME
    return None


class PartDay(msgspec.Struct, frozen=True):
    """The prints of one part of the day, summed up."""

    last: Quote | None = None
    """By event time; None where the size alone of every print counts."""
    high: float | None = None
    low: float | None = None
    volume: int = 0
    minutes: dict[int, Quote] = {}
    """By the minute at whose end it is known, counted from the opening bell, the last print of each."""
    is_whole: bool = False
    """Whether ``minutes`` are all there are."""


class SymbolDay(msgspec.Struct, frozen=True):
    """A symbol's session so far."""

    symbol: str
    session: dt.date | None
    """None before any session is known."""
    parts: tuple[PartDay | None, PartDay | None, PartDay | None] = (None, None, None)
    """PRE, REGULAR and POST; None where nothing has printed."""
    bid_ask: Nbbo | None = None
