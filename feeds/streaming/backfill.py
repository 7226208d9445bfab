"""Which gaps to fill by REST and when: one request at a time for all that are open. Pure.

It knows neither the filter nor the buffer: the state gives it symbols and times, and takes the quotes it
returns through the one into the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from feeds.clock import Pace
from feeds.events import Gap
from feeds.streaming.requests import Purpose, Request
from feeds.streaming.watch.gaps import Gaps, Span
from rotation.quote import MINUTE_NS, NS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from feeds.clock import Moment
    from feeds.streaming.requests import Answer
    from rotation.quote import Quote

HOLD_S = 5.0
"""Live quotes wait this long for those of the gap before: a market takes no old bars after new prints."""
ENDED_NS = 5 * NS
"""A source has a minute's bar this long after its end."""
COMPARE_S = 300.0
"""Vendors without sequence numbers: what they sent is compared with a snapshot this often."""
COMPARE_SYMBOLS = 8
"""In each comparison, the next ones in turn: a keyless source bars those who ask for much."""
MISSED_NS = 30 * NS
"""A snapshot's print newer than ours by more: prints of that symbol do not reach us."""


class Backfill:
    """The gaps of one stream, and the one request under way."""

    def __init__(self, *, random: Callable[[], float]) -> None:
        """``random``: uniform in [0, 1), for the back-off."""
        self._pace = Pace(random=random)
        self._gaps = Gaps()
        self._began_s = self._compared_s = 0.0
        self._last_minute: Span | None = None
        self._turn = 0
        self._is_noted = False
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

    @property
    def symbols(self) -> frozenset[str]:
        """Symbols that may lack prints."""
        return self._gaps.symbols

    def miss(self, symbols: Iterable[str], since_ns: int) -> None:
        """Prints may be missing from here on, until there is a connection."""
        missing = frozenset(symbols)
        if missing - self._gaps.symbols:
            self._is_noted = False  # of these nothing was missing until now
        self._gaps.open(missing, since_ns)
        self.printed.difference_update(self._gaps.symbols)

    def note(self, symbols: frozenset[str], start_ns: int, end_ns: int) -> Gap:
        """A gap is over, but not filled: count it, and return the event that says so."""
        self.miss(symbols, start_ns)
        self.count += 1
        return Gap(symbols, start_ns, end_ns)

    def on_subscribed(self, now: Moment, *, is_first: bool) -> Gap | None:
        """A subscription has been sent: what was missed can be asked for. The first one is no gap."""
        self._compared_s = now.s
        wanted = self._gaps.wanted(now.ns)
        is_new = wanted is not None and not is_first and not self._is_noted
        gap = self.note(wanted.symbols, wanted.start_ns, now.ns) if wanted and is_new else None
        self._is_noted = True
        return gap

    def on_lost(self) -> None:
        """The connection has ended: what was asked for may not reach to the next one."""
        self.request = None
        self.holds = False
        self.printed.clear()

    def on_prints(self, symbols: set[str]) -> bool:
        """Live prints were let in. True if a gap ended with one."""
        before = len(self._gaps)
        self._is_noted = False
        self.printed |= symbols
        self._gaps.printed(symbols)
        return len(self._gaps) != before

    def on_tick(self, now: Moment) -> None:
        """Every second of a connection: live quotes are not held for ever."""
        if now.s - self._began_s > HOLD_S:
            self.holds = False

    def next_fill(self, now: Moment) -> Request | None:
        """What to fetch for the open gaps; None where nothing is open, one is under way, or must wait."""
        wanted = None if self.request is not None else self._gaps.wanted(now.ns)
        if wanted is None or self._pace.wait_s("fill", now.s):
            return None
        self._began_s = now.s
        # A second attempt keeps nobody waiting, nor does a snapshot alone.
        self.holds = not self.error and wanted.has_bars
        span = (wanted.symbols, wanted.start_ns, wanted.end_ns)
        self.request = Request(Purpose.FILL, *span, wants_bars=wanted.has_bars, wants_newest=True)
        return self.request

    def next_check(self, now: Moment, known: Iterable[str], *, compares: bool) -> Request | None:
        """What to ask for where no gap is open: the end of the last one, or a comparison of ``known``."""
        if self.request is not None:
            return None
        rest = self._last_minute
        if rest is not None and now.ns >= rest.end_ns + ENDED_NS:
            self._last_minute = None
            span = (rest.symbols, rest.start_ns, rest.end_ns)
            self.request = Request(Purpose.FINISH, *span, wants_bars=True)
        elif compares and now.s - self._compared_s >= COMPARE_S:
            self._compared_s = now.s
            ordered = sorted(known)
            turn = {ordered[(self._turn + i) % len(ordered)] for i in range(COMPARE_SYMBOLS) if ordered}
            self._turn += COMPARE_SYMBOLS
            self.request = Request(Purpose.COMPARE, frozenset(turn), wants_newest=True)
        return self.request

    def on_answer(self, answer: Answer, now: Moment) -> list[Quote]:
        """The answer to the fill or finish under way: its quotes, oldest first."""
        request = self._ended()
        if request.purpose is Purpose.FINISH:
            # Part of the minute has been seen: the bar's range is wanted, not its size.
            return [msgspec.structs.replace(bar, size=0) for bar in _bars_in(request, answer.bars)]
        self.holds = False
        self.error = answer.error
        if answer.error:
            self._pace.failed("fill", now.s)
            return []
        self._pace.worked("fill")
        # A snapshot's size belongs to a print that a bar may already hold.
        newest = [msgspec.structs.replace(quote, size=0) for quote in answer.newest]
        quotes = sorted(
            (*_bars_in(request, answer.bars), *newest), key=lambda quote: (quote.ts_ns, quote.seq)
        )
        self._gaps.filled(request.symbols, (quote.symbol for quote in quotes))
        self._gaps.printed(self.printed)
        rest = Span(request.symbols, request.start_ns, request.end_ns).last_minute()
        self._last_minute = rest if self._last_minute is None else self._last_minute.joined(rest)
        return quotes

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


def _bars_in(request: Request, bars: Iterable[Quote]) -> list[Quote]:
    """Bars of the minutes that ended in the span asked for.

    A bar that had not ended by ``end_ns`` was still forming: it is left out. Of one that began before
    the gap a part has been seen: its range counts, its size would be counted twice.
    """
    return [
        bar if bar.ts_ns - MINUTE_NS >= request.start_ns else msgspec.structs.replace(bar, size=0)
        for bar in bars
        if request.start_ns < bar.ts_ns <= request.end_ns
    ]
