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

from feeds.errors import SourceError
from feeds.events import ListedSplits, PreviousCloses
from feeds.streaming.reference import scale_events
from feeds.streaming.requests import Reference
from feeds.streaming.vendor import mode_of, reference_of
from feeds.streaming.watch.ahead import AHEAD_NS
from rotation.market.status import Provenance
from rotation.quote import Quote, fault_of, is_near
from rotation.sessions import session_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import date

    from feeds.streaming.vendor import Vendor

log = logging.getLogger(__name__)


class Asked(msgspec.Struct, frozen=True):
    """The newest prints with what each is worth by design, and their scale."""

    quotes: dict[Quote, Provenance] = {}
    scale: tuple[ListedSplits | PreviousCloses, ...] = ()
    """What is known of the splits behind the prints that are far from history's closes."""


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
                worth = worth_of(newest, vendor, clock_ns())
                if not worth:
                    continue
                far = far_from(worth, closes)
                asked = Asked(worth, meaning(Reference(), far))  # if the limit ends the next question
                asked = Asked(worth, await scale_of(vendor, far))
                break
    return asked


async def scale_of(vendor: Vendor, far: Sequence[Quote]) -> tuple[ListedSplits | PreviousCloses, ...]:
    """What the vendor says of prints far from history's closes; of what it does not explain, a split."""
    return meaning(await _reference(vendor, far), far)


def meaning(known: Reference, far: Sequence[Quote]) -> tuple[ListedSplits | PreviousCloses, ...]:
    """What an answer says of prints far from history's closes; of what it does not explain, a split."""
    session = _session(far)
    symbols = frozenset(quote.symbol for quote in far)
    return tuple(scale_events(known, session, symbols, far=symbols)) if session is not None else ()


async def _reference(vendor: Vendor, far: Sequence[Quote]) -> Reference:
    """Closes and splits behind them; empty where the vendor says nothing."""
    session = _session(far)
    if session is None:
        return Reference()
    try:
        known = await reference_of(vendor, frozenset(quote.symbol for quote in far), session)
    except SourceError as error:
        log.warning("snapshot: %s: %s", vendor.name, error)
        return Reference()
    return known or Reference()


def _session(far: Sequence[Quote]) -> date | None:
    return session_at(max((quote.ts_ns for quote in far), default=0))


def is_made(quote: Quote, now_ns: int) -> bool:
    """Whether it is a plausible current print: not an unfinished bar, and not ahead of time."""
    ahead_ns = 0 if quote.bar_ns else AHEAD_NS
    return fault_of(quote, now_ns) is None and quote.ts_ns <= now_ns + ahead_ns


def worth_of(newest: Iterable[Quote], vendor: Vendor, now_ns: int) -> dict[Quote, Provenance]:
    """The plausible prints of an answer, with what each is worth by design."""
    return {
        quote: Provenance(mode_of(vendor, quote.symbol), vendor.name)
        for quote in newest
        if is_made(quote, now_ns)
    }


def far_from(quotes: Iterable[Quote], closes: Mapping[str, float]) -> list[Quote]:
    """Those further from history's close than a print may be on its own word."""
    return [
        quote for quote in quotes if quote.symbol in closes and not is_near(quote.price, closes[quote.symbol])
    ]
