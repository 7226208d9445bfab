"""The second engine: exact on a true path, robust against a wrong contract, silent where nothing is fixed."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotation.fed.strip.chain import StripCase, solve
from rotation.fed.strip.fit import fit
from tests.support.fed.strips import CALENDAR, case_of, step_paths, vector_file


def with_prices(case: StripCase, prices) -> StripCase:
    return msgspec.structs.replace(case, prices=prices)


@given(st.data(), st.booleans())
def test_a_true_path_is_found_without_residuals(data, legacy):
    path = data.draw(step_paths(legacy=legacy))
    fitted = fit(path.case, legacy=legacy)
    assert fitted.rms_bp == pytest.approx(0, abs=1e-6)
    assert max(map(abs, fitted.residual_bp.values())) == pytest.approx(0, abs=1e-6)
    assert list(fitted.residual_bp) == sorted(path.case.prices)
    assert fitted.spare == len(path.case.prices) - 1 - len(fitted.step_bp)
    for day, step in path.steps.items():
        if day not in fitted.step_bp:  # nothing is priced on one side of it
            assert legacy
            assert day.day == 1
            continue
        assert fitted.step_bp[day] == pytest.approx(25 * step, abs=1e-5)
        assert fitted.disagreement_bp[day] == pytest.approx(0, abs=1e-5)


def ten_months() -> StripCase:
    """February to November 2026 at a flat 3.63 %: every month's average is the rate."""
    return StripCase(
        date(2026, 2, 10), (350, 375), CALENDAR, {(2026, month): 96.37 for month in range(2, 12)}
    )


def test_one_wrong_contract_between_anchors_stands_out():
    case = ten_months()
    wrong = with_prices(case, {**case.prices, (2026, 9): 96.27})
    fitted = fit(wrong)
    assert fitted.residual_bp[2026, 9] > 9
    # Plain least squares would spread the error: robust weights leave it where it is.
    others = [abs(r) for month, r in fitted.residual_bp.items() if month != (2026, 9)]
    assert max(others) < 0.5
    # The chain does not look at September's contract, and has nothing to say.
    assert solve(wrong).moves == pytest.approx([0.0] * 6, abs=1e-9)
    assert max(map(abs, fitted.disagreement_bp.values())) < 0.8


def test_a_wrong_anchor_hides_and_shows_beside_itself():
    case = ten_months()
    wrong = with_prices(case, {**case.prices, (2026, 5): 96.27})
    fitted = fit(wrong)
    assert max(fitted.residual_bp, key=lambda month: abs(fitted.residual_bp[month])) == (2026, 6)
    april = date(2026, 4, 29)
    row = next(row for row in solve(wrong).solved if row.date == april)
    # The chain believes May entirely: it moves to it by 10 bp, and a little more from April's own average.
    assert row.move_bp == pytest.approx(10 * 30 / 29)
    assert fitted.disagreement_bp[april] == pytest.approx(fitted.step_bp[april] - row.move_bp)


def test_weights_say_whom_to_believe():
    case = ten_months()
    wrong = with_prices(case, {**case.prices, (2026, 5): 96.366})
    heavy, light = (fit(wrong, weights={(2026, 5): weight}).residual_bp[2026, 5] for weight in (100.0, 0.01))
    assert abs(heavy) < 0.02
    assert light == pytest.approx(0.4, abs=0.02)


def test_small_residuals_are_plain_least_squares():
    # March 2026 alone between two anchors: r0 and one step for three contracts. With N = 18 of 31 days the
    # normal equations give residuals along (18, -31, 13) / (18² + 31² + 13²) times the misfit.
    prices = {(2026, 2): 96.37, (2026, 3): 96.367, (2026, 4): 96.37}
    dates = (date(2026, 3, 18), date(2026, 6, 17))
    fitted = fit(StripCase(date(2026, 2, 10), (350, 375), dates, prices))
    misfit = -31 * 0.3 / (18**2 + 31**2 + 13**2)
    assert [fitted.residual_bp[2026, month] for month in (2, 3, 4)] == pytest.approx(
        [18 * misfit, -31 * misfit, 13 * misfit]
    )
    assert fitted.spare == 1
    # Over the one contract to spare, not over all three.
    assert fitted.rms_bp == pytest.approx(0.3 * 31 / (18**2 + 31**2 + 13**2) ** 0.5)


@pytest.mark.parametrize(
    "prices",
    [
        {},
        {(2026, 9): 96.5},  # a meeting month alone: a rate and a step for one price
        {(2026, 9): 96.5, (2026, 10): 96.6},
        {(2031, 1): 96.5},  # beyond the known meetings
    ],
)
def test_no_path_where_the_strip_fixes_none(prices):
    assert fit(StripCase(date(2026, 8, 10), (350, 375), CALENDAR, prices)) is None


def test_months_beyond_the_horizon_and_a_last_day_at_the_end_are_left_out():
    dates = (date(2024, 6, 12), date(2024, 7, 31))
    prices = {(2024, 5): 94.67, (2024, 6): 94.68, (2024, 7): 94.7}
    fitted = fit(StripCase(date(2024, 6, 1), (525, 550), dates, prices))
    assert list(fitted.step_bp) == [date(2024, 6, 12)]
    more = fit(StripCase(date(2024, 6, 1), (525, 550), dates, {**prices, (2024, 10): 90.0}))
    assert more == fitted


def test_official_strips(shared_data):
    """The contracts that the export does not determine come from closes of another level on 7 April."""
    for raw in vector_file(shared_data, "cme_export_exact_2026")["cases"]:
        case = case_of(raw)
        fitted = fit(case)
        assert fitted.spare == 4
        assert set(fitted.disagreement_bp) == {row.date for row in solve(case).solved}
        assert max(map(abs, fitted.disagreement_bp.values())) < 0.5
        worst = max(fitted.residual_bp, key=lambda month: abs(fitted.residual_bp[month]))
        assert f"{worst[0]}-{worst[1]:02}" in raw["unused_months"]
        assert (fitted.rms_bp < 2) == (raw["watch_date"] != "2026-04-07")


def test_a_first_day_at_the_start_is_left_out_under_the_legacy_count():
    dates = (date(2024, 5, 1), date(2024, 6, 12), date(2024, 7, 31), date(2024, 9, 18))
    prices = {(2024, 5): 94.67, (2024, 6): 94.7, (2024, 7): 94.72, (2024, 8): 94.8}
    case = StripCase(date(2024, 5, 1), (525, 550), dates, prices)
    assert list(fit(case, legacy=True).step_bp) == [date(2024, 6, 12), date(2024, 7, 31)]
    assert fit(case).step_bp.keys() == {date(2024, 5, 1), date(2024, 6, 12), date(2024, 7, 31)}


@pytest.mark.parametrize("price", [1e308, 1e200, 1e9])
def test_a_price_beyond_any_rate_fits_nothing(price: float):
    """It once ended in an error of the sums, where a hostile quote stood in the strip."""
    prices = {(2024, month): 95.0 + month / 10 for month in range(7, 11)}
    for month in prices:
        case = StripCase(
            date(2024, 7, 1), (525, 550), (date(2024, 7, 31), date(2024, 9, 18)), prices | {month: price}
        )
        assert fit(case) is None
