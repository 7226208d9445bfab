"""The pages: what breadth, graph, macro and the headline's clauses add to a tick with 2,100 members.

Two markets get the same quotes and take turns: one without members and causes, one with both. Each tick the
legs print, and some members. Then every page is drawn from the newest Snapshot.
"""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING

import polars as pl

from bench import worlds
from bench.common import Measured, mid
from feeds.demo.macro import demo_macro
from rotation.breadth.members import MemberList, Membership
from rotation.desk import Desk
from rotation.market.market import Market
from rotation.market.status import Provenance
from rotation.sessions import open_ns
from rotation.status import LIVE
from tui.panels.registry import PANELS
from tui.view.view_state import PAGES, ViewState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rotation.quote import Quote
    from rotation.snapshot import Snapshot

RUNS, TICKS, WARM_UP = 5, 200, 20
MEMBERS, SESSIONS = 2_100, 560
PRINTING = 50
"""Members that print in a tick."""
WIDTH, HEIGHT = 160, 45
AIMS = {"added_ms": 3.0}
"""CPU of a tick: computed and drawn."""
DESK = Desk(legs=worlds.TWELVE)


def measure(*, quick: bool) -> Measured:
    runs, ticks, members, sessions = (1, 10, 200, 60) if quick else (RUNS, TICKS, MEMBERS, SESSIONS)
    names = worlds.symbols(len(worlds.TWELVE) + members)
    history = worlds.history(names, sessions)
    lists = tuple(_membership(fund, own) for fund, own in (("IWM", names[12:]), ("QQQ", names[12:112])))
    as_of_ns = open_ns(worlds.SESSION)
    seen: list[tuple[float, float, float]] = []
    for run in range(runs):
        plain = Market(history, DESK, as_of_ns=as_of_ns, origin=Provenance(LIVE, "bench"), members=names)
        whole = Market(history, DESK, as_of_ns=as_of_ns, origin=Provenance(LIVE, "bench"), membership=lists)
        whole.take_macro(demo_macro(as_of_ns))
        prints = worlds.Prints(names, seed=run)
        everybody = prints.second()
        for market in (plain, whole):
            market.apply(everybody, as_of_ns=prints.now_ns)
        seen.append(_turns(plain, whole, prints, ticks))
    without, with_pages, drawn = (mid([each[at] for each in seen]) for at in range(3))
    return Measured(
        runs,
        {
            "ticks": ticks,
            "members": members,
            "without_ms": without,
            "with_pages_ms": with_pages,
            "drawn_ms": drawn,
            "added_ms": round(with_pages - without + drawn, 3),
        },
        AIMS,
    )


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


def _turns(plain: Market, whole: Market, prints: worlds.Prints, ticks: int) -> tuple[float, float, float]:
    """Medians of CPU milliseconds: of a tick without, with, and of drawing all pages."""
    spent: tuple[list[float], list[float], list[float]] = ([], [], [])
    for tick in range(WARM_UP + ticks):
        quotes = prints.second(12 + PRINTING)
        taken = _apply(plain, quotes, prints.now_ns), _apply(whole, quotes, prints.now_ns)
        drawn = _draw(taken[1][1])
        if tick >= WARM_UP:
            spent[0].append(taken[0][0])
            spent[1].append(taken[1][0])
            spent[2].append(drawn)
    without, with_pages, drawing = (1000 * median(each) for each in spent)
    return without, with_pages, drawing


def _apply(market: Market, quotes: list[Quote], now_ns: int) -> tuple[float, Snapshot]:
    began = time.process_time()
    snapshot = market.apply(quotes, as_of_ns=now_ns)
    return time.process_time() - began, snapshot


def _draw(snapshot: Snapshot) -> float:
    began = time.process_time()
    for page in PAGES:
        PANELS[page].rows(snapshot, ViewState(focus=page), WIDTH, HEIGHT)
    return time.process_time() - began
