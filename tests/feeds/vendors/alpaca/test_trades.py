"""Frames of trades alone are read to types; whatever that accepts, message by message says the same."""

from __future__ import annotations

import json

import msgpack
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feeds.vendors.alpaca import stamps
from feeds.vendors.alpaca.frames import MESSAGES_MAX, Parsed, parse
from feeds.vendors.alpaca.trades import codes_of, plain_trades, read_many
from rotation.quote import Quote, Role

TIMES = (
    *("2024-07-16T14:40:00.123456789Z", "2024-07-16T14:40:00Z", "2024-07-16T14:40:00.5Z", "0"),
    *("2024-07-16T14:40:00.12345678٣Z", "2024-07-16 14:40:00.123456789Z", "2024-13-16T14:40:00.123456789Z"),
    *("2024-07-16T14:40:00.123456789+01:00", "1960-07-16T14:40:00.123456789Z", None, 1721140800),
)
POOLS = {
    "T": ("t", "t", "t", "t", "q", "x", 3),
    "S": ("IWM", "BRK.B", "iwm", "", None, 7, "TOOLONGANAME"),
    "t": TIMES,
    "p": (221.28, 221, -1.0, 0, 1e7, 1e300, "221.28", True, None, 10**400),
    "i": (0, 2**53 + 1, 2**63 - 1, 2**63, -1, 1.5, "9", True, None),
    "s": (100, 0, -3, 1.5, 1e13, "100", None, True),
    "c": (["@"], ["@", "I"], ["6"], ["M"], ["B"], [], [3], "I", None),
    "z": ("A", "B", "C", "", None, 4),
}
GOOD = {
    "T": "t",
    "S": "IWM",
    "t": TIMES[0],
    "p": 221.28,
    "i": 2**53 + 1,
    "s": 100,
    "c": ["@"],
    "z": "B",
    "x": "V",
}


@st.composite
def messages(draw):
    """Mostly well-formed: one field or two of another shape, or left out."""
    message = dict(GOOD)
    for name in draw(st.lists(st.sampled_from(sorted(POOLS)), max_size=2)):
        message[name] = draw(st.sampled_from(POOLS[name]))
        if draw(st.integers(0, 5)) == 0:
            del message[name]
    return message


@pytest.fixture(autouse=True, params=[0, stamps.FEW], ids=["vectorised", "as it is"])
def few(request, monkeypatch):
    """However few, times are read together too."""
    monkeypatch.setattr(stamps, "FEW", request.param)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(messages(), max_size=4))
def test_what_is_read_at_once_is_read_the_same_way_message_by_message(sent):
    frame = json.dumps(sent)
    quotes = plain_trades(frame)
    if quotes is not None:
        assert parse(frame) == Parsed(quotes=quotes)
    assert plain_trades(frame.encode()) == quotes


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(messages(), max_size=4), st.sampled_from((221.28, float("nan"), float("inf"))))
def test_the_same_in_msgpack(sent, price):
    for message in sent:
        if isinstance(message.get("t"), str) and message["t"] == TIMES[0]:
            message["t"] = msgpack.Timestamp(1721140800, 123456789)
        if message.get("p") in (221.28, 10**400):
            message["p"] = price
        if isinstance(message.get("i"), int) and message["i"] >= 2**64:
            message["i"] = 0
    frame = msgpack.packb(sent)
    quotes = plain_trades(frame)
    if quotes is not None:
        assert parse(frame) == Parsed(quotes=quotes)


@pytest.mark.parametrize("encode", [json.dumps, msgspec.json.encode])
def test_a_well_formed_frame_is_read_at_once_and_exactly(encode):
    ts_ns = 1721140800 * 10**9 + 123456789
    sent = [GOOD, GOOD | {"c": ["@", "I"]}, GOOD | {"c": ["M"]}]
    assert plain_trades(encode(sent)) == [
        Quote("IWM", ts_ns, 221.28, 2**53 + 1, 100),
        Quote("IWM", ts_ns, 221.28, 2**53 + 1, 100, role=Role.SIZE),
    ]


@pytest.mark.parametrize("conditions", [["6"], [], None])
def test_what_may_be_the_closing_auction_is_read_message_by_message(conditions):
    assert plain_trades(json.dumps([GOOD, GOOD | {"c": conditions}])) is None


@pytest.mark.parametrize(
    "frame",
    [
        *("", "null", "{}", "[[", b"\xff", b"\x90\x90"),
        json.dumps([GOOD] * (MESSAGES_MAX + 1)),
        json.dumps([{name: value for name, value in GOOD.items() if name != "T"}]),
    ],
)
def test_any_other_frame_is_left_to_the_exact_way(frame):
    assert plain_trades(frame) is None


def test_a_report_without_a_symbol_is_counted_as_such():
    assert plain_trades(json.dumps([GOOD, GOOD | {"c": ["M"], "S": "iwm"}])) is None


def test_prices_whose_sum_is_beyond_a_float_end_nothing():
    huge = json.dumps([GOOD | {"p": 1e308}])
    assert read_many([huge, huge], codes_of({})).count == 2
