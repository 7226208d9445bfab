"""Prints far from the price before: what a tape needs to believe them. Pure.

A jump needs a second print, of another trade and another time, and where ``always_asks`` a second source
beside: bid and ask, or a snapshot by REST. One that was believed and then contradicted, before it was
established, is taken back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rotation.quote import NS, is_near

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rotation.quote import Quote

WIDE = 0.25
"""Jumps beyond it are named as such: no broad fund has moved as far, but unlisted splits have."""
ESTABLISHED = 8
"""Prints at a new level after which it is one; a return before that takes them back."""
ESTABLISHED_NS = 30 * NS
"""So is a level with THIRD prints, after so long: bad prints come within seconds."""
HELD = 8
THIRD = 3


class _Excursion:
    """A level that two prints have reached, and the one before it."""

    def __init__(self, before: float, prints: tuple[Quote, ...]) -> None:
        self.before = before
        self.prints = list(prints)

    def is_established(self, ts_ns: int) -> bool:
        """Whether its level has stood so long, at the time of another print, that none alone undoes it."""
        return len(self.prints) >= THIRD and ts_ns - self.prints[0].ts_ns > ESTABLISHED_NS


class Jumps:
    """The reference price of each symbol, and prints too far from it.

    A print that is near its reference, of a symbol that ``is_in_doubt`` says nothing of, is believed without
    being judged: whoever believes it makes it the ``reference``.
    """

    def __init__(
        self,
        reference: Mapping[str, float],
        *,
        always_asks: bool = False,
    ) -> None:
        """``always_asks``: a jump needs a snapshot, or bid and ask, beside the second print."""
        self.reference = dict(reference)
        """The price before, by symbol: each print is compared with it."""
        self._always_asks = always_asks
        self._held: dict[str, tuple[Quote, ...]] = {}
        self._excursions: dict[str, _Excursion] = {}
        self._taken_back: list[Quote] = []
        self.doubted: set[str] = set()
        """Symbols whose held prints agree with each other, and need a snapshot that agrees with them."""

    def is_in_doubt(self, symbol: str) -> bool:
        """Whether prints of the symbol are held back, or were let in too recently to be established."""
        return symbol in self._held or symbol in self._excursions

    @property
    def in_doubt(self) -> set[str]:
        """The symbols of which ``is_in_doubt`` says so."""
        return {*self._held, *self._excursions}

    def judge(self, quote: Quote) -> tuple[Quote, ...]:
        """What may pass now: nothing, the print, or those held back and the print."""
        symbol, price = quote.symbol, quote.price
        reference = self.reference.get(symbol, price)
        excursion = self._excursion(quote)
        if excursion is None and is_near(price, reference):
            return self._accept(quote)
        if excursion is not None and _returns(price, excursion.before, reference):
            self._taken_back += excursion.prints
            del self._excursions[symbol]
            return self._accept(quote)
        if is_near(price, reference):
            if excursion is not None:
                excursion.prints.append(quote)
                if len(excursion.prints) >= ESTABLISHED:
                    del self._excursions[symbol]
            return self._accept(quote)
        held = self._held.get(symbol, ())
        if held and not is_near(price, held[-1].price):
            held = ()
            self.doubted.discard(symbol)
        if held and not _is_another(held[-1], quote):
            return ()
        held = (*held[: HELD - 1], quote)
        if len(held) > 1 and self._always_asks:
            self.doubted.add(symbol)
        if len(held) == 1 or symbol in self.doubted:
            self._held[symbol] = held
            return ()
        self._excursions[symbol] = _Excursion(reference, held)
        self._accept(quote)
        return held

    def _excursion(self, quote: Quote) -> _Excursion | None:
        """The one that a print may undo; None where there is none, or its level is established by now."""
        excursion = self._excursions.get(quote.symbol)
        if excursion is not None and excursion.is_established(quote.ts_ns):
            del self._excursions[quote.symbol]
            return None
        return excursion

    def may_hold(self, symbol: str, low: float, high: float) -> bool:
        """Whether ``judge`` might do more than pass prints of a symbol between two prices."""
        reference = self.reference.get(symbol, low)
        return self.is_in_doubt(symbol) or not is_near(max(high, reference), min(low, reference))

    def is_wide(self, quote: Quote) -> bool:
        """Whether a print is further than WIDE from the reference of its symbol."""
        reference = self.reference.get(quote.symbol, quote.price)
        return abs(quote.price - reference) > WIDE * reference

    def agrees(self, symbol: str, price: float) -> bool:
        """Whether this price bears out the prints held back of a doubted symbol."""
        return symbol in self.doubted and self._bears_out(symbol, price)

    def _bears_out(self, symbol: str, price: float) -> bool:
        """At the new level rather than at the old one: after a jump of 11 % a tenth is near to both."""
        jumped = self._held[symbol][-1].price
        return is_near(price, jumped) and abs(price - jumped) < abs(price - self.reference[symbol])

    def on_newest(self, symbol: str, price: float | None) -> tuple[Quote, ...]:
        """A snapshot's price: the prints held back where it agrees; where it does not, they are gone.

        None where the source has none: then a third print is needed instead.
        """
        held = self._held.get(symbol, ())
        if symbol not in self.doubted or (price is None and len(held) < THIRD):
            return ()
        is_wrong = price is not None and not self._bears_out(symbol, price)
        self.doubted.discard(symbol)
        self._held.pop(symbol)
        if is_wrong:
            return ()
        self._excursions[symbol] = _Excursion(self.reference[symbol], held)
        self._accept(held[-1])
        return held

    def take_taken_back(self) -> list[Quote]:
        """Prints that were let in and are not believed any more."""
        taken_back, self._taken_back = self._taken_back, []
        return taken_back

    def _accept(self, quote: Quote) -> tuple[Quote, ...]:
        self.reference[quote.symbol] = quote.price
        if self._held:
            self._held.pop(quote.symbol, None)
            self.doubted.discard(quote.symbol)
        return (quote,)


def _returns(price: float, before: float, now: float) -> bool:
    """Whether a price is at the level before the jump rather than at the new one."""
    return is_near(price, before) and abs(price - before) < abs(price - now)


def _is_another(first: Quote, second: Quote) -> bool:
    """Whether two prints are two trades at two times: a frame that is sent again is neither."""
    is_same_trade = first.seq == second.seq != 0
    return first.ts_ns != second.ts_ns and not is_same_trade
