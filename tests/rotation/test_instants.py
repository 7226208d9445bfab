"""Instants as people write them."""

from __future__ import annotations

from datetime import date

import pytest

from rotation.instants import after_close, parse

TEN_FORTY = 1_721_140_800 * 10**9


@pytest.mark.parametrize(
    "text",
    [
        "2024-07-16T14:40:00Z",
        "2024-07-16T14:40Z",
        "2024-07-16 10:40-04:00",
        "2024-07-16T10:40:00-04:00",
        "2024-07-16T16:40+02:00",
    ],
)
def test_a_time_that_says_its_zone(text: str):
    assert parse(text) == TEN_FORTY


def test_a_date_is_a_session():
    assert parse("2024-07-16") == date(2024, 7, 16)


def test_a_time_keeps_its_microseconds():
    assert parse("2024-07-16T14:40:00.000001Z") == TEN_FORTY + 1_000


def test_a_time_without_its_zone_is_refused_with_what_to_write():
    with pytest.raises(ValueError, match=r"does not say its zone; write 2024-07-16T14:40Z for UTC"):
        parse("2024-07-16T14:40")


@pytest.mark.parametrize("text", ["", "yesterday", "2024-13-01", "16.7.2024", "2024-07-16T25:00Z"])
def test_what_is_no_instant_is_refused_with_an_example(text: str):
    with pytest.raises(ValueError, match=r"is neither a date \(2024-07-16\) nor a time with its zone"):
        parse(text)


def test_a_session_is_over_with_its_closing_bell():
    assert after_close(date(2024, 7, 16)) == TEN_FORTY + 5 * 3600 * 10**9 + 20 * 60 * 10**9
    assert after_close(date(2024, 7, 3)) == 1_720_026_000 * 10**9  # a half-day: 13:00


def test_a_day_without_trading_names_the_session_before():
    with pytest.raises(ValueError, match="2024-07-14 is not an NYSE session; the one before is 2024-07-12"):
        after_close(date(2024, 7, 14))
