"""FRED's CSV: dots, both spellings of the head, and three series joined."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest

from feeds.errors import SourceError
from feeds.fed.rates.fred import Fred, Observation, parse, policy_rates
from feeds.fed.rates.policy_rate import PolicyRate
from feeds.http.cached import CachedClient
from tests.support.servers.rest import FAULTS, RestServer, ok
from tests.support.servers.samples import FRED

NOW_NS = 1_721_140_800 * 10**9
RATE = PolicyRate(date(2024, 7, 16), 533.0, 525.0, 550.0, "FRED")
SERIES = (
    FRED,
    FRED.replace(b"DFEDTARU", b"DFEDTARL").replace(b"5.50", b"5.25"),
    b"DATE,DFF\n2024-07-15,5.33\n",
)


def bare(rate: PolicyRate) -> PolicyRate:
    """Without the ranges of the days before, which have their own tests."""
    return msgspec.structs.replace(rate, ranges=())


async def no_wait(seconds):
    pass


def source(client) -> Fred:
    return Fred(client, clock_ns=lambda: NOW_NS)


def cached_client() -> CachedClient:
    return CachedClient(clock_ns=lambda: NOW_NS, sleep=no_wait, random=lambda: 0.0)


def test_a_dot_is_unknown_and_never_nought():
    parsed = parse(FRED)
    assert [each.percent for each in parsed] == [5.5, None, 5.5, 5.5, 5.5]
    assert parsed[0] == Observation("DFEDTARU", date(2024, 7, 12), 5.5)


def test_several_columns_the_old_head_and_a_mark_of_byte_order():
    parsed = parse(b"\xef\xbb\xbfDATE,DFF,DFEDTARU\r\n2024-07-15,5.33,.\r\n")
    assert [(each.series, each.percent) for each in parsed] == [("DFF", 5.33), ("DFEDTARU", None)]


def test_rows_that_are_none_are_left_out():
    data = b"observation_date,DFF\n2024-07-15,5.33\nnot a day,1\n2024-07-16\n2024-07-17,1,2\n2024-02-30,1\n"
    assert [each.date.day for each in parse(data)] == [15]


def test_the_whole_series(shared_data):
    parsed = parse((shared_data / "fed" / "DFF.csv").read_bytes())
    assert len(parsed) > 26_000
    assert parsed[0] == Observation("DFF", date(1954, 7, 1), 1.13)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"observation_date,DFF\n",
        b"observation_date\n2024-07-15\n",
        b"date,DFF\n2024-07-15,5.33\n",
        b"observation_date,DFF\n2024-07-15,.\n",
        b"observation_date,\x1b[31m\n2024-07-15,5.33\n",
        b'observation_date,DFF\n2024-07-15,"5.33\n',
        b"observation_date,DFF\n2024-07-15,\xff\n",
        FAULTS["html"].body,
        b'{"error_code":400}',
    ],
    ids=range(10),
)
def test_what_cannot_be_used_says_so(data):
    with pytest.raises(SourceError, match="FRED"):
        parse(data)


def joined(*series: tuple[str, str, float | None]) -> list[PolicyRate]:
    return policy_rates([Observation(name, date.fromisoformat(day), value) for name, day, value in series])


def test_the_newest_known_day_of_each_series():
    upper, lower = ("DFEDTARU", "2024-09-19", 5.0), ("DFEDTARL", "2024-09-19", 4.75)
    old = ("DFEDTARU", "2024-09-18", 5.5), ("DFEDTARL", "2024-09-18", 5.25)
    rate = ("DFF", "2024-09-17", 5.33)
    assert list(map(bare, joined(upper, lower, rate, *old))) == [
        PolicyRate(date(2024, 9, 19), 533.0, 475.0, 500.0, "FRED")
    ]


def test_a_newest_day_that_is_a_dot_is_passed_over():
    known = ("DFEDTARU", "2024-09-19", 5.0), ("DFEDTARL", "2024-09-19", 4.75)
    dots = ("DFEDTARU", "2024-09-20", None), ("DFEDTARL", "2024-09-20", None), ("DFF", "2024-09-20", None)
    assert list(map(bare, joined(*known, *dots))) == [
        PolicyRate(date(2024, 9, 19), None, 475.0, 500.0, "FRED")
    ]


def test_bounds_of_different_days_are_no_range():
    # The day after a decision one series may be updated before the other.
    assert joined(("DFEDTARU", "2024-09-19", 5.0), ("DFEDTARL", "2024-09-18", 4.5)) == []
    assert joined(("DFEDTARU", "2024-09-19", 5.0), ("DFF", "2024-09-17", 5.33)) == [
        PolicyRate(date(2024, 9, 17), 533.0, None, None, "FRED")
    ]
    assert joined() == []


async def test_refresh_asks_for_three_series(monkeypatch):
    async with RestServer(*map(ok, SERIES)) as server, cached_client() as client:
        monkeypatch.setenv("ROTATION_TUI_FRED_REST_URL", server.url)
        got = await source(client).refresh()
    assert (bare(got.value), got.state, got.error) == (RATE, "LIVE", "")
    dates = "&cosd=2024-03-18&coed=2024-07-16"
    wanted = [f"/graph/fredgraph.csv?id={name}{dates}" for name in ("DFEDTARU", "DFEDTARL", "DFF")]
    assert [asked.path for asked in server.requests] == wanted


@pytest.mark.parametrize("name", ["429", "500", "cut", "html", "empty", "huge"])
async def test_every_fault_keeps_the_rate(monkeypatch, name):
    async with RestServer(*map(ok, SERIES), FAULTS[name]) as server, cached_client() as client:
        monkeypatch.setenv("ROTATION_TUI_FRED_REST_URL", server.url)
        await source(client).refresh()
        got = await source(client).refresh()
    assert bare(got.value) == RATE
    assert got.error


async def test_one_series_that_fails_leaves_the_others(monkeypatch):
    script = (ok(SERIES[0]), ok(SERIES[1]), FAULTS["html"])
    async with RestServer(*script) as server, cached_client() as client:
        monkeypatch.setenv("ROTATION_TUI_FRED_REST_URL", server.url)
        got = await source(client).refresh()
    assert (got.value.effr_bp, got.value.upper_bp) == (None, 550.0)
    assert got.error.startswith("an HTML page instead of CSV")


async def test_nothing_is_offline(monkeypatch):
    async with RestServer(FAULTS["500"]) as server, cached_client() as client:
        monkeypatch.setenv("ROTATION_TUI_FRED_REST_URL", server.url)
        got = await source(client).refresh()
    assert (got.value, got.state) == (None, "OFFLINE")
