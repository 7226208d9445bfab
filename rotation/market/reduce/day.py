"""A symbol's session as one market has made it of its prints, for another one that is given no prints."""

from __future__ import annotations

import datetime as dt
from math import isfinite
from typing import TYPE_CHECKING

import msgspec

from rotation.market.auction import AUCTION_NS
from rotation.market.prints import PartDay
from rotation.quote import MINUTE_NS, Nbbo

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rotation.market.prints import Prints


class SymbolDay(msgspec.Struct, frozen=True):
    """A symbol's session so far."""

    symbol: str
    session: dt.date | None
    """None before any session is known."""
    parts: tuple[PartDay | None, PartDay | None, PartDay | None] = (None, None, None)
    """PRE, REGULAR and POST; None where nothing has printed."""
    bid_ask: Nbbo | None = None


def part_day(prints: Prints | None, minutes: Iterable[int] | None = None) -> PartDay | None:
    """The prints of a part of the day, with their last prices in these ``minutes``; None: in all of them."""
    if prints is None:
        return None
    held = prints.minutes
    places = held if minutes is None else [place for place in minutes if place in held]
    return PartDay(
        prints.last,
        prints.high if isfinite(prints.high) else None,
        prints.low if isfinite(prints.low) else None,
        prints.volume,
        {place: held[place] for place in places},
        is_whole=minutes is None,
    )


def tail(prints: Prints | None, opens_ns: int) -> tuple[int, ...]:
    """The minute of the last print, and the one before, whose last print may be as new."""
    if prints is None or prints.last is None:
        return ()
    minute = -((opens_ns - prints.last.ts_ns) // MINUTE_NS)
    return minute - 1, minute


def after_bell(opens_ns: int, closes_ns: int) -> range:
    """The minutes after the bell in which a closing auction may print."""
    closes = (closes_ns - opens_ns) // MINUTE_NS
    return range(closes + 1, closes + 1 + AUCTION_NS // MINUTE_NS)
