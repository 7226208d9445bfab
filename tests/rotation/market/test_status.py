"""The word beside every price."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotation import text
from rotation.market import status as states
from rotation.market.status import Provenance
from rotation.quote import NS
from rotation.sessions import NEW_YORK, to_ns
from rotation.status import DEMO, LIVE, REPLAY, Kind, delayed
from rotation.wording import word as word_of
from tests.support.core_oracle import duration


def at(text: str) -> int:
    return to_ns(datetime.fromisoformat(text).replace(tzinfo=NEW_YORK))


MIDDAY = at("2024-07-16 12:00")
MODES = {"LIVE": LIVE, "DELAYED 15m": delayed(15), "REPLAY": REPLAY, "DEMO": DEMO}


def print_word(origin: Provenance, age_s: float, as_of_ns: int) -> str:
    return word_of(states.of_print(origin, as_of_ns - round(age_s * NS), as_of_ns))


def close_word(origin: Provenance, closed: date | None, session: date | None, as_of_ns: int) -> str:
    return word_of(states.of_close(origin, closed, session, as_of_ns))


@pytest.mark.parametrize(
    ("seconds", "word"),
    [
        (0, "0s"),
        (42.9, "42s"),
        (59.999, "59s"),
        (60, "1m"),
        (3599, "59m"),
        (3600, "1h"),
        (86_399, "23h"),
        (86_400, "1d"),
        (12.5 * 86_400, "12d"),
    ],
)
def test_durations(seconds: float, word: str):
    assert text.duration(seconds) == word


@given(st.floats(0, 1e9))
def test_a_duration_is_in_the_largest_unit_that_is_not_zero(seconds: float):
    assert text.duration(seconds) == duration(seconds)


@pytest.mark.parametrize(
    ("mode", "age_s", "as_of", "word"),
    [
        ("LIVE", 0.0, "2024-07-16 12:00", "LIVE"),
        ("LIVE", 30.0, "2024-07-16 12:00", "LIVE"),
        ("LIVE", 30.1, "2024-07-16 12:00", "STALE 30s"),
        # What traded before the bell is no alarm in the first moments after it.
        ("LIVE", 42.0, "2024-07-16 09:30:20", "LIVE"),
        ("LIVE", 42.0, "2024-07-16 09:30:30", "STALE 42s"),
        ("DELAYED 15m", 950.0, "2024-07-16 09:45", "DELAYED 15m"),
        ("DELAYED 15m", 950.0, "2024-07-16 09:45:30", "STALE 15m"),
        ("LIVE", 7200.0, "2024-07-16 15:59:59", "STALE 2h"),
        ("LIVE", 900.0, "2024-07-16 08:00", "LIVE"),
        ("LIVE", 901.0, "2024-07-16 08:00", "STALE 15m"),
        # After the bell nothing newer can come: that is no fault of the feed's.
        ("LIVE", 1.0, "2024-07-16 16:00", "LIVE"),
        ("LIVE", 5.0, "2024-07-16 16:00:05", "PROVISIONAL"),
        ("LIVE", 3600.0, "2024-07-16 17:00", "PROVISIONAL"),
        ("LIVE", 11 * 3600.0, "2024-07-17 03:00", "PROVISIONAL"),
        ("LIVE", 3600.0, "2026-11-27 14:00", "PROVISIONAL"),  # a half-day
        # Until the next session opens, and no longer.
        ("LIVE", 17.5 * 3600.0, "2024-07-17 09:30:15", "PROVISIONAL"),
        ("LIVE", 17.5 * 3600.0, "2024-07-17 09:30:30", "STALE 17h"),
        ("LIVE", 3 * 86_400.0 - 4 * 3600.0, "2024-07-19 12:00", "STALE 2d"),
        ("LIVE", 26 * 3600.0, "2024-07-17 18:00", "STALE 1d"),
        ("LIVE", 20 * 3600.0, "2024-07-20 12:00", "PROVISIONAL"),
        ("LIVE", 20 * 3600.0, "2024-07-21 12:00", "STALE 20h"),
        ("DELAYED 15m", 17.5 * 3600.0, "2024-07-17 09:45:15", "PROVISIONAL"),
        ("DELAYED 15m", 17.5 * 3600.0, "2024-07-17 09:46", "STALE 17h"),
        ("LIVE", 4501.0, "2024-07-16 17:00", "STALE 1h"),  # it had died before the bell
        ("DELAYED 15m", 900.0, "2024-07-16 16:14", "DELAYED 15m"),
        ("DELAYED 15m", 961.0, "2024-07-16 16:16", "PROVISIONAL"),
        ("DELAYED 15m", 930.0, "2024-07-16 12:00", "DELAYED 15m"),
        ("DELAYED 15m", 1200.0, "2024-07-16 12:00", "STALE 20m"),
        ("REPLAY", 1200.0, "2024-07-16 12:00", "REPLAY"),
        ("DEMO", 1200.0, "2024-07-16 12:00", "DEMO"),
    ],
)
def test_words_of_a_print(mode: str, age_s: float, as_of: str, word: str):
    assert print_word(Provenance(MODES[mode]), age_s, at(as_of)) == word


@pytest.mark.parametrize(
    ("closed", "session", "as_of", "word"),
    [
        # The session shown has closed, and nothing has traded since.
        ("2024-07-16", "2024-07-16", "2024-07-16 16:00", "CLOSED"),
        ("2024-07-16", "2024-07-16", "2024-07-17 09:29:59", "CLOSED"),
        ("2024-07-12", "2024-07-12", "2024-07-14 12:00", "CLOSED"),
        ("2024-07-03", "2024-07-03", "2024-07-04 12:00", "CLOSED"),
        # Trading goes on without us.
        ("2024-07-16", "2024-07-16", "2024-07-17 09:30", "OFFLINE"),
        ("2024-07-16", "2024-07-16", "2024-07-17 16:00", "OFFLINE"),
        ("2024-07-16", "2024-07-16", "2024-07-20 12:00", "OFFLINE"),
        # Others print today, this one does not.
        ("2024-07-15", "2024-07-16", "2024-07-16 12:00", "OFFLINE"),
        ("2024-07-12", "2024-07-15", "2024-07-15 12:00", "OFFLINE"),
        # Not even the session before has a close.
        ("2024-07-12", "2024-07-16", "2024-07-16 12:00", "STALE 4d"),
        ("2024-07-02", "2024-07-05", "2024-07-05 12:00", "STALE 3d"),
        (None, "2024-07-16", "2024-07-16 12:00", "OFFLINE"),
        ("2024-07-16", None, "2024-07-16 12:00", "OFFLINE"),
        (None, None, "2024-07-16 12:00", "OFFLINE"),
    ],
)
def test_words_of_a_settled_close(closed: str | None, session: str | None, as_of: str, word: str):
    days = [date.fromisoformat(day) if day else None for day in (closed, session)]
    for origin in (Provenance(), Provenance(REPLAY), Provenance(LIVE, override=Kind.OFFLINE)):
        assert close_word(origin, *days, at(as_of)) == word
    assert close_word(Provenance(DEMO), *days, at(as_of)) == "DEMO"


@pytest.mark.parametrize("mode", ["LIVE", "DELAYED 15m"])
@pytest.mark.parametrize(
    ("closed", "session", "as_of", "word"),
    [
        ("2024-07-15", "2024-07-16", "2024-07-16 08:00", "CLOSED"),  # others print before the bell
        ("2024-07-15", "2024-07-15", "2024-07-16 08:00", "CLOSED"),
        ("2024-07-16", "2024-07-16", "2024-07-16 16:01", "CLOSED"),
        ("2024-07-15", "2024-07-16", "2024-07-16 09:30:10", "CLOSED"),  # the first print may take its time
        ("2024-07-15", "2024-07-16", "2024-07-16 09:46", "STALE 1d"),  # trading goes on, nothing of this one
        ("2024-07-15", "2024-07-16", "2024-07-16 17:00", "STALE 1d"),
        ("2024-07-12", "2024-07-12", "2024-07-16 08:00", "STALE 4d"),
    ],
)
def test_words_of_a_settled_close_under_a_live_feed(
    mode: str, closed: str, session: str, as_of: str, word: str
):
    days = [date.fromisoformat(day) for day in (closed, session)]
    assert close_word(Provenance(MODES[mode]), *days, at(as_of)) == word


@pytest.mark.parametrize("kind", [Kind.GAPPED, Kind.HALTED, Kind.OFFLINE])
def test_what_the_feed_says_of_one_symbol_comes_before_its_age(kind: Kind):
    assert print_word(Provenance(LIVE, override=kind), 5000.0, MIDDAY) == kind
