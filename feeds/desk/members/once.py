"""One round of members for a single snapshot."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from feeds.desk.asked import Asked, far_from, meaning, scale_of, worth_of
from feeds.errors import SourceError
from feeds.streaming.requests import Reference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from feeds.streaming.vendor import Vendor

log = logging.getLogger(__name__)

PER_REQUEST = 200
MANY_AT_ONCE = ("Alpaca", "Alpaca SIP", "Massive")
"""Beginnings of the names of vendors that answer for hundreds of symbols in one request."""


def able(vendors: Iterable[Vendor]) -> list[Vendor]:
    """Those that can be asked for thousands of symbols; the others would need a request for each."""
    return [vendor for vendor in vendors if vendor.name.startswith(MANY_AT_ONCE)]


async def asked_once(
    vendors: Sequence[Vendor],
    symbols: Iterable[str],
    limit_s: float,
    *,
    closes: Mapping[str, float],
    clock_ns: Callable[[], int],
) -> Asked:
    """One round for a single snapshot; what is not answered within the limit is left out.

    ``closes``: history's latest, by symbol.
    """
    names, asked = sorted(symbols), Asked()
    with suppress(TimeoutError):
        async with asyncio.timeout(limit_s):
            for vendor in able(vendors):
                try:
                    for start in range(0, len(names), PER_REQUEST):
                        wanted = frozenset(names[start : start + PER_REQUEST])
                        newest = await vendor.snapshot(wanted)
                        ours = (quote for quote in newest if quote.symbol in wanted)
                        worth = worth_of(ours, vendor, clock_ns())
                        # Until the vendor has said why, what is far counts as split: time may be over.
                        doubts = meaning(Reference(), far_from(worth, closes))
                        asked = Asked(asked.quotes | worth, (*asked.scale, *doubts))
                except SourceError as error:
                    log.warning("members: %s: %s", vendor.name, error)
                if asked.quotes:
                    far = far_from(asked.quotes, closes)
                    asked = Asked(asked.quotes, await scale_of(vendor, far))
                    break
    return asked
