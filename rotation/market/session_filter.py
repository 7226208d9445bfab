"""Which prints of a session count, and why the others do not."""

from __future__ import annotations

from collections import Counter
from math import inf
from typing import TYPE_CHECKING

from rotation.columns import is_plain, of_quotes
from rotation.desk import is_index
from rotation.market.reduce.day import after_bell, part_day, tail
from rotation.market.reduce.tally import Tally
from rotation.market.reduce.verdicts import PARTS, Codes, Part, judge, part_of, place_of
from rotation.quote import FUTURE_NS, Role, SymbolDay
from rotation.sessions import hours
from rotation.snapshot import Counts

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from collections.abc import Set as AbstractSet
    from datetime import date

    import polars as pl

    from rotation.market.prints import Prints
    from rotation.market.reduce.verdicts import Bounds
    from rotation.quote import Quote

MANY = 500
"""From so many prints on a batch costs less as columns than one by one."""


class SessionFilter:
    """The prints of one session, per symbol and part of the day. A newer session's print turns the page."""

    def __init__(self, asked: Collection[str] = ()) -> None:
        """Let nothing in before ``expect``. ``asked``: symbols whose prints are read after every batch."""
        self._asked = tuple(asked)
        self._follows_last = False
        self._codes = Codes()
        self._known: AbstractSet[str] = frozenset()
        self._counts: Counter[str] = Counter()
        self._turn(None)

    def expect(self, known: AbstractSet[str], session: date | None) -> None:
        """Let these symbols in, but no prints of sessions before this one; the page turns if it is newer."""
        if known != self._known:
            self._known = known
            self._codes.expect(known)
        if session and (self.session is None or session > self.session):
            self._turn(session)
        self._ask()

    def ask(self, symbols: Collection[str]) -> None:
        """From now on the prints of these symbols are read after every batch, as ``asked``."""
        self._asked = tuple(symbols)
        self._ask()

    def _turn(self, session: date | None) -> None:
        self.session = session
        self._bounds: Bounds = hours(session) if session else (0, 0, 0, -1)
        self._tally = Tally(self._bounds, self._codes.names)
        if self._follows_last:
            self._tally.follow_last()
        self._counts.clear()
        self._ask()

    def _ask(self) -> None:
        codes = self._codes.code_of
        asked = (codes[symbol] * 3 + part for symbol in self._asked if symbol in codes for part in range(3))
        self._tally.asked = frozenset(asked)

    @property
    def counts(self) -> Counts:
        """Prints counted and turned away since the session began."""
        return Counts(**self._counts)

    def admit_all(self, quotes: Sequence[Quote], as_of_ns: int) -> set[str]:
        """Let prints in, in order of arrival; returns the symbols of which something changed."""
        is_many = len(quotes) >= MANY or (len(quotes) > 0 and self._tally.has_unread)
        if is_many and all(map(is_plain, quotes)):
            return self.admit_columns(of_quotes(quotes), as_of_ns)
        if self._tally.has_unread:
            codes, known = self._codes.code_of, {quote.symbol for quote in quotes}
            self._tally.read(codes[symbol] for symbol in known if symbol in codes)
        return {quote.symbol for quote in quotes if self.admit(quote, as_of_ns)}

    def admit(self, quote: Quote, as_of_ns: int) -> bool:
        """Let a print in; False if it changed nothing."""
        outcome = self._refuse(quote, as_of_ns) or self._tally.book(self._key(quote)).take(quote)
        self._counts[outcome] += 1
        return outcome in ("accepted", "revised")

    def admit_columns(self, frame: pl.DataFrame, as_of_ns: int) -> set[str]:
        """As ``admit_all``, of the rows of a frame with the columns of ``rotation.columns``."""
        bounds = self._bounds if self.session else None
        judged = judge(frame, self._codes, self.session, bounds, as_of_ns)
        while judged.turn is not None:
            row, session = judged.turn
            self._turn(session)
            frame = frame.slice(row)
            judged = judge(frame, self._codes, session, self._bounds, as_of_ns)
        self._counts.update(judged.refused)
        if judged.rows.is_empty():
            return set()
        counts, keys = self._tally.take_columns(judged.rows)
        self._counts.update(counts)
        names = self._codes.names
        return {names[key // 3] for key in keys}

    def day(self, symbol: str, *, all_minutes: bool = False) -> SymbolDay:
        """A symbol's session so far, for ``take_days`` of another filter.

        ``all_minutes``: with every minute of the regular session; else with those that may just have changed.
        """
        pre, regular, late = (self.prints(symbol, part) for part in PARTS)
        _, opens_ns, closes_ns, _ = self._bounds
        parts = (
            part_day(pre, ()),
            part_day(regular, None if all_minutes else tail(regular, opens_ns)),
            part_day(late, after_bell(opens_ns, closes_ns)),
        )
        return SymbolDay(symbol, self.session, parts)

    def take_days(self, days: Iterable[SymbolDay]) -> set[str]:
        """Take over what another filter has made of its prints; returns the symbols that changed.

        A day of an earlier session is without effect, one of a later session turns the page.
        """
        codes, changed = self._codes.code_of, set()
        for day in days:
            if day.symbol not in self._known or day.session is None:
                continue
            if self.session is None or day.session > self.session:
                self._turn(day.session)
            if day.session != self.session:
                continue
            key = codes[day.symbol] * 3
            for place, part in enumerate(day.parts):
                if part is not None:
                    self._tally.book(key + place).set_day(part)
                    changed.add(day.symbol)
        return changed

    def has_more(self, day: SymbolDay) -> bool:
        """Whether a part of the day has prints or a last price here and none in ``day``: they were wrong."""
        code = self._codes.code_of.get(day.symbol)
        held = () if code is None else (self._tally.prints(code * 3 + place) for place in range(3))
        return any(
            prints is not None and (part is None or (part.last is None and prints.last is not None))
            for prints, part in zip(held, day.parts, strict=False)
        )

    def set_counts(self, counts: Counts) -> None:
        """Show another filter's counters."""
        self._counts = Counter({name: getattr(counts, name) for name in Counts.__struct_fields__})

    def _refuse(self, quote: Quote, as_of_ns: int) -> str | None:
        if quote.symbol not in self._known:
            return "unknown_symbol"
        if not (_is_price(quote.price) and _is_price(quote.high) and _is_price(quote.low)):
            return "bad_price"
        if quote.ts_ns > as_of_ns + FUTURE_NS:
            return "future"
        starts_ns = quote.ts_ns - quote.bar_ns
        if self._bounds[0] <= starts_ns and quote.ts_ns <= self._bounds[3]:
            return None
        place = place_of(starts_ns, quote.ts_ns, self.session)
        if isinstance(place, str):
            return place
        if place != self.session:
            self._turn(place)
        return None

    def _key(self, quote: Quote) -> int:
        starts_ns = quote.ts_ns - quote.bar_ns
        is_late_value = quote.role == Role.CLOSE or is_index(quote.symbol)
        part = part_of(starts_ns, quote.ts_ns, self._bounds, is_late_value=is_late_value)
        return self._codes.code_of[quote.symbol] * 3 + PARTS.index(part)

    def forget(self, symbols: Collection[str]) -> None:
        """Drop the session's prints of these symbols."""
        codes = self._codes.code_of
        self._tally.forget([codes[symbol] for symbol in symbols if symbol in codes])

    @property
    def symbols(self) -> set[str]:
        """Symbols with a print in this session."""
        return {self._codes.names[code] for code in self._tally.codes}

    def sum_up(self, symbols: Iterable[str]) -> None:
        """Before ``prints`` or ``current`` of many symbols: see ``Tally.sum_up``."""
        codes = self._codes.code_of
        self._tally.sum_up(codes[symbol] for symbol in symbols if symbol in codes)

    def prints(self, symbol: str, part: Part) -> Prints | None:
        """The prints of a symbol in one part of the day; None where there are none."""
        code = self._codes.code_of.get(symbol)
        return None if code is None else self._tally.prints(code * 3 + PARTS.index(part))

    def seen(self, symbol: str) -> tuple[float, ...]:
        """The session's prices of a symbol: the current one, then high and low up to the closing bell."""
        current = self.current(symbol)
        if current is None or current.last is None:
            return ()
        parts = (self.prints(symbol, "REGULAR"), self.prints(symbol, "PRE"))
        ends = (end for prints in parts if prints is not None for end in (prints.high, prints.low))
        return current.last.price, *(end for end in ends if _is_price(end))

    def follow_last(self) -> None:
        """Have ``last`` cost next to nothing from now on; every batch costs a little more for it."""
        self._follows_last = True
        self._tally.follow_last()

    def last(self, symbol: str) -> tuple[float, int] | None:
        """Price and time (UTC ns) of the last of ``current``; None without one."""
        code = self._codes.code_of.get(symbol)
        if code is None:
            return None
        regular = self._tally.last(code * 3 + PARTS.index("REGULAR"))
        return regular or self._tally.last(code * 3 + PARTS.index("PRE"))

    def current(self, symbol: str) -> Prints | None:
        """What today's figures rest on: regular prints, before the bell pre-market ones, never late ones."""
        regular = self.prints(symbol, "REGULAR")
        return regular if regular and regular.last else self.prints(symbol, "PRE")


def _is_price(value: float | None) -> bool:
    """Finite and above 0, which NaN is not; None, of a print that has no range, is well."""
    return value is None or 0.0 < value < inf
