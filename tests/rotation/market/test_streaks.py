"""Streaks against the plain meaning of "in a row", and run odds against every possible sequence."""

from __future__ import annotations

from fractions import Fraction
from itertools import groupby, product

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import tests.support.core_oracle as oracle
from rotation.market.streaks import Runs, extend, p_longest_run, sign, streak_of, streaks
from rotation.snapshot import BaseRate, Streak

CHANGES = st.lists(st.sampled_from((-1.5, -0.0, 0.0, 0.25, 3.0, None)), max_size=40)


def lengths(changes: list[float | None]) -> list[int | None]:
    frame = pl.DataFrame({"change": changes}, schema={"change": pl.Float64})
    return frame.select(streaks(pl.col("change")))["change"].to_list()


def runs(changes: list[float | None]) -> Runs:
    return Runs.of(pl.Series(lengths(changes), dtype=pl.Int64))


# Lengths -----------------------------------------------------------------------------------------------


@given(CHANGES)
def test_lengths_are_counted_back_from_each_session(changes):
    assert lengths(changes) == oracle.run_lengths(changes)


def test_lengths_by_hand():
    assert lengths([1, 2, 3, 0, 1, -1, -1, None, -1]) == [1, 2, 3, 0, 1, -1, -2, None, -1]
    assert lengths([0, 0, -1]) == [0, 0, -1]
    assert lengths([]) == []


@given(CHANGES, st.sampled_from((-2.0, 0.0, 0.5, None)))
def test_today_on_top_is_one_session_more(changes, today):
    settled = oracle.run_lengths(changes)[-1] if changes else None
    assert extend(settled, sign(today)) == oracle.run_lengths([*changes, today])[-1]


@pytest.mark.parametrize(
    ("settled", "today", "official", "shown"),
    [
        (4, 1, False, Streak(4, 5, provisional=True)),
        (4, 1, True, Streak(5, 5, provisional=False)),
        (4, -1, False, Streak(4, -1, provisional=True)),
        (-4, -1, False, Streak(-4, -5, provisional=True)),
        (4, 0, False, Streak(4, 0, provisional=True)),
        (4, 0, True, Streak(0, 0, provisional=False)),
        (0, 1, False, Streak(0, 1, provisional=True)),
        (None, 1, False, Streak(None, 1, provisional=True)),
        (4, None, False, Streak(4, None, provisional=False)),
        (4, None, True, Streak(None, None, provisional=False)),
    ],
)
def test_settled_and_provisional_are_told_apart(settled, today, official, shown):
    assert streak_of(settled, today, official=official) == shown


def test_the_sign_of_a_change():
    assert [sign(change) for change in (-0.01, -0.0, 0.0, 7.0, None)] == [-1, 0, 0, 1, None]


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
    settled = oracle.run_lengths(changes)[-1] if changes else None
    shown = streak_of(settled, sign(today), official=False)
    rate = runs(changes).rate(shown)
    wanted = oracle.base_rate(changes, shown.with_today, shown.settled)
    if wanted is None:
        assert rate is None
    else:
        p_longest = wanted.pop("p_longest")
        assert rate == BaseRate(**wanted, p_longest=rate.p_longest)
        assert rate.p_longest == pytest.approx(p_longest)


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


@given(st.integers(1, 6000), st.integers(1, 40), st.floats(0, 1))
@example(6000, 4, 0.53)
@example(6000, 1, 0.53)
@example(11, 1, 0.970703125)
@example(23, 2, 0.969851475400173)
def test_odds_are_odds(n: int, k: int, p: float):
    odds = p_longest_run(n, k, p)
    assert 0 <= odds <= 1
    assert odds <= p_longest_run(n + 1, k, p)
    assert p_longest_run(n, k + 1, p) <= odds + 1e-15


@pytest.mark.parametrize(("n", "k"), [(252, 40), (6000, 60), (60, 60)])
def test_small_odds_keep_their_digits(n: int, k: int):
    """Exactly, in fractions: of all 2ⁿ sequences, those without k in a row (k-step Fibonacci numbers)."""
    without = [Fraction(2**m) for m in range(k)]
    for m in range(k, n + 1):
        without.append(sum(without[m - k : m], Fraction(0)))
    assert p_longest_run(n, k, 0.5) == pytest.approx(float(1 - without[n] / 2**n), rel=1e-9)
