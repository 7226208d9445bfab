"""When a vendor takes a print back: fetch the session's bars again, or ask for an earlier close. Pure.

Today's prints of the symbol are replaced (``PrintsReplaced``) by the vendor's minute bars and the live
prints since the last of them: soon, and once more when the vendor has worked the correction into the
minute in which it came. The wrong print is known by its number, else by its time; some vendors give the
time of the message instead. The symbol is suspect until an answer leaves the wrong print out: until the first
where the print is known, else until the bars reach to the correction.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import msgspec
import polars as pl

from feeds.events import Correction, PrintsReplaced
from feeds.streaming.backfill import ENDED_NS
from feeds.streaming.filter import QuoteFilter
from feeds.streaming.reasons import CorrectionsWait, NoBars
from feeds.streaming.requests import Purpose, Request
from rotation.quote import MINUTE_NS, NS, Role
from rotation.sessions import SETTLE_NS, hours, session_at

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from collections.abc import Set as AbstractSet

    from feeds.clock import Moment
    from feeds.streaming.buffer import HandedOn
    from feeds.streaming.many.marks import Marks
    from feeds.streaming.requests import Answer
    from rotation.quote import Quote

SOON_S = 2.0
"""Corrections come in groups: one answer serves them all."""
LATER_S = 90.0
"""By then the minute of the correction has ended, and the vendor's bars include it."""
GAP_S = 15.0
"""Between two requests, however many corrections come."""
RETRY_S = 60.0
WRONG = 256
UNFOUND = 4096
"""Corrections whose prints are looked for at once, at most."""


class _Wrong:
    """Prints of one symbol that were taken back, the last WRONG of each sort."""

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}
        """Number to time of the correction: another exchange may give the same number to a later trade."""
        self._times: deque[int] = deque(maxlen=WRONG)

    def add_number(self, correction: Correction) -> None:
        """Remember the print by its number, where it has one."""
        if correction.seq is not None:
            self._numbers[correction.seq] = correction.ts_ns
            if len(self._numbers) > WRONG:
                del self._numbers[next(iter(self._numbers))]

    def find(self, correction: Correction, kept: Iterable[Quote]) -> Quote | None:
        """The print if it is one of those ``kept``; remember its time where its number is not.

        Not another one that was taken back before: a correction whose print is unknown must wait for bars.
        """
        seq, ts_ns = correction.seq, correction.ts_ns
        if seq is not None:
            numbered = next((quote for quote in kept if quote.seq == seq and self.has_number(quote)), None)
            if numbered is not None:
                return numbered  # its time may be another print's
        self._times.append(ts_ns)
        return next((quote for quote in kept if quote.ts_ns == ts_ns and not quote.bar_ns), None)

    @property
    def numbers(self) -> Collection[int]:
        """Numbers of prints that were taken back; ``has_number`` knows of which time."""
        return self._numbers.keys()

    def has(self, quote: Quote) -> bool:
        """Whether this is a print that was taken back. A bar never is."""
        return self.has_number(quote) or (not quote.bar_ns and quote.ts_ns in self._times)

    def has_number(self, quote: Quote) -> bool:
        """The same by its number alone."""
        return not quote.bar_ns and self.is_numbered(quote.seq, quote.ts_ns)

    def is_numbered(self, seq: int, ts_ns: int) -> bool:
        """Whether a print of this number, made then, was taken back by its number."""
        return ts_ns <= self._numbers.get(seq, 0)


class Corrections:
    """The corrections of one stream, and the one request under way."""

    def __init__(
        self, symbols: AbstractSet[str], closes: Mapping[str, float], handed_on: HandedOn, *, late_ns: int
    ) -> None:
        """``closes``: reference prices. ``late_ns``: by how much the vendor is late by contract.

        ``handed_on``: the live prints that the consumer has.
        """
        self._handed_on = handed_on
        self._symbols = symbols
        self._closes = dict(closes)
        self._late_ns = late_ns
        self._due_s: dict[str, list[float]] = {}
        self._wrong: dict[str, _Wrong] = {}
        self._marks: Marks | None = None
        """Of all their numbers; None until columns ask."""
        self._unfound: list[tuple[Correction, Moment]] = []
        """Whose prints have not been looked for among those handed on, and when they came."""
        self._unseen_ns: dict[str, int] = {}
        """By symbol up to when there must be bars: the latest correction of a print that is not among those
        kept, or the time of one that is, where another took its place, which is in the bars alone."""
        self._removed: set[str] = set()
        """Symbols with a kept print to leave out, which the consumer has."""
        self._since: set[str] = set()
        """Symbols corrected since the request under way was made."""
        self._asked_s = float("-inf")
        self._answers: list[tuple[tuple[Quote, ...], frozenset[str], Request]] = []
        """Bars and symbols, and the request they answer."""
        self._closes_due: list[str] = []
        self.request: Request | None = None
        """Under way; None where nothing is."""
        self.suspect: set[str] = set()
        """Symbols whose price may be the one that was taken back."""
        self.note: CorrectionsWait | NoBars | None = None
        """What keeps corrections from being applied; None where nothing does."""

    @property
    def is_heeded(self) -> bool:
        """Whether any print was taken back: what is to be handed on goes through ``without_wrong`` then."""
        return bool(self._wrong)

    def without_wrong(self, quotes: Iterable[Quote]) -> tuple[Quote, ...]:
        """Quotes about to be handed on, but for prints that were taken back by number while they waited."""
        wrong = self._wrong
        return tuple(q for q in quotes if q.symbol not in wrong or not wrong[q.symbol].has_number(q))

    def without_wrong_rows(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The same as columns."""
        if self._marks is None:
            from feeds.streaming.many.marks import Marks  # noqa: PLC0415 - it imports numpy

            self._marks = Marks(number for wrong in self._wrong.values() for number in wrong.numbers)
        marked = pl.Series(self._marks.find(rows["seq"].to_numpy()))
        if not len(marked):
            return rows
        columns = (rows[name][marked].to_list() for name in ("symbol", "seq", "ts_ns"))
        wrong = self._wrong
        is_wrong = [
            symbol in wrong and wrong[symbol].is_numbered(seq, ts_ns)
            for symbol, seq, ts_ns in zip(*columns, strict=True)
        ]
        if not any(is_wrong):
            return rows
        is_kept = pl.Series([True]).new_from_index(0, rows.height)
        places = marked.filter(pl.Series(is_wrong))
        is_kept.scatter(places, [False] * len(places))
        return pl.DataFrame([column.filter(is_kept) for column in rows.get_columns()])

    def on_corrections(self, corrections: Iterable[Correction], now: Moment) -> None:
        """Prints of the running session are replaced; of an earlier or a settled one the close is."""
        running = session_at(now.ns - self._late_ns)
        bounds = None if running is None else hours(running)
        is_settled = bounds is None or now.ns >= bounds[2] + SETTLE_NS
        ours = [each for each in corrections if each.symbol in self._symbols]
        if bounds is None:
            self._closes_due += [each.symbol for each in ours]
            return
        today = [each for each in ours if bounds[0] <= each.ts_ns <= bounds[3]]
        self._closes_due += [
            each.symbol for each in ours if is_settled or not bounds[0] <= each.ts_ns <= bounds[3]
        ]
        if self._marks is not None:
            self._marks.add([each.seq for each in today if each.seq is not None])
        soon_s, later_s = now.s + SOON_S, now.s + LATER_S
        for correction in today:
            symbol = correction.symbol
            due_s = self._due_s.get(symbol)
            self._due_s[symbol] = [min(due_s[0], soon_s) if due_s else soon_s, later_s]
            wrong = self._wrong.get(symbol)
            if wrong is None:
                wrong = self._wrong[symbol] = _Wrong()
            wrong.add_number(correction)
            self._unfound.append((correction, now))
            if len(self._unfound) >= UNFOUND:
                self._find()
        symbols = {each.symbol for each in today}
        self._since |= symbols
        self.suspect |= symbols

    def _find(self) -> None:
        """Look for the wrong prints among those handed on: for many at once, since they are many to look at.

        Those that wait are left out when they are handed on, so it need not be done at once.
        """
        if not self._unfound:
            return
        unfound, self._unfound = self._unfound, []
        symbols = {correction.symbol for correction, _ in unfound}
        numbers = {correction.seq for correction, _ in unfound if correction.seq is not None}
        times_ns = {correction.ts_ns for correction, _ in unfound}
        kept = self._handed_on.alike(symbols, numbers, times_ns)
        bar_s: dict[str, float] = {}
        for correction, then in unfound:
            symbol = correction.symbol
            wrong = self._wrong[symbol].find(correction, kept[symbol])
            if wrong is not None:
                self._removed.add(symbol)
            if wrong is None or correction.has_replacement:
                unseen_ns = correction.ts_ns if wrong is None else wrong.ts_ns
                self._unseen_ns[symbol] = max(unseen_ns, self._unseen_ns.get(symbol, 0))
                bar_s[symbol] = then.s + self._until_bar_s(unseen_ns, then)
            else:
                bar_s.pop(symbol, None)
        for symbol, at_s in bar_s.items():  # of the last correction of each
            self._due_s[symbol] = sorted([*self._due_s.get(symbol, ()), at_s])

    def _until_bar_s(self, ts_ns: int, now: Moment) -> float:
        """Seconds until there is a bar of the minute in which this instant lies, SOON_S at least."""
        bar_ns = (ts_ns // MINUTE_NS + 1) * MINUTE_NS + ENDED_NS + self._late_ns
        return max((bar_ns - now.ns) / NS, SOON_S)

    def redo_all(self, now: Moment) -> None:
        """The day's prints are another vendor's: replace those of every symbol by this one's bars."""
        if session_at(now.ns - self._late_ns) is not None:
            for symbol in self._symbols:
                self._due_s.setdefault(symbol, []).insert(0, now.s)
                self.suspect.add(symbol)

    def next_request(self, now: Moment) -> Request | None:
        """The session's bars of all symbols that are due; None where none are, or one is under way."""
        self._find()
        due = frozenset(symbol for symbol, times in self._due_s.items() if times[0] <= now.s)
        if self.request is not None or not due or now.s - self._asked_s < GAP_S:
            return None
        for symbol in due:
            self._due_s[symbol] = [at_s for at_s in self._due_s[symbol] if at_s > now.s]
            if not self._due_s[symbol]:
                del self._due_s[symbol]
        vendor_ns = now.ns - self._late_ns
        session = session_at(vendor_ns)
        if session is None:  # it has ended meanwhile: what counts now is its close
            self._closes_due += sorted(due)
            self.suspect -= due
            self._removed -= due
            return None
        self._asked_s = now.s
        self._since.clear()
        end_ns = (vendor_ns - ENDED_NS) // MINUTE_NS * MINUTE_NS
        self.request = Request(Purpose.CORRECT, due, hours(session)[0], end_ns, wants_bars=True)
        return self.request

    def on_answer(self, answer: Answer, now: Moment) -> None:
        """The answer to the request under way; an error is tried again RETRY_S later."""
        request, self.request = self.request, None
        assert request is not None
        self._find()
        if answer.error:
            self.note = CorrectionsWait(answer.error)
            for symbol in request.symbols:
                self._due_s[symbol] = sorted([now.s + RETRY_S, *self._due_s.get(symbol, ())])
            return
        bars = [
            msgspec.structs.replace(bar, bar_ns=MINUTE_NS, role=Role.MINUTE)
            for bar in sorted(answer.bars, key=lambda bar: bar.ts_ns)
            if bar.symbol in request.symbols and request.start_ns < bar.ts_ns <= request.end_ns
        ]
        covered = frozenset(bar.symbol for bar in bars)
        lacking = tuple(sorted(request.symbols - covered))
        self.note = NoBars(lacking) if lacking else None
        self._settle(request, covered, now)
        if covered:
            # A filter of its own: the stream's has seen these minutes, and would call them repeated.
            admitted = QuoteFilter(covered, self._closes).admit(bars, now.ns)
            self._answers.append((tuple(admitted), covered, request))

    def _settle(self, request: Request, covered: AbstractSet[str], now: Moment) -> None:
        """Which symbols are suspect no longer; the others are asked for again."""
        for symbol in request.symbols:
            if self._unseen_ns.get(symbol, 0) <= request.end_ns:
                self._unseen_ns.pop(symbol, None)  # it is within the bars
            lacks_bars = symbol in self._removed and symbol not in covered
            if symbol in self._since or symbol in self._unseen_ns or lacks_bars:
                self._due_s.setdefault(symbol, [now.s + RETRY_S])
                continue
            self._removed.discard(symbol)
            self.suspect.discard(symbol)

    def take_replaced(self) -> list[PrintsReplaced]:
        """The answers, each with the live prints after its last bar, but for those taken back.

        The closing auction stays too: its bar mixes it with late trades.
        """
        replaced: list[PrintsReplaced] = []
        for bars, symbols, request in self._answers:
            kept = self._handed_on.since(symbols, request.end_ns)
            since = [
                quote
                for symbol in sorted(symbols)
                for quote in (*self._auctions(symbol, request), *kept[symbol])
                if not (symbol in self._wrong and self._wrong[symbol].has(quote))
            ]
            replaced.append(PrintsReplaced(symbols, (*bars, *since)))
        self._answers.clear()
        return replaced

    def _auctions(self, symbol: str, request: Request) -> Iterable[Quote]:
        """The auction that printed within the span asked for; nothing where none did."""
        auction = self._handed_on.auction(symbol)
        is_within = auction is not None and request.start_ns < auction.ts_ns <= request.end_ns
        return (auction,) if auction is not None and is_within else ()

    def take_closes(self) -> list[str]:
        """Symbols whose settled close may have changed."""
        due, self._closes_due = self._closes_due, []
        return due

    @property
    def has_replaced(self) -> bool:
        """Whether ``take_replaced`` would return anything."""
        return bool(self._answers)
