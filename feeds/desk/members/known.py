"""What members cost as far as is known, who said so, and whose price is due to be asked for. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from feeds.desk.asked import is_made
from feeds.streaming.watch.ahead import AHEAD_NS
from rotation.quote import Role, fault_of, is_near
from rotation.sessions import session_at
from rotation.status import Kind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from collections.abc import Set as AbstractSet
    from datetime import date

    from feeds.streaming.members.prints import MemberPrint
    from rotation.quote import Quote
    from rotation.status import Mode


class Known:
    """The newest price of each member, by event time, whoever brought it."""

    def __init__(self) -> None:
        """Of none."""
        self.quotes: dict[str, Quote] = {}
        self.modes: dict[str, Mode] = {}
        """What the price of a member is worth by design, of those whose newest a stream has brought."""
        self.gapped: set[str] = set()
        """Members whose stream has been lost since: they may have printed meanwhile."""
        self._looked_s: dict[str, float] = {}
        """When a stream or an answer last said something of a member, monotonic."""
        self._held: dict[str, Quote] = {}
        """Prints of streams that jump, until a second one confirms them."""
        self.rejects = 0
        self.last_reject = ""

    def keep(self, symbols: AbstractSet[str]) -> None:
        """Forget all others."""
        for held in (self.quotes, self.modes, self._looked_s, self._held):
            for symbol in held.keys() - symbols:
                del held[symbol]
        self.gapped &= symbols

    def due(self, symbols: Iterable[str], now_s: float, limit_s: float) -> list[str]:
        """Those of whom nothing has been said for so long, in order."""
        never = float("-inf")
        looked_s = self._looked_s
        return sorted(symbol for symbol in symbols if now_s - looked_s.get(symbol, never) >= limit_s)

    def priced(self, symbols: Collection[str], session: date | None) -> int:
        """How many of these have a price of this session."""
        held = (self.quotes.get(symbol) for symbol in symbols)
        return sum(quote is not None and session_at(quote.ts_ns) == session for quote in held)

    def states(self, symbols: Iterable[str], *, is_offline: bool) -> dict[str, Kind]:
        """Those whose price is not worth its mode.

        ``is_offline``: rounds have no answers any more, so whom no stream brings nobody does.
        """
        states = dict.fromkeys(self.gapped, Kind.GAPPED)
        if is_offline:
            brought = self.modes.keys() - self.gapped
            states |= {symbol: Kind.OFFLINE for symbol in symbols if symbol not in brought}
        return states

    def on_lost(self) -> None:
        """A stream of members has ended: what it brought may be outrun, and all are asked for again."""
        self.gapped |= self.modes.keys()
        self._looked_s.clear()

    def on_answer(
        self, asked: frozenset[str], answer: Iterable[Quote], now_ns: int, now_s: float
    ) -> tuple[list[Quote], set[str]]:
        """The prices of an answer that are newer than those known, and who has one of this session."""
        session = session_at(now_ns)
        changed: list[Quote] = []
        priced: set[str] = set()
        for quote in answer:
            symbol = quote.symbol
            if symbol not in asked:
                self._reject("a symbol that was not requested")
                continue
            if not is_made(quote, now_ns):
                self._reject("no current price")
                continue
            # The last print of a halted or delisted share is older.
            if session_at(quote.ts_ns) == session:
                priced.add(symbol)
            known = self.quotes.get(symbol)
            if known is not None and quote.ts_ns < known.ts_ns:
                if symbol not in self.modes:  # a bar stands at its end, behind the prints that it holds
                    self._reject("an older price than the one known")
            elif known is None or (known.ts_ns, known.price) != (quote.ts_ns, quote.price):
                self.quotes[symbol] = quote
                self.modes.pop(symbol, None)
                held = self._held.pop(symbol, None)
                if held is not None and is_near(quote.price, held.price):
                    self._redeem()
                changed.append(quote)
        self._looked_s.update(dict.fromkeys(asked, now_s))
        self.gapped -= asked
        return changed, priced

    def on_stream(
        self, prints: Mapping[str, MemberPrint], closes: Mapping[str, float], now_ns: int, now_s: float
    ) -> list[Quote]:
        """The prices of streams that count: plausible, newer or revised, and no jump without a second print.

        ``closes``: history's, by symbol. Sizes are left out: a stream that begins in the midst of a session
        does not add up to a day's volume.
        """
        changed = []
        for symbol, each in prints.items():
            quote = each.quote
            if fault_of(quote, now_ns) is not None or quote.ts_ns > now_ns + AHEAD_NS:
                self._reject(f"{symbol}: no current price")
                continue
            self._looked_s[symbol] = now_s
            self.gapped.discard(symbol)
            known = self.quotes.get(symbol)
            if known is not None and (quote.ts_ns, quote.price) == (known.ts_ns, known.price):
                self.modes[symbol] = each.mode
            elif known is not None and quote.ts_ns < known.ts_ns:
                continue
            elif self._is_believed(quote, known, closes):
                plain = msgspec.structs.replace(quote, size=0, high=None, low=None, role=Role.PRICE)
                self.quotes[symbol], self.modes[symbol] = plain, each.mode
                changed.append(plain)
        return changed

    def _is_believed(self, quote: Quote, known: Quote | None, closes: Mapping[str, float]) -> bool:
        """Whether a price is near the one before, or near a jump before it."""
        symbol, is_of_day = quote.symbol, known is not None
        if known is not None and session_at(known.ts_ns) != session_at(quote.ts_ns):
            is_of_day = False
        reference = known.price if known is not None and is_of_day else closes.get(symbol, quote.price)
        held = self._held.pop(symbol, None)
        if is_near(quote.price, reference):
            return True
        if held is not None and held.ts_ns < quote.ts_ns and is_near(quote.price, held.price):
            self._redeem()
            return True
        self._held[symbol] = quote
        self._looked_s.pop(symbol, None)  # the next round says which of the two it is
        self._reject(f"{symbol}: {quote.price:g} jumps, no second print yet")
        return False

    def _redeem(self) -> None:
        """A price that was held back is right after all."""
        self.rejects -= 1
        self.last_reject = self.last_reject if self.rejects else ""

    def _reject(self, why: str) -> None:
        self.rejects += 1
        self.last_reject = why
