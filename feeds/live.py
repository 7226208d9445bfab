"""The feeds of the present: quotes, settled history, the Fed."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from feeds import auto, fed_opening
from feeds.auto import AutoFeed, by_vendor
from feeds.errors import SourceError
from feeds.keeper import HistoryKeeper
from feeds.opening import Now
from feeds.stream import StreamFeed
from feeds.stream_time import Time
from feeds.symbols import is_index
from feeds.transport import Transport
from feeds.yahoo import Yahoo
from rotation.desk import HISTORY_SINCE
from rotation.fed_view import fed
from rotation.states import Standing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from feeds.base import Feed
    from feeds.store import HistoryStore
    from rotation.desk import Desk
    from rotation.history import History
    from rotation.ticks import Quote

log = logging.getLogger(__name__)


def feeds(
    desk: Desk,
    history: History,
    store: HistoryStore | None,
    *,
    choice: str,
    data: Path,
    cache: Path,
    time: Time | None = None,
    environ: Mapping[str, str] | None = None,
) -> list[Feed]:
    """What a live desk listens to.

    ``store``: kept up to date; None where the person named a history. ``choice``: a name of
    ``feeds.auto.NAMES``. Raises InputError for a feed without its key or an address that is none.
    """
    time = time or Time()
    transport = Transport(cache)
    symbols = list(desk.legs)
    closes = {symbol: close for symbol in symbols if (close := _newest(history, symbol)) is not None}
    vendors = auto.vendors(choice, symbols, transport, time, environ)
    found: list[Feed] = [
        AutoFeed(transport, [by_vendor(vendor, symbols, closes, time) for vendor in vendors])
    ]
    indices = [symbol for symbol in symbols if is_index(symbol)]
    if indices and vendors[0].name != "Yahoo":  # brokers have no indices
        found.append(StreamFeed(Yahoo(transport, clock_ns=time.clock_ns), indices, closes=closes, time=time))
    if store is not None:
        found.append(HistoryKeeper(store, symbols, since=HISTORY_SINCE, time=time))
    return [*found, fed_opening.live(data / "fed", cache)]


async def once(
    desk: Desk, *, choice: str, data: Path, cache: Path, limit_s: float, time: Time | None = None
) -> Now:
    """Ask every live source once; what does not answer within ``limit_s`` is left out.

    Raises InputError as ``feeds`` does.
    """
    time = time or Time()
    transport = Transport(cache, tries=1)
    vendor = auto.vendors(choice, list(desk.legs), transport, time)[0]
    asked = fed_opening.live(data / "fed", cache, tries=1)

    async def quotes() -> tuple[Quote, ...]:
        async with transport:
            try:
                async with asyncio.timeout(limit_s):
                    return await vendor.snapshot(frozenset(desk.legs))
            except (SourceError, TimeoutError) as error:
                log.warning("snapshot: %s: %s", vendor.name, error or "no answer in time")
                return ()

    found, (inputs, now_ns) = await asyncio.gather(quotes(), asked.once(limit_s))
    standing = Standing(vendor.mode, vendor.name)
    return Now(found, {quote.symbol: standing for quote in found}, fed(inputs, now_ns))


def _newest(history: History, symbol: str) -> float | None:
    """The latest close known: what the first prints are judged against."""
    closes = history.frame.filter(history.frame["symbol"] == symbol)["close"].drop_nulls()
    return float(closes[-1]) if len(closes) else None
