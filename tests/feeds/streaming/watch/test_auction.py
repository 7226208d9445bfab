"""The listing venue's first print after the bell is the closing auction, where no condition code says so."""

from __future__ import annotations

from datetime import date

import pytest

from feeds.streaming.watch.auction import AUCTION_NS, Auctions
from feeds.vendors.alpaca.frames import parse as alpaca_parse
from feeds.vendors.alpaca.stream import Alpaca
from feeds.vendors.massive.frames import TradeIds, market_data
from feeds.vendors.massive.frames import parse as massive_parse
from feeds.vendors.massive.stream import Massive
from rotation.quote import NS, Role
from rotation.sessions import close_ns
from tests.support.servers import alpaca, massive
from tests.support.subjects import NOWHERE

BELL = close_ns(date(2024, 7, 16))
HALF_DAY = close_ns(date(2024, 7, 3))


def by_alpaca(auctions: Auctions, ts_ns: int, number: int, venue: str, codes: list[str] | None) -> Role:
    names = {"listing": "P", "other": "V"}
    message = alpaca.trade("IWM", 219.3, ts_ns, number, c=codes, z="B", x=names[venue])
    return alpaca_parse(alpaca.encode([message], packed=False), auctions=auctions).quotes[0].role


def by_massive(auctions: Auctions, ts_ns: int, number: int, venue: str, codes: list[str] | None) -> Role:
    numbers = [{"6": 8, "T": 12}[code] for code in codes] if codes else None
    message = massive.trade(
        "IWM", 219.3, ts_ns // 10**6, number, c=numbers, z=2, x={"listing": 11, "other": 15}[venue]
    )
    return market_data(massive_parse(massive.array(message)), TradeIds(), auctions).quotes[0].role


@pytest.fixture(params=[by_alpaca, by_massive])
def role(request):
    auctions = Auctions()
    return lambda *args: request.param(auctions, *args)


def test_the_listing_venue_s_first_print_after_the_bell_is_the_auction(role):
    assert role(BELL - NS, 1, "listing", None) == Role.PRICE, "before the bell it is any print"
    assert role(BELL + NS, 2, "other", None) == Role.PRICE, "another venue holds no auction of it"
    assert role(BELL + 2 * NS, 3, "listing", []) == Role.CLOSE
    assert role(BELL + 2 * NS, 3, "listing", []) == Role.CLOSE, "sent again it still is"
    assert role(BELL + 3 * NS, 4, "listing", None) == Role.PRICE, "the second one is late trading"


def test_a_condition_code_is_believed_before_the_order(role):
    assert role(BELL + NS, 1, "listing", ["T"]) == Role.PRICE
    assert role(BELL + 2 * NS, 2, "listing", ["6"]) == Role.CLOSE
    assert role(BELL + 3 * NS, 3, "listing", None) == Role.PRICE


def test_a_closing_print_of_before_the_bell_that_comes_late_makes_no_second_auction(role):
    """Another venue's closing trade, say, a hundredth of a second before the bell by its own clock."""
    assert role(BELL + 2 * NS, 1, "listing", None) == Role.CLOSE
    assert role(BELL - NS // 100, 2, "other", ["6"]) == Role.CLOSE
    assert role(BELL + 30 * NS, 3, "listing", None) == Role.PRICE, "late trading, not the close"


def test_a_closing_print_of_an_impossible_day_hides_no_auction(role):
    assert role(BELL + 3650 * 86_400 * NS, 1, "listing", ["6"]) == Role.CLOSE, "refused later, by its time"
    assert role(BELL - NS, 2, "other", ["6"]) == Role.CLOSE
    assert role(BELL + 2 * NS, 3, "listing", None) == Role.CLOSE


def test_a_first_print_long_after_the_bell_is_late_trading(role):
    assert role(BELL + AUCTION_NS + NS, 1, "listing", None) == Role.PRICE


def test_each_session_has_its_own_and_a_half_day_its_own_bell(role):
    assert role(HALF_DAY + NS, 1, "listing", None) == Role.CLOSE
    assert role(BELL + NS, 2, "listing", None) == Role.CLOSE


def test_three_minutes_after_the_bell_is_long_after_it_and_the_bell_itself_is_before_it(role):
    assert role(BELL + 180 * NS, 1, "listing", None) == Role.PRICE
    assert role(BELL, 2, "listing", None) == Role.PRICE, "regular by its time, and not the auction"
    assert role(BELL + NS, 3, "listing", None) == Role.CLOSE, "which is still to come"


@pytest.mark.parametrize(
    ("vendor", "frame"),
    [
        pytest.param(
            lambda: Alpaca("a-key", "a-secret", NOWHERE, packed=False),
            lambda ts_ns, number: alpaca.encode(
                [alpaca.trade("IWM", 219.3, ts_ns, number, c=[], z="B", x="P")], packed=False
            ),
            id="Alpaca",
        ),
        pytest.param(
            lambda: Massive(massive.KEY, NOWHERE),
            lambda ts_ns, number: massive.array(
                massive.trade("IWM", 219.3, ts_ns // 10**6, number, c=None, z=2, x=11)
            ),
            id="Massive",
        ),
    ],
)
def test_a_reconnect_after_the_bell_makes_no_second_auction(vendor, frame):
    made, roles = vendor(), []
    for i in range(2):
        conversation = made.conversation()
        conversation.subscribe(frozenset({"IWM"}))
        (quote,) = conversation.received(frame(BELL + (1 + 20 * i) * NS, i + 1)).quotes
        roles.append(quote.role)
    assert roles == [Role.CLOSE, Role.PRICE]
