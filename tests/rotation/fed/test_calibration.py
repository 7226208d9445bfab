"""Calibration: scores against plain loops, and what a decision did by the published ranges."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotation.fed.calibration import HORIZONS, LEAST_N, Decided, Forecast, asked_ns, move_bp, scores
from rotation.fed.odds import TargetRange
from rotation.sessions import from_ns

FIRST = date(2020, 1, 1)
SHARES = st.floats(0, 1)


def decided(day: date, move: int, shares: dict[tuple[str, int], float], by="log") -> Decided:
    at = datetime(2020, 1, 1, tzinfo=UTC)
    return Decided(
        day, move, tuple(Forecast(engine, days, p, at, by) for (engine, days), p in shares.items())
    )


@st.composite
def worlds(draw) -> list[Decided]:
    keys = st.tuples(st.sampled_from(["futures", "Kalshi"]), st.sampled_from(HORIZONS))
    return [
        decided(
            FIRST + timedelta(days=45 * i),
            draw(st.sampled_from([-50, -25, 0, 25])),
            draw(st.dictionaries(keys, SHARES)),
            draw(st.sampled_from(["log", "settlements"])),
        )
        for i in range(draw(st.integers(0, 25)))
    ]


@given(worlds(), st.integers(0, 30))
def test_scores_equal_plain_loops_and_know_nothing_later(world, held):
    today = FIRST + timedelta(days=45 * held)
    made = scores(world, today)
    assert made == scores([each for each in world if each.date < today], today)
    for engine in ("futures", "Kalshi"):
        for days in HORIZONS:
            squares, settled = [], 0
            for each in world:
                for forecast in each.forecasts:
                    if each.date < today and (forecast.engine, forecast.days) == (engine, days):
                        squares.append((forecast.cut - (1.0 if each.move_bp < 0 else 0.0)) ** 2)
                        settled += forecast.by == "settlements"
            score = made.get(engine, {}).get(str(days))
            if not squares:
                assert score is None
                continue
            assert (score.n, score.by_settlements) == (len(squares), settled)
            if len(squares) < LEAST_N:
                assert (score.brier, score.mean_cut, score.share_cut) == (None, None, None)
            else:
                assert score.brier == pytest.approx(sum(squares) / len(squares))


def test_a_steady_half_scores_a_quarter_and_certainty_nothing():
    half = [decided(FIRST + timedelta(days=i), -25 * (i % 2), {("futures", 1): 0.5}) for i in range(10)]
    sure = [
        decided(FIRST + timedelta(days=i), -25 * (i % 2), {("futures", 1): float(i % 2)}) for i in range(10)
    ]
    today = date(2021, 1, 1)
    assert scores(half, today)["futures"]["1"].brier == 0.25
    assert scores(half, today)["futures"]["1"].share_cut == 0.5
    assert scores(sure, today)["futures"]["1"].brier == 0.0


def test_the_instant_asked_for_is_the_end_of_that_day_in_new_york():
    assert from_ns(asked_ns(date(2024, 9, 18), 1)).isoformat() == "2024-09-18T03:59:59.999999+00:00"
    assert from_ns(asked_ns(date(2024, 12, 18), 30)).isoformat() == "2024-11-19T04:59:59.999999+00:00"


def test_what_a_decision_did():
    ranges = (
        TargetRange(date(2024, 1, 1), date(2024, 9, 18), 525, 550),
        TargetRange(date(2024, 9, 19), date(2024, 11, 7), 475, 500),
        TargetRange(date(2024, 11, 9), date(2024, 12, 18), 450, 475),
    )
    assert move_bp(date(2024, 7, 31), ranges) == 0
    assert move_bp(date(2024, 9, 18), ranges) == -50
    assert move_bp(date(2024, 11, 7), ranges) == -25  # a day without a publication between
    assert move_bp(date(2024, 12, 18), ranges) is None  # not published yet
    assert move_bp(date(2023, 12, 13), ranges) is None  # before all that is known
    assert move_bp(date(2024, 9, 18), (ranges[0], ranges[2])) is None  # weeks are missing
