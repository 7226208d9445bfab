"""Yahoo's streamer: frames to prints, what is sent and when, the chart API behind it, and a referee."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from datetime import date, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.errors import InputError, PartialAnswer, SourceError
from feeds.http.cached import CachedClient
from feeds.http.failure import RequestError
from feeds.streaming.feed import StreamFeed
from feeds.streaming.vendor import FrameResult
from feeds.vendors.yahoo.minutes import Minutes, parse_minutes
from feeds.vendors.yahoo.stream import Yahoo, YahooConversation
from rotation.history import History
from rotation.market.market import Market
from rotation.market.prints import Prints
from rotation.market.status import Provenance
from rotation.quote import NS, Quote, Role
from rotation.sessions import NEW_YORK, close_ns, to_ns
from rotation.status import LIVE
from tests.support.fake_time import NOW_NS, FakeTime, driven, settle
from tests.support.servers.rest import RestServer, fault, ok
from tests.support.servers.ws import READY, STAY
from tests.support.servers.yahoo import (
    ETF,
    FUTURE,
    INDEX,
    NOW_MS,
    POST,
    PRE,
    REGULAR,
    YahooServer,
    enveloped,
    heartbeat,
    message,
    pricing,
)

LIMIT_S = 500
"""Waits are for events, not for time; this only ends a test that would hang."""


def asking(*symbols: str) -> YahooConversation:
    conversation = YahooConversation()
    conversation.subscribe(frozenset(symbols or ("IWM", "QQQ")))
    return conversation


def quote_of(frame, *symbols: str) -> Quote:
    (quote,) = asking(*symbols).received(frame).quotes
    return quote


# Frames


def test_a_frame_is_a_print():
    assert quote_of(pricing("IWM", 221.28)) == Quote("IWM", NOW_NS, 221.28)


def test_every_captured_frame(shared_data):
    lines = (shared_data / "streams/yahoo_ws_frames.jsonl").read_text().splitlines()
    for line in lines:
        captured = json.loads(line)
        wanted = captured["expect"]
        quote = quote_of(captured["message"], wanted["id"])
        assert quote.ts_ns == wanted["time"] * 10**6
        assert quote.seq == wanted.get("day_volume", quote.seq)
        # The stated figure has five digits or six; ours as many decimals as Yahoo names.
        assert quote.price == pytest.approx(wanted["price"], abs=0.00501)


@pytest.mark.parametrize(
    ("price", "hint", "wanted"),
    [
        (221.28, 2, 221.28),
        (94.8875, 4, 94.8875),
        (314.7649, 2, 314.76),
        (1.15327, 0, 1.15327),
        (94745.08, 0, 94745.08),
    ],
)
def test_32_bits_leave_no_noise(price, hint, wanted):
    assert quote_of(pricing("IWM", price, price_hint=hint)).price == wanted


def test_absent_market_hours_mean_pre():
    early_ms = NOW_MS - 3 * 3600 * 1000
    assert quote_of(pricing("IWM", 218.0, early_ms, PRE)) == Quote("IWM", early_ms * 10**6, 218.0)


@pytest.mark.parametrize(
    ("after_s", "hours", "fields", "role"),
    [
        (1, REGULAR, {}, Role.CLOSE),
        (1, REGULAR, {"quote_type": INDEX}, Role.CLOSE),
        (1, POST, {}, Role.PRICE),  # after hours
        (0, REGULAR, {}, Role.PRICE),  # at the bell: the session's already
        (3600, REGULAR, {}, Role.PRICE),  # too late for any auction
        (1, REGULAR, {"quote_type": FUTURE}, Role.PRICE),
    ],
)
def test_a_regular_print_after_the_bell_is_the_closing_auction(after_s, hours, fields, role):
    bell_ms = close_ns(date(2024, 7, 16)) // 10**6
    assert quote_of(pricing("IWM", 221.28, bell_ms + after_s * 1000, hours, **fields)).role is role


def test_an_absent_price_is_for_the_door_to_refuse():
    assert quote_of(enveloped(message(id="IWM", time=NOW_MS, quote_type=ETF))).price == 0.0


def test_a_heartbeat_is_no_data():
    assert asking().received(heartbeat()) == FrameResult(heartbeat=True)


def test_strangers_are_passed_over():
    assert asking("QQQ").received(pricing("IWM")) == FrameResult()
    assert asking().received(pricing("^GSPC")) == FrameResult()


def test_size_is_what_has_traded_since():
    conversation = asking()
    frames = [
        pricing(ts_ms=NOW_MS + i, day_volume=volume) for i, volume in enumerate((5000, 5300, 5300, 100))
    ]
    quotes = [quote for frame in frames for quote in conversation.received(frame).quotes]
    assert [(quote.seq, quote.size) for quote in quotes] == [(5000, 0), (5300, 300), (5300, 0), (100, 0)]


def test_prints_of_one_second_without_volume_are_told_apart():
    """An index has no volume: of three prints in a second the extreme stays, and a repeated frame is one."""
    conversation = asking("^RUT")
    quotes = [
        quote
        for price in (2263.67, 2264.5, 2264.5, 2263.1)
        for quote in conversation.received(pricing("^RUT", price, ts_ms=NOW_MS, day_volume=0)).quotes
    ]
    assert [(quote.price, quote.seq) for quote in quotes] == [
        (2263.67, 0),
        (2264.5, 1),
        (2264.5, 1),
        (2263.1, 2),
    ]
    prints = Prints(0)
    assert [prints.take(quote) for quote in quotes] == ["accepted", "accepted", "duplicates", "accepted"]
    assert (prints.high, prints.low, prints.last.price) == (2264.5, 2263.1, 2263.1)
    (later,) = conversation.received(pricing("^RUT", 2263.2, ts_ms=NOW_MS + 1000, day_volume=0)).quotes
    assert later.seq == 0


@pytest.mark.parametrize(
    "frame",
    ["{", "{}", "not base64!", b"\xff\xfe", "[" * 10_000, '{"message":3}', '{"type":"pricing","message":"A"}',
     enveloped(message(id="IWM", price=221.28)[:-2]), "A" * 20_000],
    ids=range(9),
)  # fmt: skip
def test_garbage_says_so(frame):
    with pytest.raises(SourceError, match="Yahoo"):
        asking().received(frame)


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_whatever_comes_is_heard_or_refused(frame):
    try:
        result = asking().received(frame)
    except SourceError:
        return
    assert all(quote.symbol in {"IWM", "QQQ"} for quote in result.quotes)


@given(st.binary(max_size=120))
def test_whatever_protobuf_comes(data):
    with contextlib.suppress(SourceError):
        asking().received(enveloped(message(id="IWM", price=221.28) + data))


HOSTILE = (
    b"\x1b]52;c;aGk=\x07", b"\x1b[2J", b"\xc2\x9b31m", b"\x00", "\u202e".encode(), b"[red]", b"x" * 2000
)  # fmt: skip


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_reaches_nobody(hostile):
    """Nothing of a frame is passed on but prices of symbols that were asked for, by our own names of them."""
    texts = {"exchange": hostile, "currency": hostile, "short_name": hostile}
    assert asking().received(enveloped(message(id=hostile, price=1.0, **texts))) == FrameResult()
    assert quote_of(pricing("IWM", 1.0, **texts)) == Quote("IWM", NOW_NS, 1.0)


def test_a_frame_of_100_kb_is_refused():
    with pytest.raises(SourceError, match="too long"):
        asking().received(pricing("IWM", 1.0, short_name=b"x" * 100_000))


# What is sent


def test_the_subscription():
    conversation = YahooConversation()
    assert conversation.opened() == ()
    assert conversation.subscribe(frozenset({"IWM", "QQQ"})) == ('{"subscribe":["IWM","QQQ"]}',)
    assert conversation.subscribe(frozenset({"IWM", "QQQ"})) == ()
    assert conversation.beat() == ('{"subscribe":["IWM","QQQ"]}',)
    assert conversation.subscribe(frozenset({"IWM", "SPY"})) == (
        '{"unsubscribe":["QQQ"]}',
        '{"subscribe":["SPY"]}',
    )
    assert conversation.beat() == ('{"subscribe":["IWM","SPY"]}',)


def test_symbols_as_yahoo_writes_them():
    conversation = asking("RUT", "BRK.B")
    assert conversation.beat() == ('{"subscribe":["BRK-B","^RUT"]}',)
    assert conversation.received(pricing("^RUT", 2263.67)).quotes[0].symbol == "RUT"
    assert conversation.received(pricing("BRK-B", 430.0)).quotes[0].symbol == "BRK.B"


def test_a_wrong_address_is_said_at_once(monkeypatch):
    monkeypatch.setenv("ROTATION_TUI_YAHOO_STREAM_URL", "http://h")
    with pytest.raises(InputError, match="ROTATION_TUI_YAHOO_STREAM_URL"):
        Yahoo(None, clock_ns=lambda: NOW_NS)


# Minutes


def chart(symbol="IWM", price=221.28, **more) -> bytes:
    minute = NOW_NS // NS // 60 * 60
    result = {
        "meta": {"symbol": symbol, "regularMarketPrice": price, "regularMarketTime": NOW_NS // NS},
        "timestamp": [minute - 120, minute - 60, minute, minute + 7],
        "indicators": {
            "quote": [
                {
                    "close": [221.1, None, 221.3, 221.28],
                    "high": [221.2, None, 221.4, 221.28],
                    "low": [221.0, None, 221.2, 221.28],
                    "open": [221.1, None, 221.3, 221.28],
                    "volume": [1000, None, 2000, 0],
                }
            ]
        },
    }
    return json.dumps({"chart": {"result": [result | more]}}).encode()


def test_minutes():
    """Nulls are minutes without a trade; the appended row of the last trade is no minute."""
    minutes = parse_minutes(chart(), "IWM", "IWM")
    assert minutes.last == Quote("IWM", NOW_NS, 221.28)
    assert minutes.bars == (
        Quote("IWM", NOW_NS - 60 * NS, 221.1, size=1000, high=221.2, low=221.0, bar_ns=60 * NS),
        Quote("IWM", NOW_NS + 60 * NS, 221.3, size=2000, high=221.4, low=221.2, bar_ns=60 * NS),
    )


def test_a_symbol_without_bars_today():
    minutes = parse_minutes(chart(timestamp=None, indicators={"quote": [{}]}), "IWM", "IWM")
    assert (minutes.bars, minutes.last.price) == ((), 221.28)


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b'{"chart":{"result":[]}}', b'{"chart":{"result":null}}', chart("QQQ"), chart(price=None),
     chart(price="NA"), chart(timestamp=[1]), chart()[:100], b"\xff"],
    ids=range(10),
)  # fmt: skip
def test_what_cannot_be_used_says_so(body):
    with pytest.raises(SourceError, match="Yahoo"):
        parse_minutes(body, "IWM", "IWM")


async def asked(monkeypatch, *replies, then):
    async with RestServer(*replies) as server:
        monkeypatch.setenv("ROTATION_TUI_YAHOO_REST_URL", server.url)
        clock = {"clock_ns": lambda: NOW_NS, "monotonic": lambda: 0.0, "random": lambda: 0.0}
        async with CachedClient(sleep=lambda _: settle(), **clock) as http:
            vendor = Yahoo(http, clock_ns=lambda: NOW_NS)
            return await then(vendor), [request.path for request in server.requests]


async def test_a_gap_costs_one_request_a_symbol(monkeypatch):
    async def then(vendor):
        symbols = frozenset({"IWM", "RUT"})
        bars = await vendor.backfill(symbols, NOW_NS - 300 * NS, NOW_NS)
        return bars, await vendor.snapshot(symbols)

    (bars, newest), paths = await asked(monkeypatch, ok(chart()), ok(chart("^RUT", 2263.67)), then=then)
    assert [path.partition("?")[0] for path in paths] == ["/v8/finance/chart/IWM", "/v8/finance/chart/%5ERUT"]
    assert [(bar.symbol, bar.ts_ns) for bar in bars] == [(name, NOW_NS - 60 * NS) for name in ("IWM", "RUT")]
    assert [(quote.symbol, quote.price) for quote in newest] == [("IWM", 221.28), ("RUT", 2263.67)]


async def test_before_the_bell_the_newest_price_is_the_pre_market_s(monkeypatch):
    """At 08:00 it once was yesterday's close, though the answer had this morning's minutes."""
    bell_s, eight_s = (int(to_ns(datetime(2024, 7, day, hour, tzinfo=NEW_YORK)) // NS) for day, hour in
                       ((15, 16), (16, 8)))  # fmt: skip
    meta = {"symbol": "IWM", "regularMarketPrice": 217.06, "regularMarketTime": bell_s}
    bars = {"close": [219.0, 219.5, 219.9], "high": [219.1, 219.6, 220.0], "low": [218.9, 219.4, 219.8]}
    early = {
        "meta": meta,
        "timestamp": [eight_s - 180, eight_s - 60, eight_s],
        "indicators": {"quote": [bars]},
    }
    async with RestServer(ok(chart(**early))) as server:
        monkeypatch.setenv("ROTATION_TUI_YAHOO_REST_URL", server.url)
        now_ns = (eight_s + 20) * NS
        async with CachedClient(clock_ns=lambda: now_ns, tries=1) as http:
            (newest,) = await Yahoo(http, clock_ns=lambda: now_ns).snapshot(frozenset({"IWM"}))
    assert newest == Quote("IWM", eight_s * NS, 219.5), "the last whole minute, not the one that forms"
    days, closes = [date(2024, 7, day) for day in (11, 12, 15)], [214.0, 213.1, 217.06]
    history = History(pl.DataFrame({"symbol": ["IWM"] * 3, "date": days,
                                    "close": closes, "adj_close": closes}))  # fmt: skip
    market = Market(history, as_of_ns=now_ns, origin=Provenance(LIVE, "Yahoo"))
    taken = market.apply([newest], as_of_ns=now_ns)
    assert (taken.phase, taken.legs["IWM"].last, taken.legs["IWM"].state) == ("PRE", 219.5, "LIVE")
    assert "+ pre-market" in taken.headline


BELL_NS = close_ns(date(2024, 7, 16))


def after_the_bell(traded_s: int) -> Minutes:
    """A last regular trade so many seconds after the bell, and the bars of the minutes around it."""
    bell_s = BELL_NS // NS
    meta = {"symbol": "IWM", "regularMarketPrice": 222.0, "regularMarketTime": bell_s + traded_s}
    prices = [221.5, 221.9, 221.4, 221.3]
    bars = {"close": prices, "high": [222.0] * 4, "low": [221.0] * 4}
    starts = [bell_s + minutes * 60 for minutes in (-1, 0, 1, 2)]
    return parse_minutes(chart(meta=meta, timestamp=starts, indicators={"quote": [bars]}), "IWM", "IWM")


AUCTION, LATE = (222.0, Role.CLOSE), (221.3, Role.PRICE)


@pytest.mark.parametrize(
    ("traded_s", "after_s", "given"),
    [
        (2, 3, [AUCTION]),
        (2, 190, [AUCTION, LATE]),
        (0, 190, [AUCTION, LATE]),
        (0, 59, [(222.0, Role.PRICE)]),
        (0, 119, [(221.9, Role.PRICE)]),
        (-1, 190, [LATE]),
        (1801, 1900, [(222.0, Role.PRICE)]),
    ],
)
def test_the_closing_auction_is_in_a_snapshot_after_the_bell(traded_s, after_s, given):
    """Bars mix it with late trades, and a desk that starts after the bell has nothing else.

    A time of the bell itself may be of the last print before it, until all auctions have printed.
    """
    minutes = after_the_bell(traded_s)
    quotes = minutes.snapshot(BELL_NS + after_s * NS)
    assert [(quote.price, quote.role) for quote in quotes] == given
    assert minutes.auction(BELL_NS + 20 * 3600 * NS) is None, "of the next session"


def test_a_minute_that_may_hold_the_auction_is_a_bar():
    """Nobody can say that its last price is late trading."""
    (newest,) = after_the_bell(0).snapshot(BELL_NS + 119 * NS)
    assert (newest.bar_ns, newest.ts_ns) == (60 * NS, BELL_NS + 60 * NS)
    (*_, newest) = after_the_bell(0).snapshot(BELL_NS + 190 * NS)
    assert newest.bar_ns == 0


async def test_one_that_is_not_known_spoils_no_other(monkeypatch):
    async def then(vendor):
        return await vendor.snapshot(frozenset({"AAA", "IWM"}))

    newest, _ = await asked(monkeypatch, fault(404), ok(chart()), then=then)
    assert [quote.symbol for quote in newest] == ["IWM"]


async def test_a_gap_of_which_some_symbols_are_refused_says_whose(monkeypatch):
    """Once the bars of IWM stood for all, and the gap of AAA closed at its next print."""

    async def then(vendor):
        with pytest.raises(PartialAnswer, match="Yahoo: HTTP 404") as raised:
            await vendor.backfill(frozenset({"AAA", "IWM"}), NOW_NS - 300 * NS, NOW_NS)
        return raised.value

    answer, _ = await asked(monkeypatch, fault(404), ok(chart()), then=then)
    assert [quote.symbol for quote in answer.quotes] == ["IWM"]
    assert answer.lacking == {"AAA"}


async def test_without_any_answer_it_says_so(monkeypatch):
    async def then(vendor):
        with pytest.raises(SourceError, match="Yahoo: HTTP 429"):
            await vendor.snapshot(frozenset({"IWM"}))

    await asked(monkeypatch, fault(429, retry_after="60"), then=then)


# The referee

REFEREE = """
import asyncio, json, sys
from yfinance import AsyncWebSocket

async def main():
    seen = []
    socket = AsyncWebSocket(url=f"ws://127.0.0.1:{sys.argv[1]}/?version=2", verbose=False)
    await socket.subscribe(["IWM", "QQQ"])
    done = asyncio.Event()

    def take(message):
        seen.append([message.get("id"), round(message.get("price", 0.0), 2), message.get("time"),
                     message.get("quote_type"), message.get("market_hours"), message.get("day_volume")])
        if len(seen) == 3:
            done.set()

    listening = asyncio.create_task(socket.listen(take))
    await asyncio.wait_for(done.wait(), 500)
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    print(json.dumps(seen))

asyncio.run(main())
"""


async def test_yfinance_hears_our_server():
    """In a process of its own: it judges the server, it is no part of the product."""
    frames = (pricing("IWM", 221.28, day_volume=12345), pricing("QQQ", 495.43, hours=PRE), heartbeat())
    async with YahooServer((READY, *frames, STAY)) as server:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            REFEREE,
            server.url.rpartition(":")[2],
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(), LIMIT_S)
        assert process.returncode == 0, err.decode()
        assert json.loads(out) == [
            ["IWM", 221.28, str(NOW_MS), 20, 1, "12345"],
            ["QQQ", 495.43, str(NOW_MS), 20, None, None],
            [None, 0.0, str(NOW_MS), 7, None, None],
        ]
        assert server.clients[0].state["symbols"] == {"IWM", "QQQ"}


class Charts:
    """Yahoo's chart API at one price at a time. It answers for minutes only."""

    def __init__(self) -> None:
        self.client = self
        self.price = 221.28

    async def get(self, _url, *, parse, params):
        if params["interval"] != "1m":
            raise RequestError("not found")
        return parse(chart(price=self.price))


async def test_a_jump_is_confirmed_by_a_chart_of_after_it(monkeypatch):
    """The one of a gap's bars, up to 30 s old, once refused a true jump."""
    async with YahooServer((READY, STAY)) as server:
        monkeypatch.setenv("ROTATION_TUI_YAHOO_STREAM_URL", server.url)
        time, charts, quotes = FakeTime(), Charts(), []
        feed = StreamFeed(Yahoo(charts, clock_ns=time.clock_ns), ["IWM"], time=time)

        async def drive() -> None:
            async for event in feed.events():
                quotes.extend(getattr(event, "quotes", ()))

        async with driven(drive(), server.until(lambda: server.clients)):
            await server.send(pricing("IWM", 221.28, NOW_MS, day_volume=100))
            await time.passing(10)  # the bars of what was missed before have come
            charts.price = 270.0
            for i, price in enumerate((270.0, 270.01)):
                await server.send(pricing("IWM", price, NOW_MS + 10_000 + i * 1000, day_volume=200 + i))
                await time.passing(1)
            assert [quote.price for quote in quotes if not quote.bar_ns][-2:] == [270.0, 270.01]
