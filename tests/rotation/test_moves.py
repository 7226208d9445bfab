"""One definition of a move, however it is computed: as an expression, as columns, of two numbers."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from rotation.moves import SAME, Returns, pct_of, return_pct

PRICES = st.none() | st.floats(0.0001, 1e6)
NEAR = st.sampled_from((1.0, 1 + SAME, 1 - SAME, 1 + 1.5 * SAME, 1 - 1.5 * SAME, 1 + SAME / 2))


@given(
    st.lists(
        st.tuples(PRICES, PRICES)
        | st.tuples(PRICES, NEAR).map(lambda it: (None if it[0] is None else it[0] * it[1], it[0])),
        max_size=60,
    )
)
def test_columns_an_expression_and_two_numbers_give_the_same_returns(pairs):
    frame = pl.DataFrame(pairs, schema={"price": pl.Float64, "was": pl.Float64}, orient="row")
    by_columns = Returns(frame["was"]).of(frame["price"]).to_list()
    assert by_columns == frame.select(return_pct(pl.col("price"), pl.col("was"))).to_series().to_list()
    assert by_columns == [
        None if price is None or was is None else pct_of(price, was) for price, was in pairs
    ]
