"""FOMC dates: the shipped table, the Federal Reserve's page, and which of them counts."""

from __future__ import annotations

import csv
from datetime import date

import pytest

from feeds.errors import SourceError
from feeds.fed.calendar import SHIPPED, CalendarFed, few_ahead, merge, parse
from feeds.http.cached import CachedClient
from tests.support.servers.rest import FAULTS, RestServer, ok
from tests.support.servers.samples import CALENDAR, CALENDAR_2026, calendar

NOW_NS = 1_784_000_000 * 10**9
"""July 2026."""


async def no_wait(seconds):
    pass


def of(year: int, dates=SHIPPED) -> list[date]:
    return [day for day in dates if day.year == year]


def test_the_table_is_the_published_calendar(shared_data):
    with (shared_data / "fed" / "fomc_dates_2021_2027.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["meeting_type"] == "regular"]
    assert [date.fromisoformat(row["end_date"]) for row in rows] == [d for d in SHIPPED if d.year < 2028]


def test_the_table_is_in_order_and_on_weekdays():
    assert list(SHIPPED) == sorted(set(SHIPPED))
    assert all(day.weekday() < 5 for day in SHIPPED)
    assert [len(of(year)) for year in range(2021, 2029)] == [8] * 7 + [1]


def test_the_documented_page():
    parsed = parse(CALENDAR)
    assert of(2026, parsed) == of(2026)
    assert of(2027, parsed) == [date(2027, 1, 27)]  # 1 May 2027 is a Saturday: no decision day


@pytest.mark.parametrize(
    ("month", "days", "decision"),
    [
        ("Apr/May", "30-1", date(2024, 5, 1)),
        ("Jan/Feb", "31-1*", date(2024, 2, 1)),
        ("July", "30-31", date(2024, 7, 31)),
        ("Sept.", "17\u201318*", date(2024, 9, 18)),
        ("March", "19 - 20 *", date(2024, 3, 20)),
        ("November", "6-7", date(2024, 11, 7)),
        ("October", "9", date(2024, 10, 9)),
        ("March", "3 (unscheduled)", None),
        ("August", "22 (notation vote)", None),
        ("March", "15 (Sunday)", None),
        ("May", "29-1", None),
        ("June", "31-32", None),
        ("Smarch", "12-13", None),
        ("Jan/Feb/Mar", "12-13", None),
        ("June", "", None),
        ("June", "\x1b[31m11-12", None),
    ],
)
def test_one_cell(month, days, decision):
    page = calendar({2024: [(month, days), ("December", "17-18*")]})
    assert parse(page) == sorted({decision, date(2024, 12, 18)} - {None})


def test_a_row_without_its_date_does_not_shift_the_next():
    page = calendar({2024: [("June", "11-12"), ("July", "30-31")]}).replace(
        b'fomc-meeting__date col-xs-4 col-sm-9 col-md-10 col-lg-1">11-12', b'other">', 1
    )
    assert parse(page) == [date(2024, 7, 31)]


def test_a_date_without_its_month_is_left_out():
    page = calendar({2024: [("June", "11-12"), ("July", "3-4"), ("July", "30-31")]})
    page = page.replace(
        b'fomc-meeting__month col-xs-5 col-sm-3 col-md-2"><strong>July', b'other"><strong>', 1
    )
    assert parse(page) == [date(2024, 6, 12), date(2024, 7, 31)]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html>2026 FOMC Meetings</html>",
        FAULTS["html"].body,
        CALENDAR.replace(b"FOMC Meetings", b"meetings"),
        CALENDAR.replace(b"fomc-meeting__", b"m-"),
        b"\xff" + CALENDAR,
        b"<" * 1_000_000,
        b"2026 FOMC Meetings " + b"fomc-meeting__month>" * 10_000,
        b"2026 FOMC Meetings " + b"fomc-meeting__month" * 10_000,
    ],
    ids=range(9),
)
def test_a_page_without_meetings_says_so(data):
    with pytest.raises(SourceError, match="Federal Reserve"):
        parse(data)


def test_the_page_counts_for_years_it_lists_in_full():
    moved = [day.replace(day=day.day + 1) for day in of(2026)]
    dates, warning = merge([*moved, date(2028, 1, 26), date(2028, 3, 15)])
    assert of(2026, dates) == moved
    assert of(2028, dates) == [date(2028, 1, 26), date(2028, 3, 15)]
    assert of(2027, dates) == of(2027)
    assert warning == ""


def test_a_page_that_lists_fewer_is_refused_for_that_year():
    dates, warning = merge([date(2027, 1, 27)])
    assert dates == SHIPPED
    assert warning == "the Federal Reserve page lists only 1 of 8 meetings in 2027: using the built-in dates"


def test_the_horizon_is_watched():
    assert few_ahead(SHIPPED, date(2027, 1, 28)) == ""  # eight: seven in 2027 and January 2028
    assert few_ahead(SHIPPED, date(2027, 3, 17)) == ""  # the decision day itself still counts
    assert few_ahead(SHIPPED, date(2027, 3, 18)).startswith("only 7 FOMC meetings ahead")
    assert few_ahead((), date(2027, 3, 18)).startswith("only 0 ")


async def refresh(monkeypatch, *script, now_ns=NOW_NS, times=1):
    async with RestServer(*script) as server:
        monkeypatch.setenv("ROTATION_TUI_CALENDAR_FED_REST_URL", server.url)
        async with CachedClient(clock_ns=lambda: now_ns, sleep=no_wait, random=lambda: 0.0) as client:
            source = CalendarFed(client, clock_ns=lambda: now_ns)
            for _ in range(times):
                got = await source.refresh()
    return got, server.requests


async def test_refresh_takes_what_is_new(monkeypatch):
    page = calendar({2026: CALENDAR_2026, 2028: [("January", "25-26"), ("March", "14-15*")]})
    got, requests = await refresh(monkeypatch, ok(page))
    assert requests[0].path == "/monetarypolicy/fomccalendars.htm"
    assert got.dates[-1] == date(2028, 3, 15)
    assert (got.warning, got.state, got.error) == ("", "LIVE", "")


@pytest.mark.parametrize("name", ["429", "500", "cut", "empty", "utf8", "huge", "html"])
async def test_without_the_page_the_table_stands(monkeypatch, name):
    got, _ = await refresh(monkeypatch, FAULTS[name])
    assert (got.dates, got.warning, got.state) == (SHIPPED, "", "OFFLINE")
    assert got.error


async def test_a_table_that_has_run_out_is_said(monkeypatch):
    got, _ = await refresh(monkeypatch, FAULTS["500"], now_ns=1_830_000_000 * 10**9)
    assert got.warning.startswith("only ")


async def test_the_last_good_page_outlives_a_fault(monkeypatch):
    page = calendar({2028: [("January", "25-26"), ("March", "14-15*")]})
    got, _ = await refresh(monkeypatch, ok(page), FAULTS["500"], times=2)
    assert got.dates[-1] == date(2028, 3, 15)
    assert got.error.startswith("HTTP 500")
