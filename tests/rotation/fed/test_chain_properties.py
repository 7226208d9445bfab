"""The properties of the chain and of its views, whatever the strip."""

from __future__ import annotations

import re
from datetime import date

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rotation.fed.breakevens import breakevens, p_cut, tick_effects, tick_size
from rotation.fed.odds import distributions, mean_bp
from rotation.fed.strip.chain import StripCase, day_count, solve
from rotation.fed.table import fed_table
from tests.support.fed.strips import CALENDAR, months, step_paths

VIEWS = ("conditional", "aggregated", "local")


@st.composite
def strips(draw):
    """Any prices for any of the months around the watch date; some strips solve nothing."""
    watch_date = date.fromordinal(date(2024, 2, 1).toordinal() + draw(st.integers(0, 900)))
    span = months((watch_date.year, max(1, watch_date.month - 2)), 16)
    level = draw(st.integers(9200, 10050))
    prices = {
        month: (level + 0.5 * draw(st.integers(-60, 60))) / 100
        for month in span
        if draw(st.integers(0, 9)) < 8
    }
    lower = 25 * draw(st.integers(0, 22))
    dates = CALENDAR[: draw(st.integers(8, len(CALENDAR)))]
    return StripCase(watch_date, (lower, lower + 25), dates, prices)


def with_prices(case: StripCase, prices) -> StripCase:
    return msgspec.structs.replace(case, prices=prices)


@given(strips(), st.booleans())
def test_probabilities_are_probabilities(case, legacy):
    for view in VIEWS:
        for k, row in enumerate(fed_table(case, view, legacy=legacy).meetings, 1):
            assert sum(row.outcomes.values()) == pytest.approx(1, abs=1e-12)
            assert min(row.outcomes.values()) >= 0
            assert row.cut + row.hold + row.hike == pytest.approx(1, abs=1e-12)
            assert len(row.outcomes) <= (k + 1 if view == "conditional" else 2)
            bounds = [int(re.match(r"-?\d+", label)[0]) for label in row.outcomes]
            assert bounds == sorted(bounds)


@given(strips(), st.booleans())
def test_means_are_the_moves(case, legacy):
    chain = solve(case, legacy=legacy)
    total = 0.0
    by_view = [distributions(chain, view) for view in VIEWS]
    assert {len(rows) for rows in by_view} == {len(chain.solved)}
    for meeting, conditional, aggregated, local in zip(chain.solved, *by_view, strict=True):
        total += meeting.x
        assert mean_bp(conditional) == pytest.approx(25 * total, abs=1e-6)
        assert mean_bp(aggregated) == pytest.approx(
            100 * (meeting.end_pct - chain.meetings[0].start_pct), abs=1e-6
        )
        assert mean_bp(local) == pytest.approx(meeting.move_bp, abs=1e-6)


@given(strips(), st.floats(-3, 3))
def test_a_constant_on_all_prices_changes_nothing(case, shift):
    shifted = solve(with_prices(case, {month: price + shift for month, price in case.prices.items()}))
    chain = solve(case)
    assert shifted.stopped_at == chain.stopped_at
    assert [row.state for row in shifted.meetings] == [row.state for row in chain.meetings]
    assert shifted.moves == pytest.approx(chain.moves, abs=1e-8)


@given(strips(), st.randoms(use_true_random=False))
def test_order_is_irrelevant(case, random):
    items, dates = list(case.prices.items()), list(case.fomc_dates)
    random.shuffle(items)
    random.shuffle(dates)
    other = StripCase(case.watch_date, case.target_range_bp, tuple(dates), dict(items))
    assert solve(other) == solve(case)
    assert fed_table(other) == fed_table(case)


@given(strips(), st.floats(-5, 5), st.booleans())
def test_unused_months_are_irrelevant_and_used_ones_are_not(case, by, legacy):
    chain = solve(case, legacy=legacy)
    used = {month for row in chain.solved for month in row.contracts}
    moved = {month: price if month in used else price + by for month, price in case.prices.items()}
    assert solve(with_prices(case, moved), legacy=legacy).moves == chain.moves
    for month in used:
        bumped = solve(with_prices(case, {**case.prices, month: case.prices[month] + 1}), legacy=legacy)
        touched = [
            row.date
            for row, now in zip(chain.solved, bumped.solved, strict=True)
            if row.x != pytest.approx(now.x, abs=1e-9)
        ]
        assert touched
        assert set(touched) <= {row.date for row in chain.solved if month in row.contracts}


@given(step_paths(moves=st.integers(-4, 4)))
def test_whole_moves_are_certain(path):
    table = fed_table(path.case)
    assert [row.move for row in table.meetings] == list(path.steps.values())
    assert [list(row.outcomes.values()) for row in table.meetings] == [[1.0]] * len(path.steps)


@given(st.data(), st.booleans())
def test_round_trip_of_a_step_path(data, legacy):
    path = data.draw(step_paths(legacy=legacy))
    chain = solve(path.case, legacy=legacy)
    assert chain.stopped_at is None
    assert {row.state for row in chain.meetings} == {"ok"}
    assert [row.date for row in chain.meetings] == list(path.steps)
    # A rounding of 1e-14 in a price is multiplied by up to D / N at each backward step.
    assert chain.moves == pytest.approx(list(path.steps.values()), abs=1e-7)


@given(step_paths(), st.data())
def test_without_an_anchor_the_chain_degrades_or_stops_but_never_errs(path, data):
    gone = data.draw(st.sampled_from(sorted(path.case.prices)))
    chain = solve(with_prices(path.case, {m: p for m, p in path.case.prices.items() if m != gone}))
    for row in chain.solved:
        assert row.x == pytest.approx(path.steps[row.date], abs=1e-6)
    after = [row.state for row in chain.meetings if chain.stopped_at and row.date >= chain.stopped_at]
    assert set(after) <= {"unsolved"}
    assert ("unsolved" in after) == (chain.stopped_at is not None)


@given(st.sampled_from(CALENDAR), st.booleans())
def test_days_of_the_month_are_shared_out(day, legacy):
    before, after = day_count(day, legacy=legacy)
    assert 28 <= before + after <= 31
    assert before == day.day - legacy


def test_the_spot_tick_is_that_of_this_months_contract_not_of_next_years():
    case = StripCase(date(2026, 11, 23), (375, 400), CALENDAR, {(2026, 11): 96.0, (2027, 11): 96.5})
    assert [tick_size(month, case) for month in ((2026, 11), (2027, 11), (2026, 12))] == [
        0.0025,
        0.005,
        0.005,
    ]


# Breakevens ------------------------------------------------------------------------------------------------


@given(step_paths(moves=st.floats(-1.9, 1.9)), st.floats(0.01, 0.99))
def test_the_price_found_brings_p_cut_to_the_level(path, level):
    for breakeven in breakevens(path.case, level):
        if breakeven.price is None:
            continue
        case = path.case
        at = {**case.prices, breakeven.contract: breakeven.price}
        assert p_cut(with_prices(case, at)) == pytest.approx(level, abs=1e-7)
        moved = breakeven.ticks * tick_size(breakeven.contract, case)
        assert breakeven.price == pytest.approx(case.prices[breakeven.contract] + moved)


@given(step_paths(moves=st.floats(-1.9, 1.9)), st.integers(0, 3))
def test_a_tick_is_a_recomputation(path, meeting):
    now = p_cut(path.case, meeting)
    effects = tick_effects(path.case, meeting)
    if now is None:
        assert effects == ()
        return
    for effect in effects:
        for by, change in ((effect.tick, effect.up), (-effect.tick, effect.down)):
            prices = {**path.case.prices, effect.contract: path.case.prices[effect.contract] + by}
            assert p_cut(with_prices(path.case, prices), meeting) == pytest.approx(now + change, abs=1e-12)


@given(strips())
def test_levels_that_no_price_reaches(case):
    assume(solve(case).solved)
    for level in (-0.01, 1.01, float("nan")):
        assert {breakeven.price for breakeven in breakevens(case, level)} == {None}


@given(strips(), st.booleans())
def test_a_missing_month_without_a_decision_is_the_rate_with_which_the_next_begins(case, legacy):
    """A contract that says just that changes nothing, whether it is there or not."""
    chain = solve(case, legacy=legacy)
    held = {(day.year, day.month) for day in case.fomc_dates}
    starts = {(m.date.year, m.date.month): m.start_pct for m in chain.solved if m.state == "ok"}
    added = {}
    for (year, month), rate in starts.items():
        before = (year, month - 1) if month > 1 else (year - 1, 12)
        if before not in case.prices and before not in held and before >= min(held):
            added[before] = 100 - rate
    again = solve(with_prices(case, case.prices | added), legacy=legacy)
    both = {m.date: m.move_bp for m in again.solved if m.state == "ok"}
    for meeting in chain.solved:
        if meeting.state == "ok":
            assert both[meeting.date] == pytest.approx(meeting.move_bp, abs=1e-6)
