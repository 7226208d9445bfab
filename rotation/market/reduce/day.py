"""From a symbol's prints to its day: what of them another market needs."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from rotation.market.auction import AUCTION_NS
from rotation.quote import MINUTE_NS, PartDay

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rotation.market.prints import Prints
    from rotation.quote import Quote


def part_day(prints: Prints | None, minutes: Iterable[int] | None = None) -> PartDay | None:
    """The prints of a part of the day, with their last prices in these ``minutes``; None: in all of them."""
    if prints is None:
        return None
    held: Mapping[int, Quote | None]
    held = prints.minutes if minutes is None else {place: prints.minute(place) for place in minutes}
    return PartDay(
        prints.last,
        prints.high if isfinite(prints.high) else None,
        prints.low if isfinite(prints.low) else None,
        prints.volume,
        {place: quote for place, quote in held.items() if quote is not None},
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
