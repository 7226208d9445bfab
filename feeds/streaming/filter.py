"""Which of a vendor's quotes are prints: the same rules for every vendor, in front of the market.

Repeated prints are dropped, implausible ones rejected, and a jump waits for a second print that confirms
it. A live print may wait longer: for bid and ask to follow it, for its own time, for a snapshot that agrees.
Everything rejected is counted, the last reason kept. Memory is bounded.
"""

from __future__ import annotations

from itertools import islice
from math import isfinite
from typing import TYPE_CHECKING

import msgspec
import polars as pl

from feeds.parsing.sanitize import clean
from feeds.streaming import wording
from feeds.streaming.reasons import Jump
from feeds.streaming.requests import Purpose, Request
from feeds.streaming.watch.ahead import Ahead
from feeds.streaming.watch.jumps import WIDE, Jumps
from feeds.streaming.watch.nbbo import Quotes, may_stop
from rotation.columns import SCHEMA, is_plain, of_quotes, to_quotes
from rotation.quote import FUTURE_NS, JUMP, PRICE_MAX, Quote, Role, fault_of, is_near

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from feeds.clock import Moment
    from feeds.streaming.requests import Answer
    from feeds.streaming.vendor import Band
    from rotation.columns import PrintColumns
    from rotation.quote import Nbbo

CONFIRM_S = 5.0
"""Between snapshots of symbols that have jumped."""
KEPT = 32_768
"""Identities remembered: a minute or two of a whole market, hours of a desk's symbols."""


_ROLES = tuple(Role)
_SETS_LAST = pl.col("role") != Role.SIZE.value
"""As ``Quote.sets_last``."""
_OF_GROUP = (
    pl.col("price").min().alias("low"),
    pl.col("price").max().alias("high"),
    pl.col("ts_ns", "price", "seq", "size", "role").last(),
    pl.col("ts_ns").max().alias("newest_ns"),
    pl.col("seq").max().alias("highest"),
)
_Group = tuple[str, float, float, int, float, int, int, int, int, int]
"""Symbol, low, high; of the last one to come time, price, number, size, role; latest time and number."""
_Row = tuple[int, float, int, int, int]
"""Time, price, number, size and role of a print."""
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
        self._seen: dict[int, None] = {}
        self._jumps = Jumps(closes, always_asks=always_asks)
        self._last: dict[str, Quote] = {}
        self._newer: dict[str, _Row] = {}
        """The newest of symbols whose prints came as columns since ``last`` was asked for."""
        self.duplicates = 0
        self.rejects = 0
        self.last_reject = ""

    @property
    def last(self) -> Mapping[str, Quote]:
        """The newest of each symbol by event time."""
        for symbol, (ts_ns, price, seq, size, role) in self._newer.items():
            self._last[symbol] = Quote(symbol, ts_ns, price, seq, size, role=_ROLES[role])
        self._newer.clear()
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
        for quote in quotes:
            if quote.symbol not in self._symbols:
                continue
            fault = fault_of(quote, now_ns)
            if fault is not None:
                self.reject(wording.of_fault(quote, fault))
            elif self._is_repeated(quote, remembers=remembers):
                self.duplicates += 1
            elif not quote.sets_last:
                admitted.append(quote)
            else:
                admitted += self._judge(_trimmed(quote), jumps)
        self._note_last(admitted)
        self._forget_oldest()
        return admitted

    def _forget_oldest(self) -> None:
        """Keep the identities of KEPT prints."""
        for identity in list(islice(self._seen, max(len(self._seen) - KEPT, 0))):
            del self._seen[identity]

    def _note_last(self, quotes: Iterable[Quote]) -> None:
        for quote in quotes:
            if not quote.sets_last:
                continue
            identity = (quote.ts_ns, quote.seq)
            if identity >= self._identity_of_last(quote.symbol):
                self._newer.pop(quote.symbol, None)
                self._last[quote.symbol] = quote

    def _identity_of_last(self, symbol: str) -> tuple[int, int]:
        """Time and number of its newest print; below every other without one."""
        newer = self._newer.get(symbol)
        if newer is not None:
            return newer[0], newer[2]
        held = self._last.get(symbol)
        return _NO_IDENTITY if held is None else (held.ts_ns, held.seq)

    def _is_repeated(self, quote: Quote, *, remembers: bool) -> bool:
        # Where the vendor numbers its prints the size does not count: some send it as a difference.
        identity = hash((quote.symbol, quote.ts_ns, quote.price, quote.seq or -1 - quote.size))
        if identity in self._seen:
            return True
        if remembers:
            self._seen[identity] = None
        return False

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
        self._kind = pl.Enum(sorted(symbols))
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

    def admit_columns(
        self, prints: PrintColumns, now_ns: int, lag_ns: int
    ) -> tuple[pl.DataFrame, list[Quote]]:
        """As ``admit_live`` of the same prints, but for those that raise no doubt all together.

        What is let in, as rows with the columns of ``rotation.columns``, or else as quotes where bars that
        waited are among them; one of the two is empty.
        """
        rows = prints.frame(self._kind).with_row_index("row")
        if self._ahead.may_hold(max(prints.ts_ns), now_ns, lag_ns):
            return rows.select(*SCHEMA).clear(), self.admit_live(prints.quotes(), now_ns, lag_ns)
        rows = rows.filter(rows["symbol"].is_not_null()) if rows["symbol"].null_count() else rows
        groups = _grouped(rows)
        doubtful = self._doubtful(rows, groups, now_ns)
        doubted: list[int] = []
        if doubtful:
            is_doubtful = rows["symbol"].is_in(doubtful)
            doubted = rows["row"].filter(is_doubtful).to_list()
            rows = rows.filter(~is_doubtful)
        repeats = self._repeats(prints, rows["row"])
        if repeats:
            repeated = set(map(prints.symbols.__getitem__, repeats))
            rows = rows.filter(~rows["row"].is_in(repeats))
            again = _grouped(rows.filter(rows["symbol"].is_in(sorted(repeated))))
            groups = [*(each for each in groups if each[0] not in repeated), *again]
        self._pass_all(rows, [each for each in groups if each[0] not in doubtful] if doubtful else groups)
        if not (doubted or self.doubted or self.quotes.is_waiting):
            self._forget_oldest()
            return _of_schema(rows), []
        quotes = prints.quotes(doubted)
        admitted = self.admit_live(quotes, now_ns, lag_ns)
        return _merged(rows, admitted, {id(quote): i for i, quote in zip(doubted, quotes, strict=True)})

    def is_order_free(self, prints: PrintColumns, markets: Sequence[Nbbo], bands: Sequence[Band]) -> bool:
        """Whether these prints are judged alike, however the bids, asks and bands stand among them."""
        if self.doubted or self.quotes.is_waiting:
            return False
        limits: list[Nbbo | Band] = [*markets, *bands]
        quoted = {each.symbol for each in limits}
        ranges: dict[str, tuple[float, float]] = {}
        for symbol, price, role in zip(prints.symbols, prints.prices, prints.roles, strict=True):
            if symbol in quoted and role != Role.SIZE:
                low, high = ranges.get(symbol, (price, price))
                ranges[symbol] = min(low, price), max(high, price)
        return not any(
            self._jumps.may_hold(symbol, low, high)
            or self.quotes.may_hold(symbol, low, high)
            or any(each.symbol == symbol and may_stop(each, low, high) for each in limits)
            for symbol, (low, high) in ranges.items()
        )

    def _doubtful(self, rows: pl.DataFrame, groups: Sequence[_Group], now_ns: int) -> list[str]:
        """Symbols with a print that a rule might not pass at once. ``groups``: of these rows."""
        if rows.is_empty():
            return []
        price, ts_ns, size = rows["price"], rows["ts_ns"], rows["size"]
        limit_ns = now_ns + FUTURE_NS
        doubtful: set[str] = set()
        lowest, highest, smallest = price.min(), price.max(), size.min()
        first_ns, last_ns = ts_ns.min(), ts_ns.max()
        # The least and the highest pass over NaN; a sum does not.
        is_fine = isfinite(price.sum()) and lowest > 0 and highest <= PRICE_MAX and smallest >= 0  # type: ignore[operator]
        if not (is_fine and first_ns > 0 and last_ns <= limit_ns):  # type: ignore[operator]
            fits = price.is_between(0, PRICE_MAX, closed="right") & (size >= 0)
            fits &= ts_ns.is_between(0, limit_ns, closed="right")
            doubtful.update(rows["symbol"].filter(~fits).to_list())
        # ``Jumps.may_hold`` in place: a call for each symbol would cost as much as all of the rest.
        reference, is_quoted, is_in_doubt = self._jumps.reference, self.quotes.is_used, self._jumps.has_doubts
        for symbol, low, high, *_ in groups:
            known = reference.get(symbol, low)
            lowest, highest = min(low, known), max(high, known)
            is_fine = is_near(highest, lowest) and not (is_in_doubt and self._jumps.is_in_doubt(symbol))
            if not is_fine or (is_quoted and self.quotes.may_hold(symbol, low, high)):
                doubtful.add(symbol)
        return sorted(doubtful)

    def _repeats(self, prints: PrintColumns, places: pl.Series) -> list[int]:
        """At which of these places prints stand that were seen before; the others are seen now."""
        seqs = prints.seqs
        if 0 in seqs:
            seqs = [seq or -1 - size for seq, size in zip(seqs, prints.sizes, strict=True)]
        identities = list(map(hash, zip(prints.symbols, prints.ts_ns, prints.prices, seqs, strict=True)))
        seen, repeats = self._seen, []
        for i in range(len(prints)) if len(places) == len(prints) else places:
            if identities[i] in seen:
                repeats.append(i)
            else:
                seen[identities[i]] = None
        self.duplicates += len(repeats)
        return repeats

    def _pass_all(self, rows: pl.DataFrame, groups: Iterable[_Group]) -> None:
        """Note prints that are all let in: the price of each symbol's last one, and its newest.

        ``groups``: of these rows.
        """
        unordered = []
        reference, newer, identity_of = self._jumps.reference, self._newer, self._identity_of_last
        for symbol, _, _, ts_ns, price, seq, size, role, newest_ns, highest in groups:
            reference[symbol] = price
            if ts_ns != newest_ns or seq != highest:
                unordered.append(symbol)
            elif (ts_ns, seq) >= identity_of(symbol):
                newer[symbol] = (ts_ns, price, seq, size, role)
        if unordered:
            self._note_last(to_quotes(rows.filter(rows["symbol"].is_in(unordered))))

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


def _grouped(rows: pl.DataFrame) -> list[_Group]:
    """By symbol what prints that may set the last price are together, and which came last."""
    return rows.lazy().filter(_SETS_LAST).group_by("symbol").agg(*_OF_GROUP).collect().rows()


def _of_schema(rows: pl.DataFrame) -> pl.DataFrame:
    """The columns of SCHEMA, without a query."""
    return pl.DataFrame([rows[name] for name in SCHEMA])


END = 2**32 - 1
"""Behind every row of a frame."""


def _merged(
    rows: pl.DataFrame, admitted: list[Quote], places: Mapping[int, int]
) -> tuple[pl.DataFrame, list[Quote]]:
    """Rows and quotes in order of arrival; quotes keep the order in which they were let in.

    One that waited stands before the one that it was let in with, or at the end, where bid and ask did that.
    ``places`` of the quotes among the rows, by their ``id``.
    """
    at, place = [], END
    for quote in reversed(admitted):
        place = min(place, places.get(id(quote), place))
        at.append(place)
    at.reverse()
    if all(map(is_plain, admitted)):
        others = of_quotes(admitted).cast({"symbol": rows.schema["symbol"]})
        others = others.select(pl.Series("row", at, dtype=pl.UInt32), *SCHEMA)
        return pl.concat([rows, others]).sort("row", maintain_order=True).select(*SCHEMA), []
    plain = zip(rows["row"], to_quotes(rows), strict=True)
    ordered = sorted([*plain, *zip(at, admitted, strict=True)], key=lambda item: item[0])
    return rows.select(*SCHEMA).clear(), [quote for _, quote in ordered]


def _trimmed(quote: Quote) -> Quote:
    """A bar's extreme too far from its close has no second print to confirm it: it is left out."""
    if quote.high is None and quote.low is None:
        return quote
    if not any(end is not None and not is_near(end, quote.price) for end in (quote.high, quote.low)):
        return quote
    return msgspec.structs.replace(quote, high=None, low=None)
