"""What a vendor answers when it is asked once: plausible prints, and whether history is on their scale.

A stream has time: its jumps wait for a second print, its session's first answer for closes and splits. Here
one answer is all there is, so a price far from history's close is asked about at once.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from feeds.desk.open import Scale
from feeds.errors import SourceError
from feeds.streaming.vendor import ReferenceSource, mode_of
from feeds.streaming.watch.ahead import AHEAD_NS
from feeds.streaming.watch.jumps import JUMP
from rotation.market.status import Provenance
from rotation.quote import Quote, fault_of
from rotation.sessions import session_at

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date

    from feeds.streaming.vendor import Vendor

log = logging.getLogger(__name__)


class Asked(msgspec.Struct, frozen=True):
    """The newest prints with what each is worth by design, and their scale."""

    quotes: dict[Quote, Provenance] = {}
    scale: Scale = Scale()


async def first_answer(
    vendors: Sequence[Vendor],
    symbols: Sequence[str],
    limit_s: float,
    *,
    closes: Mapping[str, float],
    clock_ns: Callable[[], int],
) -> Asked:
    """The newest prints, from the first vendor that answers; none where the time is over before.

    ``closes``: history's latest, by symbol. A bar that still forms and a print ahead of time are left out.
    """
    asked = Asked()
    with suppress(TimeoutError):
        async with asyncio.timeout(limit_s):
            for vendor in vendors if symbols else ():
                try:
                    newest = await vendor.snapshot(frozenset(symbols))
                except SourceError as error:
                    log.warning("snapshot: %s: %s", vendor.name, error)
                    continue
                quotes = [quote for quote in newest if is_made(quote, clock_ns())]
                if not quotes:
                    continue
                worth = {quote: Provenance(mode_of(vendor, quote.symbol), vendor.name) for quote in quotes}
                far = far_from(quotes, closes)
                asked = Asked(worth, _unknown(far))  # what is left if the limit ends the next question
                asked = Asked(worth, await _scale(vendor, asked.scale))
                break
    return asked


def _unknown(far: Sequence[Quote]) -> Scale:
    """Of prints far from history's closes, before anybody has said why."""
    session = session_at(max((quote.ts_ns for quote in far), default=0))
    return Scale() if session is None else Scale(session, doubtful=frozenset(quote.symbol for quote in far))


async def _scale(vendor: Vendor, unknown: Scale) -> Scale:
    """What the vendor says of the closes and splits behind them."""
    if unknown.session is None or not isinstance(vendor, ReferenceSource):
        return unknown
    try:
        known = await vendor.reference(unknown.doubtful, unknown.session)
    except SourceError as error:
        log.warning("snapshot: %s: %s", vendor.name, error)
        return unknown
    doubtful = unknown.doubtful - known.closes.keys() - known.splits.keys()
    return Scale(unknown.session, known.closes, known.splits, doubtful)


def is_made(quote: Quote, now_ns: int) -> bool:
    """Whether it is a plausible print of now: no bar that still forms, and not ahead of time."""
    ahead_ns = 0 if quote.bar_ns else AHEAD_NS
    return fault_of(quote, now_ns) is None and quote.ts_ns <= now_ns + ahead_ns


def far_from(quotes: Sequence[Quote], closes: Mapping[str, float]) -> list[Quote]:
    """Those further from history's close than a print may be on its own word."""
    return [quote for quote in quotes if _is_far(quote, closes)]


async def scale_of(vendor: Vendor, far: Sequence[Quote], session: date) -> Scale:
    """What the vendor says of the closes and splits behind prices far from history's."""
    return await _scale(vendor, Scale(session, doubtful=frozenset(quote.symbol for quote in far)))


def both(first: Scale, second: Scale) -> Scale:
    """What is known of two sets of symbols, of the same session; of two sessions the first that is given."""
    if first.session is None or second.session not in (None, first.session):
        return second if first.session is None else first
    return Scale(
        first.session,
        second.closes | first.closes,
        second.splits | first.splits,
        first.doubtful | second.doubtful,
    )


def _is_far(quote: Quote, closes: Mapping[str, float]) -> bool:
    close = closes.get(quote.symbol)
    return close is not None and abs(quote.price - close) > JUMP * close
