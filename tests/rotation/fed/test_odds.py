"""Splits, convolution, at-least-one, ticks and breakevens by hand; prediction markets against the futures."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotation.fed.breakevens import Breakeven, breakevens, tick_effects
from rotation.fed.odds import (
    aggregated,
    at_least_one,
    at_least_one_cut,
    conditional,
    convolve,
    cumulative_moves,
    mean_bp,
    odds,
    split,
)
from rotation.fed.overround import (
    MarketError,
    against_cumulative,
    devig,
    local_bp,
    middle,
)
from rotation.fed.strip.chain import StripCase, solve
from tests.support.fed.strips import CALENDAR, vector_file

JULY_2026 = StripCase(
    date(2026, 8, 10),
    (350, 375),
    CALENDAR,
    {(2026, 8): 96.37, (2026, 9): 96.4, (2026, 10): 96.46, (2026, 11): 96.5},
)


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        (0.0, {0: 1.0}),
        (-1.0, {-1: 1.0}),
        (-1.28, {-2: 0.28, -1: 0.72}),
        (0.4, {0: 0.6, 1: 0.4}),
        (-0.25, {-1: 0.25, 0: 0.75}),
        (2 - 1e-13, {2: 1.0}),
        (-2 + 1e-13, {-2: 1.0}),
    ],
)
def test_two_point_split(x, expected):
    shares = split(x)
    assert list(shares) == list(expected)
    assert shares == pytest.approx(expected)


def test_convolution_adds_independent_moves():
    assert convolve({-1: 0.5, 0: 0.5}, {-1: 0.5, 0: 0.5}) == {-2: 0.25, -1: 0.5, 0: 0.25}
    assert list(convolve({3: 1.0, -3: 1e-9}, {0: 0.4, 1: 0.6})) == [-3, -2, 3, 4]


def test_cut_hold_hike_and_labels():
    row = odds({-2: 0.1, -1: 0.2, 0: 0.3, 1: 0.4}, (25, 50))
    assert row.outcomes == {"-25-0": 0.1, "0-25": 0.2, "25-50": 0.3, "50-75": 0.4}
    assert (row.cut, row.hold, row.hike) == pytest.approx((0.3, 0.3, 0.4))
    certain = odds({0: 1.0}, (350, 375))
    assert (certain.cut, certain.hold, certain.hike) == (0.0, 1.0, 0.0)


def test_at_least_one_cut_is_the_tree_where_it_is_valid():
    moves = [-0.3, -0.5, -0.2]
    by_tree = sum(p for k, p in conditional(moves)[-1].items() if k < 0)
    assert at_least_one_cut(moves) == pytest.approx(by_tree)
    assert at_least_one_cut(moves) == pytest.approx(1 - 0.7 * 0.5 * 0.8)
    assert at_least_one_cut([-1.0, 0.0]) == 1
    assert at_least_one_cut([-0.3, 0.1]) is None
    assert at_least_one_cut([-1.1]) is None
    assert at_least_one_cut([]) == 0
    assert at_least_one([0.3, 0.5, 0.2]) == pytest.approx(0.72)


def test_cumulative_moves():
    assert cumulative_moves([-0.5, -0.25, 0.125]) == [-0.5, -0.75, -0.625]


def test_aggregated_view_has_two_outcomes_where_the_tree_has_more():
    chain = solve(JULY_2026)
    assert [len(row) for row in conditional(chain.moves)] == [2, 3]
    assert [len(row) for row in aggregated(chain)] == [2, 2]
    assert aggregated(chain)[1] == pytest.approx(split((3.5 - 3.63) / 0.25))


# By hand: September's move is (E - S) / 0.25, S = 3.63 from August. October's start is
# (31 · 3.54 - 3 · 3.5) / 28 = 3.544286, so x = -0.342857.


def test_effect_of_one_tick_by_hand():
    effects = {effect.contract: effect for effect in tick_effects(JULY_2026)}
    assert set(effects) == {(2026, 8), (2026, 10), (2026, 11)}
    # The spot month moves by half a tick; September's own contract does not count.
    assert effects[2026, 8].tick == 0.0025
    assert effects[2026, 8].up == pytest.approx(-0.0025 / 0.25)
    assert effects[2026, 10].up == pytest.approx(0.005 * 31 / 28 / 0.25)
    assert effects[2026, 10].down == pytest.approx(-0.005 * 31 / 28 / 0.25)
    assert effects[2026, 11].up == pytest.approx(-0.005 * 3 / 28 / 0.25)


def test_price_at_which_p_cut_passes_a_level_by_hand():
    by_contract = {breakeven.contract: breakeven for breakeven in breakevens(JULY_2026, 0.5)}
    # Needed: end rate 3.63 - 0.125 = 3.505.
    assert by_contract[2026, 8].price == pytest.approx(100 - (3.5442857 + 0.125), abs=1e-6)
    assert by_contract[2026, 10].price == pytest.approx(100 - (28 * 3.505 + 3 * 3.5) / 31)
    assert breakevens(JULY_2026, 1.5)[0] == Breakeven((2026, 8), None, None)
    empty = StripCase(date(2026, 8, 10), (350, 375), CALENDAR, {(2026, 9): 96.5})
    assert breakevens(empty, 0.5) == ()
    assert tick_effects(empty) == ()


def test_a_price_below_90_is_no_answer():
    # October carries 28 of 31 days: to bring x from deep below to -0.05 its neighbour would have to fall far.
    prices = {(2026, 8): 96.37, (2026, 10): 96.4, (2026, 11): 96.5}
    by_contract = {
        breakeven.contract: breakeven.price
        for breakeven in breakevens(StripCase(date(2026, 8, 10), (350, 375), CALENDAR, prices), 1)
    }
    assert by_contract[2026, 8] is not None
    low = {month: price - 6.3 for month, price in prices.items()}
    by_contract = {
        breakeven.contract: breakeven.price
        for breakeven in breakevens(StripCase(date(2026, 8, 10), (350, 375), CALENDAR, low), 1)
    }
    assert by_contract[2026, 11] is None


# Prediction markets --------------------------------------------------------------------------------------


def test_overround_is_removed_and_kept():
    market = devig({25: 0.6, -25: 0.06, 0: 0.42, -50: 0.012, 50: 0.108})
    assert market.raw_sum == pytest.approx(1.2)
    assert list(market.probability) == [-50, -25, 0, 25, 50]
    assert market.probability[25] == pytest.approx(0.5)
    assert sum(market.probability.values()) == pytest.approx(1)
    assert market.mean_bp == pytest.approx(-50 * 0.01 - 25 * 0.05 + 25 * 0.5 + 50 * 0.09)
    assert market.cut == pytest.approx(0.06)


@given(st.dictionaries(st.sampled_from([-50, -25, 0, 25, 50]), st.floats(0.001, 1), min_size=1))
def test_devigged_is_a_distribution(middles):
    market = devig(middles)
    assert sum(market.probability.values()) == pytest.approx(1)
    assert -50 <= market.mean_bp <= 50


@pytest.mark.parametrize(
    ("middles", "word"),
    [({}, "above 0"), ({0: 0.0}, "above 0"), ({25: 1.2}, r"\+25 bp"), ({0: float("nan")}, r"\+0 bp")],
)
def test_markets_without_sense_are_refused(middles, word):
    with pytest.raises(MarketError, match=word):
        devig(middles)


def test_middles():
    assert middle(0.84, 0.85) == pytest.approx(0.845)
    assert middle(0.5, 0.5) == 0.5
    for quote in ((None, 0.5), (0.5, None), (0.6, 0.5), (-0.1, 0.5), (0.5, 1.1), (float("nan"), 0.5)):
        assert middle(*quote) is None


def test_futures_in_the_markets_buckets():
    assert local_bp(-0.344) == pytest.approx({-25: 0.344, 0: 0.656})
    assert local_bp(-2.7) == {-50: pytest.approx(1.0)}
    assert local_bp(1.5) == pytest.approx({25: 0.5, 50: 0.5})


def test_published_comparison(shared_data):
    sample = next(
        s
        for s in vector_file(shared_data, "prediction_market_samples")["samples"]
        if s["venue"] == "comparison"
    )
    x = sample["futures"]["+25"]
    assert 25 * x == pytest.approx(20.4)
    for venue, mean in (("polymarket", 18.5), ("kalshi", 17.8)):
        quotes = dict(sample[venue])
        raw_sum = quotes.pop("sum_quotes")
        # The file gives shares already; put the overround back on.
        market = devig({int(move): p * raw_sum / sum(quotes.values()) for move, p in quotes.items()})
        assert market.raw_sum == pytest.approx(raw_sum)
        assert market.mean_bp == pytest.approx(mean, abs=0.05)
        assert market.probability[25] - local_bp(x)[25] == pytest.approx(quotes["+25"] - 0.816, abs=0.002)
        assert sum(market.probability.values()) == pytest.approx(sum(local_bp(x).values()))


def test_kalshi_ladder_sample(shared_data):
    sample = next(
        s for s in vector_file(shared_data, "prediction_market_samples")["samples"] if s["venue"] == "kalshi"
    )
    above = {
        round(100 * float(ticker.partition("-T")[2])): middle(*quote)
        for ticker, quote in sample["ladder"].items()
    }
    derived = sample["derived"]
    october, december = sample["marginals"].values()
    both = conditional([october, december])[-1][2]
    assert both == pytest.approx(derived["independent product of marginals"])
    strikes = against_cumulative(above, conditional([october, december])[-1], 400)
    assert [strike.above_bp for strike in strikes] == [400, 425, 450]
    assert strikes[0].futures == pytest.approx(1 - 0.45 * 0.34)
    assert strikes[1].futures == pytest.approx(0.363)
    assert strikes[1].gap == pytest.approx(0.345 - 0.363)
    assert strikes[2].futures == 0


def test_a_strike_is_strictly_above():
    (at, below) = against_cumulative({375: 0.1, 350: 0.9}, {0: 1.0}, 375)[::-1]
    assert (at.above_bp, at.futures) == (375, 0.0)
    assert (below.above_bp, below.futures) == (350, 1.0)


def test_mean_of_a_row():
    assert mean_bp({-2: 0.25, 0: 0.75}) == -12.5
