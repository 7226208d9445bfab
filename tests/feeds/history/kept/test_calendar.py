"""The calendar that is kept is the package's."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from feeds.history.kept import calendar
from feeds.history.kept.calendar import keep_calendar, use_calendar
from feeds.history.kept.files import KeptFiles
from rotation import sessions


@pytest.fixture(autouse=True)
def _calendar_as_before(monkeypatch):
    monkeypatch.setattr(sessions, "_known", sessions._NO_YEARS)
    yield
    sessions.add_closures([])


def test_every_day_is_as_the_package_says(tmp_path):
    days = [date(1980, 1, 1) + timedelta(days=i) for i in range(20_000)]
    wanted = [(sessions.is_session(day), sessions.is_half_day(day)) for day in days]
    keep_calendar(KeptFiles(tmp_path), 2026)
    use_calendar(KeptFiles(tmp_path))
    assert sessions.has_calendar()
    assert [(sessions.is_session(day), sessions.is_half_day(day)) for day in days] == wanted
    closed = date(2027, 3, 10)
    sessions.add_closures([closed])
    assert not sessions.is_session(closed)
    sessions._added.clear()


def test_another_package_has_another_calendar(tmp_path, monkeypatch):
    keep_calendar(KeptFiles(tmp_path), 2026)
    monkeypatch.setattr(calendar, "calendar_file", lambda: "another")
    use_calendar(KeptFiles(tmp_path))
    assert not sessions.has_calendar()
    keep_calendar(KeptFiles(tmp_path), 2026)
    assert len(list(tmp_path.iterdir())) == 2
