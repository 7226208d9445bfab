"""Alpaca's REST: closed days only, page after page, within the account's calls a minute.

The server is judged by Alpaca's own client, in a process of its own.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from datetime import date
from urllib.parse import parse_qs, urlsplit

import pytest

from feeds.errors import SourceError
from feeds.history.daily import last_settled
from feeds.http.cached import CachedClient
from feeds.http.client import TRIES
from feeds.http.quota import Quota
from feeds.vendors.alpaca.keys import AlpacaKeys
from feeds.vendors.alpaca.rest import AT_ONCE, AlpacaRest
from feeds.vendors.alpaca.stream import Alpaca
from rotation.quote import NS, Quote, Role
from rotation.sessions import close_ns, open_ns, sessions_between
from tests.support.servers.alpaca import AlpacaRestServer, Tape, midnight_ns, rfc3339
from tests.support.servers.rest import FAULTS, Reply, fault, ok

KEYS = AlpacaKeys("PKTEST", "secret")
DAY = date(2024, 7, 16)
MINUTE = 60 * NS
TRADED_NS = open_ns(DAY) + 90 * NS
EVENING_NS = close_ns(DAY) + 60 * MINUTE


class Clock:
    """Time that passes only where somebody waits."""

    def __init__(self, now_ns: int = EVENING_NS) -> None:
        self.now_ns = now_ns
        self.waited: list[float] = []

    def __call__(self) -> int:
        return self.now_ns

    def monotonic(self) -> float:
        return self.now_ns / NS

    async def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.now_ns += int(seconds * NS)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def rest(clock, monkeypatch):
    """Makes a client of a server."""
    clients = []

    def make(server, feed="iex"):
        monkeypatch.setenv("ROTATION_TUI_ALPACA_REST_URL", server.url)
        http = CachedClient(clock_ns=clock, monotonic=clock.monotonic, sleep=clock.sleep, random=lambda: 0.0)
        clients.append(http)
        return AlpacaRest(KEYS, http.client, feed=feed, clock_ns=clock)

    yield make
    for http in clients:
        await http.aclose()


def days(first: date, last: date, price: float = 200.0) -> list[tuple[date, float]]:
    return [(day, price + place) for place, day in enumerate(sessions_between(first, last))]


def query(server, place=-1) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(server.requests[place].path).query).items()}


async def collect(pages):
    return [page async for page in pages]


async def test_daily_bars(rest, clock):
    tape = Tape({"IWM": days(date(2024, 7, 1), DAY), "QQQ": days(date(2024, 7, 10), DAY, 490.0)})
    async with AlpacaRestServer(tape, now_ns=clock.now_ns) as server:
        pages = await collect(rest(server).daily_bars(["QQQ", "IWM"], date(2024, 7, 1), DAY))
    asked = query(server)
    assert (len(pages), pages[0].resume, pages[0].rejected) == (1, "", 0)
    bars = pages[0].bars
    assert [bar.session for bar in bars if bar.symbol == "IWM"] == sessions_between(date(2024, 7, 1), DAY)
    assert len(bars) == 11 + 5
    last = bars[10]
    assert (last.symbol, last.session, last.close, last.volume) == ("IWM", DAY, 210.0, 1_000_000)
    assert (last.open, last.high, last.low) == (210.0, 212.1, 207.9)
    assert asked == {
        "symbols": "IWM,QQQ", "timeframe": "1Day", "start": "2024-07-01T04:00:00Z",
        "end": "2024-07-16T04:00:00Z",
        "adjustment": "split", "feed": "sip", "limit": "10000", "sort": "asc",
    }  # fmt: skip
    assert server.requests[0].headers["apca-api-key-id"] == "PKTEST"
    assert server.requests[0].headers["apca-api-secret-key"] == "secret"
    assert "secret" not in server.requests[0].path


@pytest.mark.parametrize(
    ("after_close_ns", "last"),
    [
        (-60 * MINUTE, date(2024, 7, 15)),
        (0, date(2024, 7, 15)),
        (5 * MINUTE, date(2024, 7, 15)),
        (60 * MINUTE, DAY),
    ],
)
async def test_a_day_that_forms_is_none(rest, clock, after_close_ns, last):
    """Before the close, and while the auction may still print, today is not there; nor is it asked for."""
    clock.now_ns = close_ns(DAY) + after_close_ns
    assert last_settled(clock.now_ns) == last
    tape = Tape({"IWM": days(date(2024, 7, 10), DAY)})
    async with AlpacaRestServer(tape, now_ns=clock.now_ns) as server:
        pages = await collect(rest(server).daily_bars(["IWM"], date(2024, 7, 10), date(2024, 7, 31)))
        assert query(server)["end"] == f"{last}T04:00:00Z"
    assert max(bar.session for bar in pages[0].bars) == last


async def test_a_server_that_sends_today_is_not_believed(rest, clock):
    clock.now_ns = close_ns(DAY) - MINUTE
    rows = [
        {"t": rfc3339(midnight_ns(day)), "o": 1, "h": 1, "l": 1, "c": 1, "v": 1}
        for day in (date(2024, 7, 15), DAY)
    ]
    body = json.dumps({"bars": {"IWM": rows, "TSLA": rows}, "next_page_token": None}).encode()
    async with AlpacaRestServer(Tape(), ok(body)) as server:
        pages = await collect(rest(server).daily_bars(["IWM"], date(2024, 7, 10), DAY))
    assert [(bar.symbol, bar.session) for bar in pages[0].bars] == [("IWM", date(2024, 7, 15))]


async def test_nothing_closed_is_nothing_asked(rest, clock):
    clock.now_ns = open_ns(DAY)
    async with AlpacaRestServer(Tape()) as server:
        assert await collect(rest(server).daily_bars(["IWM"], DAY, DAY)) == []
    assert server.requests == []


async def test_winter_and_summer_begin_at_new_yorks_midnight(rest, clock):
    tape = Tape({"IWM": days(date(2024, 3, 7), date(2024, 3, 13))})  # clocks go forward on the 10th
    async with AlpacaRestServer(tape, now_ns=clock.now_ns) as server:
        pages = await collect(rest(server).daily_bars(["IWM"], date(2024, 3, 8), date(2024, 3, 12)))
    assert (query(server)["start"], query(server)["end"]) == ("2024-03-08T05:00:00Z", "2024-03-12T04:00:00Z")
    assert [bar.session.day for bar in pages[0].bars] == [8, 11, 12]


async def test_a_split_overnight_rescales_what_was_before(rest, clock):
    """History comes on one scale; the snapshot's day before is raw, and so tells of the split."""
    ex = DAY
    raw = [(date(2024, 7, 12), 400.0), (date(2024, 7, 15), 404.0), (DAY, 202.0)]
    latest = {"t": rfc3339(open_ns(DAY)), "p": 202.5, "s": 100, "c": ["@"], "i": 7, "z": "B"}
    tape = Tape({"IWM": raw}, {"IWM": (ex, 2.0)}, latest={"IWM": latest})
    async with AlpacaRestServer(tape, now_ns=clock.now_ns) as server:
        client = rest(server)
        pages = await collect(client.daily_bars(["IWM"], date(2024, 7, 12), DAY))
        assert [bar.close for bar in pages[0].bars] == [200.0, 202.0, 202.0]
        tape.days["IWM"] = raw[:-1]  # the morning of the ex-date: the day before as it was traded
        seen = await client.snapshots(["IWM"])
    assert (seen["IWM"].previous.session, seen["IWM"].previous.close) == (date(2024, 7, 15), 404.0)
    assert seen["IWM"].quote == Quote("IWM", open_ns(DAY), 202.5, 7, 100)


async def test_pages_and_batches_in_order(rest, clock):
    names = [f"S{number:03}" for number in range(AT_ONCE + 5)]
    names = [name.replace("0", "A").replace("1", "B") for name in names]
    tape = Tape({name: days(date(2024, 7, 9), DAY) for name in names})
    async with AlpacaRestServer(tape, page_max=500, now_ns=clock.now_ns) as server:
        pages = await collect(rest(server).daily_bars(names, date(2024, 7, 9), DAY))
    assert [page.resume for page in pages] == ["0:500", "0:1000", "1:", ""]
    assert sum(len(page.bars) for page in pages) == 6 * len(names)
    assert len({(bar.symbol, bar.session) for page in pages for bar in page.bars}) == 6 * len(names)


async def test_every_page_can_be_resumed(rest, clock):
    names = [f"S{letter}" for letter in "ABCDEFGH"]
    tape = Tape({name: days(date(2024, 7, 1), DAY) for name in names})
    async with AlpacaRestServer(tape, page_max=30, now_ns=clock.now_ns) as server:
        client = rest(server)
        whole = await collect(client.daily_bars(names, date(2024, 7, 1), DAY))
        for kept, page in enumerate(whole[:-1]):
            more = await collect(client.daily_bars(names, date(2024, 7, 1), DAY, resume=page.resume))
            assert more == whole[kept + 1 :]
        for nonsense in ("x", "9:", "-1:", "0:", ":", "\u0661:"):
            assert await collect(client.daily_bars(names, date(2024, 7, 1), DAY, resume=nonsense)) == whole


async def test_a_fault_in_the_middle_leaves_what_came(rest, clock):
    tape = Tape({"IWM": days(date(2024, 7, 1), DAY)})
    script = (Reply(), FAULTS["cut"], FAULTS["cut"], FAULTS["cut"], Reply())
    async with AlpacaRestServer(tape, *script, page_max=6, now_ns=clock.now_ns) as server:
        client = rest(server)
        pages = client.daily_bars(["IWM"], date(2024, 7, 1), DAY)
        kept = [await anext(pages)]
        with pytest.raises(SourceError, match="Alpaca: the connection was cut"):
            await anext(pages)
        clock.now_ns += 60 * NS
        kept += await collect(client.daily_bars(["IWM"], date(2024, 7, 1), DAY, resume=kept[-1].resume))
    assert [bar.session for page in kept for bar in page.bars] == sessions_between(date(2024, 7, 1), DAY)


@pytest.mark.parametrize("token", ["same", "x" * 500, "a\x1b[2J", "é"])
async def test_a_page_that_never_ends_does(rest, clock, token):
    body = json.dumps({"bars": {}, "next_page_token": token}).encode()
    async with AlpacaRestServer(Tape(), ok(body)) as server:
        with pytest.raises(SourceError, match=r"Alpaca: a page (with|that)") as caught:
            await collect(rest(server).daily_bars(["IWM"], date(2024, 7, 1), DAY))
    assert str(caught.value).isprintable()
    assert len(server.requests) <= 2


@pytest.mark.parametrize(
    "change",
    [
        {"c": None}, {"c": "NA"}, {"c": 0}, {"c": -1.0}, {"o": 1e308}, {"h": 1.0}, {"l": 300.0}, {"v": -1},
        {"v": None}, {"t": "2024-07-14T04:00:00Z"}, {"t": "today"}, {"t": ""}, {"c": True}, {"v": 1e300},
    ],
)  # fmt: skip
async def test_rows_that_are_none_are_counted(rest, clock, change):
    good = {
        "t": "2024-07-15T04:00:00Z",
        "o": 200,
        "h": 202.5,
        "l": 199,
        "c": 201,
        "v": 10,
        "n": 1,
        "vw": 200.5,
    }
    body = json.dumps(
        {"bars": {"IWM": [good, good | {"t": "2024-07-12T04:00:00Z"} | change], "QQQ": None}}
    ).encode()
    async with AlpacaRestServer(Tape(), ok(body)) as server:
        pages = await collect(rest(server).daily_bars(["IWM", "QQQ"], date(2024, 7, 1), DAY))
    assert ([bar.close for bar in pages[0].bars], pages[0].rejected) == ([201.0], 1)


# The account's calls a minute


def limits(left: int, reset_ns: int, **more: str) -> Reply:
    fields = {"x_ratelimit_limit": "200", "x_ratelimit_remaining": str(left)}
    return Reply(headers=ok(**fields, x_ratelimit_reset=str(reset_ns // NS), **more).headers)


async def test_history_waits_for_the_minute_to_end(rest, clock):
    """Twenty calls stay for the live feed; the minute's rest is waited for, to the reset and no longer."""
    tape = Tape({"IWM": days(date(2024, 7, 1), DAY)})
    reset_ns = clock.now_ns + 37 * NS
    script = (limits(21, reset_ns), limits(20, reset_ns), limits(199, reset_ns + 60 * NS))
    async with AlpacaRestServer(tape, *script, page_max=4, now_ns=clock.now_ns) as server:
        client = rest(server)
        await collect(client.daily_bars(["IWM"], date(2024, 7, 1), DAY))
        assert clock.waited == [37.25]
        await client.snapshots(["IWM"])
    assert clock.waited == [37.25]


async def test_snapshots_take_the_last_calls(rest, clock):
    async with AlpacaRestServer(Tape(), limits(1, clock.now_ns + 50 * NS)) as server:
        client = rest(server)
        await client.snapshots(["IWM"])
        await client.snapshots(["IWM"])
    assert clock.waited == []


async def test_429_waits_for_the_reset(rest, clock):
    tape = Tape({"IWM": days(date(2024, 7, 15), DAY)})
    fields = {"x_ratelimit_limit": "200", "x_ratelimit_remaining": "0"}
    refusal = fault(429, **fields, x_ratelimit_reset=str((clock.now_ns + 41 * NS) // NS))
    async with AlpacaRestServer(tape, refusal, Reply(), now_ns=clock.now_ns) as server:
        pages = await collect(rest(server).daily_bars(["IWM"], date(2024, 7, 15), DAY))
    assert len(pages[0].bars) == 2
    assert (len(server.requests), clock.waited) == (2, [41.25])


async def test_429_for_ever_ends(rest, clock):
    async with AlpacaRestServer(Tape(), fault(429)) as server:
        with pytest.raises(SourceError, match="Alpaca: HTTP 429"):
            await rest(server).snapshots(["IWM"])
    assert len(server.requests) == TRIES
    assert sum(clock.waited) < 300


def test_what_headers_say_is_bounded():
    """A clock that differs by hours must not stop anybody for hours."""
    for text in ("9999999999", "99999999999999999999", "-5", "soon", "", "1721140800.5", "\u0661" * 10):
        quota = Quota()
        quota.note(429, {"x-ratelimit-remaining": text, "x-ratelimit-reset": text}, EVENING_NS)
        assert 0 <= quota.wait_s(EVENING_NS, 0) <= 60.25
    quota.note(200, {}, EVENING_NS)
    assert quota.wait_s(EVENING_NS, 20) == 0


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_key_says_so_once(rest, clock, status):
    async with AlpacaRestServer(Tape(), fault(status)) as server:
        with pytest.raises(SourceError, match=rf"the keys are wrong, or the plan .* \(HTTP {status}\)"):
            await rest(server).snapshots(["IWM"])
    assert len(server.requests) == 1


@pytest.mark.parametrize("name", ["500", "cut", "html", "empty", "utf8", "huge"])
async def test_every_fault_is_one_error(rest, clock, name):
    """Never an older answer: it was to another question."""
    tape = Tape({"IWM": days(date(2024, 7, 15), DAY)})
    async with AlpacaRestServer(tape, Reply(), FAULTS[name], now_ns=clock.now_ns) as server:
        client = rest(server)
        await collect(client.daily_bars(["IWM"], date(2024, 7, 15), DAY))
        with pytest.raises(SourceError, match="Alpaca: ") as caught:
            await collect(client.daily_bars(["QQQ"], date(2024, 7, 15), DAY))
    assert str(caught.value).isprintable()


# Seed and gaps


def latest(price=221.28, conditions=("@",), ts_ns=TRADED_NS, **more):
    fields = {
        "t": rfc3339(ts_ns),
        "x": "V",
        "p": price,
        "s": 100,
        "c": list(conditions),
        "i": 52983525033527,
        "z": "B",
    }
    return fields | more


async def test_snapshots(rest, clock):
    tape = Tape(latest={"IWM": latest(), "QQQ": latest(495.43, ["@", "I"]), "SPY": latest(None)})
    start = open_ns(DAY)
    tape.minutes = {"QQQ": [(start, 495.0)], "SPY": [(clock.now_ns - 30 * NS, 562.0)]}
    async with AlpacaRestServer(tape) as server:
        newest = await rest(server).snapshots({"IWM", "QQQ", "SPY", "NONE", "^RUT"})
        assert query(server) == {"symbols": "IWM,NONE,QQQ,SPY", "feed": "iex"}
    assert newest.keys() == {"IWM", "QQQ", "SPY"}
    assert newest["IWM"].quote == Quote("IWM", start + 90 * NS, 221.28, 52983525033527, 100)
    # An odd lot came last: the last whole minute is what the print before it left.
    assert (newest["QQQ"].quote.price, newest["QQQ"].quote.ts_ns) == (495.0, start + MINUTE)
    assert newest["SPY"].quote is None  # its minute still forms
    assert newest["IWM"].previous is None


async def test_the_closing_auction_is_one_in_a_snapshot_too(rest, clock):
    """It once was late trading, where a reconnect after the bell asked for the newest print."""
    tape = Tape(latest={"IWM": latest(221.5, [" ", "6"]), "QQQ": latest(495.43, [" ", "T"])})
    async with AlpacaRestServer(tape) as server:
        newest = await rest(server).snapshots({"IWM", "QQQ"})
    assert [newest[name].quote.role for name in ("IWM", "QQQ")] == [Role.CLOSE, Role.PRICE]


@pytest.mark.parametrize(("feed", "seed", "fill"), [
    ("iex", "iex", "iex"), ("sip", "sip", "sip"), ("delayed_sip", "delayed_sip", "sip"),
    ("test", "iex", "iex"),
])  # fmt: skip
async def test_which_feed_is_asked(rest, clock, feed, seed, fill):
    async with AlpacaRestServer(Tape(), now_ns=clock.now_ns + 60 * MINUTE) as server:
        client = rest(server, feed)
        await client.snapshots(["IWM"])
        assert query(server)["feed"] == seed
        await client.minute_bars(["IWM"], clock.now_ns - 60 * MINUTE, clock.now_ns)
        assert query(server)["feed"] == fill


async def test_a_gap_is_filled_minute_by_minute(rest, clock):
    opens = open_ns(DAY)
    tape = Tape(
        minutes={name: [(opens + n * MINUTE, 200.0 + n) for n in range(10)] for name in ("IWM", "QQQ")}
    )
    gap = (opens + 2 * MINUTE + 30 * NS, opens + 5 * MINUTE + 20 * NS)
    async with AlpacaRestServer(tape, page_max=2) as server:
        quotes = await rest(server).minute_bars({"IWM", "QQQ"}, *gap)
    # From the minute in which the connection was lost; the one that still forms is left out.
    expected = [(name, opens + (n + 1) * MINUTE) for n in (2, 3, 4) for name in ("IWM", "QQQ")]
    assert [(quote.symbol, quote.ts_ns) for quote in quotes] == expected
    first = quotes[0]
    assert (first.price, first.high, first.low, first.size) == (202.0, 204.02, 199.98, 5000)
    assert len(server.requests) == 3


async def test_a_gap_within_a_minute_asks_nothing(rest, clock):
    async with AlpacaRestServer(Tape()) as server:
        opens = open_ns(DAY)
        assert await rest(server).minute_bars({"IWM"}, opens + NS, opens + 50 * NS) == ()
    assert server.requests == []


async def test_delayed_consolidated_gaps_end_where_the_free_plan_ends(rest, clock):
    clock.now_ns = open_ns(DAY) + 60 * MINUTE
    tape = Tape(minutes={"IWM": [(open_ns(DAY) + n * MINUTE, 200.0) for n in range(60)]})
    async with AlpacaRestServer(tape, now_ns=clock.now_ns) as server:
        quotes = await rest(server, "delayed_sip").minute_bars({"IWM"}, open_ns(DAY), clock.now_ns)
    assert len(quotes) == 44


async def test_the_vendor_hands_both_on(clock, monkeypatch):
    opens = open_ns(DAY)
    tape = Tape(latest={"IWM": latest()}, minutes={"IWM": [(opens, 221.0)], "BRK.B": [(opens, 400.0)]})
    async with AlpacaRestServer(tape) as server, CachedClient() as http:
        monkeypatch.setenv("ROTATION_TUI_ALPACA_REST_URL", server.url)
        vendor = Alpaca("PKTEST", "secret", http, clock_ns=clock)
        assert [quote.price for quote in await vendor.snapshot(frozenset({"IWM", "QQQ"}))] == [221.28]
        filled = await vendor.backfill(frozenset({"IWM", "BRK-B", "RUT"}), opens, opens + 2 * MINUTE)
        assert query(server)["symbols"] == "BRK.B,IWM"
    collected = [(quote.symbol, quote.ts_ns, quote.price) for quote in filled]
    assert collected == [("BRK-B", opens + MINUTE, 400.0), ("IWM", opens + MINUTE, 221.0)]


async def test_symbols_followed_by_minute_are_compared_by_minute(clock, monkeypatch):
    """A trade within the minute would look like a print that the stream has missed."""
    began = clock.now_ns - 150 * NS
    minutes = {name: [(began - began % MINUTE, 50.0)] for name in ("IWM", "KRE")}
    tape = Tape(latest={"IWM": latest(), "KRE": latest(51.0)}, minutes=minutes)
    async with AlpacaRestServer(tape) as server, CachedClient() as http:
        monkeypatch.setenv("ROTATION_TUI_ALPACA_REST_URL", server.url)
        vendor = Alpaca("PKTEST", "secret", http, first=["IWM"], channels=1, clock_ns=clock, packed=False)
        conversation = vendor.conversation()
        conversation.subscribe(frozenset({"IWM", "KRE"}))
        fields = {"T": "subscription", "trades": ["IWM"], "bars": ["*"]}
        conversation.received(json.dumps([fields]))
        newest = await vendor.snapshot(frozenset({"IWM", "KRE"}))
    assert {quote.symbol: (quote.price, quote.ts_ns % MINUTE) for quote in newest} == {
        "IWM": (221.28, TRADED_NS % MINUTE), "KRE": (50.0, 0),
    }  # fmt: skip


REFEREE = """
from datetime import datetime, timezone
from alpaca.data.enums import Adjustment, DataFeed
from alpaca.data.historical.stock import StockHistoricalDataClient
from alpaca.data.requests import StockBarsRequest, StockSnapshotRequest
from alpaca.data.timeframe import TimeFrame

client = StockHistoricalDataClient("PKTEST", "secret", url_override={url!r})
asked = StockBarsRequest(
    symbol_or_symbols=["IWM", "QQQ"], timeframe=TimeFrame.Day, adjustment=Adjustment.SPLIT,
    start=datetime(2024, 7, 10, tzinfo=timezone.utc), end=datetime(2024, 7, 16, 12, tzinfo=timezone.utc),
    feed=DataFeed.SIP,
)
for name, bars in sorted(client.get_stock_bars(asked).data.items()):
    print(name, len(bars), bars[-1].timestamp.isoformat(), bars[-1].close)
for name, one in client.get_stock_snapshot(StockSnapshotRequest(symbol_or_symbols=["IWM"])).items():
    print(name, one.latest_trade.price, one.latest_trade.timestamp.isoformat(), one.previous_daily_bar.close)
"""


async def test_alpacas_own_client_understands_the_rest_server(clock):
    tape = Tape({"IWM": days(date(2024, 7, 9), DAY), "QQQ": days(date(2024, 7, 9), DAY, 490.0)})
    tape.latest = {"IWM": latest()}
    async with AlpacaRestServer(tape, page_max=3, now_ns=clock.now_ns) as server:
        code = REFEREE.format(url=server.url)
        judge = await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        try:
            out, errors = await asyncio.wait_for(judge.communicate(), 500)
        finally:
            if judge.returncode is None:
                judge.kill()
                await judge.wait()
    assert out.decode().splitlines() == [
        "IWM 5 2024-07-16T04:00:00+00:00 205.0",
        "QQQ 5 2024-07-16T04:00:00+00:00 495.0",
        "IWM 221.28 2024-07-16T13:31:30+00:00 205.0",
    ], errors.decode()
    assert len(server.requests) == 5
