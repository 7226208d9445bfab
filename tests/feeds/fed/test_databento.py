"""Databento's settlements of the strip: shapes from its documentation, typed in; none was captured.

What is parsed and refused, what is asked and how seldom, and when it takes Yahoo's place.
"""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from feeds.errors import InputError, SourceError
from feeds.fed.databento import DatabentoStrip, parse, parse_end, raw_symbol
from feeds.fed.sources import STRIP_CHOICE, FedSources
from feeds.http.cached import CachedClient
from rotation.fed.prices import prices
from rotation.fed.records import HistoryRecord, combine
from rotation.sessions import NEW_YORK, to_ns
from rotation.status import Kind
from tests.support.servers.fed_world import FedWorld, environment
from tests.support.servers.rest import PAGE, Reply, RestServer, fault, ok

if TYPE_CHECKING:
    from pathlib import Path

KEY = "db-MARKER0123456789abcdefghijklm"
NOW = to_ns(datetime(2026, 11, 18, 10, 31, tzinfo=NEW_YORK))
SETTLED = date(2026, 11, 17)
DEC, JAN = (2026, 12), (2027, 1)
MONTHS = {"ZQZ6": DEC, "ZQF7": JAN}


def statistic(symbol: str, price: Any, day: date = SETTLED, **more: Any) -> bytes:
    """One JSON line as documented, with pretty_px, pretty_ts and map_symbols."""
    record = {
        "ts_recv": f"{day}T20:01:10.000000000Z",
        "hd": {
            "ts_event": f"{day}T20:01:10.000000000Z",
            "rtype": 24,
            "publisher_id": 1,
            "instrument_id": 42011,
        },
        "ts_ref": f"{day}T00:00:00.000000000Z",
        "price": price,
        "quantity": 2147483647,
        "sequence": 812_345,
        "ts_in_delta": 16_543,
        "stat_type": 3,
        "channel_id": 23,
        "update_action": 1,
        "stat_flags": 3,
        "symbol": symbol,
    }
    return json.dumps(record | more).encode() + b"\n"


def closes(data: bytes) -> dict[tuple[int, int], list[tuple[date, float]]]:
    return {
        month: [(c.session, c.price) for c in chart.closes] for month, chart in parse(data, MONTHS).items()
    }


def test_an_answer():
    data = statistic("ZQZ6", "96.3550") + statistic("ZQF7", "96.400000000") + b"\n"
    assert closes(data) == {DEC: [(SETTLED, 96.355)], JAN: [(SETTLED, 96.4)]}
    quote = parse(data, MONTHS)[DEC].quote
    assert (quote.settle, quote.settle_date, quote.price, quote.ts_ns) == (96.355, SETTLED, None, None)
    assert quote.source == "Databento"
    assert raw_symbol((2030, 9)) == "ZQU0"


def test_the_final_settlement_counts_then_the_latest():
    later = {"ts_event": "2026-11-17T22:00:00.000000000Z"}
    final, preliminary = statistic("ZQZ6", "96.355"), statistic("ZQZ6", "96.35", stat_flags=2, hd=later)
    for data in (final + preliminary, preliminary + final):
        assert closes(data)[DEC] == [(SETTLED, 96.355)]
    corrected = statistic("ZQZ6", "96.36", hd=later)
    assert closes(corrected + final)[DEC] == [(SETTLED, 96.36)]


@pytest.mark.parametrize(
    "more",
    [
        {"stat_type": 7},
        {"stat_type": None},
        {"update_action": 2},
        {"stat_flags": 11},
        {"stat_flags": 128},
        {"symbol": "ZQZ6-ZQF7"},
        {"symbol": 7},
        {"ts_ref": None},
        {"ts_ref": "18446744073709551615"},
        {"price": None},
        {"price": "9223372036854775807"},
        {"price": "96355000000"},
        {"price": "NaN"},
    ],
)
def test_what_is_no_settlement_of_ours_is_passed_over(more):
    other = json.loads(statistic("ZQZ6", "96.9", date(2026, 11, 16))) | more
    data = statistic("ZQZ6", "96.355") + json.dumps(other).encode()
    assert closes(data) == {DEC: [(SETTLED, 96.355)]}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no settlement"),
        (statistic("ZQH7", "96.4"), "no settlement"),
        (statistic("ZQZ6", "96.355")[:-40], "not valid JSON"),
        (b"[1]", "unexpected JSON structure"),
    ],
)
def test_answers_of_no_use(data, message):
    with pytest.raises(SourceError, match=message):
        parse(data, MONTHS)


def test_the_end_of_what_the_key_may_see():
    whole = {"start": "2010-06-06T00:00:00Z", "end": "2026-11-18T00:00:00.000000000Z"}
    assert parse_end(json.dumps(whole).encode()) == to_ns(datetime(2026, 11, 18, tzinfo=UTC))
    mine = whole | {"schema": {"statistics": whole | {"end": "2026-11-17T14:30:00.000000000Z"}}}
    assert parse_end(json.dumps(mine).encode()) == to_ns(datetime(2026, 11, 17, 14, 30, tzinfo=UTC))
    with pytest.raises(SourceError):
        parse_end(b"{}")


def answer(path: str, day: date = SETTLED) -> bytes:
    if "metadata" in path:
        return b'{"start":"2010-06-06T00:00:00.000000000Z","end":"2026-11-18T00:00:00.000000000Z"}'
    names = parse_qs(urlsplit(path).query)["symbols"][0].split(",")
    return b"".join(statistic(name, f"{96.3 + i / 100:.4f}", day) for i, name in enumerate(names))


class Clock:
    now_ns = NOW

    def __call__(self) -> int:
        return self.now_ns


async def at_once(_seconds: float) -> None:
    pass


def cached_client(clock: Clock, folder: Path | None = None) -> CachedClient:
    return CachedClient(
        folder, clock_ns=clock, monotonic=lambda: clock() / 1e9, sleep=at_once, random=lambda: 0.0
    )


async def test_what_is_asked_and_how_seldom(monkeypatch, caplog, tmp_path):
    caplog.set_level(0)
    clock = Clock()
    async with RestServer(answer=answer) as server, cached_client(clock, tmp_path) as http:
        monkeypatch.setenv("ROTATION_TUI_DATABENTO_REST_URL", server.url)
        source = DatabentoStrip(http, KEY, months=3, clock_ns=clock)
        strip = await source.refresh()
        assert [quote.contract for quote in strip.quotes] == [(2026, 11), DEC, JAN]
        assert (strip.kind, strip.errors) == (Kind.LIVE, ())
        assert sorted(source.charts) == [(2026, 11), DEC, JAN]
        assert await source.refresh() == strip
        assert len(server.requests) == 2  # each one is paid for
        clock.now_ns += 3_600 * 10**9
        await source.refresh()
        assert len(server.requests) == 4
    query = parse_qs(urlsplit(server.requests[1].path).query)
    assert query["symbols"] == ["ZQX6,ZQZ6,ZQF7"]
    assert (query["start"], query["end"]) == (["2026-11-10"], ["2026-11-18T00:00:00Z"])
    assert (query["dataset"], query["schema"], query["encoding"]) == (["GLBX.MDP3"], ["statistics"], ["json"])
    basic = b64encode(f"{KEY}:".encode()).decode()
    assert {request.headers["authorization"] for request in server.requests} == {f"Basic {basic}"}
    kept = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    for secret in (KEY, basic):
        assert secret not in caplog.text
        assert secret.encode() not in kept


async def test_the_month_that_has_ended_is_kept_as_an_anchor(monkeypatch):
    clock = Clock()
    clock.now_ns = to_ns(datetime(2026, 12, 2, 10, 31, tzinfo=NEW_YORK))
    async with RestServer(answer=answer) as server, cached_client(clock) as http:
        monkeypatch.setenv("ROTATION_TUI_DATABENTO_REST_URL", server.url)
        source = DatabentoStrip(http, KEY, months=2, clock_ns=clock)
        strip = await source.refresh()
    assert [quote.contract for quote in strip.quotes] == [DEC, JAN]
    assert sorted(source.charts) == [(2026, 11), DEC, JAN]
    assert strip.kind is Kind.STALE  # the last settlement is two weeks old


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (fault(401), "HTTP 401"),
        (fault(422), "HTTP 422"),
        (fault(429, retry_after="7"), "HTTP 429"),
        (ok(PAGE, content_type="text/html"), "an HTML page instead of JSON"),
        (ok(b""), "an empty body"),
        (ok(b'{"end":"soon"}'), "no end of the available range"),
        (Reply(b"", 302, {"location": "http://127.0.0.1:9/"}), "HTTP 302"),
    ],
)
async def test_faults_are_said_without_the_key(monkeypatch, reply, message):
    clock = Clock()
    async with RestServer(reply) as server, cached_client(clock) as http:
        monkeypatch.setenv("ROTATION_TUI_DATABENTO_REST_URL", server.url)
        strip = await DatabentoStrip(http, KEY, clock_ns=clock).refresh()
    assert (strip.kind, strip.quotes) == (Kind.OFFLINE, ())
    assert message in strip.errors[0]
    assert KEY not in strip.errors[0]


async def record_of(monkeypatch, yahoo: Reply, **environ: str):
    """The sources' record after one round, what Yahoo was asked, and what Databento was asked."""
    clock, world = Clock(), FedWorld(NOW)
    async with (
        RestServer(yahoo, answer=world.answer) as server,
        RestServer(answer=answer) as futures,
        cached_client(clock) as http,
    ):
        for name, value in environment(server.url).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("ROTATION_TUI_DATABENTO_REST_URL", futures.url)
        sources = FedSources(http, clock_ns=clock, environ=environ)
        await sources.ask("Yahoo")
        return sources, len(server.requests), len(futures.requests)


KEYED = {"DATABENTO_API_KEY": KEY}


async def test_databento_takes_yahoos_place_and_says_so(monkeypatch):
    sources, _, asked = await record_of(monkeypatch, fault(429), **KEYED)
    assert asked == 2
    record = sources.record({}, {})
    assert {name: state.state for name, state in record.states.items()} == {
        "Yahoo": "OFFLINE",
        "Databento": "LIVE",
    }
    assert {quote.source for quote in record.strip} == {"Databento"}
    assert prices(combine(record, HistoryRecord(), NOW), NOW).kind == "settlement of 17 Nov 2026"
    assert sources.charts[DEC].source == "Databento"


async def test_it_is_not_asked_while_yahoo_answers_nor_without_a_key(monkeypatch):
    sources, yahoo, asked = await record_of(monkeypatch, Reply(), **KEYED)
    assert (asked, yahoo > 0) == (0, True)
    assert {quote.source for quote in sources.record({}, {}).strip} == {"Yahoo"}
    _, _, asked = await record_of(monkeypatch, fault(429))
    assert asked == 0
    _, _, asked = await record_of(monkeypatch, fault(429), **KEYED, **{STRIP_CHOICE: "yahoo"})
    assert asked == 0


async def test_it_is_asked_alone_by_choice(monkeypatch):
    sources, yahoo, asked = await record_of(monkeypatch, Reply(), **KEYED, **{STRIP_CHOICE: "databento"})
    assert (yahoo, asked) == (0, 2)
    assert list(sources.record({}, {}).states) == ["Databento"]


async def test_a_wrong_choice_is_refused(monkeypatch):
    for environ, message in (
        ({STRIP_CHOICE: "cme"}, "choose one of auto, yahoo, databento"),
        ({STRIP_CHOICE: "databento"}, "config key set databento"),
    ):
        with pytest.raises(InputError, match=message):
            await record_of(monkeypatch, Reply(), **environ)
    monkeypatch.setenv("ROTATION_TUI_DATABENTO_REST_URL", "http://example.org")
    with pytest.raises(InputError, match="unencrypted"):
        DatabentoStrip(cached_client(Clock()), KEY)
