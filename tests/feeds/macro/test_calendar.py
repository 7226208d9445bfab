"""The calendar of releases: its shapes, and how a page and the shipped table go together."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from feeds.errors import SourceError
from feeds.macro.calendar import parse
from rotation.macro.assemble import aged, macro
from rotation.macro.figures import MovedRelease, ReleaseKind
from rotation.macro.releases import SHIPPED, joined, moved, newest_month
from rotation.sessions import NEW_YORK
from tests.feeds.macro.test_sources import CALENDAR

CPI, JOBS = ReleaseKind.CPI, ReleaseKind.JOBS
TODAY = date(2024, 7, 16)


def merged(page):
    """The shipped table under a page."""
    return joined(SHIPPED, page)


def test_days_are_read_in_every_form_and_other_titles_left_out():
    assert parse(CALENDAR) == {CPI: (date(2024, 8, 15),), JOBS: (date(2024, 8, 1),)}


@pytest.mark.parametrize(
    "data",
    [
        b"", b"<html></html>", b"\xff", b"BEGIN:VCALENDAR\nEND:VCALENDAR\n", CALENDAR[: len(CALENDAR) // 3],
        CALENDAR.replace(b"Employment Situation for", b"Jobs for"),
        CALENDAR.replace(b"20240801", b"20241399"),
        b"BEGIN:VCALENDAR\n" + b"BEGIN:VEVENT\n" * 6000,
    ],
    ids=range(8),
)  # fmt: skip
def test_what_is_no_calendar_is_refused(data: bytes):
    with pytest.raises(SourceError):
        parse(data)


@pytest.mark.parametrize("cut", [len(b"END:VCALENDAR\r\n"), 5, 80])
def test_a_page_that_was_cut_is_refused(cut: int):
    """Its first days are there; of those after them it would call off all that it lacks."""
    with pytest.raises(SourceError, match="cut"):
        parse(CALENDAR[:-cut])


def test_a_release_that_a_shutdown_puts_off_by_two_months_is_what_the_page_says():
    """What the page of 1 July lacks is called off, and that is said where the calendar is shown."""
    far = CALENDAR.replace(b"20240815T", b"20240912T")
    today = date(2024, 7, 1)
    made = joined(SHIPPED, parse(far), after=today)
    coming = [day for day in made[CPI] if day > today]
    assert coming[0] == date(2024, 9, 12)
    assert MovedRelease(CPI, date(2024, 7, 11), None) in moved(made, today)


def test_the_page_decides_all_of_its_span_and_the_table_the_rest():
    made = merged(parse(CALENDAR))
    moves = ((CPI, date(2024, 8, 15), date(2024, 8, 14)), (JOBS, date(2024, 8, 1), date(2024, 8, 2)))
    for kind, day, was in moves:
        assert made[kind] == tuple(sorted({*SHIPPED[kind]} - {was} | {day}))
    assert merged({}) == SHIPPED


MOVED, WAS = date(2026, 12, 18), date(2026, 12, 10)
PAGES = {
    "whole year": (*(day for day in SHIPPED[CPI] if date(2026, 1, 1) <= day < WAS), MOVED),
    "days to come alone": (MOVED, date(2027, 1, 13)),
    "that day alone": (MOVED,),
}


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_a_moved_day_stays_moved_once_its_old_and_its_new_date_have_passed(page):
    made = merged({CPI: page, JOBS: SHIPPED[JOBS]})
    assert MOVED in made[CPI]
    assert WAS not in made[CPI]
    assert set(made[CPI]) >= {day for day in SHIPPED[CPI] if day < WAS}
    for day, newest in ((11, 10), (17, 10), (19, 11)):
        at = datetime(2026, 12, day, 12, tzinfo=NEW_YORK)
        assert newest_month(CPI, at, made) == date(2026, newest, 1), day


def test_what_an_earlier_page_gave_stays_when_a_later_one_begins_after_it():
    earlier = {CPI: (date(2026, 11, 10), MOVED), JOBS: (date(2026, 12, 4), date(2027, 1, 8))}
    later = {CPI: (date(2027, 1, 13),), JOBS: (date(2027, 1, 11),)}
    made = joined(earlier, later)
    assert made[CPI] == (date(2026, 11, 10), MOVED, date(2027, 1, 13))
    # Of a month that both name the later page counts.
    assert made[JOBS] == (date(2026, 12, 4), date(2027, 1, 11))
    assert joined({}, later) == later


def test_after_the_table_s_end_the_page_is_all_there_is():
    late = {CPI: (date(2027, 1, 13), date(2027, 2, 10)), JOBS: (date(2027, 1, 8),)}
    made = merged(late)
    assert made[CPI][-2:] == (date(2027, 1, 13), date(2027, 2, 10))
    at = datetime(2027, 1, 20, tzinfo=NEW_YORK)
    assert newest_month(CPI, at, made) == date(2026, 12, 1)
    series = {"DGS10": {date(2027, 1, 19): 4.0}}
    known = macro(series, (), at, calendar=made)
    assert [(each.kind, each.at.date()) for each in known.releases] == [(CPI, date(2027, 2, 10))]
    assert any("calendar of jobs ends on 8 Jan 2027" in warning for warning in known.warnings)
    assert not any("calendar of CPI" in warning for warning in known.warnings)


def test_a_moved_day_is_the_next_one_as_time_goes_on():
    made = merged(parse(CALENDAR))
    known = macro({"DGS10": {TODAY: 4.0}}, (), datetime(2024, 7, 16, 19, tzinfo=NEW_YORK), calendar=made)
    later = aged(known, datetime(2024, 8, 1, 9, tzinfo=NEW_YORK))
    days = {each.kind: each.at.date() for each in later.releases}
    assert days == {JOBS: date(2024, 9, 6), CPI: date(2024, 8, 15)}


def test_a_page_that_has_ended_changes_nothing():
    """A stale body: the shipped days to come stay."""
    old = {CPI: (date(2024, 6, 12),), JOBS: (date(2024, 6, 7),)}
    assert merged(old) == SHIPPED
