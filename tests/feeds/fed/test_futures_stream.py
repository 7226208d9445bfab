from __future__ import annotations

import asyncio
import contextlib
import json

import pytest

from feeds.events import Status
from feeds.fed.futures_stream import YahooStripStream
from feeds.http.cached import CachedClient
from tests.support.fake_time import NOW_NS, FakeTime, settle
from tests.support.servers.rest import RestServer, fault, ok
from tests.support.servers.ws import ABORT, READY, STAY
from tests.support.servers.yahoo import FUTURE, NOW_MS, YahooServer, pricing

MONTHS = 3
NAMES = ["ZQN24.CBT", "ZQQ24.CBT", "ZQU24.CBT"]


def frame(name: str, price: float, ts_ms: int = NOW_MS, **fields: object) -> str:
    return pricing(name, price, ts_ms, quote_type=FUTURE, price_hint=4, **fields)


def chart(name: str, price: float, at_s: int = NOW_MS // 1000 - 60) -> bytes:
    meta = {"symbol": name, "regularMarketPrice": price, "regularMarketTime": at_s}
    return json.dumps({"chart": {"result": [{"meta": meta}]}}).encode()


@contextlib.asynccontextmanager
async def streaming(monkeypatch, *scripts, rest=(), months=MONTHS, now_ns=NOW_NS):
    """A streamer with these scripts, a chart API with these replies, and what the stream says."""
    time = FakeTime(now_ns)
    message: list[object] = []
    clocks = {"clock_ns": time.clock_ns, "monotonic": time.monotonic, "random": lambda: 0.0}
    async with YahooServer(*scripts) as server, RestServer(*(rest or (fault(500),))) as charts:
        monkeypatch.setenv("ROTATION_TUI_YAHOO_STREAM_URL", server.url)
        monkeypatch.setenv("ROTATION_TUI_YAHOO_REST_URL", charts.url)
        async with CachedClient(sleep=lambda _: settle(), **clocks) as http:
            stream = YahooStripStream(http, months=months, time=time)

            async def drive() -> None:
                async for event in stream.events():
                    message.append(event)  # noqa: PERF401 - read while it grows

            task = asyncio.create_task(drive())
            try:
                async with asyncio.timeout(500):
                    await server.until(lambda: server.clients and server.clients[0].ready)
                    await time.passing(2)
                    yield stream, server, time, message
            finally:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task


def states(events):
    return [event.state for event in events if isinstance(event, Status)]


async def test_prices_come_as_contracts(monkeypatch):
    script = (READY, frame(NAMES[0], 94.67, bid=94.665, ask=94.67), frame(NAMES[2], 94.88), STAY)
    async with streaming(monkeypatch, script) as (stream, server, _, _):
        assert json.loads(server.clients[0].sent[0]) == {"subscribe": NAMES}
        july, september = stream.quotes[2024, 7], stream.quotes[2024, 9]
        assert (july.price, july.bid, july.ask, july.source) == (94.67, 94.665, 94.67, "Yahoo")
        assert july.ts_ns == NOW_MS * 10**6
        assert (september.price, september.bid) == (94.88, None)
        assert (2024, 8) not in stream.quotes


async def test_only_what_changed_is_told(monkeypatch):
    script = (READY, frame(NAMES[0], 94.67), frame(NAMES[0], 94.67), STAY)
    async with streaming(monkeypatch, script) as (stream, server, time, message):
        await server.send(frame(NAMES[1], 94.7, NOW_MS + 1000), frame(NAMES[0], 94.67))
        await time.passing(1)
        changed = [[quote.contract for quote in event] for event in message if isinstance(event, tuple)]
        assert changed == [[(2024, 7)], [(2024, 8)]]
        assert stream.stats().duplicates == 2


@pytest.mark.parametrize("price", [0.0, -94.0, float("nan"), 9.467, 947.0])
async def test_a_price_that_cannot_be_is_none(monkeypatch, price):
    script = (READY, frame(NAMES[0], 94.67), frame(NAMES[0], price, NOW_MS + 1000), STAY)
    async with streaming(monkeypatch, script) as (stream, _, _, _):
        assert stream.quotes[2024, 7].price == 94.67


async def test_a_crossed_book_is_left_out(monkeypatch):
    script = (READY, frame(NAMES[0], 94.67, bid=94.7, ask=94.6), STAY)
    async with streaming(monkeypatch, script) as (stream, _, _, _):
        quote = stream.quotes[2024, 7]
        assert (quote.price, quote.bid, quote.ask) == (94.67, None, None)


async def test_a_late_frame_changes_nothing(monkeypatch):
    script = (READY, frame(NAMES[0], 94.67), frame(NAMES[0], 94.6, NOW_MS - 5000), STAY)
    async with streaming(monkeypatch, script) as (stream, _, _, _):
        assert stream.quotes[2024, 7].price == 94.67


async def test_the_subscription_is_sent_again_every_15_seconds(monkeypatch):
    async with streaming(monkeypatch, (STAY,)) as (_, server, time, _):
        await time.passing(43)
        assert [json.loads(each) for each in server.clients[0].sent] == [{"subscribe": NAMES}] * 4


async def test_the_first_prices_come_from_the_chart(monkeypatch):
    rest = [ok(chart(name, 94.5 + i)) for i, name in enumerate(NAMES)]
    async with streaming(monkeypatch, (STAY,), rest=rest) as (stream, _, _, message):
        assert [stream.quotes[2024, month].price for month in (7, 8, 9)] == [94.5, 95.5, 96.5]
        assert states(message)[-1] == "OFFLINE"  # the stream itself has said nothing yet


async def test_after_an_outage_it_is_gapped_until_filled(monkeypatch):
    first = (READY, *(frame(name, 94.5) for name in NAMES), ABORT)
    # one unanswered round at the start, then all three
    rest = [ok(chart(name, 94.5)) for name in NAMES] + [ok(chart(name, 94.9)) for name in NAMES]
    async with streaming(monkeypatch, first, (STAY,), rest=rest) as (stream, server, time, message):
        await time.passing(60)
        assert server.upgrades == 2
        assert "OFFLINE" in states(message)
        assert json.loads(server.clients[1].sent[0]) == {"subscribe": NAMES}
        assert stream.stats().gaps == 1
        assert stream.stats().gapped == 0


async def test_a_quiet_night_is_no_outage(monkeypatch):
    night_ns = NOW_NS + 12 * 3600 * 10**9
    async with streaming(monkeypatch, (STAY,), now_ns=night_ns) as (_, server, time, _):
        await time.passing(3000, step=5.0)
        assert server.upgrades == 1


async def test_a_mute_day_is(monkeypatch):
    async with streaming(monkeypatch, (STAY,)) as (_, server, time, _):
        await time.passing(910, step=5.0)
        assert server.upgrades == 2


async def test_a_new_month_moves_the_strip_on(monkeypatch):
    last_day_ns = NOW_NS + (15 * 86_400 + 13 * 3600) * 10**9  # 31 July, 23:40 New York
    async with streaming(monkeypatch, (STAY,), now_ns=last_day_ns) as (_, server, time, _):
        await time.passing(1201, step=5.0)
        await server.until(lambda: len(server.clients) == 2 and server.clients[1].ready)
        assert json.loads(server.clients[1].sent[0]) == {"subscribe": [*NAMES[1:], "ZQV24.CBT"]}
        assert server.upgrades == 2
