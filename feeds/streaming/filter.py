"""Which of a vendor's quotes are prints: the same rules for every vendor, in front of the market.

Repeated prints are dropped, implausible ones rejected, and a jump waits for a second print that confirms
it. A live print may wait longer: for bid and ask to follow it, for its own time, for a snapshot that agrees.
Everything rejected is counted, the last reason kept. Memory is bounded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from feeds.parsing.sanitize import clean
from feeds.streaming import wording
from feeds.streaming.many.admitted import Admitted, all_passed, merged
from feeds.streaming.many.seen import Seen
from feeds.streaming.reasons import Jump
from feeds.streaming.requests import Purpose, Request
from feeds.streaming.watch.ahead import Ahead
from feeds.streaming.watch.jumps import WIDE, Jumps
from feeds.streaming.watch.nbbo import Quotes, may_stop
from rotation.quote import JUMP, PrintFault, Role, fault_of, is_near

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from feeds.clock import Moment
    from feeds.streaming.many.judging import ManyPrints
    from feeds.streaming.requests import Answer
    from feeds.streaming.vendor import Band
    from rotation.columns import PrintColumns
    from rotation.quote import Nbbo, Quote

CONFIRM_S = 5.0
"""Between snapshots of symbols that have jumped."""
_NO_IDENTITY = (-(2**63), -(2**63))


class QuoteFilter:
    """The filter of one stream for as long as it runs: a reconnect does not forget what has been seen."""

    def __init__(
        self,
        symbols: AbstractSet[str],
        closes: Mapping[str, float],
        *,
        always_asks: bool = False,
    ) -> None:
        """``symbols`` are let in, others passed over; ``closes``: reference prices where there are any.

        ``always_asks``: a jump needs a snapshot, or bid and ask, beside the second print.
        """
        self._symbols = symbols
        self._closes = dict(closes)
        self._seen = Seen()
        self._jumps = Jumps(closes, always_asks=always_asks)
        self._last: dict[str, Quote] = {}
        self._many: ManyPrints | None = None
        """The same for prints as columns; None before any have come."""
        self.duplicates = 0
        self.rejects = 0
        self.last_reject = ""

    @property
    def last(self) -> Mapping[str, Quote]:
        """The newest of each symbol by event time."""
        if self._many is not None:
            self._last.update((quote.symbol, quote) for quote in self._many.last.take_fresh())
        return self._last

    def admit(self, quotes: Iterable[Quote], now_ns: int) -> list[Quote]:
        """Live prints that count, in order of arrival."""
        return self._admit(quotes, now_ns, self._jumps)

    def admit_past(self, quotes: Iterable[Quote], now_ns: int) -> list[Quote]:
        """The newest prints of a snapshot, judged by themselves, since the market may have moved meanwhile.

        They are not remembered as seen: the stream may bring the same print later, with its size.
        """
        jumps = Jumps(self._closes | {s: q.price for s, q in self.last.items()})
        return self._admit(quotes, now_ns, jumps, remembers=False)

    def admit_minutes(self, bars: Iterable[Quote], now_ns: int) -> list[Quote]:
        """Bars that take the place of their minutes, judged by themselves; repeated ones count again."""
        by_itself = QuoteFilter(self._symbols, self._closes | {s: q.price for s, q in self.last.items()})
        admitted = by_itself.admit(bars, now_ns)
        if by_itself.rejects:
            self.rejects += by_itself.rejects
            self.last_reject = by_itself.last_reject
        self._note_last(by_itself.last.values())
        return admitted

    @property
    def doubted(self) -> frozenset[str]:
        """Symbols with prints that wait for a snapshot to agree (``on_newest``)."""
        return frozenset(self._jumps.doubted)

    def on_newest(self, symbol: str, price: float | None) -> list[Quote]:
        """A doubted symbol's price in a snapshot: its prints that are let in now."""
        passed = self._jumps.on_newest(symbol, price)
        self._redeem(len(passed))
        self._note_last(passed)
        return list(passed)

    def take_taken_back(self) -> list[Quote]:
        """Prints that were let in and are not believed any more."""
        return self._jumps.take_taken_back()

    def reject(self, reason: str) -> None:
        """Count something that could not be used; ``reason`` is shown, sanitised."""
        self.rejects += 1
        self.last_reject = clean(reason)

    def _admit(
        self, quotes: Iterable[Quote], now_ns: int, jumps: Jumps, *, remembers: bool = True
    ) -> list[Quote]:
        admitted: list[Quote] = []
        known = [quote for quote in quotes if quote.symbol in self._symbols]
        self._seen.expect(known)
        for quote in known:
            fault = fault_of(quote, now_ns)
            if fault is not None:
                self.reject(wording.of_fault(quote, fault))
            elif self._seen.is_repeated(quote, remembers=remembers):
                self.duplicates += 1
            elif not quote.sets_last:
                admitted.append(quote)
            else:
                admitted += self._judge(_trimmed(quote), jumps)
        self._note_last(admitted)
        self._seen.forget_oldest()
        return admitted

    def _note_last(self, quotes: Iterable[Quote]) -> None:
        for quote in quotes:
            if not quote.sets_last:
                continue
            if (quote.ts_ns, quote.seq) >= self._identity_of_last(quote.symbol):
                self._last[quote.symbol] = quote
                if self._many is not None:
                    self._many.last.note(quote)

    def _identity_of_last(self, symbol: str) -> tuple[int, int]:
        """Time and number of its newest print; below every other without one."""
        if self._many is not None:
            return self._many.last.identity(symbol)
        held = self._last.get(symbol)
        return _NO_IDENTITY if held is None else (held.ts_ns, held.seq)

    def _judge(self, quote: Quote, jumps: Jumps) -> tuple[Quote, ...]:
        symbol, price = quote.symbol, quote.price
        if is_near(price, jumps.reference.get(symbol, price)) and not jumps.is_in_doubt(symbol):
            jumps.reference[symbol] = price
            return (quote,)
        passed = jumps.judge(quote)
        if not passed:
            is_doubted = symbol in jumps.doubted
            limit = WIDE if is_doubted and jumps.is_wide(quote) else JUMP
            self.reject(wording.of_fault(quote, Jump(price, limit, needs_snapshot=is_doubted)))
        else:
            self._redeem(len(passed) - 1)
        return passed

    def _redeem(self, number: int) -> None:
        """Prints that were held back are right after all."""
        self.rejects -= number
        self.last_reject = self.last_reject if self.rejects else ""


class LiveFilter(QuoteFilter):
    """The same for prints as they come: any jump needs a second source, bid and ask or a snapshot.

    Where the vendor has no snapshots a third print takes their place.
    """

    def __init__(self, symbols: AbstractSet[str], closes: Mapping[str, float]) -> None:
        super().__init__(symbols, closes, always_asks=True)
        self._ahead = Ahead()
        self._asked_s = float("-inf")
        self.quotes = Quotes(symbols)
        """Bid and ask of each symbol, where the vendor sends them."""
        self.request: Request | None = None
        """The snapshot under way; None if none is."""

    def admit_live(self, quotes: Iterable[Quote], now_ns: int, lag_ns: int) -> list[Quote]:
        """Prints that count now, of these and of those that waited.

        ``lag_ns``: how late the feed's prints are as a rule, by our clock; negative where that is behind.
        """
        prints = list(quotes)
        if self.quotes.is_used:
            prints, outside = self.quotes.judge(prints, now_ns)
            for quote in outside:
                self.reject(wording.of_outside(quote))
        newest_ns = max((quote.ts_ns for quote in prints), default=0)
        if self._ahead.may_hold(newest_ns, now_ns, lag_ns):
            prints = self._ahead.sift(prints, now_ns, lag_ns)
            for quote in self._ahead.take_left_out():
                self.reject(wording.of_fault(quote, PrintFault.TIME))
        admitted = self.admit(prints, now_ns)
        for symbol in sorted(self.doubted):
            mid = self.quotes.mid(symbol, now_ns)
            if mid is not None and self._jumps.agrees(symbol, mid):
                admitted += self.on_newest(symbol, mid)
        return admitted

    def admit_past(self, quotes: Iterable[Quote], now_ns: int) -> list[Quote]:
        """As of any filter; a print that jumps as live ones do, which wait for a snapshot, is no fault."""
        held, doubted = list(quotes), self.doubted
        admitted = super().admit_past([quote for quote in held if quote.symbol not in doubted], now_ns)
        counted = (self.rejects, self.last_reject)
        admitted += super().admit_past([quote for quote in held if quote.symbol in doubted], now_ns)
        self.rejects, self.last_reject = counted
        return admitted

    def admit_columns(self, prints: PrintColumns, now_ns: int, lag_ns: int) -> Admitted:
        """As ``admit_live`` of the same prints, but for those that raise no doubt all together."""
        many = self._many or self.expect_many()
        # One that is let in now may be ahead of its time: then prints of all symbols say whether it waits on.
        newest_ns = max(many.newest_ns(prints), self.quotes.waiting_ns)
        if self._ahead.may_hold(newest_ns, now_ns, lag_ns):
            return Admitted(quotes=self.admit_live(prints.quotes(), now_ns, lag_ns))
        passed = many.judge(prints, now_ns)
        self.duplicates += passed.repeated
        if not (passed.doubted or self.doubted or self.quotes.is_waiting):
            self._seen.forget_oldest()
            return all_passed(passed)
        quotes = prints.quotes(passed.doubted)
        admitted = self.admit_live(quotes, now_ns, lag_ns)
        return merged(
            passed, admitted, {id(quote): i for i, quote in zip(passed.doubted, quotes, strict=True)}
        )

    def expect_many(self) -> ManyPrints:
        """Be ready for columns: what they need is imported here, which takes a tenth of a second."""
        from feeds.streaming.many.judging import ManyPrints  # noqa: PLC0415 - it imports numpy

        self._many = ManyPrints(self._symbols, self._seen, self._jumps, self.quotes, self.last.values())
        return self._many

    def is_order_free(self, prints: PrintColumns, markets: Sequence[Nbbo], bands: Sequence[Band]) -> bool:
        """Whether these prints are judged alike, however the bids, asks and bands stand among them."""
        if self.doubted or self.quotes.is_waiting:
            return False
        limits: list[Nbbo | Band] = [*markets, *bands]
        quoted = {each.symbol for each in limits}
        ranges: dict[str, tuple[float, float]] = {}
        wanted = {code: name for code, name in enumerate(prints.names) if name in quoted}
        for code, price, role in zip(prints.codes, prints.prices, prints.roles, strict=True):
            if code in wanted and role != Role.SIZE:
                symbol = wanted[code]
                low, high = ranges.get(symbol, (price, price))
                ranges[symbol] = min(low, price), max(high, price)
        return not any(
            self._jumps.may_hold(symbol, low, high)
            or self.quotes.may_hold(symbol, low, high)
            or any(each.symbol == symbol and may_stop(each, low, high) for each in limits)
            for symbol, (low, high) in ranges.items()
        )

    def on_lost(self) -> None:
        """The connection has ended: prints that wait for their time are the gap's."""
        self._ahead.clear()

    def next_request(self, now: Moment) -> Request | None:
        """The newest prints of the symbols in doubt; None where there are none, or a request is under way."""
        if not self.doubted or self.request is not None or now.s - self._asked_s < CONFIRM_S:
            return None
        self._asked_s = now.s
        self.request = Request(Purpose.CONFIRM, self.doubted, wants_newest=True)
        return self.request

    def on_answer(self, answer: Answer) -> list[Quote]:
        """The prints that are let in by the answer under way; after an error it is asked for again."""
        request, self.request = self.request, None
        if answer.error or request is None:
            return []
        prices = {quote.symbol: quote.price for quote in answer.newest}
        return [
            quote
            for symbol in sorted(request.symbols)
            for quote in self.on_newest(symbol, prices.get(symbol))
        ]


def _trimmed(quote: Quote) -> Quote:
    """A bar's extreme too far from its close has no second print to confirm it: it is left out."""
    if quote.high is None and quote.low is None:
        return quote
    if not any(end is not None and not is_near(end, quote.price) for end in (quote.high, quote.low)):
        return quote
    return msgspec.structs.replace(quote, high=None, low=None)
