"""A leg is asked for as each vendor spells it, and its answers come back under the desk's own spelling."""

from __future__ import annotations

import json
from datetime import date

import pytest

from feeds.events import Correction
from feeds.http.cached import CachedClient
from feeds.parsing.symbols import is_share
from feeds.parsing.vendor_names import Names
from feeds.streaming.members.prints import MemberChannel, MemberPrints
from feeds.streaming.requests import Reference
from feeds.streaming.watch.auction import Auctions
from feeds.vendors.alpaca.frames import encode
from feeds.vendors.alpaca.stream import Alpaca
from feeds.vendors.finnhub.frames import Ordinals
from feeds.vendors.finnhub.stream import Finnhub, FinnhubConversation
from feeds.vendors.massive.frames import TradeIds
from feeds.vendors.massive.members import MemberBars
from feeds.vendors.massive.stream import Massive, MassiveConversation
from feeds.vendors.yahoo.stream import YahooConversation
from rotation.quote import Nbbo
from rotation.status import LIVE
from tests.support.servers import finnhub, massive
from tests.support.servers.rest import RestServer, ok

LEGS = frozenset({"BRK-B", "BF.B", "IWM", "RUT", "^NDX", "BTC-USD", "ES=F"})
DAY = date(2024, 7, 16)


def all_asked(frames):
    return " ".join(map(str, frames))


def alpaca():
    return Alpaca("KEYID", "secret", CachedClient(), packed=False).conversation()


def test_every_stream_is_asked_in_its_spelling_and_only_for_what_it_can_have():
    plan = json.loads(alpaca().subscribe(LEGS)[0])
    assert plan["trades"] == ["BF.B", "BRK.B", "IWM"]
    (frame,) = MassiveConversation(massive.KEY).subscribe(LEGS)
    assert json.loads(frame)["params"] == "T.BF.B,T.BRK.B,T.IWM"
    asked = [json.loads(each)["symbol"] for each in FinnhubConversation(Ordinals()).subscribe(LEGS)]
    assert asked == ["BF.B", "BRK.B", "IWM"]
    (frame,) = YahooConversation().subscribe(LEGS)
    assert json.loads(frame)["subscribe"] == ["BF-B", "BRK-B", "BTC-USD", "ES=F", "IWM", "^NDX", "^RUT"]


@pytest.mark.parametrize(
    ("symbol", "is_one"),
    [
        *((symbol, True) for symbol in ("IWM", "BRK.B", "BRK-B", "ABR-PRD", "700", "0700.HK", "AAC-WS")),
        *((symbol, False) for symbol in ("^RUT", "RUT", "BTC-USD", "ETH-USDT", "ES=F", "EURUSD=X")),
    ],
)
def test_what_may_be_a_share(symbol, is_one):
    assert is_share(symbol) is is_one


def test_of_two_spellings_of_one_share_it_is_always_the_same_one_that_has_its_prices():
    for order in (("BRK-B", "BRK.B"), ("BRK.B", "BRK-B")):
        assert Names(order).ours(frozenset({"BRK.B"})) == {"BRK.B"}


def test_massive_answers_under_the_desk_s_own_spelling():
    conversation = MassiveConversation(massive.KEY, TradeIds(), Auctions())
    conversation.subscribe(LEGS)
    acknowledged = conversation.received(
        massive.array(massive.status("success", "subscribed to: T.BRK.B,T.IWM,T.BF.B"))
    )
    assert acknowledged.subscribed == {"BRK-B", "IWM", "BF.B"}
    assert "Q.BRK.B" in all_asked(acknowledged.send)
    assert conversation.subscribe(LEGS) == ()

    print_, bid_ask = massive.trade(sym="BRK.B", i="77"), massive.quoted("BRK.B")
    band = {"ev": "LULD", "T": "BRK.B", "h": 440.0, "l": 430.0, "t": massive.NOW_MS}
    exact = conversation.received(massive.array(print_, bid_ask, band))
    assert [quote.symbol for quote in exact.quotes] == ["BRK-B"]
    assert (exact.nbbo[0].symbol, exact.bands[0].symbol) == ("BRK-B", "BRK-B")
    many = conversation.received_many([massive.array(print_, bid_ask, band)], 0)
    assert [quote.symbol for quote in many.prints.quotes()] == ["BRK-B"]
    assert (many.nbbo[0].symbol, many.bands[0].symbol) == ("BRK-B", "BRK-B")
    assert many.nbbo[0] == Nbbo("BRK-B", exact.nbbo[0].bid, exact.nbbo[0].ask, exact.nbbo[0].ts_ns)

    cancelled = massive.trade(sym="BRK.B", i="77", c=[44], t=massive.NOW_MS + 5_000)
    (correction,) = conversation.received(massive.array(cancelled)).corrections
    traded = exact.quotes[0]
    assert correction == Correction("BRK-B", traded.ts_ns, traded.seq)  # found by its id, not by its time


async def test_massive_by_rest(monkeypatch):
    trade = {"c": [14], "i": "1", "p": 437.0, "s": 100, "t": massive.NOW_MS * 10**6, "x": 4}
    snapshot = {"tickers": [{"ticker": "BRK.B", "lastTrade": trade, "prevDay": {"c": 436.9}}]}
    minute = {"c": 437.0, "h": 437.5, "l": 436.5, "v": 9, "t": massive.NOW_MS - massive.NOW_MS % 60_000}
    splits = {"results": [{"execution_date": str(DAY), "split_from": 1, "split_to": 50, "ticker": "BF.B"}]}
    replies = [ok(json.dumps(each).encode()) for each in (snapshot, {"results": [minute]}, splits, snapshot)]
    async with RestServer(*replies) as server, CachedClient() as http:
        monkeypatch.setenv("ROTATION_TUI_MASSIVE_REST_URL", server.url)
        vendor = Massive(massive.KEY, http)
        legs = frozenset({"BRK-B", "RUT"})
        assert [quote.symbol for quote in await vendor.snapshot(legs)] == ["BRK-B"]
        starts_ns = minute["t"] * 10**6
        filled = await vendor.backfill(legs, starts_ns, starts_ns + 120 * 10**9)
        assert [quote.symbol for quote in filled] == ["BRK-B"]
        answer = await vendor.reference(frozenset({"BRK-B", "BF-B"}), DAY)
        assert answer == Reference({"BRK-B": 436.9}, {"BF-B": 50.0})
        paths = [request.path for request in server.requests]
    assert paths[0].endswith("?tickers=BRK.B")
    assert paths[1].startswith("/v2/aggs/ticker/BRK.B/range/")
    assert paths[3].endswith("?tickers=BRK.B")


async def test_finnhub_answers_under_the_desk_s_own_spelling(monkeypatch):
    conversation = FinnhubConversation(Ordinals())
    conversation.subscribe(LEGS)
    sent = finnhub.trades(finnhub.trade("BRK.B"), finnhub.trade("BF.B"))
    assert [quote.symbol for quote in conversation.received(sent).quotes] == ["BRK-B", "BF.B"]
    now = ok(json.dumps({"c": 437.0, "t": finnhub.NOW_MS // 1000}).encode())
    async with RestServer(now) as server, CachedClient() as http:
        monkeypatch.setenv("ROTATION_TUI_FINNHUB_REST_URL", server.url)
        (quote,) = await Finnhub(finnhub.KEY, http).snapshot(frozenset({"BRK-B", "^NDX"}))
        assert (quote.symbol, quote.price) == ("BRK-B", 437.0)
        assert [request.path for request in server.requests] == ["/quote?symbol=BRK.B"]


def test_alpaca_answers_under_the_desk_s_own_spelling():
    conversation = alpaca()
    conversation.subscribe(LEGS)
    sent = [{"T": "t", "S": "BRK.B", "i": 1, "x": "V", "p": 437.0, "s": 100, "c": ["@"], "z": "A"}]
    sent[0]["t"] = "2024-07-16T14:30:00.000000001Z"
    assert [quote.symbol for quote in conversation.received(encode(sent, packed=False)).quotes] == ["BRK-B"]


BARS = [
    {"T": "b", "S": "BRK.B", "o": 437.0, "h": 437.5, "l": 436.5, "c": 437.0, "v": 9},
    {"T": "b", "S": "AAPL", "o": 230.0, "h": 230.5, "l": 229.5, "c": 230.0, "v": 9},
    {"T": "b", "S": "ZZZ", "o": 1.0, "h": 1.0, "l": 1.0, "c": 1.0, "v": 9},
]  # fmt: skip


@pytest.mark.parametrize("by_trades", [True, False])
@pytest.mark.parametrize("is_plain", [True, False])
def test_alpaca_s_bar_of_a_leg_is_also_a_member_s_under_its_other_spelling(by_trades, is_plain):
    """A fund's list has it with a dot."""
    prints, reader = MemberPrints(), object()
    prints.want(reader, ["BRK.B", "AAPL"], lambda: None)
    vendor = Alpaca(
        "KEYID", "secret", CachedClient(), packed=False, first=["IWM"], channels=30 if by_trades else 1
    )
    vendor.members = prints
    conversation = vendor.conversation()
    frames = list(conversation.subscribe(frozenset({"BRK-B", "IWM"})))
    held: dict[str, list[str]] = {}
    while frames:
        asked = json.loads(frames.pop(0))
        done = {name: asked[name] for name in asked if name != "action"}
        held |= done
        frames += conversation.received(encode([{"T": "subscription"} | held], packed=False)).send
    sent = [each | {"t": "2024-07-16T14:30:00Z"} for each in BARS]
    other = {"T": "success", "msg": "connected"}
    result = conversation.received(encode(sent if is_plain else [*sent, other], packed=False))
    assert [quote.symbol for quote in result.members] == ["BRK.B", "AAPL"]
    assert [quote.symbol for quote in result.quotes] == ([] if by_trades else ["BRK-B"])
    assert result.passed_over == 1


@pytest.mark.parametrize("plan", ["T", "A"])
@pytest.mark.parametrize("is_plain", [True, False])
def test_massive_s_bar_of_a_leg_is_also_a_member_s_under_its_other_spelling(plan, is_plain):
    prints, reader = MemberPrints(), object()
    prints.want(reader, ["BRK.B", "AAPL"], lambda: None)
    conversation = MassiveConversation(massive.KEY, TradeIds(), Auctions(), members=MemberBars(prints))
    conversation.subscribe(frozenset({"BRK-B", "IWM"}))
    if plan == "A":
        conversation.received(massive.array(massive.status("error", "not authorized")))
    conversation.received(massive.array(massive.status("success", f"subscribed to: {plan}.BRK.B,{plan}.IWM")))
    conversation.received(massive.array(massive.status("success", "subscribed to: A.*")))
    bars = [massive.bar("A", sym=symbol) for symbol in ("BRK.B", "AAPL", "ZZZ")]
    result = conversation.received(massive.array(*bars, *([] if is_plain else [massive.quoted("IWM")])))
    tap = prints.tap(LIVE)
    tap.on_channel(MemberChannel.SECOND_BARS, 0.0)
    tap.put(result.members, 0, 0.0)
    assert set(prints.take(reader)) == {"BRK.B", "AAPL"}
    assert [quote.symbol for quote in result.quotes] == ([] if plan == "T" else ["BRK-B"])
    assert result.passed_over == 1
