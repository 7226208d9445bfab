"""What may go wrong with a stream, and what must come of it: one table for all vendors.

``SUBJECTS`` says how each vendor speaks, ``FAULTS`` what its server does and what must be true afterwards.
A new vendor is one more Subject. ``python -m tests.support.fault_table`` prints docs/feed-faults.md.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from feeds.errors import SourceError
from feeds.events import (
    Batch,
    ColumnBatch,
    Gap,
    ListedSplits,
    PreviousCloses,
    PrintsReplaced,
    Status,
    SymbolStates,
)
from feeds.streaming.feed import StreamFeed
from feeds.streaming.requests import Reference
from rotation.columns import to_quotes
from rotation.market.session_filter import SessionFilter
from rotation.quote import MINUTE_NS, NS, Quote, Role
from rotation.sessions import close_ns
from tests.support.fake_time import NOW_NS, FakeTime, assert_no_tasks_beyond, driven, settle
from tests.support.hub import faults
from tests.support.servers import alpaca, finnhub, massive, yahoo
from tests.support.servers.alpaca import Answers, cancel, correction, error
from tests.support.servers.massive import array, status
from tests.support.servers.ws import (
    ABORT,
    BAD_UTF8,
    HUGE,
    MUTE,
    NO_PONGS,
    READY,
    STAY,
    Burst,
    Close,
    Refuse,
    WsServer,
)
from tests.support.subjects import ALPACA, FINNHUB, MASSIVE, SYMBOLS, YAHOO, Subject

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    import pytest

SUBJECTS = (YAHOO, ALPACA, MASSIVE, FINNHUB)
FIRST = {"IWM": 221.28, "QQQ": 495.43, "SPY": 562.0}
LATER = {"IWM": 221.5, "QQQ": 495.8, "SPY": 562.25}
NIGHT_NS = NOW_NS + 12 * 3600 * NS
"""22:40 New York: nothing trades, and no silence means anything."""
ONCE_S = 5.0
"""Long enough for the first reconnects."""


def prints(subject: Subject, prices: dict[str, float], after_s: float = 0.0, number: int = 1) -> list[Any]:
    """A frame for each; ``after_s`` the scenario's beginning."""
    now_ns = NOW_NS + int(after_s * NS)
    return [subject.trade(symbol, prices[symbol], now_ns, number + i) for i, symbol in enumerate(prices)]


@dataclass(frozen=True)
class Fault:
    """One line of the table, for every vendor where it applies."""

    name: str
    expected: str
    """What must come of it, in words."""
    scripts: Callable[[Subject], tuple[Any, ...]]
    """One per connection, the last for all that follow."""
    prices: dict[str, float] = field(default_factory=lambda: FIRST)
    """In the end, from what the consumer was given, the last by event time."""
    state: str = "LIVE"
    """In the end."""
    connections: int = 1
    """Tries to connect."""
    seconds: float = ONCE_S
    through: frozenset[str] = frozenset()
    """States that must have been shown on the way."""
    gaps: int = 0
    backoff: tuple[float, ...] = ()
    """Waits between connections, where they are the point."""
    counts: dict[str, int] = field(default_factory=dict)
    """Of ``rotation.feed_stats.FeedStats``."""
    rejects_least: int = 0
    now_ns: int = NOW_NS
    consumer_sleeps: bool = False
    """It reads nothing until the end."""
    only: frozenset[str] = frozenset()
    """Vendors, where it is theirs alone."""
    corrections: int | None = 0
    newest: dict[str, float] = field(default_factory=dict)
    """What REST says a minute ago was."""
    bars: tuple[Quote, ...] = ()
    """What REST has of today."""
    fill_s: float = 0.0
    """How long REST takes for them."""
    refusals: int = 0
    """How often REST refuses them first."""
    ranges: tuple[float, float] | None = None
    """Low and high of IWM in the end, as a market has them; None where they are not the point."""
    incomplete: frozenset[str] | None = None
    """Symbols whose range lacks prints in the end; None where that is not the point."""
    detail: str = ""
    """Part of the last Status's detail."""
    symbol_states: dict[str, str] = field(default_factory=dict)
    """At the end, by symbol, where they are not the feed's state."""

    reference: Reference = field(default_factory=Reference)
    """What the vendor says by REST of the closes and splits behind today's prints."""
    roles: dict[str, Role] = field(default_factory=dict)
    """By symbol what of the last quote that the consumer was given counts."""
    given: tuple[Any, ...] = ()
    """Events that the consumer must have been given."""

    def applies(self, subject: Subject) -> bool:
        return not self.only or subject.name in self.only


class Exchange:
    """A vendor whose REST side knows what has traded: the driver's view of it, without HTTP."""

    def __init__(self, vendor: Any, newest: dict[str, float], time: FakeTime) -> None:
        self._vendor = vendor
        self._time = time
        self.newest = newest
        self.bars: tuple[Quote, ...] = ()
        self.fill_s = 0.0
        self.refusals = 0
        self.is_down = False
        self.asked: list[tuple[frozenset[str], int, int]] = []
        self.compared: list[frozenset[str]] = []
        self.closes: dict[str, float] = {}
        self.splits: dict[str, float] = {}
        self.references: list[date] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._vendor, name)

    async def snapshot(self, symbols: frozenset[str]) -> tuple[Quote, ...]:
        self.compared.append(symbols)
        if self.is_down:
            raise SourceError("down")
        ts_ns = self._time.clock_ns() - 60 * NS
        return tuple(Quote(name, ts_ns, price) for name, price in self.newest.items() if name in symbols)

    async def snapshot_anew(self, symbols: frozenset[str]) -> tuple[Quote, ...]:
        return await self.snapshot(symbols)

    async def reference(self, symbols: frozenset[str], session: date) -> Reference:
        self.references.append(session)
        if self.is_down:
            raise SourceError("down")
        return Reference(self.closes, self.splits)

    async def backfill(self, symbols: frozenset[str], start_ns: int, end_ns: int) -> tuple[Quote, ...]:
        self.asked.append((symbols, start_ns, end_ns))
        if self.fill_s:
            await self._time.sleep(self.fill_s)
        self.refusals -= 1
        if self.is_down or self.refusals >= 0:
            raise SourceError("down")
        return tuple(bar for bar in self.bars if bar.symbol in symbols)


def as_quotes(event: Any) -> Any:
    """The event itself; of columns the Batch that says the same."""
    return Batch(tuple(to_quotes(event.rows))) if isinstance(event, ColumnBatch) else event


class Run:
    """A feed against a server, in time that the test moves, and all that the consumer was given."""

    def __init__(self, subject: Subject, server: WsServer, time: FakeTime, **options: Any) -> None:
        self.subject = subject
        self.server = server
        self.time = time
        self.vendor = Exchange(subject.vendor(), options.pop("newest", FIRST), time)
        reference = options.pop("reference", Reference())
        self.vendor.closes, self.vendor.splits = reference.closes, reference.splits
        for name in ("bars", "fill_s", "refusals"):
            setattr(self.vendor, name, options.pop(name, getattr(self.vendor, name)))
        self.feed = StreamFeed(self.vendor, options.pop("symbols", SYMBOLS), time=time, **options)
        self.events: list[Any] = []
        self.reads = asyncio.Event()
        self.reads.set()

    async def drive(self) -> None:
        async for event in self.feed.events():
            self.events.append(as_quotes(event))
            await self.reads.wait()

    def events_of(self, kind: Any) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def states(self) -> list[str]:
        return [event.state for event in self.events_of(Status)]

    @property
    def detail(self) -> str:
        """Of the last Status."""
        detail: str = self.events_of(Status)[-1].detail
        return detail

    @property
    def symbol_states(self) -> dict[str, str]:
        """Now."""
        changes = self.events_of(SymbolStates)
        return changes[-1].by_symbol if changes else {}

    @property
    def incomplete(self) -> frozenset[str]:
        """Symbols whose range lacks prints, now."""
        changes = self.events_of(SymbolStates)
        return changes[-1].incomplete if changes else frozenset()

    @property
    def quotes(self) -> list[Quote]:
        return [quote for batch in self.events_of(Batch) for quote in batch.quotes]

    @property
    def prices(self) -> dict[str, float]:
        ordered = sorted(self.quotes, key=lambda quote: (quote.ts_ns, quote.seq))
        return {quote.symbol: quote.price for quote in ordered}

    @property
    def range_of_iwm(self) -> tuple[float, float]:
        """Low and high, in a market that was given the same events."""
        session_filter = SessionFilter()
        session_filter.expect(frozenset(SYMBOLS), None)
        for event in self.events_of(Batch | PrintsReplaced):
            if isinstance(event, PrintsReplaced):
                session_filter.forget(event.symbols)
            for quote in event.quotes:
                session_filter.admit(quote, self.time.clock_ns())
        prints = session_filter.prints("IWM", "REGULAR")
        assert prints is not None
        return prints.low, prints.high

    @property
    def gaps(self) -> list[Gap]:
        return self.events_of(Gap)

    @property
    def backoff(self) -> list[float]:
        """All waits but the driver's own seconds."""
        return [seconds for seconds in self.time.slept if seconds != 1.0]


@contextlib.asynccontextmanager
async def running(
    monkeypatch: pytest.MonkeyPatch, subject: Subject, *scripts: Any, now_ns: int = NOW_NS, **options: Any
) -> AsyncIterator[Run]:
    """A Run whose feed has begun. It is ended at the end, and must then have left no task behind."""
    time = FakeTime(now_ns)
    before = asyncio.all_tasks()
    async with subject.server(*scripts) as server:
        monkeypatch.setenv(f"ROTATION_TUI_{subject.name.upper()}_STREAM_URL", options.pop("url", server.url))
        run = Run(subject, server, time, **options)
        async with driven(run.drive(), server.until(lambda: server.clients)):
            yield run
    await settle()
    assert_no_tasks_beyond(before)


def _then(fault: Callable[[Subject], Iterable[Any]]) -> Callable[[Subject], tuple[Any, ...]]:
    """The fault on the first connection, newer prints on the second."""
    return lambda subject: (tuple(fault(subject)), (READY, *prints(subject, LATER, 1, 11), STAY))


def _good(subject: Subject) -> list[Any]:
    return prints(subject, FIRST)


def _bad(*prices: float) -> Callable[[Subject], tuple[Any, ...]]:
    def scripts(subject: Subject) -> tuple[Any, ...]:
        bad = [
            subject.trade("IWM", price, NOW_NS + (i + 1) * NS // 10, 90 + i) for i, price in enumerate(prices)
        ]
        return ((READY, *_good(subject), *bad, STAY),)

    return scripts


def _out_of_order(subject: Subject) -> tuple[Any, ...]:
    older = prints(subject, {symbol: price - 1 for symbol, price in FIRST.items()}, -2, 21)
    return ((READY, *_good(subject), *older, STAY),)


def _burst(subject: Subject) -> tuple[Any, ...]:
    """Thousands of prints a second, each a cent beside the one before."""
    frames = [
        subject.trade(symbol, round(price - 2 + (i % 200) / 100, 2), NOW_NS - (10_000 - i) * 10**6, 1000 + i)
        for i in range(3000)
        for symbol, price in FIRST.items()
    ]
    return ((READY, Burst([*frames, *prints(subject, FIRST, 0, 9001)]), STAY),)


WITHOUT_QQQ = {"IWM": FIRST["IWM"], "SPY": FIRST["SPY"]}
OUTAGE = frozenset({"OFFLINE"})
AGAIN: dict[str, Any] = {"prices": LATER, "connections": 2, "gaps": 1, "through": OUTAGE}
STOPS: dict[str, Any] = {"prices": {}, "state": "AUTH_FAILED", "seconds": 300}
SLOWLY: dict[str, Any] = {"connections": 2, "seconds": 33, "through": OUTAGE, "backoff": (30.0,)}
KEYLESS = frozenset({"Yahoo"})
KEYED = frozenset({"Alpaca", "Massive", "Finnhub"})
SPIKE, STEP, SLIP = (round(FIRST["IWM"] * factor, 2) for factor in (1.3, 1.2, 1.11))
DAY_SO_FAR = tuple(
    Quote("IWM", NOW_NS - minutes * MINUTE_NS, close, size=size, high=high, low=low)
    for minutes, close, high, low, size in ((9, 220.0, 222.0, 217.0, 60_000), (3, 221.0, 221.5, 220.5, 9_000))
)
TAKEN = array(status("max_connections", "Maximum number of connections exceeded"))

BELL_NS = close_ns(date(2024, 7, 16))
AUCTION_NS = BELL_NS + 350 * 10**6


def _auction(subject: Subject) -> tuple[Any, ...]:
    """A print before the bell, and 350 ms after it the closing auction's."""
    auction: dict[str, Callable[[], Any]] = {
        "Yahoo": lambda: yahoo.pricing("IWM", LATER["IWM"], AUCTION_NS // 10**6, day_volume=900),
        "Alpaca": lambda: [alpaca.trade("IWM", LATER["IWM"], AUCTION_NS, 9, c=[" ", "6"])],
        "Massive": lambda: array(massive.trade("IWM", LATER["IWM"], AUCTION_NS // 10**6, 9, c=[8])),
        "Finnhub": lambda: finnhub.trades(finnhub.trade("IWM", LATER["IWM"], AUCTION_NS // 10**6, c=["36"])),
    }
    before = [subject.trade(s, price, BELL_NS - NS, 1 + i) for i, (s, price) in enumerate(FIRST.items())]
    return ((READY, *before, auction[subject.name](), STAY),)


def _lost_auction(subject: Subject) -> tuple[Any, ...]:
    """Prints before the bell, an outage in which the auction prints, and late trades."""
    before = [subject.trade(s, price, BELL_NS - NS, 1 + i) for i, (s, price) in enumerate(FIRST.items())]
    late = [subject.trade(s, price, BELL_NS + 11 * NS, 11 + i) for i, (s, price) in enumerate(LATER.items())]
    return (READY, *before, ABORT), (READY, *late, STAY)


def _odd_lot(subject: Subject) -> tuple[Any, ...]:
    """Prints, and a later trade of seven shares at another price."""
    ts_ns, price = NOW_NS + NS // 10, LATER["IWM"]
    odd: dict[str, Callable[[], Any]] = {
        "Alpaca": lambda: [alpaca.trade("IWM", price, ts_ns, 9, s=7, c=["@", "I"])],
        "Massive": lambda: array(massive.trade("IWM", price, ts_ns // 10**6, 9, s=7, c=[37])),
        "Finnhub": lambda: finnhub.trades(finnhub.trade("IWM", price, ts_ns // 10**6, 7, c=["12"])),
    }
    return ((READY, *_good(subject), odd[subject.name](), STAY),)


def _outside(subject: Subject) -> tuple[Any, ...]:
    """Prints, a market of two cents around the first, and a print far above both."""
    market: dict[str, Callable[[], Any]] = {
        "Alpaca": lambda: [
            {"T": "q", "S": "IWM", "bp": 221.27, "ap": 221.29, "bx": "V", "ax": "V", "t": NOW_NS}
        ],
        "Massive": lambda: array(massive.quoted()),
    }
    far = subject.trade("IWM", round(FIRST["IWM"] * 1.04, 2), NOW_NS + NS // 10, 9)
    return ((READY, *_good(subject), market[subject.name](), far, STAY),)


SPLITS_KNOWN = frozenset({"Yahoo", "Alpaca", "Massive"})
SPLIT_MARKED = (
    "no figure is shown until history has been fetched again (tests/feeds/streaming/test_reference.py)"
)
HALVED = FIRST | {"IWM": round(FIRST["IWM"] / 2, 2)}
ALL, TODAY, BEFORE = frozenset(SYMBOLS), date(2024, 7, 16), date(2024, 7, 15)

LATE_CANCEL = cancel("IWM", 230.13, NOW_NS + 9 * NS, 99)
UNNUMBERED_CANCEL = cancel("IWM", 230.13, NOW_NS + NS) | {"i": None}

FAULTS = (
    Fault("no fault", "live", lambda s: ((READY, *_good(s), STAY),)),
    Fault(
        "close 1000", "an outage like any other", _then(lambda s: (READY, *_good(s), Close(1000))), **AGAIN
    ),
    Fault("abort without a close", "reconnects at once", _then(lambda s: (READY, *_good(s), ABORT)), **AGAIN),
    Fault(
        "accepts, then closes with 1008, every time",
        "back-off with full jitter, 1 → 60 s; never reset, since no connection was ever healthy",
        lambda _: ((Close(1008),),),
        prices={}, state="OFFLINE", seconds=180, connections=11,
        backoff=(0.5, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0, 30.0, 30.0),
    ),
    Fault(
        "HTTP 429 with Retry-After 42",
        "reconnects, but not before 42 s",
        lambda s: (Refuse(429, "42"), (READY, *_good(s), STAY)),
        connections=2, seconds=45, through=OUTAGE, backoff=(42.0,),
    ),
    Fault(
        "HTTP 500", "reconnects at once", lambda s: (Refuse(500), (READY, *_good(s), STAY)),
        connections=2, through=OUTAGE,
    ),
    Fault(
        "HTTP 401, with a key", "stops for good", lambda _: (Refuse(401),), only=KEYED, **STOPS,
    ),
    Fault(
        "HTTP 403 once, without a key",
        "there is no key it could refer to: retried slowly",
        lambda s: (Refuse(403), (READY, *_good(s), STAY)),
        only=KEYLESS, **SLOWLY,
    ),
    Fault(
        "HTTP 404 once", "retried slowly", lambda s: (Refuse(404), (READY, *_good(s), STAY)), **SLOWLY
    ),
    Fault(
        "HTTP 408 and 425, once each",
        "temporary by nature: reconnects at once",
        lambda s: (Refuse(408), Refuse(425), (READY, *_good(s), STAY)),
        connections=3, through=OUTAGE,
    ),
    Fault(
        "a redirect, well formed or not",
        "never followed, so that no key goes with it; retried slowly",
        lambda s: (
            Refuse(302, location="ws://127.0.0.1:9/"),
            Refuse(307, location="ws://a..b/"),
            Refuse(301, location="ws://127.0.0.1:99999/"),
            (READY, *_good(s), STAY),
        ),
        **SLOWLY | {"connections": 4, "seconds": 95, "backoff": (30.0, 30.0, 30.0)},
    ),
    Fault(
        "mute, but answering pings",
        "reconnects after 30 s without data in the regular session",
        _then(lambda s: (READY, *_good(s), MUTE)), **AGAIN | {"seconds": 33},
    ),
    Fault(
        "mute from the first second",
        "the 30 s start at the subscription",
        lambda s: ((READY, MUTE), (READY, *_good(s), STAY)),
        connections=2, seconds=33, through=OUTAGE,
    ),
    Fault(
        "mute all night",
        "no alarm",
        lambda s: ((READY, *_good(s), MUTE),),
        now_ns=NIGHT_NS, state="CLOSED", seconds=1800,
    ),
    Fault(
        "no pongs, at night",
        "reconnects 20 s after the ping",
        lambda s: ((READY, *_good(s), NO_PONGS), (READY, *_good(s), STAY)),
        now_ns=NIGHT_NS, state="CLOSED", connections=2, seconds=45, through=OUTAGE,
    ),
    Fault(
        "every message three times",
        "each counts once",
        lambda s: ((READY, *(frame for frame in _good(s) for _ in range(3)), STAY),),
        counts={"quotes": 3, "duplicates": 6},
    ),
    Fault("out of order", "the last by event time wins", _out_of_order),
    Fault("price 0", "rejected", _bad(0.0)),
    Fault("negative price", "rejected", _bad(-3.0), rejects_least=1),
    Fault("price NaN", "rejected", _bad(float("nan")), rejects_least=1),
    Fault("price 1e308", "rejected", _bad(1e308), rejects_least=1),
    Fault(
        "a spike of 30 %", "waits for a second print, which does not come", _bad(SPIKE, FIRST["IWM"]),
        counts={"rejects": 1},
    ),
    Fault(
        "a true jump of 20 %",
        "two prints are not enough: accepted once a snapshot agrees",
        _bad(STEP, STEP + 0.01),
        newest=FIRST | {"IWM": STEP},
        prices=FIRST | {"IWM": round(STEP + 0.01, 2)}, counts={"rejects": 0},
    ),
    Fault(
        "the same trade sent twice, 20 % off",
        "does not count as a second print",
        lambda s: ((READY, *_good(s), *[s.trade("IWM", STEP, NOW_NS + NS, 90)] * 2, STAY),),
        counts={"rejects": 1, "duplicates": 1},
    ),
    Fault(
        "two bad prints, 11 % off, and back",
        "wait for a snapshot until the next print contradicts them; the day's high is not affected",
        _bad(SLIP, SLIP + 0.01, FIRST["IWM"]),
        bars=DAY_SO_FAR, seconds=8, ranges=(217.0, 222.0), counts={"rejects": 2},
    ),
    Fault(
        "two bad prints, 20 % off",
        "wait for a snapshot, which does not agree",
        _bad(STEP, STEP + 0.01),
        newest=FIRST, counts={"rejects": 2},
    ),
    Fault(
        "two bad prints in a broad fund, 30 % off",
        "wait for a snapshot, which does not agree",
        _bad(SPIKE, SPIKE + 0.01),
        newest=FIRST, counts={"rejects": 2},
    ),
    Fault(
        "a true jump of 30 % in a broad fund",
        "accepted once a snapshot agrees",
        _bad(SPIKE, SPIKE + 0.01),
        newest=FIRST | {"IWM": SPIKE},
        prices=FIRST | {"IWM": round(SPIKE + 0.01, 2)}, counts={"rejects": 0},
    ),
    Fault(
        "a print 50 s ahead of time",
        "waits for its time; the price shown is the current one",
        lambda s: ((READY, *_good(s), s.trade("IWM", 230.0, NOW_NS + 50 * NS, 90), STAY),),
        seconds=20,
    ),
    Fault(
        "all prints 30 s ahead of our clock",
        "confirm each other: accepted, and Health says that our clock is behind",
        lambda s: ((READY, *prints(s, FIRST, 30), STAY),),
        detail="your clock is 30 s behind",
    ),
    Fault(
        "bars of a gap arrive 8 s late, while prints continue",
        "they replace their minutes; meanwhile the price is LIVE and the range a bound",
        lambda s: ((READY, *_good(s), STAY),),
        bars=DAY_SO_FAR, fill_s=8.0, seconds=12, ranges=(217.0, 222.0), incomplete=frozenset(SYMBOLS),
    ),
    Fault(
        "bars of a gap refused once",
        "requested again; they are not too late",
        lambda s: ((READY, *_good(s), STAY),),
        bars=DAY_SO_FAR, refusals=1, ranges=(217.0, 222.0),
    ),
    Fault(
        "bars refused for good",
        "the price stays LIVE; the range is reported as incomplete",
        lambda s: ((READY, *_good(s), STAY),),
        refusals=10**6, seconds=25, incomplete=frozenset(SYMBOLS),
        detail="today's range of 3 incomplete: down",
    ),
    Fault(
        "no fault of its own, but our clock is 75 s behind",
        "reported, measured by the prints; no reconnect, which would not help",
        lambda s: ((READY, *prints(s, FIRST, 75), STAY),),
        prices={}, state="OFFLINE", seconds=25, detail="your clock is 75 s behind", rejects_least=3,
    ),
    Fault(
        "tenfold burst, slow consumer",
        "the reader keeps up; prints are merged, counted and bounded",
        _burst,
        consumer_sleeps=True,
    ),
    Fault("unknown message type", "ignored", lambda s: ((READY, s.unknown, *_good(s), STAY),)),
    Fault(
        "10 MB frame", "disconnects, then reconnects",
        _then(lambda s: (READY, *_good(s), HUGE, STAY)), **AGAIN,
    ),
    Fault(
        "invalid UTF-8", "disconnects, then reconnects",
        _then(lambda s: (READY, *_good(s), BAD_UTF8, STAY)), **AGAIN,
    ),
    Fault(
        "truncated and damaged frames",
        "each rejected and counted; the connection stays up",
        lambda s: ((READY, *s.damaged, *_good(s), STAY),),
        rejects_least=3,
    ),
    Fault(
        "402: wrong key",
        "stops for good",
        lambda _: ((Answers(auth=(402,)), STAY),),
        only=frozenset({"Alpaca"}), **STOPS,
    ),
    Fault(
        "406: connection limit, then success",
        "asked again on the same connection",
        lambda s: ((Answers(auth=(406, 406)), READY, *_good(s), STAY),),
        only=frozenset({"Alpaca"}), seconds=10, through=OUTAGE,
    ),
    Fault(
        "406: connection limit, every time",
        "says why; `auto` moves on after a minute and comes back (tests/feeds/streaming/test_failover.py)",
        lambda _: ((Answers(auth=(406,) * 99), READY, STAY),),
        only=frozenset({"Alpaca"}), prices={}, state="OFFLINE", seconds=180, detail="(406)",
    ),
    Fault(
        "407: slow client, and a cut",
        "reconnects at once",
        _then(lambda s: (READY, *_good(s), error(407), ABORT)),
        only=frozenset({"Alpaca"}), **AGAIN,
    ),
    Fault(
        "409: the plan lacks the feed",
        "stops for good; `auto` moves on to the next best at once, and Health says why"
        " (tests/feeds/desk/test_choose.py)",
        lambda _: ((Answers(auth=(409,)), STAY),),
        only=frozenset({"Alpaca"}), detail="the plan does not include this feed", **STOPS,
    ),
    Fault(
        "405: symbol limit",
        "acknowledged symbols stay, the others are OFFLINE",
        lambda s: ((Answers(subscribe=(405,) * 9), STAY),),
        only=frozenset({"Alpaca"}), prices={}, state="OFFLINE",
        symbol_states=dict.fromkeys(SYMBOLS, "OFFLINE"),
    ),
    Fault(
        "partial acknowledgement",
        "missing symbols are requested again, and are OFFLINE meanwhile",
        lambda s: ((Answers(deaf=frozenset({"QQQ"})), READY, *prints(s, WITHOUT_QQQ), STAY),),
        only=frozenset({"Alpaca"}), prices=WITHOUT_QQQ, symbol_states={"QQQ": "OFFLINE"}, seconds=20,
    ),
    Fault(
        "correction and cancel after the close",
        "passed on, so that the day's bar is fetched again",
        lambda s: ((READY, *_good(s), cancel("IWM", number=7), correction("QQQ"), STAY),),
        only=frozenset({"Alpaca"}), now_ns=NOW_NS + 6 * 3600 * NS, corrections=2,
    ),
    Fault(
        "a print taken back by its number, with the time of the message",
        "dropped if it is still waiting; the symbol is GAPPED at once, until bars have replaced the print",
        lambda s: ((READY, *_good(s), s.trade("IWM", 230.13, NOW_NS + NS, 99), LATE_CANCEL, STAY),),
        only=frozenset({"Alpaca"}), corrections=1,
        symbol_states={"IWM": "GAPPED"}, seconds=20,
    ),
    Fault(
        "a print taken back by its time, without a number",
        "the symbol is marked at once; bars and the other prints take its place"
        " (tests/feeds/streaming/test_corrections.py)",
        lambda s: ((READY, *_good(s), s.trade("IWM", 230.13, NOW_NS + NS, 99), UNNUMBERED_CANCEL, STAY),),
        prices=FIRST | {"IWM": 230.13},  # as the stream gave it: the market forgets it, see the tests named
        only=frozenset({"Alpaca"}), corrections=1,
        symbol_states={"IWM": "GAPPED"}, seconds=20,
    ),
    Fault(
        "max_connections: another session",
        "TAKEN OVER; no reconnect, which would cut off the other session",
        lambda s: ((READY, *_good(s), TAKEN, Close(1008)),),
        only=frozenset({"Massive"}), state="TAKEN OVER", seconds=300,
    ),
    Fault(
        "wrong key in a message",
        "stops for good",
        lambda _: ((array(status("auth_failed", "no")), Close(1008)),),
        only=frozenset({"Massive"}), **STOPS,
    ),
    Fault(
        "the closing auction, after the bell",
        "the session's last print, not after hours: by its condition codes, or Yahoo's REGULAR; without"
        " either, no print after the bell is taken for it",
        _auction,
        prices=FIRST | {"IWM": LATER["IWM"]}, now_ns=BELL_NS + 10 * NS, roles={"IWM": Role.CLOSE},
    ),
    Fault(
        "an outage over the closing auction",
        "the bar of its minute mixes it with late trades: the price before the bell stays PROVISIONAL and"
        " says that the auction is missing, until the official close"
        " (tests/rotation/market/test_closing_auction.py)",
        _lost_auction,
        prices=LATER, connections=2, gaps=1, through=OUTAGE, now_ns=BELL_NS + 10 * NS, seconds=70,
        bars=tuple(Quote(s, BELL_NS + MINUTE_NS, price, size=90_000) for s, price in LATER.items()),
        roles={"IWM": Role.MINUTE},
    ),
    Fault(
        "a print 4 % above a tight bid and ask",
        "waits for them to follow, or for a second print (tests/feeds/streaming/watch/test_nbbo.py)",
        _outside,
        only=frozenset({"Alpaca", "Massive"}), counts={"quotes": 3},
    ),
    Fault(
        "an odd lot",
        "counts in the volume, but does not set the price",
        _odd_lot,
        prices=FIRST | {"IWM": LATER["IWM"]}, only=KEYED, roles={"IWM": Role.SIZE}, counts={"quotes": 4},
    ),
    Fault(
        "a split's ex-date, listed and restated",
        f"the desk knows this before the first print: {SPLIT_MARKED}",
        lambda s: ((READY, *_good(s), STAY),),
        only=SPLITS_KNOWN, reference=Reference({"IWM": 219.0}, {"IWM": 2.0}),
        given=(ListedSplits({"IWM": TODAY}, {"IWM": 2.0}, ALL), PreviousCloses(BEFORE, {"IWM": 219.0})),
    ),
    Fault(
        "a split's ex-date, listed but not restated",
        f"UNADJUSTED until today's price agrees with history: {SPLIT_MARKED}",
        lambda s: ((READY, *_good(s), STAY),),
        only=SPLITS_KNOWN, reference=Reference({}, {"IWM": 2.0}),
        given=(ListedSplits({"IWM": TODAY}, {"IWM": 2.0}, ALL),),
    ),
    Fault(
        "a split's ex-date, restated but not listed",
        f"the vendor's close of yesterday is on another scale than history's: {SPLIT_MARKED}",
        lambda s: ((READY, *_good(s), STAY),),
        only=SPLITS_KNOWN, reference=Reference({"IWM": 219.0}),
        given=(ListedSplits({}, {}, ALL), PreviousCloses(BEFORE, {"IWM": 219.0})),
    ),
    Fault(
        "a split's ex-date, neither listed nor restated",
        f"the prints are a split's ratio from history's close, less the other legs' move: {SPLIT_MARKED}",
        lambda s: ((READY, *prints(s, HALVED), STAY),),
        prices=HALVED, newest=HALVED, only=SPLITS_KNOWN, given=(ListedSplits({}, {}, ALL),),
    ),
    Fault(
        "a fall by half at the open, and no split",
        "UNADJUSTED until the vendor, asked after the bell, or else Yahoo's history confirms the last close:"
        " then it is a crash (tests/feeds/streaming/test_reference.py, tests/feeds/history/test_updater.py)",
        lambda s: ((READY, *prints(s, HALVED), STAY),),
        prices=HALVED, newest=HALVED, only=SPLITS_KNOWN, reference=Reference({"IWM": 219.0}),
        given=(ListedSplits({}, {}, ALL), PreviousCloses(BEFORE, {"IWM": 219.0})),
    ),
)  # fmt: skip


def table() -> str:
    """docs/feed-faults.md."""
    rows = []
    for fault in FAULTS:
        names = ", ".join(subject.name for subject in SUBJECTS if fault.applies(subject))
        final = "as the server's" if fault.prices else "—"
        cells = (fault.name, fault.expected, fault.state, fault.connections, final, names)
        rows.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    return HEAD + "\n".join(rows) + TAIL + rest_rows() + DESK_HEAD + desk_rows() + faults.HEAD + faults.rows()


HEAD = """# Streams and their faults

Each line is a test for each vendor it names (`tests/feeds/streaming/test_fault_table.py`): a scripted
server on loopback does what the first column says, while the test controls time. The other columns are
asserted: the final state, the number of connection attempts, and that the consumer's final prices, the last
by event time, equal the server's. Every new connection must subscribe to all symbols again, no task may be
left behind, and no queue may exceed its bound. `python -m tests.support.fault_table` writes this page; a
test compares the two.

| the server | expected | state | connections | final prices | vendors |
| --- | --- | --- | --- | --- | --- |
"""
TAIL = """

Beyond the table, tested for one vendor since the driver is the same for all
(`tests/feeds/streaming/test_feed.py`): a host name that cannot be resolved, a server that is up only after
five minutes, a gap and what fills it, an unfinished bar when its minute ends, holes in a sequence, a silent
canary, halts, the reconnect before the open, a wrong clock, holidays and half-days. The state itself is
tested without any event loop, socket or clock in `tests/feeds/streaming/test_state.py`.

Between vendors: each stream has its own back-off, so a broker's blip costs a second even while Yahoo is
unreachable (`tests/feeds/streaming/test_failover.py`; also the hand-over after a minute's outage, and the
way back). For REST, a 429 from Yahoo holds back quotes, history and futures together
(`tests/feeds/http/test_yahoo_together.py`), and redirects stay within the site
(`tests/feeds/http/test_redirects.py`). If a plan lacks a feed, the next best is used
(`tests/feeds/desk/test_choose.py`). Polymarket's stream retries slowly after any refusal
(`tests/feeds/fed/test_polymarket.py`), and the futures' charts leave Yahoo's budget to the quotes
(`tests/feeds/fed/test_strip_pace.py`).

At the market: prints between 20:00 and 04:00 are counted as overnight, not as bad
(`tests/rotation/market/test_prints.py`); a snapshot before the bell is the pre-market price
(`tests/feeds/vendors/yahoo/test_stream.py`).

REST sources; each row names the file that tests it:

| the source | expected | error | tests |
| --- | --- | --- | --- |
"""

REST_ROWS = (
    (
        "Stooq: a page that checks for a browser, with HTTP 200",
        "the round ends at once; the next source is asked", "`BrowserWanted`", "vendors/stooq",
    ),
    (
        "Stooq, Tiingo: no key",
        "not among `auto`'s sources; if asked for by name, an error before anything is sent",
        "`InputError`", "desk/test_history_run.py",
    ),
    (
        'Tiingo: HTTP 401, 403, or "supply a token" with 200',
        "the round ends at once", "`KeyNeeded`", "vendors/tiingo",
    ),
    (
        "Tiingo: HTTP 429, or an exhausted quota with 200",
        "waits as long as asked, within the client's limits; else the next source is asked",
        "`SourceAway`", "vendors/tiingo",
    ),
    (
        "Tiingo: HTML, an empty body, 404, an unknown format, no split factor",
        "the next source is asked for that symbol", "`SourceError`", "vendors/tiingo",
    ),
    (
        "Tiingo: an answer that ends before the days asked for",
        "not taken for a current close", "`SourceError`", "vendors/tiingo",
    ),
    (
        "Tiingo: a split applied to only one of the two closes",
        "rejected: it would restate every return", "`SourceError`", "vendors/tiingo",
    ),
    (
        "Yahoo refuses, Tiingo answers after a dividend",
        "fetched as a whole: adjustments of two different days are never mixed", "—",
        "history/test_sync.py",
    ),
    (
        "Yahoo's futures unavailable, Databento with a key",
        "its settlements are used instead, labelled with their source and day",
        "—", "fed/test_databento.py",
    ),
    (
        "Databento: HTTP 401, 422, 429, a redirect, HTML, an empty body",
        "OFFLINE with the reason; the prices held stay; the key appears in no text", "`RequestError`",
        "fed/test_databento.py",
    ),
    (
        "Databento: a truncated line; other statistics; deleted, intraday or undefined prices; spreads",
        "the answer is rejected, or the line ignored", "`SourceError`", "fed/test_databento.py",
    ),
    (
        "Databento: the newest settlement is over four days old",
        "STALE, however new the answer itself is", "—", "fed/test_databento.py",
    ),
    (
        "Yahoo's futures charts: HTTP 429, 500, HTML, an empty, cut or huge body, missing fields",
        "the prices held stay with their age; other contracts go on", "`SourceError`", "fed/test_futures.py",
    ),
    (
        'New York Fed: HTTP 429, 500, HTML, an empty, cut or huge body, "NA", missing fields',
        "the last good answer stays, STALE; FRED is asked in its place", "`SourceError`",
        "fed/test_newyorkfed.py",
    ),
    (
        "New York Fed: a valid body that is days old",
        "STALE by the day of its newest rate", "—", "fed/test_newyorkfed.py",
    ),
    (
        "FRED's target range: HTTP 429, 500, HTML, an empty, cut or huge body",
        "the last good answer stays, STALE", "`SourceError`", "fed/test_fred.py",
    ),
    (
        "Federal Reserve's calendar: HTTP 429, 500, an empty or cut body, a page without meetings",
        "the last good dates, else the built-in ones", "`SourceError`", "fed/test_calendar.py",
    ),
    (
        "Kalshi: HTTP 429, 500, HTML, an empty, cut or huge body, missing fields",
        "its odds stay with their age, or are left out; the futures go on", "`SourceError`",
        "fed/test_kalshi.py",
    ),
    (
        "Polymarket: HTTP 429, 500, HTML, an empty, cut or huge body, missing fields",
        "its odds stay with their age, or are left out; the futures go on", "`SourceError`",
        "fed/test_polymarket.py",
    ),
    (
        "iShares, Invesco: HTTP 403, 429, 500, HTML, an empty or cut body, moved or renamed columns",
        "nothing is stored; the list held stays, and the failure is reported", "`SourceError`",
        "members/test_sync.py",
    ),
    (
        "iShares, Invesco: another fund's file, one of an earlier day, of the future, or of half the fund",
        "nothing is stored; the list held stays, and the failure is reported", "`SourceError`",
        "members/test_sync.py",
    ),
    (
        "Treasury, FRED: HTTP 429, 500, HTML instead of CSV, an empty or cut body, another shape, 10 MB",
        "the stored figures stay, STALE with their age, across restarts; retry after 15 minutes",
        "`RequestError`", "macro",
    ),
    (
        "Treasury: no answer, FRED answers",
        "FRED's yields are used", "—", "macro",
    ),
    (
        "FRED: another series than requested, dots; Treasury: N/A, invalid dates, absurd yields",
        "the answer is rejected, or the cell skipped", "`SourceError`", "macro",
    ),
    (
        "SEC: HTTP 429, 500, HTML or other JSON, an empty or cut body; a fact without value or filing day",
        "the stored facts stay, STALE with their age; that fact is skipped", "`SourceError`", "macro",
    ),
    (
        "BLS: HTTP 429, 500, HTML instead of a calendar, an empty or cut body, neither release in it",
        "the last good calendar stays, without one the shipped one; retry after 15 minutes",
        "`SourceError`", "macro",
    ),
    (
        "BLS: a calendar whose days have all passed",
        "the shipped days to come stay; after their end a warning says so", "—", "macro",
    ),
    (
        "BLS: a moved release, or one put off past its month; the program starts again without a cache",
        "the newest page counts, from the day it was fetched on; pages are kept, differences are named",
        "—", "macro/test_calendar_store.py",
    ),
    (
        "release days' minutes, Alpaca, Yahoo: HTTP 429, 500, HTML, empty, cut or huge body, missing fields",
        "nothing is kept; the other is asked, else the reason is shown; retry after an hour, a minute live",
        "`SourceError`", "macro/test_minutes.py",
    ),
    (
        "release days' minutes: another symbol's, another day's, no price, no whole minute",
        "the answer is rejected, or the row left out; a day without bars is not kept", "`SourceError`",
        "macro/test_minutes.py",
    ),
    (
        "release days' minutes: a kept file is damaged",
        "set aside, and fetched again", "—", "macro/test_minutes.py",
    ),
    (
        "yield indices by Yahoo: HTTP 429, 500, HTML, an empty, cut or huge body, missing fields",
        "no line, or the last of today with its time, STALE; settled yields stay; retry after 15 minutes",
        "`RequestError`", "macro/test_indices.py",
    ),
    (
        "yield indices by Yahoo: yesterday's body, ten times the yield, a value far from the settled yield",
        "no line; the scale that fits the settled yield; no line", "—", "macro/test_indices.py",
    ),
    (
        "SEC: no mail address in `ROTATION_TUI_USER_AGENT`",
        "never asked; the page says what to set", "—", "macro",
    ),
    (
        "Treasury, FRED: a valid body that is out of date",
        "a warning gives the date of the yields, and the release that should be out", "—", "macro",
    ),
    (
        "any source under `doctor --capture`: secrets echoed in frames, answers, headers, cookies",
        "none of them is in the file; the rest replays to the same quotes",
        "—", "desk/test_capture.py",
    ),
)  # fmt: skip
"""What the source does, what comes of it, the typed reason, the tests below tests/feeds."""


DESK_HEAD = """
Between sources, in the market and at the terminal, each row the test named:

| what happens | expected | test |
| --- | --- | --- |
"""
DESK_ROWS = (
    (
        "Yahoo is unreachable while a broker's stream is cut for a moment",
        "a back-off belongs to one stream: the broker's is back within a second",
        "tests/feeds/streaming/test_failover.py::test_a_back_off_belongs_to_one_stream",
    ),
    (
        "bars of a gap come late, are refused, and live prints go on, at random",
        "in the end the day is the tape's, and marked until then",
        "tests/feeds/streaming/test_late_fill.py::test_whatever_is_filled_however_late_the_day_is_the_tape",
    ),
    (
        "a bar that has only just ended, before the last prints of its minute",
        "not taken yet, so that it shuts none of them out",
        "tests/feeds/streaming/test_late_fill.py::test_a_bar_that_has_just_ended_shuts_no_print_of_its_minute_out",
    ),
    (
        "history lacks the last closes when the session opens",
        "a close of before is STALE, and a run across the missing one is unknown",
        "tests/rotation/market/test_market_cases.py::test_a_missing_close_two_sessions_back_leaves_the_streak_unknown",
    ),
    (
        "the same beside a live feed",
        "the old close is STALE in the open session, never CLOSED",
        "tests/rotation/market/test_status.py::test_words_of_a_settled_close_under_a_live_feed",
    ),
    (
        "the closing auction is lost in an outage",
        "PROVISIONAL, and said on every surface until the official close",
        "tests/rotation/market/test_closing_auction.py::test_an_auction_lost_in_an_outage_is_said_until_the_official_close",
    ),
    (
        "the terminal is closed, whatever the program does (six times in CI; `CLOSINGS=50`)",
        "no process is left",
        "tests/tui/screen/test_hangup.py::test_no_process_outlives_its_terminal",
    ),
    (
        "bytes that are no UTF-8 are typed, or reports of an old mouse",
        "no error, and the next key works",
        "tests/tui/screen/test_typed.py::test_the_screen_survives",
    ),
)
"""What happens, what must come of it, the test."""


def desk_rows() -> str:
    """The third table's lines."""
    return "".join(f"| {what} | {expected} | `{test}` |\n" for what, expected, test in DESK_ROWS)


def rest_rows() -> str:
    """The second table's lines."""
    lines = (
        f"| {what} | {expected} | {why} | `tests/feeds/{where}` |" for what, expected, why, where in REST_ROWS
    )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(table(), end="")
