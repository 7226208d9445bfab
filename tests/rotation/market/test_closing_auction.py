"""After the bell: the closing auction and an index's last value are the session's, and provisional."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from feeds.parsing.symbols import STOOQ_INDEX, YAHOO_INDEX
from feeds.vendors.alpaca.frames import parse as alpaca_parse
from feeds.vendors.massive.frames import TradeIds, market_data
from feeds.vendors.massive.frames import parse as massive_parse
from rotation.columns import of_quotes
from rotation.desk import INDICES, Desk, is_index
from rotation.history import History
from rotation.market.market import Market
from rotation.market.status import Provenance
from rotation.quote import NS, Quote, Role
from rotation.sessions import close_ns, previous_session
from rotation.status import Kind, Mode
from tests.support.live_desk import closes
from tests.support.servers import alpaca, massive

if TYPE_CHECKING:
    from rotation.snapshot import Leg

DAY = date(2024, 7, 16)
BELL = close_ns(DAY)


def turned(history: History) -> History:
    """The same after a higher close, so that the run with which it begins is known from its first session."""
    first = history.frame["date"].min()
    higher = pl.col("close", "adj_close") * 1.01
    before = history.frame.filter(date=first).with_columns(higher, date=pl.lit(previous_session(first)))
    return History(pl.concat([before, history.frame]))


BEFORE = turned(closes(BELL - 3600 * NS))
"""Settled through 15 July: the last close of IWM was 219.18."""


def by_alpaca(price: float, ts_ns: int, number: int, *, auction: bool) -> Quote:
    codes = [" ", "6"] if auction else [" ", "T"]
    frame = alpaca.encode([alpaca.trade("IWM", price, ts_ns, number, c=codes)], packed=False)
    return alpaca_parse(frame).quotes[0]


def by_massive(price: float, ts_ns: int, number: int, *, auction: bool) -> Quote:
    frame = massive.array(massive.trade("IWM", price, ts_ns // 10**6, number, c=[8] if auction else [12]))
    return market_data(massive_parse(frame), TradeIds()).quotes[0]


def leg(*quotes: Quote, symbol: str = "IWM", history: History = BEFORE, after_s: int = 300):
    origin = Provenance(Mode(venue="consolidated"), "a feed")
    market = Market(history, as_of_ns=BELL - 60 * NS, origin=origin, members=[symbol])
    return market.apply(quotes, as_of_ns=BELL + after_s * NS)


@pytest.mark.parametrize("vendor", [by_alpaca, by_massive])
def test_the_auction_after_the_bell_decides_the_sign_of_the_streak(vendor):
    last = vendor(219.10, BELL - NS, 1, auction=False)
    auction = vendor(219.30, BELL + 350 * 10**6, 2, auction=True)
    late = vendor(218.0, BELL + 60 * NS, 3, auction=False)
    before = leg(last).legs["IWM"]
    assert before.streak.with_today == -1
    after = leg(last, auction, late).legs["IWM"]
    assert (after.last, after.extended, after.high) == (219.30, 218.0, 219.30)
    assert after.streak.with_today == before.streak.settled + 1


def test_after_the_bell_the_last_print_is_provisional_until_the_official_close():
    last = by_alpaca(219.10, BELL - NS, 1, auction=False)
    iwm = leg(last).legs["IWM"]
    assert (iwm.status.kind, iwm.streak.provisional) == (Kind.PROVISIONAL, True)
    settled = leg(last, history=closes(BELL + 3600 * NS), after_s=3600).legs["IWM"]
    assert (settled.status.kind, settled.streak.provisional) == (Kind.CLOSED, False)


@pytest.mark.parametrize("symbol", ["^RUT", *sorted(YAHOO_INDEX)])
def test_an_index_s_closing_value_is_regular(symbol: str):
    market = Market(BEFORE, as_of_ns=BELL - 60 * NS, origin=Provenance(Mode(), "Yahoo"), members=[symbol])
    for seconds, price in ((-1, 2200.0), (9, 2203.5)):
        ts_ns = BELL + seconds * NS
        market.apply([Quote(symbol, ts_ns, price)], as_of_ns=ts_ns)
    assert market._filter.current(symbol).last.price == 2203.5
    assert market._filter.prints(symbol, "POST") is None


def test_the_core_knows_every_index_that_a_vendor_does():
    assert {*YAHOO_INDEX, *STOOQ_INDEX} == INDICES | {"GSPC"}
    assert {symbol for symbol in Desk().legs if is_index(symbol)} == {"RUT", "NDX"}


@pytest.mark.parametrize("way", ["prints", "columns"])
def test_columns_and_prints_put_the_auction_into_the_session(way: str) -> None:
    """And what is late trading by its role beside it."""
    quotes = [
        Quote("IWM", BELL - NS, 219.5, 1, 100),
        Quote("IWM", BELL + 2 * NS, 220.0, 2, 5000, role=Role.CLOSE),
        Quote("IWM", BELL + 3 * NS, 221.0, 3, 100),
    ]
    desk, at_ns = Market(BEFORE, Desk(legs=("IWM", "QQQ")), as_of_ns=BELL - NS), BELL + 10 * NS
    taken = (
        desk.apply(quotes, as_of_ns=at_ns)
        if way == "prints"
        else desk.apply_columns(of_quotes(quotes), as_of_ns=at_ns)
    )
    leg = taken.legs["IWM"]
    assert (leg.last, leg.high, leg.extended) == (220.0, 220.0, 221.0)


# An auction that nobody has told apart ----------------------------------------------------------------


def bar_after_the_bell(price: float = 220.4, minutes: int = 1) -> Quote:
    """A minute's bar as a fill brings it; the first one after the bell holds auction and late trades."""
    ends_ns = BELL + minutes * 60 * NS
    return Quote("IWM", ends_ns, price, size=90_000, high=price, low=price, bar_ns=60 * NS, role=Role.MINUTE)


def known(*quotes: Quote, **how: Any) -> Leg:
    return leg(*quotes, **how).legs["IWM"]


LAST = Quote("IWM", BELL - 10 * NS, 219.10, 1, 100)
CLOSING = Quote("IWM", BELL + 5 * NS, 219.30, 2, 5000, role=Role.CLOSE)


def test_an_auction_lost_in_an_outage_is_said_until_the_official_close():
    """The bar of its minute mixes it with late trades; it once was late trading, and the figure unmarked."""
    iwm = known(LAST, bar_after_the_bell())
    assert (iwm.last, iwm.state, iwm.extended) == (219.10, "PROVISIONAL", None)
    assert (iwm.status.auction_missing, iwm.status.range_incomplete) == (True, True)
    late = Quote("IWM", BELL + 150 * NS, 218.7, 7, 100)
    iwm = known(LAST, bar_after_the_bell(), late)
    assert (iwm.last, iwm.extended, iwm.status.auction_missing) == (219.10, 218.7, True)
    settled = known(LAST, bar_after_the_bell(), history=closes(BELL + 3600 * NS), after_s=3600)
    assert (settled.status.kind, settled.status.auction_missing) == (Kind.CLOSED, False)


@pytest.mark.parametrize("bar", [bar_after_the_bell(), bar_after_the_bell(minutes=2)])
def test_a_bar_of_its_minute_is_no_late_trade_though_the_auction_is_known(bar: Quote):
    iwm = known(LAST, CLOSING, bar)
    assert (iwm.last, iwm.extended) == (219.30, None)
    assert (iwm.status.auction_missing, iwm.status.range_incomplete) == (False, False)


def test_a_bar_of_a_later_minute_holds_no_auction():
    iwm = known(LAST, bar_after_the_bell(218.5, minutes=3))
    assert (iwm.extended, iwm.status.auction_missing) == (218.5, False)


def test_while_prints_are_missing_the_auction_may_be_among_them():
    """Late trades come again before the bar of the minute is there."""
    origin = Provenance(Mode(venue="consolidated"), "a feed", range_incomplete=True)
    market = Market(BEFORE, as_of_ns=BELL - 60 * NS, origin=origin, members=["IWM"])
    before = market.apply([LAST], as_of_ns=BELL - 5 * NS).legs["IWM"]
    assert (before.state, before.status.auction_missing) == ("LIVE", False)
    late = Quote("IWM", BELL + 20 * NS, 218.9, 3, 100)
    iwm = market.apply([late], as_of_ns=BELL + 25 * NS).legs["IWM"]
    assert (iwm.last, iwm.extended, iwm.status.auction_missing) == (219.10, 218.9, True)
    iwm = market.apply([CLOSING], as_of_ns=BELL + 26 * NS).legs["IWM"]
    assert (iwm.last, iwm.status.auction_missing) == (219.30, False)


def test_a_minute_that_a_stream_brings_as_a_bar_says_it_too():
    bar = Quote("IWM", BELL + 60 * NS, 220.4, 1, 90_000, 220.4, 220.4, 60 * NS)
    assert known(LAST, bar).status.auction_missing


def test_an_index_has_no_auction():
    value = Quote("RUT", BELL - NS, 2200.0)
    bar = Quote("RUT", BELL + 60 * NS, 2203.5, 0, 0, 2203.5, 2203.5, 60 * NS, Role.MINUTE)
    origin = Provenance(Mode(), "Yahoo", range_incomplete=True)
    market = Market(BEFORE, Desk(legs=("RUT", "QQQ")), as_of_ns=BELL - 60 * NS, origin=origin)
    rut = market.apply([value, bar], as_of_ns=BELL + 300 * NS).legs["RUT"]
    assert (rut.last, rut.state, rut.status.auction_missing) == (2203.5, "PROVISIONAL", False)


@pytest.mark.parametrize(("size", "is_bound"), [(0, True), (5000, False)])
def test_an_auction_of_unknown_size_leaves_the_volume_a_bound(size: int, is_bound: bool):
    """A vendor's newest print may come without the shares that it traded."""
    iwm = known(LAST, Quote("IWM", BELL + 5 * NS, 219.30, 2, size, role=Role.CLOSE))
    assert (iwm.last, iwm.volume) == (219.30, 100 + size)
    assert (iwm.status.range_incomplete, iwm.status.auction_missing) == (is_bound, False)
