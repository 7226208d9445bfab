"""What to do when a vendor takes a print back: fetch the session's bars again, or ask for an earlier close.

Wraps a ``StreamFeed``. Today's prints of the symbol are done again (``PrintsReplaced``) from the vendor's
minute bars
and the live prints since the last of them: soon, and once more when the vendor has worked the correction
into the minute in which it came. Until the first answer the symbol is GAPPED.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from contextlib import aclosing
from typing import TYPE_CHECKING

import msgspec

from feeds.errors import SourceError
from feeds.events import Batch, Correction, PrintsReplaced, Status, SymbolStates
from feeds.streaming.filter import QuoteFilter
from rotation.quote import NS
from rotation.sessions import SETTLE_NS, hours, session_at
from rotation.status import Kind

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping

    from feeds.clock import Time
    from feeds.events import Event
    from feeds.streaming.feed import StreamFeed
    from feeds.streaming.vendor import VendorError
    from rotation.feed_stats import FeedStats
    from rotation.quote import Quote
    from rotation.status import Mode

log = logging.getLogger(__name__)

SOON_S = 2.0
"""Corrections come in groups: one answer serves them all."""
LATER_S = 90.0
"""By then the minute of the correction has ended, and the vendor's bars know of it."""
GAP_S = 15.0
"""Between two requests, however many corrections come."""
RETRY_S = 60.0
ENDED_NS = 5 * NS
"""As in ``feeds.streaming.backfill``: a source has a minute's bar this long after its end."""
MINUTE_NS = 60 * NS
KEPT, KEPT_NS = 2048, 3 * MINUTE_NS
"""Live prints of a symbol, for the minutes that have no bar yet."""
WRONG = 256


class Corrected:
    """A ``feeds.events.Stream``: the stream's events, and what its corrections lead to."""

    def __init__(
        self,
        stream: StreamFeed,
        *,
        time: Time,
        closes: Mapping[str, float] | None = None,
        daily: Callable[[str], None] = lambda _: None,
    ) -> None:
        """``daily``: told of a symbol whose settled close may have changed. ``closes``: reference prices."""
        self._stream = stream
        self._vendor = stream.vendor
        self._time = time
        self._closes = dict(closes or {})
        self._daily = daily
        self._late_ns = int(stream.mode.delay_s * NS)
        self._due_s: dict[str, list[float]] = {}
        self._kept: dict[str, deque[Quote]] = {}
        self._wrong: deque[tuple[str, int]] = deque(maxlen=WRONG)
        self._suspect: set[str] = set()
        self._task: asyncio.Task[None] | None = None
        self._asked_s = float("-inf")
        self._answers: list[tuple[tuple[Quote, ...], frozenset[str], int]] = []
        """Bars, symbols, the end of the last minute."""
        self._said = ""
        self._words: SymbolStates | None = None
        self._status: Status | None = None
        self._told_words: SymbolStates | None = None
        self._told_status: Status | None = None

    @property
    def name(self) -> str:
        """The vendor's."""
        return self._stream.name

    @property
    def mode(self) -> Mode:
        """LIVE or DELAYED."""
        return self._stream.mode

    @property
    def symbols(self) -> frozenset[str]:
        """Whose quotes it brings."""
        return self._stream.symbols

    @property
    def refusal(self) -> VendorError | None:
        """Where the vendor said no for good."""
        return self._stream.refusal

    def stats(self) -> FeedStats:
        """What has been counted until now."""
        return self._stream.stats()

    def tape(self) -> None:
        """None: it is live."""

    async def events(self) -> AsyncGenerator[Event, None]:
        """The stream's own, at least one a second, and Redone between them."""
        try:
            async with aclosing(self._stream.events()) as events:
                async for event in events:
                    if self._heed(event):
                        yield event
                    self._ask()
                    for changed in self._changed():
                        yield changed
        finally:
            if self._task is not None:
                self._task.cancel()
                await asyncio.gather(self._task, return_exceptions=True)

    def _heed(self, event: Event) -> bool:
        """Take note; False for what is told in our own words."""
        match event:
            case Batch():
                for quote in event.quotes:
                    self._keep(quote)
            case Correction():
                self._correct(event)
            case SymbolStates():
                self._words = event
            case Status():
                self._status = event
            case _:
                pass
        return not isinstance(event, SymbolStates | Status)

    def _keep(self, quote: Quote) -> None:
        kept = self._kept.setdefault(quote.symbol, deque(maxlen=KEPT))
        kept.append(quote)
        while kept[0].ts_ns < quote.ts_ns - KEPT_NS:
            kept.popleft()

    def _correct(self, correction: Correction) -> None:
        """A print of the running session is done again; of an earlier or a settled one the close is."""
        symbol, now_ns = correction.symbol, self._time.clock_ns()
        if symbol not in self.symbols:
            return
        running, of = session_at(now_ns - self._late_ns), session_at(correction.ts_ns)
        settled = running is None or now_ns >= hours(running)[2] + SETTLE_NS
        if of != running or settled:
            self._daily(symbol)
        if running is not None and of == running:
            now_s = self._time.monotonic()
            soon_s = next(iter(self._due_s.get(symbol, ())), now_s + SOON_S)
            self._due_s[symbol] = [min(soon_s, now_s + SOON_S), now_s + LATER_S]
            self._wrong.append((symbol, correction.ts_ns))
            self._suspect.add(symbol)

    def _ask(self) -> None:
        """Begin the request that is due, if none runs."""
        if self._task is not None:
            if not self._task.done():
                return
            self._task.result()  # an error of ours ends the program, told
        now_s, now_ns = self._time.monotonic(), self._time.clock_ns() - self._late_ns
        due = frozenset(symbol for symbol, times in self._due_s.items() if times[0] <= now_s)
        if not due or now_s - self._asked_s < GAP_S:
            return
        for symbol in due:
            self._due_s[symbol] = [at_s for at_s in self._due_s[symbol] if at_s > now_s]
            if not self._due_s[symbol]:
                del self._due_s[symbol]
        session = session_at(now_ns)
        if session is None:  # it has ended meanwhile: what counts now is its close
            for symbol in due:
                self._daily(symbol)
            self._suspect -= due
            return
        self._asked_s = now_s
        end_ns = (now_ns - ENDED_NS) // MINUTE_NS * MINUTE_NS
        self._task = asyncio.create_task(self._fetch(due, hours(session)[0], end_ns), name="corrections")

    async def _fetch(self, symbols: frozenset[str], start_ns: int, end_ns: int) -> None:
        try:
            bars = await self._vendor.backfill(symbols, start_ns, end_ns)
        except SourceError as error:
            log.warning("%s: a correction waits: %s", self.name, error)
            self._said = f"corrections wait: {error}"
            retry_s = self._time.monotonic() + RETRY_S
            for symbol in symbols:
                self._due_s[symbol] = [retry_s, *self._due_s.get(symbol, ())]
                self._due_s[symbol].sort()
            return
        there = frozenset(bar.symbol for bar in bars if start_ns < bar.ts_ns <= end_ns) & symbols
        lacking = sorted(symbols - there)
        self._said = f"{self.name} has no bars to correct {', '.join(lacking)} with" if lacking else ""
        self._suspect -= symbols
        if not there:
            return
        wanted = [bar for bar in bars if bar.symbol in there and start_ns < bar.ts_ns <= end_ns]
        # A door of its own: the stream's has seen these minutes, and would call them repeated.
        door = QuoteFilter(there, self._closes)
        admitted = door.admit(sorted(wanted, key=lambda bar: bar.ts_ns), self._time.clock_ns())
        log.info("%s: %d symbols corrected", self.name, len(there))
        self._answers.append((tuple(admitted), there, end_ns))

    def _redone(self) -> list[Event]:
        """The answers, each with the live prints after its last bar but for those taken back."""
        told: list[Event] = []
        for bars, symbols, end_ns in self._answers:
            since = [
                quote
                for symbol in sorted(symbols)
                for quote in self._kept.get(symbol, ())
                if quote.ts_ns > end_ns and (symbol, quote.ts_ns) not in self._wrong
            ]
            told.append(PrintsReplaced(symbols, (*bars, *since)))
        self._answers.clear()
        return told

    def _changed(self) -> list[Event]:
        """What has come of the requests: prices first, then the words that they justify."""
        told = self._redone()
        if self._words is not None and (words := self._marked(self._words)) != self._told_words:
            self._told_words = words
            told.append(words)
        if self._status is not None and (status := self._noted(self._status)) != self._told_status:
            self._told_status = status
            told.append(status)
        return told

    def _marked(self, words: SymbolStates) -> SymbolStates:
        if not self._suspect:
            return words
        return SymbolStates(dict.fromkeys(self._suspect, Kind.GAPPED) | words.by_symbol)

    def _noted(self, status: Status) -> Status:
        if not self._said:
            return status
        return msgspec.structs.replace(status, detail="; ".join(filter(None, (status.detail, self._said))))
