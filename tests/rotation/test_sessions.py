"""The calendar against exchange_calendars, an independent source, on every day of 21 years."""

from __future__ import annotations

import warnings
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import exchange_calendars
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rotation import sessions
from rotation.quote import NS

NEW_YORK = ZoneInfo("America/New_York")
FIRST, LAST = date(2010, 1, 1), date(2030, 12, 31)
DAYS = [FIRST + timedelta(days=i) for i in range((LAST - FIRST).days + 1)]
HOUR = 3600 * NS


@pytest.fixture(scope="module")
def exchange() -> dict[date, tuple[int, int]]:
    """Open and close of every session, in ns."""
    with warnings.catch_warnings():
        # exchange_calendars 4.13 still builds its schedule with calls that pandas 3.1 will drop.
        warnings.simplefilter("ignore", pd.errors.Pandas4Warning)
        schedule = exchange_calendars.get_calendar("XNYS", start=FIRST, end=LAST).schedule
    return {
        row.Index.date(): (int(row.open.timestamp()) * NS, int(row.close.timestamp()) * NS)
        for row in schedule.itertuples()
    }


def ns(text: str) -> int:
    """A New York wall time."""
    moment = datetime.fromisoformat(text).replace(tzinfo=NEW_YORK)
    return int(moment.timestamp()) * NS + moment.microsecond * 1000


# Every day ---------------------------------------------------------------------------------------------


def test_sessions_are_the_exchanges(exchange):
    assert [day for day in DAYS if sessions.is_session(day)] == list(exchange)
    assert sessions.sessions_between(FIRST, LAST) == list(exchange)


def test_bells_are_the_exchanges(exchange):
    assert {day: (sessions.open_ns(day), sessions.close_ns(day)) for day in exchange} == exchange


def test_half_days_are_those_that_close_at_one(exchange):
    early = {
        day
        for day, (_, closes) in exchange.items()
        if datetime.fromtimestamp(closes / NS, NEW_YORK).time() == time(13)
    }
    assert {day for day in DAYS if sessions.is_half_day(day)} == early
    assert len(early) > 40


def test_extended_hours_surround_the_bells(exchange):
    for day in exchange:
        starts, _, closes, ends = sessions.hours(day)
        assert starts == ns(f"{day} 04:00")
        assert ends == ns(f"{day} 17:00" if sessions.is_half_day(day) else f"{day} 20:00")
        assert closes < ends


def test_neighbours_are_the_exchanges(exchange):
    known = list(exchange)
    at = 0  # known[at] is the first session on or after the day
    for day in DAYS[10:-10]:
        while known[at] < day:
            at += 1
        after = at + (known[at] == day)
        assert sessions.previous_session(day) == known[at - 1]
        assert sessions.next_session(day) == known[after]


def test_a_closed_day_has_no_hours():
    with pytest.raises(ValueError, match="2024-07-04 is not an NYSE session"):
        sessions.hours(date(2024, 7, 4))


# Any instant -------------------------------------------------------------------------------------------


def naive_phase(exchange, ts_ns: int) -> tuple[str, date | None]:
    """The phase and the session, from the exchange's schedule and the wall clock."""
    wall = datetime.fromtimestamp(ts_ns // NS, NEW_YORK)
    hours = exchange.get(wall.date())
    if hours is None:
        return "CLOSED", None
    opens, closes = hours
    clock = (wall.hour * 3600 + wall.minute * 60 + wall.second) * NS + ts_ns % NS
    short = datetime.fromtimestamp(closes / NS, NEW_YORK).hour == 13
    ends = (17 if short else 20) * HOUR
    if clock < 4 * HOUR or clock > ends:
        return "CLOSED", None
    if clock == ends:
        return "CLOSED", wall.date()
    if ts_ns < opens:
        return "PRE", wall.date()
    return ("REGULAR" if ts_ns < closes else "POST"), wall.date()


SPAN = st.integers(ns("2010-01-05 00:00"), ns("2030-12-30 23:59"))


@given(SPAN)
@example(ns("2024-07-16 10:40"))
def test_phase_and_session_of_any_instant(exchange, ts_ns: int):
    phase, session = naive_phase(exchange, ts_ns)
    assert sessions.phase_at(ts_ns) == phase
    assert sessions.session_at(ts_ns) == session


@given(st.sampled_from(DAYS[5:-5]), st.sampled_from((4, 9.5, 13, 16, 17, 20, 24)), st.integers(-2, 2))
def test_phase_and_session_around_the_turns(exchange, day: date, hour: float, off: int):
    ts_ns = ns(f"{day} 00:00") + int(hour * 2) * HOUR // 2 + off
    phase, session = naive_phase(exchange, ts_ns)
    assert sessions.phase_at(ts_ns) == phase
    assert sessions.session_at(ts_ns) == session


@given(SPAN)
def test_the_last_closed_session_is_the_latest_whose_bell_has_rung(exchange, ts_ns: int):
    closed = [day for day, (_, closes) in exchange.items() if closes <= ts_ns]
    assert sessions.last_closed(ts_ns) == closed[-1]


@given(st.sampled_from(DAYS[10:-10]), st.integers(-1, 1))
def test_the_last_closed_session_turns_with_the_bell(exchange, day: date, off: int):
    ts_ns = exchange.get(day, (0, ns(f"{day} 16:00")))[1] + off
    closed = [day for day, (_, closes) in exchange.items() if closes <= ts_ns]
    assert sessions.last_closed(ts_ns) == closed[-1]


@given(SPAN)
def test_instants_go_there_and_back(ts_ns: int):
    moment = sessions.from_ns(ts_ns)
    assert moment.tzinfo is UTC
    assert sessions.to_ns(moment) == ts_ns - ts_ns % 1000
    assert sessions.to_ns(moment.astimezone(NEW_YORK)) == ts_ns - ts_ns % 1000
    assert sessions.new_york_day(ts_ns) == moment.astimezone(NEW_YORK).date()


@given(st.dates(FIRST, LAST), st.dates(FIRST, LAST))
def test_sessions_between_includes_both_ends(exchange, first: date, last: date):
    assert sessions.sessions_between(first, last) == [day for day in exchange if first <= day <= last]


# By name -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "opens_utc"),
    [
        ("2024-03-08", 14),  # Friday in winter time
        ("2024-03-11", 13),  # first Monday of summer time
        ("2024-11-01", 13),
        ("2024-11-04", 14),  # first Monday of winter time
        ("2026-03-09", 13),
        ("2026-11-02", 14),
    ],
)
def test_the_bell_follows_the_clocks(day: str, opens_utc: int):
    opens = sessions.open_ns(date.fromisoformat(day))
    assert sessions.from_ns(opens) == datetime.fromisoformat(f"{day}T{opens_utc}:30:00+00:00")
    assert sessions.phase_at(opens - 1) == "PRE"
    assert sessions.phase_at(opens) == "REGULAR"
    assert sessions.phase_at(opens - 5 * HOUR - HOUR // 2) == "PRE"
    assert sessions.phase_at(opens - 5 * HOUR - HOUR // 2 - 1) == "CLOSED"
    assert sessions.phase_at(opens + 6 * HOUR + HOUR // 2 - 1) == "REGULAR"
    assert sessions.phase_at(opens + 6 * HOUR + HOUR // 2) == "POST"
    assert sessions.phase_at(opens + 10 * HOUR + HOUR // 2 - 1) == "POST"
    assert sessions.phase_at(opens + 10 * HOUR + HOUR // 2) == "CLOSED"


@pytest.mark.parametrize("day", ["2026-11-27", "2026-12-24", "2024-07-03"])
def test_half_days(day: str):
    assert sessions.is_half_day(date.fromisoformat(day))
    assert sessions.phase_at(ns(f"{day} 12:59:59.999999")) == "REGULAR"
    assert sessions.phase_at(ns(f"{day} 13:00")) == "POST"
    assert sessions.phase_at(ns(f"{day} 16:59:59.999999")) == "POST"
    assert sessions.phase_at(ns(f"{day} 17:00")) == "CLOSED"
    assert sessions.last_closed(ns(f"{day} 13:00")) == date.fromisoformat(day)


@pytest.mark.parametrize(
    "day",
    [
        "2012-10-29",  # Hurricane Sandy
        "2012-10-30",
        "2018-12-05",  # mourning for George H. W. Bush
        "2025-01-09",  # and for Jimmy Carter
        "2021-12-24",  # Christmas Day fell on a Saturday
        "2022-06-20",  # Juneteenth, observed
        "2026-07-03",  # Independence Day fell on a Saturday
        "2026-11-26",
        "2024-07-13",
    ],
)
def test_closed_days(day: str):
    closed = date.fromisoformat(day)
    assert not sessions.is_session(closed)
    assert not sessions.is_half_day(closed)
    assert sessions.phase_at(ns(f"{day} 11:00")) == "CLOSED"
    assert sessions.session_at(ns(f"{day} 11:00")) is None


def test_new_years_eve_trades_where_new_years_day_is_a_saturday():
    assert sessions.is_session(date(2021, 12, 31))
    assert not sessions.is_half_day(date(2021, 12, 31))


def test_a_print_at_the_end_of_late_trading_still_belongs_to_the_session():
    """A bar that ends at 20:00 is known at 20:00."""
    assert sessions.session_at(ns("2024-07-16 20:00")) == date(2024, 7, 16)
    assert sessions.session_at(ns("2024-07-16 20:00") + 1) is None
    assert sessions.session_at(ns("2024-07-16 04:00")) == date(2024, 7, 16)
    assert sessions.session_at(ns("2024-07-16 04:00") - 1) is None


@pytest.fixture
def _calendar_as_before():
    yield
    sessions._added.clear()
    sessions.add_closures([])


@pytest.mark.usefixtures("_calendar_as_before")
def test_a_closure_announced_today_is_added():
    """As for a day of mourning, before the package hears of it; what was asked before is forgotten."""
    mourning = date(2027, 3, 10)
    assert mourning in sessions.sessions_between(date(2027, 3, 9), date(2027, 3, 11))
    assert sessions.open_ns(mourning)
    assert sessions.phase_at(ns("2027-03-10 11:00")) == "REGULAR"
    sessions.add_closures([mourning])
    before, after = date(2027, 3, 9), date(2027, 3, 11)
    assert sessions.sessions_between(before, after) == [before, after]
    assert sessions.previous_session(date(2027, 3, 11)) == date(2027, 3, 9)
    assert sessions.phase_at(ns("2027-03-10 11:00")) == "CLOSED"
    assert sessions.session_at(ns("2027-03-10 11:00")) is None
    with pytest.raises(ValueError, match="not an NYSE session"):
        sessions.open_ns(mourning)
