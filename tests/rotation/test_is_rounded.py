"""A glance at prices says that rounding changes nothing only where that is so."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotation.history import are_rounded, is_rounded, rounded

plain = st.builds(lambda units, decimals: units / 10**decimals, st.integers(1, 10**8), st.integers(0, 7))
any_price = st.floats(min_value=1e-9, max_value=1e12)


@given(st.lists(st.one_of(st.none(), plain, any_price), max_size=40))
def test_what_is_called_rounded_is_not_changed_by_rounding(prices):
    frame = pl.DataFrame({"close": prices}, schema={"close": pl.Float64})
    if is_rounded(frame["close"]):
        assert frame.select(rounded("close"))["close"].to_list() == prices


@pytest.mark.parametrize("decimals", [1, 2, 3, 4])
@given(st.data())
def test_prices_with_few_decimals_are_seen_as_rounded(decimals, data):
    units = data.draw(st.lists(st.integers(1, 10**7 - 1), min_size=1, max_size=40))
    assert is_rounded(pl.Series([number / 10**decimals for number in units]))


def test_noise_of_32_bits_is_not_rounded():
    assert is_rounded(pl.Series([221.28, None, 0.01]))
    assert not is_rounded(pl.Series([221.28, 221.27999877929688]))


@given(st.lists(st.lists(st.one_of(st.none(), plain, any_price), max_size=20), min_size=1, max_size=5))
def test_columns_looked_at_together_are_not_changed_by_rounding(columns):
    series = [pl.Series(f"{i}", prices, pl.Float64) for i, prices in enumerate(columns)]
    if are_rounded(series):
        frame = [pl.DataFrame({"close": each}).select(rounded("close"))["close"].to_list() for each in series]
        assert frame == columns


def test_noise_anywhere_in_columns_looked_at_together_is_seen():
    clean, noisy = pl.Series([221.28] * 40), pl.Series([221.28] * 39 + [221.27999877929688])
    assert are_rounded([clean, clean])
    assert not are_rounded([clean, noisy])


@pytest.mark.parametrize("price", [float("inf"), float("nan")])
def test_what_is_no_price_is_not_called_rounded(price):
    assert not is_rounded(pl.Series([221.28, price]))
