"""StreamFeed: any streaming vendor as a feed. Reader, door, gaps and state words come together here."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING

from feeds.clock import Time
from feeds.events import Status, SymbolStates
from feeds.streaming.backfill import Backfill
from feeds.streaming.buffer import Buffer
from feeds.streaming.connection import Connection
from feeds.streaming.filter import QuoteFilter
from feeds.streaming.hours import Equities
from feeds.streaming.lag import Lag
from feeds.streaming.liveness import Liveness
from rotation.feed_stats import FeedStats
from rotation.quote import NS
from rotation.status import Kind

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Mapping

    from feeds.events import Event
    from feeds.streaming.hours import Hours
    from feeds.streaming.vendor import FrameResult, Halt, Vendor, VendorError
    from rotation.quote import Quote
    from rotation.snapshot import Tape

log = logging.getLogger(__name__)

CANARIES = frozenset({"IWM", "QQQ", "SPY"})
TICK_S = 1.0
RATE_TICKS = 10
SHUT_NS = 3600 * NS
"""An outage shorter than this that begins and ends while the market is shut has missed nothing."""
LATE_NS = 2 * NS
"""A symbol acknowledged later than this after it was asked for has missed something."""
RESUMED_NS = 5 * NS
"""A print this much newer than the halt shows that trading goes on."""


class StreamFeed:
    """Live quotes of the symbols.

    ``events`` runs until cancelled; after a final refusal it connects no more and its state stays.
    """

    def __init__(
        self,
        vendor: Vendor,
        symbols: Iterable[str],
        *,
        hours: Hours | None = None,
        canaries: frozenset[str] = CANARIES,
        closes: Mapping[str, float] | None = None,
        time: Time | None = None,
    ) -> None:
        """``symbols`` in order of importance: a vendor's limit cuts the last ones off.

        ``closes``: reference closes, against which the first prints are judged. ``hours``: US equities'.
        """
        ordered = list(dict.fromkeys(symbols))
        self.name = vendor.name
        self.mode = vendor.mode
        self.vendor = vendor
        self._asked = ordered
        self.symbols = frozenset(ordered)
        self._symbols = frozenset(ordered[: vendor.most_symbols])
        self._hours = hours or Equities()
        self._time = time or Time()
        self._door = QuoteFilter(self._symbols, closes or {})
        self._clocks = Liveness(self._hours, canaries & self._symbols, heartbeats=vendor.heartbeats)
        self._link = Connection(
            vendor,
            self._symbols,
            self._clocks,
            self,
            time=self._time,
            renew_ns=self._renew_ns,
            halted=self._halted,
        )
        self._buffer = Buffer(len(self._symbols))
        self._filler = Backfill(vendor, self._door, self._buffer, self._time, changed=self._show)
        self._lag = Lag(self._time.monotonic, is_delayed=vendor.mode.kind is not Kind.LIVE)
        self._halts: dict[str, Halt] = {}
        self._sequence: dict[str, int] = {}
        self._has_sequence = False
        self._is_seeded = False
        self._data_ns: int | None = None
        self._lost_ns: int | None = None
        self._asked_ns = 0
        self._acknowledged: frozenset[str] = frozenset()
        self._admitted = 0
        self._recent: deque[int] = deque([0] * (RATE_TICKS + 1), RATE_TICKS + 1)
        self._status: Status | None = None
        self._words: SymbolStates | None = None

    @property
    def refusal(self) -> VendorError | None:
        """The vendor said no for good: it is not asked again until the configuration changes."""
        return self._link.final

    @property
    def last(self) -> Mapping[str, Quote]:
        """The newest quote of each symbol by event time."""
        return self._door.last

    def tape(self) -> Tape | None:
        """None: it is live."""
        return None

    def stats(self) -> FeedStats:
        """What has been counted until now."""
        now_ns = self._time.clock_ns()
        connections = self._link.connections
        connected = self._link.is_subscribed
        return FeedStats(
            symbols=len(self._asked),
            subscribed=len(self._subscribed()) if connected else 0,
            quotes=self._admitted,
            rate_per_s=(self._recent[-1] - self._recent[0]) / RATE_TICKS if connected else None,
            age_s=None if self._data_ns is None else max(now_ns - self._data_ns, 0) / NS,
            lag_s=self._lag.least_s,
            connections=connections,
            reconnects=max(connections - 1, 0),
            gaps=self._filler.count,
            gapped=len(self._filler.symbols),
            conflated=self._buffer.conflated,
            duplicates=self._door.duplicates,
            rejects=self._door.rejects,
            last_reject=self._door.last_reject,
        )

    async def events(self) -> AsyncGenerator[Event, None]:
        """Quotes, states, gaps and corrections; at least one event a second. Once in a feed's life."""
        tasks = [asyncio.create_task(self._link.run()), asyncio.create_task(self._beat())]
        for task in tasks:
            task.add_done_callback(lambda _: self._buffer.tick())  # an error must not leave us waiting
        self._show()
        try:
            while True:
                for task in tasks:
                    if task.done():
                        task.result()
                for event in await self._buffer.take():
                    yield event
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._filler.close()

    # What the link hears

    def connected(self) -> None:
        """The subscription has been sent: what was missed until now can be asked for."""
        now_ns = self._asked_ns = self._time.clock_ns()
        self._sequence.clear()
        self._acknowledged = frozenset()
        since_ns = self._hours.began_ns(now_ns) if self._lost_ns is None else self._missed_ns(now_ns)
        if since_ns is not None:
            self._filler.miss(self._symbols, since_ns)
        self._filler.connected(is_first=not self._is_seeded)
        self._is_seeded = True
        self._show()

    def heard(self, heard: FrameResult) -> None:
        """Decode is done: judge, count, hand on."""
        now_s, now_ns = self._time.monotonic(), self._time.clock_ns()
        for reason in heard.rejected:
            self._door.reject(reason)
        for correction in heard.corrections:
            self._buffer.tell(correction)
        changed = self._number(heard.sequence, now_ns)
        if heard.subscribed is not None:
            self._acknowledge(heard.subscribed & self._symbols, now_ns)
        admitted = self._door.admit(heard.quotes, now_ns)
        self._halt(heard.halts, admitted)
        if admitted:
            if self._hours.canary_s(now_ns) is not None:  # at other hours a source repeats old prints
                self._lag.measure(now_ns, max(quote.ts_ns for quote in admitted))
            changed |= self._clocks.data_s is None
            self._clocks.printed({quote.symbol for quote in admitted}, now_s)
            changed |= self._filler.take(admitted)
            self._data_ns = now_ns
            self._admitted += len(admitted)
            self._buffer.put(admitted)
        if changed or heard.halts or heard.subscribed is not None or heard.trouble is not None:
            self._show()  # otherwise the next second is soon enough

    def unreadable(self, why: str) -> None:
        """Count it: the connection goes on."""
        self._door.reject(why)

    def lost(self, *, was_subscribed: bool) -> None:
        """From the last print on anything may have been missed."""
        if was_subscribed:
            self._lost_ns = self._time.clock_ns()
            self._filler.lost()
        self._show()

    def _missed_ns(self, now_ns: int) -> int | None:
        """Since when prints may be missing; None where nothing has traded meanwhile."""
        lost_ns = self._lost_ns or now_ns
        if self._hours.is_shut(lost_ns) and self._hours.is_shut(now_ns) and now_ns - lost_ns < SHUT_NS:
            return None
        return min(self._data_ns or lost_ns, lost_ns)

    def _number(self, sequence: Iterable[tuple[str, int]], now_ns: int) -> bool:
        """Where messages are numbered, a hole is a gap. True if there was one."""
        found = False
        for symbol, number in sequence:
            if symbol and symbol not in self._symbols:
                continue
            self._has_sequence = True
            before = self._sequence.get(symbol, number)
            self._sequence[symbol] = max(number, before)
            if number > before + 1:
                missed = frozenset((symbol,)) if symbol else self._symbols
                self._filler.note(missed, min(self._data_ns or now_ns, now_ns), now_ns)
                found = True
        return found

    def _acknowledge(self, symbols: frozenset[str], now_ns: int) -> None:
        """Symbols that come in later than the rest have missed what printed meanwhile."""
        late = symbols - self._acknowledged if now_ns - self._asked_ns > LATE_NS else frozenset()
        if late:
            self._filler.note(late, self._asked_ns, now_ns)
        self._acknowledged |= symbols

    def _halt(self, halts: Iterable[Halt], admitted: Iterable[Quote]) -> None:
        for halt in halts:
            known = self._halts.get(halt.symbol)
            if halt.symbol in self._symbols and (known is None or halt.ts_ns >= known.ts_ns):
                self._halts[halt.symbol] = halt
        for quote in admitted if self._halts else ():
            known = self._halts.get(quote.symbol)
            # The word that trading goes on may have been missed in an outage.
            if known is not None and quote.ts_ns > known.ts_ns + RESUMED_NS:
                del self._halts[quote.symbol]

    def _halted(self) -> frozenset[str]:
        return frozenset(symbol for symbol, halt in self._halts.items() if halt.halted)

    # Every second

    async def _beat(self) -> None:
        while True:
            await self._time.sleep(TICK_S)
            await self._link.tick()
            self._recent.append(self._admitted)
            if self._link.is_subscribed:
                watched = self._hours.quiet_s(self._time.clock_ns()) is not None
                self._filler.tick(compare=watched and not self._has_sequence and self.mode.kind is Kind.LIVE)
            self._show()
            self._buffer.tick()

    def _renew_ns(self, now_ns: int) -> int | None:
        due_ns = self._hours.renew_ns(now_ns)
        # Not all desks of the world in the same second.
        return None if due_ns is None else due_ns + int(self._time.random() * 60 * NS)

    # SymbolStates

    def _subscribed(self) -> frozenset[str]:
        acknowledged = self._link.acknowledged
        if acknowledged is not None:
            return acknowledged & self._symbols
        return frozenset() if self.vendor.acknowledges else frozenset(self._filler.printed)

    def _show(self) -> None:
        """Tell the state where it has changed."""
        status, words = self._state(), SymbolStates(self._by_symbol())
        if status != self._status:
            self._status = status
            self._buffer.tell(status)
        if words != self._words:
            self._words = words
            self._buffer.tell(words)

    def _by_symbol(self) -> dict[str, Kind]:
        here = self._link.acknowledged or frozenset()
        if not self._link.is_subscribed:
            return dict.fromkeys(self._asked, Kind.OFFLINE)
        words = dict.fromkeys(self._filler.symbols, Kind.GAPPED)
        words |= dict.fromkeys(self._asked[len(self._symbols) :], Kind.OFFLINE)
        if self.vendor.acknowledges:
            words |= dict.fromkeys(self._symbols - here, Kind.OFFLINE)
        return words | dict.fromkeys(self._halted(), Kind.HALTED)

    def _state(self) -> Status:
        link = self._link
        if not link.is_subscribed:
            final = link.final
            if final:
                return Status(final.state, final.said)
            return Status(Kind.OFFLINE, link.why or "authenticating")
        here = self._subscribed()
        detail = f"{len(here)} of {len(self._asked)} symbols"
        if link.is_limited or len(self._symbols) < len(self._asked):
            detail += ", the vendor's limit"
        if self._lag.is_wide:
            detail += f", clocks {self._lag.least_s:.0f} s apart"
        return self._doing(here, detail)

    def _doing(self, here: frozenset[str], detail: str) -> Status:
        """While there is a subscription."""
        if self.vendor.acknowledges and not here:
            return Status(Kind.OFFLINE, f"{detail}, not acknowledged yet")
        # One that the vendor does not give says OFFLINE by itself; the others are as good as ever.
        gapped = len(self._filler.symbols & here if self.vendor.acknowledges else self._filler.symbols)
        if gapped:
            why = f": {self._filler.error}" if self._filler.error else ""
            return Status(Kind.GAPPED, f"{detail}, {gapped} gapped{why}")
        now_ns = self._time.clock_ns()
        if self._hours.is_shut(now_ns):
            return Status(Kind.CLOSED, detail)
        if self._clocks.data_s is None:
            # Before the bell silence is no sign of anything.
            state = self.mode.kind if self._hours.quiet_s(now_ns) is None else Kind.OFFLINE
            return Status(state, f"{detail}, nothing has come yet", delay_s=self.mode.delay_s)
        return Status(self.mode.kind, detail, delay_s=self.mode.delay_s)
