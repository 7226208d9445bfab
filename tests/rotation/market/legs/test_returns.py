"""Returns of columns: the same to the last bit as those of expressions and of two prices."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from rotation.moves import SAME, Returns, pct_of, return_pct

PRICES = st.one_of(st.none(), st.sampled_from((100.0, 100.0 * (1 + SAME), 100.01)), st.floats(0.01, 1e6))


@given(st.lists(st.tuples(PRICES, PRICES), max_size=20))
def test_returns_of_columns_are_those_of_expressions(rows: list[tuple[float | None, float | None]]) -> None:
    frame = pl.DataFrame(rows, schema={"price": pl.Float64, "was": pl.Float64}, orient="row")
    wanted = frame.select(return_pct(pl.col("price"), pl.col("was"))).to_series().to_list()
    returns = Returns(frame["was"])
    assert returns.of(frame["price"]).to_list() == wanted
    assert wanted == [None if None in row else pct_of(*row) for row in rows]
