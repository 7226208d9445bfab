"""Fills gaps by REST, one batched call for all that are open, and looks for gaps that nobody announced."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import msgspec

from feeds.errors import SourceError
from feeds.events import Gap
from feeds.streaming.gaps import Gaps, bars, fetch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from feeds.clock import Time
    from feeds.streaming.buffer import Buffer
    from feeds.streaming.filter import QuoteFilter
    from feeds.streaming.gaps import Fill
    from feeds.streaming.vendor import Vendor
    from rotation.quote import Quote

log = logging.getLogger(__name__)

HOLD_S = 5.0
"""Live quotes wait this long for those of the gap before: a market takes no old bars after new prints."""
ENDED_NS = 5 * 10**9
"""A source has a minute's bar this long after its end."""
COMPARE_S = 300.0
"""Vendors without sequence numbers: what they sent is compared with a snapshot this often."""
COMPARE_SYMBOLS = 8
"""In each comparison, the next ones in turn: a keyless source bars those who ask for much."""
MISSED_NS = 30 * 10**9
"""A snapshot's print newer than ours by more: prints of that symbol do not reach us."""


class Backfill:
    """The gaps of one stream and the one task that fills them."""

    def __init__(
        self, vendor: Vendor, door: QuoteFilter, buffer: Buffer, time: Time, *, changed: Callable[[], None]
    ) -> None:
        """What is fetched goes through ``door`` into ``buffer``, before what waits there."""
        self._changed = changed
        self._vendor = vendor
        self._door = door
        self._buffer = buffer
        self._time = time
        self._gaps = Gaps()
        self._task: asyncio.Task[None] | None = None
        self._began_s = self._compared_s = 0.0
        self._rest: Fill | None = None
        self._turn = 0
        self._is_noted = False
        self.printed: set[str] = set()
        """Symbols with a live print on this connection, after their last gap."""
        self.count = 0
        """Gaps noticed. An outage of all counts as one, whatever connections fail in the midst of it."""
        self.error = ""
        """Why the last attempt failed."""

    @property
    def symbols(self) -> frozenset[str]:
        """Those that may lack prints."""
        return self._gaps.symbols

    def miss(self, symbols: Iterable[str], since_ns: int) -> None:
        """Prints may be missing from here on, until a connection stands."""
        missing = frozenset(symbols)
        if missing - self._gaps.symbols:
            self._is_noted = False  # of these nothing was missing until now
        self._gaps.open(missing, since_ns)
        self.printed.difference_update(self._gaps.symbols)

    def note(self, symbols: frozenset[str], start_ns: int, end_ns: int) -> None:
        """A gap is over, but not filled: say so."""
        self.miss(symbols, start_ns)
        self.count += 1
        log.warning("%s: prints of %d symbols may be missing", self._vendor.name, len(symbols))
        self._buffer.tell(Gap(symbols, start_ns, end_ns))

    def connected(self, *, is_first: bool) -> None:
        """A subscription has been sent: what was missed can be asked for."""
        now_ns = self._time.clock_ns()
        self._compared_s = self._time.monotonic()
        wanted = self._gaps.wanted(now_ns)
        if wanted is not None and not is_first and not self._is_noted:
            self.note(wanted.symbols, wanted.start_ns, now_ns)
        self._is_noted = True
        self.start()

    def lost(self) -> None:
        """The connection has ended: what was asked for may not reach to the next one."""
        if self._task is not None:
            self._task.cancel()
        self.printed.clear()
        self._buffer.release()

    def take(self, quotes: Iterable[Quote]) -> bool:
        """Live prints that were let in. True if a gap ended with one."""
        before = len(self._gaps)
        symbols = {quote.symbol for quote in quotes}
        self._is_noted = False
        self.printed |= symbols
        self._gaps.printed(symbols)
        return len(self._gaps) != before

    def start(self) -> None:
        """Begin to fill if there is something to fill, nothing runs, and the source may be asked."""
        now_s = self._time.monotonic()
        wanted = None if self._runs() else self._gaps.wanted(self._time.clock_ns())
        if wanted is not None and not self._time.pace.wait_s("fill", now_s):
            self._began_s = now_s
            # A second try keeps nobody waiting, nor does a snapshot alone.
            self._buffer.held = not self.error and wanted.has_bars
            self._task = asyncio.create_task(self._fill(wanted))

    def tick(self, *, compare: bool) -> None:
        """Every second of a connection. Raises what a vendor's fetching should not have raised."""
        if self._task is not None and self._task.done() and not self._task.cancelled():
            self._task.result()
        now_s = self._time.monotonic()
        if self._buffer.held and now_s - self._began_s > HOLD_S:
            self._buffer.release()
        self.start()
        if self._runs():
            return
        rest = self._rest
        if rest is not None and self._time.clock_ns() >= rest.end_ns + ENDED_NS:
            self._rest = None
            self._task = asyncio.create_task(self._finish(rest))
        elif compare and now_s - self._compared_s >= COMPARE_S:
            self._compared_s = now_s
            self._task = asyncio.create_task(self._compare())

    async def close(self) -> None:
        """End the task."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _runs(self) -> bool:
        return self._task is not None and not self._task.done()

    async def _fill(self, wanted: Fill) -> None:
        try:
            fill = await fetch(self._vendor, wanted)
        except SourceError as error:
            self.error = str(error)
            self._time.pace.failed("fill", self._time.monotonic())
            log.warning("%s: a gap stays open: %s", self._vendor.name, error)
        else:
            self.error = ""
            self._time.pace.worked("fill")
            self._buffer.put_first(self._door.admit_past(fill.quotes, self._time.clock_ns()))
            self._gaps.filled(fill)
            self._gaps.printed(self.printed)
            self._rest = fill.rest() if self._rest is None else self._rest.joined(fill.rest())
        self._buffer.release()
        self._changed()

    async def _finish(self, rest: Fill) -> None:
        """The minute in which a gap ended: it could not be had while it was forming."""
        try:
            found = await bars(self._vendor, rest)
        except SourceError as error:
            log.info("%s: the end of a gap is not known: %s", self._vendor.name, error)
        else:
            ranges = [msgspec.structs.replace(bar, size=0) for bar in found]
            self._buffer.put(self._door.admit_past(ranges, self._time.clock_ns()))

    async def _compare(self) -> None:
        """Ask what the newest prints are: a symbol whose ours is older has a gap."""
        ordered = sorted(self._door.last)
        turn = {ordered[(self._turn + i) % len(ordered)] for i in range(COMPARE_SYMBOLS) if ordered}
        self._turn += COMPARE_SYMBOLS
        try:
            newest = await self._vendor.snapshot(frozenset(turn))
        except SourceError as error:
            log.info("%s: not compared: %s", self._vendor.name, error)
            return
        now_ns = self._time.clock_ns()
        for quote in newest:
            ours = self._door.last.get(quote.symbol)
            if ours is not None and ours.ts_ns + MISSED_NS < quote.ts_ns <= now_ns:
                self.note(frozenset((quote.symbol,)), ours.ts_ns, now_ns)
