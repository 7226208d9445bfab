"""Yahoo's daily chart as evidence of a split: its list, and its close of the session before."""

from __future__ import annotations

import json
from datetime import date, datetime, time

import pytest

from feeds.errors import SourceError
from feeds.http.cached import CachedClient
from feeds.streaming.requests import Reference
from feeds.vendors.yahoo.reference import Scale, params, parse_scale
from feeds.vendors.yahoo.stream import Yahoo
from rotation.quote import NS
from rotation.sessions import NEW_YORK, hours
from tests.support.servers.rest import RestServer, fault, ok

DAY = date(2024, 7, 16)
EARLY_NS = hours(DAY)[0] + 60 * NS


def at(month: int, day: int) -> int:
    return int(datetime.combine(date(2024, month, day), time(9, 30), NEW_YORK).timestamp())


def chart(symbol: str = "IWM", close: float = 217.06, split: int | None = None) -> bytes:
    rows = {at(7, 12): close - 3.9, at(7, 15): close}
    events = {"splits": {"1": {"date": split, "numerator": 2, "denominator": 1, "splitRatio": "2:1"}}}
    result = {
        "meta": {"symbol": symbol, "exchangeTimezoneName": "America/New_York"},
        "timestamp": [*rows],
        "indicators": {"quote": [{"close": [*rows.values()]}]},
    } | ({"events": events} if split else {})
    return json.dumps({"chart": {"result": [result], "error": None}}).encode()


@pytest.mark.parametrize(
    ("split", "expected"),
    [(None, Scale(217.06, None)), (at(7, 16), Scale(None, 2.0)), (at(7, 17), Scale(217.06, None))],
)
def test_a_close_counts_only_where_no_split_leaves_its_scale_in_doubt(split, expected):
    assert parse_scale(chart(split=split), "IWM", DAY) == expected


def test_another_symbol_s_chart_is_none():
    with pytest.raises(SourceError, match="another symbol"):
        parse_scale(chart("QQQ"), "IWM", DAY)


def test_a_split_of_this_morning_is_within_what_is_asked_for():
    asked = params(DAY)
    assert int(asked["period1"]) < at(7, 12) < at(7, 16) < int(asked["period2"])
    assert "splits" in asked["events"]


async def test_a_request_a_share_and_none_for_an_index(monkeypatch):
    replies = (ok(chart("BRK-B", 436.9)), ok(chart(split=at(7, 16))), fault(404))
    async with RestServer(*replies) as server:
        monkeypatch.setenv("ROTATION_TUI_YAHOO_REST_URL", server.url)
        async with CachedClient(clock_ns=lambda: EARLY_NS, tries=1) as http:
            vendor = Yahoo(http, clock_ns=lambda: EARLY_NS)
            answer = await vendor.reference(frozenset({"IWM", "BRK-B", "QQQ", "RUT", "NDX"}), DAY)
            assert answer == Reference({"BRK-B": 436.9}, {"IWM": 2.0})
            with pytest.raises(SourceError, match="Yahoo"):
                await vendor.reference(frozenset({"QQQ"}), DAY)
        assert len(server.requests) == 3
