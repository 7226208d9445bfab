"""Prints of one symbol in one phase of one session: which count, and what they add up to.

The result depends on the order of arrival only where a revision does (the later arrival wins); how
the prints were batched never matters. Memory is bounded: a print older than the newest by more than
KEPT_NS, or than KEPT_MAX others, is folded into the totals and can no longer be revised.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, Literal

from rotation.quote import NS

if TYPE_CHECKING:
    from rotation.quote import Quote

KEPT_NS = 60 * NS
KEPT_MAX = 4096
MINUTE_NS = 60 * NS

Outcome = Literal["accepted", "duplicates", "revised", "late"]
"""The names of the counters in ``snapshot.Counts``."""

Identity = tuple[int, int]


class Prints:
    """Last by event time, range, volume, and the last price of every minute."""

    def __init__(self, opens_ns: int) -> None:
        """``opens_ns``: where minute 0 of the path stands."""
        self._opens_ns = opens_ns
        self._kept: dict[Identity, Quote] = {}
        self._order: list[Identity] = []
        self._folded: Identity = (-1, -1)
        self._folded_high = float("-inf")
        self._folded_low = float("inf")
        self.last: Quote | None = None
        """None while there are only prints of which the size alone counts; then high and low are infinite."""
        self.high = float("-inf")
        self.low = float("inf")
        self.volume = 0
        self.minutes: dict[int, Quote] = {}

    def take(self, quote: Quote) -> Outcome:
        """Count one print in; say what it was."""
        identity = (quote.ts_ns, quote.seq)
        known = self._kept.get(identity)
        if known is not None:
            if known == quote:
                return "duplicates"
            self._kept[identity] = quote
            self._revise(known, quote)
            return "revised"
        if identity <= self._folded or (self.last and quote.ts_ns < self.last.ts_ns - KEPT_NS):
            return "late"
        self._kept[identity] = quote
        heappush(self._order, identity)
        self.volume += quote.size
        if quote.sets_last:
            self._widen(quote)
            self._place(quote)
        self._fold()
        return "accepted"

    def _widen(self, quote: Quote) -> None:
        self.high = max(self.high, _high(quote))
        self.low = min(self.low, _low(quote))

    def _place(self, quote: Quote) -> None:
        """Let the print be the last one, of all and of its minute, if by event time it is."""
        identity = (quote.ts_ns, quote.seq)
        if self.last is None or identity >= (self.last.ts_ns, self.last.seq):
            self.last = quote
        # The minute that ends at or after the print: a bar known at 10:40:00 closes the minute before.
        minute = -((self._opens_ns - quote.ts_ns) // MINUTE_NS)
        last = self.minutes.get(minute)
        if last is None or identity >= (last.ts_ns, last.seq):
            self.minutes[minute] = quote

    def _revise(self, was: Quote, now: Quote) -> None:
        self.volume += now.size - was.size
        if now.sets_last:
            self._place(now)
        self.high, self.low = self._folded_high, self._folded_low
        for quote in self._kept.values():
            if quote.sets_last:
                self._widen(quote)

    def _fold(self) -> None:
        floor = self.last.ts_ns - KEPT_NS if self.last is not None else 0
        while self._order[0][0] < floor or len(self._order) > KEPT_MAX:
            self._folded = heappop(self._order)
            quote = self._kept.pop(self._folded)
            if not quote.sets_last:
                continue
            self._folded_high = max(self._folded_high, _high(quote))
            self._folded_low = min(self._folded_low, _low(quote))


def _high(quote: Quote) -> float:
    return quote.price if quote.high is None else max(quote.high, quote.price)


def _low(quote: Quote) -> float:
    return quote.price if quote.low is None else min(quote.low, quote.price)
