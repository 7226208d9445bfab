"""The feeds of the present: quotes, settled history, the Fed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Hashable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from feeds.clock import Pace, Time
from feeds.desk import choose
from feeds.desk.asked import first_answer
from feeds.desk.history_sources import open_sources
from feeds.desk.members.closes import MemberCloses
from feeds.desk.members.membership import load_membership
from feeds.desk.members.once import asked_once
from feeds.desk.members.prices import MemberPrices
from feeds.desk.opened.snapshots import Now
from feeds.fed import opening as fed_opening
from feeds.history.renames import FILE as RENAMES
from feeds.history.updater import HistoryUpdater
from feeds.http.cached import CachedClient
from feeds.macro import opening as macro_opening
from feeds.members.refresh import HoldingsRefresh
from feeds.streaming.failover import Failover
from feeds.streaming.feed import PACE_S, StreamFeed
from feeds.streaming.members.prints import MemberPrints
from feeds.vendors.yahoo.stream import Yahoo
from rotation.breadth.members import spelled
from rotation.desk import HISTORY_SINCE, is_index
from rotation.fed.assemble import fed
from rotation.sessions import new_york_day

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from feeds.desk.asked import Asked
    from feeds.events import Feed
    from feeds.history.store import HistoryStore
    from feeds.members.store import MemberStore
    from feeds.streaming.vendor import Vendor
    from rotation.breadth.members import Membership
    from rotation.desk import Desk, Universe
    from rotation.history import History

log = logging.getLogger(__name__)


FEW = 30
"""So many symbols every vendor follows; of more the order decides which are cut off."""


class Shared:
    """What the feeds of a desk have in common, also with those that take their place while it runs."""

    def __init__(self, time: Time | None = None) -> None:
        self.time = time or Time()
        self.refusals = Pace(random=self.time.random)  # quotes, history and futures ask the same Yahoo
        self.member_prints = MemberPrints()
        """What the stream of quotes brings of members, for whoever prices them."""
        self.turns = asyncio.Lock()
        """Of all that hand on history from one store."""
        self._updater: HistoryUpdater | None = None
        """That of the desk as it is; None where history is left as it is."""

    def use(self, feeds: Iterable[Feed]) -> None:
        """These are in charge from now on."""
        self._updater = next((feed for feed in feeds if type(feed) is HistoryUpdater), None)

    def ask_again(self, symbol: str) -> None:
        """A settled close of this symbol was corrected."""
        if self._updater is None:
            log.warning("%s: a settled close was corrected; the history named by hand is left alone", symbol)
        else:
            self._updater.ask_again(symbol)


Lineup = dict[Hashable, Callable[[], Sequence["Feed"]]]
"""What makes the feeds, by all that decides what they bring: what has the same key is the same.

Making one opens nothing; it may raise InputError.
"""


def lineup(
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
    shared: Shared,
    environ: Mapping[str, str] | None = None,
) -> Lineup:
    """Who brings what to a desk.

    ``store``: kept up to date; None where the person named a history. ``members``: of funds; ``priced``:
    those whose prices are asked for too. ``holdings``: refreshed each evening; None: left alone.
    ``universes``: a person's own, kept beside them.
    ``choice``: of ``feeds.desk.choose.NAMES``, or several with commas between. Making the feeds raises
    InputError for one without its key or an address that is none.
    """
    symbols, time = list(desk.legs), shared.time
    # Another order makes no other feeds where nothing is cut off: another pair of the same legs keeps them.
    who = frozenset(symbols) if len(symbols) <= FEW else tuple(symbols)
    named = choice, who
    quotes = partial(_quotes, symbols, history, choice=choice, cache=cache, shared=shared, environ=environ)
    made: Lineup = {("quotes", *named): quotes}
    if priced:
        made["members", *named] = partial(
            _member_prices, symbols, history, priced, choice=choice, shared=shared, environ=environ
        )
    if store is not None:
        made["history", who] = partial(_updater, store, symbols, members, shared=shared)
    if store is not None and members:
        made["member closes", who] = partial(
            _member_closes, store, symbols, members, shared=shared, environ=environ
        )
        if holdings is not None:
            made["holdings", tuple(universes)] = partial(
                _holdings, holdings, store, tuple(universes), time=time
            )
    pair = desk.base, desk.against
    made["fed"] = lambda: [fed_opening.live(data / "fed", cache, refusals=shared.refusals)]
    made["macro", pair] = lambda: [
        macro_opening.live(data / "macro", cache, pair=pair, refusals=shared.refusals, environ=environ)
    ]
    return made


def _quotes(
    symbols: Sequence[str],
    history: History,
    *,
    choice: str,
    cache: Path,
    shared: Shared,
    environ: Mapping[str, str] | None,
) -> list[Feed]:
    """The vendors' stream, and Yahoo's indices beside it where they have none."""
    time, closes = shared.time, history.newest(symbols)
    http = CachedClient(
        cache, clock_ns=time.clock_ns, monotonic=time.monotonic, sleep=time.sleep, refusals=shared.refusals
    )
    vendors = choose.vendors(choice, symbols, http, time, environ)
    shares, indices = _dealt(vendors, symbols)
    if choice == "alpaca-test":  # it shows on the Health panel that the key and the way there are good
        shares = [choose.TEST_SYMBOL]
    made: list[Feed] = [
        Failover(
            http,
            [
                choose.by_vendor(vendor, shares, closes, time, shared.ask_again, members=shared.member_prints)
                for vendor in vendors
            ],
            time=time,
            why=choose.why_chosen(choice, environ),
        )
    ]
    if indices:
        yahoo = Yahoo(http, clock_ns=time.clock_ns)
        beside = StreamFeed(yahoo, indices, closes=closes, time=time, pace_s=PACE_S)
        beside.name = "Yahoo indices"
        made.append(beside)
    return made


def _member_prices(
    symbols: Sequence[str],
    history: History,
    priced: AbstractSet[str],
    *,
    choice: str,
    shared: Shared,
    environ: Mapping[str, str] | None,
) -> list[Feed]:
    time = shared.time
    # With connections of its own: a round must not wait behind the legs, nor they behind it.
    http = CachedClient(
        clock_ns=time.clock_ns, monotonic=time.monotonic, sleep=time.sleep, refusals=shared.refusals
    )
    vendors = choose.vendors(choice, (), http, time, environ)
    return [
        MemberPrices(
            vendors,
            priced,
            http=http,
            history=history,
            time=time,
            legs=set(symbols),
            prints=shared.member_prints,
        )
    ]


def _updater(
    store: HistoryStore, symbols: Sequence[str], members: AbstractSet[str], *, shared: Shared
) -> list[Feed]:
    sources = partial(
        open_sources, "auto", symbols=len(symbols), since=HISTORY_SINCE, refusals=shared.refusals
    )
    return [
        HistoryUpdater(
            store,
            symbols,
            since=HISTORY_SINCE,
            time=shared.time,
            sources=sources,
            members=members,
            turns=shared.turns,
        )
    ]


def _member_closes(
    store: HistoryStore,
    symbols: Sequence[str],
    members: AbstractSet[str],
    *,
    shared: Shared,
    environ: Mapping[str, str] | None,
) -> list[Feed]:
    of_many = partial(
        open_sources,
        "auto",
        symbols=len(members),
        since=HISTORY_SINCE,
        refusals=shared.refusals,
        environ=environ,
    )
    return [MemberCloses(store, symbols, members, time=shared.time, sources=of_many, turns=shared.turns)]


def _holdings(
    holdings: MemberStore, store: HistoryStore, universes: tuple[Universe, ...], *, time: Time
) -> list[Feed]:
    def load() -> tuple[Membership, ...]:
        return load_membership(holdings, store.folder, new_york_day(time.clock_ns()), universes)

    return [HoldingsRefresh(holdings, load, time=time, beside=store.folder / RENAMES)]


def _spelled(history: History) -> dict[str, float]:
    """The latest closes by the symbols that members have."""
    return {spelled(symbol): close for symbol, close in history.newest(history.symbols).items()}


def _dealt(vendors: Sequence[Vendor], symbols: Sequence[str]) -> tuple[list[str], list[str]]:
    """What the vendors bring, and the indices that Yahoo brings beside them: brokers have none."""
    if all(vendor.name == "Yahoo" for vendor in vendors):
        return list(symbols), []
    indices = [symbol for symbol in symbols if is_index(symbol)]
    return [symbol for symbol in symbols if symbol not in indices], indices


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
