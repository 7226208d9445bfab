"""The worked example of docs/new-vendor.md is a vendor: it parses, refuses, and runs under the driver."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import logging
import re
import sys

import pytest

from feeds.clock import Time
from feeds.errors import SourceError
from feeds.events import Batch, Status
from feeds.http.cached import CachedClient
from feeds.streaming.feed import StreamFeed
from rotation.quote import Quote
from tests.support.paths import ROOT
from tests.support.servers.rest import RestServer, ok
from tests.support.servers.ws import ABORT, READY, STAY, WsServer

PAGE = ROOT / "docs/new-vendor.md"
KEY = "acme-key-that-nobody-may-see"
NOW_MS = 1_721_140_800_000
NOW_NS = NOW_MS * 10**6
LIMIT_S = 500
"""Waits are for events, not for time; this only ends a test that would hang."""


@pytest.fixture(scope="module")
def acme(tmp_path_factory):
    """The page's one block of Python as a module."""
    (code,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    path = tmp_path_factory.mktemp("example") / "acme_example.py"
    path.write_text(code)
    spec = importlib.util.spec_from_file_location("acme_example", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["acme_example"] = module  # msgspec looks annotations up there
    spec.loader.exec_module(module)
    yield module
    del sys.modules["acme_example"]


def trade(symbol="IWM", price=221.28, number=1, **more):
    return {"symbol": symbol, "id": number, "price": price, "size": 100, "at_ms": NOW_MS} | more


def trades(*result):
    return json.dumps({"type": "trades", "trades": result})


class AcmeServer(WsServer):
    def answer(self, client, frame):
        result = json.loads(frame)
        if result["type"] == "key":
            return (json.dumps({"type": "ready" if result["key"] == KEY else "bad_key"}),)
        client.ready = True
        return (json.dumps({"type": "subscribed", "symbols": result["symbols"]}),)


def test_it_is_about_100_lines():
    (code,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert len(code.splitlines()) <= 150


def test_the_files_it_names_exist():
    root = PAGE.parents[1]
    named = re.findall(r"`((?:feeds|tests|docs)/[a-z_/]+\.(?:py|md))`", PAGE.read_text())
    assert len(named) > 10
    assert [name for name in named if not (root / name).exists()] == []


def test_the_parse(acme):
    result = acme.parse(trades(trade(), trade(price=0, number=2), trade(number=3, conditions="I")))
    assert result.quotes == (Quote("IWM", NOW_NS, 221.28, 1, 100),)
    assert result.rejected == ("IWM: invalid price",)
    assert result.sequence == (("IWM", 1), ("IWM", 2), ("IWM", 3))
    assert acme.parse('{"type":"ping"}').heartbeat
    for frame in ("{", "[3]", b"\xff"):
        with pytest.raises(SourceError, match=r"^Acme: "):
            acme.parse(frame)


def watched(feed, server, until):
    """Run a feed until ``until(event)``; (quotes, states)."""

    async def run():
        quotes, states = [], []
        events = feed.events()
        async for event in events:
            if isinstance(event, Batch):
                quotes += event.quotes
            if isinstance(event, Status):
                states.append(event.state)
            if until(event):
                break
        await events.aclose()
        return quotes, states

    return asyncio.wait_for(run(), LIMIT_S)


async def test_under_the_driver(acme, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    rest = RestServer(ok(json.dumps({"last": [trade()]}).encode()))
    # Cut after the first print: it comes back, and the second connection goes on.
    scripts = (READY, trades(trade()), ABORT), (READY, trades(trade("QQQ", 495.43, number=9)), STAY)
    async with AcmeServer(*scripts) as server, rest, CachedClient() as http:
        monkeypatch.setenv("ROTATION_TUI_ACME_STREAM_URL", server.url)
        monkeypatch.setenv("ROTATION_TUI_ACME_REST_URL", rest.url)
        time = Time(clock_ns=lambda: NOW_NS, random=lambda: 0.0)
        feed = StreamFeed(acme.Acme(KEY, http), ("IWM", "QQQ"), time=time)
        quotes, _ = await watched(feed, server, lambda _: "QQQ" in feed.last)
        assert server.upgrades == 2
        assert [json.loads(frame)["type"] for frame in server.clients[1].sent] == ["key", "subscribe"]
    assert {quote.symbol: quote.price for quote in quotes} == {"IWM": 221.28, "QQQ": 495.43}
    # The server is ours and speaks of everything.
    assert not [
        each for each in caplog.records if KEY in each.getMessage() and each.name != "websockets.server"
    ]


async def test_a_wrong_key_ends_it(acme, monkeypatch):
    async with AcmeServer() as server, CachedClient() as http:
        monkeypatch.setenv("ROTATION_TUI_ACME_STREAM_URL", server.url)
        feed = StreamFeed(acme.Acme("wrong", http), ("IWM",))
        _, states = await watched(
            feed, server, lambda event: isinstance(event, Status) and event.state == "AUTH_FAILED"
        )
    assert states[-1] == "AUTH_FAILED"
    assert server.upgrades == 1
