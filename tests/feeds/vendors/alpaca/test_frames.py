"""Alpaca's frames: exact instants, which trades are prices, and whatever else a peer may send."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime

import msgpack
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.errors import SourceError
from feeds.events import Correction
from feeds.streaming.vendor import Halt
from feeds.vendors.alpaca.frames import MESSAGES_MAX, MINUTE_NS, exact_ns, parse, sets_last
from rotation.market.session_filter import SessionFilter
from rotation.quote import NS, Quote, Role
from rotation.sessions import from_ns, open_ns, to_ns
from tests.support.servers.alpaca import (
    NOW_NS,
    cancel,
    correction,
    encode,
    error,
    minute,
    rfc3339,
    status,
    trade,
)

HOSTILE = "\x1b]52;c;aGk=\x07\x1b[2J\x9b31m\u202e\u200b\x00[bold]IWM[/]" + "x" * 100_000
BOTH = pytest.mark.parametrize("packed", [False, True], ids=["json", "msgpack"])


def parsed(*messages, packed=False, **more):
    return parse(encode(list(messages), packed), **more)


@BOTH
def test_a_trade_to_the_nanosecond(packed):
    result = parsed(trade("IWM", 221.28, NOW_NS, 52983525033527, s=440), packed=packed)
    assert result.quotes == [Quote("IWM", NOW_NS, 221.28, 52983525033527, 440)]
    assert not result.rejected


def test_the_documented_examples():
    frame = (
        '[{"T":"t","i":96921,"S":"AAPL","x":"D","p":126.55,"s":1,"t":"2021-02-22T15:51:44.208Z","c":["@","I"],'
        '"z":"C"},{"T":"q","S":"AMD","bx":"U","bp":87.66,"bs":1,"ax":"Q","ap":87.68,"as":4,'
        '"t":"2021-02-22T15:51:45.335689322Z","c":["R"],"z":"C"},{"T":"b","S":"SPY","o":388.985,"h":389.13,'
        '"l":388.975,"c":389.12,"v":49378,"n":461,"vw":389.062639,"t":"2021-02-22T19:15:00Z"},'
        '{"T":"s","S":"AAPL","sc":"H","sm":"Trading Halt","rc":"T12","rm":"Trading Halted; For information '
        'requested by NASDAQ","t":"2021-02-22T19:15:00Z","z":"C"},{"T":"l","S":"IONM","u":3.24,"d":2.65,'
        '"i":"B","t":"2023-04-06T13:34:45.565004401Z","z":"C"},{"T":"c","S":"EEM","x":"M","oi":52983525033527,'
        '"op":39.1582,"os":440000,"oc":[" ","7"],"ci":52983525034326,"cp":39.1809,"cs":440000,"cc":[" ","7"],'
        '"z":"B","t":"2023-04-06T14:25:06.542305024Z"},{"T":"x","S":"GOOGL","i":465,"x":"D","p":105.31,'
        '"s":300,"a":"C","z":"C","t":"2023-04-06T13:15:42.83540958Z"}]'
    )
    result = parse(frame)
    minute_ns = to_ns(datetime(2021, 2, 22, 19, 15, tzinfo=UTC))
    assert result.quotes == [
        Quote(
            "AAPL",
            to_ns(datetime(2021, 2, 22, 15, 51, 44, 208_000, tzinfo=UTC)),
            126.55,
            96921,
            1,
            role=Role.SIZE,
        ),
        Quote("SPY", minute_ns + MINUTE_NS, 389.12, 0, 49378, 389.13, 388.975, MINUTE_NS),
    ]
    assert result.halts == [Halt("AAPL", halted=True, ts_ns=minute_ns)]
    assert result.corrections == [
        Correction("EEM", 1_680_791_106_542_305_024, 52_983_525_033_527, has_replacement=True),
        Correction("GOOGL", 1_680_786_942_835_409_580, 465),
    ]
    assert not result.rejected


@given(st.integers(NS, 32_503_679_999 * NS))
def test_every_instant_is_exact(ts_ns):
    assert exact_ns(rfc3339(ts_ns)) == ts_ns
    assert exact_ns(rfc3339(ts_ns).replace("Z", "+00:00")) == ts_ns
    if ts_ns < 2**34 * NS:  # the 64-bit Timestamp ends there, in 2514
        result = parsed(trade(ts_ns=ts_ns), packed=True)
        assert [quote.ts_ns for quote in result.quotes] == [ts_ns]


@pytest.mark.parametrize(
    "text",
    [
        "2024-07-16", "2024-07-16T10:40:00", "2024-07-16T10:40:00.1234567890Z", "2024-07-16T10:40:00.Z",
        "2024-13-16T10:40:00Z", "2024-07-16T10:40:61Z", "2024-07-16T10:40:00+99:99", "1969-07-16T10:40:00Z",
        "9999-12-31T23:59:59Z", "", " 2024-07-16T10:40:00Z", "2024-07-16T10:40:00Z\n", "today", "\u0662" * 20,
        None, HOSTILE,
    ],
    ids=range(16),
)  # fmt: skip
def test_an_instant_that_is_none(text):
    assert exact_ns(text) is None
    result = parsed(trade() | {"t": text})
    assert (result.quotes, result.rejected) == ([], ["a message without a time"])


@pytest.mark.parametrize(
    "stamp",
    [
        msgpack.ExtType(5, b"\0\0\0\1"),
        msgspec.msgpack.Ext(-1, b"\0\0\0"),
        msgspec.msgpack.Ext(-1, b"\xff" * 8),  # more nanoseconds than a second has
        msgspec.msgpack.Ext(-1, b"\xff" * 12),
        msgspec.msgpack.Ext(-1, b"\0\0\0\0"),
    ],
    ids=range(5),
)
def test_a_timestamp_that_is_none(stamp):
    packs = msgspec.msgpack.encode if isinstance(stamp, msgspec.msgpack.Ext) else msgpack.packb
    result = parse(packs([trade() | {"t": stamp}, {"T": "success", "msg": "authenticated"}]))
    assert (result.quotes, result.rejected, result.authenticated) == ([], ["a message without a time"], True)


def test_the_three_lengths_of_a_timestamp():
    for data, ts_ns in [
        ((1_721_140_800).to_bytes(4), 1_721_140_800 * NS),
        ((123_456_789 << 34 | 1_721_140_800).to_bytes(8), NOW_NS),
        ((123_456_789).to_bytes(4) + (1_721_140_800).to_bytes(8), NOW_NS),
    ]:
        assert exact_ns(msgspec.msgpack.Ext(-1, data)) == ts_ns


@pytest.mark.parametrize(
    ("conditions", "tape", "last"),
    [
        ([], "B", True), ([" "], "A", True), (["@"], "C", True), (["@", "F"], "C", True),
        (["@", "T"], "C", True),  # before and after hours: the market tells them apart by the clock
        (["@", "O"], "C", True), (["6"], "B", True), ([" ", "5"], "A", True), (["L"], "B", True),
        (["@", "I"], "C", False), (["I"], "B", False), (["@", "F", "T", "I"], "C", False),
        ([" ", "7", "V"], "B", False), (["4"], "A", False), (["M"], "B", False), (["Q"], "C", False),
        (["9"], "A", False), (["Z"], "B", False), (["U"], "C", False), (["P"], "A", False),
        (["H"], "A", False), (["C"], "A", False), (["N"], "C", False), (["R"], "A", False),
        (["G"], "C", False),
        (["B"], "B", False), (["B"], "A", False), (["B"], "C", True), (["W"], "C", False), (["W"], "A", True),
        (None, None, True), ("@", "C", False), ([3, None, "@"], "C", True), (["@"], ["C"], True),
    ],
)  # fmt: skip
def test_which_trades_are_the_last_price(conditions, tape, last):
    assert sets_last(conditions, tape) is last
    result = parsed(trade(c=conditions, z=tape))
    assert ([quote.sets_last for quote in result.quotes if quote.sets_last], result.rejected) == (
        [True] * last,
        [],
    )
    is_report = isinstance(conditions, list) and any(code in ("M", "Q", "9") for code in conditions)
    assert len(result.quotes) == (not is_report), "the size of a trade counts always"


@BOTH
def test_a_bar_is_known_at_its_end(packed):
    start_ns = open_ns(datetime(2024, 7, 16, tzinfo=UTC).date())
    result = parsed(minute("IWM", 221.3, start_ns), packed=packed)
    assert result.quotes == [Quote("IWM", start_ns + MINUTE_NS, 221.3, 0, 4937, 221.35, 221.25, MINUTE_NS)]


def test_the_bar_before_the_bell_is_not_the_sessions():
    opens = open_ns(datetime(2024, 7, 16, tzinfo=UTC).date())
    session_filter = SessionFilter()
    session_filter.expect({"IWM"}, from_ns(opens).date())
    for start_ns in (opens - MINUTE_NS, opens):
        quote = parsed(minute("IWM", 221.3, start_ns)).quotes[0]
        assert session_filter.admit(quote, opens + MINUTE_NS)
    assert session_filter.prints("IWM", "PRE").minutes.keys() == {0}
    assert session_filter.prints("IWM", "REGULAR").minutes.keys() == {1}


def test_a_bar_that_comes_again_corrects_the_first():
    first, again = (
        parsed(minute("IWM", close) | {"T": kind}).quotes[0] for kind, close in (("b", 221.3), ("u", 221.4))
    )
    assert (first.ts_ns, first.seq) == (again.ts_ns, again.seq)
    assert again.price == 221.4


def test_bars_of_others_are_left_out():
    result = parsed(minute("IWM"), minute("QQQ"), minute("TSLA"), wanted={"IWM", "QQQ"}, on_trades={"QQQ"})
    assert [quote.symbol for quote in result.quotes] == ["IWM"]
    assert not result.rejected


def test_daily_bars_settle_nothing():
    assert parsed(minute("IWM") | {"T": "d"}).quotes == []


@pytest.mark.parametrize(
    ("code", "halted"), [("2", True), ("H", True), ("P", True), ("3", False), ("T", False)]
)
def test_halts(code, halted):
    assert parsed(status("IWM", code)).halts == [Halt("IWM", halted, NOW_NS)]


@pytest.mark.parametrize("code", ["Q", "5", "F", "", None, 2, ["H"], HOSTILE], ids=range(8))
def test_other_states_are_no_halt(code):
    result = parsed(status("IWM", "2") | {"sc": code})
    assert (result.halts, result.rejected) == ([], [])


@BOTH
def test_corrections_name_the_day(packed):
    result = parsed(cancel("IWM", ts_ns=NOW_NS), correction("QQQ", ts_ns=NOW_NS + 5), packed=packed)
    assert result.corrections == [
        Correction("IWM", NOW_NS, 1),
        Correction("QQQ", NOW_NS + 5, 1, has_replacement=True),
    ]


@BOTH
def test_control_messages(packed):
    channels = {"trades": ["IWM", "BRK.B"], "bars": ["*"], "quotes": ["SPY"], "statuses": []}
    result = parsed(
        {"T": "success", "msg": "connected"}, {"T": "subscription"} | channels, error(405), packed=packed
    )
    assert not result.authenticated
    assert (result.subscribed.trades, result.subscribed.bars) == ({"IWM", "BRK.B"}, {"*"})
    assert result.errors == [405]
    assert parsed({"T": "success", "msg": "authenticated"}, packed=packed).authenticated


@pytest.mark.parametrize("code", [None, "405", True, 4.5, [405], {}])
def test_a_code_that_is_none(code):
    assert parsed({"T": "error", "code": code, "msg": HOSTILE}).errors == [0]


@pytest.mark.parametrize(
    ("message", "why"),
    [
        ({"T": "zz", "S": "IWM"}, "a message of an unknown kind"),
        ({}, "a message of an unknown kind"),
        ({"T": ["t"]}, "a message of an unknown kind"),
        (trade() | {"S": "iwm"}, "a message without a symbol"),
        (trade() | {"S": "IWM\n"}, "a message without a symbol"),
        (trade() | {"S": None}, "a message without a symbol"),
        (trade() | {"p": None}, "a trade without a price"),
        (trade() | {"p": "NA"}, "a trade without a price"),
        (trade() | {"p": True}, "a trade without a price"),
        (trade() | {"i": None}, "a trade without its number"),
        (trade() | {"i": -1}, "a trade without its number"),
        (trade() | {"i": 2**64 - 1}, "a trade without its number"),
        (minute() | {"c": None}, "a bar without its prices"),
        (minute() | {"h": 1.0}, "a bar without its prices"),
        (minute() | {"c": ["@"]}, "a bar without its prices"),
        (trade() | {"t": 1_721_140_800.5}, "unexpected message structure"),
        (3, "unexpected message structure"),
        (None, "unexpected message structure"),
        ([[]], "unexpected message structure"),
    ],
)
def test_one_bad_message_costs_no_other(message, why):
    middle = encode([message], packed=False)[1:-1] if isinstance(message, dict) else json.dumps(message)
    first, last = (encode([trade(symbol)], packed=False)[1:-1] for symbol in ("IWM", "QQQ"))
    result = parse(f"[{first},{middle},{last}]")
    assert [quote.symbol for quote in result.quotes] == ["IWM", "QQQ"]
    assert result.rejected == [why]


def test_prices_that_are_no_numbers():
    result = parsed(trade("IWM", float("nan")), trade("IWM", float("inf")), trade("QQQ"), packed=True)
    assert [quote.symbol for quote in result.quotes] == ["QQQ"]
    assert result.rejected == ["a trade without a price"] * 2


@pytest.mark.parametrize(
    "frame",
    [
        "", b"", "{not json", '"text"', "3", "null", "[[[[", '{"T":"t"}', b"\xff\xfe\x00", b"\xc1",
        b"\x93\x01", b"[\xff]", "[" * 100_000, b"\x91" * 100_000, msgpack.packb({"T": "t"}),
        msgpack.packb("text"), "[NaN]",
        b"[1", "x" * 1_000_000,
    ],
    ids=range(19),
)  # fmt: skip
def test_a_frame_that_is_none_says_so(frame):
    with pytest.raises(SourceError, match="Alpaca stream: not"):
        parse(frame)


@given(st.binary(max_size=300))
def test_any_bytes_are_answered(data):
    with suppress(SourceError):
        parse(data)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(
    ["T", "S", "t", "p", "s", "i", "c", "h", "l", "v", "z", "sc", "code", "trades", "bars"]
)
KINDS = st.sampled_from(["t", "b", "u", "s", "c", "x", "error", "subscription", "success", "q", "zz"])


@given(st.lists(st.tuples(KINDS, st.dictionaries(KEYS, json_values, max_size=8)), max_size=4))
def test_any_messages_are_answered(messages):
    """Nothing but what is printable comes out, whatever goes in."""
    frame = json.dumps([{"T": kind} | rest for kind, rest in messages])
    with suppress(SourceError):
        result = parse(frame)
        assert all(quote.symbol.isascii() and quote.symbol.isprintable() for quote in result.quotes)


@BOTH
def test_no_control_byte_leaves_the_parser(packed):
    """Hostile text in every field, one at a time, of every kind of message."""
    kinds = [
        trade(), minute(), status("IWM", "2"), cancel(), correction(), error(405),
        {"T": "success", "msg": "authenticated"}, {"T": "subscription", "trades": ["IWM"], "bars": ["*"]},
    ]  # fmt: skip
    for message in kinds:
        for name in message:
            for value in (HOSTILE, [HOSTILE], {HOSTILE: HOSTILE}):
                result = parsed(message | {name: value}, packed=packed)
                shown = repr(result)
                assert "\\x" not in shown
                assert "\\u" not in shown
                assert "bold" not in shown
                assert len(shown) < 2000


def test_a_frame_is_bounded():
    result = parsed(*[minute("IWM")] * (MESSAGES_MAX + 5))
    assert len(result.quotes) == MESSAGES_MAX
    assert result.rejected == [f"more than {MESSAGES_MAX:,} messages in one frame"]
    assert result.left_out == 4


@pytest.mark.parametrize("packed", [False, True])
def test_what_is_left_out_of_it_is_counted_where_a_message_has_another_shape(packed):
    other = {"T": "n", "msg": "", "S": "IWM", "t": [5]}
    result = parsed(other, *[minute("IWM")] * (MESSAGES_MAX + 5), packed=packed)
    assert len(result.quotes) == MESSAGES_MAX - 1
    assert len(result.quotes) + len(result.rejected) + result.left_out == MESSAGES_MAX + 6
