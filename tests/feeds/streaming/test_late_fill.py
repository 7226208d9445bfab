"""Gaps that are filled late, after refusals, while prints go on: in the end the day is what the tape was.

The oracle is the true tape through the market's own rules, without any gap.
"""

from __future__ import annotations

import random
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from feeds.clock import Moment
from feeds.events import Batch, PrintsReplaced, Status, SymbolStates
from feeds.streaming.reasons import Reason, Why
from feeds.streaming.requests import Answer, Purpose
from feeds.streaming.state import StreamState
from feeds.streaming.vendor import FrameResult
from rotation.market.session_filter import SessionFilter
from rotation.quote import MINUTE_NS, NS, Quote, Role
from rotation.status import Kind
from tests.feeds.streaming.test_state import ALL, Plain, Script, bars
from tests.support.fake_time import NOW_NS, settle
from tests.support.fault_table import FIRST
from tests.support.live_desk import live_desk
from tests.support.servers.ws import READY, STAY
from tests.support.subjects import ALPACA, SYMBOLS

IWM = frozenset({"IWM"})
DAY = date(2024, 7, 16)
LONGEST_S = 2400
"""After the last gap all requests have been made, refused and answered by then."""


def tape(rng: random.Random, seconds: int) -> list[Quote]:
    """Prints of IWM in order, none on the edge of a minute: on and off, now and then a spike, odd lots."""
    prints, price, number = [], 22_000, 1
    at_ns = NOW_NS
    while at_ns < NOW_NS + seconds * NS:
        at_ns += rng.choice((NS // 4, NS, 3 * NS, 11 * NS))
        price = max(price + rng.choice((-7, -1, 0, 1, 7)), 20_000)
        shown = (price + rng.choice((0,) * 30 + (-900, 900))) / 100
        prints.append(Quote("IWM", at_ns + 7, shown, seq=number, size=rng.randint(1, 900)))
        number += 1
        if rng.random() < 0.1:
            odd = Quote("IWM", at_ns + 8, shown * 1.05, seq=number, size=7, role=Role.SIZE)
            prints.append(odd)
            number += 1
    return prints


def bar_of(prints: list[Quote], end_ns: int) -> Quote | None:
    """The vendor's bar of a minute: all shares, and the range of the prints that set one."""
    made = [quote for quote in prints if end_ns - MINUTE_NS <= quote.ts_ns < end_ns]
    priced = [quote.price for quote in made if quote.sets_last]
    if not priced:
        return None
    size = sum(quote.size for quote in made)
    return Quote("IWM", end_ns, priced[-1], size=size, high=max(priced), low=min(priced), bar_ns=MINUTE_NS)


class Desk:
    """A session filter, and what it was given to know of the symbol."""

    def __init__(self) -> None:
        self.session_filter = SessionFilter()
        self.session_filter.expect(IWM, DAY)
        self.states = SymbolStates({})

    def take(self, events, now_ns):
        for event in events:
            if isinstance(event, PrintsReplaced):
                self.session_filter.forget(event.symbols)
            if isinstance(event, Batch | PrintsReplaced):
                for quote in event.quotes:
                    self.session_filter.admit(quote, now_ns)
            elif isinstance(event, SymbolStates):
                self.states = event

    @property
    def is_marked(self) -> bool:
        return "IWM" in self.states.by_symbol or "IWM" in self.states.incomplete

    @property
    def figures(self):
        prints = self.session_filter.prints("IWM", "REGULAR")
        if prints is None or prints.last is None:
            return None
        return prints.last.price, prints.high, prints.low, prints.volume

    @property
    def path(self):
        prints = self.session_filter.prints("IWM", "REGULAR")
        return prints and {minute: quote.price for minute, quote in prints.minutes.items()}


class World:
    """A vendor that has it all, a stream that loses some of it, and a REST side that is slow and refuses."""

    def __init__(self, rng: random.Random, seconds: int) -> None:
        self.rng = rng
        self.prints = tape(rng, seconds)
        self.number = 0
        self.at = 0
        self.ns = NOW_NS
        self.deaf_until_ns = 0
        self.oracle, self.desk = Desk(), Desk()
        self.state = StreamState(Plain(), ("IWM",), self.now, canaries=frozenset(), random=rng.random)
        self.under_way: list[tuple[int, object, Answer]] = []
        self.delays = [0, 0, 0]
        self.refusals = 0
        self.is_undetected = False

    @property
    def now(self) -> Moment:
        return Moment(1000.0 + (self.ns - NOW_NS) / NS, self.ns)

    def connect(self) -> None:
        self.state.on_connecting(self.now)
        self.state.on_connected(self.now)
        self.state.on_frame(FrameResult(subscribed=IWM), self.now)
        self.deaf_until_ns = self.ns + self.rng.choice((0, NS // 2, 3 * NS // 2))
        self.is_undetected = False
        self.settle()

    def lose(self) -> None:
        self.state.on_lost(Reason(Why.CLOSED, code=1006), self.now)
        self.settle()

    def settle(self) -> None:
        """Carry out what the state asks for, and hand on what it has."""
        self.state.take_actions()
        for request in self.state.requests.take():
            delay_ns = self.rng.choice(self.delays) * NS
            self.under_way.append((self.ns + delay_ns, request, self.answer_to(request)))
        self.desk.take(self.state.take_events(), self.ns)

    def answer_to(self, request) -> Answer:
        """As of now, however late it comes; a bar of the last seconds lacks a print."""
        if self.refusals:
            self.refusals -= 1
            return Answer(error="HTTP 429")
        known = self.prints[: self.at]
        bars = []
        for end_ns in range(request.start_ns // MINUTE_NS * MINUTE_NS, self.ns + 2 * MINUTE_NS, MINUTE_NS):
            made = [q for q in known if q.ts_ns < end_ns and q.ts_ns >= end_ns - MINUTE_NS]
            bar = bar_of(made[:-1] if end_ns > self.ns - 4 * NS else made, end_ns)
            bars += [bar] if bar else []
        newest = [quote for quote in known if quote.sets_last][-1:] if request.wants_newest else ()
        return Answer(tuple(bars) if request.wants_bars else (), tuple(newest))

    def second(self, *, loses: bool = False) -> None:
        """One second: its prints, answers that are due, a tick, and the comparison with the oracle.

        ``loses``: the prints of this second do not come, though the connection stands.
        """
        end_ns = self.ns + NS
        while self.at < len(self.prints) and self.prints[self.at].ts_ns < end_ns:
            quote = self.prints[self.at]
            self.ns = quote.ts_ns
            self.at += 1
            self.number += 1
            self.oracle.session_filter.admit(quote, self.ns)
            if not self.state.session.is_open or self.ns < self.deaf_until_ns:
                self.number = self.number if self.state.session.is_open else 0
                continue
            if loses:
                self.is_undetected = True
                continue
            self.state.on_frame(FrameResult((quote,), sequence=(("IWM", self.number),)), self.now)
            self.is_undetected = False
            self.settle()
        self.ns = end_ns
        for due in [due for due in self.under_way if due[0] <= self.ns]:
            self.under_way.remove(due)
            self.state.on_answer(due[1], due[2], self.now)
            self.settle()
        self.state.on_pong()
        self.state.on_tick(self.now)
        self.settle()
        if not self.desk.is_marked and not self.is_undetected:
            assert self.desk.figures == self.oracle.figures, "unmarked, and not what was traded"


@settings(deadline=None)
@given(
    st.integers(0, 2**32),
    st.lists(st.tuples(st.integers(1, 200), st.integers(1, 200)), min_size=1, max_size=3),
    st.tuples(*[st.one_of(st.integers(0, 9), st.integers(0, 300))] * 3),
    st.integers(0, 3),
    st.sets(st.integers(0, 400), max_size=4),
)
def test_whatever_is_filled_however_late_the_day_is_the_tape(seed, outages, delays, refusals, losses):
    """``outages``: seconds of connection, then of none. ``losses``: seconds whose prints get lost."""
    world = World(random.Random(seed), 3600)
    world.delays = list(delays)
    passed = 0

    def run(seconds):
        nonlocal passed
        for _ in range(seconds):
            passed += 1
            world.second(loses=passed in losses)

    world.connect()
    for before_s, outage_s in outages:
        run(before_s)
        world.lose()
        world.refusals = refusals
        run(outage_s)
        world.connect()
    waited = 0
    last_loss = max(losses, default=0)  # one in the last seconds of the run would be open at its end
    while (world.desk.is_marked or world.is_undetected or passed <= last_loss) and waited < LONGEST_S:
        run(1)
        waited += 1
    run(65)
    assert not world.desk.is_marked, "every gap is filled in the end"
    assert world.desk.figures == world.oracle.figures
    assert world.desk.path == world.oracle.path


def test_a_gap_is_open_until_its_last_minute_has_a_bar():
    world = World(random.Random(1), 600)
    world.connect()
    for _ in range(30):
        world.second()
    assert world.desk.states == SymbolStates({}, IWM), "the price is good, the first minute is not whole"
    for _ in range(34):
        world.second()
    assert world.desk.states.incomplete == IWM
    for _ in range(3):
        world.second()
    assert world.desk.states == SymbolStates({})


def test_prints_missed_while_the_subscription_takes_effect_are_looked_for_too():
    """Subscribed half a second before the minute ends, and the first print of the next one is missed."""
    world = World(random.Random(3), 1)
    seconds = (60.2, *range(62, 400, 2))
    prices = (225.0, *[221.0] * 300)
    world.prints = [
        Quote("IWM", NOW_NS + int(at_s * NS), price, seq=i, size=9)
        for i, (at_s, price) in enumerate(zip(seconds, prices, strict=False), 1)
    ]
    world.ns = NOW_NS + 59 * NS + NS // 2
    world.connect()
    world.deaf_until_ns = world.ns + NS
    for _ in range(200):
        world.second()
    assert not world.desk.is_marked
    assert world.desk.figures == world.oracle.figures
    assert world.desk.figures[1] == 225.0


def test_a_refused_last_minute_is_asked_for_again():
    world = World(random.Random(1), 600)
    world.connect()
    for _ in range(64):
        world.second()
    world.refusals = 1
    asked = []
    for _ in range(10):
        world.second()
        asked += [request.purpose for _, request, _ in world.under_way]
    assert world.refusals == 0
    assert world.desk.states == SymbolStates({})


def test_nothing_is_asked_for_ever_where_there_are_no_bars():
    """A vendor without REST: the price is good, that the range is not stays said, until the next session."""
    world = World(random.Random(2), 3600)
    world.answer_to = lambda request: Answer()
    world.connect()
    requests = []
    for _ in range(600):
        world.second()
        requests += [request for _, request, _ in world.under_way if request not in requests]
    assert world.desk.states == SymbolStates({}, IWM)
    status = Status(Kind.LIVE, "1 of 1 symbol; today's range of 1 incomplete: no bars")
    assert world.state.report._status == status
    assert world.state.report.stats(world.now).incomplete == 1
    assert world.state.requests.take() == []
    world.state.on_tick(Moment(world.now.s + 18 * 3600, world.ns + 18 * 3600 * NS))
    world.settle()
    assert world.desk.states.incomplete == frozenset(), "yesterday's prints are missed by nobody"


def test_a_bar_that_is_refused_fills_nothing():
    """The filter lets a bar far outside not in: the market has not taken it."""
    world = World(random.Random(2), 600)
    world.connect()
    for _ in range(30):
        world.second()
    wrong = Quote("IWM", NOW_NS + 60 * NS, 900.0, size=5, high=900.0, low=900.0)
    for _ in range(30):
        world.second()
    for _ in range(4):
        world.second()
    world.answer_to = lambda _: Answer((wrong,))
    for _ in range(10):
        world.second()
    assert world.desk.states.incomplete == IWM


def test_symbols_that_were_not_answered_for_are_asked_for_again():
    script = Script().connect().frame(subscribed=ALL).prints()
    script.prints().tick(1)
    request = script.requests[-1]
    answer = Answer((*bars(1), *bars(0)), error="HTTP 429", lacking=frozenset({"QQQ"}))
    script.state.on_answer(request, answer, script.now)
    script.take().tick(1, printing=SYMBOLS)
    assert script.status.detail == "3 of 3 symbols; today's range of 3 incomplete: HTTP 429"
    assert (script.requests[-1].purpose, script.requests[-1].symbols) == (Purpose.FILL, {"QQQ"})
    script.answer(*bars(1))
    assert script.status.detail == "3 of 3 symbols"
    script.tick(65, printing=SYMBOLS)
    assert script.requests[-1].symbols == ALL
    assert script.answer(*bars(-1)).incomplete == frozenset()


# The desk as a whole


def bar(minutes_ago: int, price: float, high: float, low: float, size: int) -> Quote:
    end_ns = NOW_NS // MINUTE_NS * MINUTE_NS - minutes_ago * MINUTE_NS
    return Quote("IWM", end_ns, price, size=size, high=high, low=low)


HISTORY = (bar(9, 220.0, 222.0, 217.0, 60_000), bar(3, 221.0, 221.5, 220.5, 9_000))


async def test_a_fill_that_takes_eight_seconds(monkeypatch):
    """Once: low 221.0 instead of 217.0, volume 1,012 instead of 69,012, LIVE until the next session."""
    async with live_desk(monkeypatch, ALPACA, (READY, STAY)) as desk:
        real = desk.vendor.backfill

        async def slowly(symbols, start_ns, end_ns):
            await desk.time.sleep(8)
            return await real(symbols, start_ns, end_ns)

        monkeypatch.setattr(desk.vendor, "backfill", slowly)
        desk.vendor.bars = HISTORY
        await desk.trading(7)
        iwm = desk.legs["IWM"]
        assert (iwm.last, iwm.state, iwm.status.range_incomplete) == (FIRST["IWM"], "LIVE", True)
        await desk.trading(5)
        iwm = desk.legs["IWM"]
        assert (iwm.low, iwm.high) == (217.0, 222.0)
        assert iwm.volume > 69_000


async def test_a_bar_that_has_just_ended_shuts_no_print_of_its_minute_out(monkeypatch):
    """Vendors have a minute's bar some seconds after its end: one that comes before may lack prints.

    A print of the second before once was late, as if the bar held it, and the price stayed the bar's.
    """
    async with live_desk(monkeypatch, ALPACA, (READY, STAY)) as desk:
        early = bar(0, 221.0, 221.1, 220.9, 900)
        desk.vendor.bars = (*HISTORY, early)
        assert early.ts_ns == desk.time.clock_ns()
        await desk.time.passing(1)
        await desk.server.tell(ALPACA.trade("IWM", 221.28, early.ts_ns - NS // 10, 9))
        await settle()
        iwm = desk.legs["IWM"]
        assert (iwm.last, iwm.state, iwm.status.range_incomplete) == (221.28, "LIVE", True)
        whole = bar(0, 221.28, 221.28, 220.9, 1_000)
        desk.vendor.bars = (*HISTORY, whole)
        await desk.trading(70)
        iwm = desk.legs["IWM"]
        assert (iwm.high, iwm.low, iwm.status.range_incomplete) == (222.0, 217.0, False)
        assert iwm.volume == 60_000 + 9_000 + 1_000 + 70 * 100


async def test_one_refusal_before_the_fill(monkeypatch):
    async with live_desk(monkeypatch, ALPACA, (READY, STAY)) as desk:
        desk.vendor.bars, desk.vendor.is_down = HISTORY, True
        await desk.trading(1)
        desk.vendor.is_down = False
        await desk.trading(3)
        iwm = desk.legs["IWM"]
        assert (iwm.low, iwm.high, iwm.state) == (217.0, 222.0, "LIVE")
        assert iwm.volume > 69_000


async def test_rest_blocked_all_day_leaves_a_good_price_live(monkeypatch):
    async with live_desk(monkeypatch, ALPACA, (READY, STAY)) as desk:
        desk.vendor.is_down = True
        await desk.trading(120)
        assert {leg.state for symbol, leg in desk.legs.items() if symbol in SYMBOLS} == {"LIVE"}
        assert all(desk.legs[symbol].status.range_incomplete for symbol in SYMBOLS)
        assert desk.health.kind is Kind.LIVE
        assert desk.health.detail == "3 of 3 symbols; today's range of 3 incomplete: down"
        assert desk.health.stats.incomplete == 3
