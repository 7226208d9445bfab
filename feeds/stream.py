"""StreamFeed: any streaming vendor as a feed. Reader, door, gaps and state words come together here."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING

from feeds.base import Status
from feeds.errors import SourceError
from feeds.live_events import Gap, Words
from feeds.stream_buffer import Buffer
from feeds.stream_clocks import Clocks
from feeds.stream_door import StreamDoor
from feeds.stream_gaps import Gaps, fetch
from feeds.stream_hours import Equities
from feeds.stream_lag import Lag
from feeds.stream_link import Link
from feeds.stream_time import Time
from rotation.feed_stats import FeedStats
from rotation.ticks import NS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping

    from feeds.live_events import LiveEvent
    from feeds.stream_gaps import Fill
    from feeds.stream_hours import Hours
    from feeds.vendor import Heard, Vendor
    from rotation.snapshot import Tape
    from rotation.ticks import Quote

log = logging.getLogger(__name__)

CANARIES = frozenset({"IWM", "QQQ", "SPY"})
TICK_S = 1.0
HOLD_S = 5.0
"""Live quotes wait this long for those of the gap before: a market takes no old bars after new prints."""
COMPARE_S = 300.0
"""Vendors without sequence numbers: what they sent is compared with a snapshot this often."""
COMPARE_SYMBOLS = 8
"""In each comparison, the next ones in turn: a keyless source bars those who ask for much."""
MISSED_NS = 30 * NS
"""A snapshot's print newer than ours by more: prints of that symbol do not reach us."""
RATE_TICKS = 10


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
        self._symbols = frozenset(ordered[: vendor.most_symbols])
        self._hours = hours or Equities()
        self._time = time or Time()
        self._door = StreamDoor(self._symbols, closes or {})
        self._clocks = Clocks(self._hours, canaries & self._symbols, heartbeats=vendor.heartbeats)
        self._link = Link(
            vendor,
            self._symbols,
            self._clocks,
            self,
            time=self._time,
            renew_ns=self._renew_ns,
            halted=lambda: frozenset(self._halted),
        )
        self._buffer = Buffer(len(self._symbols))
        self._gaps = Gaps()
        self._lag = Lag(self._time.monotonic, is_delayed=vendor.mode != "LIVE")
        self._halted: dict[str, int] = {}
        self._sequence: dict[str, int] = {}
        self._has_sequence = False
        self._is_seeded = False
        self._data_ns: int | None = None
        self._fill: asyncio.Task[None] | None = None
        self._filling_s = self._compared_s = 0.0
        self._compare_at = 0
        self._fill_error = ""
        self._printed: set[str] = set()
        self._admitted = 0
        self._recent: deque[int] = deque([0] * (RATE_TICKS + 1), RATE_TICKS + 1)
        self._status: Status | None = None
        self._words: Words | None = None

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
            gaps=self._gaps.count,
            gapped=len(self._gaps.symbols),
            conflated=self._buffer.conflated,
            duplicates=self._door.duplicates,
            rejects=self._door.rejects,
            last_reject=self._door.last_reject,
        )

    async def events(self) -> AsyncIterator[LiveEvent]:
        """Quotes, states, gaps and corrections; at least one event a second. One reader at a time."""
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
            tasks += [self._fill] if self._fill else []
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    # What the link hears

    def connected(self) -> None:
        """The subscription has been sent: what was missed until now can be asked for."""
        now_ns = self._time.clock_ns()
        self._sequence.clear()
        self._compared_s = self._time.monotonic()
        if not self._is_seeded:
            self._is_seeded = True
            began_ns = self._hours.began_ns(now_ns)
            if began_ns is not None:
                self._gaps.open(self._symbols, began_ns)
        else:
            wanted = self._gaps.wanted(now_ns)
            if wanted is not None:
                self._note_gap(wanted.symbols, wanted.start_ns, now_ns)
        self._start_filling()
        self._show()

    def heard(self, heard: Heard) -> None:
        """Decode is done: judge, count, hand on."""
        now_s, now_ns = self._time.monotonic(), self._time.clock_ns()
        for reason in heard.rejected:
            self._door.reject(reason)
        for halt in heard.halts:
            if halt.halted:
                self._halted[halt.symbol] = halt.ts_ns
            elif self._halted.get(halt.symbol, 0) <= halt.ts_ns:
                self._halted.pop(halt.symbol, None)
        for correction in heard.corrections:
            self._buffer.tell(correction)
        self._number(heard.sequence, now_ns)
        admitted = self._door.admit(heard.quotes, now_ns)
        if admitted:
            symbols = {quote.symbol for quote in admitted}
            if self._hours.canary_s(now_ns) is not None:  # at other hours a source repeats old prints
                self._lag.measure(now_ns, max(quote.ts_ns for quote in admitted))
            self._clocks.printed(symbols, now_s)
            self._gaps.printed(symbols)
            self._printed |= symbols
            self._data_ns = now_ns
            self._admitted += len(admitted)
            self._buffer.put(admitted)
        told = heard.halts or heard.sequence or heard.subscribed is not None or heard.trouble is not None
        if told or (admitted and self._status and self._status.state != self.mode):
            self._show()  # otherwise the next second is soon enough

    def unreadable(self, why: str) -> None:
        """Count it: the connection goes on."""
        self._door.reject(why)

    def lost(self, *, was_subscribed: bool) -> None:
        """From the last print on anything may have been missed."""
        if was_subscribed:
            if self._fill is not None:
                self._fill.cancel()
            now_ns = self._time.clock_ns()
            self._gaps.open(self._symbols, min(self._data_ns or now_ns, now_ns))
            self._buffer.release()
            self._printed.clear()
        self._show()

    # Gaps

    def _number(self, sequence: Iterable[tuple[str, int]], now_ns: int) -> None:
        for symbol, number in sequence:
            self._has_sequence = True
            before = self._sequence.get(symbol)
            self._sequence[symbol] = max(number, before or number)
            if before is not None and number > before + 1:
                missed = self._symbols & {symbol} if symbol else self._symbols
                start_ns = min(self._data_ns or now_ns, now_ns)
                self._gaps.open(missed, start_ns)
                self._note_gap(missed, start_ns, now_ns)

    def _note_gap(self, symbols: frozenset[str], start_ns: int, end_ns: int) -> None:
        self._gaps.count += 1
        log.warning("%s: prints of %d symbols may be missing", self.name, len(symbols))
        self._buffer.tell(Gap(symbols, start_ns, end_ns))

    def _start_filling(self) -> None:
        now_s = self._time.monotonic()
        ready = self._link.is_subscribed and (self._fill is None or self._fill.done())
        wanted = self._gaps.wanted(self._time.clock_ns()) if ready else None
        if wanted is not None and not self._time.pace.wait_s("fill", now_s):
            self._filling_s = now_s
            # A second try keeps nobody waiting, nor does a snapshot alone.
            self._buffer.held = not self._fill_error and wanted.has_bars
            self._fill = asyncio.create_task(self._fill_gaps(wanted))

    async def _fill_gaps(self, wanted: Fill) -> None:
        try:
            fill = await fetch(self.vendor, wanted)
        except SourceError as error:
            self._fill_error = str(error)
            self._time.pace.failed("fill", self._time.monotonic())
            log.warning("%s: a gap stays open: %s", self.name, error)
        else:
            self._fill_error = ""
            self._time.pace.worked("fill")
            self._buffer.put_first(self._door.admit_past(fill.quotes, self._time.clock_ns()))
            self._gaps.filled(fill)
            self._gaps.printed(self._printed)
        self._buffer.release()
        self._show()

    async def _compare(self) -> None:
        """Ask what the newest prints are; a symbol whose ours is older has a gap."""
        ordered = sorted(self._symbols)
        turn = [
            ordered[(self._compare_at + i) % len(ordered)] for i in range(min(COMPARE_SYMBOLS, len(ordered)))
        ]
        self._compare_at += len(turn)
        try:
            newest = await self.vendor.snapshot(frozenset(turn))
        except SourceError as error:
            log.info("%s: not compared: %s", self.name, error)
            return
        now_ns = self._time.clock_ns()
        for quote in newest:
            ours = self._door.last.get(quote.symbol)
            if ours is not None and quote.ts_ns > ours.ts_ns + MISSED_NS and quote.ts_ns <= now_ns:
                self._gaps.open((quote.symbol,), ours.ts_ns)
                self._note_gap(frozenset((quote.symbol,)), ours.ts_ns, now_ns)

    # Every second

    async def _beat(self) -> None:
        while True:
            await self._time.sleep(TICK_S)
            await self._link.tick()
            if self._fill is not None and self._fill.done() and not self._fill.cancelled():
                self._fill.result()  # nothing but a SourceError is expected of a vendor
            self._recent.append(self._admitted)
            if self._buffer.held and self._time.monotonic() - self._filling_s > HOLD_S:
                self._buffer.release()
            self._start_comparing()
            self._start_filling()
            self._show()
            self._buffer.tick()

    def _start_comparing(self) -> None:
        now_s = self._time.monotonic()
        due = now_s - self._compared_s >= COMPARE_S and not self._has_sequence
        watched = self._hours.quiet_s(self._time.clock_ns()) is not None and self.mode == "LIVE"
        if due and watched and self._link.is_subscribed and (self._fill is None or self._fill.done()):
            self._compared_s = now_s
            self._fill = asyncio.create_task(self._compare())

    def _renew_ns(self, now_ns: int) -> int | None:
        due_ns = self._hours.renew_ns(now_ns)
        # Not all desks of the world in the same second.
        return None if due_ns is None else due_ns + int(self._time.random() * 60 * NS)

    # Words

    def _subscribed(self) -> frozenset[str]:
        acknowledged = self._link.acknowledged
        if acknowledged is not None:
            return acknowledged & self._symbols
        return frozenset() if self.vendor.acknowledges else frozenset(self._printed)

    def _show(self) -> None:
        """Tell the state where it has changed."""
        status, words = self._state(), Words(self._by_symbol())
        if status != self._status:
            self._status = status
            self._buffer.tell(status)
        if words != self._words:
            self._words = words
            self._buffer.tell(words)

    def _by_symbol(self) -> dict[str, str]:
        if not self._link.is_subscribed:
            return dict.fromkeys(self._asked, "OFFLINE")
        words = dict.fromkeys(self._asked[len(self._symbols) :], "OFFLINE")
        words |= dict.fromkeys(self._gaps.symbols, "GAPPED")
        acknowledged = self._link.acknowledged
        if acknowledged is not None:
            words |= dict.fromkeys(self._symbols - acknowledged, "OFFLINE")
        return words | dict.fromkeys(self._halted.keys() & self._symbols, "HALTED")

    def _state(self) -> Status:
        link = self._link
        if link.final is not None:
            return Status(link.final.state, link.final.said)
        if not link.is_subscribed:
            return Status("OFFLINE", link.why or "authenticating")
        here = self._subscribed()
        detail = f"{len(here)} of {len(self._asked)} symbols"
        if link.is_limited or len(self._symbols) < len(self._asked):
            detail += ", the vendor's limit"
        if self._lag.is_wide:
            detail += f", clocks {self._lag.least_s:.0f} s apart"
        if self._gaps.symbols:
            why = f": {self._fill_error}" if self._fill_error else ""
            return Status("GAPPED", f"{detail}, {len(self._gaps.symbols)} being filled{why}")
        if self._hours.is_shut(self._time.clock_ns()):
            return Status("CLOSED", detail)
        if self._clocks.data_s is None:
            return Status("OFFLINE", f"{detail}, nothing has come yet")
        return Status(self.mode, detail)
