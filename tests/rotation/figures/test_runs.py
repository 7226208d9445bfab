"""The rule of runs for single values is the market's."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from rotation.figures.runs import extend, sign, way
from rotation.market.streaks import Before, outcomes, way_of
from rotation.moves import SAME

CHANGES = st.none() | st.sampled_from((-1.5, 0.0, 0.25, 1e-5, -1e-5)) | st.floats(-50, 50)


@given(st.none() | st.integers(-9, 9), st.none() | st.integers(-1, 1), CHANGES, st.booleans())
def test_a_run_goes_on_as_the_market_says(
    streak: int | None, direction: int | None, change: float | None, is_spread: bool
) -> None:
    least = 100 * SAME if is_spread else 0.0
    before = pl.DataFrame(
        {"streak": [streak], "direction": [direction]},
        schema=dict.fromkeys(("streak", "direction"), pl.Int64),
    )
    at = way_of(change, least)
    market = None if at is None else outcomes(before)[0][at]
    today = sign(change) if is_spread else way(change)
    assert extend(Before(streak, direction), today) == market
