"""Which gaps to fill by REST and when: one request at a time for all that are open. Pure.

A bar takes the place of its minute (``Role.MINUTE``), so it may come as late as it likes. A gap is open
until bars of all its minutes have been handed on; the minute in which it ended has its bar when it is over.
Times of gaps are event times: with a vendor that is late by contract, so much before our clock.

It knows neither the filter nor the buffer: the state gives it symbols and times, and takes the quotes it
returns through the one into the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from feeds.clock import Pace
from feeds.events import Gap
from feeds.streaming.requests import Answer, Purpose, Request
from feeds.streaming.watch.ahead import AHEAD_NS
from feeds.streaming.watch.gaps import Gaps, Missing, Span
from rotation.quote import MINUTE_NS, NS, Role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from collections.abc import Set as AbstractSet

    from feeds.clock import Moment
    from rotation.quote import Quote

HOLD_S = 5.0
"""Live quotes wait this long for those of the gap before, so that the path is drawn in its order."""
ENDED_NS = 5 * NS
"""A source has a minute's bar this long after its end."""
SUBSCRIBING_NS = 2 * NS
"""A subscription that has been sent may take this long to bring prints."""
EMPTY_NS, EMPTY_MAX = 60 * NS, 3
"""A source without error that knows no bars at all is asked again after so long, so often in all."""
NEVER_NS = 1 << 62
COMPARE_S = 300.0
"""Vendors without sequence numbers: what they sent is compared with a snapshot this often."""
COMPARE_SYMBOLS = 8
"""In each comparison, the next ones in turn: a keyless source bars those who ask for much."""
HASTE_S = 60.0
"""Not sooner after a comparison or a subscription, whoever wishes for one."""
MISSED_NS = 30 * NS
"""A snapshot's print newer than ours by more: prints of that symbol do not reach us."""
NOTHING = (Request(Purpose.FILL, frozenset()), Answer())


class Backfill:
    """The gaps of one stream, and the one request under way."""

    def __init__(self, *, random: Callable[[], float], late_ns: int = 0) -> None:
        """``random``: uniform in [0, 1), for the back-off. ``late_ns``: of the vendor by contract."""
        self._pace = Pace(random=random)
        self._gaps = Gaps()
        self._late_ns = late_ns
        # Bars of a feed that is late by contract may be another minute later than its prints.
        self._ended_ns = ENDED_NS + (MINUTE_NS if late_ns else 0)
        self._began_s = self._compared_s = 0.0
        self._turn = 0
        self._is_noted = False
        self._missed_ns: int | None = None
        """Since when something is missing of which no event has been given."""
        self._known_ns = 0
        """Minutes that ended by then, in event time, are in the answer to the request under way."""
        self.request: Request | None = None
        """Under way; None where nothing is."""
        self.holds = False
        """Whether live quotes should wait for the answer."""
        self.printed: set[str] = set()
        """Symbols with a live print on this connection, after their last gap."""
        self.count = 0
        """Gaps noticed. An outage of all counts as one, whatever connections fail in the midst of it."""
        self.error = ""
        """Why the last attempt to fill failed, in the source's words; empty where it did not."""
        self._answered = NOTHING
        self._early: frozenset[str] = frozenset()
        """Symbols with a bar in the last answer that had only just ended: they are to be had later."""
        self.unfilled: frozenset[str] = frozenset()
        """Symbols whose gap stays open for good: the source has no bars of them."""

    @property
    def symbols(self) -> frozenset[str]:
        """Symbols that may lack prints: high, low and volume are in doubt."""
        return self._gaps.symbols

    @property
    def unpriced(self) -> frozenset[str]:
        """Of these, the symbols whose price is in doubt too: nothing newer has been handed on."""
        return self._gaps.symbols if self.holds else frozenset(self._gaps.unpriced)

    @property
    def counts(self) -> tuple[int, int]:
        """How many there are of ``unpriced`` and of ``symbols``, without making either."""
        incomplete = len(self._gaps)
        return incomplete if self.holds else len(self._gaps.unpriced), incomplete

    def miss(self, symbols: Iterable[str], since_ns: int, until_ns: int) -> None:
        """Prints between the two may be missing, by our clock."""
        missing = frozenset(symbols)
        if missing - self._gaps.symbols:
            self._is_noted = False  # of these nothing was missing until now
        self._missed_ns = min(since_ns, self._missed_ns or since_ns)
        self._gaps.open(missing, since_ns - self._late_ns, until_ns - self._late_ns)
        self.unfilled -= missing
        self.printed.difference_update(missing)

    def note(self, symbols: frozenset[str], start_ns: int, end_ns: int) -> Gap:
        """A gap is over, but not filled: count it, and return the event that says so."""
        self.miss(symbols, start_ns, end_ns)
        self._missed_ns = None
        self.count += 1
        return Gap(symbols, start_ns, end_ns)

    def on_subscribed(self, now: Moment, *, is_first: bool) -> Gap | None:
        """A subscription has been sent: what was missed can be requested. The first is not a gap."""
        self._compared_s = now.s
        new = frozenset(symbol for symbol, missing in self._gaps.due(now.ns).items() if missing.due_ns == 0)
        is_noted, self._is_noted = self._is_noted, True
        since_ns, self._missed_ns = self._missed_ns, None
        if not new or since_ns is None or is_first or is_noted:
            return None
        self.count += 1
        return Gap(new, since_ns, now.ns)

    def on_lost(self) -> None:
        """The connection has ended: what was asked for may not reach to the next one."""
        self.request = None
        self.holds = False
        self.printed.clear()

    def on_prints(self, symbols: AbstractSet[str]) -> bool:
        """Live prints were let in. True if a price was in doubt until then."""
        before = len(self._gaps.unpriced)
        self._is_noted = False
        self.printed |= symbols
        self._gaps.unpriced -= symbols
        return len(self._gaps.unpriced) != before

    def on_tick(self, now: Moment, began_ns: int | None) -> None:
        """Every second of a connection. ``began_ns``: when the running session did; None where none runs."""
        if now.s - self._began_s > HOLD_S:
            self.holds = False  # live quotes are not held for ever
        if began_ns is not None:
            self._gaps.drop_before(began_ns - self._late_ns)
            self.unfilled &= self._gaps.symbols

    def next_fill(self, now: Moment) -> Request | None:
        """What to fetch for the open gaps; None where nothing is due, one is under way, or must wait."""
        due = self._gaps.due(now.ns) if self.request is None else {}
        if not due or self._pace.wait_s("fill", now.s):
            return None
        is_new = any(missing.due_ns == 0 for missing in due.values())
        now_ns = now.ns - self._late_ns
        wanted = Span(frozenset(due), min(missing.start_ns for missing in due.values()), now_ns)
        self._known_ns = (now_ns - self._ended_ns) // MINUTE_NS * MINUTE_NS
        has_bars = msgspec.structs.replace(wanted, end_ns=self._known_ns).has_bars
        if is_new:
            self._began_s = now.s
            # A second attempt keeps nobody waiting, nor does a snapshot alone.
            self.holds = not self.error and has_bars
        self.request = Request(
            Purpose.FILL if is_new else Purpose.FINISH,
            wanted.symbols,
            wanted.start_ns,
            wanted.end_ns,
            wants_bars=has_bars,
            wants_newest=not all(missing.is_answered for missing in due.values()),
        )
        return self.request

    def next_check(self, now: Moment, known: Iterable[str], *, compares: bool) -> Request | None:
        """A comparison of some of the symbols ``known``, where it is time; None where one is under way."""
        if self.request is not None:
            return None
        if compares and now.s - self._compared_s >= COMPARE_S:
            self._compared_s = now.s
            ordered = sorted(known)
            turn = {ordered[(self._turn + i) % len(ordered)] for i in range(COMPARE_SYMBOLS) if ordered}
            self._turn += COMPARE_SYMBOLS
            self.request = Request(Purpose.COMPARE, frozenset(turn), wants_newest=True)
        return self.request

    def hasten(self, now: Moment) -> bool:
        """Let the next comparison be due now; False where the last one was a moment ago."""
        if now.s - self._compared_s < HASTE_S:
            return False
        self._compared_s = now.s - COMPARE_S
        return True

    def on_answer(self, answer: Answer, now: Moment) -> tuple[list[Quote], list[Quote]]:
        """The answer to the fill or finish under way: bars of the gaps' minutes and newest prints, by time.

        ``on_taken`` is to follow, with what of them was let in.
        """
        request = self._ended()
        self.holds = False
        self.error = answer.error
        if answer.error:
            self._pace.failed("fill", now.s)
            if not answer.lacking:
                return [], []
        else:
            self._pace.worked("fill")
        # A bar that has only just ended may lack prints, and would shut out those that are still to come.
        whole = tuple(bar for bar in answer.bars if bar.ts_ns <= self._known_ns)
        self._early = frozenset(bar.symbol for bar in answer.bars if bar.ts_ns > self._known_ns)
        answer = msgspec.structs.replace(answer, bars=whole)
        self._answered = (request, answer)
        return self._bars_in(request, answer.bars), _newest_in(request, answer.newest, now)

    def on_taken(self, bars: Iterable[Quote], newest: Iterable[Quote], now: Moment) -> None:
        """These quotes of the answer are handed on: how far their gaps are filled."""
        (request, answer), self._answered = self._answered, NOTHING
        taken = {bar.symbol for bar in bars}
        last_ns = {quote.symbol: quote.ts_ns for quote in newest}
        self._gaps.unpriced -= taken | last_ns.keys()
        if taken or last_ns:
            self._is_noted = False  # what is missing from now on is another gap
        refused = {bar.symbol for bar in answer.bars} - taken
        for symbol in request.symbols - answer.lacking:
            missing = self._gaps.get(symbol)
            if missing is None or missing.start_ns < request.start_ns:
                continue  # it has grown meanwhile: all of it is asked for again
            is_answered = bool(taken) or missing.is_answered
            is_quiet = last_ns.get(symbol, NEVER_NS) <= missing.start_ns or symbol in self._early
            if symbol in refused or (request.wants_bars and not is_answered and not is_quiet):
                self._gaps.put(symbol, self._unknown(symbol, missing, now))
            else:
                self._gaps.put(symbol, self._rest(missing, is_answered=is_answered))

    def _rest(self, missing: Missing, *, is_answered: bool) -> Missing | None:
        """What an answer leaves, and when that has bars; None where it leaves nothing."""
        if self._known_ns >= missing.whole_ns:
            return None
        return msgspec.structs.replace(
            missing,
            start_ns=max(missing.start_ns, self._known_ns),
            due_ns=missing.whole_ns + self._ended_ns + self._late_ns,
            is_answered=is_answered,
        )

    def _unknown(self, symbol: str, missing: Missing, now: Moment) -> Missing:
        """The answer did not contain it: the source may have no bars, or none yet."""
        is_last = missing.tries + 1 >= EMPTY_MAX
        if is_last:
            self.unfilled |= {symbol}
        due_ns = NEVER_NS if is_last else now.ns + EMPTY_NS
        return msgspec.structs.replace(missing, due_ns=due_ns, tries=missing.tries + 1)

    def _bars_in(self, request: Request, bars: Iterable[Quote]) -> list[Quote]:
        """Bars of the minutes that ended in the span asked for and hold some of a gap.

        A bar that had not ended by ``end_ns`` was still forming: it is left out.
        """
        minutes = []
        for bar in bars:
            missing = self._gaps.get(bar.symbol)
            if missing is not None and bar.ts_ns <= request.end_ns and missing.overlaps(bar):
                minutes.append(msgspec.structs.replace(bar, bar_ns=MINUTE_NS, role=Role.MINUTE))
        return sorted(minutes, key=lambda bar: bar.ts_ns)

    def on_compared(self, answer: Answer, ours: Mapping[str, Quote], now: Moment) -> list[Gap]:
        """The newest prints elsewhere: a symbol whose ours (the newest of each) is older has a gap."""
        self._ended()
        gaps: list[Gap] = []
        for quote in answer.newest:
            held = ours.get(quote.symbol)
            if held is not None and held.ts_ns + MISSED_NS < quote.ts_ns <= now.ns:
                gaps.append(self.note(frozenset((quote.symbol,)), held.ts_ns, now.ns))
        return gaps

    def _ended(self) -> Request:
        request, self.request = self.request, None
        assert request is not None
        return request


def _newest_in(request: Request, newest: Iterable[Quote], now: Moment) -> list[Quote]:
    """The newest prints of an answer, without their size, which a bar may hold already, or is to come.

    The closing auction keeps its own: the bar of its minute adds nothing to the session.
    What is ahead of time is left out, and a bar that was still forming when it was asked for: its close would
    stand at a time that is still to come.
    """
    prints = [
        quote for quote in newest if quote.ts_ns <= (request.end_ns if quote.bar_ns else now.ns + AHEAD_NS)
    ]
    return sorted(
        (quote if quote.role == Role.CLOSE else msgspec.structs.replace(quote, size=0) for quote in prints),
        key=lambda quote: (quote.ts_ns, quote.seq),
    )
