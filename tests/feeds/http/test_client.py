"""The one client: whoever calls it, a failing source gets its number of tries and not one more."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import date

import httpx
import pytest

from feeds.doctor import network
from feeds.errors import SourceAway, SourceError
from feeds.fed.kalshi import Kalshi
from feeds.fed.rates.newyorkfed import NewYorkFed
from feeds.http.cached import CachedClient
from feeds.http.client import TRIES, HttpClient, Limits, download_limits
from feeds.http.download import download
from feeds.http.exchange import Request
from feeds.http.failure import RequestError, source_error
from feeds.vendors.alpaca.daily import AlpacaDaily
from feeds.vendors.alpaca.keys import AlpacaKeys
from feeds.vendors.alpaca.rest import AlpacaRest
from feeds.vendors.alpaca.stream import Alpaca
from feeds.vendors.finnhub.stream import Finnhub
from feeds.vendors.massive.stream import Massive
from feeds.vendors.stooq.daily import StooqDaily
from feeds.vendors.yahoo.daily import YahooDaily
from feeds.vendors.yahoo.stream import Yahoo
from tests.support.servers.rest import FAULTS, Reply, RestServer, fault, ok

SINCE, THROUGH = date(2024, 7, 1), date(2024, 7, 16)
NOW_NS = 1_721_174_400 * 10**9
"""16 July 2024, 20:00 New York."""
MINUTE_NS = 60 * 10**9
NAMES = ("YAHOO", "STOOQ", "ALPACA", "MASSIVE", "FINNHUB", "KALSHI", "NEWYORKFED")
IWM = frozenset({"IWM"})
SYMBOLS = frozenset({"IWM", "QQQ", "DIA"})


class Clock:
    """Time that passes only where somebody waits."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    def monotonic(self) -> float:
        return sum(self.waits)

    def clock_ns(self) -> int:
        return NOW_NS + int(self.monotonic() * 1e9)

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    def given(self) -> dict[str, object]:
        return {
            "clock_ns": self.clock_ns,
            "monotonic": self.monotonic,
            "sleep": self.sleep,
            "random": lambda: 0.5,
        }


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def download_yahoo(clock, http, cached):
    await YahooDaily(http).daily(["IWM"], SINCE, THROUGH)


async def download_stooq(clock, http, cached):
    await StooqDaily(http, "a-key").daily(["IWM"], SINCE, THROUGH)


async def download_alpaca(clock, http, cached):
    rest = AlpacaRest(AlpacaKeys("key", "secret"), http, clock_ns=clock.clock_ns)
    await AlpacaDaily(rest, clock_ns=clock.clock_ns).daily([*SYMBOLS], SINCE, THROUGH)


async def snapshot_alpaca(clock, http, cached):
    await Alpaca("key", "secret", cached, clock_ns=clock.clock_ns).snapshot(SYMBOLS)


async def backfill_alpaca(clock, http, cached):
    alpaca = Alpaca("key", "secret", cached, clock_ns=clock.clock_ns)
    await alpaca.backfill(SYMBOLS, NOW_NS - 9 * MINUTE_NS, NOW_NS)


async def snapshot_massive(clock, http, cached):
    await Massive("key", cached).snapshot(SYMBOLS)


async def backfill_massive(clock, http, cached):
    await Massive("key", cached).backfill(IWM, NOW_NS - 9 * MINUTE_NS, NOW_NS)


async def snapshot_finnhub(clock, http, cached):
    await Finnhub("key", cached).snapshot(SYMBOLS)


async def snapshot_yahoo(clock, http, cached):
    await Yahoo(cached, clock_ns=clock.clock_ns).snapshot(IWM)


async def backfill_yahoo(clock, http, cached):
    await Yahoo(cached, clock_ns=clock.clock_ns).backfill(IWM, NOW_NS - 9 * MINUTE_NS, NOW_NS)


async def ask_new_york_fed(clock, http, cached):
    await NewYorkFed(cached, clock_ns=clock.clock_ns).refresh()


CALLERS = (
    download_yahoo, download_stooq, download_alpaca, snapshot_alpaca, backfill_alpaca, snapshot_massive,
    backfill_massive, snapshot_finnhub, snapshot_yahoo, backfill_yahoo, ask_new_york_fed,
)  # fmt: skip


@pytest.mark.parametrize("script", ["429", "500", "cut", "html", "empty"])
@pytest.mark.parametrize("call", CALLERS, ids=lambda call: call.__name__)
async def test_a_failing_source_gets_the_clients_tries_and_no_more(monkeypatch, clock, call, script):
    async with RestServer(FAULTS[script]) as server:
        for name in NAMES:
            monkeypatch.setenv(f"ROTATION_TUI_{name}_REST_URL", server.url)
        limits = Limits(gap_s=0.5, wait_due_s=15.0)
        async with HttpClient(limits, **clock.given()) as http, CachedClient(**clock.given()) as cached:
            with suppress(SourceError):
                await call(clock, http, cached)
            assert 1 <= len(server.requests) <= TRIES
            # Where another try may help, all of them are made: the limit above is no accident.
            if script in {"500", "cut"}:
                assert len(server.requests) == TRIES


async def test_every_series_of_a_source_gets_them_once(monkeypatch, clock):
    async with RestServer(fault(500)) as server:
        monkeypatch.setenv("ROTATION_TUI_KALSHI_REST_URL", server.url)
        async with CachedClient(**clock.given()) as cached:
            await Kalshi(cached).refresh()
    by_path: dict[str, int] = {}
    for asked in server.requests:
        by_path[asked.path] = by_path.get(asked.path, 0) + 1
    assert set(by_path.values()) == {TRIES}


async def test_the_doctor_asks_every_source_once(monkeypatch):
    async with RestServer(fault(503)) as server:
        environ = {f"ROTATION_TUI_{feed}_REST_URL": server.url for _, feed, _, _ in network.SOURCES}
        await network.sources(environ, {key for *_, key in network.SOURCES if key})
    assert len(server.requests) == len(network.SOURCES)


async def test_a_source_that_was_away_is_tried_once_after_a_pause(clock):
    """The download has waited; a source that still refuses hears from it once, not four times."""
    async with RestServer(fault(429)) as server, HttpClient(download_limits(0.5), **clock.given()) as http:
        request = Request(httpx.URL(server.url))
        for requests in (4, 5, 6):
            with pytest.raises(SourceAway) as caught:
                await download(http, request, "Yahoo")
            assert (caught.value.refused, len(server.requests)) == (True, requests)
            await clock.sleep(300.0)


async def test_after_an_answer_it_is_tried_as_often_as_before(clock):
    script = (*[fault(429)] * 4, ok(b"{}"), fault(500))
    async with RestServer(*script) as server, HttpClient(download_limits(0.5), **clock.given()) as http:
        request = Request(httpx.URL(server.url))
        with pytest.raises(SourceAway):
            await download(http, request, "Yahoo")
        await clock.sleep(300.0)
        await download(http, request, "Yahoo")
        with pytest.raises(SourceError):
            await download(http, request, "Yahoo")
    assert len(server.requests) == 4 + 1 + 4


async def test_downloads_go_one_after_the_other(clock):
    async with RestServer(ok(b"{}")) as server, HttpClient(download_limits(2.0), **clock.given()) as http:
        request = Request(httpx.URL(server.url))
        await asyncio.gather(*(download(http, request, "Yahoo") for _ in range(3)))
    assert clock.waits == [2.0, 2.0]


async def test_a_quota_is_kept_by_whoever_asks_next(clock):
    left = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(NOW_NS // 10**9 + 30)}
    async with RestServer(Reply(b"{}", headers=left)) as server, HttpClient(**clock.given()) as http:
        for path, reserve in (("/a", 0), ("/b", 0), ("/c", None)):
            await http.get(server.url + path, parse=lambda body: body, reserve=reserve)
    assert clock.waits == [30.25]


@pytest.mark.parametrize(
    ("failure", "is_away", "after_s", "refused"),
    [
        (RequestError("HTTP 500", status=500, next_try_s=2.0), False, None, False),
        (RequestError("HTTP 500", status=500, next_try_s=2.0, in_a_row=True), True, 2.0, False),
        (RequestError("HTTP 429", status=429, host_wide=True, next_try_s=9.0), True, 9.0, True),
        (RequestError("HTTP 403", status=403, next_try_s=2.0), True, None, False),
        (RequestError("cannot be reached", unreachable=True, next_try_s=2.0), True, 2.0, False),
        (RequestError("HTTP 429", status=429, host_wide=True, asked=False, next_try_s=7.0), True, 7.0, True),
        (RequestError("HTTP 404", status=404), False, None, False),
    ],
)
def test_the_error_of_a_download(failure, is_away, after_s, refused):
    error = source_error("Yahoo", failure)
    assert isinstance(error, SourceAway) == is_away
    if isinstance(error, SourceAway):
        assert (error.after_s, error.refused) == (after_s, refused)
    assert str(error).startswith("Yahoo: ")


def test_a_key_is_the_question_and_holds_no_secret():
    def key(url: str, *passing: str) -> str:
        return Request(httpx.URL(url)).key_without(frozenset(passing))

    base = key("https://h.example/bars?symbol=IWM&day=1")
    assert base == key("https://h.example/bars?day=1&symbol=IWM")
    assert base == key("https://user:hunter2@h.example/bars?symbol=IWM&day=1")
    assert base.startswith("h.example-")
    for other in (
        "https://h.example/bars?symbol=QQQ&day=1",
        "https://h.example/bar?symbol=IWM&day=1",
        "http://h.example/bars?symbol=IWM&day=1",
        "https://h.example:8443/bars?symbol=IWM&day=1",
        "https://i.example/bars?symbol=IWM&day=1",
    ):
        assert key(other) != base
    assert key("https://h/x?s=IWM&token=a", "token") == key("https://h/x?s=IWM&token=b", "token")
