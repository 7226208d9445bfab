"""The true tape: every print that the exchange made, and what each figure of the day must be because of it.

Plain lists and loops. A print counts from the instant at which the vendor publishes it, or would have, had
the connection been there; a wrong one counts until the vendor takes it back; a bad one never does.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rotation.quote import MINUTE_NS, Quote

if TYPE_CHECKING:
    from datetime import date

from rotation.sessions import hours

PRE, REGULAR, POST = "PRE", "REGULAR", "POST"


@dataclass(order=True)
class Print:
    """One trade. Ordered as a tape is: by time, then number."""

    ts_ns: int
    number: int
    symbol: str = field(compare=False)
    price: float = field(compare=False)
    size: int = field(compare=False, default=100)
    is_odd: bool = field(compare=False, default=False)
    """Of an odd lot only the size counts."""
    is_closing: bool = field(compare=False, default=False)
    """The closing auction: regular, though it prints after the bell."""
    is_taken_back: bool = field(compare=False, default=False)


class Day:
    """One symbol in one part of the session."""

    def __init__(self) -> None:
        self.prints: list[Print] = []
        self._sum()

    def _sum(self) -> None:
        priced = [printed for printed in self.prints if not printed.is_odd]
        self.last = max(priced, default=None)
        """The newest that sets a price."""
        self.high = max((printed.price for printed in priced), default=None)
        self.low = min((printed.price for printed in priced), default=None)
        self.volume = sum(printed.size for printed in self.prints)

    def add(self, printed: Print) -> None:
        insort(self.prints, printed)
        self.volume += printed.size
        if not printed.is_odd:
            self.last = printed if self.last is None else max(self.last, printed)
            self.high = printed.price if self.high is None else max(self.high, printed.price)
            self.low = printed.price if self.low is None else min(self.low, printed.price)

    def remove(self, printed: Print) -> None:
        self.prints.remove(printed)
        self._sum()


class Tape:
    """All symbols of one session. ``version`` moves with every change."""

    def __init__(self, session: date) -> None:
        self._opens_ns, self._closes_ns = hours(session)[1:3]
        self._days: dict[tuple[str, str], Day] = {}
        self._by_number: dict[int, Print] = {}
        self.lasts: dict[str, list[tuple[int, float | None]]] = {}
        """By symbol what its last price has been: (since when, price), as it was known at the time."""
        self.ever: dict[str, set[float]] = {}
        """Every price that a true print had, or one that was taken back later."""

    def part(self, printed: Print) -> str:
        if printed.ts_ns < self._opens_ns:
            return PRE
        return REGULAR if printed.ts_ns <= self._closes_ns or printed.is_closing else POST

    def add(self, printed: Print, now_ns: int) -> None:
        """A print has been published, or would have been."""
        self._days.setdefault((printed.symbol, self.part(printed)), Day()).add(printed)
        self._by_number[printed.number] = printed
        self.ever.setdefault(printed.symbol, set()).add(printed.price)
        self._note(printed.symbol, now_ns)

    def take_back(self, number: int, now_ns: int) -> Print:
        """The vendor says that this print never was."""
        printed = self._by_number[number]
        self._days[printed.symbol, self.part(printed)].remove(printed)
        printed.is_taken_back = True
        self._note(printed.symbol, now_ns)
        return printed

    def _note(self, symbol: str, now_ns: int) -> None:
        last = self.current(symbol)
        price = last.price if last else None
        changes = self.lasts.setdefault(symbol, [])
        if not changes or changes[-1][1] != price:
            changes.append((now_ns, price))

    def day(self, symbol: str, part: str) -> Day:
        return self._days.get((symbol, part), Day())

    def current(self, symbol: str) -> Print | None:
        """What today's figures rest on: regular prints, before the bell pre-market ones."""
        return self.day(symbol, REGULAR).last or self.day(symbol, PRE).last

    def newest(self, symbol: str) -> Print | None:
        """Of any part of the day: what a snapshot by REST gives."""
        lasts = [self.day(symbol, part).last for part in (PRE, REGULAR, POST)]
        return max((last for last in lasts if last is not None), default=None)

    def recent(self, symbol: str, since_ns: int) -> set[float | None]:
        """The last prices that were true at some time since then."""
        changes = self.lasts.get(symbol, [])
        recent: set[float | None] = set()
        for at_ns, price in reversed(changes):
            recent.add(price)
            if at_ns <= since_ns:
                break
        return recent

    def bars(self, symbol: str, start_ns: int, end_ns: int) -> list[Quote]:
        """Minute bars that ended after ``start_ns`` and by ``end_ns``, as quotes at their ends."""
        minutes: dict[int, list[Print]] = {}
        first = Print(start_ns - MINUTE_NS, 0, symbol, 0.0)
        for part in (PRE, REGULAR, POST):
            prints = self.day(symbol, part).prints
            for printed in prints[bisect_left(prints, first) :]:
                end = (printed.ts_ns // MINUTE_NS + 1) * MINUTE_NS
                if start_ns < end <= end_ns:
                    minutes.setdefault(end, []).append(printed)
        bars = []
        for end, prints in sorted(minutes.items()):
            prices = [printed.price for printed in sorted(prints) if not printed.is_odd]
            if prices:
                size = sum(printed.size for printed in prints)
                ends = max(prices), min(prices)
                bars.append(Quote(symbol, end, prices[-1], 0, size, *ends, MINUTE_NS))
        return bars

    def path(self, symbol: str) -> dict[int, float]:
        """The last regular price of each minute; minute m ends m minutes after the bell."""
        last: dict[int, float] = {}
        for printed in self.day(symbol, REGULAR).prints:
            if not printed.is_odd:
                last[-((self._opens_ns - printed.ts_ns) // MINUTE_NS)] = printed.price
        return last
