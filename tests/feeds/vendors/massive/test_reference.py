"""Massive's list of splits, and yesterday's closes of its snapshot."""

from __future__ import annotations

import json
from datetime import date

from feeds.http.cached import CachedClient
from feeds.streaming.requests import Reference
from feeds.vendors.massive.stream import Massive
from tests.support.servers.massive import KEY, NOW_MS
from tests.support.servers.rest import RestServer, ok

DAY = date(2024, 7, 16)
SPLITS = {
    "status": "OK",
    "results": [
        {"execution_date": "2024-07-16", "id": "E1", "split_from": 1, "split_to": 2, "ticker": "IWM"},
        {"execution_date": "2024-07-16", "id": "E2", "split_from": 10, "split_to": 1, "ticker": "XYZ"},
        {"execution_date": "2024-07-17", "id": "E3", "split_from": 1, "split_to": 4, "ticker": "QQQ"},
        {"execution_date": "2024-07-16", "split_from": 0, "split_to": 4, "ticker": "SPY"},
    ],
}


def ticker(name: str, price: float, before: float) -> dict[str, object]:
    trade = {"c": [14], "i": "1", "p": price, "s": 100, "t": NOW_MS * 10**6, "x": 4}
    return {"ticker": name, "lastTrade": trade, "prevDay": {"c": before, "o": before, "v": 1}}


async def test_a_split_s_close_is_left_out_as_its_scale_is_not_documented(monkeypatch):
    snapshot = {"tickers": [ticker("QQQ", 495.4, 494.8), ticker("SPY", 562.0, 56.1), {"ticker": "DIA"}]}
    replies = [ok(json.dumps(answer).encode()) for answer in (SPLITS, snapshot)]
    async with RestServer(*replies) as server, CachedClient() as http:
        monkeypatch.setenv("ROTATION_TUI_MASSIVE_REST_URL", server.url)
        answer = await Massive(KEY, http).reference(frozenset({"IWM", "QQQ", "SPY", "DIA"}), DAY)
        paths = [request.path for request in server.requests]
    assert answer == Reference({"QQQ": 494.8}, {"IWM": 2.0, "XYZ": 0.1})
    assert paths == [
        "/v3/reference/splits?execution_date=2024-07-16&limit=1000",
        "/v2/snapshot/locale/us/markets/stocks/tickers?tickers=DIA%2CQQQ%2CSPY",
    ]
