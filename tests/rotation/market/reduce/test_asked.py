"""Prints of the symbols that are read after every batch, among those of all others."""

from __future__ import annotations

import pytest

from rotation.columns import of_quotes
from rotation.market.reduce.tally import ONE_BY_ONE
from rotation.market.session_filter import SessionFilter
from rotation.quote import NS, Quote
from rotation.sessions import hours
from tests.support.core_worlds import CALENDAR, FIRST

DAY = CALENDAR[FIRST]
OPENS, END = hours(DAY)[1], hours(DAY)[3]


def prints(first: int, count: int) -> list[Quote]:
    """So many of A, which is asked for, and of B."""
    return [
        Quote(symbol, OPENS + i * NS // 1_000, 100.0 + i % 7, i + 1, 100)
        for i in range(first, first + count)
        for symbol in ("A", "B")
    ]


@pytest.mark.parametrize("before", [ONE_BY_ONE, 4 * ONE_BY_ONE])
def test_a_few_prints_do_not_make_quotes_of_the_many_that_are_columns(before):
    made, one_by_one = SessionFilter({"A"}), SessionFilter({"A"})
    batches = [prints(0, before), prints(before, 20)]
    for each in (made, one_by_one):
        each.expect({"A", "B"}, DAY)
    for batch in batches:
        made.admit_columns(of_quotes(batch), END)
        for quote in batch:
            one_by_one.admit(quote, END)
    shown, due = made.prints("A", "REGULAR"), one_by_one.prints("A", "REGULAR")
    assert shown is not None
    assert due is not None
    figures = [(each.last, each.high, each.low, each.volume, each.minutes) for each in (shown, due)]
    assert figures[0] == figures[1]
    assert shown.kept == (before + 20 if before <= ONE_BY_ONE else 0)
