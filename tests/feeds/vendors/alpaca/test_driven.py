"""Alpaca under the driver, against its stream and REST servers: what only it does.

What all vendors share is in the fault table.
"""

from __future__ import annotations

import asyncio
import logging

import pytest

from feeds.clock import Time
from feeds.events import Batch, Correction, Gap, PrintsCorrected, Status, SymbolStates
from feeds.http.cached import CachedClient
from feeds.streaming.feed import StreamFeed
from feeds.vendors.alpaca.stream import Alpaca
from rotation.quote import NS
from rotation.sessions import close_ns, new_york_day, open_ns
from tests.support.servers.alpaca import (
    NOW_NS,
    AlpacaRestServer,
    AlpacaServer,
    Answers,
    Tape,
    cancel,
    correction,
    minute,
    rfc3339,
    status,
    trade,
)
from tests.support.servers.rest import fault
from tests.support.servers.ws import ABORT, READY, STAY, Close, FrameResult, Refuse

KEY, SECRET = "PKDRIVENDRIVEN", "sEcReT/driven+0123456789"
SYMBOLS = ("IWM", "QQQ", "SPY")
FIRST = {"IWM": 221.28, "QQQ": 495.43, "SPY": 562.0}
MINUTE = 60 * NS
LIMIT_S = 500
"""Waits are for events, not for time; this only ends a test that would hang."""
BOTH = pytest.mark.parametrize("packed", [False, True], ids=["json", "msgpack"])


class Held(Time):
    """The scenario's clock moves only by hand; waits cost next to nothing."""

    def __init__(self, now_ns=NOW_NS):
        self.now_ns = now_ns

        async def sleep(_):
            await asyncio.sleep(0.001)

        super().__init__(clock_ns=lambda: self.now_ns, sleep=sleep, random=lambda: 0.5)


class Desk:
    """A feed and its events."""

    def __init__(self, feed):
        self.feed = feed
        self.events = []

    def events_of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def prices(self):
        quotes = [quote for batch in self.events_of(Batch) for quote in batch.quotes]
        ordered = sorted(quotes, key=lambda quote: (quote.ts_ns, quote.seq))
        return {quote.symbol: quote.price for quote in ordered}

    @property
    def states(self):
        return [event.state for event in self.events_of(Status)]

    @property
    def words(self):
        result = self.events_of(SymbolStates)
        return result[-1].by_symbol if result else {}

    async def until(self, condition):
        events = self.feed.events()
        try:
            async with asyncio.timeout(LIMIT_S):
                async for event in events:
                    self.events.append(event)
                    if condition(self):
                        return self
        finally:
            await events.aclose()
        raise AssertionError("the feed ended")


@pytest.fixture
async def desk(monkeypatch):
    """Make a desk of a stream's and a REST server."""
    clients = []

    def make(stream, rest, symbols=SYMBOLS, time=None, closes=None, **options):
        monkeypatch.setenv("ROTATION_TUI_ALPACA_STREAM_URL", stream.url)
        monkeypatch.setenv("ROTATION_TUI_ALPACA_REST_URL", rest.url)
        time = time or Held()
        http = CachedClient(clock_ns=time.clock_ns, sleep=time.sleep)
        clients.append(http)
        vendor = Alpaca(KEY, SECRET, http, clock_ns=time.clock_ns, **{"first": SYMBOLS} | options)
        return Desk(StreamFeed(vendor, symbols, time=time, closes=closes or {}))

    yield make
    for http in clients:
        await http.aclose()


def prints(prices=FIRST, ts_ns=NOW_NS, number=1):
    return [trade(symbol, price, ts_ns, number + n) for n, (symbol, price) in enumerate(prices.items())]


def latest(prices=FIRST, ts_ns=NOW_NS - 30 * NS):
    result = {"x": "V", "s": 100, "c": ["@"], "i": 9, "z": "B"}
    return {symbol: result | {"t": rfc3339(ts_ns), "p": price} for symbol, price in prices.items()}


def is_live(seen, prices):
    return seen.states[-1:] == ["LIVE"] and seen.prices == prices


@BOTH
async def test_seeded_then_live(desk, packed):
    tape = Tape(latest=latest({symbol: price - 1 for symbol, price in FIRST.items()}))
    async with AlpacaServer((READY, prints(), STAY)) as stream, AlpacaRestServer(tape) as rest:
        seen = await desk(stream, rest, packed=packed).until(lambda seen: is_live(seen, FIRST))
        assert stream.clients[0].state["packed"] is packed
    stats = seen.feed.stats()
    assert (stats.subscribed, stats.rejects, stats.gaps, stats.reconnects) == (3, 0, 0, 0)


async def test_a_gap_and_a_minute_that_still_forms(desk):
    """Cut at 10:38:30, back at 10:40:00.12: minutes that are over come by REST, the current one does not.

    Nor does the one that has only just ended, which may lack prints: it comes with a later answer.
    """
    cut_ns, began = NOW_NS - 90 * NS, NOW_NS - NOW_NS % MINUTE
    time = Held(cut_ns)
    closes = {-3: 220.0, -2: 220.5, -1: 221.0, 0: 999.0}
    tape = Tape(
        minutes={symbol: [(began + n * MINUTE, price) for n, price in closes.items()] for symbol in SYMBOLS}
    )
    scripts = (READY, prints(dict.fromkeys(SYMBOLS, 221.0), cut_ns), ABORT), (READY, STAY)
    async with AlpacaServer(*scripts) as stream, AlpacaRestServer(tape) as rest:
        run = desk(stream, rest, time=time)

        def filled(seen):
            if seen.prices:
                time.now_ns = NOW_NS
            has_bars = any(quote.bar_ns for batch in seen.events_of(Batch) for quote in batch.quotes)
            return len(seen.events_of(Gap)) == 1 and seen.feed.stats().gapped == 0 and has_bars

        seen = await run.until(filled)
        assert stream.upgrades == 2
    ends = sorted(
        {quote.ts_ns for batch in seen.events_of(Batch) for quote in batch.quotes if quote.high is not None}
    )
    assert ends[-2:] == [began - 2 * MINUTE, began - MINUTE]
    assert seen.prices == dict.fromkeys(SYMBOLS, 220.5)
    assert max(quote.price for batch in seen.events_of(Batch) for quote in batch.quotes) < 230


async def test_the_bell_divides_the_bars(desk):
    """The minute before the bell, sent at 09:30:01, is pre-market; the first of the session ends at 09:31."""
    opens = open_ns(new_york_day(NOW_NS))
    time = Held(opens + 61 * NS)
    bars = [minute("KRE", 50.0, opens - MINUTE), minute("KRE", 51.0, opens)]
    async with (
        AlpacaServer((READY, *prints(ts_ns=opens + 30 * NS), STAY)) as stream,
        AlpacaRestServer(Tape()) as rest,
    ):
        run = desk(stream, rest, symbols=(*SYMBOLS, "KRE"), time=time, channels=3)
        task = asyncio.create_task(run.until(lambda seen: seen.prices.get("KRE") == 51.0))
        await stream.until(lambda: stream.clients and stream.clients[0].state.get("bars"))
        await stream.tell(bars)
        seen = await task
    quotes = [quote for batch in seen.events_of(Batch) for quote in batch.quotes if quote.symbol == "KRE"]
    assert [(quote.price, quote.ts_ns) for quote in quotes] == [(50.0, opens), (51.0, opens + MINUTE)]
    assert {quote.bar_ns for quote in quotes} == {MINUTE}


async def test_a_split_overnight_needs_a_second_print_and_the_vendor_s_word(desk):
    """The close before was on another scale: at half of it even two prints wait until a snapshot agrees."""
    halves = [trade("IWM", 110.7, NOW_NS, 1), trade("IWM", 110.8, NOW_NS + NS, 2)]
    async with (
        AlpacaServer((READY, halves, STAY)) as stream,
        AlpacaRestServer(Tape(latest=latest({"IWM": 110.75}, NOW_NS))) as rest,
    ):
        run = desk(stream, rest, symbols=("IWM",), closes={"IWM": 221.28})
        seen = await run.until(lambda seen: seen.prices == {"IWM": 110.8})
    assert seen.feed.stats().rejects == 0


async def test_corrections_after_the_close_are_handed_on(desk):
    after = close_ns(new_york_day(NOW_NS)) + 10 * MINUTE
    frames = (prints(ts_ns=after), cancel("IWM", ts_ns=after), correction("QQQ", ts_ns=after))
    async with AlpacaServer((READY, *frames, STAY)) as stream, AlpacaRestServer(Tape()) as rest:
        seen = await desk(stream, rest, time=Held(after)).until(
            lambda seen: sum(len(each.corrections) for each in seen.events_of(PrintsCorrected)) == 2
        )
    assert [each for event in seen.events_of(PrintsCorrected) for each in event.corrections] == [
        Correction("IWM", after, 1),
        Correction("QQQ", after, 1, has_replacement=True),
    ]


async def test_a_halt_and_its_end(desk):
    frames = (
        prints(),
        status("IWM", "2", NOW_NS),
        status("QQQ", "H", NOW_NS),
        status("QQQ", "T", NOW_NS + 1),
    )
    async with AlpacaServer((READY, *frames, STAY)) as stream, AlpacaRestServer(Tape()) as rest:
        seen = await desk(stream, rest).until(
            lambda seen: seen.words.get("IWM") == "HALTED" and "QQQ" not in seen.words and seen.prices
        )
    assert seen.prices == FIRST


async def test_legs_by_trade_the_rest_by_minute(desk):
    others = tuple(f"R{number:03}" for number in range(100))
    started = NOW_NS - NOW_NS % MINUTE - MINUTE
    async with AlpacaServer() as stream, AlpacaRestServer(Tape()) as rest:
        run = desk(stream, rest, symbols=SYMBOLS + others)
        task = asyncio.create_task(run.until(lambda seen: is_live(seen, FIRST | dict.fromkeys(others, 20.0))))
        await stream.until(lambda: stream.clients and stream.clients[0].state.get("bars"))
        await stream.tell(prints(), [minute(symbol, 20.0, started) for symbol in (*others, "TSLA", "IWM")])
        seen = await task
        assert stream.clients[0].state["trades"] == set(SYMBOLS)
    assert seen.feed.stats().subscribed == 103


async def test_a_limit_says_which_are_not_followed(desk):
    """Their prices come from the snapshot, once, and are marked for what they are."""
    seeded = {"KRE": 50.0, "DIA": 409.5}
    script = (READY, prints(), STAY)
    async with (
        AlpacaServer(script, channels=3, every_bar=False) as stream,
        AlpacaRestServer(Tape(latest=latest(seeded))) as rest,
    ):
        run = desk(stream, rest, symbols=(*SYMBOLS, *seeded), channels=3)
        seen = await run.until(lambda seen: is_live(seen, FIRST | seeded))
    assert seen.words == {"KRE": "OFFLINE", "DIA": "OFFLINE"}
    assert seen.events_of(Status)[-1].detail.startswith("3 of 5 symbols, the vendor's limit")


@pytest.mark.parametrize("code", [401, 402, 409, 410, 411])
@BOTH
async def test_a_fatal_answer_is_final(desk, code, packed):
    script = (Answers(auth=(code,)), STAY) if code != 410 else (Answers(subscribe=(410,)), STAY)
    async with AlpacaServer(script) as stream, AlpacaRestServer(Tape()) as rest:
        seen = await desk(stream, rest, packed=packed).until(lambda seen: seen.states[-1:] == ["AUTH_FAILED"])
        assert (stream.upgrades, stream.authentications) == (1, 1)
    assert seen.events_of(Status)[-1].detail.endswith(f"({code})")


@BOTH
async def test_406_is_asked_again_on_the_same_socket(desk, packed):
    script = (Answers(auth=(406, 406)), READY, prints(), STAY)
    async with AlpacaServer(script) as stream, AlpacaRestServer(Tape()) as rest:
        await desk(stream, rest, packed=packed).until(lambda seen: is_live(seen, FIRST))
        assert (stream.upgrades, stream.authentications) == (1, 3)


@pytest.mark.parametrize(
    "script",
    [
        (READY, prints(), {"T": "error", "code": 407, "msg": "slow client"}, ABORT),
        (Answers(auth=(None,)), {"T": "error", "code": 404, "msg": "auth timeout"}, ABORT),
        (Answers(auth=(500,)), FrameResult(1), Close(1011)),
    ],
    ids=["407", "404", "500"],
)
async def test_an_outage_is_come_back_from(desk, script):
    later = {symbol: price + 0.5 for symbol, price in FIRST.items()}
    scripts = script, (READY, prints(later, NOW_NS + NS, 11), STAY)
    async with AlpacaServer(*scripts) as stream, AlpacaRestServer(Tape()) as rest:
        seen = await desk(stream, rest).until(lambda seen: is_live(seen, later))
        assert stream.upgrades == 2
    assert seen.feed.stats().last_reject.startswith("Alpaca says: ")


async def test_the_keys_show_nowhere(desk, caplog):
    """Through refusals, cuts, garbage and a REST that says no, at the most talkative level."""
    caplog.set_level(logging.DEBUG)
    scripts = (
        Refuse(500),
        (READY, ABORT),
        (READY, Close(1011, KEY)),
        (READY, "{not json", b"\xff", {"T": KEY, "S": SECRET}, prints(), STAY),
    )
    async with AlpacaServer(*scripts) as stream, AlpacaRestServer(Tape(), fault(403)) as rest:
        seen = await desk(stream, rest).until(lambda seen: seen.prices == FIRST)
        assert stream.upgrades == 4
        assert rest.requests
    # The servers are ours and speak of everything.
    messages = [seen.getMessage() for seen in caplog.records if not seen.name.startswith("websockets.server")]
    shown = repr((seen.events, seen.feed.stats(), seen.feed, seen.feed.vendor, vars(seen.feed.vendor)))
    assert len(messages) > 4
    for key in (KEY, SECRET):
        assert key not in shown
        assert [line for line in messages if key in line] == []


async def test_an_index_that_alpaca_does_not_have_keeps_nobody_waiting(desk):
    """The default desk has two: they say OFFLINE, the others are live."""
    async with AlpacaServer((READY, prints(), STAY)) as stream, AlpacaRestServer(Tape()) as rest:
        run = desk(stream, rest, symbols=(*SYMBOLS, "RUT", "NDX"))
        seen = await run.until(lambda seen: is_live(seen, FIRST))
    assert seen.words == {"RUT": "OFFLINE", "NDX": "OFFLINE"}
    assert seen.events_of(Status)[-1].detail == "3 of 5 symbols"
