"""Prints ahead of time, alone with times and with a stream around them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from feeds.events import Batch, PrintsCorrected
from feeds.streaming.requests import Answer, Purpose
from feeds.streaming.watch.ahead import WAITING, Ahead
from feeds.streaming.watch.lag import Lag
from rotation.quote import MINUTE_NS, NS, Quote
from tests.feeds.streaming.test_state import ALL, SYMBOLS, Plain, Script, bar, bars
from tests.support.fake_time import NOW_NS


def iwm(ahead_s: float, seq: int = 1, price: float = 221.0, bar_ns: int = 0) -> Quote:
    return Quote("IWM", NOW_NS + int(ahead_s * NS), price, seq=seq, bar_ns=bar_ns)


def test_a_print_waits_until_its_time():
    ahead = Ahead()
    assert ahead.sift([iwm(50)], NOW_NS, 0) == []
    assert ahead.sift([iwm(1, 2)], NOW_NS, 0) == [iwm(1, 2)]
    assert ahead.sift([], NOW_NS + 48 * NS - 1, 0) == []
    assert ahead.sift([], NOW_NS + 48 * NS, 0) == [iwm(50)]
    assert ahead.sift([], NOW_NS + 60 * NS, 0) == []


def test_or_for_a_companion():
    ahead = Ahead()
    qqq = Quote("QQQ", NOW_NS + 49 * NS, 495.0, 2)
    assert ahead.sift([iwm(50)], NOW_NS, 0) == []
    assert ahead.sift([qqq], NOW_NS, 0) == [iwm(50), qqq]


def test_the_same_trade_told_again_is_none():
    ahead = Ahead()
    assert ahead.sift([iwm(50)] * 3, NOW_NS, 0) == []
    assert ahead.sift([iwm(50, 2)], NOW_NS, 0) == [], "another trade, at the same time"
    assert ahead.sift([iwm(51, 2)], NOW_NS, 0) == [iwm(50)] * 3 + [iwm(51, 2)], (
        "another one than the first three"
    )


def test_a_bar_that_still_forms_has_no_companion():
    ahead = Ahead()
    forming = iwm(30, bar_ns=MINUTE_NS)
    assert ahead.sift([forming, Quote("QQQ", NOW_NS + 30 * NS, 495.0, 2, bar_ns=MINUTE_NS)], NOW_NS, 0) == []
    assert forming in ahead.sift([], NOW_NS + 30 * NS, 0)


def test_the_allowance_is_that_of_the_feed_s_own_lag():
    ahead = Ahead()
    assert ahead.sift([iwm(50)], NOW_NS, -50 * NS) == [iwm(50)], "our clock is behind"
    assert ahead.sift([iwm(0)], NOW_NS, 900 * NS) == [], "a quarter of an hour late by contract"


def test_what_no_clock_explains_goes_to_be_refused():
    assert Ahead().sift([iwm(61)], NOW_NS, 0) == [iwm(61)]


def test_what_waits_is_bounded_and_forgotten_with_the_connection():
    ahead = Ahead()
    for _ in range(3):
        ahead.sift([iwm(50)] * WAITING, NOW_NS, 0)
    assert len(ahead._waiting) == WAITING
    ahead.clear()
    assert ahead.sift([], NOW_NS + 60 * NS, 0) == []


@given(st.lists(st.tuples(st.integers(-90, 60), st.integers(0, 3), st.integers(0, 20)), max_size=30))
def test_nothing_is_lost_and_nothing_comes_twice(prints):
    ahead, passed = Ahead(), []
    quotes = [iwm(offset, seq) for offset, seq, _ in prints]
    now_ns = NOW_NS
    for quote, (_, _, wait_s) in zip(quotes, prints, strict=True):
        now = ahead.sift([quote], now_ns, 0)
        passed += now
        now_ns += wait_s * NS
    passed += ahead.sift([], NOW_NS + 1000 * NS, 0)
    assert sorted(map(repr, passed)) == sorted(map(repr, quotes))


def test_the_usual_lag():
    lag = Lag()
    assert lag.usual_ns(0) == 0
    lag.note(NOW_NS, [NOW_NS + 20 * NS] * 2)
    assert lag.usual_ns(0) == 0, "two prints say nothing yet"
    lag.note(NOW_NS, [NOW_NS + 20 * NS, NOW_NS - 3600 * NS])
    assert lag.usual_ns(0) == -20 * NS
    late = Lag()
    late.note(NOW_NS, [NOW_NS - 3600 * NS] * 5)
    assert (late.usual_ns(0), late.usual_ns(900 * NS)) == (0, 900 * NS)


def test_a_print_that_is_ahead_does_not_own_the_price():
    """Once +50 s at +5 % held for 51 s, LIVE and of no age."""
    script = Script().live()
    script.frame(quotes=(Quote("IWM", NOW_NS + 50 * NS, 232.3, 90),))
    script.tick(45, printing=SYMBOLS)
    assert all(quote.price != 232.3 for batch in script.of(Batch) for quote in batch.quotes)
    script.tick(5, printing=SYMBOLS)
    assert any(quote.price == 232.3 for batch in script.of(Batch) for quote in batch.quotes)


def test_prints_of_a_clock_ahead_of_ours_pass_together():
    script = Script().connect().frame(subscribed=ALL).answer()
    for i in range(3):
        ahead_ns = script.now.ns + 30 * NS
        script.frame(quotes=tuple(Quote(name, ahead_ns, 100.0, i + 1) for name in SYMBOLS)).tick()
    assert sum(len(batch.quotes) for batch in script.of(Batch)) == 9
    assert "your clock is 30 s behind" in script.status.detail


def test_a_bar_that_still_forms_never_comes_by_the_snapshot_path():
    """Its close would stand up to a minute ahead, and own the price until then."""
    script = Script(now_ns=NOW_NS + 30 * NS).connect().frame(subscribed=ALL)
    forming = Quote("IWM", NOW_NS + MINUTE_NS, 230.0, bar_ns=MINUTE_NS)
    ahead = Quote("SPY", script.now.ns + 10 * NS, 580.0)
    ended = Quote("QQQ", NOW_NS, 495.0, bar_ns=MINUTE_NS)
    script.answer(newest=[forming, ended, ahead])
    (batch,) = script.of(Batch)
    assert [(quote.symbol, quote.size) for quote in batch.quotes] == [("QQQ", 0)]


def test_nor_does_it_where_the_answer_comes_when_the_minute_is_over():
    script = Script(now_ns=NOW_NS + 58 * NS).connect().frame(subscribed=ALL).tick(4)
    script.answer(newest=[Quote("IWM", NOW_NS + MINUTE_NS, 230.0, bar_ns=MINUTE_NS)])
    assert script.of(Batch) == []


# Prints that jump, in a stream


def test_two_wide_jumps_are_asked_about_once_in_five_seconds():
    script = Script().live()
    jump = [Quote("IWM", NOW_NS + i, 300.0 + i, 90 + i) for i in (1, 2)]
    script.frame(quotes=tuple(jump))
    assert (script.requests[-1].purpose, script.requests[-1].symbols) == (Purpose.CONFIRM, {"IWM"})
    asked = len(script.requests)
    script.answer(error="HTTP 429").tick(4, printing=("QQQ", "SPY"))
    assert len(script.requests) == asked
    script.tick(1, printing=("QQQ", "SPY"))
    assert len(script.requests) == asked + 1
    script.answer(newest=[Quote("IWM", NOW_NS - NS, 301.0)])
    assert script.of(Batch)[-1].quotes == tuple(jump)


def test_two_wide_jumps_that_a_snapshot_denies_are_gone():
    script = Script().live()
    script.frame(quotes=tuple(Quote("IWM", NOW_NS + i, 300.0 + i, 90 + i) for i in (1, 2)))
    script.answer(newest=[Quote("IWM", NOW_NS - NS, 221.0)])
    handed_on = [quote for batch in script.of(Batch) for quote in batch.quotes if quote.symbol == "IWM"]
    assert all(quote.price < 290 for quote in handed_on)
    assert script.state.report.stats(script.now).rejects == 2


def fifteen_off(script: Script) -> tuple[Quote, Quote]:
    """Two trades in IWM, 15 % up, at two times."""
    first, second = (Quote("IWM", script.now.ns + i, 254.0 + i / 10, 90 + i) for i in (1, 2))
    return first, second


def handed_on(script: Script, symbol: str) -> list[float]:
    return [quote.price for batch in script.of(Batch) for quote in batch.quotes if quote.symbol == symbol]


def test_two_bad_prints_of_fifteen_percent_are_not_believed():
    script = Script().live()
    script.frame(quotes=fifteen_off(script))
    assert (script.requests[-1].purpose, script.requests[-1].symbols) == (Purpose.CONFIRM, {"IWM"})
    assert script.symbol_states == {"IWM": "GAPPED"}
    script.answer(newest=[Quote("IWM", NOW_NS - NS, 221.0)])
    assert handed_on(script, "IWM") == [221.28]
    assert script.state.report.stats(script.now).rejects == 2
    assert script.symbol_states == {}


def test_a_true_jump_of_fifteen_percent_is_believed_once_a_snapshot_agrees():
    script = Script().live()
    jump = fifteen_off(script)
    script.frame(quotes=jump)
    assert handed_on(script, "IWM") == [221.28]
    script.answer(newest=[Quote("IWM", NOW_NS + 2, 254.2)])
    assert script.of(Batch)[-1].quotes == jump
    assert (script.symbol_states, script.state.report.stats(script.now).rejects) == ({}, 0)


def test_while_no_snapshot_comes_a_leg_that_jumped_stays_marked():
    script = Script().live()
    jump = fifteen_off(script)
    script.frame(quotes=jump)
    for _ in range(4):
        script.answer(error="HTTP 503").tick(5, printing=("QQQ", "SPY"))
        assert script.requests[-1].purpose is Purpose.CONFIRM
        assert script.symbol_states == {"IWM": "GAPPED"}
    assert handed_on(script, "IWM") == [221.28]
    script.answer(newest=[Quote("IWM", NOW_NS + 2, 254.2)])
    assert script.of(Batch)[-1].quotes == jump
    assert script.symbol_states == {}


def test_a_high_that_only_bad_prints_carried_is_withdrawn_with_them():
    script = Script().live().tick(1, printing=SYMBOLS)
    bad = tuple(Quote("IWM", script.now.ns + i, 246.0 + i, 90 + i) for i in (1, 2))
    script.frame(quotes=bad).answer(newest=[Quote("IWM", script.now.ns + 2, 248.0)])
    assert script.of(Batch)[-1].quotes == bad, "a snapshot has the same bad print: believed"
    script.tick(1, printing=SYMBOLS)
    assert script.symbol_states == {"IWM": "GAPPED"}, "until bars have taken their place"
    script.tick(3, printing=SYMBOLS)
    assert script.requests[-1].purpose is Purpose.CORRECT
    script.answer(bar("IWM", 1, 221.0))
    replaced = script.events[-2]
    assert replaced.symbols == {"IWM"}
    assert all(quote.price < 222 for quote in replaced.quotes)
    assert script.symbol_states == {}


def test_bad_prints_that_still_wait_are_not_handed_on():
    script = Script().connect().frame(subscribed=ALL).prints()
    assert script.state.buffer.is_held
    (fill,) = script.requests
    bad = tuple(Quote("IWM", script.now.ns + i, 246.0 + i, 90 + i) for i in (1, 2))
    script.frame(quotes=bad).answer(newest=[Quote("IWM", script.now.ns + 2, 248.0)])
    script.frame(quotes=(Quote("IWM", script.now.ns + 5, 221.3, 95),))
    script.state.on_answer(fill, Answer(tuple(bars(1))), script.now)
    (batch,) = script.take().of(Batch)
    assert [quote.price for quote in batch.quotes if quote.symbol == "IWM"] == [221.28, 221.28, 221.3]
    assert script.symbol_states == {}
    assert script.of(PrintsCorrected) == []


def test_a_source_without_snapshots_is_no_reason_to_wait_for_ever():
    script = Script(Plain()).live()
    jump = tuple(Quote("IWM", NOW_NS + i, 300.0 + i, 90 + i) for i in (1, 2, 3))
    script.frame(quotes=jump[:2]).answer()
    script.frame(quotes=jump[2:]).tick(6, printing=("QQQ", "SPY")).answer()
    assert script.of(Batch)[-1].quotes == jump
