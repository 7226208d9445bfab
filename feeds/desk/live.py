"""The feeds of the present: quotes, settled history, the Fed."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING

from feeds.clock import Pace, Time
from feeds.desk import choose
from feeds.desk.asked import first_answer
from feeds.desk.history_sources import open_sources
from feeds.desk.member_closes import MemberCloses
from feeds.desk.member_prices import MemberPrices, asked_once
from feeds.desk.membership import load_membership
from feeds.desk.open import Now
from feeds.fed import opening as fed_opening
from feeds.history.renames import FILE as RENAMES
from feeds.history.updater import HistoryUpdater
from feeds.http.cached import CachedClient
from feeds.macro import opening as macro_opening
from feeds.members.refresh import HoldingsRefresh
from feeds.streaming.failover import Failover
from feeds.streaming.feed import PACE_S, StreamFeed
from feeds.vendors.yahoo.stream import Yahoo
from rotation.breadth.members import spelled
from rotation.desk import HISTORY_SINCE, is_index
from rotation.fed.assemble import fed
from rotation.sessions import new_york_day

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from feeds.desk.asked import Asked
    from feeds.events import Feed
    from feeds.history.store import HistoryStore
    from feeds.members.store import MemberStore
    from feeds.streaming.vendor import Vendor
    from rotation.desk import Desk, Universe
    from rotation.history import History

log = logging.getLogger(__name__)


def feeds(
    desk: Desk,
    history: History,
    store: HistoryStore | None,
    *,
    choice: str,
    data: Path,
    cache: Path,
    members: AbstractSet[str] = frozenset(),
    priced: AbstractSet[str] = frozenset(),
    holdings: MemberStore | None = None,
    universes: Sequence[Universe] = (),
    time: Time | None = None,
    environ: Mapping[str, str] | None = None,
) -> list[Feed]:
    """What a live desk listens to.

    ``store``: kept up to date; None where the person named a history. ``members``: of funds; ``priced``:
    those whose prices are asked for too. ``holdings``: refreshed each evening; None: left alone.
    ``universes``: a person's own, kept beside them.
    ``choice``: of ``feeds.desk.choose.NAMES``, or several with commas between. Raises InputError for a feed
    without its key or an address that is none.
    """
    time = time or Time()
    refusals = Pace(random=time.random)  # quotes, history and futures ask the same Yahoo
    http = CachedClient(
        cache, clock_ns=time.clock_ns, monotonic=time.monotonic, sleep=time.sleep, refusals=refusals
    )
    symbols = list(desk.legs)
    closes = history.newest(symbols)
    sources = partial(open_sources, "auto", symbols=len(symbols), since=HISTORY_SINCE, refusals=refusals)
    turns = asyncio.Lock()
    updater = (
        None
        if store is None
        else HistoryUpdater(
            store, symbols, since=HISTORY_SINCE, time=time, sources=sources, members=members, turns=turns
        )
    )
    on_corrected_close = updater.ask_again if updater is not None else _left_alone
    vendors = choose.vendors(choice, symbols, http, time, environ)
    shares, indices = _dealt(vendors, symbols)
    if choice == "alpaca-test":  # it shows on the Health panel that the key and the way there are good
        shares = [choose.TEST_SYMBOL]
    live_feeds: list[Feed] = [
        Failover(
            http,
            [choose.by_vendor(vendor, shares, closes, time, on_corrected_close) for vendor in vendors],
            time=time,
            why=choose.why_chosen(choice, environ),
        )
    ]
    if indices:
        yahoo = Yahoo(http, clock_ns=time.clock_ns)
        beside = StreamFeed(yahoo, indices, closes=closes, time=time, pace_s=PACE_S)
        beside.name = "Yahoo indices"
        live_feeds.append(beside)
    if priced:
        # With connections of its own: a round must not wait behind the legs, nor they behind it.
        beside_legs = CachedClient(
            clock_ns=time.clock_ns, monotonic=time.monotonic, sleep=time.sleep, refusals=refusals
        )
        live_feeds.append(
            MemberPrices(
                choose.vendors(choice, (), beside_legs, time, environ),
                priced,
                http=beside_legs,
                history=history,
                time=time,
                legs=set(symbols),
            )
        )
    if updater is not None:
        live_feeds.append(updater)
    if store is not None and members:
        of_many = partial(
            open_sources,
            "auto",
            symbols=len(members),
            since=HISTORY_SINCE,
            refusals=refusals,
            environ=environ,
        )
        live_feeds.append(MemberCloses(store, symbols, members, time=time, sources=of_many, turns=turns))
        if holdings is not None:
            live_feeds.append(
                HoldingsRefresh(
                    holdings,
                    lambda: load_membership(holdings, store.folder, new_york_day(time.clock_ns()), universes),
                    time=time,
                    beside=store.folder / RENAMES,
                )
            )
    fed_feed = fed_opening.live(data / "fed", cache, refusals=refusals)
    pair = desk.base, desk.against
    causes = macro_opening.live(data / "macro", cache, pair=pair, refusals=refusals, environ=environ)
    return [*live_feeds, fed_feed, causes]


def _spelled(history: History) -> dict[str, float]:
    """The latest closes by the symbols that members have."""
    return {spelled(symbol): close for symbol, close in history.newest(history.symbols).items()}


def _dealt(vendors: Sequence[Vendor], symbols: Sequence[str]) -> tuple[list[str], list[str]]:
    """What the vendors bring, and the indices that Yahoo brings beside them: brokers have none."""
    if all(vendor.name == "Yahoo" for vendor in vendors):
        return list(symbols), []
    indices = [symbol for symbol in symbols if is_index(symbol)]
    return [symbol for symbol in symbols if symbol not in indices], indices


def _left_alone(symbol: str) -> None:
    log.warning("%s: a settled close was corrected; the history named by hand is left as it is", symbol)


async def once(
    desk: Desk,
    *,
    choice: str,
    data: Path,
    cache: Path,
    limit_s: float,
    history: History | None = None,
    priced: AbstractSet[str] = frozenset(),
    time: Time | None = None,
    environ: Mapping[str, str] | None = None,
) -> Now:
    """Ask every live source once; what does not answer within ``limit_s`` is left out.

    ``history``: what prices are compared with, since a split may lie between. ``priced``: members of funds
    that are asked for too, in one round. Raises InputError as ``feeds`` does.
    """
    time = time or Time()
    refusals = Pace(random=time.random)  # quotes and futures ask the same Yahoo
    http = CachedClient(
        cache, tries=1, clock_ns=time.clock_ns, monotonic=time.monotonic, sleep=time.sleep, refusals=refusals
    )
    vendors = choose.vendors(choice, list(desk.legs), http, time, environ)
    shares, indices = _dealt(vendors, desk.legs)
    yahoo = Yahoo(http, clock_ns=time.clock_ns)
    asked = fed_opening.live(data / "fed", cache, tries=1, refusals=refusals, once=True)
    pair = desk.base, desk.against
    causes = macro_opening.live(
        data / "macro", cache, pair=pair, tries=1, refusals=refusals, once=True, environ=environ
    )

    closes = history.newest(desk.legs) if history is not None else {}
    first = partial(first_answer, closes=closes, clock_ns=time.clock_ns)

    async def quotes() -> tuple[Asked, Asked, Asked]:
        async with http:
            return await asyncio.gather(
                first(vendors, shares, limit_s),
                first([yahoo], indices, limit_s),
                asked_once(
                    vendors,
                    priced - set(desk.legs),
                    limit_s,
                    closes=_spelled(history) if history is not None and priced else {},
                    clock_ns=time.clock_ns,
                ),
            )

    (main, beside, members), (inputs, now_ns), macro = await asyncio.gather(
        quotes(), asked.once(limit_s), causes.once(limit_s, banks=False)
    )
    quoted = members.quotes | main.quotes | beside.quotes
    provenance = {quote.symbol: origin for quote, origin in quoted.items()}
    return Now(tuple(quoted), provenance, fed(inputs, now_ns), (*main.scale, *members.scale), macro)
