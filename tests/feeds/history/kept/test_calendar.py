"""The calendar that is kept is the package's."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec
import pytest

from feeds.files.sealed import seal
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


@pytest.mark.parametrize(
    "body",
    [
        b"\xff not of ours",
        msgspec.msgpack.encode(
            calendar._Held("another key", sessions.Calendar(1985, 2031, frozenset(), frozenset()))
        ),
    ],
    ids=["another layout", "another key"],
)
def test_what_is_whole_and_not_of_this_package_is_not_used(tmp_path, body):
    files = KeptFiles(tmp_path)
    files.write(calendar._name(), seal(body))
    use_calendar(files)
    assert not sessions.has_calendar()


def test_a_process_that_answers_from_a_calendar_reads_and_makes_no_other(tmp_path):
    known = sessions.Calendar(1985, 2031, frozenset(), frozenset())
    sessions.take_calendar(known)
    keep_calendar(KeptFiles(tmp_path / "new"), 2026)
    assert not (tmp_path / "new").exists()
    held = calendar._Held(calendar._name(), sessions.Calendar(1999, 1999, frozenset(), frozenset()))
    KeptFiles(tmp_path).write(calendar._name(), seal(msgspec.msgpack.encode(held)))
    use_calendar(KeptFiles(tmp_path))
    assert sessions._known is known
