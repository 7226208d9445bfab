"""Massive, Finnhub and Coinbase under the driver, each against its own server: what only they do.

What all vendors share is in the fault table.
"""

from __future__ import annotations

import asyncio
import json
import logging

import pytest

from feeds.clock import Time
from feeds.events import Batch, Status
from feeds.http.cached import CachedClient
from feeds.streaming.feed import StreamFeed
from feeds.streaming.watch.hours import Always
from feeds.vendors.coinbase.stream import PRODUCT, Coinbase
from feeds.vendors.finnhub.stream import Finnhub
from feeds.vendors.massive.stream import Massive
from tests.support.servers import coinbase, finnhub, massive
from tests.support.servers.rest import RestServer, fault, ok
from tests.support.servers.ws import ABORT, READY, STAY, Close, Refuse

SYMBOLS = ("IWM", "QQQ", "SPY")
NOW_MS = massive.NOW_MS
LIMIT_S = 500
"""Waits are for events, not for time; this only ends a test that would hang."""
MADE = {"MASSIVE": Massive, "FINNHUB": Finnhub}
KEYS = {"MASSIVE": massive.KEY, "FINNHUB": finnhub.KEY}


class Desk:
    """A feed and its events."""

    def __init__(self, feed):
        self.feed = feed
        self.quotes = []
        self.statuses = []

    async def until(self, condition):
        async def run():
            events = self.feed.events()
            async for event in events:
                if isinstance(event, Batch):
                    self.quotes += event.quotes
                if isinstance(event, Status):
                    self.statuses.append(event)
                if condition(self):
                    break
            await events.aclose()

        await asyncio.wait_for(run(), LIMIT_S)
        return self

    @property
    def prices(self):
        """Of what was handed on: the last by event time."""
        ordered = sorted(self.quotes, key=lambda quote: (quote.ts_ns, quote.seq))
        return {quote.symbol: quote.price for quote in ordered}

    @property
    def states(self):
        return [status.state for status in self.statuses]


def held_time():
    """The scenario's clock stands still; waits cost next to nothing."""

    async def sleep(seconds):
        await asyncio.sleep(0.001)

    return Time(clock_ns=lambda: NOW_MS * 10**6 + 10**9, sleep=sleep, random=lambda: 0.5)


def no_wait():
    async def sleep(seconds):
        pass

    return CachedClient(sleep=sleep)


@pytest.fixture
def desk(monkeypatch):
    """Make a desk for a feed's name and its server; the REST side answers 404 unless given a server."""

    def make(name, server, http, rest=None, symbols=SYMBOLS, key="", **options):
        monkeypatch.setenv(f"ROTATION_TUI_{name}_STREAM_URL", server.url)
        monkeypatch.setenv(f"ROTATION_TUI_{name}_REST_URL", rest.url if rest else "http://127.0.0.1:9")
        vendor = MADE[name](key or KEYS[name], http, **options)
        return Desk(StreamFeed(vendor, symbols, time=held_time()))

    return make


def ended(desk):
    return bool(desk.states) and desk.states[-1] in {"AUTH_FAILED", "TAKEN OVER"}


@pytest.mark.parametrize(
    ("script", "state"),
    [("taken-over", "TAKEN OVER"), ("no-real-time", "AUTH_FAILED"), ("auth-failed", "AUTH_FAILED")],
)
async def test_massive_says_no_for_good(desk, script, state):
    async with massive.MassiveServer(massive.SCRIPTS[script]) as server, no_wait() as http:
        result = await desk("MASSIVE", server, http).until(ended)
        assert server.upgrades == 1
    assert result.states[-1] == state
    if script == "taken-over":
        assert result.prices == {"IWM": 221.28, "QQQ": 495.43, "SPY": 562.0}
        assert "another session" in result.statuses[-1].detail


async def test_a_wrong_key_is_tried_once(desk):
    async with massive.MassiveServer() as server, no_wait() as http:
        result = await desk("MASSIVE", server, http, key="wrong").until(ended)
        assert (result.states[-1], server.upgrades) == ("AUTH_FAILED", 1)
    async with finnhub.FinnhubServer() as server, no_wait() as http:
        result = await desk("FINNHUB", server, http, key="wrong").until(ended)
        assert (result.states[-1], server.upgrades) == ("AUTH_FAILED", 1)


@pytest.mark.parametrize("script", ["slow-consumer", "force-disconnect"])
async def test_massive_cuts_and_we_come_back(desk, script):
    later = massive.array(massive.trade("IWM", 221.5, NOW_MS + 500, 9))
    async with (
        massive.MassiveServer(massive.SCRIPTS[script], (READY, later, STAY)) as server,
        no_wait() as http,
    ):
        result = await desk("MASSIVE", server, http).until(lambda each: each.prices.get("IWM") == 221.5)
        assert server.upgrades == 2
        trades, *others = ({f"{channel}.{symbol}" for symbol in SYMBOLS} for channel in ("T", "LULD", "Q"))
        # Bands, bid and ask are asked for once all trades are acknowledged, which may be just now.
        assert trades <= server.clients[1].state["channels"] <= trades.union(*others)
    assert result.feed.stats().last_reject.endswith(script.replace("-", "_"))


async def test_massive_without_trades_in_the_plan_gives_bars(desk):
    bars = massive.array(*(massive.bar(symbol, price) for symbol, price in (("IWM", 221.3), ("QQQ", 495.5))))
    server = massive.MassiveServer(
        (READY, bars, massive.array(massive.bar("SPY", 562.1)), STAY), refused=("T", "Q")
    )
    async with server, no_wait() as http:
        result = await desk("MASSIVE", server, http, delayed=True).until(lambda each: len(each.prices) == 3)
        assert server.clients[0].state["channels"] == {f"A.{symbol}" for symbol in SYMBOLS}
    assert result.prices == {"IWM": 221.3, "QQQ": 495.5, "SPY": 562.1}
    assert result.feed.stats().subscribed == 3


async def test_massive_seeds_from_a_snapshot_and_holes_in_q_are_no_gap(desk):
    snapshot = {
        "tickers": [
            {"ticker": symbol, "lastTrade": {"p": 100.0, "t": (NOW_MS - 60_000) * 10**6}}
            for symbol in SYMBOLS
        ]
    }
    jumps = [
        massive.array(massive.trade(symbol, 100.5, NOW_MS, q))
        for q, symbol in ((7, "IWM"), (31, "IWM"), (900, "IWM"))
    ]
    async with (
        massive.MassiveServer((READY, *jumps, STAY)) as server,
        RestServer(ok(json.dumps(snapshot).encode())) as rest,
        no_wait() as http,
    ):
        result = await desk("MASSIVE", server, http, rest).until(
            lambda each: each.prices.get("IWM") == 100.5 and each.states[-1:] == ["LIVE"]
        )
    assert result.prices == {"IWM": 100.5, "QQQ": 100.0, "SPY": 100.0}
    assert result.feed.stats().gaps == 0


async def test_finnhub_says_everything_three_times(desk):
    prints = [
        finnhub.trade("IWM", 221.28),
        finnhub.trade("IWM", 221.29),
        finnhub.trade("IWM", 221.29, volume=200),
    ]
    frames = [finnhub.trades(*prints)] * 3 + [finnhub.trades(finnhub.trade("SPY", 562.0))]
    async with finnhub.FinnhubServer((READY, *frames, STAY)) as server, no_wait() as http:
        result = await desk("FINNHUB", server, http).until(lambda each: "SPY" in each.prices)
    iwm = [quote for quote in result.quotes if quote.symbol == "IWM"]
    assert [(quote.price, quote.size) for quote in iwm] == [(221.28, 100), (221.29, 100), (221.29, 200)]
    assert result.feed.stats().duplicates == 6
    assert result.prices["IWM"] == 221.29


async def test_finnhub_repeats_over_a_reconnect(desk):
    again = finnhub.trades(finnhub.trade("IWM", 221.28)), finnhub.trades(finnhub.trade("SPY", 562.0))
    async with (
        finnhub.FinnhubServer((READY, again[0], ABORT), (READY, *again, STAY)) as server,
        no_wait() as http,
    ):
        result = await desk("FINNHUB", server, http).until(lambda each: "SPY" in each.prices)
        asked = [json.loads(frame)["symbol"] for frame in server.clients[1].sent]
    assert asked == sorted(SYMBOLS)
    assert len([quote for quote in result.quotes if quote.symbol == "IWM"]) == 1


async def test_finnhub_takes_fifty(desk):
    symbols = [f"S{number}" for number in range(60)]
    async with (
        finnhub.FinnhubServer((READY, finnhub.trades(finnhub.trade("S0", 1.0)), STAY)) as server,
        no_wait() as http,
    ):
        result = await desk("FINNHUB", server, http, symbols=symbols).until(lambda each: "S0" in each.prices)
        await asyncio.wait_for(server.until(lambda: len(server.clients[0].state["symbols"]) == 50), LIMIT_S)
    assert "the vendor's limit" in result.statuses[-1].detail


@pytest.mark.parametrize("name", ["MASSIVE", "FINNHUB"])
async def test_the_key_is_nowhere(desk, caplog, name):
    """Through refusals, cuts, garbage, a name that does not exist and an address that is none."""
    caplog.set_level(logging.DEBUG)
    made = {"MASSIVE": massive, "FINNHUB": finnhub}[name]
    server_of = {"MASSIVE": massive.MassiveServer, "FINNHUB": finnhub.FinnhubServer}[name]
    scripts = (Refuse(500), (READY, ABORT), (READY, Close(1011, KEYS[name])), made.SCRIPTS["garbage"])
    async with server_of(*scripts) as server, RestServer(fault(403)) as rest, no_wait() as http:
        result = await desk(name, server, http, rest).until(lambda d: len(d.prices) == 3)
        stats = result.feed.stats()
        shown = repr((result.statuses, stats, result.feed, result.feed.vendor, result.quotes))
    # The servers are ours and speak of everything.
    messages = [each.getMessage() for each in caplog.records if not each.name.startswith("websockets.server")]
    assert server.upgrades == 4
    assert len(messages) > 4
    for key in {KEYS[name], "nobody"}:
        assert key not in shown
        assert [line for line in messages if key in line] == []


async def test_coinbase_shows_that_streaming_works(monkeypatch):
    async with coinbase.CoinbaseServer(coinbase.SCRIPTS["hole"]) as server:
        monkeypatch.setenv("ROTATION_TUI_COINBASE_STREAM_URL", server.url)
        result = Desk(StreamFeed(Coinbase(), (PRODUCT,), hours=Always(), time=held_time()))
        await result.until(lambda each: each.prices.get(PRODUCT) == 64260.0)
        assert server.clients[0].state["channels"] == {
            "heartbeats": ["heartbeats"],
            "market_trades": [PRODUCT],
        }
    # 5 and 6 are missing.
    assert result.feed.stats().gaps == 1
