"""EFFR and target range from the New York Fed, and who is asked when it is away."""

from __future__ import annotations

import json
from datetime import date

import msgspec
import pytest

from feeds.errors import InputError, SourceError
from feeds.fed.rates.fred import Fred
from feeds.fed.rates.newyorkfed import NewYorkFed, parse
from feeds.fed.rates.policy_rate import PolicyRate, PolicyRates, published
from feeds.http.cached import CachedClient
from feeds.http.fetched import Fetched
from rotation.fed.odds import TargetRange
from rotation.status import Kind
from tests.support.servers.rest import FAULTS, RestServer, ok
from tests.support.servers.samples import NEWYORKFED

NOW_NS = 1_721_140_800 * 10**9
"""16 July 2024, 10:40 New York."""
DAY_NS = 86_400 * 10**9
RATE = PolicyRate(date(2024, 7, 15), 533.0, 525.0, 550.0, "New York Fed")


def bare(rate: PolicyRate) -> PolicyRate:
    """Without the ranges of the days before, which have their own tests."""
    return msgspec.structs.replace(rate, ranges=())


async def no_wait(seconds):
    pass


def cached_client() -> CachedClient:
    return CachedClient(clock_ns=lambda: NOW_NS, sleep=no_wait, random=lambda: 0.0)


def answer(**row) -> bytes:
    whole = {"effectiveDate": "2024-07-15", "type": "EFFR", "percentRate": 5.33}
    return json.dumps({"refRates": [whole | {"targetRateFrom": 5.25, "targetRateTo": 5.5} | row]}).encode()


def test_the_documented_shape():
    assert parse(NEWYORKFED) == [RATE]


def test_figures_as_text_are_figures():
    assert parse(answer(percentRate="5.33", targetRateFrom="5.25", targetRateTo="5.50")) == [RATE]


def test_days_come_in_order():
    rows = [json.loads(answer(effectiveDate=f"2024-07-{day}"))["refRates"][0] for day in (15, 11, 12)]
    parsed = parse(json.dumps({"refRates": rows}).encode())
    assert [rate.date.day for rate in parsed] == [11, 12, 15]


@pytest.mark.parametrize("missing", ["NA", None, "", "nan", True, {}, 1e9])
def test_what_is_not_known_is_none(missing):
    parsed = parse(answer(percentRate=missing))
    assert (parsed[0].effr_bp, parsed[0].lower_bp, parsed[0].upper_bp) == (None, 525.0, 550.0)
    parsed = parse(answer(targetRateFrom=missing))
    assert (parsed[0].effr_bp, parsed[0].lower_bp, parsed[0].upper_bp) == (533.0, None, None)


def test_a_range_upside_down_is_no_range():
    parsed = parse(answer(targetRateFrom=5.5, targetRateTo=5.25))
    assert (parsed[0].lower_bp, parsed[0].upper_bp) == (None, None)


def test_negative_rates_are_rates():
    parsed = parse(answer(percentRate=-0.1, targetRateFrom=-0.25, targetRateTo=0))
    assert (parsed[0].effr_bp, parsed[0].lower_bp, parsed[0].upper_bp) == (-10.0, -25.0, 0.0)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b'{"refRates":[]}',
        b'{"refRates":[{}]}',
        b'{"refRates":[{"effectiveDate":"\xff"}]}',
        b'{"refRates":' * 9000,
        b"[" * 100_000,
        FAULTS["na"].body,
        FAULTS["html"].body,
        answer(effectiveDate="15/07/2024"),
        answer(effectiveDate=20240715),
        answer(type="SOFR"),
        NEWYORKFED[:150],
    ],
    ids=range(14),
)
def test_what_cannot_be_used_says_so(data):
    with pytest.raises(SourceError, match="New York Fed"):
        parse(data)


async def test_refresh_asks_the_documented_path(monkeypatch):
    async with RestServer() as server, cached_client() as client:
        monkeypatch.setenv("ROTATION_TUI_NEWYORKFED_REST_URL", server.url)
        got = await NewYorkFed(client, clock_ns=lambda: NOW_NS).refresh()
    assert server.requests[0].path == "/api/rates/unsecured/effr/last/90.json"
    assert (bare(got.value), got.state, got.error) == (RATE, "LIVE", "")


@pytest.mark.parametrize("name", ["429", "500", "cut", "na", "missing", "html", "empty", "utf8", "huge"])
async def test_every_fault_keeps_the_rate(monkeypatch, name):
    async with RestServer(ok(NEWYORKFED), FAULTS[name]) as server, cached_client() as client:
        monkeypatch.setenv("ROTATION_TUI_NEWYORKFED_REST_URL", server.url)
        source = NewYorkFed(client, clock_ns=lambda: NOW_NS)
        await source.refresh()
        got = await source.refresh()
    assert bare(got.value) == RATE
    assert got.error


async def test_a_page_that_stands_still_is_stale(monkeypatch):
    async with RestServer(FAULTS["stale"]) as server, cached_client() as client:
        monkeypatch.setenv("ROTATION_TUI_NEWYORKFED_REST_URL", server.url)
        states = []
        for days in (3, 5, 30):
            source = NewYorkFed(client, clock_ns=lambda days=days: NOW_NS + days * DAY_NS)
            states.append((await source.refresh()).state)
    assert states == ["LIVE", "STALE 5d", "STALE 30d"]


def test_a_wrong_address_is_said_at_once(monkeypatch):
    monkeypatch.setenv("ROTATION_TUI_NEWYORKFED_REST_URL", "ftp://h")
    with pytest.raises(InputError, match="ROTATION_TUI_NEWYORKFED_REST_URL"):
        NewYorkFed(cached_client())


class ScriptedSource:
    """A source that says what it was told to."""

    def __init__(self, name, value, kind=Kind.LIVE, error="", age_s=0.0):
        self.name = name
        self.asked = 0
        self.got = Fetched(value, NOW_NS, NOW_NS, age_s, kind, error)

    async def refresh(self):
        self.asked += 1
        return self.got


FRED_RATE = PolicyRate(date(2024, 7, 16), 533.0, 525.0, 550.0, "FRED")
NO_RANGE = PolicyRate(date(2024, 7, 15), 533.0, None, None, "New York Fed")


def test_published_days_give_the_ranges_of_then():
    """The half-point cut of 18 September 2024: the decision day itself still has the old range."""
    rates = [
        PolicyRate(date(2024, 9, day), 533.0, lower, lower + 25, "New York Fed")
        for day, lower in ((19, 475.0), (17, 525.0), (20, 475.0), (18, 525.0))
    ]
    got = published(Fetched(rates, NOW_NS, NOW_NS, 0.0, Kind.LIVE), NOW_NS)
    assert got.value.date == date(2024, 9, 20)
    assert got.value.ranges == (
        TargetRange(date(2024, 9, 17), date(2024, 9, 18), 525, 550),
        TargetRange(date(2024, 9, 19), date(2024, 9, 20), 475, 500),
    )
    without = [msgspec.structs.replace(rates[0], lower_bp=None, upper_bp=None)]
    assert published(Fetched(without, NOW_NS, NOW_NS, 0.0, Kind.LIVE), NOW_NS).value.ranges == ()


async def test_fred_is_asked_only_when_needed():
    first, second = ScriptedSource("New York Fed", RATE), ScriptedSource("FRED", FRED_RATE)
    got = await PolicyRates([first, second]).refresh()
    assert (got.value, got.error, second.asked) == (RATE, "", 0)


@pytest.mark.parametrize(
    ("first", "error"),
    [
        (ScriptedSource("New York Fed", None, Kind.OFFLINE, "HTTP 500"), "New York Fed: HTTP 500"),
        (
            ScriptedSource("New York Fed", RATE, Kind.STALE, "HTTP 500", 9 * 86_400.0),
            "New York Fed: HTTP 500",
        ),
        (ScriptedSource("New York Fed", NO_RANGE), ""),
    ],
)
async def test_fred_steps_in(first, error):
    got = await PolicyRates([first, ScriptedSource("FRED", FRED_RATE)]).refresh()
    assert (got.value, got.state, got.error) == (FRED_RATE, "LIVE", error)


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (None, "New York Fed"),
        (date(2024, 7, 14), "New York Fed"),
        # On the day of a decision the old range still holds, so its own is not enough.
        (date(2024, 7, 15), "FRED"),
        # Neither has the new one: the newer of the two.
        (date(2024, 7, 16), "FRED"),
    ],
)
async def test_a_range_of_before_the_last_decision_is_not_enough(after, expected):
    first, second = ScriptedSource("New York Fed", RATE), ScriptedSource("FRED", FRED_RATE)
    assert (RATE.date, FRED_RATE.date) == (date(2024, 7, 15), date(2024, 7, 16))
    got = await PolicyRates([first, second]).refresh(after)
    assert (got.value.source, got.error, second.asked) == (expected, "", int(expected == "FRED"))


async def test_an_older_second_source_does_not_take_the_place_of_the_first():
    late = ScriptedSource("FRED", msgspec.structs.replace(FRED_RATE, date=date(2024, 7, 12)))
    got = await PolicyRates([ScriptedSource("New York Fed", RATE), late]).refresh(date(2024, 7, 31))
    assert (got.value, late.asked) == (RATE, 1)
    # One that knows the new range, though it did not answer this time, goes before one that does not.
    kept = ScriptedSource("FRED", FRED_RATE, Kind.STALE, "HTTP 500", 9 * 3_600.0)
    got = await PolicyRates([ScriptedSource("New York Fed", RATE), kept]).refresh(date(2024, 7, 15))
    assert (got.value, got.error) == (FRED_RATE, "FRED: HTTP 500")


async def test_an_old_range_is_better_than_none():
    old = ScriptedSource("New York Fed", RATE, Kind.STALE, "HTTP 500", 9 * 86_400.0)
    got = await PolicyRates([old, ScriptedSource("FRED", None, Kind.OFFLINE, "HTTP 503")]).refresh()
    assert (got.value, got.state) == (RATE, "STALE 9d")
    assert got.error == "New York Fed: HTTP 500; FRED: HTTP 503"
    got = await PolicyRates([ScriptedSource("FRED", None, Kind.OFFLINE, "HTTP 503")]).refresh()
    assert (got.value, got.state) == (None, "OFFLINE")


async def test_both_over_one_server(monkeypatch):
    async with RestServer(FAULTS["html"], ok()) as server, cached_client() as client:
        monkeypatch.setenv("ROTATION_TUI_NEWYORKFED_REST_URL", server.url)
        monkeypatch.setenv("ROTATION_TUI_FRED_REST_URL", server.url)
        sources = [kind(client, clock_ns=lambda: NOW_NS) for kind in (NewYorkFed, Fred)]
        got = await PolicyRates(sources).refresh()
    # The sample server gives DFEDTARU to every series: FRED has no range, so nothing has.
    assert got.value is None
    assert got.error.startswith("New York Fed: an HTML page instead of JSON")
