"""StreamState: one vendor's stream without I/O, as websockets' protocol is a connection without a socket.

Inputs are ``on_…`` methods, each given the instant at which it happened; outputs are taken: events for the
consumer, actions for the socket, requests for REST. No asyncio, no clock, no socket; the parts (session,
liveness, filter, buffer, backfill, corrections …) know nothing of each other and meet only here.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import msgspec

from feeds.errors import SourceError
from feeds.events import Batch, Correction
from feeds.streaming import wording
from feeds.streaming.backfill import SUBSCRIBING_NS, Backfill
from feeds.streaming.buffer import Buffer
from feeds.streaming.corrections import Corrections
from feeds.streaming.filter import QuoteFilter
from feeds.streaming.reasons import Reason, Why
from feeds.streaming.reference import ScaleWatch
from feeds.streaming.requests import Answer, Purpose, Request
from feeds.streaming.session import Session
from feeds.streaming.states import Facts, status_of, symbol_states_of
from feeds.streaming.vendor import ReferenceSource
from feeds.streaming.watch.ahead import Ahead
from feeds.streaming.watch.gaps import Sequence
from feeds.streaming.watch.halts import Halts
from feeds.streaming.watch.hours import Equities
from feeds.streaming.watch.jumps import BROAD
from feeds.streaming.watch.lag import Lag
from feeds.streaming.watch.liveness import Liveness
from feeds.streaming.watch.nbbo import Quotes
from rotation.feed_stats import FeedStats
from rotation.quote import FUTURE_NS, NS
from rotation.status import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from feeds.clock import Moment
    from feeds.events import Event, Gap, Status, SymbolStates
    from feeds.streaming.session import Action
    from feeds.streaming.vendor import Frame, FrameResult, Vendor, VendorError
    from feeds.streaming.watch.hours import Hours
    from rotation.quote import Quote

CANARIES = frozenset({"IWM", "QQQ", "SPY"})
RATE_TICKS = 10
SHUT_NS = 3600 * NS
"""An outage shorter than this that begins and ends while the market is shut has missed nothing."""
CONFIRM_S = 5.0
"""Between snapshots of symbols that have jumped."""
LATE_NS = 2 * NS
"""A symbol acknowledged later than this after it was asked for has missed something."""
_UNREADABLE = (
    *(SourceError, msgspec.MsgspecError, RecursionError),
    *(ValueError, TypeError, LookupError, AttributeError, ArithmeticError),
)
"""What an unforeseen frame may raise in a parser: it costs that frame, never the desk."""


class StreamState:
    """Everything that one stream knows, over all its connections."""

    def __init__(
        self,
        vendor: Vendor,
        symbols: Iterable[str],
        now: Moment,
        *,
        hours: Hours | None = None,
        canaries: frozenset[str] = CANARIES,
        closes: Mapping[str, float] | None = None,
        random: Callable[[], float],
    ) -> None:
        """``symbols`` in order of importance: a vendor's limit cuts the last ones off.

        ``closes``: reference closes, against which the first prints are judged. ``hours``: US equities'.
        ``random``: uniform in [0, 1).
        """
        self._vendor = vendor
        self._asked = tuple(dict.fromkeys(symbols))
        self._symbols = frozenset(self._asked[: vendor.most_symbols])
        self._hours = hours or Equities()
        self._random = random
        self.session = Session(vendor, self._symbols, random=random)
        self.filter = QuoteFilter(self._symbols, closes or {}, broad=BROAD)
        self._ahead = Ahead()
        self._confirming: Request | None = None
        self._confirmed_s = float("-inf")
        self.buffer = Buffer(len(self._symbols))
        self._liveness = Liveness(self._hours, canaries & self._symbols, heartbeats=vendor.heartbeats)
        self._backfill = Backfill(random=random, late_ns=int(vendor.mode.delay_s * NS))
        self._corrections = Corrections(self._symbols, closes or {}, late_ns=int(vendor.mode.delay_s * NS))
        is_scaled = isinstance(vendor, ReferenceSource) and isinstance(self._hours, Equities)
        self._scale = ScaleWatch(self._symbols, is_used=is_scaled, random=random)
        self.quotes = Quotes(self._symbols)
        """Bid and ask of each symbol, where the vendor sends them."""
        self._halts = Halts(self._symbols)
        self._sequence = Sequence(self._symbols)
        self._lag = Lag(is_delayed=vendor.mode.kind is not Kind.LIVE)
        self._requests: list[Request] = []
        self._is_seeded = False
        self._data_ns: int | None = None
        self._lost_ns: int | None = None
        self._asked_ns = 0
        self._acknowledged: frozenset[str] = frozenset()
        self._admitted = 0
        self._recent: deque[int] = deque([0] * (RATE_TICKS + 1), RATE_TICKS + 1)
        self._status: Status | None = None
        self._symbol_states: SymbolStates | None = None
        self.refusal: VendorError | None = None
        """The vendor's final no, from the moment when the Status that says so has been taken."""
        self._update(now)

    # Inputs

    def on_connecting(self, now: Moment) -> None:
        """A connection is being attempted."""
        self.session.on_connecting()
        self._update(now)

    def on_connected(self, now: Moment) -> None:
        """The socket is open."""
        renew_ns = self._hours.renew_ns(now.ns)
        if renew_ns is not None:  # not all desks of the world in the same second
            renew_ns += int(self._random() * 60 * NS)
        self._liveness.opened(now.s)
        if self.session.on_connected(now, renew_ns):
            self._subscribe(now)
        self._update(now)

    def on_frame(self, frame: Frame, now: Moment) -> None:
        """The vendor has sent a frame. After the connection was given up it belongs to the gap."""
        if not self.session.is_open:
            return
        self._liveness.received(now.s)
        try:
            result = self.session.on_frame(frame)
        except _UNREADABLE as error:
            self.filter.reject(str(error) if isinstance(error, SourceError) else "unreadable frame")
            return
        changed = self._take(result, now)
        if self.session.on_result(result, now):
            self._subscribe(now)
            changed = True
        if changed:
            self._update(now)  # otherwise the next second is soon enough

    def on_pong(self) -> None:
        """The last ping was answered."""
        self.session.on_pong()

    def on_blocked(self) -> None:
        """A message could not be handed over: the peer does not read."""
        self.session.give_up(Reason(Why.SEND_BLOCKED))

    def on_tick(self, now: Moment) -> None:
        """A second has passed, with or without a connection."""
        session = self.session
        if session.is_open:
            overdue = session.overdue(now)
            if overdue is None and session.is_subscribed:
                overdue = self._liveness.overdue(now, self._halts.symbols)
            if overdue is not None:
                session.give_up(overdue)
            else:
                session.on_tick(now, is_healthy=self._liveness.healthy(now.s))
        self._recent.append(self._admitted)
        if session.is_subscribed:
            self._backfill.on_tick(now, self._hours.began_ns(now.ns))
            self._request(self._backfill.next_fill(now))
            self._request(self._backfill.next_check(now, self.filter.last, compares=self._compares(now)))
            self._request(self._scale.next_request(now))
            self._admit((), now)
        self._request(self._corrections.next_request(now))
        self._update(now)

    def on_lost(self, reason: Reason, now: Moment, *, floor_s: float | None = None) -> None:
        """The connection has ended, or there was none: from the last print on anything may have been missed.

        ``floor_s``: seconds that the vendor itself asks to wait.
        """
        was_subscribed = self.session.is_subscribed
        self.session.on_lost(reason, now, floor_s)
        self._ahead.clear()
        if was_subscribed:
            self._lost_ns = now.ns
            self._backfill.on_lost()
            self._scale.on_lost()
        self._update(now)

    def on_answer(self, request: Request, answer: Answer, now: Moment) -> None:
        """REST has answered; an answer that is no longer awaited is dropped."""
        if not self.awaits(request):
            return
        if request.purpose is Purpose.REFERENCE:
            self._scale.on_answer(answer, now)
        elif request.purpose is Purpose.CORRECT:
            self._corrections.on_answer(answer, now)
        elif request.purpose is Purpose.CONFIRM:
            self._on_confirmed(request, answer, now)
        elif request.purpose is Purpose.COMPARE:
            self._add(self._backfill.on_compared(answer, self.filter.last, now))
        else:
            self._on_filled(request, answer, now)
        self._update(now)

    def forget_requests(self, now: Moment) -> None:
        """No request will be answered: those under way count as failed, and are made again in their time."""
        self._requests.clear()
        for request in (
            self._backfill.request,
            self._corrections.request,
            self._scale.request,
            self._confirming,
        ):
            if request is not None:
                self.on_answer(request, Answer(error="internal error"), now)

    def on_take_over(self, now: Moment) -> None:
        """What the consumer has of today comes from another vendor: it is to be replaced."""
        self._corrections.redo_all(now)
        self._update(now)

    # Outputs

    @property
    def has_events(self) -> bool:
        """Whether ``take_events`` would return anything."""
        return self.buffer.is_ready or self._corrections.has_replaced or self._scale.has_events

    def take_events(self) -> list[Event]:
        """All that waits for the consumer, in order."""
        waiting = self.buffer.take()
        events: list[Event] = self._scale.take_events()
        events += [] if waiting.gap is None else [waiting.gap]
        if waiting.batch is not None:
            batch = Batch(self._corrections.without_wrong(waiting.batch.quotes))
            self._corrections.on_handed_on(batch.quotes)
            events.append(batch)
        events += self._corrections.take_replaced()
        events += waiting.corrections
        events += [event for event in (waiting.symbol_states, waiting.status) if event is not None]
        if waiting.status is not None and not self.session.is_subscribed:
            self.refusal = self.session.refusal
        return events

    def take_actions(self) -> list[Frame | Action]:
        """What to send and to do with the socket, in order."""
        actions, self.session.actions = self.session.actions, []
        return actions

    def take_requests(self) -> list[Request]:
        """What to ask by REST; three are under way at most."""
        requests, self._requests = self._requests, []
        return requests

    def take_closes(self) -> list[str]:
        """Symbols whose settled close may have been corrected."""
        return self._corrections.take_closes()

    def awaits(self, request: Request) -> bool:
        """Whether the answer is still of use; a request that is no longer awaited may be cancelled."""
        return request in (
            self._backfill.request,
            self._corrections.request,
            self._scale.request,
            self._confirming,
        )

    @property
    def last(self) -> Mapping[str, Quote]:
        """The newest quote of each symbol by event time."""
        return self.filter.last

    def stats(self, now: Moment) -> FeedStats:
        """What has been counted until now."""
        connections, is_subscribed = self.session.connections, self.session.is_subscribed
        return FeedStats(
            symbols=len(self._asked),
            subscribed=len(self._subscribed()) if is_subscribed else 0,
            quotes=self._admitted,
            rate_per_s=(self._recent[-1] - self._recent[0]) / RATE_TICKS if is_subscribed else None,
            age_s=None if self._data_ns is None else max(now.ns - self._data_ns, 0) / NS,
            lag_s=self._lag.least_s,
            connections=connections,
            reconnects=max(connections - 1, 0),
            gaps=self._backfill.count,
            gapped=len(self._backfill.unpriced),
            incomplete=len(self._backfill.symbols),
            conflated=self.buffer.conflated,
            duplicates=self.filter.duplicates,
            rejects=self.filter.rejects,
            last_reject=self.filter.last_reject,
        )

    # Between the parts

    def _subscribe(self, now: Moment) -> None:
        """Send the subscription: what was missed until now can be asked for."""
        self.session.subscribe(now)
        self._liveness.subscribed(now.s)
        self._asked_ns = now.ns
        self._sequence.restart()
        self._acknowledged = frozenset()
        since_ns = self._hours.began_ns(now.ns) if self._lost_ns is None else self._missed_ns(now.ns)
        if since_ns is not None:
            self._backfill.miss(self._symbols, since_ns, now.ns + SUBSCRIBING_NS)
        gap = self._backfill.on_subscribed(now, is_first=not self._is_seeded)
        self._is_seeded = True
        self._add([gap] if gap else [])
        self._request(self._backfill.next_fill(now))
        self._request(self._scale.next_request(now))

    def _take(self, result: FrameResult, now: Moment) -> bool:
        """Judge, count and hand on what a frame contains. True where a state may have changed."""
        for reason in result.rejected:
            self.filter.reject(reason)
        for correction in result.corrections:
            self.buffer.add(correction)
            self._corrections.on_correction(correction, now)
        since_ns = min(self._data_ns or now.ns, now.ns)
        holes = self._sequence.holes(result.sequence) if result.sequence else []
        gaps = [self._backfill.note(hole, since_ns, now.ns) for hole in holes]
        if result.subscribed is not None:
            gaps += self._acknowledge(result.subscribed & self._symbols, now)
        self._add(gaps)
        self._note_times(result.quotes, now)
        self.quotes.on_quotes(result.nbbo, result.bands)
        plausible, outside = self.quotes.judge(result.quotes, now.ns)
        for quote in outside:
            self.filter.reject(wording.of_outside(quote))
        self._halts.on_halts(result.halts)
        changed = bool(gaps or result.halts or result.corrections)
        changed |= self._admit(plausible, now)
        return changed or result.subscribed is not None or result.error is not None

    def _note_times(self, quotes: Iterable[Quote], now: Moment) -> None:
        """Measure our clock by all prints, those too that it makes look implausible."""
        if self._hours.canary_s(now.ns) is None:
            return
        events_ns = [q.ts_ns for q in quotes if q.symbol in self._symbols and not q.bar_ns]
        if not events_ns:
            return
        self._lag.note(now.ns, events_ns)
        behind_s = self._lag.behind_s
        if behind_s is not None and behind_s * NS > FUTURE_NS:
            self._liveness.refused(now.s)

    def _admit(self, quotes: Iterable[Quote], now: Moment) -> bool:
        """Let in what may be, of these and of those that waited. True where a state may have changed."""
        lag_ns = self._lag.usual_ns(int(self._vendor.mode.delay_s * NS))
        admitted = self.filter.admit(self._ahead.sift(quotes, now.ns, lag_ns), now.ns)
        changed = self._on_prints(admitted, now) if admitted else False
        for quote in self.filter.take_taken_back():
            if self.buffer.remove(quote):
                continue
            correction = Correction(quote.symbol, quote.ts_ns, quote.seq or None)
            self.buffer.add(correction)
            self._corrections.on_correction(correction, now)
            changed = True
        doubted = self.filter.doubted
        if doubted and self._confirming is None and now.s - self._confirmed_s >= CONFIRM_S:
            self._confirmed_s = now.s
            self._confirming = Request(Purpose.CONFIRM, doubted, wants_newest=True)
            self._requests.append(self._confirming)
        return changed

    def _on_confirmed(self, request: Request, answer: Answer, now: Moment) -> None:
        """A snapshot of symbols that have jumped; without an answer it is asked for again."""
        self._confirming = None
        if answer.error:
            return
        prices = {quote.symbol: quote.price for quote in answer.newest}
        for symbol in sorted(request.symbols):
            admitted = self.filter.on_newest(symbol, prices.get(symbol))
            if admitted:
                self._on_prints(admitted, now)

    def _on_prints(self, admitted: list[Quote], now: Moment) -> bool:
        if self._hours.canary_s(now.ns) is not None:  # at other hours a source repeats old prints
            self._lag.measure(now.s, now.ns, max(quote.ts_ns for quote in admitted))
        self._halts.on_prints(quote for quote in admitted if quote.sets_last)
        symbols = {quote.symbol for quote in admitted}
        is_first = self._liveness.data_s is None
        self._liveness.printed(symbols, now.s)
        self._data_ns = now.ns
        self._admitted += len(admitted)
        self.buffer.put(admitted)
        return self._backfill.on_prints({quote.symbol for quote in admitted if quote.sets_last}) or is_first

    def _on_filled(self, request: Request, answer: Answer, now: Moment) -> None:
        """Bars of a gap and newest prints: they are handed on before the states that rest on them."""
        bars, newest = self._backfill.on_answer(answer, now)
        bars = self.filter.admit_minutes(bars, now.ns)
        newest = self.filter.admit_past(newest, now.ns)
        self.buffer.put_minutes(bars)
        (self.buffer.put_first if request.purpose is Purpose.FILL else self.buffer.put)(newest)
        if not answer.error or answer.lacking:
            self._backfill.on_taken(bars, newest, now)

    def _acknowledge(self, symbols: frozenset[str], now: Moment) -> list[Gap]:
        """Symbols acknowledged later than the rest have missed what printed meanwhile."""
        late = symbols - self._acknowledged if now.ns - self._asked_ns > LATE_NS else frozenset()
        self._acknowledged |= symbols
        return [self._backfill.note(late, self._asked_ns, now.ns)] if late else []

    def _missed_ns(self, now_ns: int) -> int | None:
        """Since when prints may be missing; None where nothing has traded meanwhile."""
        lost_ns = self._lost_ns or now_ns
        if self._hours.is_shut(lost_ns) and self._hours.is_shut(now_ns) and now_ns - lost_ns < SHUT_NS:
            return None
        return min(self._data_ns or lost_ns, lost_ns)

    def _compares(self, now: Moment) -> bool:
        is_watched = self._hours.quiet_s(now.ns) is not None
        return is_watched and not self._sequence.is_used and self._vendor.mode.kind is Kind.LIVE

    def _request(self, request: Request | None) -> None:
        if request is not None:
            self._requests.append(request)

    def _add(self, gaps: Iterable[Gap]) -> None:
        for gap in gaps:
            self.buffer.add(gap)

    def _subscribed(self) -> frozenset[str]:
        acknowledged = self.session.acknowledged
        if acknowledged is not None:
            return acknowledged & self._symbols
        return frozenset() if self._vendor.acknowledges else frozenset(self._backfill.printed)

    def _update(self, now: Moment) -> None:
        """Hold or release the quotes, and report the states that have changed."""
        self.buffer.is_held = self._backfill.holds or self._scale.holds(now)
        facts = self._facts(now)
        status, symbol_states = status_of(facts), symbol_states_of(facts)
        if status != self._status:
            self._status = status
            self.buffer.add(status)
        if symbol_states != self._symbol_states:
            self._symbol_states = symbol_states
            self.buffer.add(symbol_states)

    def _facts(self, now: Moment) -> Facts:
        session = self.session
        return Facts(
            vendor=self._vendor.name,
            mode=self._vendor.mode,
            acknowledges=self._vendor.acknowledges,
            reason=session.reason,
            retry_s=session.retry_s,
            refusal=session.refusal.refusal if session.refusal else None,
            is_subscribed=session.is_subscribed,
            is_limited=session.is_limited,
            is_shut=self._hours.is_shut(now.ns),
            is_expected=self._hours.quiet_s(now.ns) is not None,
            has_data=self._liveness.data_s is not None,
            clocks_apart_s=self._lag.apart_s,
            asked=self._asked,
            followed=self._symbols,
            subscribed=self._subscribed(),
            acknowledged=session.acknowledged or frozenset(),
            gapped=self._backfill.unpriced,
            incomplete=self._backfill.symbols,
            unfilled=self._backfill.unfilled,
            gap_error=self._backfill.error,
            halted=self._halts.symbols,
            suspect=frozenset(self._corrections.suspect),
            corrections=self._corrections.note,
        )
