"""The pages: what breadth, graph, macro and the headline's clauses add to a tick with 2,100 members.

Markets over the same history get the same quotes and take turns: one of which nobody wants anything, one for
each page on screen, and one for all pages at once, as a host has it whose viewers look at each. Each tick the
legs print, and some members; then the pages that are looked at are drawn from the newest Snapshot.
"""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from bench import worlds
from bench.common import Measured, mid
from feeds.demo.macro import demo_macro
from rotation.breadth.members import MemberList, Membership
from rotation.context.wants import NOTHING
from rotation.desk import Desk
from rotation.market.market import Market
from rotation.market.status import Provenance
from rotation.sessions import open_ns
from rotation.status import LIVE
from tui.panels.asked import wants_of
from tui.screen.scene import draw_panel
from tui.view.view_state import PAGES, ViewState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rotation.context.wants import Wants
    from rotation.quote import Quote
    from rotation.snapshot import Snapshot

RUNS, TICKS, WARM_UP = 5, 100, 20
MEMBERS, SESSIONS = 2_100, 560
PRINTING = 50
"""Members that print in a tick."""
WIDTH, HEIGHT = 160, 41
"""Of a page on a screen of 160×45."""
AIMS = {"added_ms": 3.0, "added_by_a_page_ms": 3.0}
"""CPU of a tick, computed and drawn: of all pages at once, and of the dearest on its own."""
DESK = Desk(legs=worlds.TWELVE)
SHOWN = {"no page": frozenset[str](), **{page: frozenset({page}) for page in sorted(PAGES)}, "all": PAGES}
"""What is looked at beside the headline: pages by what the market is called."""


class Tick(NamedTuple):
    """CPU milliseconds of one of the markets."""

    computed: float
    drawn: float


def measure(*, quick: bool) -> Measured:
    runs, ticks, members, sessions = (1, 10, 200, 60) if quick else (RUNS, TICKS, MEMBERS, SESSIONS)
    names = worlds.symbols(len(worlds.TWELVE) + members)
    history = worlds.history(names, sessions)
    lists = tuple(_membership(fund, own) for fund, own in (("IWM", names[12:]), ("QQQ", names[12:112])))
    as_of_ns = open_ns(worlds.SESSION)
    seen: list[dict[str, Tick]] = []
    for run in range(runs):
        origin = Provenance(LIVE, "bench")
        # Without membership files nothing of the members is even kept.
        markets = {"plain": Market(history, DESK, as_of_ns=as_of_ns, origin=origin, members=names)}
        markets["plain"].want(NOTHING)
        for name, pages in SHOWN.items():
            markets[name] = Market(history, DESK, as_of_ns=as_of_ns, origin=origin, membership=lists)
            markets[name].want(_wants(pages))
            markets[name].take_macro(demo_macro(as_of_ns))
        prints = worlds.Prints(names, seed=run)
        everybody = prints.second()
        for market in markets.values():
            market.apply(everybody, as_of_ns=prints.now_ns)
        seen.append(_turns(markets, prints, ticks))
    took = {
        name: Tick(mid([each[name].computed for each in seen]), mid([each[name].drawn for each in seen]))
        for name in seen[0]
    }
    plain = took["plain"].computed
    added = {name: round(took[name].computed - plain + took[name].drawn, 3) for name in SHOWN}
    return Measured(
        runs,
        {
            "ticks": ticks,
            "members": members,
            "without_ms": plain,
            "with_pages_ms": took["all"].computed,
            "computed_ms": round(took["all"].computed - plain, 3),
            "drawn_ms": took["all"].drawn,
            "added_ms": added["all"],
            "added_by_headline_ms": added["no page"],
            "added_by_ms": {page: added[page] for page in sorted(PAGES)},
            "added_by_a_page_ms": max(added[page] for page in PAGES),
        },
        AIMS,
    )


def _wants(pages: frozenset[str]) -> Wants:
    """The headline's, and those of these pages."""
    return NOTHING.union(*(wants_of(ViewState(focus=page), {"ribbon", page}) for page in pages or {"legs"}))


def _membership(fund: str, symbols: Sequence[str]) -> Membership:
    frame = pl.DataFrame(
        {
            "symbol": symbols,
            "name": symbols,
            "sector": [f"sector {n % 11}" for n in range(len(symbols))],
            "weight_pct": [100 / len(symbols)] * len(symbols),
        }
    )
    return Membership.of(fund, [MemberList.of(fund, worlds.last_sessions(300)[0], frame)])


def _turns(markets: dict[str, Market], prints: worlds.Prints, ticks: int) -> dict[str, Tick]:
    """Medians by market."""
    spent: dict[str, list[Tick]] = {name: [] for name in markets}
    for tick in range(WARM_UP + ticks):
        quotes = prints.second(12 + PRINTING)
        for name, market in markets.items():
            computed, snapshot = _apply(market, quotes, prints.now_ns)
            drawn = _draw(snapshot, SHOWN.get(name, frozenset()))
            if tick >= WARM_UP:
                spent[name].append(Tick(computed, drawn))
    return {
        name: Tick(1000 * median(t.computed for t in each), 1000 * median(t.drawn for t in each))
        for name, each in spent.items()
    }


def _apply(market: Market, quotes: list[Quote], now_ns: int) -> tuple[float, Snapshot]:
    began = time.process_time()
    snapshot = market.apply(quotes, as_of_ns=now_ns)
    return time.process_time() - began, snapshot


def _draw(snapshot: Snapshot, pages: frozenset[str]) -> float:
    """As a screen draws them, borders too."""
    began = time.process_time()
    for page in pages:
        draw_panel(page, snapshot, ViewState(focus=page), WIDTH, HEIGHT)
    return time.process_time() - began
