"""Streaks against the plain meaning of "in a row", and run odds against every possible sequence."""

from __future__ import annotations

import sys
from fractions import Fraction
from itertools import groupby, product

import msgspec
import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import tests.support.core_oracle as oracle
from rotation.market import streaks as module
from rotation.market.streaks import (
    Before,
    Runs,
    expected_runs,
    is_whole,
    outcomes,
    p_longest_run,
    streaks,
    way_of,
    with_today,
)
from rotation.moves import direction, return_pct
from rotation.snapshot import BaseRate, Streak


def sign(change: float | None) -> int | None:
    return None if change is None else (change > 0) - (change < 0)


def extend(before: Before, change: float | None, least: float = 0.0) -> int | None:
    """As a tick has it: of what was computed of the series before, by today's direction."""
    schema = {"streak": pl.Int64, "direction": pl.Int64}
    ((*ends,),) = outcomes(pl.DataFrame([msgspec.structs.asdict(before)], schema=schema))
    way = way_of(change, least)
    asked = with_today(
        pl.lit(before.streak, pl.Int64), pl.lit(before.direction, pl.Int64), pl.lit(way, pl.Int64)
    )
    streak = pl.select(asked).item()
    assert (None if way is None else ends[way]) == streak
    return streak


def streak_of(before: Before, change: float | None, *, official: bool) -> Streak:
    return module.streak_of(before.streak, extend(before, change), official=official)


CHANGES = st.lists(st.sampled_from((-1.5, -0.0, 0.0, 0.25, 3.0, None)), max_size=40)


def lengths(changes: list[float | None], *, whole: bool = False) -> list[int | None]:
    frame = pl.DataFrame({"way": changes}, schema={"way": pl.Float64}).with_columns(pl.col("way").sign())
    run = streaks(pl.col("way"))
    return frame.select(pl.when(is_whole(pl.col("way"))).then(run) if whole else run).to_series().to_list()


def before_of(changes: list[float | None]) -> Before:
    """How these stand at their end, by the oracle."""
    if not changes or changes[-1] is None:
        return Before()
    return Before(oracle.run_lengths(changes)[-1], oracle.direction(changes[-1]))


def runs(changes: list[float | None]) -> Runs:
    return Runs.of(pl.Series(lengths(changes), dtype=pl.Int64))


# Lengths -----------------------------------------------------------------------------------------------


@given(CHANGES)
def test_lengths_are_counted_back_from_each_session(changes):
    assert lengths(changes) == oracle.run_lengths(changes, whole=False)
    assert lengths(changes, whole=True) == oracle.run_lengths(changes)


def test_lengths_by_hand():
    assert lengths([1, 2, 3, 0, 1, -1, -1, None, -1]) == [1, 2, 3, 0, 1, -1, -2, None, -1]
    assert lengths([0, 0, -1]) == [0, 0, -1]
    assert lengths([]) == []


def test_a_run_after_a_missing_close_may_be_longer():
    """Unknown until the first turn."""
    assert lengths([-1, 1, -1, 1, None, 1, 1, 0, 1, None, 0, -1], whole=True) == [
        *(None, 1, -1, 1, None),
        *(None, None, 0, 1, None, 0, -1),
    ]
    assert lengths([None, None, 1, 1, -1], whole=True) == [None, None, None, None, -1]


def test_a_run_with_which_history_begins_may_be_longer():
    """Two days of it do not make a "2nd gain": what came before its first close nobody knows."""
    assert lengths([None, 1, 1], whole=True) == [None, None, None]
    assert lengths([None, 1, 1, -1, -1], whole=True) == [None, None, None, -1, -2]
    assert lengths([None, 0, 1], whole=True) == [None, 0, 1]


@given(CHANGES.filter(bool), st.sampled_from((-2.0, 0.0, 0.5, None)))
def test_today_on_top_is_one_session_more(changes, today):
    assert extend(before_of(changes), sign(today)) == oracle.run_lengths([*changes, today])[-1]


@pytest.mark.parametrize("today", [-1, 1])
def test_a_change_after_one_close_alone_is_of_an_unknown_run(today: int):
    """One day of history does not make a "first gain"."""
    assert extend(Before(None, None), today) is None
    assert extend(Before(None, None), 0) == 0
    assert oracle.streak([None], float(today), official=False)["with_today"] is None
    assert oracle.streak([None, 1.0], 1.0, official=False)["with_today"] is None
    assert oracle.streak([None, -1.0, 1.0], 1.0, official=False)["with_today"] == 2


@pytest.mark.parametrize(
    ("settled", "today", "official", "shown"),
    [  # with the last change as the settled streak says
        (4, 1, False, Streak(4, 5, provisional=True)),
        (4, 1, True, Streak(5, 5, provisional=False)),
        (4, -1, False, Streak(4, -1, provisional=True)),
        (-4, -1, False, Streak(-4, -5, provisional=True)),
        (4, 0, False, Streak(4, 0, provisional=True)),
        (4, 0, True, Streak(0, 0, provisional=False)),
        (0, 1, False, Streak(0, 1, provisional=True)),
        (None, 1, False, Streak(None, None, provisional=False)),
        (None, 0, False, Streak(None, 0, provisional=True)),
        (4, None, False, Streak(4, None, provisional=False)),
        (4, None, True, Streak(None, None, provisional=False)),
    ],
)
def test_settled_and_provisional_are_told_apart(settled, today, official, shown):
    assert streak_of(Before(settled, sign(settled)), today, official=official) == shown


def test_a_turn_begins_a_new_run_though_the_one_before_is_unknown():
    """It fell yesterday, nobody knows for how long: a gain is the first, another fall is unknown."""
    assert streak_of(Before(None, -1), 1, official=False) == Streak(None, 1, provisional=True)
    assert streak_of(Before(None, -1), -1, official=False) == Streak(None, None, provisional=False)
    assert streak_of(Before(None, None), -1, official=True) == Streak(None, None, provisional=False)


def test_the_sign_of_a_spread():
    """On a session that was unchanged; a spread within a millionth of a price is none."""

    def ways(pps: tuple[float | None, ...]) -> list[int | None]:
        return [extend(Before(0, 0), pp, 1e-4) for pp in pps]

    assert ways((-0.01, -0.0, 0.0, 7.0, None)) == [-1, 0, 0, 1, None]
    assert ways((-1.01e-4, -0.99e-4, 0.0, 0.99e-4, 1.01e-4)) == [-1, 0, 0, 0, 1]


@pytest.mark.parametrize(
    ("price", "was", "way"),
    [
        (221.28, 221.27999877929688, 0),
        (221.27999877929688, 221.28, 0),
        (221.28, 221.28, 0),
        (221.29, 221.28, 1),
        (221.28, 221.29, -1),
        (1000.01, 1000.0, 1),  # a cent on the dearest shares that trade in cents
        (1.0 + 0.99e-6, 1.0, 0),
        (1.0 + 1.01e-6, 1.0, 1),
        (None, 1.0, None),
        (1.0, None, None),
    ],
)
def test_prices_within_the_noise_of_32_bits_are_equal(price, was, way):
    frame = pl.DataFrame({"price": [price], "was": [was]}, schema={"price": pl.Float64, "was": pl.Float64})
    pair = pl.col("price"), pl.col("was")
    result = frame.select(way=direction(*pair), pct=return_pct(*pair)).row(0)
    pct = 0.0 if way == 0 else None if way is None else pytest.approx((price / was - 1) * 100)
    assert result == (way, pct)


# Base rate ---------------------------------------------------------------------------------------------


@given(CHANGES)
def test_runs_reached_are_counted_from_whole_runs(changes):
    held = runs(changes)
    whole = oracle.whole_runs(changes)
    for length in range(1, 8):
        assert held.reached.get(length, 0) == sum(run >= length for run in whole)
        assert held.reached.get(-length, 0) == sum(run <= -length for run in whole)
    known = [change for change in changes if change is not None]
    assert (held.n, held.ups, held.downs) == (
        len(known),
        sum(change > 0 for change in known),
        sum(change < 0 for change in known),
    )


@given(CHANGES, st.sampled_from((-2.0, 0.0, 0.5, None)))
@example([1.0], None)
@example([], 0.5)
def test_base_rate_as_defined(changes, today):
    shown = streak_of(before_of(changes), sign(today), official=False)
    rate = runs(changes).rate(shown)
    wanted = oracle.base_rate(changes, shown.with_today, shown.settled)
    if wanted is None:
        assert rate is None
    else:
        p_longest, expected = wanted.pop("p_longest"), wanted.pop("expected")
        assert rate == BaseRate(**wanted, p_longest=rate.p_longest, expected=rate.expected)
        assert rate.p_longest == pytest.approx(p_longest)
        assert rate.expected == pytest.approx(expected)


def test_base_rate_by_hand():
    """Twice two gains in a row before, in seven sessions; the run shown is the third if it holds."""
    held = runs([1, 1, -1, 1, 1, 1, -1])
    rate = held.rate(Streak(-1, 2, provisional=True))
    assert (rate.length, rate.runs, rate.n) == (2, 2, 7)
    assert held.rate(Streak(-1, -2, provisional=True)).runs == 0
    assert held.rate(Streak(-1, 0, provisional=True)) is None
    assert held.rate(Streak(None, None, provisional=False)) is None


def test_a_run_is_not_its_own_precedent():
    """With today unknown the run shown is the sample's last; the six sessions before hold one of -1."""
    rate = runs([1, 1, -1, 1, 1, 1, -1]).rate(Streak(-1, None, provisional=False))
    assert (rate.length, rate.runs, rate.n) == (-1, 1, 6)
    assert rate.p_longest == pytest.approx(1 - (5 / 6) ** 6)
    assert runs([1]).rate(Streak(1, None, provisional=False)) is None


@pytest.mark.parametrize("n", range(11))
@pytest.mark.parametrize("p", [0.0, 0.25, 0.5, 0.53, 1.0])
def test_expected_runs_are_those_of_every_sequence(n: int, p: float):
    every = list(product((False, True), repeat=n))
    for k in range(1, n + 2):
        mean = 0.0
        for flips in every:
            runs_ = sum(len(list(run)) >= k for up, run in groupby(flips) if up)
            mean += runs_ * p ** sum(flips) * (1 - p) ** (n - sum(flips))
        assert expected_runs(n, k, p) == pytest.approx(mean, abs=1e-12)
        assert oracle.expected_runs(n, k, p) == pytest.approx(mean, abs=1e-12)


# P(longest run) ----------------------------------------------------------------------------------------


def longest(flips: tuple[bool, ...]) -> int:
    return max((len(list(run)) for up, run in groupby(flips) if up), default=0)


@pytest.mark.parametrize("n", range(11))
@pytest.mark.parametrize("p", [0.0, 0.25, 0.5, 0.53, 1.0])
def test_odds_are_those_of_every_sequence(n: int, p: float):
    every = [(longest(flips), sum(flips)) for flips in product((False, True), repeat=n)]
    for k in range(n + 2):
        odds = sum(p**ups * (1 - p) ** (n - ups) for run, ups in every if run >= k)
        assert p_longest_run(n, k, p) == pytest.approx(odds, abs=1e-12)


@given(st.integers(0, 400), st.integers(0, 30), st.floats(0, 1))
@example(400, 1, 1.0)
@example(252, 5, 0.53)
def test_odds_are_those_of_the_markov_chain(n: int, k: int, p: float):
    assert p_longest_run(n, k, p) == pytest.approx(oracle.p_longest(n, k, p), rel=1e-9, abs=1e-300)


@given(st.integers(1, 3000), st.integers(1, 12), st.floats(0, 1))
@example(3000, 2, 0.53)
@example(3000, 1, 1e-9)
@example(3000, 3, 0.9999999)
def test_a_recurrence_that_stands_still_is_left_without_another_result(n: int, k: int, p: float):
    """Bit for bit what all n steps give."""
    r = [0.0] * k + [p**k]
    for m in range(k + 1, n + 1):
        r.append(min(1.0, r[m - 1] + (1 - p) * p**k * (1 - r[m - k - 1])))
    assert p_longest_run(n, k, p) == (r[n] if n >= k else 0.0)


@given(st.integers(1, 6000), st.integers(1, 40), st.floats(0, 1))
@example(6000, 4, 0.53)
@example(6000, 1, 0.53)
@example(11, 1, 0.970703125)
@example(23, 2, 0.969851475400173)
def test_odds_are_odds(n: int, k: int, p: float):
    odds = p_longest_run(n, k, p)
    assert 0 <= odds <= 1
    assert odds <= p_longest_run(n + 1, k, p)
    # Each of n additions is rounded, and those of another k are others.
    assert p_longest_run(n, k + 1, p) <= odds + n * sys.float_info.epsilon


@pytest.mark.parametrize(("n", "k"), [(252, 40), (6000, 60), (60, 60)])
def test_small_odds_keep_their_digits(n: int, k: int):
    """Exactly, in fractions: of all 2ⁿ sequences, those without k in a row (k-step Fibonacci numbers)."""
    without = [Fraction(2**m) for m in range(k)]
    for m in range(k, n + 1):
        without.append(sum(without[m - k : m], Fraction(0)))
    assert p_longest_run(n, k, 0.5) == pytest.approx(float(1 - without[n] / 2**n), rel=1e-9)
