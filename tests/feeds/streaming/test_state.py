"""StreamState without an event loop, a socket or a clock: a script of inputs, and what comes out of it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds.clock import Moment
from feeds.errors import SourceError
from feeds.events import Batch, Correction, Gap, PrintsReplaced, Status, SymbolStates
from feeds.streaming.reasons import Reason, Why
from feeds.streaming.requests import Answer, Purpose
from feeds.streaming.session import Action
from feeds.streaming.state import StreamState
from feeds.streaming.vendor import FrameResult, Halt, VendorError
from feeds.streaming.watch.hours import Equities
from rotation.quote import MINUTE_NS, NS, Quote
from rotation.status import LIVE, Kind, Refusal
from tests.support.fake_time import NOW_NS

SYMBOLS = ("IWM", "QQQ", "SPY")
ALL = frozenset(SYMBOLS)
PRICES = {"IWM": 221.28, "QQQ": 495.43, "SPY": 562.0}


class Plain:
    """A vendor whose frames are FrameResults already; an exception as a frame is raised."""

    name, mode, url, headers, beat_s = "Plain", LIVE, "", {}, None
    heartbeats, keyed, acknowledges, most_symbols = False, True, True, None

    def __init__(self, greeting=(), **figures):
        self.greeting = greeting
        self.__dict__.update(figures)

    def conversation(self):
        return self

    def opened(self):
        return self.greeting

    def received(self, frame):
        if isinstance(frame, Exception):
            raise frame
        return frame

    def subscribe(self, symbols):
        return (f"subscribe {' '.join(sorted(symbols))}",)

    def beat(self):
        return ("beat",)


class Script:
    """A state, and the time that the script moves."""

    def __init__(self, vendor=None, now_ns=NOW_NS, symbols=SYMBOLS, **options):
        self.start_ns = now_ns
        self.s = 0.0
        self.state = StreamState(vendor or Plain(), symbols, self.now, random=lambda: 0.5, **options)
        self.events: list[object] = []
        self.actions: list[object] = []
        self.requests: list[object] = []
        self.take()

    @property
    def now(self) -> Moment:
        return Moment(1000.0 + self.s, self.start_ns + int(self.s * NS))

    def take(self):
        self.events += self.state.take_events()
        self.actions += self.state.take_actions()
        self.requests += self.state.requests.take()
        return self

    def connect(self):
        self.state.on_connecting(self.now)
        self.state.on_connected(self.now)
        return self.take()

    def frame(self, **fields):
        self.state.on_frame(FrameResult(**fields), self.now)
        return self.take()

    def live(self, **options):
        self.connect().frame(subscribed=ALL).answer()
        return self.prints()

    def prints(self, *symbols):
        quotes = [Quote(name, self.now.ns, PRICES[name], seq=int(self.s * 10)) for name in symbols or SYMBOLS]
        return self.frame(quotes=tuple(quotes))

    def tick(self, seconds=1, *, printing=()):
        for _ in range(seconds):
            self.s += 1
            if printing:
                self.prints(*printing)
                self.state.on_pong()
            self.state.on_tick(self.now)
            self.take()
        return self

    def lose(self, why=Why.CLOSED, **fields):
        self.state.on_lost(Reason(why, **fields), self.now)
        return self.take()

    def answer(self, *bars, newest=(), error=""):
        request = self.requests[-1]
        self.state.on_answer(request, Answer(bars, tuple(newest), error), self.now)
        return self.take()

    def of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def status(self) -> Status:
        return self.of(Status)[-1]

    @property
    def symbol_states(self):
        return self.of(SymbolStates)[-1].by_symbol

    @property
    def incomplete(self):
        return self.of(SymbolStates)[-1].incomplete


def bar(symbol, minutes_ago, price, size=100, *, now_ns=NOW_NS):
    end_ns = now_ns // MINUTE_NS * MINUTE_NS - minutes_ago * MINUTE_NS
    return Quote(symbol, end_ns, price, size=size, high=price + 0.1, low=price - 0.1)


def bars(*minutes_ago):
    return [bar(name, ago, price) for ago in minutes_ago for name, price in PRICES.items()]


# From nothing to live


def test_it_says_that_it_is_connecting_before_it_does():
    script = Script()
    assert script.events == [SymbolStates(dict.fromkeys(SYMBOLS, "OFFLINE")), Status("OFFLINE", "connecting")]
    assert script.actions == script.requests == []


def test_a_vendor_without_greeting_is_subscribed_at_once():
    assert Script().connect().actions == ["subscribe IWM QQQ SPY"]


def test_a_vendor_with_a_key_is_subscribed_when_it_is_ready():
    script = Script(Plain(greeting=("key",))).connect()
    assert script.actions == ["key"]
    assert script.status == Status("OFFLINE", "authenticating")
    script.frame(ready=True, send=("hello",))
    assert script.actions == ["key", "hello", "subscribe IWM QQQ SPY"]


def test_seeded_then_live():
    script = Script().connect().frame(subscribed=ALL)
    (request,) = script.requests
    assert (request.purpose, request.symbols, request.wants_bars) == (Purpose.FILL, ALL, True)
    assert request.start_ns < NOW_NS - 6 * 3600 * NS
    assert script.status == Status("GAPPED", "3 of 3 symbols, 3 gapped")
    script.prints()
    assert script.of(Batch) == [], "live prints wait for those of the gap"
    script.answer(bar("IWM", 5, 220.0), newest=[Quote("QQQ", NOW_NS - NS, 495.0, size=7)])
    (batch,) = script.of(Batch)
    assert [(q.symbol, q.price, q.size) for q in batch.quotes] == [
        ("IWM", 220.0, 100),
        ("QQQ", 495.0, 0),
        *((name, price, 0) for name, price in PRICES.items()),
    ]
    assert (script.status, script.symbol_states) == (Status("LIVE", "3 of 3 symbols"), {})
    assert script.of(Gap) == [], "the first connection is no gap"


def test_live_prints_do_not_wait_for_ever():
    script = Script().connect().frame(subscribed=ALL).prints().tick(5)
    assert script.of(Batch) == []
    assert script.symbol_states == dict.fromkeys(SYMBOLS, "GAPPED")
    assert len(script.tick().of(Batch)) == 1
    assert (script.symbol_states, script.incomplete) == ({}, ALL), "the prices are good, the ranges are not"


# Ends


def test_an_outage_is_a_gap_and_is_filled():
    script = Script().connect().frame(subscribed=ALL).answer(*bars(1)).prints()
    script.tick(65, printing=SYMBOLS).answer(*bars(0, -1))
    script.tick(30, printing=SYMBOLS)
    assert (script.symbol_states, script.incomplete) == ({}, frozenset())
    script.requests.clear()
    lost_ns = script.now.ns
    script.lose(code=1006)
    assert script.symbol_states == dict.fromkeys(SYMBOLS, "OFFLINE")
    assert script.status == Status("OFFLINE", "connection closed (1006); next try in 1s")
    assert script.state.session.retry_s == 0.5
    script.tick(60).connect().frame(subscribed=ALL)
    (gap,) = script.of(Gap)
    assert (gap.symbols, gap.start_ns, gap.end_ns) == (ALL, lost_ns, script.now.ns)
    (request,) = script.requests
    assert (request.start_ns, request.end_ns) == (lost_ns, script.now.ns)


def test_an_answer_that_comes_after_the_connection_was_lost_is_dropped():
    script = Script().connect().frame(subscribed=ALL)
    (request,) = script.requests
    assert script.state.requests.awaits(request)
    script.lose()
    assert not script.state.requests.awaits(request)
    script.events.clear()
    script.state.on_answer(request, Answer((bar("IWM", 5, 220.0),)), script.now)
    assert script.take().events == []


def test_what_comes_after_the_connection_was_given_up_belongs_to_the_gap():
    script = Script().live()
    script.state.on_blocked()
    assert script.take().actions[-1] is Action.ABORT
    before = script.state.report.stats(script.now).quotes
    script.s += 1  # other prints, not the same ones again
    assert script.prints().state.report.stats(script.now).quotes == before
    script.lose(code=1006)
    assert script.state.session.reason == Reason(Why.SEND_BLOCKED), "the reason given first stands"


@pytest.mark.parametrize(
    ("reason", "refusal", "state"),
    [
        (Reason(Why.HTTP, code=401), Refusal.AUTH_FAILED, "AUTH_FAILED"),
        (Reason(Why.HTTP, code=403), Refusal.AUTH_FAILED, "AUTH_FAILED"),
        (Reason(Why.NO_SOCKS), Kind.OFFLINE, "OFFLINE"),
    ],
)
def test_a_refusal_to_connect_is_final(reason, refusal, state):
    script = Script()
    script.state.on_connecting(script.now)
    script.state.on_lost(reason, script.now)
    assert script.state.refusal is None, "nobody has been given the status yet"
    script.take()
    assert script.state.refusal.refusal is refusal
    assert script.state.session.retry_s is None
    assert script.status.state == state


@pytest.mark.parametrize("code", [400, 403, 404, 407, 410])
def test_an_answer_that_may_change_is_asked_for_again_slowly(code):
    script = Script()
    script.state.session._vendor.keyed = code != 403  # 403 is final only where it can be about a key
    script.state.on_connecting(script.now)
    script.state.on_lost(Reason(Why.HTTP, code=code), script.now)
    assert script.state.session.refusal is None
    assert script.state.session.retry_s == 30.0


@pytest.mark.parametrize(
    "reason", [Reason(Why.HTTP, code=429), Reason(Why.HTTP, code=503), Reason(Why.REFUSED)]
)
def test_a_failure_to_connect_is_not(reason):
    script = Script()
    for floor_s, wait_s in ((None, 0.5), (None, 1.0), (42.0, 42.0)):
        script.state.on_connecting(script.now)
        script.state.on_lost(reason, script.now, floor_s=floor_s)
        assert (script.state.session.retry_s, script.take().state.refusal) == (wait_s, None)


def test_a_session_that_was_taken_over():
    script = Script().live()
    script.frame(error=VendorError("fatal", "another session\x1b[2J took over", Refusal.TAKEN_OVER))
    assert script.actions[-1] is Action.ABORT
    assert script.state.refusal is None, "the connection has not ended yet"
    script.lose()
    assert script.status == Status("TAKEN OVER", "another session[2J took over")
    assert script.state.refusal.refusal is Refusal.TAKEN_OVER


def test_a_busy_account_is_asked_again_on_the_same_socket():
    script = Script(Plain(greeting=("key",))).connect()
    script.frame(error=VendorError("again", "another session holds the account's connection (406)"))
    script.tick(1)
    assert script.actions == ["key", "key"]
    assert script.status == Status("OFFLINE", "another session holds the account's connection (406)")


# Silence


def test_silence_in_the_session_and_the_ping_before_it():
    script = Script().live().tick(30)
    assert script.actions.count(Action.PING) == 1
    script.state.on_pong()
    script.tick()
    assert script.actions[-1] is Action.ABORT
    assert script.state.session.reason == Reason(Why.NO_DATA, 31.0)


def test_no_pong():
    script = Script(now_ns=NOW_NS + 12 * 3600 * NS).connect().frame(subscribed=ALL).tick(41)
    assert (script.actions.count(Action.PING), script.actions[-1]) == (1, Action.ABORT)
    assert script.state.session.reason == Reason(Why.NO_PONG, 21.0)


def test_the_connection_is_replaced_before_the_open():
    due_ns = Equities().renew_ns(NOW_NS + 12 * 3600 * NS)
    script = Script(now_ns=due_ns - 60 * NS).connect().frame(subscribed=ALL)
    for _ in range(89):
        script.state.on_pong()
        script.tick()
    assert Action.CLOSE not in script.actions
    script.tick()
    assert script.actions[-1] is Action.CLOSE
    assert script.state.session.reason == Reason(Why.PLANNED)


# What frames may hold


@pytest.mark.parametrize("error", [SourceError("Plain: not valid JSON"), KeyError("x"), RecursionError()])
def test_an_unreadable_frame_costs_that_frame(error):
    script = Script().live()
    script.state.on_frame(error, script.now)
    stats = script.prints().state.report.stats(script.now)
    assert (stats.rejects, stats.last_reject) == (
        1,
        "Plain: not valid JSON" if isinstance(error, SourceError) else "unreadable frame",
    )


def test_each_message_that_is_left_out_of_a_frame_is_counted():
    script = Script().live().frame(rejected=("too many",), left_out=4)
    stats = script.state.report.stats(script.now)
    assert (stats.rejects, stats.last_reject) == (5, "too many")


def test_an_error_that_no_frame_explains_is_raised():
    script = Script().live()
    with pytest.raises(OSError, match="disk"):
        script.state.on_frame(OSError("disk"), script.now)


def test_a_halt_until_a_print_shows_that_trading_resumed():
    script = Script().live().frame(halts=(Halt("IWM", halted=True, ts_ns=NOW_NS),))
    assert script.symbol_states == {"IWM": "HALTED"}
    assert script.tick(6, printing=("IWM",)).symbol_states == {}


def test_holes_late_acknowledgements_and_limits():
    script = Script().connect().frame(subscribed=frozenset({"IWM"})).answer().prints()
    assert script.symbol_states == {"QQQ": "OFFLINE", "SPY": "OFFLINE"}
    script.tick(15, printing=SYMBOLS)
    assert script.actions.count("subscribe IWM QQQ SPY") == 2
    script.frame(subscribed=ALL, error=VendorError("limit", "no more"))
    assert script.of(Gap)[-1].symbols == {"QQQ", "SPY"}
    script.frame(sequence=(("IWM", 5),)).frame(sequence=(("IWM", 7), ("TSLA", 9)))
    assert script.of(Gap)[-1].symbols == {"IWM"}
    assert script.state.report.stats(script.now).gaps == 2
    assert script.tick(30, printing=SYMBOLS).actions.count("subscribe IWM QQQ SPY") == 2


def test_a_correction_replaces_today_s_prints_and_tells_the_close_of_another_day():
    script = Script().live()
    wrong_ns = script.now.ns
    script.tick(1).frame(corrections=(Correction("IWM", wrong_ns), Correction("QQQ", wrong_ns - 86_400 * NS)))
    assert script.state.take_closes() == ["QQQ"]
    assert script.symbol_states == {"IWM": "GAPPED"}
    script.requests.clear()
    script.tick(3, printing=("IWM",))
    (request,) = script.requests
    assert (request.purpose, request.symbols) == (Purpose.CORRECT, {"IWM"})
    script.answer(bar("IWM", 1, 221.0), bar("QQQ", 1, 1.0))
    (replaced,) = script.of(PrintsReplaced)
    assert replaced.symbols == {"IWM"}
    assert [quote.ts_ns - NOW_NS for quote in replaced.quotes] == [-MINUTE_NS, 2 * NS, 3 * NS, 4 * NS]
    assert script.symbol_states == {}


KRE = "KRE"
"""A print of 63.06 in it, 4 % off, was taken back by its number some seconds later."""


def kre(seconds: float, price: float, seq: int) -> Quote:
    return Quote(KRE, NOW_NS + int(seconds * NS), price, seq, 100)


def test_a_print_that_was_taken_back_by_its_number_is_never_live_again():
    script = Script(symbols=(KRE, *SYMBOLS)).connect().frame(subscribed=ALL | {KRE}).answer()
    script.prints(*SYMBOLS).frame(quotes=(kre(0.5, 60.63, 4),)).tick(1).frame(
        quotes=(kre(1, 63.06, 5),)
    ).tick(6)
    script.frame(corrections=(Correction(KRE, script.now.ns, 5),))
    assert script.symbol_states == {KRE: "GAPPED"}, "at once"
    script.tick(3, printing=("IWM",)).answer(bar(KRE, 1, 60.6))
    (replaced,) = script.of(PrintsReplaced)
    assert [quote.price for quote in replaced.quotes] == [60.6, 60.63]
    assert script.symbol_states == {}


def test_a_corrected_print_marks_its_symbol_until_the_bar_with_the_right_one_is_in():
    """The right price is in the vendor's bar of that minute alone: until then the symbol lacks a print."""
    script = Script(symbols=(KRE, *SYMBOLS)).connect().frame(subscribed=ALL | {KRE}).answer()
    script.prints(*SYMBOLS).frame(quotes=(kre(0.5, 60.63, 4),)).tick(1)
    script.frame(quotes=(kre(1, 63.06, 5),)).tick(6)
    script.frame(corrections=(Correction(KRE, script.now.ns, 5, has_replacement=True),))
    script.tick(3, printing=("IWM",)).answer(bar(KRE, 1, 60.6))
    (replaced,) = script.of(PrintsReplaced)
    assert 63.06 not in {quote.price for quote in replaced.quotes}
    assert script.symbol_states == {KRE: "GAPPED"}, "the minute is not over"
    script.tick(57, printing=SYMBOLS)
    assert script.requests[-1].purpose is Purpose.CORRECT
    script.answer(bar(KRE, 0, 60.7), bar(KRE, -1, 60.7))
    assert script.symbol_states == {}


def test_a_print_taken_back_while_it_waits_is_not_handed_on():
    script = Script().connect().frame(subscribed=ALL)
    wrong = Quote("IWM", script.now.ns, 222.0, 5)
    script.frame(quotes=(wrong, Quote("IWM", script.now.ns, 221.0, 6)))
    script.frame(corrections=(Correction("IWM", script.now.ns + 9, seq=5),)).answer()
    assert [quote.price for batch in script.of(Batch) for quote in batch.quotes] == [221.0]


def test_a_correction_while_bars_are_on_their_way_waits_for_the_next_ones():
    script = Script().live()
    wrong_ns = script.now.ns
    script.tick(1).frame(corrections=(Correction("IWM", wrong_ns),))
    script.tick(3, printing=("IWM",)).frame(corrections=(Correction("IWM", wrong_ns - 70 * NS),))
    script.answer(bar("IWM", 1, 221.0))
    assert script.symbol_states == {"IWM": "GAPPED"}
    script.tick(16, printing=("IWM",)).answer(bar("IWM", 1, 221.0))
    assert script.symbol_states == {}


# Whatever comes

STEPS = st.one_of(
    st.just(("connect",)),
    st.tuples(st.just("lose"), st.sampled_from(list(Why))),
    st.tuples(st.just("tick"), st.integers(1, 70)),
    st.tuples(st.just("prints"), st.sets(st.sampled_from(SYMBOLS), min_size=1)),
    st.tuples(st.just("acknowledge"), st.sets(st.sampled_from((*SYMBOLS, "TSLA")))),
    st.tuples(st.just("sequence"), st.integers(0, 9)),
    st.tuples(st.just("correct"), st.sampled_from(SYMBOLS)),
    st.tuples(st.just("answer"), st.booleans()),
    st.tuples(st.just("error"), st.sampled_from(("again", "limit"))),
    st.just(("blocked",)),
    st.just(("pong",)),
)


def play(script, step):
    match step:
        case ("connect",):
            if script.state.session.is_open or script.state.session.is_subscribed:
                script.lose()
            script.connect()
        case ("lose", why):
            script.lose(why)
        case ("tick", seconds):
            script.tick(seconds)
        case ("prints", symbols):
            script.prints(*sorted(symbols))
        case ("acknowledge", symbols):
            script.frame(subscribed=frozenset(symbols))
        case ("sequence", number):
            script.frame(sequence=(("IWM", number),))
        case ("correct", symbol):
            script.frame(corrections=(Correction(symbol, script.now.ns),))
        case ("answer", works):
            for request in script.requests:
                script.state.on_answer(request, Answer(error="" if works else "down"), script.now)
        case ("error", kind):
            script.frame(error=VendorError(kind, "no"))
        case ("blocked",):
            script.state.on_blocked()
        case ("pong",):
            script.state.on_pong()
    script.take()


@settings(deadline=None, max_examples=150)
@given(st.lists(STEPS, max_size=40))
def test_whatever_happens_the_consumer_can_rely_on_it(steps):
    script = Script()
    for step in steps:
        before = len(script.requests)
        play(script, step)
        state = script.state
        # Two requests are under way at most, and none is made twice.
        assert len([request for request in script.requests if state.requests.awaits(request)]) <= 2
        assert len(script.requests) - before <= 70
        # Nothing is sent where nobody listens.
        assert state.session.is_open or state.session.actions == []
        # States are yielded when they change, and only then.
        for kind in (Status, SymbolStates):
            yielded = script.of(kind)
            assert all(first != second for first, second in pairwise(yielded))
        assert script.symbol_states.keys() <= ALL
        assert (script.status.state == "OFFLINE") or state.session.is_subscribed
    handed_on = [quote for batch in script.of(Batch) for quote in batch.quotes]
    assert len(handed_on) + len(script.state.buffer) == script.state.report.stats(script.now).quotes
    assert len({(q.symbol, q.ts_ns, q.seq) for q in handed_on}) == len(handed_on)


@settings(deadline=None, max_examples=50)
@given(st.lists(STEPS, max_size=30))
def test_the_same_inputs_give_the_same_outputs(steps):
    first, second = Script(), Script()
    for step in steps:
        play(first, step)
        play(second, step)
    assert (first.events, first.actions) == (second.events, second.actions)
