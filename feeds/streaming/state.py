"""StreamState: one vendor's stream without I/O, as websockets' protocol is a connection without a socket.

Inputs are ``on_…`` methods, each given the instant at which it happened; outputs are taken: events for the
consumer, actions for the socket, requests for REST. No asyncio, no clock, no socket; the parts (session,
liveness, filter, buffer, backfill, corrections …) know nothing of each other and meet only here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from feeds.errors import SourceError
from feeds.events import BidAsks, ColumnBatch, PrintsCorrected
from feeds.streaming.backfill import SUBSCRIBING_NS, Backfill
from feeds.streaming.buffer import Buffer, HandedOn
from feeds.streaming.corrections import Corrections
from feeds.streaming.filter import LiveFilter
from feeds.streaming.reasons import Reason, Why
from feeds.streaming.receive.gathered import Gathered
from feeds.streaming.receive.intake import Intake
from feeds.streaming.reference import ScaleWatch
from feeds.streaming.requests import Answer, Purpose, Requests
from feeds.streaming.session import Session
from feeds.streaming.states import Report
from feeds.streaming.vendor import FrameResult, ReferenceSource, StreamsMembers
from feeds.streaming.watch.halts import Halts
from feeds.streaming.watch.hours import Equities
from feeds.streaming.watch.watch import Watch
from rotation.quote import NS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from feeds.clock import Moment
    from feeds.events import Event
    from feeds.streaming.members.prints import MemberPrints, MemberTap
    from feeds.streaming.requests import Request
    from feeds.streaming.session import Action
    from feeds.streaming.vendor import Frame, Vendor, VendorError
    from feeds.streaming.watch.hours import Hours

CANARIES = frozenset({"IWM", "QQQ", "SPY"})
MANY = 256
"""From so many prints on they cost less as columns than one by one."""

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
        members: MemberPrints | None = None,
    ) -> None:
        """``symbols`` in order of importance: a vendor's limit cuts the last ones off.

        ``closes``: reference closes, against which the first prints are judged. ``hours``: US equities'.
        ``random``: uniform in [0, 1). ``members``: given those that the vendor brings beside the symbols.
        """
        asked = tuple(dict.fromkeys(symbols))
        self._symbols = frozenset(asked[: vendor.most_symbols])
        self._hours = hours or Equities()
        self._random = random
        self._members: MemberTap | None = None
        if members is not None and isinstance(vendor, StreamsMembers):
            vendor.members = members
            self._members = members.tap(vendor.mode)
        self.session = Session(vendor, self._symbols, random=random)
        closes, late_ns = closes or {}, int(vendor.mode.delay_s * NS)
        self.filter = LiveFilter(self._symbols, closes)
        if len(self._symbols) >= MANY:
            self.filter.expect_many()  # rather than while the first of them come
        self.buffer = Buffer(len(self._symbols))
        self._watch = Watch(self._symbols, canaries, self._hours, vendor.mode, heartbeats=vendor.heartbeats)
        self._halts = Halts(self._symbols)
        self._backfill = Backfill(random=random, late_ns=late_ns)
        self._handed_on = HandedOn()
        self._corrections = Corrections(self._symbols, closes, self._handed_on, late_ns=late_ns)
        is_scaled = isinstance(vendor, ReferenceSource) and isinstance(self._hours, Equities)
        self._scale = ScaleWatch(self._symbols, is_used=is_scaled, random=random)
        self.requests = Requests(self._backfill, self._corrections, self._scale, self.filter)
        self._intake = Intake(
            symbols=self._symbols,
            watch=self._watch,
            filter_=self.filter,
            buffer=self.buffer,
            backfill=self._backfill,
            corrections=self._corrections,
            halts=self._halts,
            requests=self.requests,
            members=self._members,
        )
        self.report = Report(
            vendor=vendor,
            asked=asked,
            followed=self._symbols,
            hours=self._hours,
            session=self.session,
            watch=self._watch,
            filter_=self.filter,
            buffer=self.buffer,
            backfill=self._backfill,
            corrections=self._corrections,
            halts=self._halts,
        )
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
        self._watch.liveness.opened(now.s)
        if self.session.on_connected(now, renew_ns):
            self._subscribe(now)
        self._update(now)

    def on_frame(self, frame: Frame, now: Moment) -> None:
        """The vendor has sent a frame. After the connection was given up it belongs to the gap."""
        if self.session.is_open:
            self._on_result(self._read(frame), now)

    def on_frames(self, frames: Sequence[Frame], now: Moment) -> None:
        """As ``on_frame`` of each, the last of which came now; what can be read at once is."""
        place = start = 0
        gathered = Gathered()
        while place < len(frames) and self.session.is_open:
            reader = self.session.reads_many
            try:
                many = None if reader is None else reader.received_many(frames, place)
            except _UNREADABLE:
                many = None  # the exact way says what is wrong
            if many is not None and many.count:
                gathered.add(many)
                place += many.count
                continue
            result = self._read(frames[place])
            place += 1
            if reader is None or not gathered.add_result(result):
                self._take_gathered(gathered, frames[start : place - 1], now)
                self._on_result(result, now)
                gathered, start = Gathered(), place
        self._take_gathered(gathered, frames[start:place], now)

    def on_pong(self) -> None:
        """The last ping was answered."""
        self.session.on_pong()

    def on_received(self, at_s: float) -> None:
        """Bytes have come, of frames that may wait to be looked at; ``at_s``: the last of them, monotonic."""
        self.session.on_received(at_s)

    def on_blocked(self) -> None:
        """A message could not be handed over: the peer does not read."""
        self.session.give_up(Reason(Why.SEND_BLOCKED))

    def on_tick(self, now: Moment) -> None:
        """A second has passed, with or without a connection."""
        self._watch.on_moment(now)
        session = self.session
        if session.is_open:
            overdue = session.overdue(now)
            if overdue is None and session.is_subscribed:
                overdue = self._watch.liveness.overdue(now, self._halts.symbols)
            if overdue is not None:
                session.give_up(overdue)
            else:
                session.on_tick(now, is_healthy=self._watch.liveness.healthy(now.s))
        self._watch.on_tick()
        self.filter.quotes.on_tick()
        if session.is_subscribed:
            self._backfill.on_tick(now, self._hours.began_ns(now.ns))
            self.requests.add(
                self._backfill.next_fill(now),
                self._backfill.next_check(now, self.filter.last, compares=self._watch.compares(now)),
                self._scale.next_request(now),
            )
            self._intake.admit((), now)
            self._ask_for_members(now)
        self.requests.add(self._corrections.next_request(now))
        self._update(now)

    def on_lost(self, reason: Reason, now: Moment, *, floor_s: float | None = None) -> None:
        """The connection has ended, or there was none: from the last print on anything may have been missed.

        ``floor_s``: seconds that the vendor itself asks to wait.
        """
        was_subscribed = self.session.is_subscribed
        self.session.on_lost(reason, now, floor_s)
        self.filter.on_lost()
        self.on_left()
        if was_subscribed:
            self._watch.on_lost(now)
            self._backfill.on_lost()
            self._scale.on_lost()
        self._update(now)

    def on_left(self) -> None:
        """Nothing is received any more: members do not come until a connection brings them again."""
        if self._members is not None:
            self._members.lost()

    def on_answer(self, request: Request, answer: Answer, now: Moment) -> None:
        """REST has answered; an answer that is no longer awaited is dropped."""
        if not self.requests.awaits(request):
            return
        if request.purpose is Purpose.REFERENCE:
            self._scale.on_answer(answer, now)
        elif request.purpose is Purpose.CORRECT:
            self._corrections.on_answer(answer, now)
        elif request.purpose is Purpose.CONFIRM:
            self._intake.on_prints(self.filter.on_answer(answer), now)
        elif request.purpose is Purpose.COMPARE:
            self.buffer.add(*self._backfill.on_compared(answer, self.filter.last, now))
        else:
            self._on_filled(request, answer, now)
        self._update(now)

    def compare_now(self, now: Moment) -> bool:
        """Compare with a snapshot at the next tick; False where none is needed, or one was made just now."""
        return self.session.is_subscribed and self._watch.compares(now) and self._backfill.hasten(now)

    def forget_requests(self, now: Moment) -> None:
        """No request will be answered: those under way count as failed, and are made again in their time."""
        self.requests.take()
        for request in self.requests.under_way():
            self.on_answer(request, Answer(error="internal error"), now)

    def on_take_over(self, now: Moment) -> None:
        """What the consumer has of today comes from another vendor: it is to be replaced."""
        self._corrections.redo_all(now)
        self._update(now)

    # Outputs

    @property
    def has_events(self) -> bool:
        """Whether ``take_events`` would return anything."""
        is_ready = self.buffer.is_ready or self.filter.quotes.is_due
        return is_ready or self._corrections.has_replaced or self._scale.has_events

    def take_events(self) -> list[Event]:
        """All that waits for the consumer, in order."""
        waiting = self.buffer.take()
        events: list[Event] = self._scale.take_events()
        events += [] if waiting.gap is None else [waiting.gap]
        markets = self.filter.quotes.take_news()
        events += [BidAsks(markets)] if markets else []
        if waiting.batch is not None:
            batch = waiting.batch
            if self._corrections.is_heeded:
                batch = msgspec.structs.replace(batch, quotes=self._corrections.without_wrong(batch.quotes))
            self._handed_on.add(batch.quotes)
            events.append(batch)
        if waiting.rows is not None:
            rows = waiting.rows
            if self._corrections.is_heeded:
                rows = self._corrections.without_wrong_rows(rows)
            if rows.height:
                self._handed_on.add_rows(rows)
                events.append(ColumnBatch(rows))
        events += self._corrections.take_replaced()
        events += [PrintsCorrected(waiting.corrections)] if waiting.corrections else []
        events += [event for event in (waiting.symbol_states, waiting.status) if event is not None]
        if waiting.status is not None and not self.session.is_subscribed:
            self.refusal = self.session.refusal
        return events

    def take_actions(self) -> list[Frame | Action]:
        """What to send and to do with the socket, in order."""
        actions, self.session.actions = self.session.actions, []
        return actions

    def take_closes(self) -> list[str]:
        """Symbols whose settled close may have been corrected."""
        return self._corrections.take_closes()

    # Between the parts

    def _read(self, frame: Frame) -> FrameResult:
        """What a frame contains; one that the parser cannot read is rejected whole."""
        try:
            return self.session.conversation.received(frame)
        except _UNREADABLE as error:
            reason = str(error) if isinstance(error, SourceError) else "unreadable frame"
            return FrameResult(rejected=(reason,))

    def _subscribe(self, now: Moment) -> None:
        """Send the subscription: what was missed until now can be asked for."""
        if self._members is not None:
            self._members.opened()
        self.session.subscribe(now)
        is_first = self._watch.on_subscribed(now)
        since_ns = self._watch.missed_ns(now)
        if since_ns is not None:
            self._backfill.miss(self._symbols, since_ns, now.ns + SUBSCRIBING_NS)
        gap = self._backfill.on_subscribed(now, is_first=is_first)
        self.buffer.add(*[gap] if gap else [])
        self.requests.add(self._backfill.next_fill(now), self._scale.next_request(now))

    def _ask_for_members(self, now: Moment) -> None:
        """Ask for members, or for none any more, where that has changed while the connection lasts."""
        if self._members is not None and self.session.is_open and self._members.has_turned:
            self._members.lost()
            self.session.subscribe(now)

    def _on_result(self, result: FrameResult, now: Moment) -> None:
        """Act on what a frame contains."""
        self._watch.on_moment(now)
        self._watch.liveness.received(now.s)
        changed = self._intake.take(result, now)
        if self.session.on_answered(
            now,
            error=result.error,
            send=result.send,
            subscribed=result.subscribed,
            is_ready=result.ready,
        ):
            self._subscribe(now)
            changed = True
        if changed:
            self._update(now)  # otherwise the next second is soon enough

    def _take_gathered(self, held: Gathered, frames: Sequence[Frame], now: Moment) -> None:
        """Judge, count and hand on what these frames contain, which hold nothing but prints and markets."""
        if not frames:
            return
        if (held.nbbo or held.bands) and not self.filter.is_order_free(held.prints, held.nbbo, held.bands):
            for frame in frames:
                self.on_frame(frame, now)
            return
        if len(held.prints) < MANY:
            quotes = tuple(held.prints.quotes())
            result = FrameResult(
                quotes,
                nbbo=held.nbbo,
                bands=held.bands,
                corrections=held.corrections,
                members=tuple(held.members),
                passed_over=held.passed_over,
            )
            self._on_result(result, now)
            return
        self._watch.on_moment(now)
        self._watch.liveness.received(now.s)
        if self._intake.take_gathered(held, now):
            self._update(now)

    def _on_filled(self, request: Request, answer: Answer, now: Moment) -> None:
        """Bars of a gap and newest prints: they are handed on before the states that rest on them."""
        bars, newest = self._backfill.on_answer(answer, now)
        bars = self.filter.admit_minutes(bars, now.ns)
        newest = self.filter.admit_past(newest, now.ns)
        self.buffer.put_minutes(bars)
        (self.buffer.put_first if request.purpose is Purpose.FILL else self.buffer.put)(newest)
        if not answer.error or answer.lacking:
            self._backfill.on_taken(bars, newest, now)

    def _update(self, now: Moment) -> None:
        """Hold or release the quotes, and report the states that have changed."""
        self.buffer.is_held = self._backfill.holds or self._scale.holds(now)
        self.buffer.add(*self.report.changes(now))
