"""Coinbase: public trades, one count a connection, acknowledgements of the whole set."""

from __future__ import annotations

import json

import pytest
from websockets.asyncio.client import connect

from feeds.errors import SourceError
from feeds.parsing.wire import instant_ns
from feeds.streaming.vendor import VendorError
from feeds.vendors.coinbase.stream import PRODUCT, Coinbase, CoinbaseConversation
from rotation.quote import Quote
from tests.support.servers.coinbase import AT, SCRIPTS, CoinbaseServer, heartbeat, message, trade, trades

AT_NS = instant_ns(AT)
WANTED = frozenset({PRODUCT})
HOSTILE = "\x1b]52;c;aGk=\x07\x1b[2J\x9b31m\u202e\u200b\x00[red]" + "A" * 100_000
NO_NUMBERS = [
    None,
    "",
    "NaN",
    "Infinity",
    "text",
    True,
    [1],
    {"a": 1},
    1e308,
    "1e99",
    -2,
    "-1",
    10**400,
    HOSTILE,
]


def receive(frame):
    return CoinbaseConversation().received(frame)


def test_a_trade():
    result = receive(trades(3, trade()))
    assert result.quotes == (Quote("BTC-USD", AT_NS, 64250.01, 700_000_001),)
    assert (result.sequence, result.rejected, result.heartbeat) == ((("", 3),), (), False)


def test_the_trades_a_subscription_begins_with_come_newest_first():
    older = trade("64000", "699999999", time="2024-07-16T14:39:59Z")
    result = receive(trades(2, trade(), older, kind="snapshot"))
    assert [quote.price for quote in result.quotes] == [64000.0, 64250.01]


def test_every_message_counts():
    numbers = [receive(frame).sequence for frame in (heartbeat(4), trades(5, trade()), message("new", 6))]
    assert numbers == [(("", 4),), (("", 5),), (("", 6),)]
    assert receive(heartbeat(4)).heartbeat


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *((field, value) for field in ("price", "time", "trade_id") for value in NO_NUMBERS),
        *(("size", value) for value in NO_NUMBERS[1:]),
        ("price", "0"),
    ],
)
def test_a_number_that_is_none_spoils_no_other_trade(field, value):
    result = receive(trades(3, trade(**{field: value}), trade("64251", "700000002")))
    assert [quote.price for quote in result.quotes] == [64251.0]
    assert len(result.rejected) == 1


@pytest.mark.parametrize("field", ["trade_id", "product_id", "price", "size", "side", "time", "unheard_of"])
def test_nothing_hostile_passes(field):
    shown = repr(receive(trades(3, trade(**{field: HOSTILE}))))
    assert shown.isascii()
    assert not any(part in shown for part in ("\x1b", "\\x1b", "[2J", "[red]", "AAAA"))


def test_hostile_channels_and_products():
    conversation = CoinbaseConversation()
    result = conversation.received(
        message(HOSTILE, 1, {"subscriptions": {"market_trades": [HOSTILE, 3, PRODUCT]}})
    )
    assert (result.quotes, result.subscribed) == ((), None)
    result = conversation.received(
        message("subscriptions", 2, {"subscriptions": {"market_trades": [HOSTILE, 3, PRODUCT], HOSTILE: 7}})
    )
    assert result.subscribed == WANTED


@pytest.mark.parametrize("frame", ["{not json", '"text"', b"\xff\xfe", "[[[[", "null", "[3]", "[" * 9_000])
def test_garbage(frame):
    with pytest.raises(SourceError, match=r"^Coinbase: "):
        receive(frame)


def test_an_error():
    result = receive(json.dumps({"type": "error", "message": HOSTILE}))
    assert result.error == VendorError("limit", "Coinbase rejected a subscription")


async def test_a_conversation_with_the_server():
    async with CoinbaseServer(SCRIPTS["ok"]) as server, connect(server.url) as socket:
        conversation = CoinbaseConversation()
        quotes, sequence, ready = [], [], False
        for frame in conversation.opened():
            await socket.send(frame)
        async for frame in socket:
            result = conversation.received(frame)
            quotes += result.quotes
            sequence += result.sequence
            if result.ready and not ready:
                ready = True
                assert result.subscribed == frozenset()
                for asked in conversation.subscribe(WANTED):
                    await socket.send(asked)
            if result.subscribed:
                assert result.subscribed == WANTED
                assert conversation.subscribe(WANTED) == ()
            if len(quotes) == 2:
                break
        assert server.clients[0].state["channels"] == {
            "heartbeats": ["heartbeats"],
            "market_trades": [PRODUCT],
        }
    assert [quote.price for quote in quotes] == [64250.01, 64251.5]
    assert sequence == [("", number) for number in range(5)]
    (gone,) = conversation.subscribe(frozenset())
    assert json.loads(gone) == {"type": "unsubscribe", "channel": "market_trades", "product_ids": [PRODUCT]}


async def test_what_it_has_no_need_of(monkeypatch):
    vendor = Coinbase()
    assert vendor.url == "wss://advanced-trade-ws.coinbase.com"
    assert await vendor.snapshot(WANTED) == ()
    assert await vendor.backfill(WANTED, 0, AT_NS) == ()
    assert vendor.conversation().beat() == ()
    monkeypatch.setenv("ROTATION_TUI_COINBASE_STREAM_URL", "ws://127.0.0.1:9/")
    assert Coinbase().url == "ws://127.0.0.1:9"
