"""A vendor takes a print back: in the end the desk shows what the vendor's own bars say."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import date
from typing import TYPE_CHECKING

import pytest

from feeds.history.updater import HistoryUpdater
from rotation.quote import NS, Quote
from rotation.sessions import close_ns
from tests.support.fake_time import NOW_NS, without_threads
from tests.support.fault_table import FIRST
from tests.support.live_desk import LiveDesk, live_desk
from tests.support.servers import alpaca
from tests.support.servers.alpaca import cancel, correction
from tests.support.servers.ws import READY, STAY
from tests.support.subjects import ALPACA, SYMBOLS, YAHOO
from tests.support.sync_world import SINCE, World, share

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

MINUTE_NS = 60 * NS
QUIET = (READY, STAY)
EVENING_NS = NOW_NS + 6 * 3600 * NS
"""16:40 New York: the close is settled, late trading goes on."""


def bar(minutes_ago: int, price: float, high: float, low: float, size: int = 1000, symbol="IWM") -> Quote:
    end_ns = NOW_NS // MINUTE_NS * MINUTE_NS - minutes_ago * MINUTE_NS
    return Quote(symbol, end_ns, price, size=size, high=high, low=low)


async def trading_early(desk: LiveDesk, seconds: int, before_ns: int) -> AsyncIterator[int]:
    """IWM trades on, but each print is older than this: the newest price stays what it was."""
    for second in range(seconds):
        await desk.trade({"QQQ": FIRST["QQQ"], "SPY": FIRST["SPY"]})
        await desk.server.tell(ALPACA.trade("IWM", 221.28, before_ns - seconds + second, 1000 + second))
        await desk.time.passing(1)
        yield second


async def seeded(desk: LiveDesk, *bars: Quote) -> None:
    desk.vendor.bars = bars
    await desk.time.passing(2)
    await desk.trade(FIRST)


async def test_a_cancelled_print_of_today_is_taken_out_of_price_range_and_volume(monkeypatch):
    async with live_desk(monkeypatch, ALPACA, QUIET) as desk:
        await seeded(desk, bar(3, 221.0, 221.1, 220.9), bar(2, 221.2, 226.0, 221.0, 9000))
        assert desk.legs["IWM"].high == 226.0
        desk.vendor.bars = (bar(3, 221.0, 221.1, 220.9), bar(2, 221.2, 221.3, 221.0, 2000))
        await desk.server.tell(cancel("IWM", 226.0, NOW_NS - 150 * NS, 7))
        await desk.time.passing(1)
        assert desk.legs["IWM"].state == "GAPPED", "the price may be the wrong one"
        assert desk.legs["QQQ"].state == "LIVE"
        await desk.time.passing(3)
        iwm = desk.legs["IWM"]
        assert (iwm.last, iwm.high, iwm.low, iwm.volume) == (221.28, 221.3, 220.9, 3100)
        assert (iwm.state, desk.legs["QQQ"].volume) == ("LIVE", 100)
        assert desk.corrected_closes == [], "the close of today is not settled"


async def test_a_cancelled_print_of_this_very_minute_goes_at_once(monkeypatch):
    async with live_desk(monkeypatch, ALPACA, QUIET) as desk:
        await seeded(desk, bar(1, 221.2, 221.3, 221.0))
        await desk.time.passing(1)
        wrong_ns = desk.time.clock_ns()
        await desk.trade({"IWM": 230.0}, number=99)
        assert desk.legs["IWM"].last == 230.0
        await desk.server.tell(cancel("IWM", 230.0, wrong_ns, 99))
        await desk.time.passing(4)
        assert (desk.legs["IWM"].last, desk.legs["IWM"].high) == (221.28, 221.3)


async def test_a_print_taken_back_by_its_number_is_gone_though_the_time_is_the_message_s(monkeypatch):
    async with live_desk(monkeypatch, ALPACA, QUIET) as desk:
        await seeded(desk, bar(1, 221.2, 221.3, 221.0))
        await desk.time.passing(1)
        wrong = round(FIRST["IWM"] * 1.04, 2)
        await desk.trade({"IWM": wrong}, number=99)
        assert desk.legs["IWM"].last == wrong
        await desk.time.passing(8)
        late_ns = desk.time.clock_ns()
        await desk.server.tell(cancel("IWM", wrong, late_ns, 99))
        await desk.time.passing(1)
        async for _ in trading_early(desk, 100, NOW_NS + 2 * NS):
            iwm = desk.legs["IWM"]
            assert iwm.last != wrong or iwm.state == "GAPPED"
        assert (iwm.last, iwm.high) == (221.28, 221.3)


@pytest.mark.parametrize("taken_back", ["late trade", "auction"])
async def test_a_late_trade_that_is_taken_back_leaves_the_closing_auction(monkeypatch, taken_back: str):
    """Bars of the minute mix the two: the auction once was late trading from then on."""
    bell_ns = close_ns(date(2024, 7, 16))
    async with live_desk(monkeypatch, ALPACA, QUIET, now_ns=bell_ns - 30 * NS) as desk:
        await desk.time.passing(1)
        await desk.trade(FIRST)
        await desk.time.passing(33)
        auction = alpaca.trade("IWM", 222.0, desk.time.clock_ns(), 98, c=[" ", "6"])
        late = alpaca.trade("IWM", 231.0, desk.time.clock_ns() + 1, 99, c=[" ", "T"])
        await desk.server.tell([auction])
        await desk.server.tell([late])
        await desk.time.passing(60)
        iwm = desk.legs["IWM"]
        assert (iwm.last, iwm.extended, iwm.status.auction_missing) == (222.0, 231.0, False)
        mixed = Quote("IWM", bell_ns + MINUTE_NS, 221.9, size=100_000, high=222.0, low=221.8)
        desk.vendor.bars = (Quote("IWM", bell_ns, FIRST["IWM"], size=100, high=222.5, low=221.0), mixed)
        number, price = (99, 231.0) if taken_back == "late trade" else (98, 222.0)
        await desk.server.tell(cancel("IWM", price, desk.time.clock_ns(), number))
        await desk.time.passing(200)
        iwm = desk.legs["IWM"]
        expected = (222.0, False) if taken_back == "late trade" else (FIRST["IWM"], True)
        assert (iwm.last, iwm.status.auction_missing) == expected
        assert (iwm.state, iwm.extended) == ("PROVISIONAL", None)


async def test_a_print_that_nothing_identifies_is_marked_until_the_bars_reach_the_correction(monkeypatch):
    async with live_desk(monkeypatch, ALPACA, QUIET) as desk:
        await seeded(desk, bar(1, 221.2, 221.3, 221.0))
        await desk.time.passing(1)
        wrong_ns = desk.time.clock_ns()
        await desk.trade({"IWM": 230.0}, number=99)
        await desk.time.passing(8)
        await desk.server.tell(cancel("IWM", 230.0, desk.time.clock_ns(), 7))
        desk.vendor.bars += (bar(-1, 221.4, 221.5, 221.2, 500),)
        async for _ in trading_early(desk, 110, wrong_ns):
            iwm = desk.legs["IWM"]
            assert iwm.last != 230.0 or iwm.state == "GAPPED"
        assert (iwm.last, iwm.high) == (221.4, 221.5)


async def test_without_bars_a_wrong_print_that_was_shown_stays_marked(monkeypatch):
    async with live_desk(monkeypatch, ALPACA, QUIET) as desk:
        await seeded(desk)
        await desk.time.passing(1)
        wrong_ns = desk.time.clock_ns()
        await desk.trade({"IWM": 230.0}, number=99)
        await desk.server.tell(cancel("IWM", 230.0, wrong_ns + 1, 99))
        async for _ in trading_early(desk, 5, wrong_ns):
            pass
        assert desk.legs["IWM"].state == "GAPPED"
        desk.vendor.bars = (bar(1, 221.2, 221.3, 221.0),)
        async for _ in trading_early(desk, 95, wrong_ns):
            pass
        assert (desk.legs["IWM"].last, desk.legs["IWM"].state) == (221.28, "STALE 1m")


async def test_a_correction_within_the_minute_is_there_when_the_bars_know_of_it(monkeypatch):
    async with live_desk(monkeypatch, ALPACA, QUIET) as desk:
        await seeded(desk, bar(1, 221.2, 221.3, 221.0))
        await desk.time.passing(1)
        wrong_ns = desk.time.clock_ns()
        await desk.trade({"IWM": 215.0}, number=99)
        await desk.server.tell(correction("IWM", 215.0, 219.0, wrong_ns))
        await desk.time.passing(4)
        assert desk.legs["IWM"].low == 221.0
        desk.vendor.bars += (bar(-1, 221.4, 221.5, 219.0, 500),)
        await desk.trading(100)
        iwm = desk.legs["IWM"]
        assert (iwm.last, iwm.high, iwm.low, iwm.state) == (221.28, 221.5, 219.0, "LIVE")


async def test_prints_between_the_request_and_its_answer_are_not_lost(monkeypatch):
    async with live_desk(monkeypatch, ALPACA, QUIET) as desk:
        await seeded(desk, bar(1, 221.2, 221.3, 221.0))
        await desk.server.tell(cancel("IWM", 1.0, NOW_NS - 600 * NS, 7))
        await desk.trade({"IWM": 223.0})
        await desk.time.passing(4)
        assert len(desk.vendor.asked) == 2, "seeded, and asked for the correction"
        assert (desk.legs["IWM"].last, desk.legs["IWM"].high) == (223.0, 223.0)


async def test_many_corrections_are_few_requests(monkeypatch):
    async with live_desk(monkeypatch, ALPACA, QUIET) as desk:
        await seeded(desk, bar(1, 221.2, 221.3, 221.0))
        desk.vendor.asked.clear()
        for second in range(60):
            await desk.server.tell(
                *(cancel("IWM", 1.0, NOW_NS - 60 * NS + i, second * 9 + i) for i in range(9))
            )
            await desk.trading(1)
        assert len(desk.vendor.asked) <= 5
        assert {symbols for symbols, *_ in desk.vendor.asked} == {frozenset({"IWM"})}


async def test_a_source_that_is_down_leaves_the_symbol_gapped_until_it_is_back(monkeypatch):
    async with live_desk(monkeypatch, ALPACA, QUIET) as desk:
        await seeded(desk, bar(1, 221.2, 226.0, 221.0))
        desk.vendor.is_down = True
        await desk.server.tell(cancel("IWM", 226.0, NOW_NS - 90 * NS, 7))
        await desk.trading(30)
        assert desk.legs["IWM"].state == "GAPPED"
        assert desk.health.detail.endswith("corrections delayed: down")
        desk.vendor.is_down = False
        desk.vendor.bars = (bar(1, 221.2, 221.3, 221.0),)
        await desk.trading(60)
        assert (desk.legs["IWM"].state, desk.legs["IWM"].high) == ("LIVE", 221.3)
        assert "corrections" not in desk.health.detail


async def test_a_vendor_without_bars_says_so(monkeypatch):
    async with live_desk(monkeypatch, ALPACA, QUIET) as desk:
        await seeded(desk)
        await desk.server.tell(cancel("IWM", 226.0, NOW_NS - 90 * NS, 7))
        await desk.trading(5)
        assert desk.health.detail == "3 of 3 symbols; Alpaca has no bars to correct IWM with"
        assert (desk.legs["IWM"].last, desk.legs["IWM"].state) == (221.28, "LIVE"), "its prints stay"


async def test_hostile_bars_change_nothing(monkeypatch):
    async with live_desk(monkeypatch, ALPACA, QUIET) as desk:
        await seeded(desk, bar(2, 221.2, 221.3, 221.0))
        bad = (bar(3, float("nan"), 1.0, 1.0), bar(2, -4.0, 1.0, 1.0), bar(1, 1e308, 1e308, 1.0))
        desk.vendor.bars = (*bad, bar(2, 221.2, 221.3, 221.0), bar(1, 300.0, 300.0, 300.0))
        await desk.server.tell(cancel("IWM", 226.0, NOW_NS - 90 * NS, 7))
        await desk.time.passing(4)
        iwm = desk.legs["IWM"]
        assert (iwm.last, iwm.high, iwm.low) == (221.28, 221.3, 221.0)


@pytest.mark.parametrize(
    ("now_ns", "of_ns", "daily", "replaced"),
    [
        (NOW_NS, NOW_NS - 60 * NS, [], True),
        (NOW_NS, NOW_NS - 86_400 * NS, ["IWM"], False),  # yesterday's: its close may have been another
        (EVENING_NS, EVENING_NS - 3600 * NS, ["IWM"], True),  # settled already, and its range is shown
        (NOW_NS + 12 * 3600 * NS, NOW_NS, ["IWM"], False),  # at night the close is all that counts
    ],
)
async def test_what_is_asked_depends_on_the_print_s_session(monkeypatch, now_ns, of_ns, daily, replaced):
    async with live_desk(monkeypatch, ALPACA, QUIET, now_ns=now_ns) as desk:
        await desk.time.passing(2)
        desk.vendor.asked.clear()
        await desk.server.tell(cancel("IWM", 226.0, of_ns, 7), cancel("AAPL", 226.0, of_ns, 8))
        await desk.time.passing(5)
        assert desk.corrected_closes == daily
        assert bool(desk.vendor.asked) == replaced


async def test_a_corrected_close_corrects_the_settled_streak(monkeypatch, tmp_path):
    """Yesterday's close was a bad print: without it the last rise was a fall."""
    without_threads(monkeypatch)
    world = World(tmp_path, {"IWM": share(221.0), "QQQ": share(495.0), "SPY": share(562.0)}, NOW_NS)
    raw = world.market.shares["IWM"].raw
    raw[min(raw)] *= 1.05  # a fall before the first rise: the length of the run is known

    @asynccontextmanager
    async def sources():
        yield [world.yahoo]

    def updater(time):
        monkeypatch.setattr(
            World, "now_ns", property(lambda _: time.clock_ns(), lambda *_: None), raising=False
        )
        return HistoryUpdater(world.store, list(SYMBOLS), since=SINCE, time=time, sources=sources)

    async with live_desk(monkeypatch, ALPACA, QUIET, beside=updater) as desk:

        async def until(holds):
            while not holds():
                await desk.time.passing(1)

        await until(lambda: "settled" in desk.supervisor.latest.health.feeds[1].detail)
        await desk.trade(FIRST)
        rises = len([day for day in world.market.shares["IWM"].raw if day <= date(2024, 7, 15)]) - 2
        assert desk.legs["IWM"].streak.settled == rises
        before = desk.legs["QQQ"]
        world.market.shares["IWM"].raw[date(2024, 7, 15)] = 220.0
        await desk.server.tell(cancel("IWM", 221.5, NOW_NS - 20 * 3600 * NS, 7))
        await until(lambda: desk.legs["IWM"].streak.settled != rises)
        iwm = desk.legs["IWM"]
        assert (iwm.streak.settled, iwm.last) == (-1, 221.28)
        assert iwm.return_pct["1"] == pytest.approx((221.28 / 220.0 - 1) * 100)
        assert (desk.legs["QQQ"].streak, desk.legs["QQQ"].last) == (before.streak, before.last)


async def test_a_vendor_that_corrects_nothing_is_handed_on_as_it_is(monkeypatch):
    async with live_desk(monkeypatch, YAHOO, QUIET) as desk:
        await desk.time.passing(2)
        await desk.server.send(YAHOO.trade("IWM", 221.5, desk.time.clock_ns(), 1))
        await desk.time.passing(1)
        assert desk.legs["IWM"].last == 221.5
