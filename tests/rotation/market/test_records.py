"""Records against a scan backwards, a count and the statistics module."""

from __future__ import annotations

import random
import statistics
from datetime import date

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import tests.support.core_oracle as oracle
from rotation.market import records as module
from rotation.market.records import SINCE_LEAST, Records, Since, is_few
from rotation.sessions import sessions_between

DAYS = sessions_between(date(2021, 1, 4), date(2023, 6, 30))

TIED = st.sampled_from((-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0))
ANY = st.floats(-1e6, 1e6)
UNKNOWN = st.none()


def records(values: list[float | None]) -> Records:
    days = pl.Series(DAYS[: len(values)], dtype=pl.Date)
    return Records(days, pl.Series(values, dtype=pl.Float64))


def series(values: list[float | None]) -> oracle.Series:
    return list(zip(DAYS, values, strict=False))


def wanted(values, value, low=None) -> Since | None:
    record = oracle.since(series(values), value, low=low)
    return Since(*record) if record else None


@pytest.fixture(autouse=True)
def _few_will_do(monkeypatch, request):
    """Most series here are short; what the limit itself does has tests of its own."""
    if "the_limit" not in request.node.name:
        monkeypatch.setattr(module, "SINCE_LEAST", 1)
        monkeypatch.setattr(oracle, "SINCE_LEAST", 1)


# Since -------------------------------------------------------------------------------------------------


@given(
    st.lists(TIED | UNKNOWN, max_size=40) | st.lists(ANY | UNKNOWN, max_size=20),
    TIED | ANY,
    st.sampled_from((None, True, False)),
)
@example([], 1.0, None)
@example([None, None], 1.0, None)
@example([1.0, 1.0, 1.0], 1.0, None)
@example([1.0, -1.0, 2.0, -2.0], -1.5, None)
@example([3.0, 2.0, 1.0], 0.0, None)
def test_since_is_what_a_scan_backwards_finds(values, value, low):
    assert records(values).since(value, low=low) == wanted(values, value, low)


@given(st.lists(TIED, min_size=1, max_size=40), st.integers(0, 39))
def test_since_of_a_value_that_was_there_is_a_date(values, at):
    value = values[at % len(values)]
    record = records(values).since(value)
    assert record.date is not None
    assert record.first_date is None


def test_a_rise_looks_up_a_fall_looks_down_and_nothing_counts_as_a_rise():
    index = records([5.0, -5.0, 1.0, -1.0])
    assert index.since(2.0) == Since(DAYS[0], 5.0, None)
    assert index.since(-2.0) == Since(DAYS[1], -5.0, None)
    assert index.since(0.0) == Since(DAYS[2], 1.0, None)
    assert index.since(5.0, low=True) == Since(DAYS[3], -1.0, None)


def test_a_record_says_from_where_it_was_compared():
    index = records([None, 1.0, 3.0, None])
    assert index.first_date == DAYS[1]
    assert index.since(3.5) == Since(None, None, DAYS[1])
    assert index.since(-0.5) == Since(None, None, DAYS[1])


def test_the_unknown_has_no_since():
    assert records([1.0, 2.0]).since(None) is None
    assert records([]).since(1.0) is None
    assert records([None]).since(1.0) is None


@pytest.mark.parametrize(
    ("n", "is_claimed"), [(0, False), (7, False), (249, False), (250, True), (251, True)]
)
def test_the_limit_below_which_nothing_is_claimed(n: int, *, is_claimed: bool):
    """Seven days of history have no "best on record"."""
    assert SINCE_LEAST == oracle.SINCE_LEAST == 250
    index = records([float(i % 9) for i in range(n)] + [None] * 5)
    for value in (5.0, 99.0, -99.0):
        assert (index.since(value) is not None) is is_claimed
        assert (index.since_either_way(value) is not None) is is_claimed
        assert wanted([float(i % 9) for i in range(n)], value) == index.since(value)


@given(st.lists(TIED | UNKNOWN, max_size=40) | st.lists(ANY | UNKNOWN, max_size=20), TIED | ANY)
@example([1.0, -3.0, 2.0], 2.5)
@example([1.0, -3.0, 2.0], -3.5)
def test_since_either_way_is_what_a_scan_of_the_distances_finds(values, value):
    result = oracle.since_either_way(series(values), value)
    assert records(values).since_either_way(value) == (Since(*result) if result else None)


def test_a_lead_is_not_the_widest_spread_if_a_gap_behind_was_wider():
    index = records([12.0, -11.05, 9.0])
    assert index.since(10.4) == Since(DAYS[0], 12.0, None)
    assert index.since_either_way(10.4) == Since(DAYS[1], -11.05, None)
    assert index.since_either_way(-8.0) == Since(DAYS[2], 9.0, None)
    assert index.since_either_way(13.0) == Since(None, None, DAYS[0])


# Both are +5 %; the divisions differ in their last digits.
FIVE, FIVE_TOO = (308.28 / 293.60 - 1) * 100, (174.93 / 166.60 - 1) * 100


def test_an_exact_tie_is_a_date_and_no_record():
    low, high = sorted((FIVE, FIVE_TOO))
    assert low < high
    index = records([low, 1.0])
    assert index.since(high) == index.since(low) == Since(DAYS[0], low, None)
    assert records([-high, 1.0]).since(-high - (high - low)) == Since(DAYS[0], -high, None)
    assert index.since_either_way(-high) == Since(DAYS[0], low, None)
    assert index.percentile(high) == 75.0
    assert records([high, 1.0]).percentile(low) == 75.0
    assert index.since(high + 1e-6).date is None


# Percentile and z --------------------------------------------------------------------------------------


@given(st.lists(TIED | UNKNOWN, max_size=60) | st.lists(ANY, max_size=30), TIED | ANY)
def test_percentile_is_the_midrank(values, value):
    known = [was for was in values if was is not None]
    assert records(values).percentile(value) == pytest.approx(oracle.percentile(known, value))
    assert records(values).n == len(known)


@pytest.mark.parametrize(("value", "pct"), [(0.0, 0), (1.0, 12.5), (2.0, 50), (3.0, 87.5), (9.0, 100)])
def test_percentile_by_hand(value, pct):
    assert records([3.0, 1.0, 2.0, 2.0]).percentile(value) == pct


def test_the_unknown_has_no_rank():
    assert records([1.0]).percentile(None) is None
    assert records([]).percentile(1.0) is None


@given(
    st.integers(252, 400),
    st.integers(0, 2**32),
    st.sampled_from((0.01, 1.0, 30.0)),
    st.floats(-100, 100),
)
def test_z_is_over_the_trailing_252(n: int, seed: int, width: float, value: float):
    rng = random.Random(seed)
    values = [rng.gauss(0.1, width) for _ in range(n)]
    trailing = values[-252:]
    z = (value - statistics.mean(trailing)) / statistics.stdev(trailing)
    assert records(values).z(value) == pytest.approx(z)


def test_z_needs_252_known_values():
    values: list[float | None] = [float(i % 7) for i in range(252)]
    assert records(values).z(1.0) is not None
    assert records(values[1:]).z(1.0) is None
    assert records([*values[1:], None]).z(1.0) is None
    assert records([*values, None]).z(1.0) == records(values).z(1.0)
    assert records(values).z(None) is None


@pytest.mark.parametrize(("k", "few"), [(1, False), (5, False), (20, False), (60, True), (252, True)])
def test_z_needs_ten_windows_that_do_not_overlap(k: int, *, few: bool):
    values = [float(i % 7) for i in range(504)]
    index = Records(pl.Series(DAYS[:504]), pl.Series(values), k)
    assert is_few(k) is few
    assert (index.z(9.0) is None) is few
    assert (oracle.z(values, 9.0, k) is None) is few
    assert index.n_effective == pytest.approx(504 / k)


@pytest.mark.parametrize("value", [0.0, 0.1, 1 / 3, 0.7, -0.3, 1.2345, 1e-12])
def test_z_of_a_constant_is_unknown(value):
    """Its sd is 0, though the rounding of a mean may say 1e-17."""
    assert records([value] * 300).z(value) is None
    assert records([value] * 300).z(value + 1) is None
    assert records([5.0, *[value] * 252]).z(value) is None
