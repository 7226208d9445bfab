"""History: what it takes, what it refuses, and that nothing behind its back changes it."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotation.history import SCHEMA, History, check
from tests.support.core_oracle import Close
from tests.support.core_worlds import history_of

MONDAY, TUESDAY, SATURDAY = date(2024, 7, 15), date(2024, 7, 16), date(2024, 7, 20)


def test_rows_are_sorted_and_other_columns_dropped():
    frame = pl.DataFrame(
        {
            "date": [TUESDAY, MONDAY, MONDAY],
            "symbol": ["IWM", "QQQ", "IWM"],
            "volume": [1, 2, 3],
            "close": [2, 3, 1],
            "adj_close": [None, None, None],
        }
    )
    history = History(frame, "a file")
    assert history.frame.schema == pl.Schema(SCHEMA)
    assert history.frame.rows() == [
        ("IWM", MONDAY, 1.0, None),
        ("IWM", TUESDAY, 2.0, None),
        ("QQQ", MONDAY, 3.0, None),
    ]
    assert history.symbols == ["IWM", "QQQ"]
    assert history.words == "a file: 2 symbols, 2024-07-15 to 2024-07-16"


@pytest.mark.parametrize("price", [0.0, -1.0, float("nan"), float("inf")])
@pytest.mark.parametrize("column", ["close", "adj_close"])
def test_a_close_that_is_no_price_is_refused(price: float, column: str):
    row = Close("IWM", MONDAY, 1.0, 1.0)._replace(**{column: price})
    with pytest.raises(ValueError, match="IWM 2024-07-15: a close must be a finite price above 0"):
        history_of([row])


def test_two_rows_for_one_day_are_refused():
    with pytest.raises(ValueError, match="two rows"):
        history_of([Close("IWM", MONDAY, 1.0, 1.0), Close("IWM", MONDAY, 2.0, 2.0)])


def test_looking_back_ends_before_the_session():
    history = history_of([Close("IWM", MONDAY, 1.0, 1.0), Close("IWM", TUESDAY, 2.0, 2.0)])
    assert history.before(TUESDAY)["date"].to_list() == [MONDAY]
    assert history.on(TUESDAY)["date"].to_list() == [TUESDAY]
    assert history.through(TUESDAY)["date"].to_list() == [MONDAY, TUESDAY]
    assert history.through(MONDAY)["date"].to_list() == [MONDAY]
    assert (history.last(), history.last(MONDAY), history.last(date(2024, 7, 12))) == (TUESDAY, MONDAY, None)


def test_a_day_without_trading_is_kept_but_looked_past():
    history = history_of([Close("IWM", TUESDAY, 2.0, 2.0), Close("IWM", SATURDAY, 3.0, 3.0)])
    assert history.frame["date"].to_list() == [TUESDAY, SATURDAY]
    assert history.last() == TUESDAY
    assert history.before(date(2024, 7, 22))["date"].to_list() == [TUESDAY]
    assert history.on(SATURDAY).is_empty()
    assert history.through(SATURDAY)["date"].to_list() == [TUESDAY]
    weekend = history_of([Close("IWM", SATURDAY, 3.0, 3.0)])
    assert (weekend.first, weekend.last()) == (None, None)


def test_empty():
    assert History.empty().words == "no history"
    assert (History.empty().last(), History.empty().first, History.empty().symbols) == (None, None, [])


PRICES = st.none() | st.sampled_from([1.0, 2.5, 0.0, -1.0, float("nan"), float("inf")]) | st.just(3.0)
ROWS = st.tuples(
    st.sampled_from(["IWM", "QQQ"]), st.sampled_from([MONDAY, TUESDAY]) | st.none(), PRICES, PRICES
)


@given(st.lists(ROWS, max_size=4), st.booleans())
def test_the_quick_check_refuses_what_a_history_does_and_nothing_else(rows, is_typed: bool):
    frame = pl.DataFrame(rows, schema=SCHEMA if is_typed else list(SCHEMA), orient="row", strict=False)
    refused = []
    for attempt in (History, check):
        try:
            attempt(frame)
        except (ValueError, pl.exceptions.PolarsError) as error:
            refused.append(str(error))
    assert len(refused) in {0, 2}
    assert len(set(refused)) <= 1
