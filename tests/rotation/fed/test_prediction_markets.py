"""Prediction markets beside the futures: the overround, thin books, missing outcomes, the ladder by hand."""

from __future__ import annotations

from datetime import date
from math import isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotation.fed.assemble import fed
from rotation.fed.inputs import OutcomeQuote, Sourced
from rotation.fed.prediction_markets import engine, price, strikes
from rotation.fed.strip.chain import StripCase
from rotation.status import Kind
from tests.support.fed.made import S, at, but, traded
from tests.support.fed.strips import CALENDAR, vector_file

MEETING = date(2026, 12, 9)
NOW = at("2026-11-23")
LIVE = Sourced(Kind.LIVE, checked_ns=NOW - 7 * S)
BOOKS = {-50: (0.0, 0.01), -25: (0.01, 0.02), 0: (0.26, 0.27), 25: (0.68, 0.69), 50: (0.02, 0.03)}
RAW = 0.005 + 0.015 + 0.265 + 0.685 + 0.025


def outcome(move_bp=None, bid=None, ask=None, *, venue="Kalshi", month=12, **more):
    fields = {"contract": f"c{move_bp}", "event": "e", "label": "", "year": 2026, **more}
    return OutcomeQuote(venue=venue, move_bp=move_bp, bid=bid, ask=ask, month=month, **fields)


def quotes(books=None, **more):
    return [outcome(move, *book, **more) for move, book in (BOOKS if books is None else books).items()]


def shown(quoted, source=LIVE, *, venue="Kalshi", futures_bp=17.5, meeting=MEETING, now_ns=NOW):
    return engine(venue, quoted, meeting, source, futures_bp=futures_bp, now_ns=now_ns)


# One contract ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "value", "is_book"),
    [
        ({"bid": 0.26, "ask": 0.27}, 0.265, True),
        ({"bid": 0.27, "ask": 0.27}, 0.27, True),
        ({"bid": 0.0, "ask": 0.01}, 0.005, True),
        ({"bid": 0.99, "ask": 1.0}, 0.995, True),
        # Ten cents wide is still a book, wherever it stands; eleven are none.
        *[({"bid": i / 100, "ask": (i + 10) / 100}, i / 100 + 0.05, True) for i in (0, 10, 30, 57, 70, 90)],
        *[({"bid": i / 100, "ask": (i + 11) / 100, "last": 0.4}, 0.4, False) for i in (0, 10, 30, 57, 70)],
        ({"bid": 0.28, "ask": 0.27, "mark": 0.3, "last": 0.4}, 0.3, False),
        ({"bid": 0.0, "ask": 1.0, "last": 0.4}, 0.4, False),
        ({"bid": 0.28, "last": 0.4}, 0.4, False),
        ({"ask": 0.28, "mark": 0.3}, 0.3, False),
        ({"mark": 0.0, "last": 0.4}, 0.0, False),
        ({"bid": 0.0, "ask": 1.0}, None, False),
        ({}, None, False),
    ],
)
def test_price_of_one_outcome(fields, value, is_book):
    result, by_book = price(outcome(0, **fields))
    assert result == (value if value is None else pytest.approx(value))
    assert by_book is is_book


# The distribution ------------------------------------------------------------------------


def test_the_overround_is_removed_and_shown():
    table = shown(quotes())
    assert table.raw_sum == pytest.approx(RAW)
    assert table.moves == pytest.approx(
        {"-50": 0.005 / RAW, "-25": 0.015 / RAW, "0": 0.265 / RAW, "25": 0.685 / RAW, "50": 0.025 / RAW}
    )
    assert list(table.moves) == ["-50", "-25", "0", "25", "50"]
    assert (table.cut, table.hold, table.hike) == pytest.approx((0.02 / RAW, 0.265 / RAW, 0.71 / RAW))
    mean = (-50 * 0.005 - 25 * 0.015 + 25 * 0.685 + 50 * 0.025) / RAW
    assert table.mean_bp == pytest.approx(mean)
    assert table.gap_bp == pytest.approx(mean - 17.5)
    assert (table.kind, table.state, table.age_s, table.note) == ("order book", "LIVE", 7.0, "")
    assert shown(quotes(), futures_bp=None).gap_bp is None


def test_order_of_the_quotes_is_irrelevant():
    assert shown(quotes()[::-1]) == shown(quotes())


def test_only_this_venue_and_this_meeting():
    others = [*quotes(venue="Polymarket"), *quotes(month=10), *quotes(year=2027), outcome(above_bp=400)]
    assert shown(others) is None
    assert shown([*others, *quotes()]) == shown(quotes())
    assert shown(quotes(), meeting=date(2026, 12, 10)) is not None, "a meeting is named by its month"


def test_a_meeting_that_is_over_has_no_engine():
    """Its contracts may be listed until they pay out; the next meeting has its own."""
    case = StripCase(date(2026, 12, 10), (375, 400), CALENDAR, dict.fromkeys([(2026, 12), (2027, 1)], 96.0))
    now = at("2026-12-10")
    inputs = but(traded(case, now), outcomes=tuple(quotes()), sources={"Kalshi": LIVE})
    assert list(fed(inputs, now).engines) == ["futures"]


def test_too_few_outcomes():
    for kept in ([0, 25], [-25, 25, 50], [0]):
        table = shown(quotes({move: BOOKS[move] for move in kept}))
        assert (table.cut, table.hold, table.hike, table.moves, table.mean_bp, table.gap_bp) == (
            None, None, None, {}, None, None,
        )  # fmt: skip
        assert table.note == "too few outcomes are quoted"


def test_wide_and_empty_books_are_counted():
    books = {**BOOKS, -50: (None, None), -25: (0.0, 1.0), 25: (0.4, 0.9)}
    collected = [outcome(move, *book, last=0.68 if move == 25 else None) for move, book in books.items()]
    table = shown(collected)
    assert table.note == "1 of 5 outcomes at last price: no tight market; 2 of 5 outcomes not quoted"
    assert table.raw_sum == pytest.approx(0.265 + 0.68 + 0.025)
    assert table.moves.keys() == {"0", "25", "50"}


def test_a_missing_outcome_gives_no_distribution():
    """Three outcomes of 61 cents made to sum to 1 would put a hold at 99 %."""
    table = shown(quotes({-50: (0.001, 0.002), -25: (0.005, 0.006), 0: (0.60, 0.61)}))
    assert (table.cut, table.hold, table.mean_bp, table.moves) == (None, None, None, {})
    assert table.raw_sum == pytest.approx(0.612)
    assert table.note == "an outcome is missing"


def test_a_sum_too_large_is_told():
    table = shown(quotes({-25: (0.3, 0.4), 0: (0.5, 0.6), 25: (0.3, 0.4)}))
    assert table.note == "quotes total far more than 100 %: read with care"
    assert table.hold == pytest.approx(0.55 / 1.25)


def test_prices_that_are_none_give_a_note_and_no_figure():
    for bad in ({"mark": float("nan")}, {"mark": 7.0}, {"bid": 1.0, "ask": 1.05}):
        table = shown([*quotes(), outcome(75, **bad)])
        assert table.cut is None
        assert "not a probability" in table.note
    table = shown([outcome(move, mark=0.0) for move in BOOKS])
    assert table.cut is None
    assert "no contract of this meeting has a price above 0" in table.note


def test_the_error_of_the_source_stands_first():
    source = Sourced(Kind.STALE, checked_ns=NOW - 300 * S, error="Kalshi: HTTP 429", age_s=300.0)
    table = shown(quotes({0: (0.5, 0.6)}), source)
    assert table.note.startswith("Kalshi: HTTP 429; ")
    assert (table.state, table.age_s) == ("STALE 5m", 300.0)


def test_a_venue_that_never_answered_is_told_though_it_has_no_engine():
    case = StripCase(date(2026, 11, 23), (375, 400), CALENDAR, {(2026, 11): 96.0})
    down = {
        "Kalshi": Sourced(Kind.OFFLINE, error="HTTP 500"),
        "Polymarket": Sourced(Kind.LIVE, error="one page"),
    }
    inputs = but(traded(case, NOW), sources=down, outcomes=tuple(quotes(venue="Polymarket")))
    figures = fed(inputs, NOW)
    assert "Kalshi: HTTP 500" in figures.warnings
    # One that has an engine tells it there.
    assert figures.engines["Polymarket"].note == "one page"
    assert not any("one page" in text for text in figures.warnings)


def test_demo_has_no_age():
    assert shown(quotes(), Sourced(Kind.DEMO, checked_ns=NOW - 9 * S)).age_s is None
    assert shown(quotes(), Sourced(Kind.OFFLINE)).age_s is None


maybe = st.none() | st.floats(0, 1) | st.sampled_from([0.0, 1.0, float("nan"), 7.0, -1.0])


@given(
    st.lists(
        st.builds(
            outcome,
            st.sampled_from([None, -75, -50, -25, 0, 0, 25, 50]),
            maybe,
            maybe,
            last=maybe,
            mark=maybe,
            above_bp=st.none() | st.sampled_from([375, 400, 425]),
        ),
        max_size=9,
    )
)
def test_whatever_is_quoted_is_a_distribution_or_none(quoted):
    table = shown(quoted)
    if table is None:
        assert not [each for each in quoted if each.move_bp is not None]
        return
    if table.cut is None:
        assert table.note
        assert (table.hold, table.hike, table.moves, table.mean_bp) == (None, None, {}, None)
        return
    assert all(0 <= p <= 1 for p in (*table.moves.values(), table.cut, table.hold))
    assert sum(table.moves.values()) == pytest.approx(1)
    assert table.cut + table.hold + table.hike == pytest.approx(1)
    assert isfinite(table.mean_bp)


# Samples seen in public ------------------------------------------------------------------------


def sample(data, index):
    return vector_file(data, "prediction_market_samples")["samples"][index]


def test_the_polymarket_fixture_with_two_of_its_five_outcomes_unread(shared_data):
    moves = (-50, -25, 0)
    collected = [
        outcome(
            move, market.get("bestBid"), market.get("bestAsk"), venue="Polymarket", month=9,
            last=market.get("lastTradePrice"),
            mark=float(market["outcomePrices"].split('"')[1]),
        )
        for move, market in zip(moves, sample(shared_data, 0)["markets"], strict=True)
    ]  # fmt: skip
    assert [price(each)[0] for each in collected] == pytest.approx([0.0015, 0.0055, 0.605])
    table = shown(collected, venue="Polymarket", meeting=date(2026, 9, 16))
    assert table.cut is None
    assert table.raw_sum == pytest.approx(0.612)


def test_the_comparison_of_a_public_test_file(shared_data):
    given = sample(shared_data, 2)
    means = {"futures": 20.4, "polymarket": 18.5, "kalshi": 17.8}
    for venue in ("polymarket", "kalshi"):
        rows = {int(move): p for move, p in given[venue].items() if move != "sum_quotes"}
        collected = [outcome(move, p, p) for move, p in rows.items()]
        table = shown(collected, futures_bp=25 * given["futures"]["+25"])
        assert table.mean_bp == pytest.approx(means[venue], abs=0.06)
        assert table.gap_bp == pytest.approx(means[venue] - means["futures"], abs=0.06)
        # The file's figures have had their overround of 1.0085 and 1.025 removed already.
        assert table.raw_sum == pytest.approx(1, abs=0.002)


# The ladder ------------------------------------------------------------------------


def test_strikes_against_the_cumulative_row_by_hand(shared_data):
    """Range 375-400 in autumn 2026, two hikes possible: 1 - 0.4·0.3, 0.6·0.7 + ..., by hand."""
    ladder = sample(shared_data, 1)["ladder"]
    collected = [
        outcome(None, bid, ask, above_bp=round(100 * float(ticker.rpartition("T")[2])))
        for ticker, (bid, ask) in ladder.items()
    ]
    # October +1 with 0.6, December +1 with 0.7: 0 steps 0.12, one 0.46, two 0.42.
    row = {0: 0.12, 1: 0.46, 2: 0.42}
    result = strikes(collected, {MEETING: row}, 400)
    assert [(strike.venue, strike.meeting, strike.above_bp) for strike in result] == [
        ("Kalshi", MEETING, 400),
        ("Kalshi", MEETING, 425),
        ("Kalshi", MEETING, 450),
    ]
    # Strictly above 4.00: an upper bound of 4.25 or 4.50; above 4.25: 4.50; above 4.50: none.
    assert [strike.futures for strike in result] == pytest.approx([0.88, 0.42, 0.0])
    assert [strike.market for strike in result] == pytest.approx([0.845, 0.345, 0.025])


def test_strikes_below_the_range_are_certain_and_other_meetings_are_left_out():
    collected = [outcome(None, 0.97, 0.99, above_bp=350), outcome(None, 0.5, 0.6, above_bp=400, month=10)]
    (strike,) = strikes(collected, {MEETING: {0: 0.3, 1: 0.7}}, 400)
    assert (strike.above_bp, strike.futures) == (350, 1.0)
    assert strikes([outcome(None, above_bp=400)], {MEETING: {0: 1.0}}, 400) == ()
    assert strikes(collected, {}, 400) == ()


def test_the_ladder_in_the_view_uses_the_row_of_its_own_meeting():
    prices = {(2026, 11): 96.0, (2026, 12): 95.9, (2027, 1): 95.85, (2027, 2): 95.8, (2027, 3): 95.75,
              (2027, 4): 95.7, (2027, 5): 95.65}  # fmt: skip
    case = StripCase(date(2026, 11, 23), (375, 400), CALENDAR, prices)
    ladder = tuple(
        outcome(None, 0.5, 0.52, above_bp=above, month=month, year=year)
        for year, month in ((2026, 12), (2027, 1), (2027, 3))
        for above in (375, 400, 425)
    )
    figures = fed(but(traded(case, NOW), outcomes=ladder), NOW)
    assert len(figures.ladder) == 9
    for strike in figures.ladder:
        row = next(row for row in figures.meetings if row.date == strike.meeting)
        by_label = sum(p for name, p in row.outcomes.items() if int(name.split("-")[1]) > strike.above_bp)
        assert strike.futures == pytest.approx(by_label, abs=1e-8)
    # Without the range no strike has a level to stand on.
    assert fed(but(traded(case, NOW), outcomes=ladder, target_range_bp=None), NOW).ladder == ()
