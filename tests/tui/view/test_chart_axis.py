"""Dates and hours below a chart stand at the cell of the point that they are true of."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotation.sessions import sessions_between
from rotation.text import MONTHS
from tui.view.chart.axis import date_axis, hour_axis
from tui.view.chart.cells import across, cell_of, line

ENDS = ("first", "last")
YEAR = sessions_between(date(2023, 7, 16), date(2024, 7, 15))


def spaced(n: int) -> list[float]:
    return [each / max(n - 1, 1) for each in range(n)]


def test_months_stand_where_they_begin_and_january_is_the_year() -> None:
    axis = date_axis(YEAR, spaced(len(YEAR)), 100, ENDS)
    assert axis.split() == [
        "Aug",
        "Sep",
        "Oct",
        "Nov",
        "Dec",
        "2024",
        "Feb",
        "Mar",
        "Apr",
        "May",
        "Jun",
        "Jul",
    ]
    for label in axis.split():
        x = axis.index(label)
        first = next(
            n
            for n, day in enumerate(YEAR)
            if (label == str(day.year) and day.month == 1) or (label == MONTHS[day.month - 1] and n > 10)
        )
        assert cell_of((spaced(len(YEAR))[first], 0.0), 100, 1)[0] == x


@pytest.mark.parametrize(
    ("first", "last", "width", "expected"),
    [
        (date(2024, 7, 8), date(2024, 7, 16), 60, ["9 Jul", "10 Jul", "11 Jul", "12 Jul", "15 Jul"]),
        (date(2024, 5, 15), date(2024, 7, 16), 40, ["Jun", "Jul"]),
        (date(2000, 5, 26), date(2024, 7, 16), 40, ["2005", "2010", "2015", "2020"]),
        (date(2024, 7, 8), date(2024, 7, 16), 24, ["first", "last"]),
    ],
)
def test_the_finest_ticks_that_have_room(first: date, last: date, width: int, expected: list[str]) -> None:
    days = sessions_between(first, last)
    assert re.split(r"\s{2,}", date_axis(days, spaced(len(days)), width, ENDS).strip()) == expected


def test_the_hours_of_a_session_and_of_a_half_day() -> None:
    axis = hour_axis(390, 100)
    assert axis.split()[:3] == ["09:30", "10:00", "11:00"]
    assert axis.endswith("  16:00 New York")
    assert axis.index("12:00") == cell_of((150 / 390, 0.0), 100, 1)[0]
    assert hour_axis(210, 60).endswith("  13:00 New York")
    assert "14:00" not in hour_axis(210, 100)


@given(st.integers(24, 250), st.sampled_from([210, 390]), st.integers(1, 400), st.dates(date(1990, 1, 1)))
def test_an_axis_is_as_wide_as_its_chart_and_no_label_touches_another(
    width: int, minutes: int, n: int, first: date
) -> None:
    days = [date.fromordinal(min(first.toordinal() + each, date.max.toordinal())) for each in range(n)]
    for axis in (hour_axis(minutes, width), date_axis(days, spaced(n), width, ENDS)):
        assert len(axis) == width
        words = re.findall(r"\S+(?: \S+)*", axis)
        assert all(
            re.fullmatch(r"\d\d:\d\d( New York)?|\d{4}|[A-Z][a-z]{2}|\d+ \w{3}|first|last", each)
            for each in words
        )


def test_a_level_leaves_the_line_that_it_crosses() -> None:
    cells = line([(0.0, 0.5), (0.4, 0.5)], 10, 3)
    before = [text for text, _ in cells[1]]
    across(cells, 1, "faint")
    after = [text for text, _ in cells[1]]
    assert all(now == was if was != " " else now == "┄" for was, now in zip(before, after, strict=True))
    assert "┄" in after
    assert [text for text, _ in cells[0]] == [" "] * 10
