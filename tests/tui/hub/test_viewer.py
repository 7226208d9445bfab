"""A desk fed by a hub shows the same screen, cell by cell, as the hub's own desk: over a real NATS server."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from feeds.clock import Time
from feeds.demo.fed import demo_fed
from feeds.events import Batch, BidAsks, FedNews, HistoryUpdated, Status, SymbolStates
from feeds.hub.broker.connection import Access
from feeds.hub.broker.serve import Hub
from feeds.hub.broker.viewer import HubFeed
from feeds.supervisor import Supervisor
from rotation.desk import Desk
from rotation.feed_stats import FeedStats
from rotation.history import History
from rotation.market.market import Market
from rotation.quote import MINUTE_NS, NS, Nbbo, Quote
from rotation.status import CONSOLIDATED, Kind, Mode
from tests.support.fake_time import NOW_NS
from tests.support.fault_table import FIRST
from tests.support.live_desk import closes
from tests.support.servers.nats import nats_server
from tui.screen.scene import scene
from tui.view.theme import DEFAULT, names
from tui.view.view_state import PANELS, ViewState

MODE = Mode(Kind.LIVE, venue=CONSOLIDATED)


class Scripted:
    """A stream that has printed for an hour, and says that one symbol is halted and one incomplete."""

    name, mode, symbols = "Scripted", MODE, frozenset(FIRST)

    def mode_of(self, symbol):
        return MODE

    def stats(self):
        return FeedStats(symbols=3, subscribed=3, quotes=180, rate_per_s=1.5, age_s=2.0, lag_s=0.1)

    def tape(self):
        return None

    async def events(self):
        yield Status(Kind.LIVE, "as it should be")
        yield HistoryUpdated(closes(NOW_NS, sessions=300))
        for minute in range(60, -1, -1):
            at_ns = NOW_NS - minute * MINUTE_NS - 5 * NS
            prices = {symbol: price * (1 + minute / 5000) for symbol, price in FIRST.items()}
            yield Batch(tuple(Quote(s, at_ns, round(p, 2), size=100 + minute) for s, p in prices.items()))
        symbol, price = next(iter(FIRST.items()))
        yield BidAsks({symbol: Nbbo(symbol, price - 0.01, price + 0.01, NOW_NS - NS)})
        yield SymbolStates({list(FIRST)[-1]: Kind.HALTED}, frozenset({symbol}))
        yield FedNews(demo_fed(NOW_NS))
        await asyncio.Event().wait()


def screens(snapshot):
    """Every panel at some sizes, with all their cells."""
    start = ViewState(theme=DEFAULT, themes=names())
    for size in ((160, 45), (100, 30), (80, 24)):
        for panel in PANELS:
            for zoomed in (False, True):
                view = msgspec.structs.replace(start, focus=panel, zoomed=zoomed)
                yield (*size, panel, zoomed), scene(snapshot, view, *size)


@pytest.fixture
def server(tmp_path):
    with nats_server(tmp_path) as made:
        yield made


async def test_the_same_screen_cell_by_cell(server):
    opened: list[Supervisor] = []

    def make():
        market = Market(History.empty(), Desk(), as_of_ns=NOW_NS)
        opened.append(Supervisor(market, [Scripted()], clock_ns=lambda: NOW_NS))
        return opened[0], Desk().legs

    # The hub's clock stands, so that both show one moment; the viewer's clock is half a minute ahead.
    hub = Hub(Access(server.url), make, lambda line: None, time=Time(clock_ns=lambda: NOW_NS))
    ahead = Time(monotonic=lambda: 100.0, clock_ns=lambda: NOW_NS + 30 * NS)
    feed = HubFeed(Access(server.url), time=ahead)
    viewer = Supervisor(Market(History.empty(), Desk(), as_of_ns=NOW_NS), [feed], clock_ns=feed.hub_clock_ns)
    tasks = [asyncio.create_task(hub.run()), asyncio.create_task(viewer.run())]
    try:
        async with asyncio.timeout(60):
            while not (opened and same(opened[0].latest, viewer.latest)):
                for task in tasks:
                    assert not task.done(), task.exception()
                await asyncio.sleep(0.1)
        theirs = dict(screens(opened[0].latest))
        assert dict(screens(viewer.latest)) == theirs
        assert opened[0].latest.fed is not None
        assert {leg.status.kind for leg in viewer.latest.legs.values()} >= {Kind.LIVE, Kind.HALTED}
        assert viewer.latest.legs["IWM"].bid is not None
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def same(hub, viewer):
    if hub is None or viewer is None or hub.fed is None:
        return False
    return msgspec.structs.replace(hub, seq=0) == msgspec.structs.replace(viewer, seq=0)
