"""Volume: every trade's size counts, whatever its price may set, and it says whose it is."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.streaming.filter import QuoteFilter
from feeds.vendors.alpaca.frames import parse as alpaca_parse
from rotation.history import History
from rotation.market.market import Market
from rotation.market.prints import Prints
from rotation.market.status import Provenance
from rotation.quote import NS, Quote
from rotation.sessions import open_ns
from rotation.status import DEMO, REPLAY, Mode, delayed
from tests.support.servers.alpaca import encode, trade

OPENS = open_ns(date(2024, 7, 16))
LOTS = st.lists(
    st.tuples(
        st.integers(0, 59_000),  # ms after the opening bell
        st.integers(2100, 2300),  # cents ten times: 21.00 to 23.00
        st.integers(1, 900),
        st.sampled_from(
            [["@"], ["@", "I"], [" ", "4"], ["@", "Z"], ["I"], [" "], ["@", "M"], [" ", "Q"], ["6"]]
        ),
    ),
    max_size=40,
)


@given(LOTS)
def test_volume_is_the_sum_of_all_trades_and_the_price_of_those_that_may_set_it(lots):
    frame = [
        trade("IWM", cents / 100, OPENS + ms * 10**6, number, s=size, c=codes)
        for number, (ms, cents, size, codes) in enumerate(lots, 1)
    ]
    quotes = alpaca_parse(encode(frame, packed=False)).quotes
    prints = Prints(OPENS)
    for quote in QuoteFilter({"IWM"}, {}).admit(quotes, OPENS + 60 * NS):
        prints.take(quote)
    traded = [lot for lot in lots if not {"M", "Q"} & set(lot[3])]
    priced = [lot for lot in traded if not {"I", "4", "Z"} & set(lot[3])]
    assert prints.volume == sum(size for _, _, size, _ in traded)
    assert (prints.last is None) == (not priced)
    if priced:
        prices = [cents / 100 for _, cents, _, _ in priced]
        assert (prints.high, prints.low) == (max(prices), min(prices))
        newest = max(enumerate(priced), key=lambda item: (item[1][0], item[0]))[1]
        assert prints.last.price == newest[1] / 100


def traded(mode: Mode, *quotes: Quote):
    market = Market(History.empty(), as_of_ns=OPENS, origin=Provenance(mode, "a feed"))
    return market.apply(quotes, as_of_ns=OPENS + 60 * NS).legs


@pytest.mark.parametrize(
    ("mode", "volume"),
    [
        (Mode(venue="IEX"), None),  # a few percent of the day's
        (Mode(venue="consolidated"), 100),
        (delayed(15, "consolidated"), 100),
        (Mode(), None),  # a live feed that does not say of which market
        (REPLAY, 100),
        (DEMO, 100),
    ],
)
def test_volume_is_blank_unless_it_is_that_of_all_exchanges(mode, volume):
    iwm = traded(mode, Quote("IWM", OPENS + NS, 221.28, 1, 100))["IWM"]
    assert (iwm.last, iwm.volume, iwm.status.venue) == (221.28, volume, mode.venue)
