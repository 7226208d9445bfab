"""Ratios of settled closes against loops."""

from __future__ import annotations

from datetime import date
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tests.support.core_oracle as oracle
from rotation.market import ratios, records
from rotation.market.prints import Prints
from rotation.market.ratios import MinuteChanges, MinuteLine, settled_ratio, value_growth
from rotation.quote import NS, Quote, Role
from rotation.sessions import sessions_between
from rotation.snapshot import Extreme
from tests.support.core_oracle import Close
from tests.support.core_worlds import CALENDAR, history_of


@pytest.fixture(autouse=True)
def _few_will_do(monkeypatch, request):
    """The series here are short; below the limit there is a test of its own."""
    if "under_a_year" not in request.node.name:
        monkeypatch.setattr(records, "SINCE_LEAST", 1)
        monkeypatch.setattr(oracle, "SINCE_LEAST", 1)


PRICES = st.sampled_from((None, 64.0, 80.0, 96.0, 100.0))
"""Few, so that extremes tie."""


def rows_of(upper: list[float | None], lower: list[float | None]) -> list[Close]:
    rows = []
    for symbol, prices in (("IWN", upper), ("IVW", lower)):
        rows += [Close(symbol, day, price, price) for day, price in zip(CALENDAR, prices, strict=False)]
    return rows


def naive(rows: list[Close], through: date) -> oracle.Series:
    closes = {(row.symbol, row.day): row.adj_close for row in rows}
    pairs = [
        (day, closes["IWN", day] / closes["IVW", day])
        for day in CALENDAR
        if day <= through and closes.get(("IWN", day)) and closes.get(("IVW", day))
    ]
    return [(day, ratio * (100 / pairs[0][1])) for day, ratio in pairs]


@given(st.lists(PRICES, max_size=30), st.lists(PRICES, max_size=30), st.integers(0, 30))
def test_the_line_and_its_extremes_are_as_defined(upper, lower, last: int):
    rows = rows_of(upper, lower)
    through = CALENDAR[last]
    history = history_of(rows)
    wanted = naive(rows, through)
    line = settled_ratio(history, "IWN", "IVW", "close", through)
    assert list(line.select("date", "value").iter_rows()) == [
        (day, pytest.approx(value)) for day, value in wanted
    ]
    figures = value_growth(history, "IWN", "IVW", through)
    if not wanted:
        assert figures is None
        return
    values = [value for _, value in wanted]
    assert (figures.session, figures.value, figures.first_date) == (*wanted[-1], wanted[0][0])
    assert figures.n == len(values) - 1
    assert figures.percentile == oracle.percentile(values[:-1], values[-1])
    assert figures.low == Extreme(**oracle.extreme(wanted, min(values)))
    assert figures.high == Extreme(**oracle.extreme(wanted, max(values), low=False))


def test_extremes_are_of_the_trailing_year_and_since_looks_behind_it():
    """A deep low and a high two years ago: last year's extremes are extremes since then, not records."""
    days = sessions_between(date(2021, 1, 4), date(2022, 12, 30))
    ratio = [100.0 + i % 5 for i in range(len(days))]
    ratio[10], ratio[20] = 50.0, 150.0
    ratio[-30], ratio[-40] = 80.0, 120.0
    rows = [Close("IWN", day, None, value) for day, value in zip(days, ratio, strict=True)]
    rows += [Close("IVW", day, None, 100.0) for day in days]
    figures = value_growth(history_of(rows), "IWN", "IVW", days[-1])
    assert figures.first_date == days[0]
    assert figures.low == Extreme(days[-30], 80.0, days[10], None)
    assert figures.high == Extreme(days[-40], 120.0, days[20], None)
    assert figures.note.startswith("Ratio of dividend-adjusted closes: a price proxy")


@pytest.mark.parametrize(("sessions_ago", "is_inside"), [(251, True), (252, False)])
def test_the_trailing_year_has_252_sessions_with_the_latest(sessions_ago: int, *, is_inside: bool):
    days = sessions_between(date(2021, 1, 4), date(2022, 12, 30))
    ratio = [100.0 + i % 5 for i in range(len(days))]
    at = len(days) - 1 - sessions_ago
    ratio[at] = 50.0
    rows = [Close("IWN", day, None, value) for day, value in zip(days, ratio, strict=True)]
    rows += [Close("IVW", day, None, 100.0) for day in days]
    figures = value_growth(history_of(rows), "IWN", "IVW", days[-1])
    assert (figures.low.date == days[at]) is is_inside
    assert figures.low.value == (50.0 if is_inside else 100.0)


def test_a_record_low_says_from_where_it_was_compared():
    figures = value_growth(history_of(rows_of([90.0, 80.0, 85.0], [100.0] * 3)), "IWN", "IVW", CALENDAR[2])
    assert figures.low == Extreme(CALENDAR[1], pytest.approx(100 * 80 / 90), None, CALENDAR[0])
    # The first session of all has none to be compared with.
    assert figures.high == Extreme(CALENDAR[0], 100.0, None, None)


def test_under_a_year_of_history_there_is_an_extreme_but_no_claim():
    figures = value_growth(history_of(rows_of([90.0, 80.0, 85.0], [100.0] * 3)), "IWN", "IVW", CALENDAR[2])
    assert figures.low == Extreme(CALENDAR[1], pytest.approx(100 * 80 / 90), None, None)


def test_rebasing_makes_the_line_independent_of_later_adjustments():
    """A split or a dividend paid later rescales a whole adjusted series: nothing moves."""
    rows = rows_of([90.0, 80.0, 85.0], [100.0, 101.0, 99.0])
    later = [
        row._replace(adj_close=row.adj_close * 0.25, close=row.close * 0.5) if row.symbol == "IWN" else row
        for row in rows
    ]
    assert value_growth(history_of(rows), "IWN", "IVW", CALENDAR[2]) == value_growth(
        history_of(later), "IWN", "IVW", CALENDAR[2]
    )


def test_a_saturday_is_no_session_of_the_ratio():
    friday, saturday = date(2024, 7, 12), date(2024, 7, 13)
    rows = [Close(symbol, day, 50.0, 50.0) for symbol in ("IWN", "IVW") for day in (friday, saturday)]
    figures = value_growth(history_of(rows), "IWN", "IVW", date(2024, 7, 15))
    assert (figures.session, figures.n) == (friday, 0)


def test_the_minute_line_is_appended_to_and_a_tick_leaves_it():
    base, against, line = Prints(0), Prints(0), MinuteLine()
    size_only = Quote("IWM", 1, 9.0, role=Role.SIZE)
    base.take(size_only)
    against.take(size_only)
    assert line.of(base, against, 1.0, MinuteChanges()) == ()
    for second in range(1, 600):
        base.take(Quote("IWM", second * NS, float(second)))
        against.take(Quote("QQQ", second * NS, 2.0))
        drawn = line.of(base, against, 2.0, MinuteChanges())
    assert drawn == tuple((minute, min(60.0 * minute, 599.0)) for minute in range(1, 11))
    assert line.of(base, against, 2.0, MinuteChanges()) is drawn
    with patch.object(ratios, "_minutes", wraps=ratios._minutes) as made:
        base.take(Quote("IWM", 599 * NS, 500.0))  # a revision
        assert line.of(base, against, 2.0, MinuteChanges()) == (*drawn[:-1], (10, 500.0))
        assert made.call_args.args[2] == 10
        # Another unit is another line.
        assert line.of(base, against, 4.0, MinuteChanges()) == (
            *((minute, 2 * value) for minute, value in drawn[:-1]),
            (10, 1000.0),
        )
        assert made.call_args.args[2] == 1
