"""Massive: frames, statuses, plans without trades, REST; its own client as the referee of our server."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from contextlib import aclosing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.errors import InputError, SourceError
from feeds.events import Batch, Correction
from feeds.http.cached import CachedClient
from feeds.streaming.feed import StreamFeed
from feeds.streaming.requests import Reference
from feeds.streaming.vendor import VendorError
from feeds.vendors.massive.frames import CORRECTS, NO_TRADE, NOT_LAST, Message, TradeIds, market_data, parse
from feeds.vendors.massive.rest import parse_bars, parse_snapshot
from feeds.vendors.massive.stream import BACKFILL_MAX, PER_MESSAGE, QUOTES_MAX, Massive, MassiveConversation
from rotation.quote import NS, Quote, Role
from rotation.status import Kind, Mode, Refusal
from tests.support.fake_time import FakeTime
from tests.support.servers.massive import (
    GOOD,
    KEY,
    NOW_MS,
    SCRIPTS,
    MassiveServer,
    array,
    bar,
    quoted,
    status,
    trade,
)
from tests.support.servers.rest import RestServer, fault, ok
from tests.support.servers.ws import READY, STAY
from tests.support.subjects import NOWHERE

NOW_NS = NOW_MS * 10**6
LIMIT_S = 500
"""Waits are for events, not for time; this only ends a test that would hang."""
HOSTILE = "\x1b]52;c;aGk=\x07\x1b[2J\x9b31m\u202e\u200b\x00[red]" + "A" * 100_000
NO_NUMBERS = ["NaN", "text", True, [1], {"a": 1}, 1e308, -2, 10**400, "1e99", HOSTILE]


def receive(*messages):
    return market_data(parse(array(*messages)), TradeIds())


def test_a_trade():
    result = receive(trade(q=9_007_199_254_740_993))
    assert result.quotes == (Quote("IWM", NOW_NS, 221.28, 9_007_199_254_740_993, 100),)
    assert (result.sequence, result.rejected, result.heartbeat) == ((), (), False)


def test_holes_in_q_are_none():
    """The vendor: "increasing and unique per ticker symbol, but will not always be sequential"."""
    result = receive(trade(q=1), trade(q=2), trade(q=6))
    assert [quote.seq for quote in result.quotes] == [1, 2, 6]
    assert result.sequence == ()


@pytest.mark.parametrize(("kind", "length_ns"), [("A", NS), ("AM", 60 * NS)])
def test_a_bar_is_known_at_its_end_and_a_trade_of_that_millisecond_is_later(kind, length_ns):
    result = receive(bar(kind=kind), trade(q=0))
    assert result.quotes[0] == Quote("IWM", NOW_NS, 221.28, -1, 1200, 221.28 + 0.02, 221.28 - 0.02, length_ns)
    assert (result.quotes[0].ts_ns, result.quotes[0].seq) < (result.quotes[1].ts_ns, result.quotes[1].seq)


def test_a_bid_and_an_ask_are_no_price():
    result = receive(quoted())
    assert (result.quotes, result.rejected, result.heartbeat) == ((), (), True)
    assert receive(quoted(bid=221.30)).rejected == ("IWM: crossed or empty quote",)


@pytest.mark.parametrize("code", sorted(NOT_LAST))
def test_a_trade_that_does_not_set_the_last_price_is_no_print(code):
    result = receive(trade(price=150.0, c=[14, code]), trade(q=2))
    assert [quote.price for quote in result.quotes if quote.sets_last] == [221.28]
    assert len(result.quotes) == 1 + (code not in NO_TRADE), "its size counts, unless it is a mere report"
    assert result.rejected == ()


@pytest.mark.parametrize("codes", [[], None, [14], [12], [0, 41], [25], [8], 14, ["14"]])
def test_a_trade_that_does(codes):
    assert len(receive(trade(c=codes)).quotes) == 1


def test_odd_lots_said_as_text_or_alone():
    assert [quote.role for quote in receive(trade(c=["37"]), trade(c=37)).quotes] == [Role.SIZE] * 2


def test_a_correction_is_of_the_trade_with_its_id_whatever_its_own_time():
    conversation = MassiveConversation(KEY)
    conversation.received(array(trade("KRE", 63.06, NOW_MS, 71, i="a-1"), trade("KRE", 60.6, NOW_MS, 72)))
    result = conversation.received(array(trade("KRE", 63.06, NOW_MS + 8_000, 90, i="a-1", c=[44])))
    assert result.corrections == (Correction("KRE", NOW_NS, 71),)


@pytest.mark.parametrize("code", sorted(CORRECTS))
def test_a_correction_asks_for_the_bar_of_the_day_again(code):
    result = receive(trade(c=[code]))
    assert (result.quotes, result.corrections) == ((), (Correction("IWM", NOW_NS),))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *((field, value) for field in "pstq" for value in NO_NUMBERS),
        *((f, v) for f in "pt" for v in (None, 0)),
    ],
)
def test_a_number_that_is_none_spoils_no_other_message(field, value):
    result = receive(trade(**{field: value}), trade("QQQ", 495.43, q=2))
    assert [quote.symbol for quote in result.quotes] == ["QQQ"]
    assert len(result.rejected) == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *((field, value) for field in "chlev" for value in NO_NUMBERS),
        *((f, v) for f in "chle" for v in (None, 0)),
    ],
)
def test_a_bar_that_is_none(field, value):
    result = receive(bar(**{field: value}))
    assert (result.quotes, len(result.rejected)) == ((), 1)


def test_a_bar_whose_close_is_outside_of_it():
    assert receive(bar(h=221.0)).rejected == ("IWM: invalid bar",)


@pytest.mark.parametrize(
    "field", ["sym", "ev", "status", "message", "x", "i", "c", "p", "s", "t", "q", "z", "unheard_of"]
)
def test_nothing_hostile_passes(field):
    for message in (trade(), bar(), quoted(), status("error"), status("success")):
        conversation = MassiveConversation(KEY)
        result = conversation.received(array(message | {field: HOSTILE}))
        shown = repr(result) + "".join(result.rejected)
        assert shown.isascii()
        assert not set(shown) & {"\x1b", "\x07", "\x00", "["} - {"["}
        assert "[2J" not in shown
        assert "[red]" not in shown
        assert len(shown) < 1_000


def test_entries_that_are_none_spoil_no_other():
    result = receive(3, "text", None, [trade()], True, 1.5, trade())
    assert (len(result.quotes), result.rejected) == (1, ("invalid message",) * 6)


def test_an_unknown_kind_shows_life():
    result = receive({"ev": "XYZ", "sym": "IWM", "p": 1.0}, {"ev": ["T"]}, {})
    assert (result.quotes, result.rejected, result.heartbeat) == ((), (), True)


@pytest.mark.parametrize(
    "frame",
    ["{not json", '"text"', b"\xff\xfe", "[[[[", "null", "3", "{}", '[{"ev":NaN}]', "[" * 9_000],
)
def test_garbage(frame):
    with pytest.raises(SourceError, match=r"^Massive: "):
        parse(frame)


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(sorted({*Message.__struct_fields__, "unheard_of"})),
            st.recursive(
                st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
                | st.text() | st.sampled_from(["T", "A", "AM", "Q", "status", "IWM", "success", "error"]),
                lambda inner: st.lists(inner, max_size=3),
                max_leaves=4,
            ),
        )
    )
)  # fmt: skip
def test_whatever_comes_only_quotes_that_are_some_leave(messages):
    result = MassiveConversation(KEY).received(json.dumps(messages).encode())
    for quote in result.quotes:
        assert quote.symbol.isascii()
        assert quote.symbol.isprintable()
        assert 0 < quote.price <= 10_000_000
        assert quote.ts_ns > 0
        assert quote.size >= 0


def test_the_conversation():
    conversation = MassiveConversation(KEY)
    assert [json.loads(frame) for frame in conversation.opened()] == [{"action": "auth", "params": KEY}]
    assert not conversation.received(array(status("connected", "Connected Successfully"))).ready
    assert conversation.received(array(status("auth_success", "authenticated"))).ready
    frames = conversation.subscribe(frozenset({"QQQ", "IWM"}))
    assert [json.loads(frame) for frame in frames] == [{"action": "subscribe", "params": "T.IWM,T.QQQ"}]
    assert conversation.received(array(status("success", "subscribed to: T.IWM"))).subscribed == {"IWM"}
    # What was not acknowledged is asked for again, what was is not.
    (again,) = conversation.subscribe(frozenset({"QQQ", "IWM"}))
    assert json.loads(again)["params"] == "T.QQQ"
    assert conversation.received(array(status("success", "subscribed to: T.QQQ"))).subscribed == {
        "IWM",
        "QQQ",
    }
    assert conversation.subscribe(frozenset({"QQQ", "IWM"})) == ()
    (gone,) = conversation.subscribe(frozenset({"QQQ"}))
    assert json.loads(gone) == {"action": "unsubscribe", "params": "T.IWM"}
    assert conversation.received(array(status("success", "unsubscribed to: T.IWM"))).subscribed == {"QQQ"}
    assert conversation.beat() == ()


def test_an_acknowledgement_of_another_channel_or_of_nonsense_is_none():
    conversation = MassiveConversation(KEY)
    for message in (
        "subscribed to: A.IWM",
        "subscribed to: AM.T.X",
        f"subscribed to: T.{HOSTILE}",
        "subscribed",
        "",
    ):
        assert conversation.received(array(status("success", message))).subscribed == frozenset()
    result = conversation.received(array(status("success", "subscribed to: T.BRK.A, T.T,A.T.X")))
    assert result.subscribed == {"BRK.A", "T"}


def test_the_whole_market_in_messages_of_a_size():
    symbols = frozenset(f"S{number}" for number in range(2_100))
    frames = MassiveConversation(KEY).subscribe(symbols)
    asked = [json.loads(frame)["params"].split(",") for frame in frames]
    assert max(len(each) for each in asked) == PER_MESSAGE
    assert sorted(name for each in asked for name in each) == sorted(f"T.{symbol}" for symbol in symbols)


@pytest.mark.parametrize(
    ("result", "error"),
    [
        (
            status("auth_failed", HOSTILE),
            VendorError("fatal", "Massive rejected the key, or its plan has no streaming"),
        ),
        (
            status("max_connections"),
            VendorError(
                "fatal", "another session took over the account's one connection", Refusal.TAKEN_OVER
            ),
        ),
        (
            status(
                "error", "You don't have access real-time data. If your plan only includes delayed data …"
            ),
            VendorError("fatal", "the key's plan has no real-time data: use the delayed feed"),
        ),
        (status("error", "unknown action"), VendorError("limit", "Massive rejected a subscription")),
    ],
)
def test_vendor_errors(result, error):
    assert MassiveConversation(KEY).received(array(result)).error == error


@pytest.mark.parametrize("name", ["slow_consumer", "force_disconnect"])
def test_a_cut_that_is_announced_is_told_and_no_reason_to_stop(name):
    result = MassiveConversation(KEY).received(array(trade(), status(name, HOSTILE)))
    assert result.error is None
    assert len(result.quotes) == 1
    assert result.rejected == (f"Massive is about to cut the connection: {name}",)


def bands_of(frames) -> list[str]:
    return [json.loads(frame)["params"] for frame in frames if "LULD" in frame]


def test_bands_are_asked_for_once_all_trades_are_acknowledged():
    conversation = MassiveConversation(KEY)
    conversation.subscribe(frozenset({"IWM", "QQQ"}))
    assert bands_of(conversation.received(array(status("success", "subscribed to: T.IWM"))).send) == []
    result = conversation.received(array(status("success", "subscribed to: T.QQQ")))
    assert bands_of(result.send) == ["LULD.IWM,LULD.QQQ"]
    assert result.subscribed == {"IWM", "QQQ"}
    result = conversation.received(array(status("success", "subscribed to: LULD.IWM")))
    assert (result.send, result.subscribed) == ((), {"IWM", "QQQ"})


def test_bid_and_ask_are_asked_for_beside_the_bands_but_not_of_a_whole_market():
    def asked(count: int) -> str:
        conversation = MassiveConversation(KEY)
        names = [f"S{i}" for i in range(count)]
        conversation.subscribe(frozenset(names))
        listed = ", ".join(f"T.{name}" for name in names)
        return " ".join(
            map(str, conversation.received(array(status("success", f"subscribed to: {listed}"))).send)
        )

    assert "Q.S0" in asked(QUOTES_MAX)
    assert "Q.S0" not in asked(QUOTES_MAX + 1)


@pytest.mark.parametrize(
    "message", ["not authorized", "You don't have access real-time data for: LULD.IWM", "too many", ""]
)
def test_bands_that_are_refused_leave_the_trades_as_they_are(message):
    """A refusal says of which channel it is in nobody's words: it once would have switched to bars."""
    conversation = MassiveConversation(KEY)
    conversation.subscribe(frozenset({"IWM"}))
    conversation.received(array(status("success", "subscribed to: T.IWM")))
    result = conversation.received(array(status("error", message), trade()))
    assert (result.error, result.send) == (None, ())
    assert conversation.subscribe(frozenset({"IWM"})) == ()
    assert [quote.symbol for quote in result.quotes] == ["IWM"]


def test_where_bars_stand_in_for_trades_no_bands_are_asked_for():
    conversation = MassiveConversation(KEY)
    conversation.subscribe(frozenset({"IWM"}))
    conversation.received(array(status("error", "not authorized")))
    result = conversation.received(array(status("success", "subscribed to: A.IWM")))
    assert (result.send, result.subscribed) == ((), {"IWM"})


class WithoutRest(Massive):
    """Answers nothing by REST."""

    async def snapshot(self, _symbols):
        return ()

    async def backfill(self, *_args):
        return ()

    async def reference(self, *_args):
        return Reference()


async def test_over_a_socket_a_plan_without_bands_stays_live(monkeypatch):
    server = MassiveServer((READY, *GOOD, STAY), refused=("LULD", "Q"))
    async with server:
        monkeypatch.setenv("ROTATION_TUI_MASSIVE_STREAM_URL", server.url)
        feed = StreamFeed(WithoutRest(KEY, NOWHERE), ["IWM", "QQQ", "SPY"], time=FakeTime())
        prices: dict[str, float] = {}
        async with aclosing(feed.events()) as events, asyncio.timeout(LIMIT_S):
            async for event in events:
                if isinstance(event, Batch):
                    prices |= {quote.symbol: quote.price for quote in event.quotes}
                if len(prices) == 3:
                    break
        assert server.clients[0].state["channels"] == {"T.IWM", "T.QQQ", "T.SPY"}
        assert prices["IWM"] == 221.28


def test_bars_where_the_plan_has_no_trades():
    conversation = MassiveConversation(KEY)
    wanted = frozenset({"IWM", "QQQ", "SPY"})
    conversation.subscribe(wanted)
    refusal = status("error", "not authorized")
    # One refusal a channel, in one frame or several.
    (asked,) = conversation.received(array(refusal, refusal)).send
    assert json.loads(asked) == {"action": "subscribe", "params": "A.IWM,A.QQQ,A.SPY"}
    result = conversation.received(array(refusal))
    assert (result.send, result.error) == ((), None)
    acknowledged = array(*(status("success", f"subscribed to: A.{name}") for name in wanted))
    assert conversation.received(acknowledged).subscribed == wanted
    assert conversation.subscribe(wanted) == ()


def test_a_plan_with_neither():
    conversation = MassiveConversation(KEY)
    conversation.subscribe(frozenset({"IWM"}))
    refusal = array(status("error", "not authorized"))
    assert conversation.received(refusal).error is None
    error = conversation.received(refusal).error
    assert error == VendorError("fatal", "the key's plan has neither trades nor second bars")


def test_addresses(monkeypatch):
    http = object()
    assert Massive(KEY, http).url == "wss://socket.massive.com/stocks"
    delayed = Massive(KEY, http, delayed=True)
    assert (delayed.url, delayed.mode) == (
        "wss://delayed.massive.com/stocks",
        Mode(Kind.DELAYED, 900.0, "consolidated"),
    )
    for given_url in ("ws://127.0.0.1:9", "ws://127.0.0.1:9/", "ws://127.0.0.1:9/stocks"):
        monkeypatch.setenv("ROTATION_TUI_MASSIVE_STREAM_URL", given_url)
        assert Massive(KEY, http).url == "ws://127.0.0.1:9/stocks"
    monkeypatch.setenv("ROTATION_TUI_MASSIVE_STREAM_URL", f"http://{KEY}")
    with pytest.raises(InputError) as raised:
        Massive(KEY, http)
    assert KEY not in str(raised.value)


SNAPSHOT = {
    "status": "OK",
    "tickers": [
        {
            "ticker": "IWM",
            "lastTrade": {"c": [14], "i": "4046", "p": 221.28, "s": 236, "t": NOW_NS + 999, "x": 4},
            "min": {"c": 221.2, "h": 221.3, "l": 221.1, "t": NOW_MS - 60_000, "v": 5000},
        },
        {
            "ticker": "QQQ",
            "lastTrade": {"c": [37], "p": 400.0, "t": NOW_NS},
            "min": {"c": 495.43, "t": NOW_MS - 60_000},
        },
        {"ticker": "SPY", "min": {"c": 562.0, "t": NOW_MS - 60_000}},
        {"ticker": "DIA", "lastTrade": {"p": 0, "t": NOW_NS}, "min": {"c": 0, "t": 0}},
        {"ticker": HOSTILE, "lastTrade": {"p": 1, "t": NOW_NS}},
        {},
    ],
}


def test_a_snapshot():
    assert parse_snapshot(json.dumps(SNAPSHOT).encode()) == [
        Quote("IWM", NOW_NS, 221.28),
        Quote("QQQ", NOW_NS, 495.43, -1),
        Quote("SPY", NOW_NS, 562.0, -1),
    ]


def test_the_closing_auction_is_one_in_a_snapshot_too():
    """It once was late trading, where a reconnect after the bell asked for the newest print."""
    ticker = {"ticker": "IWM", "lastTrade": {"c": [8], "p": 221.5, "t": NOW_NS}}
    (newest,) = parse_snapshot(json.dumps({"tickers": [ticker]}).encode())
    assert newest.role == Role.CLOSE


async def test_a_late_plan_s_snapshot_is_not_taken_for_real_time(monkeypatch):
    late = ok(json.dumps(SNAPSHOT | {"status": "DELAYED"}).encode())
    async with RestServer(late) as server, CachedClient() as http:
        monkeypatch.setenv("ROTATION_TUI_MASSIVE_REST_URL", server.url)
        with pytest.raises(SourceError, match="no real-time data"):
            await Massive(KEY, http).snapshot(frozenset({"IWM"}))
        assert await Massive(KEY, http, delayed=True).snapshot(frozenset({"IWM"}))


def test_a_snapshot_is_not_newer_than_the_same_trade_of_the_stream():
    (streamed,) = receive(trade(q=5)).quotes
    snapshot = parse_snapshot(json.dumps(SNAPSHOT).encode())[0]
    assert (snapshot.ts_ns, snapshot.seq) < (streamed.ts_ns, streamed.seq)


def minute(close, ends_ms):
    return {
        "c": close,
        "h": close + 1,
        "l": close - 1,
        "o": close,
        "v": 1e3,
        "vw": close,
        "t": ends_ms - 60_000,
        "n": 9,
    }


def test_minute_bars():
    data = json.dumps({"results": [minute(221.0, NOW_MS), minute(float("1e308"), NOW_MS), {}]}).encode()
    assert parse_bars("IWM")(data) == [Quote("IWM", NOW_NS, 221.0, -1, 1000, 222.0, 220.0, 60 * NS)]
    assert parse_bars("IWM")(b'{"status":"OK","resultsCount":0}') == []


async def test_a_gap_is_filled_with_bars_that_ended_in_it(monkeypatch):
    bars = [minute(220.0 + number, NOW_MS + number * 60_000) for number in range(5)]
    async with RestServer(ok(json.dumps({"results": bars}).encode())) as server, CachedClient() as http:
        monkeypatch.setenv("ROTATION_TUI_MASSIVE_REST_URL", server.url)
        vendor = Massive(KEY, http)
        minute_ns = 60 * 10**9
        # From the middle of minute 1 to the middle of minute 4, which has not ended.
        result = await vendor.backfill(
            frozenset({"IWM"}), NOW_NS + minute_ns // 2, NOW_NS + 3 * minute_ns + minute_ns // 2
        )
        assert [quote.price for quote in result] == [221.0, 222.0, 223.0]
        asked = server.requests[0]
    assert asked.path.startswith(f"/v2/aggs/ticker/IWM/range/1/minute/{NOW_MS}/{NOW_MS + 210_000}?")
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in asked.path


async def test_the_bars_of_a_whole_market_are_not_asked_for():
    vendor = Massive(KEY, object())
    assert await vendor.backfill(frozenset(f"S{n}" for n in range(BACKFILL_MAX + 1)), 0, NOW_NS) == ()


async def test_what_was_good_once_is_no_answer_and_the_key_is_in_no_log(monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    good = ok(json.dumps(SNAPSHOT).encode())
    async with RestServer(good, fault(403)) as server, CachedClient() as http:
        monkeypatch.setenv("ROTATION_TUI_MASSIVE_REST_URL", server.url)
        vendor = Massive(KEY, http)
        assert len(await vendor.snapshot(frozenset({"IWM", "QQQ", "SPY"}))) == 3
        assert server.requests[0].path == (
            "/v2/snapshot/locale/us/markets/stocks/tickers?tickers=IWM%2CQQQ%2CSPY"
        )
        with pytest.raises(SourceError) as raised:
            await vendor.snapshot(frozenset({"IWM"}))
    assert str(raised.value).startswith("Massive: HTTP 403")
    assert KEY not in caplog.text + str(raised.value) + repr(vendor) + repr(vendor.conversation())


REFEREE = """
import asyncio, json, sys
from massive import WebSocketClient

async def main(port, wanted):
    client = WebSocketClient(api_key=sys.argv[2], feed="127.0.0.1:" + port, secure=False,
                             subscriptions=["T.IWM", "T.QQQ", "A.IWM", "Q.IWM"])
    seen = []

    async def take(messages):
        for one in messages:
            price = getattr(one, "price", None) or getattr(one, "close", None)
            seen.append([one.event_type, one.symbol, price])
        if len(seen) >= wanted:
            print(json.dumps(seen), flush=True)
            await client.close()

    await client.connect(take)

asyncio.run(main(sys.argv[1], 4))
"""


async def referee(server, key):
    """The vendor's own client in its own process: (exit code, what it saw, what it said)."""
    port = server.url.rpartition(":")[2]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        REFEREE,
        port,
        key,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), LIMIT_S)
    return process.returncode, out.decode(), err.decode()


async def test_the_vendor_s_own_client_hears_our_server():
    async with MassiveServer(
        (*SCRIPTS["ok"][:1], array(trade(), bar()), *GOOD[1:2], array(quoted()), STAY)
    ) as server:
        code, out, err = await referee(server, KEY)
        channels = server.clients[0].state["channels"]
    assert code == 0, err
    assert json.loads(out) == [
        ["T", "IWM", 221.28],
        ["A", "IWM", 221.28],
        ["T", "QQQ", 495.43],
        ["Q", "IWM", None],
    ]
    assert channels == {"T.IWM", "T.QQQ", "A.IWM", "Q.IWM"}


async def test_the_vendor_s_own_client_is_refused_with_a_wrong_key():
    async with MassiveServer() as server:
        code, _, err = await referee(server, "wrong")
    assert code != 0
    assert "AuthError: authentication failed" in err
