"""Finnhub: trades that repeat and have no number, a key in the address, errors in words."""

from __future__ import annotations

import json
import logging
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from feeds.errors import InputError, SourceError
from feeds.http.cached import CachedClient
from feeds.streaming.vendor import VendorError
from feeds.vendors.finnhub import frames as finnhub
from feeds.vendors.finnhub.frames import Ordinals, parse
from feeds.vendors.finnhub.rest import parse_quote
from feeds.vendors.finnhub.stream import Finnhub, FinnhubConversation
from rotation.quote import Quote, Role
from tests.support.servers.finnhub import GOOD, KEY, NOW_MS, PING, FinnhubServer, error, trade, trades
from tests.support.servers.rest import RestServer, fault, ok
from tests.support.servers.ws import READY, STAY

NOW_NS = NOW_MS * 10**6
HOSTILE = "\x1b]52;c;aGk=\x07\x1b[2J\x9b31m\u202e\u200b\x00[red]" + "A" * 100_000
NO_NUMBERS = ["NaN", "text", True, [1], {"a": 1}, 1e308, "1e99", -2, 10**400, HOSTILE]


def receive(frame, ordinals=None):
    return FinnhubConversation(ordinals or Ordinals()).received(frame)


def test_the_captured_frame(shared_data):
    frame = (shared_data / "streams/finnhub_trade_frame_IWM_2024-03-07.json").read_bytes()
    result = parse(frame)
    assert result.type == "trade"
    assert [(each.s, each.p, each.t, each.v, each.c) for each in result.data] == [
        ("IWM", 207.03, 1709850723750, 33, ["24", "12"]),
        ("IWM", 207.04, 1709850723750, 100, ["24"]),
        ("IWM", 207.04, 1709850723750, 10, ["24", "12"]),
    ]
    # The first and the last are odd lots: they do not set the price, but their sizes are volume.
    result = receive(frame)
    at_ns = 1_709_850_723_750_000_000
    assert result.quotes == (
        Quote("IWM", at_ns, 207.03, 0, 33, role=Role.SIZE),
        Quote("IWM", at_ns, 207.04, 1, 100),
        Quote("IWM", at_ns, 207.04, 2, 10, role=Role.SIZE),
    )
    assert result.rejected == ()


def test_odd_lots_alone_are_size():
    (odd,) = receive(trades(trade(c=["1", "8", "24", "12"]))).quotes
    assert (odd.role, odd.sets_last, odd.size) == (Role.SIZE, False, 100)


@pytest.mark.parametrize(
    ("codes", "role"), [(["35"], Role.CLOSE), (["1", "36"], Role.CLOSE), (["24"], Role.PRICE)]
)
def test_the_closing_auction_by_its_codes(codes, role):
    (closing,) = receive(trades(trade(c=codes))).quotes
    assert closing.role is role


@pytest.mark.parametrize("codes", [None, [], ["1"], ["24"], ["1", "8", "24"], "12", [12, ["12"]]])
def test_other_conditions_set_the_price(codes):
    assert len(receive(trades(trade(c=codes))).quotes) == 1


def test_three_trades_of_a_millisecond_are_three_and_their_repeats_none():
    many = [trade(price=221.28), trade(price=221.29), trade(price=221.29, volume=200)]
    ordinals = Ordinals()
    first = receive(trades(*many), ordinals).quotes
    assert [(quote.price, quote.seq) for quote in first] == [(221.28, 0), (221.29, 1), (221.29, 2)]
    for order in permutations(range(3)):
        again = receive(trades(*(many[index] for index in order)), ordinals).quotes
        assert set(again) == set(first)


@given(
    st.lists(st.tuples(st.sampled_from([1.0, 2.0, 3.0]), st.integers(1, 3), st.integers(0, 2)), max_size=40)
)
def test_one_identity_one_trade(sent):
    ordinals = Ordinals()
    frames = [trades(trade("IWM", price, NOW_MS + at, size)) for price, size, at in sent]
    quotes = [quote for frame in frames for quote in receive(frame, ordinals).quotes]
    result = {(quote.ts_ns, quote.seq): (quote.price, quote.size) for quote in quotes}
    assert len(set(quotes)) == len(set(sent)) == len(result)


def test_parts_of_a_coin_tell_trades_apart():
    coin = [
        trade("BINANCE:BTCUSDT", 62643.98, volume=volume, c=None) for volume in (0.00033, 0.0129, 0.00033)
    ]
    assert [quote.seq for quote in receive(trades(*coin)).quotes] == [0, 1, 0]


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr(finnhub, "REMEMBERED", 3)
    monkeypatch.setattr(finnhub, "INSTANT_MAX", 2)
    ordinals = Ordinals()
    for at in range(10):
        receive(trades(trade(ts_ms=NOW_MS + at)), ordinals)
    receive(trades(*(trade(ts_ms=NOW_MS + 10, volume=size) for size in range(1, 9))), ordinals)
    assert [len(present) for present in ordinals._known.values()] == [1, 1, 2]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *((field, value) for field in "ptv" for value in NO_NUMBERS),
        *((f, v) for f in "pt" for v in (None, 0)),
    ],
)
def test_a_number_that_is_none_spoils_no_other_trade(field, value):
    result = receive(trades(trade() | {field: value}, trade("QQQ", 495.43)))
    assert [quote.symbol for quote in result.quotes] == ["QQQ"]
    assert len(result.rejected) == 1


@pytest.mark.parametrize("field", ["s", "p", "t", "v", "c", "unheard_of"])
def test_nothing_hostile_passes(field):
    shown = repr(receive(trades(trade() | {field: HOSTILE})))
    assert shown.isascii()
    assert not any(part in shown for part in ("\x1b", "\\x1b", "[2J", "[red]", "AAAA"))


@pytest.mark.parametrize("kind", [HOSTILE, "news", None, 3, ["trade"]])
def test_an_unknown_kind(kind):
    result = receive(json.dumps({"type": kind, "data": [trade()], "msg": HOSTILE}))
    assert (result.quotes, result.rejected, result.error) == ((), (), None)


@pytest.mark.parametrize(
    "frame",
    [
        "{not json",
        '"text"',
        b"\xff\xfe",
        "[[[[",
        "null",
        "[3]",
        "[" * 9_000,
        '{"type":"trade","data":[{"p":NaN}]}',
    ],
)
def test_garbage(frame):
    with pytest.raises(SourceError, match=r"^Finnhub: "):
        receive(frame)


def test_entries_that_are_none_spoil_no_other():
    result = receive(trades(3, "text", None, [trade()], True, 1.5, trade()))
    assert (len(result.quotes), result.rejected) == (1, ("invalid trade",) * 6)


def test_a_ping():
    assert receive(PING).heartbeat


@pytest.mark.parametrize(
    ("message", "expected", "rejected"),
    [
        (
            "Subscribing to too many symbols",
            VendorError("limit", "Finnhub's limit of symbols is 50"),
            (),
        ),
        ("Invalid API key", VendorError("fatal", "Finnhub rejected the key"), ()),
        ("You don't have access to this resource.", VendorError("fatal", "Finnhub rejected the key"), ()),
        (f"Invalid symbol {HOSTILE}", None, ("Finnhub does not know a symbol",)),
        (HOSTILE, None, ("Finnhub reports an error",)),
    ],
)
def test_errors(message, expected, rejected):
    result = receive(error(message))
    assert (result.error, result.rejected) == (expected, rejected)


def test_one_message_a_symbol():
    conversation = FinnhubConversation(Ordinals())
    assert conversation.opened() == ()
    frames = conversation.subscribe(frozenset({"QQQ", "IWM"}))
    assert [json.loads(frame) for frame in frames] == [
        {"type": "subscribe", "symbol": "IWM"},
        {"type": "subscribe", "symbol": "QQQ"},
    ]
    assert conversation.subscribe(frozenset({"QQQ", "IWM"})) == ()
    assert [json.loads(frame) for frame in conversation.subscribe(frozenset({"SPY", "IWM"}))] == [
        {"type": "unsubscribe", "symbol": "QQQ"},
        {"type": "subscribe", "symbol": "SPY"},
    ]
    assert conversation.beat() == ()


async def test_a_client_written_to_the_documentation_hears_our_server(monkeypatch):
    async with FinnhubServer((READY, *GOOD, PING, STAY)) as server:
        monkeypatch.setenv("ROTATION_TUI_FINNHUB_STREAM_URL", server.url)
        vendor = Finnhub(KEY, object())
        async with connect(vendor.url) as socket:
            await socket.send('{"type":"subscribe","symbol":"IWM"}')
            frames = [json.loads(await socket.recv()) for _ in range(4)]
        assert server.clients[0].state["symbols"] == ["IWM"]
    assert [frame["type"] for frame in frames] == ["trade", "trade", "trade", "ping"]
    assert [each["data"][0]["s"] for each in frames[:3]] == ["IWM", "QQQ", "SPY"]


async def test_the_server_takes_no_other_key_and_no_51st_symbol(monkeypatch):
    async with FinnhubServer(most=2) as server:
        monkeypatch.setenv("ROTATION_TUI_FINNHUB_STREAM_URL", server.url)
        with pytest.raises(InvalidStatus, match="401"):
            await connect(Finnhub("wrong", object()).url)
        conversation = Finnhub(KEY, object()).conversation()
        async with connect(Finnhub(KEY, object()).url) as socket:
            for frame in conversation.subscribe(frozenset({"IWM", "QQQ", "SPY"})):
                await socket.send(frame)
            result = conversation.received(await socket.recv())
    assert result.error is not None
    assert result.error.kind == "limit"


def test_the_key_in_the_address_is_escaped(monkeypatch):
    monkeypatch.delenv("ROTATION_TUI_FINNHUB_STREAM_URL", raising=False)
    assert Finnhub("a&b=c?#/", object()).url == "wss://ws.finnhub.io/?token=a%26b%3Dc%3F%23%2F"
    monkeypatch.setenv("ROTATION_TUI_FINNHUB_STREAM_URL", f"wss://{KEY} x")
    with pytest.raises(InputError) as raised:
        Finnhub(KEY, object())
    assert KEY not in str(raised.value)


def answer(price=221.28, at=NOW_MS // 1000):
    return ok(
        json.dumps(
            {"c": price, "d": 1.0, "dp": 0.4, "h": 222, "l": 219, "o": 220, "pc": 217, "t": at}
        ).encode()
    )


@pytest.mark.parametrize("value", [*NO_NUMBERS, None, 0])
def test_a_last_price_that_is_none(value):
    assert parse_quote("IWM", json.dumps({"c": value, "t": NOW_MS // 1000}).encode()) == []
    assert parse_quote("IWM", json.dumps({"c": 221.28, "t": value}).encode()) == []


async def test_the_last_price_of_each_symbol_and_the_key_in_no_log(monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    async with RestServer(answer(), answer(495.43), fault(401)) as server, CachedClient() as http:
        monkeypatch.setenv("ROTATION_TUI_FINNHUB_REST_URL", server.url)
        vendor = Finnhub(KEY, http)
        assert await vendor.snapshot(frozenset({"QQQ", "IWM"})) == (
            Quote("IWM", NOW_NS, 221.28),
            Quote("QQQ", NOW_NS, 495.43),
        )
        assert [each.path for each in server.requests] == ["/quote?symbol=IWM", "/quote?symbol=QQQ"]
        assert server.requests[0].headers["x-finnhub-token"] == KEY
        with pytest.raises(SourceError) as raised:
            await vendor.snapshot(frozenset({"IWM"}))
        assert await vendor.backfill(frozenset({"IWM"}), 0, NOW_NS) == ()
    assert str(raised.value).startswith("Finnhub: HTTP 401")
    assert KEY not in caplog.text + str(raised.value) + repr(vendor) + repr(vendor.conversation())
