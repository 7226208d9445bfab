"""Which of a vendor's quotes are prints: the same rules for every vendor, in front of the market.

Repeated prints are dropped, implausible ones rejected, and a jump waits for a second print that confirms
it. Everything rejected is counted, the last reason kept. Memory is bounded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from feeds.parsing.sanitize import clean
from feeds.streaming import wording
from feeds.streaming.reasons import Jump
from rotation.quote import fault_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from collections.abc import Set as AbstractSet

    from rotation.quote import Quote

JUMP = 0.10
"""Against the reference; a second print within as much of the first confirms it."""
KEPT = 32_768
"""Identities remembered: a minute or two of a whole market, hours of a desk's symbols."""


class QuoteFilter:
    """Of one stream, for as long as it runs: a reconnect does not forget what has been seen."""

    def __init__(self, symbols: AbstractSet[str], closes: Mapping[str, float]) -> None:
        """``symbols`` are let in, others passed over; ``closes``: reference prices where there are any."""
        self._symbols = symbols
        self._closes = dict(closes)
        self._seen: dict[int, None] = {}
        self._jumps = _Jumps(dict(closes))
        self.last: dict[str, Quote] = {}
        """The newest of each symbol by event time."""
        self.duplicates = 0
        self.rejects = 0
        self.last_reject = ""

    def admit(self, quotes: Iterable[Quote], now_ns: int) -> list[Quote]:
        """Live prints that count, in order of arrival."""
        return self._admit(quotes, now_ns, self._jumps)

    def admit_past(self, quotes: Iterable[Quote], now_ns: int) -> list[Quote]:
        """Bars of a gap, oldest first: judged by themselves, since the market may have moved meanwhile."""
        return self._admit(quotes, now_ns, _Jumps(self._closes | {s: q.price for s, q in self.last.items()}))

    def admit_minutes(self, bars: Iterable[Quote], now_ns: int) -> list[Quote]:
        """Bars that take the place of their minutes, judged by themselves; repeated ones count again."""
        by_itself = QuoteFilter(self._symbols, self._closes | {s: q.price for s, q in self.last.items()})
        admitted = by_itself.admit(bars, now_ns)
        if by_itself.rejects:
            self.rejects += by_itself.rejects
            self.last_reject = by_itself.last_reject
        self._note_last(by_itself.last.values())
        return admitted

    def reject(self, reason: str) -> None:
        """Count something that could not be used; ``reason`` is shown, sanitised."""
        self.rejects += 1
        self.last_reject = clean(reason)

    def _admit(self, quotes: Iterable[Quote], now_ns: int, jumps: _Jumps) -> list[Quote]:
        admitted: list[Quote] = []
        for quote in quotes:
            if quote.symbol not in self._symbols:
                continue
            fault = fault_of(quote, now_ns)
            if fault is not None:
                self.reject(wording.of_fault(quote, fault))
            elif self._is_repeated(quote):
                self.duplicates += 1
            elif not quote.sets_last:
                admitted.append(quote)
            else:
                admitted += self._judge(_trimmed(quote), jumps)
        self._note_last(admitted)
        return admitted

    def _note_last(self, quotes: Iterable[Quote]) -> None:
        for quote in quotes:
            if not quote.sets_last:
                continue
            held = self.last.get(quote.symbol)
            if held is None or (quote.ts_ns, quote.seq) >= (held.ts_ns, held.seq):
                self.last[quote.symbol] = quote

    def _is_repeated(self, quote: Quote) -> bool:
        # Where the vendor numbers its prints the size does not count: some send it as a difference.
        identity = hash((quote.symbol, quote.ts_ns, quote.price, quote.seq or -1 - quote.size))
        if identity in self._seen:
            return True
        self._seen[identity] = None
        if len(self._seen) > KEPT:
            del self._seen[next(iter(self._seen))]
        return False

    def _judge(self, quote: Quote, jumps: _Jumps) -> tuple[Quote, ...]:
        passed = jumps.judge(quote)
        if not passed:
            self.reject(wording.of_fault(quote, Jump(quote.price, JUMP)))
        elif len(passed) > 1:
            self.rejects -= 1  # the one held back was right after all
            self.last_reject = self.last_reject if self.rejects else ""
        return passed


class _Jumps:
    """Prints too far from the one before wait for another."""

    def __init__(self, reference: dict[str, float]) -> None:
        self._reference = reference
        self._held: dict[str, Quote] = {}

    def judge(self, quote: Quote) -> tuple[Quote, ...]:
        """What may pass now: nothing, the print, or the one held back and the print."""
        symbol, price = quote.symbol, quote.price
        held = self._held.pop(symbol, None)
        if _near(price, self._reference.get(symbol, price)):
            self._reference[symbol] = price
            return (quote,)
        if held is None or not _near(price, held.price):
            self._held[symbol] = quote
            return ()
        self._reference[symbol] = price
        return (held, quote)


def _near(price: float, reference: float) -> bool:
    return abs(price - reference) <= JUMP * reference


def _trimmed(quote: Quote) -> Quote:
    """A bar's extreme too far from its close has no second print to confirm it: it is left out."""
    ends = (quote.high, quote.low)
    if all(end is None or _near(end, quote.price) for end in ends):
        return quote
    return msgspec.structs.replace(quote, high=None, low=None)
