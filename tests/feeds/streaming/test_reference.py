"""Splits: what vendors say of closes and ex-dates reaches the desk before a figure is claimed."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from feeds.clock import Moment
from feeds.events import ListedSplits, PreviousCloses
from feeds.streaming.reference import ScaleWatch
from feeds.streaming.requests import Answer, Purpose, Reference
from rotation.history import History
from rotation.quote import NS
from rotation.sessions import hours, open_ns
from rotation.status import Kind
from tests.support.fake_time import NOW_NS
from tests.support.fault_table import FIRST
from tests.support.live_desk import closes, live_desk
from tests.support.servers.ws import READY, STAY
from tests.support.subjects import ALPACA, FINNHUB, SYMBOLS, YAHOO

DAY, MONDAY = date(2024, 7, 16), date(2024, 7, 15)
EARLY_NS = hours(DAY)[0] + 5 * NS
"""04:00:05 New York of the ex-date."""
SPLIT = FIRST | {"IWM": round(FIRST["IWM"] / 2, 2)}
OLD_CLOSE = float(closes(NOW_NS).on(MONDAY).filter(pl.col("symbol") == "IWM")["close"][0])


def restated(now_ns: int) -> History:
    """Two shares of IWM from one: every close before is halved."""
    halved = pl.when(pl.col("symbol") == "IWM").then(pl.col("close") / 2).otherwise("close")
    return History(closes(now_ns).frame.with_columns(close=halved))


def claims(desk) -> tuple[object, ...]:
    """Every figure that would cross the split."""
    leg, taken = desk.legs["IWM"], desk.supervisor.latest
    pps = (window.pp for window in taken.spread.windows.values())
    return *leg.return_pct.values(), *leg.since.values(), leg.streak.with_today, *pps, taken.ratio.value


async def marked(desk, now_ns: int) -> None:
    """The leg is marked, nothing is claimed, and history is asked for anew; then, with it, all is well."""
    await desk.time.passing(2)
    assert desk.legs["IWM"].last == SPLIT["IWM"]
    assert desk.legs["IWM"].status.kind is Kind.UNADJUSTED
    assert set(claims(desk)) == {None}
    assert "worst" not in desk.supervisor.latest.headline
    assert set(desk.unadjusted) == {"IWM"}
    assert desk.legs["QQQ"].status.kind is not Kind.UNADJUSTED
    desk.market.update_history(restated(now_ns))
    await desk.time.passing(1)
    leg = desk.legs["IWM"]
    assert leg.status.kind is Kind.LIVE
    assert leg.return_pct["1"] == pytest.approx(100 * (SPLIT["IWM"] / (OLD_CLOSE / 2) - 1))


@pytest.mark.parametrize(
    ("reference", "now_ns"),
    [
        pytest.param(Reference({"IWM": OLD_CLOSE / 2, "QQQ": 490.58}, {"IWM": 2.0}), EARLY_NS, id="restated"),
        pytest.param(Reference({"IWM": OLD_CLOSE / 2, "QQQ": 490.58}), EARLY_NS, id="restated, unlisted"),
        pytest.param(Reference({"QQQ": 490.58}, {"IWM": 2.0}), EARLY_NS, id="listed only, early"),
        pytest.param(Reference({"QQQ": 490.58}, {"IWM": 2.0}), NOW_NS, id="listed only, at 10:40"),
        pytest.param(Reference({"QQQ": 490.58}), EARLY_NS, id="unlisted, not restated, early"),
        pytest.param(Reference({"QQQ": 490.58}), NOW_NS, id="unlisted, not restated, at 10:40"),
        pytest.param(Reference({"IWM": OLD_CLOSE}), EARLY_NS, id="unlisted, not restated yet, early"),
    ],
)
@pytest.mark.parametrize("subject", [ALPACA, YAHOO], ids=str)
async def test_an_ex_date_is_marked_from_its_first_print_until_history_is_restated(
    monkeypatch, subject, reference, now_ns
):
    """IWM, 2:1: it once read about −50 %, LIVE, "worst on record", from 04:00 until 09:31 or all day."""
    script = (READY, *(subject.trade(s, SPLIT[s], now_ns - NS, 1 + i) for i, s in enumerate(SPLIT)))
    again = [subject.trade(s, SPLIT[s], now_ns - NS // 2, 11 + i) for i, s in enumerate(SPLIT)]
    async with live_desk(
        monkeypatch, subject, (*script, *again, STAY), now_ns=now_ns, reference=reference
    ) as desk:
        await marked(desk, now_ns)


async def test_where_the_vendor_says_nothing_of_splits_its_prints_do(monkeypatch):
    """Finnhub has neither closes nor splits by REST."""
    script = (READY, *(FINNHUB.trade(s, SPLIT[s], NOW_NS - NS, 1 + i) for i, s in enumerate(SPLIT)))
    async with live_desk(monkeypatch, FINNHUB, (*script, STAY), now_ns=NOW_NS) as desk:
        desk.vendor.is_down = True
        await marked(desk, NOW_NS)


async def test_a_fall_of_half_is_shown_where_the_vendor_has_history_s_close_after_the_bell(monkeypatch):
    script = (READY, *(YAHOO.trade(s, SPLIT[s], NOW_NS - NS, 1 + i) for i, s in enumerate(SPLIT)))
    async with live_desk(
        monkeypatch, YAHOO, (*script, STAY), now_ns=NOW_NS, reference=Reference({"IWM": OLD_CLOSE})
    ) as desk:
        await desk.time.passing(2)
        leg = desk.legs["IWM"]
        assert leg.status.kind is Kind.LIVE
        assert leg.return_pct["1"] == pytest.approx(100 * (SPLIT["IWM"] / OLD_CLOSE - 1))
        assert desk.unadjusted == []


async def test_before_the_bell_the_same_fall_waits_for_the_vendor_s_close_of_after_it(monkeypatch):
    script = (READY, *(YAHOO.trade(s, SPLIT[s], EARLY_NS - NS, 1 + i) for i, s in enumerate(SPLIT)))
    async with live_desk(
        monkeypatch, YAHOO, (*script, STAY), now_ns=EARLY_NS, reference=Reference({"IWM": OLD_CLOSE})
    ) as desk:
        await desk.time.passing(2)
        assert desk.legs["IWM"].status.kind is Kind.UNADJUSTED
        await desk.time.passing((open_ns(DAY) + 90 * NS - desk.time.clock_ns()) / NS, step=30.0)
        assert desk.legs["IWM"].status.kind is not Kind.UNADJUSTED


async def test_a_long_night_asks_before_the_first_print_and_again_after_the_bell(monkeypatch):
    evening_ns = hours(DAY)[3] - 24 * 3600 * NS - 60 * NS  # 19:59 the day before
    async with live_desk(monkeypatch, ALPACA, (READY, STAY), now_ns=evening_ns) as desk:
        await desk.time.passing(2)
        assert desk.vendor.references == [MONDAY]
        desk.vendor.closes, desk.vendor.splits = {"IWM": OLD_CLOSE / 2}, {"IWM": 2.0}
        await desk.time.passing((hours(DAY)[0] - evening_ns) / NS, step=30.0)
        assert desk.vendor.references[1:] == 3 * [DAY], "at 03:30, and every 15 minutes while it is listed"
        await desk.trade(SPLIT)
        await desk.trade(SPLIT)
        assert desk.legs["IWM"].status.kind is Kind.UNADJUSTED
        desk.vendor.splits = {}
        await desk.time.passing((open_ns(DAY) + 90 * NS - desk.time.clock_ns()) / NS, step=30.0)
        asked = len(desk.vendor.references)
        await desk.time.passing(3600, step=30.0)
        assert len(desk.vendor.references) == asked, "nothing is listed: once a session, and after the bell"


def test_the_first_answer_of_a_session_holds_the_prints_for_some_seconds_only():
    watch = ScaleWatch(frozenset(SYMBOLS), is_used=True, random=lambda: 0.5)
    request = watch.next_request(Moment(0.0, NOW_NS))
    assert request is not None
    assert (request.purpose, request.session) == (Purpose.REFERENCE, DAY)
    assert watch.next_request(Moment(1.0, NOW_NS)) is None, "one at a time"
    assert watch.holds(Moment(4.0, NOW_NS))
    assert not watch.holds(Moment(6.0, NOW_NS))
    watch.on_answer(Answer(error="HTTP 500"), Moment(7.0, NOW_NS))
    assert not watch.has_events
    assert watch.next_request(Moment(7.1, NOW_NS)) is None, "not at once"
    again = watch.next_request(Moment(9.0, NOW_NS))
    assert again is not None
    reference = Reference({"IWM": 110.0, "DIA": 1.0}, {"IWM": 2.0, "DIA": 2.0})
    watch.on_answer(Answer(reference=reference), Moment(9.5, NOW_NS))
    assert watch.take_events() == [
        ListedSplits({"IWM": DAY}, {"IWM": 2.0}, frozenset(SYMBOLS)),
        PreviousCloses(MONDAY, {"IWM": 110.0}),
    ], "of our symbols only"
    assert watch.take_events() == []
    later = Moment(9.5 + 899, NOW_NS + 899 * NS)
    assert watch.next_request(later) is None
    assert watch.next_request(Moment(later.s + 2, later.ns + 2 * NS)) is not None


def test_at_night_and_where_the_vendor_has_no_such_answer_nothing_is_asked():
    watch = ScaleWatch(frozenset(SYMBOLS), is_used=True, random=lambda: 0.5)
    assert watch.next_request(Moment(0.0, hours(DAY)[0] - 3600 * NS)) is None
    assert watch.next_request(Moment(0.0, hours(DAY)[0] - 1700 * NS)) is not None, "from 03:30 on"
    silent = ScaleWatch(frozenset(SYMBOLS), is_used=False, random=lambda: 0.5)
    assert silent.next_request(Moment(0.0, NOW_NS)) is None
