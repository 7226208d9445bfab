"""An answer is kept under its request: what was said of one symbol is never held against another."""

from __future__ import annotations

import json

from feeds.http.cached import CachedClient
from feeds.vendors.massive.stream import Massive
from tests.support.servers.rest import RestServer, ok

MINUTE_NS = 60 * 10**9
OPEN_NS = 1_721_136_600 * 10**9


def bars(price: float) -> bytes:
    bar = {"t": OPEN_NS // 10**6, "o": price, "h": price, "l": price, "c": price, "v": 10}
    return json.dumps({"results": [bar]}).encode()


async def test_bars_of_another_symbol_are_not_held_against_this_ones(monkeypatch, tmp_path):
    """The second answer comes from a cache on the way: older than IWM's bars, and no worse for it."""
    async with RestServer(ok(bars(221.0)), ok(bars(495.0), age="3600")) as server:
        monkeypatch.setenv("ROTATION_TUI_MASSIVE_REST_URL", server.url)
        async with CachedClient(tmp_path) as http:
            massive = Massive("key", http)
            for symbol, price in (("IWM", 221.0), ("QQQ", 495.0)):
                quotes = await massive.backfill(frozenset({symbol}), OPEN_NS, OPEN_NS + 2 * MINUTE_NS)
                assert [(quote.symbol, quote.price) for quote in quotes] == [(symbol, price)]
