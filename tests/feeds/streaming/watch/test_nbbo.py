"""A print far outside bid and ask waits; the mid; what vendors send of both."""

from __future__ import annotations

import pytest

from feeds.events import BidAsks
from feeds.streaming.vendor import Band, FrameResult, Nbbo
from feeds.streaming.watch.nbbo import Quotes
from feeds.vendors.alpaca.frames import parse
from feeds.vendors.massive.frames import TradeIds, market_data
from feeds.vendors.massive.frames import parse as massive_parse
from feeds.vendors.yahoo.stream import YahooConversation
from rotation.quote import NS, Quote, Role
from tests.feeds.streaming.test_state import Script
from tests.support.fake_time import NOW_NS
from tests.support.live_desk import live_desk
from tests.support.servers.alpaca import encode
from tests.support.servers.massive import NOW_MS, array, quoted
from tests.support.servers.ws import READY, STAY
from tests.support.servers.yahoo import PRE, pricing
from tests.support.subjects import ALPACA, MASSIVE, YAHOO

TIGHT = Nbbo("IWM", 221.27, 221.29, NOW_NS)


def trade(price: float, number: int = 1, after_s: float = 1.0, **more) -> Quote:
    return Quote("IWM", NOW_NS + int(after_s * NS), price, number, 100, **more)


def watched(*markets: Nbbo, bands: tuple[Band, ...] = ()) -> Quotes:
    quotes = Quotes(frozenset({"IWM"}))
    quotes.on_quotes(markets, bands)
    return quotes


def judged(quotes: Quotes, *prints: Quote, at_s: float = 1.0) -> tuple[list[float], list[float]]:
    passed, dropped = quotes.judge(prints, NOW_NS + int(at_s * NS))
    return [quote.price for quote in passed], [quote.price for quote in dropped]


@pytest.mark.parametrize("price", [221.27, 221.29, 220.0, 223.0])
def test_a_print_near_the_market_passes(price):
    assert judged(watched(TIGHT), trade(price)) == ([price], [])


def test_a_print_far_outside_waits_and_is_dropped_where_nothing_follows():
    """KRE at 63.06 was 4 % off, below any limit of a jump, and stood as LIVE."""
    quotes = watched(TIGHT)
    assert judged(quotes, trade(230.0)) == ([], [])
    assert judged(quotes, trade(230.0)) == ([], []), "repeated it is no second print"
    assert judged(quotes, trade(221.28, 2, 2.0), at_s=2.0) == ([221.28], [])
    assert judged(quotes, at_s=7.0) == ([], [230.0])
    assert judged(quotes, at_s=8.0) == ([], [])


def test_it_passes_with_a_second_print_or_once_the_market_has_followed():
    quotes = watched(TIGHT)
    assert judged(quotes, trade(230.0), trade(230.1, 2)) == ([230.0, 230.1], [])
    quotes = watched(TIGHT)
    assert judged(quotes, trade(230.0)) == ([], [])
    quotes.on_quotes([Nbbo("IWM", 229.9, 230.1, NOW_NS + 2 * NS)], ())
    assert judged(quotes, at_s=2.0) == ([230.0], [])


@pytest.mark.parametrize(
    "market",
    [
        Nbbo("IWM", 200.0, 240.0, NOW_NS),  # wide, as before the bell
        Nbbo("IWM", 221.27, 221.29, NOW_NS - 10 * NS),  # old
        Nbbo("IWM", 221.29, 221.27, NOW_NS),  # crossed
        Nbbo("QQQ", 495.0, 495.1, NOW_NS),
    ],
)
def test_a_market_that_says_nothing_holds_nobody_back(market):
    quotes = watched(market)
    assert judged(quotes, trade(230.0)) == ([230.0], [])
    assert quotes.mid("IWM", NOW_NS + NS) is None


def test_bars_and_odd_lots_never_wait():
    bar, odd = trade(230.0, bar_ns=60 * NS), trade(250.0, 2, role=Role.SIZE)
    assert judged(watched(TIGHT), bar, odd) == ([230.0, 250.0], [])


def test_the_mid_and_the_newest_market_by_its_time():
    quotes = watched(Nbbo("IWM", 222.0, 222.02, NOW_NS + NS), TIGHT)
    assert quotes.mid("IWM", NOW_NS + NS) == pytest.approx(222.01)
    assert quotes.mid("IWM", NOW_NS + 7 * NS) is None


def test_a_print_outside_the_price_band_waits():
    quotes = watched(bands=(Band("IWM", 210.0, 232.5, NOW_NS),))
    assert judged(quotes, trade(232.4)) == ([232.4], [])
    assert judged(quotes, trade(233.0, 2)) == ([], [])
    assert quotes.band("IWM") == Band("IWM", 210.0, 232.5, NOW_NS)


def test_the_stream_holds_it_back_and_says_why():
    script = Script().connect()
    script.state.on_frame(FrameResult(ready=True, subscribed=frozenset({"IWM"}), nbbo=(TIGHT,)), script.now)
    script.state.on_frame(FrameResult((trade(230.0, after_s=0.0),)), script.now)
    assert "IWM" not in script.state.filter.last
    script.s += 6.0
    script.state.on_frame(FrameResult((trade(221.28, 2, 6.0),), nbbo=(TIGHT,)), script.now)
    assert script.state.filter.last["IWM"].price == 221.28
    assert script.state.report.stats(script.now).last_reject == (
        "IWM: 230 far outside bid and ask or the price band, no second print"
    )


@pytest.mark.parametrize("packed", [False, True], ids=["json", "msgpack"])
def test_alpaca_s_quotes_and_bands(packed):
    sides = {"bx": "V", "bp": 221.27, "bs": 1, "ax": "V", "ap": 221.29, "as": 2}
    quote = {"T": "q", "S": "IWM", "c": ["R"]} | sides
    band = {"T": "l", "S": "IWM", "u": 232.5, "d": 210.0, "i": "B", "z": "B", "t": NOW_NS}
    one_sided = quote | {"bp": 0, "t": NOW_NS}
    parsed = parse(encode([quote | {"z": "B", "t": NOW_NS}, band, one_sided], packed))
    assert parsed.nbbo == [TIGHT, Nbbo("IWM", 0.0, 221.29, NOW_NS)], "one side alone: there is no market"
    assert parsed.bands == [Band("IWM", 210.0, 232.5, NOW_NS)]
    assert (parsed.quotes, parsed.rejected) == ([], [])


def test_massive_s_quotes_and_bands():
    band = {"ev": "LULD", "T": "IWM", "h": 232.5, "l": 210.0, "i": [17], "z": 3, "t": NOW_MS, "q": 9}
    result = market_data(massive_parse(array(quoted(), band)), TradeIds())
    assert result.nbbo == (Nbbo("IWM", 221.27, 221.29, NOW_MS * 10**6),)
    assert result.bands == (Band("IWM", 210.0, 232.5, NOW_MS * 10**6),)
    assert (result.rejected, result.heartbeat) == ((), True)


def crossed_quote(result: FrameResult) -> tuple[bool, ...]:
    return tuple(market.is_market for market in result.nbbo)


def test_massive_and_yahoo_say_when_there_is_no_market():
    result = market_data(massive_parse(array(quoted(bid=221.3), quoted(bid=0.0))), TradeIds())
    assert crossed_quote(result) == (False, False)
    assert len(result.rejected) == 2
    conversation = YahooConversation()
    conversation.subscribe(frozenset({"IWM"}))
    assert crossed_quote(conversation.received(pricing(bid=221.3, ask=221.2))) == (False,)
    assert crossed_quote(conversation.received(pricing(bid=221.2))) == (), "a side left out says nothing"
    assert crossed_quote(conversation.received(pricing(hours=PRE, bid=221.2, ask=221.3))) == ()


def test_one_that_crosses_ends_the_mid_and_one_far_ahead_of_time_is_passed_over():
    quotes = watched(TIGHT)
    quotes.on_quotes([Nbbo("IWM", 221.3, 221.29, NOW_NS + NS)], ())
    assert quotes.mid("IWM", NOW_NS + NS) is None
    quotes.on_quotes([Nbbo("IWM", 230.0, 230.1, NOW_NS + 3600 * NS)], (), NOW_NS)
    quotes.on_quotes([Nbbo("IWM", 221.2, 221.3, NOW_NS + 2 * NS)], (), NOW_NS)
    assert quotes.mid("IWM", NOW_NS + 2 * NS) == pytest.approx(221.25)


def test_the_stream_hands_the_newest_on_once_a_second():
    script = Script().connect()

    def events() -> list[BidAsks]:
        return [event for event in script.state.take_events() if isinstance(event, BidAsks)]

    for i in range(100):
        newer = Nbbo("IWM", 221.0 + i / 100, 221.01 + i / 100, NOW_NS + i)
        script.state.on_frame(FrameResult(ready=True, nbbo=(newer,)), script.now)
    assert events() == []
    script.s += 1.0
    script.state.on_tick(script.now)
    assert script.state.has_events
    assert events() == [BidAsks({"IWM": newer})]
    script.s += 1.0
    script.state.on_tick(script.now)
    assert events() == [], "nothing newer has come"


@pytest.mark.parametrize(
    ("subject", "message"),
    [
        (ALPACA, [{"T": "q", "S": "IWM", "bp": 221.27, "ap": 221.29, "t": NOW_NS, "z": "B", "c": ["R"]}]),
        (MASSIVE, array(quoted(t=NOW_NS // 10**6))),
        (YAHOO, pricing(ts_ms=NOW_NS // 10**6, bid=221.27, ask=221.29)),
    ],
    ids=str,
)
async def test_it_stands_beside_the_leg_while_it_is_fresh(monkeypatch, subject, message):
    script = (READY, subject.trade("IWM", 221.28, NOW_NS, 1), message, STAY)
    async with live_desk(monkeypatch, subject, script) as desk:
        await desk.time.passing(2)
        leg = desk.legs["IWM"]
        assert (leg.bid, leg.ask, leg.mid) == (221.27, 221.29, 221.28)
        assert leg.quote_age_s == pytest.approx(2.0, abs=1.0)
        await desk.time.passing(31)
        assert (desk.legs["IWM"].bid, desk.legs["IWM"].mid) == (None, None)
