"""The market's door: which prints of a session count, and why the others do not."""

from __future__ import annotations

from collections import Counter
from math import inf
from typing import TYPE_CHECKING, Literal

from rotation.desk import is_index
from rotation.market.prints import Prints
from rotation.quote import FUTURE_NS, Role
from rotation.sessions import hours, is_overnight, session_at
from rotation.snapshot import Counts

if TYPE_CHECKING:
    from collections.abc import Collection
    from collections.abc import Set as AbstractSet
    from datetime import date

    from rotation.quote import Quote

Part = Literal["PRE", "REGULAR", "POST"]


class SessionFilter:
    """The prints of one session, per symbol and part of the day. A newer session's print turns the page."""

    def __init__(self) -> None:
        """Let nothing in before ``expect``."""
        self._known: AbstractSet[str] = frozenset()
        self._counts: Counter[str] = Counter()
        self._turn(None)

    def expect(self, known: AbstractSet[str], session: date | None) -> None:
        """Let these symbols in, but no prints of sessions before this one; the page turns if it is newer."""
        self._known = known
        if session and (self.session is None or session > self.session):
            self._turn(session)

    def _turn(self, session: date | None) -> None:
        self.session = session
        self._prints: dict[tuple[str, Part], Prints] = {}
        self._counts.clear()

    @property
    def counts(self) -> Counts:
        """What happened at the door since the session began."""
        return Counts(**self._counts)

    def admit(self, quote: Quote, as_of_ns: int) -> bool:
        """Let a print in; False if it changed nothing."""
        outcome = self._refuse(quote, as_of_ns) or self._book(quote).take(quote)
        self._counts[outcome] += 1
        return outcome in ("accepted", "revised")

    def _refuse(self, quote: Quote, as_of_ns: int) -> str | None:
        if quote.symbol not in self._known:
            return "unknown_symbol"
        if not (_is_price(quote.price) and _is_price(quote.high) and _is_price(quote.low)):
            return "bad_price"
        if quote.ts_ns > as_of_ns + FUTURE_NS:
            return "future"
        # A bar belongs to the part of the day in which it starts: none, where that is the night.
        session = session_at(quote.ts_ns) if session_at(quote.ts_ns - quote.bar_ns) else None
        if session is None and is_overnight(quote.ts_ns - quote.bar_ns):
            return "overnight"
        if session is None or (self.session is not None and session < self.session):
            return "off_session"
        if session != self.session:
            self._turn(session)
        return None

    def _book(self, quote: Quote) -> Prints:
        assert self.session is not None
        _, opens, closes, _ = hours(self.session)
        # A print at the closing bell is the session's, as the auction's is; a bar that starts there is not.
        starts_ns = quote.ts_ns - quote.bar_ns
        is_regular = starts_ns < closes or (starts_ns == closes and not quote.bar_ns)
        # The closing auction prints after the bell, and so does an index's closing value.
        is_regular |= starts_ns >= opens and (quote.role == Role.CLOSE or is_index(quote.symbol))
        part: Part = "PRE" if starts_ns < opens else "REGULAR" if is_regular else "POST"
        key = (quote.symbol, part)
        if key not in self._prints:
            self._prints[key] = Prints(opens)
        return self._prints[key]

    def forget(self, symbols: Collection[str]) -> None:
        """Drop the session's prints of these symbols."""
        self._prints = {key: prints for key, prints in self._prints.items() if key[0] not in symbols}

    @property
    def symbols(self) -> set[str]:
        """Symbols with a print in this session."""
        return {symbol for symbol, _ in self._prints}

    def prints(self, symbol: str, part: Part) -> Prints | None:
        """The prints of a symbol in one part of the day; None where there are none."""
        return self._prints.get((symbol, part))

    def current(self, symbol: str) -> Prints | None:
        """What today's figures rest on: regular prints, before the bell pre-market ones, never late ones."""
        regular = self.prints(symbol, "REGULAR")
        return regular if regular and regular.last else self.prints(symbol, "PRE")


def _is_price(value: float | None) -> bool:
    """Finite and above 0, which NaN is not; None, of a print that has no range, is well."""
    return value is None or 0.0 < value < inf
