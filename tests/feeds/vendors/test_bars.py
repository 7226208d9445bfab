"""Frames of bars are read to types as they are read field by field, whatever is in them."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from feeds.vendors.alpaca.bars import Shares as AlpacaShares
from feeds.vendors.alpaca.bars import plain_bars as alpaca_bars
from feeds.vendors.alpaca.frames import parse as alpaca_parse
from feeds.vendors.massive.bars import plain_bars as massive_bars
from feeds.vendors.massive.frames import Shares, TradeIds, market_data
from feeds.vendors.massive.frames import parse as massive_parse
from tests.support.servers import massive
from tests.support.servers.alpaca import encode, minute, trade

LEGS, TRADING, MEMBERS = {"SPY"}, {"IWM", "SPY"}, {"M1": "M1", "MOG.A": "MOG.A", "IWM": "IWM"}
ODD = st.sampled_from((None, "x", -1, 0, True, [1], {"a": 1}, 1e308, 10**400, 2.5, "M1"))
NAMES = st.sampled_from(("SPY", "IWM", "M1", "MOG.A", "ZZZ", "z z", ""))
PRICES = st.floats(0.5, 500.0)


def alpaca_rows(kind: str, name: str, close: float, odd: tuple[str, Any] | None) -> dict[str, Any]:
    row = trade(name, close) if kind == "t" else minute(name, close, T=kind)
    return row if odd is None else row | dict([odd])


@given(
    st.lists(
        st.builds(
            alpaca_rows,
            st.sampled_from("bbbbu"),
            NAMES,
            PRICES,
            st.none() | st.none() | st.tuples(st.sampled_from(("c", "h", "l", "v", "t", "S", "T")), ODD),
        ),
        max_size=6,
    ),
    st.booleans(),
)
def test_alpaca_s_bars(rows, packed):
    try:
        frame = encode(rows, packed)
    except OverflowError:  # msgpack has no such number
        return
    fast = alpaca_bars(frame, AlpacaShares(LEGS, MEMBERS), TRADING)
    if fast is None:
        return
    exact = alpaca_parse(frame, wanted=LEGS, on_trades=TRADING - LEGS, members=MEMBERS)
    assert (fast.legs, fast.members) == (tuple(exact.quotes), tuple(exact.members))
    assert fast.passed_over == exact.passed_over + len(exact.rejected), "a bad name is nobody's"
    assert all("symbol" in reason for reason in exact.rejected)


def test_alpaca_s_bars_are_read_at_once_and_others_left_to_the_exact_way():
    shares = AlpacaShares(LEGS, MEMBERS)
    for packed in (False, True):
        fast = alpaca_bars(encode([minute("M1"), minute("SPY", T="u")], packed), shares, TRADING)
        assert fast is not None
        assert [quote.symbol for quote in (*fast.members, *fast.legs)] == ["M1", "SPY"]
        assert alpaca_bars(encode([minute("M1"), trade("IWM")], packed), shares, TRADING) is None
        assert alpaca_bars(encode([minute("M1", h=1.0)], packed), shares, TRADING) is None
        assert alpaca_bars(encode([], packed), shares, TRADING) is None


def massive_rows(kind: str, name: str, close: float, odd: tuple[str, Any] | None) -> dict[str, Any]:
    row = massive.trade(name, close) if kind == "T" else massive.bar(name, close, kind=kind)
    return row if odd is None else row | dict([odd])


@given(
    st.lists(
        st.builds(
            massive_rows,
            st.sampled_from(("A", "A", "AM")),
            NAMES,
            PRICES,
            st.none() | st.none() | st.tuples(st.sampled_from(("c", "h", "l", "v", "s", "e", "sym")), ODD),
        ),
        max_size=6,
    ),
    st.sampled_from(("", "A")),
    st.sampled_from(("", "A", "AM")),
)
def test_massive_s_bars(rows, legs_by, members_by):
    frame = json.dumps(rows)
    shares = Shares({"SPY", "IWM"}, legs_by, MEMBERS, members_by)
    fast = massive_bars(frame, shares)
    if fast is None:
        return
    exact = market_data(massive_parse(frame), TradeIds(), shares=shares)
    assert (fast.quotes, fast.members) == (exact.quotes, exact.members)
    assert fast.passed_over == exact.passed_over + len(exact.rejected), "a bad name is nobody's"


def test_massive_s_bars_of_all_count_for_members_alone_where_legs_have_trades():
    frame = massive.array(
        massive.bar("IWM"), massive.bar("M1"), massive.bar("M1", kind="AM"), massive.bar("ZZZ")
    )
    for read in (
        massive_bars,
        lambda frame, shares: market_data(massive_parse(frame), TradeIds(), shares=shares),
    ):
        result = read(frame, Shares({"IWM"}, "", {"M1": "M1"}, "A"))
        assert result is not None
        assert (result.quotes, [quote.bar_ns for quote in result.members]) == ((), [10**9])
        assert result.passed_over == 2
