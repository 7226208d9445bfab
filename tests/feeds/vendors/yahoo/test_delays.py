"""By how much Yahoo's prices are late: what its chart states, and indices that it says nothing of."""

from __future__ import annotations

import json

import pytest

from feeds.http.cached import CachedClient
from feeds.streaming.feed import StreamFeed
from feeds.vendors.yahoo.stream import Yahoo
from rotation.desk import INDICES, Desk
from rotation.quote import NS
from rotation.status import LIVE, delayed
from tests.support.fake_time import NOW_NS, settle
from tests.support.servers.rest import RestServer, ok


def chart(symbol: str, **stated: object) -> bytes:
    meta = {"symbol": symbol, "regularMarketPrice": 2263.67, "regularMarketTime": NOW_NS // NS, **stated}
    return json.dumps({"chart": {"result": [{"meta": meta, "indicators": {"quote": [{}]}}]}}).encode()


def unasked() -> Yahoo:
    return Yahoo(None, clock_ns=lambda: NOW_NS)


@pytest.mark.parametrize("symbol", ["^RUT", "^FTSE", *sorted(INDICES - {"DJI"})])
def test_an_index_is_not_live_by_assumption(symbol: str):
    assert unasked().mode_of(symbol) == delayed(15)


def test_shares_are_live_and_an_index_is_where_yahoo_has_said_so():
    vendor = unasked()
    assert {vendor.mode_of(symbol) for symbol in ("IWM", "BRK.B", "DJI", "^DJI")} == {LIVE}
    feed = StreamFeed(vendor, Desk().legs)
    late = {symbol for symbol in Desk().legs if feed.mode_of(symbol) != LIVE}
    assert late == {"RUT", "NDX"}


@pytest.mark.parametrize(
    ("symbol", "stated", "mode"),
    [
        ("RUT", {"exchangeDataDelayedBy": 0}, LIVE),
        ("RUT", {"exchangeDataDelayedBy": 20}, delayed(20)),
        ("IWM", {"exchangeDataDelayedBy": 10}, delayed(10)),
        ("RUT", {}, delayed(15)),
        ("RUT", {"exchangeDataDelayedBy": None}, delayed(15)),
        ("RUT", {"exchangeDataDelayedBy": "soon"}, delayed(15)),
        ("RUT", {"exchangeDataDelayedBy": -5}, delayed(15)),
        ("RUT", {"exchangeDataDelayedBy": 1e9}, delayed(15)),
    ],
)
async def test_what_the_chart_states_counts(monkeypatch, symbol, stated, mode):
    name = "^RUT" if symbol == "RUT" else symbol
    async with RestServer(ok(chart(name, **stated))) as server:
        monkeypatch.setenv("ROTATION_TUI_YAHOO_REST_URL", server.url)
        clock = {"clock_ns": lambda: NOW_NS, "monotonic": lambda: 0.0, "random": lambda: 0.0}
        async with CachedClient(sleep=lambda _: settle(), **clock) as http:
            vendor = Yahoo(http, clock_ns=lambda: NOW_NS)
            await vendor.snapshot(frozenset({symbol}))
            assert vendor.mode_of(symbol) == mode
