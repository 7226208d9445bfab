"""Polymarket: events by title, JSON inside text, frames without a type, and a stream that is watched."""

from __future__ import annotations

import asyncio
import contextlib
import json

import pytest

from feeds import clock
from feeds.errors import InputError, SourceError
from feeds.events import Status
from feeds.fed.polymarket.frames import TokenQuote, subscription
from feeds.fed.polymarket.frames import parse as parse_frame
from feeds.fed.polymarket.rest import Polymarket, parse
from feeds.fed.polymarket.stream import FIRST_S, PING_S, QUIET_S, PolymarketStream
from feeds.http.cached import CachedClient
from rotation.fed.prediction_markets import price
from rotation.status import Kind
from tests.support.servers.polymarket import (
    SCRIPTS,
    PolymarketServer,
    best_bid_ask,
    book,
    price_change,
    trade,
)
from tests.support.servers.rest import FAULTS, RestServer, ok
from tests.support.servers.samples import POLYMARKET, polymarket, polymarket_market
from tests.support.servers.ws import ABORT, MUTE, STAY, Refuse

NOW_NS = 1_757_908_900 * 10**9
LIMIT_S = 500
"""Waits are for events, not for time; this only ends a test that would hang."""
HOSTILE = "\x1b]52;c;aGk=\x07\x9b31m\u202e\u200b\x00"


async def no_wait(seconds):
    pass


def test_the_documented_shape():
    quotes = parse(POLYMARKET)
    assert [(quote.move_bp, quote.is_open) for quote in quotes] == [
        (-50, True), (-25, False), (0, False), (25, False), (50, True),
    ]  # fmt: skip
    hold = quotes[2]
    assert (hold.venue, hold.contract, hold.label) == ("Polymarket", "1003", "No change")
    assert (hold.event, hold.year, hold.month) == ("fed-decision-in-september-762", 2026, 9)
    assert (hold.bid, hold.ask, hold.last, hold.mark, hold.volume) == (0.6, 0.61, 0.61, 0.605, 2534567.81)
    assert price(hold)[0] == pytest.approx(0.605)
    assert hold.ts_ns == 1_788_444_181_123_000_000


def test_the_recorded_event(shared_data):
    samples = json.loads((shared_data / "fed/vectors/prediction_market_samples.json").read_bytes())["samples"]
    sample = next(sample for sample in samples if "event_slug" in sample)
    event = {
        "slug": sample["event_slug"],
        "title": "Fed decision in September?",
        "endDate": sample["updatedAt"],
    }
    quotes = parse(json.dumps([event | {"markets": sample["markets"]}]).encode())
    assert [quote.mark for quote in quotes] == [0.0015, 0.0055, 0.605]
    assert [price(quote)[0] for quote in quotes] == [0.0015, 0.0055, 0.605]  # the last has no book
    assert (quotes[2].bid, quotes[2].ask, quotes[2].contract) == (None, None, "")


@pytest.mark.parametrize(
    ("label", "move"),
    [
        ("25+ bps decrease", (-25, True)), ("25+ bps increase", (25, True)),
        ("75+ bps decrease", (-75, True)),
        ("50+ bps increase", (50, True)), ("25 bps decrease", (-25, False)),
    ],
)  # fmt: skip
def test_an_open_outcome_is_the_number_in_its_title(label, move):
    """25+ read as 50 made a false gap of 14 bp beside the futures."""
    (quote,) = parse(polymarket(polymarket_market(label)))
    assert (quote.move_bp, quote.is_open) == move


@pytest.mark.parametrize(
    ("title", "end", "meeting"),
    [
        ("Fed decision in September?", "2026-09-16T12:00:00Z", (2026, 9)),
        ("FED DECISION IN SEPTEMBER", "2026-09-16T12:00:00Z", (2026, 9)),
        ("Fed decision in December?", "2027-01-01T00:00:00Z", (2026, 12)),
        ("Fed decision in January?", "2026-12-31T00:00:00Z", (2027, 1)),
        ("Fed decision in January 2027?", None, (2027, 1)),
        ("Fed\x1b decision in\u200b September?", "2026-09-16T12:00:00Z", (2026, 9)),
    ],
)
def test_which_meeting(title, end, meeting):
    event = json.loads(polymarket(polymarket_market("No change"), title=title))[1] | {"endDate": end}
    quote = parse(json.dumps([event]).encode())[0]
    assert (quote.year, quote.month) == meeting


def test_yes_is_found_where_it_stands():
    turned = {"outcomes": '["No","Yes"]', "outcomePrices": '["0.395","0.605"]', "clobTokenIds": '["8","9"]'}
    quote = parse(polymarket(polymarket_market("No change", **turned)))[0]
    assert (quote.contract, quote.mark) == ("9", 0.605)


@pytest.mark.parametrize("value", [None, "", "[", "[1,2]", ["Yes", "No"], "[" * 5000, '["Yes"', 7])
def test_lists_in_text_that_are_none(value):
    quote = parse(polymarket(polymarket_market("No change", clobTokenIds=value, outcomePrices=value)))[0]
    assert (quote.contract, quote.mark, quote.bid) == ("", None, 0.6)
    with pytest.raises(SourceError):
        parse(polymarket(polymarket_market("No change", outcomes=value if value != ["Yes", "No"] else None)))


@pytest.mark.parametrize(
    "change",
    [{"closed": True}, {"groupItemTitle": "75 points"}, {"groupItemTitle": None}, {"outcomes": '["A","B"]'}],
)
def test_a_market_that_is_none_is_left_out(change):
    odd = polymarket_market("No change", "5") | change
    quotes = parse(polymarket(odd, polymarket_market("25 bps decrease", "6")))
    assert [quote.contract for quote in quotes] == ["6"]


def test_figures_that_are_none():
    market = polymarket_market("No change", bestBid="NA", bestAsk=0, lastTradePrice=3, volume=None)
    quote = parse(polymarket(market))[0]
    assert (quote.bid, quote.ask, quote.last, quote.volume, price(quote)[0]) == (
        None,
        None,
        None,
        None,
        0.605,
    )


def test_no_control_byte_leaves_the_parser():
    event = json.loads(polymarket(polymarket_market("\x1bNo\u200b\x9b change\x00", "1" + HOSTILE)))[1]
    event["slug"] = HOSTILE + "s" * 100_000
    quotes = parse(json.dumps([event]).encode())
    assert quotes[0].label == "No change"
    assert all(text.isprintable() for quote in quotes for text in (quote.label, quote.event, quote.contract))
    assert max(len(quote.event) for quote in quotes) == 80


@pytest.mark.parametrize(
    "data",
    [
        b"", b"[]", b"{}", b"[{}]", b'[{"title":3}]', b"[1]", POLYMARKET[:300], b'["\xff"]',
        polymarket(polymarket_market("No change"), title="Who will be Fed chair?"), FAULTS["html"].body,
        polymarket(), b'[{"title":"Fed decision in May?","endDate":"2026-05-01T00:00:00Z","markets":[3]}]',
    ],
    ids=range(12),
)  # fmt: skip
def test_what_cannot_be_used_says_so(data):
    with pytest.raises(SourceError, match="Polymarket"):
        parse(data)


async def refresh(monkeypatch, *script, times=1):
    async with RestServer(*script) as server:
        monkeypatch.setenv("ROTATION_TUI_POLYMARKET_REST_URL", server.url)
        async with CachedClient(clock_ns=lambda: NOW_NS, sleep=no_wait, random=lambda: 0.0) as client:
            source = Polymarket(client)
            for _ in range(times):
                got = await source.refresh()
    return got, [asked.path for asked in server.requests]


async def test_refresh_discovers_by_tag(monkeypatch):
    got, paths = await refresh(monkeypatch)
    assert paths == ["/events?tag_slug=fomc&closed=false&limit=100"]
    assert (len(got.value), got.state, got.error) == (5, "LIVE", "")


@pytest.mark.parametrize("name", ["429", "500", "cut", "html", "empty", "missing", "utf8", "huge"])
async def test_every_fault_keeps_the_quotes(monkeypatch, name):
    got, _ = await refresh(monkeypatch, ok(POLYMARKET), FAULTS[name], times=2)
    assert len(got.value) == 5
    assert got.error


# Frames


def test_the_subscription():
    wanted = {"assets_ids": ["1", "2"], "type": "market", "custom_feature_enabled": True}
    assert json.loads(subscription({"2", "1"})) == wanted


def test_a_book_gives_the_best_of_each_side():
    # Bids come from the worst to the best, asks the other way round: neither order is relied on.
    assert parse_frame(book("1001")) == [TokenQuote("1001", 0.6, 0.61, None, 1_757_908_892_351_000_000, True)]
    bare = {"asset_id": "7", "bids": [], "asks": [{"price": ".53", "size": "60"}]}
    assert parse_frame(json.dumps(bare)) == [TokenQuote("7", 0.0, 0.53, is_book=True)]
    gone = bare | {"asks": [{"price": ".52", "size": "0"}, {"price": ".53", "size": "60"}]}
    assert parse_frame(json.dumps(gone))[0].ask == 0.53


def test_a_type_is_not_needed():
    frames = [
        price_change("7", "0.5", "1"),
        trade("7", "0.456"),
        best_bid_ask("7", "0.73", "0.77"),
        book("7"),
    ]
    for frame in frames:
        message = json.loads(frame)
        message = message[0] if isinstance(message, list) else message
        message.pop("event_type", None)
        result = parse_frame(json.dumps(message))
        assert result == parse_frame(frame)
        assert len(result) == 1


def test_a_price_change_tells_the_best_of_each_token():
    quote = parse_frame(price_change("7", "0.5", "1"))[0]
    assert (quote.bid, quote.ask, quote.last, quote.is_book) == (0.5, 1.0, None, False)
    both = json.loads(price_change("7", "0.5", "0.6"))
    both["price_changes"].append(both["price_changes"][0] | {"asset_id": "8", "best_bid": "0.4"})
    both["price_changes"].append({"asset_id": "9", "price": "0.5", "size": "1", "side": "BUY"})
    assert [(quote.token, quote.bid) for quote in parse_frame(json.dumps(both))] == [("7", 0.5), ("8", 0.4)]


@pytest.mark.parametrize(
    "frame",
    [
        "PONG",
        b"PONG",
        "",
        "[]",
        '{"event_type":"new_market","asset_id":"7"}',
        '{"event_type":"tick_size_change"}',
        "{}",
    ],
)
def test_frames_that_say_nothing_of_prices(frame):
    assert parse_frame(frame) == []


@pytest.mark.parametrize(
    "frame", ["{", '"text"', "3", "[3]", b"\xff", '{"price_changes":3}', "[" * 100_000, "null"], ids=range(8)
)
def test_garbage_says_so(frame):
    with pytest.raises(SourceError, match="Polymarket stream"):
        parse_frame(frame)


@pytest.mark.parametrize(
    "change",
    [{"best_bid": "NA"}, {"best_ask": None}, {"best_bid": "0.9", "best_ask": "0.1"}, {"asset_id": "\x1b[31m"},
     {"asset_id": 7}, {"asset_id": "7" * 100}, {"best_ask": "1.2"}],
)  # fmt: skip
def test_an_entry_that_cannot_be_is_left_out(change):
    assert parse_frame(json.dumps(json.loads(best_bid_ask("7", "0.1", "0.2")) | change)) == []


# Stream


class Time:
    """A clock the test moves: whoever sleeps wakes when it is passed."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.asked: asyncio.Queue[float] = asyncio.Queue()
        self._sleeping: list[tuple[float, asyncio.Event]] = []

    def monotonic(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        wake = asyncio.Event()
        self._sleeping.append((self.now_s + seconds, wake))
        self.asked.put_nowait(seconds)
        await wake.wait()

    def pass_s(self, seconds: float) -> None:
        self.now_s += seconds
        for at_s, wake in self._sleeping:
            if at_s <= self.now_s:
                wake.set()
        self._sleeping = [each for each in self._sleeping if each[0] > self.now_s]

    async def slept(self, seconds: float) -> None:
        """Wait until somebody has asked to sleep this long."""
        while await self.asked.get() != seconds:
            pass


@contextlib.asynccontextmanager
async def running(monkeypatch, *scripts, tokens=("1001",)):
    """A server with these scripts, a stream to it, and a queue of what the stream says."""
    time = Time()
    message: asyncio.Queue[object] = asyncio.Queue()
    async with PolymarketServer(*scripts) as server:
        monkeypatch.setenv("ROTATION_TUI_POLYMARKET_STREAM_URL", server.url)
        stream = PolymarketStream(
            tokens,
            time=clock.Time(
                monotonic=time.monotonic, sleep=time.sleep, random=lambda: 0.5, clock_ns=lambda: NOW_NS
            ),
        )

        async def drive():
            async for event in stream.events():
                message.put_nowait(event)
            message.put_nowait(None)

        task = asyncio.create_task(drive())
        try:
            async with asyncio.timeout(LIMIT_S):
                yield stream, server, time, message
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def status(events, state):
    while True:
        event = await events.get()
        if isinstance(event, Status) and event.state == state:
            return event.detail


async def test_live_quotes_are_merged(monkeypatch):
    async with running(monkeypatch, SCRIPTS["ok"]) as (stream, server, _, message):
        quotes = [await message.get() for _ in range(4)]
        assert quotes.pop(1) == Status(Kind.LIVE, "1 of 1 book")
        assert [(q[0].bid, q[0].ask, q[0].last) for q in quotes] == [
            (0.6, 0.61, None), (0.62, 0.63, None), (0.62, 0.63, 0.63),
        ]  # fmt: skip
        assert server.subscriptions == [
            {"assets_ids": ["1001"], "type": "market", "custom_feature_enabled": True}
        ]
        assert stream.quotes["1001"].last == 0.63


async def test_the_newest_by_the_venues_time_wins_and_strangers_are_left_out(monkeypatch):
    late = price_change("1001", "0.10", "0.20", ts_ms=1_757_908_892_000)
    script = (book("1001"), late, book("666"), trade("1001", "0.605"), STAY)
    async with running(monkeypatch, script) as (stream, _, _, message):
        while not isinstance(event := await message.get(), tuple) or event[0].last is None:
            pass
        assert stream.quotes == {"1001": TokenQuote("1001", 0.6, 0.61, 0.605, event[0].ts_ns)}


async def test_a_ping_every_ten_seconds(monkeypatch):
    async with running(monkeypatch, SCRIPTS["ok"]) as (_, server, time, message):
        await status(message, "LIVE")
        for _ in range(3):
            await time.slept(PING_S)
            time.pass_s(PING_S)
            assert await server.pings.get() == "PING"


async def test_a_cut_is_an_outage_and_the_subscription_comes_again(monkeypatch):
    async with running(monkeypatch, SCRIPTS["cut"], SCRIPTS["ok"]) as (_, server, time, message):
        await status(message, "LIVE")
        assert (await status(message, "OFFLINE")).endswith("next try in 1s")
        await time.slept(0.5)
        time.pass_s(0.5)
        await status(message, "LIVE")
        assert len(server.subscriptions) == 2


async def test_back_off_grows_while_nothing_is_healthy(monkeypatch):
    async with running(monkeypatch, (ABORT,)) as (_, server, time, message):
        for seconds in (0.5, 1.0, 2.0, 4.0):
            await status(message, "OFFLINE")
            await time.slept(seconds)
            time.pass_s(seconds)
        assert len(server.subscriptions) >= 4


async def test_a_minute_of_good_data_ends_the_back_off(monkeypatch):
    async with running(monkeypatch, (ABORT,), SCRIPTS["ok"], (ABORT,)) as (stream, server, time, message):
        await time.slept(0.5)
        time.pass_s(0.5)
        await status(message, "LIVE")
        for count in range(1, 7):
            await time.slept(PING_S)
            time.pass_s(PING_S)
            await server.pings.get()
            assert (stream._pace._failures.get(stream.name, 0) == 0) == (count == 6)
        assert stream._pace.failed(stream.name, 0.0) == 0.5


async def test_a_mute_socket_is_left(monkeypatch):
    async with running(monkeypatch, SCRIPTS["mute"], SCRIPTS["ok"]) as (_, server, time, message):
        await time.slept(PING_S)
        for _ in range(4):
            time.pass_s(PING_S)
            await time.asked.get()
        time.pass_s(60)
        await status(message, "LIVE")
        assert len(server.subscriptions) == 2


async def test_a_socket_that_falls_silent_after_good_data_is_left(monkeypatch):
    async with running(monkeypatch, (book("1001"), MUTE), SCRIPTS["ok"]) as (_, server, time, message):
        await status(message, "LIVE")
        for _ in range(4):
            await time.slept(PING_S)
            time.pass_s(PING_S)
        await status(message, "OFFLINE")
        time.pass_s(60)
        await status(message, "LIVE")
        assert len(server.subscriptions) == 2


def test_only_data_moves_the_clock_of_data():
    stream = PolymarketStream(["1001"], time=clock.Time(monotonic=lambda: 50.0))
    for frame in ("PONG", "{garbage", book("666"), '{"event_type":"new_market"}'):
        stream._take(frame)
    assert stream._data_s == 0.0
    stream._take(book("1001"))
    assert stream._data_s == 50.0


async def test_pongs_alone_are_not_data(monkeypatch):
    # PONG proves the socket, not the subscription: the clock of data starts when it was sent.
    async with running(monkeypatch, SCRIPTS["quiet"], SCRIPTS["ok"]) as (_, server, time, message):
        passed = 0.0
        while passed <= FIRST_S:
            await time.slept(PING_S)
            time.pass_s(PING_S)
            passed += PING_S
            if passed <= FIRST_S:
                await server.pings.get()
        await status(message, "OFFLINE")
        time.pass_s(60)
        await status(message, "LIVE")
        assert FIRST_S < QUIET_S


async def test_garbage_is_counted_and_survived(monkeypatch):
    async with running(monkeypatch, SCRIPTS["garbage"]) as (stream, server, _, message):
        await status(message, "LIVE")
        assert stream.rejected == 5
        assert len(server.subscriptions) == 1


async def test_a_book_that_is_missing_after_an_outage_leaves_a_gap(monkeypatch):
    both = (book("1001"), book("1002"), ABORT)
    late = (book("1001"), book("1002"), STAY)
    async with running(monkeypatch, both, late, tokens=("1001", "1002")) as (_, _, time, message):
        await status(message, "OFFLINE")
        await time.slept(0.5)
        time.pass_s(0.5)
        assert await status(message, "GAPPED") == "1 of 2 books"
        assert await status(message, "LIVE") == "2 of 2 books"


@pytest.mark.parametrize("code", [401, 403, 404])
async def test_a_refusal_is_asked_again_slowly(monkeypatch, code):
    """Without a key there is nothing that it could be about: it once ended the stream until a restart."""
    async with running(monkeypatch, Refuse(code), SCRIPTS["ok"]) as (_, server, time, message):
        assert await status(message, "OFFLINE") == f"HTTP {code}; next try in 30s"
        await time.slept(30.0)
        time.pass_s(30.0)
        await status(message, "LIVE")
        assert server.upgrades == 2


async def test_retry_after_is_the_floor(monkeypatch):
    async with running(monkeypatch, Refuse(429, "42"), SCRIPTS["ok"]) as (_, _, time, message):
        assert await status(message, "OFFLINE") == "HTTP 429; next try in 42s"
        await time.slept(42.0)
        time.pass_s(42.0)
        await status(message, "LIVE")


async def test_nobody_listens(monkeypatch):
    async with PolymarketServer((STAY,)) as server:
        url = server.url
    monkeypatch.setenv("ROTATION_TUI_POLYMARKET_STREAM_URL", url)
    stream = PolymarketStream(["1"], time=clock.Time(sleep=no_wait, random=lambda: 0.0))
    events = stream.events()
    event = await anext(events)
    await events.aclose()
    assert (event.state, event.detail[:18]) == ("OFFLINE", "connection refused")


async def test_without_tokens_nobody_is_asked():
    assert [event async for event in PolymarketStream([]).events()] == []


def test_a_wrong_address_is_said_at_once(monkeypatch):
    monkeypatch.setenv("ROTATION_TUI_POLYMARKET_STREAM_URL", "http://h")
    with pytest.raises(InputError, match="ROTATION_TUI_POLYMARKET_STREAM_URL"):
        PolymarketStream(["1"])
