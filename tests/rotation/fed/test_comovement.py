"""Beta and correlation against ``statistics``, whatever the series."""

from __future__ import annotations

from math import fsum
from statistics import correlation, linear_regression

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotation.fed.comovement import LEAST_N, CoMovement, comovement

changes = st.integers(-5000, 5000).map(lambda i: i / 100)


@given(st.lists(st.tuples(changes, changes), max_size=30), st.integers(2, 10))
def test_as_statistics_has_it(pairs, least_n):
    xs, ys = [x for x, _ in pairs], [y for _, y in pairs]
    shown = comovement(xs, ys, least_n=least_n)
    if len(pairs) < least_n or len(set(xs)) == 1:
        assert shown == CoMovement(len(pairs), None, None)
        return
    assert shown.n == len(pairs)
    assert shown.beta == pytest.approx(linear_regression(xs, ys).slope, rel=1e-9, abs=1e-9)
    if len(set(ys)) == 1:
        assert shown.correlation is None
    else:
        assert shown.correlation == pytest.approx(correlation(xs, ys), rel=1e-9, abs=1e-9)


def test_by_hand():
    figures = comovement([1.0, 2.0, 3.0], [2.0, 4.0, 9.0], least_n=3)
    assert figures == CoMovement(3, pytest.approx(3.5), pytest.approx(7 / (2 * 26) ** 0.5))


def test_nothing_is_shown_below_twenty():
    assert LEAST_N == 20
    xs = [float(i % 7) for i in range(20)]
    assert comovement(xs[:19], xs[:19]) == CoMovement(19, None, None)
    assert comovement(xs, xs) == CoMovement(20, pytest.approx(1.0), pytest.approx(1.0))
    assert comovement([1.0], [1.0], least_n=0) == CoMovement(1, None, None)


def test_a_side_that_does_not_move():
    still, moving = [0.1] * 25, [float(i) for i in range(25)]
    assert comovement(still, moving) == CoMovement(25, None, None)
    assert comovement(moving, still) == CoMovement(25, 0.0, None)
    # Equal changes whose mean, rounded, is not equal to them.
    value = next(v for v in (i / 1000 for i in range(1, 2000)) if fsum([v] * 25) / 25 != v)
    assert comovement([value] * 25, moving) == CoMovement(25, None, None)
    assert comovement(moving, [value] * 25) == CoMovement(25, 0.0, None)


def test_series_must_pair():
    with pytest.raises(ValueError, match="1 changes"):
        comovement([1.0], [])
