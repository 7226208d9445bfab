"""Alpaca's conversation, against its server in both encodings and judged by Alpaca's own client."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
import traceback

import pytest
from websockets.asyncio.client import connect

from feeds.errors import InputError, SourceError
from feeds.http.cached import CachedClient
from feeds.streaming.vendor import Conversation, Halt, Vendor
from feeds.vendors.alpaca.frames import Subscribed
from feeds.vendors.alpaca.plan import Plan
from feeds.vendors.alpaca.stream import MODES, Alpaca
from rotation.status import Mode, Refusal
from tests.support.servers.alpaca import (
    NOW_NS,
    AlpacaServer,
    cancel,
    correction,
    encode,
    error,
    minute,
    status,
    trade,
)
from tests.support.servers.rest import RestServer, fault
from tests.support.servers.ws import READY, STAY

LIMIT_S = 500
"""Waits are for events, not for time; this only ends a test that would hang."""
KEY, SECRET = "PKTESTTESTTESTTEST", "sEcReT/notForAnyone+0123456789"
BOTH = pytest.mark.parametrize("packed", [False, True], ids=["json", "msgpack"])


def vendor(packed=False, **more) -> Alpaca:
    return Alpaca(KEY, SECRET, CachedClient(), packed=packed, **more)


def subscribed(**channels) -> str:
    return json.dumps([{"T": "subscription"} | {name: sorted(held) for name, held in channels.items()}])


def asked(frames) -> list[dict]:
    return [json.loads(frame) for frame in frames]


async def talk(socket, conversation, symbols, until):
    """What a driver does, without clocks: every Heard until one satisfies ``until``."""
    for frame in conversation.opened():
        await socket.send(frame)
    return await take(socket, conversation, until, symbols)


async def take(socket, conversation, until, symbols=()):
    results = []
    async with asyncio.timeout(LIMIT_S):
        async for frame in socket:
            result = conversation.received(frame)
            results.append(result)
            for answer in result.send:
                await socket.send(answer)
            if result.ready:
                for request in conversation.subscribe(frozenset(symbols)):
                    await socket.send(request)
            if until(result):
                return results
    raise AssertionError("the connection ended")


def test_it_keeps_the_contract():
    first: Vendor = vendor()
    conversation: Conversation = first.conversation()
    assert conversation.beat() == ()
    assert (first.name, first.mode, first.beat_s, first.heartbeats, first.acknowledges) == (
        "Alpaca", Mode(venue="IEX"), None, False, True,
    )  # fmt: skip


@pytest.mark.parametrize(("feed", "mode"), MODES.items())
def test_endpoints(feed, mode, monkeypatch):
    first = vendor(feed=feed)
    assert (first.url, first.mode) == (f"wss://stream.data.alpaca.markets/v2/{feed}", mode)
    monkeypatch.setenv("ROTATION_TUI_ALPACA_STREAM_URL", "ws://127.0.0.1:9/")
    assert vendor(feed=feed).url == f"ws://127.0.0.1:9/v2/{feed}"
    assert vendor(packed=True).headers == {"Content-Type": "application/msgpack"}


@pytest.mark.parametrize("feed", ["", "IEX", "otc", "../iex"])
def test_a_feed_that_there_is_not(feed):
    with pytest.raises(InputError, match="choose one of iex, sip, delayed_sip, test"):
        vendor(feed=feed)


@BOTH
async def test_connect_authenticate_subscribe_receive(packed):
    async with AlpacaServer() as server:
        conversation = vendor(packed, first=["IWM"], channels=1).conversation()
        headers = dict(vendor(packed).headers)
        async with connect(server.url + server.path, additional_headers=headers) as socket:
            await talk(
                socket, conversation, {"IWM", "QQQ"}, lambda result: result.subscribed == {"IWM", "QQQ"}
            )
            await server.tell([trade("IWM"), minute("QQQ")])
            results = await take(socket, conversation, lambda result: result.quotes)
        state = server.clients[0].state
    assert state["packed"] is packed
    assert state["asked"][0] == {"action": "auth", "key": KEY, "secret": SECRET}
    assert (state["trades"], state["bars"]) == ({"IWM"}, {"*"})
    quotes = results[-1].quotes
    assert [(quote.symbol, quote.seq) for quote in quotes] == [("IWM", 1), ("QQQ", 0)]
    assert quotes[0].ts_ns == NOW_NS


@BOTH
async def test_a_whole_market_minute_by_minute(packed):
    """Legs by trade, the rest by bars of everything; bars of others and of the legs count nowhere."""
    others = frozenset(f"R{number:04}" for number in range(2000))
    async with AlpacaServer(channels=30) as server:
        conversation = vendor(packed, first=["IWM", "QQQ"]).conversation()
        headers = dict(vendor(packed).headers)
        async with connect(server.url + server.path, additional_headers=headers) as socket:
            wanted = others | {"IWM", "QQQ"}
            await talk(
                socket, conversation, wanted, lambda result: result.subscribed == wanted and not result.send
            )
            await server.tell([minute(name) for name in ("IWM", "TSLA", "R0001", "R1999")])
            results = await take(socket, conversation, lambda result: result.quotes)
        state = server.clients[0].state
    assert [quote.symbol for quote in results[-1].quotes] == ["R0001", "R1999"]
    assert (state["trades"], state["bars"], state["updatedBars"]) == ({"IWM", "QQQ"}, {"*"}, {"*"})
    assert state["statuses"] == {"IWM", "QQQ"}


async def test_without_every_bar_the_first_names_get_some():
    wanted = frozenset(f"R{number:04}" for number in range(40)) | {"IWM", "QQQ"}
    async with AlpacaServer(channels=30, every_bar=False) as server:
        conversation = vendor(first=["IWM", "QQQ"]).conversation()
        async with connect(server.url + server.path) as socket:
            results = await talk(socket, conversation, wanted, lambda result: result.error)
            results += await take(socket, conversation, lambda result: len(result.subscribed or ()) == 30)
        state = server.clients[0].state
    refused = next(result.error for result in results if result.error)
    assert (refused.kind, refused.message) == (
        "limit", "the plan's limit of symbols is reached (405); 12 symbols not followed",
    )  # fmt: skip
    assert (state["trades"], len(state["bars"])) == ({"IWM", "QQQ"}, 28)


# What to ask when: the plan alone, no socket.


def answered(conversation, frame) -> list[dict]:
    return asked(conversation.received(frame).send)


def test_few_symbols_need_no_bars():
    conversation = vendor().conversation()
    assert asked(conversation.subscribe(frozenset({"QQQ", "IWM"}))) == [
        {"action": "subscribe", "trades": ["IWM", "QQQ"]}
    ]
    held = {"trades": {"IWM", "QQQ"}}
    assert answered(conversation, subscribed(**held)) == [{"action": "subscribe", "statuses": ["IWM", "QQQ"]}]
    held["statuses"] = {"IWM", "QQQ"}
    assert answered(conversation, subscribed(**held)) == [{"action": "subscribe", "lulds": ["IWM", "QQQ"]}]
    held["lulds"] = {"IWM", "QQQ"}
    assert answered(conversation, subscribed(**held)) == []
    assert conversation.subscribe(frozenset({"QQQ", "IWM"})) == ()


def test_the_set_shrinks_and_grows():
    conversation = vendor().conversation()
    conversation.subscribe(frozenset({"IWM", "QQQ"}))
    answered(conversation, subscribed(trades={"IWM", "QQQ"}))
    held = {channel: {"IWM", "QQQ"} for channel in ("trades", "statuses", "lulds")}
    answered(conversation, subscribed(**held | {"lulds": ()}))
    answered(conversation, subscribed(**held))
    assert asked(conversation.subscribe(frozenset({"IWM", "DIA"}))) == [
        {"action": "unsubscribe", "trades": ["QQQ"]}
    ]
    assert answered(conversation, subscribed(trades={"IWM"})) == [{"action": "subscribe", "trades": ["DIA"]}]


def test_an_acknowledgement_that_lacks_one_is_asked_for_again():
    conversation = vendor().conversation()
    wanted = frozenset({"IWM", "QQQ"})
    conversation.subscribe(wanted)
    result = conversation.received(subscribed(trades={"IWM"}))
    assert result.subscribed == {"IWM"}
    assert asked(result.send) == [{"action": "subscribe", "trades": ["QQQ"]}]
    result = conversation.received(subscribed(trades={"IWM"}))  # still not: no flood of requests
    assert asked(result.send) == [{"action": "subscribe", "statuses": ["IWM"]}]
    held = {"trades": {"IWM"}, "statuses": {"IWM"}}
    assert answered(conversation, subscribed(**held)) == [{"action": "subscribe", "lulds": ["IWM"]}]
    assert answered(conversation, subscribed(**held | {"lulds": {"IWM"}})) == []
    assert asked(conversation.subscribe(wanted)) == [{"action": "subscribe", "trades": ["QQQ"]}]


def test_a_request_without_an_answer_is_sent_again():
    conversation = vendor().conversation()
    wanted = frozenset({"IWM"})
    first = conversation.subscribe(wanted)
    assert conversation.subscribe(wanted) == first


def test_405_halves_what_is_asked_until_it_fits():
    """An account with fewer channels than its plan says: trades as far as they go, then bars."""
    legs = [f"L{number:02}" for number in range(12)]
    conversation = vendor(first=legs).conversation()
    conversation.subscribe(frozenset(legs))
    result = conversation.received(encode([error(405)], packed=False))
    assert (result.error.kind, result.error.message) == (
        "limit",
        "the plan's limit of symbols is reached (405); fewer symbols by trade, the others by minute bars",
    )  # fmt: skip
    assert asked(result.send) == [{"action": "subscribe", "trades": legs[:6]}]
    assert answered(conversation, subscribed(trades=legs[:6])) == [{"action": "subscribe", "bars": ["*"]}]
    result = conversation.received(subscribed(trades=legs[:6], bars=["*"]))
    assert result.subscribed == set(legs)


def test_405_to_everything_is_the_limit_and_ends():
    conversation = vendor(first=["IWM"]).conversation()
    wanted = frozenset(f"R{number:03}" for number in range(40)) | {"IWM"}
    conversation.subscribe(wanted)
    errors = []
    for _ in range(100):
        result = conversation.received(encode([error(405)], packed=False))
        errors.append(result.error)
        if not result.send:
            break
    assert len(errors) < 12
    assert errors[-1].message == "the plan's limit of symbols is reached (405); 41 symbols not followed"
    assert conversation.subscribe(wanted) == ()


def test_symbols_that_alpaca_cannot_know_are_not_asked_for():
    """One of them would cost the whole request its answer."""
    conversation = vendor().conversation()
    frames = conversation.subscribe(frozenset({"IWM", "^RUT", "ZQZ26.CBT=", "iwm", "A\x1b[2J", "BRK.B"}))
    assert asked(frames) == [{"action": "subscribe", "trades": ["BRK.B", "IWM"]}]


def test_classes_of_shares_are_written_their_way_and_come_back_in_ours():
    conversation = vendor(first=["BRK-B"], channels=1).conversation()
    wanted = frozenset({"BRK-B", "BF-B", "IWM", "RUT", "^NDX"})
    assert asked(conversation.subscribe(wanted)) == [{"action": "subscribe", "trades": ["BRK.B"]}]
    conversation.received(subscribed(trades={"BRK.B"}))
    result = conversation.received(subscribed(trades={"BRK.B"}, bars={"*"}))
    assert result.subscribed == {"BRK-B", "BF-B", "IWM"}  # no index: their state says that nothing comes
    frame = encode([trade("BRK.B"), minute("BF.B"), status("BRK.B", "2"), cancel("BF.B")], packed=False)
    result = conversation.received(frame)
    assert [quote.symbol for quote in result.quotes] == ["BRK-B", "BF-B"]
    assert (result.halts[0].symbol, result.corrections[0].symbol) == ("BRK-B", "BF-B")


@pytest.mark.parametrize("code", [400, 405, 409, 410, 411, 500])
def test_what_is_only_good_to_have_may_fail(code):
    conversation = vendor().conversation()
    conversation.subscribe(frozenset({"IWM"}))
    assert answered(conversation, subscribed(trades={"IWM"})) == [
        {"action": "subscribe", "statuses": ["IWM"]}
    ]
    result = conversation.received(encode([error(code)], packed=False))
    bands = [] if code == 500 else [{"action": "subscribe", "lulds": ["IWM"]}]
    assert (result.error, asked(result.send)) == (None, bands)
    result = conversation.received(encode([error(code)], packed=False))
    assert (result.error, result.send) == (None, ())


def test_the_pair_s_bid_and_ask_where_channels_are_left():
    held = {channel: {"IWM", "QQQ", "SPY"} for channel in ("trades", "statuses", "lulds")}
    for channels, quotes in ((5, [{"action": "subscribe", "quotes": ["IWM", "QQQ"]}]), (4, [])):
        conversation = vendor(first=["IWM", "QQQ", "SPY"], channels=channels).conversation()
        conversation.subscribe(frozenset(held["trades"]))
        assert answered(conversation, subscribed(**held)) == quotes


@pytest.mark.parametrize("code", [401, 402, 409, 410, 411])
@BOTH
def test_fatal_codes(code, packed):
    result = vendor(packed).conversation().received(encode([error(code)], packed))
    assert (result.error.kind, result.error.refusal) == ("fatal", Refusal.AUTH_FAILED)
    assert result.error.message.endswith(f"({code})")


def test_406_waits_on_the_same_socket():
    conversation = vendor().conversation()
    result = conversation.received(encode([error(406)], packed=False))
    assert (result.error.kind, result.send) == ("again", ())
    assert asked(conversation.opened())[0]["action"] == "auth"


@pytest.mark.parametrize("code", [404, 407, 500, 0, -3, 10**30, None])
def test_other_errors_end_by_themselves(code):
    """Counted, and left to the connection's end or the driver's clocks. What was asked stays due."""
    conversation = vendor().conversation()
    first = conversation.subscribe(frozenset({"IWM"}))
    result = conversation.received(json.dumps([{"T": "error", "code": code, "msg": "\x1b[2J"}]))
    assert (result.error, result.send, len(result.rejected)) == (None, (), 1)
    assert result.rejected[0].isprintable()
    assert len(result.rejected[0]) < 60
    assert conversation.subscribe(frozenset({"IWM"})) == first


def test_already_authenticated_is_authenticated():
    assert vendor().conversation().received(encode([error(403)], packed=False)).ready


def test_halts_and_corrections_pass():
    frame = encode([status("IWM", "2"), cancel("IWM"), correction("QQQ"), {"T": "zz"}], packed=True)
    result = vendor().conversation().received(frame)
    assert result.halts == (Halt("IWM", halted=True, ts_ns=NOW_NS),)
    assert [each.symbol for each in result.corrections] == ["IWM", "QQQ"]
    assert result.rejected == ("a message of an unknown kind",)


def test_the_plan_settles_whatever_the_vendor_says():
    """Any answers: a bounded number of requests, then silence."""
    wanted = frozenset(f"R{number:03}" for number in range(50)) | {"IWM"}
    for answers in ([None] * 99, [Subscribed()] * 99, [Subscribed(bars=frozenset("*")), None] * 50):
        plan = Plan(["IWM"], 30)
        ask, count = plan.want(wanted), 0
        while ask is not None:
            answer = answers[count]
            if answer is None:
                plan.refused()
            else:
                plan.acknowledged(answer)
            ask, count = plan.next(), count + 1
        assert count < 20


REFEREE = """
import asyncio, sys
from alpaca.data.live import StockDataStream

async def main():
    stream = StockDataStream({key!r}, {secret!r}, url_override={url!r})
    result = []

    async def receive(one):
        result.append(one)
        print(type(one).__name__, one.symbol, one.timestamp.isoformat(), getattr(one, "price", None)
              or getattr(one, "close", None) or getattr(one, "status_code", None)
              or getattr(one, "bid_price", None), flush=True)
        if len(result) == 5:
            await stream.stop_ws()

    stream.subscribe_trades(receive, "IWM", "QQQ")
    stream.subscribe_quotes(receive, "SPY")
    stream.subscribe_bars(receive, "*")
    stream.subscribe_updated_bars(receive, "*")
    stream.subscribe_trading_statuses(receive, "IWM")
    await stream._run_forever()

asyncio.run(main())
"""


async def test_alpacas_own_client_understands_the_server():
    quote = {
        "T": "q",
        "S": "SPY",
        "bx": "U",
        "bp": 561.9,
        "bs": 1,
        "ax": "Q",
        "ap": 562.0,
        "as": 4,
        "c": ["R"],
    }
    script = (
        READY,
        [trade("IWM", 221.28), trade("QQQ", 495.43, NOW_NS + 1000)],
        quote | {"t": NOW_NS, "z": "B"},
        minute("DIA", 409.5),
        status("IWM", "2"),
        STAY,
    )
    async with AlpacaServer(script) as server:
        code = REFEREE.format(key=KEY, secret=SECRET, url=server.url + server.path)
        judge = await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        try:
            out, errors = await asyncio.wait_for(judge.communicate(), 500)
        finally:
            if judge.returncode is None:
                judge.kill()
                await judge.wait()
        state = server.clients[0].state
    assert out.decode().splitlines() == [
        "Trade IWM 2024-07-16T14:40:00.123456+00:00 221.28",
        "Trade QQQ 2024-07-16T14:40:00.123457+00:00 495.43",
        "Quote SPY 2024-07-16T14:40:00.123456+00:00 561.9",
        "Bar DIA 2024-07-16T14:40:00+00:00 409.5",
        "TradingStatus IWM 2024-07-16T14:40:00.123456+00:00 2",
    ], errors.decode()
    assert state["packed"]
    assert state["asked"][0] == {"action": "auth", "key": KEY, "secret": SECRET}
    assert (state["trades"], state["quotes"], state["bars"]) == ({"IWM", "QQQ"}, {"SPY"}, {"*"})


def shows(text) -> bool:
    return KEY in text or SECRET in text


async def test_the_keys_show_nowhere(caplog, monkeypatch):
    """Not in a log at its most talkative, a repr, an error or its traceback, an address."""
    caplog.set_level(logging.DEBUG)
    async with RestServer(fault(403)) as server:
        monkeypatch.setenv("ROTATION_TUI_ALPACA_REST_URL", server.url)
        first = vendor(packed=True)
        conversation = first.conversation()
        with pytest.raises(SourceError) as refused:
            await first.snapshot(frozenset({"IWM"}))
        result = conversation.received(encode([error(402), {"T": KEY, "S": SECRET}], packed=True))
    with pytest.raises(SourceError) as garbage:
        conversation.received(f'{{"{SECRET}"')
    with pytest.raises(InputError) as unusable:
        Alpaca(KEY, SECRET + "\n", CachedClient())
    assert shows(str(server.requests))  # where they belong
    seen = [
        repr(first),
        repr(conversation),
        repr(vars(first)),
        repr(vars(conversation)),
        repr(first.rest),
        first.url,
    ]
    seen += [repr(vars(first.rest)), repr(result), str(first.headers), caplog.text]
    for caught in (refused, garbage, unusable):
        seen += traceback.format_exception(caught.value)
    assert len(seen) > 15
    assert not any(shows(text) for text in seen)


@pytest.mark.parametrize("text", ["", " ", "a b", "a\r\nX: y", "ключ", "x" * 201, "\x1b[2J", '"quoted" '])
def test_a_key_that_cannot_be_one(text):
    for key_id, secret in ((text, SECRET), (KEY, text)):
        with pytest.raises(InputError) as caught:
            Alpaca(key_id, secret, CachedClient())
        assert text.strip() == "" or text not in str(caught.value)
