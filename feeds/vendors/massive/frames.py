"""Frames of Massive's stock stream (formerly Polygon): what its messages mean. Pure.

Every frame is an array of messages, each with its kind in ``ev``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Container
from typing import TYPE_CHECKING, Protocol

import msgspec

from feeds.events import Correction
from feeds.parsing.fields import instant, price, quote, sifted, symbol
from feeds.parsing.symbols import dotted_symbol
from feeds.parsing.wire import Loose, decode, number
from feeds.streaming.vendor import Band, FrameResult
from rotation.quote import Nbbo, Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from feeds.streaming.vendor import Frame
    from feeds.streaming.watch.auction import Auctions
    from rotation.quote import Quote

NOT_LAST = frozenset({2, 5, 7, 10, 13, 15, 16, 20, 21, 22, 29, 33, 37, 52, 53})
"""Conditions under which a trade does not set the last price (CTA and UTP specifications, consolidated
processing): average price, bunched sold, cash sale, derivatively priced, extended hours sold out of sequence,
market centre official close, official open, next day, price variation, prior reference price, seller, sold
out of sequence, odd lot, contingent, qualified contingent. Form T (12) is missing on purpose: it marks
every trade outside regular hours, and there it is the price."""
NO_TRADE = frozenset({15, 16})
"""Reports of a price: their size is not volume."""
CLOSING = frozenset({8, 19})
"""Closing prints, and a market centre's closing trade: the closing auction, which comes after the bell."""
LISTING = {1: 10, 2: 11, 3: 12}
"""By tape the id of the exchange that holds the closing auction: NYSE, NYSE Arca, Nasdaq. Tape B is shared
with American and Cboe BZX, whose auctions are known by their condition code alone."""
CORRECTS = frozenset({38, 44, 46, 48, 49, 54})
"""Corrected consolidated close, cancelled, correction, as-of correction, as-of cancel, errored."""
ID_MAX = 40
"""Characters of an id; longer ones are cut."""
BAR_SEQ = -1
"""A bar ends where a trade of the same millisecond begins the next one: of the two, the trade is later."""


class Message(msgspec.Struct):
    """One message of any kind; fields have the vendor's names."""

    ev: Loose = None
    status: Loose = None
    message: Loose = None
    sym: Loose = None
    ticker: Loose = msgspec.field(default=None, name="T")
    """The symbol of a price band."""
    p: Loose = None
    s: Loose = None
    c: Loose = None
    i: Loose = None
    x: Loose = None
    z: Loose = None
    t: Loose = None
    q: Loose = None
    v: Loose = None
    h: Loose = None
    l: Loose = None  # noqa: E741
    e: Loose = None
    bp: Loose = None
    ap: Loose = None


REMEMBERED = 8_192
"""The last trades, whose ids are known; most corrections come within seconds."""
CHUNK = 1_024
"""Trades that are forgotten together, at least."""


class TradeIds:
    """Where a trade that a correction names by its id was: the stream orders by ``q``, not by id. Bounded."""

    def __init__(self) -> None:
        """No trade is known yet."""
        self._chunks: deque[Known] = deque()
        self._count = 0

    def add(self, message: Message, trade: Quote) -> None:
        """A trade; ids are unique within an exchange."""
        trade_id = None if message.i is None else str(message.i)[:ID_MAX]
        self.add_many([trade.symbol], [str(message.x)[:ID_MAX]], [trade_id], [trade.ts_ns], [trade.seq])

    def add_many(
        self,
        symbols: Sequence[str],
        venues: Sequence[str | int | None],
        ids: Sequence[str | None],
        times_ns: Sequence[int],
        seqs: Sequence[int],
    ) -> None:
        """The same of many, a column each; ids of up to ID_MAX characters, None: not known by any."""
        if not ids:
            return
        last = self._chunks[-1] if self._chunks else None
        if not isinstance(last, _Listed) or len(last) >= CHUNK:
            last = _Listed()
            self._chunks.append(last)
        last.symbols += symbols
        last.venues += venues
        last.ids += ids
        last.times_ns += times_ns
        last.seqs += seqs
        self.on_added(len(ids))

    def add_chunk(self, chunk: Known) -> None:
        """Trades that are known in another way; ``on_added`` says how many there are, as they come."""
        self._chunks.append(chunk)

    def on_added(self, count: int) -> None:
        """So many more trades are in the last chunk."""
        self._count += count
        while self._count - len(self._chunks[0]) >= REMEMBERED:
            self._count -= len(self._chunks.popleft())

    def correction(self, venue: Loose, trade_id: Loose, ticker: str, ts_ns: int) -> Correction:
        """What is taken back: the trade of this id, else what was at its time."""
        left = REMEMBERED if trade_id is not None else 0
        venue, trade_id = str(venue)[:ID_MAX], str(trade_id)[:ID_MAX]
        for chunk in reversed(self._chunks):
            if left <= 0:
                break
            trade = chunk.find(venue, trade_id, ticker, left)
            if trade is not None:
                return Correction(ticker, *trade)
            left -= len(chunk)
        return Correction(ticker, ts_ns)


class Known(Protocol):
    """Trades in order of arrival."""

    def __len__(self) -> int:
        """How many."""
        ...

    def find(self, venue: str, trade_id: str, ticker: str, most: int) -> tuple[int, int] | None:
        """Time and ``q`` of the newest trade of this id, of the last ``most``; None where there is none."""
        ...


class _Listed:
    """Trades in order of arrival, a list for each column."""

    def __init__(self) -> None:
        self.symbols: list[str] = []
        self.venues: list[str | int | None] = []
        self.ids: list[str | None] = []
        self.times_ns: list[int] = []
        self.seqs: list[int] = []

    def __len__(self) -> int:
        """How many."""
        return len(self.ids)

    def find(self, venue: str, trade_id: str, ticker: str, most: int) -> tuple[int, int] | None:
        """See ``Known``."""
        for place in self._places(trade_id, most):
            if self.symbols[place] == ticker and str(self.venues[place]) == venue:
                return self.times_ns[place], self.seqs[place]
        return None

    def _places(self, trade_id: str, most: int) -> Iterator[int]:
        """Where it is, of the last ``most``, the newest first."""
        newest_first = self.ids[: -most - 1 : -1]
        place = -1
        while True:
            try:
                place = newest_first.index(trade_id, place + 1)
            except ValueError:
                return
            yield len(self.ids) - 1 - place


Entry = Message | list[Loose] | str | float | bool | None
"""What an array may actually hold."""


def parse(frame: Frame, renamed: Mapping[str, str] | None = None) -> list[Entry]:
    """The entries of a frame. Raises SourceError for a frame that Massive cannot have sent.

    ``renamed``: our symbols by Massive's, where they differ; the entries have ours.
    """
    entries = decode(frame, list[Entry], "Massive")
    if renamed:
        for entry in entries:
            if isinstance(entry, Message):
                entry.sym, entry.ticker = _ours(entry.sym, renamed), _ours(entry.ticker, renamed)
    return entries


def _ours(name: Loose, renamed: Mapping[str, str]) -> Loose:
    return renamed.get(name, name) if isinstance(name, str) else name


class Shares(msgspec.Struct, frozen=True):
    """Whose bars are kept, of a stream that brings those of the whole market."""

    legs: Container[str]
    legs_by: str
    """Kind of the bars that count for legs, as "A"; empty where their trades come."""
    members: Container[str]
    members_by: str
    """Kind of the bars that count for members."""

    def is_leg(self, kind: str, name: str) -> bool:
        """Whether a bar counts for a leg."""
        return kind == self.legs_by and name in self.legs

    def is_member(self, kind: str, name: str) -> bool:
        """Whether a bar counts for a member. It may be a leg, too, under another spelling of ours."""
        return kind == self.members_by and dotted_symbol(name) in self.members


def market_data(  # noqa: C901, PLR0912 - a branch for each kind of message
    entries: Iterable[Entry],
    ids: TradeIds,
    auctions: Auctions | None = None,
    shares: Shares | None = None,
) -> FrameResult:
    """Trades and bars. A bid and an ask are not a price: they are a heartbeat, unless they are crossed.

    ``shares``: whose bars are kept, the others are counted; None: those of all, as bars of what is followed.

    ``auctions`` knows the closing auction of a trade that has no conditions; None: without them none is one.

    ``q`` orders the prints of a symbol but has holes by design ("will not always be sequential"), so
    it is not a ``FrameResult.sequence``: every hole would be taken for a gap.
    """
    results: list[Quote | str] = []
    corrections: list[Correction] = []
    markets: list[Nbbo | Band] = []
    of_members: list[Quote | str] = []
    passed_over = 0
    for message in entries:
        if not isinstance(message, Message):
            results.append("invalid message")
        elif message.ev == "T":
            ticker, ts_ns, conditions = symbol(message.sym), instant(message.t), numbers(message.c)
            if ticker and ts_ns and conditions & CORRECTS:
                corrections.append(ids.correction(message.x, message.i, ticker, ts_ns))
            elif not conditions & NO_TRADE:
                seq, role = message.q or 0, _auction(message, auctions, role_of(conditions))
                trade = quote(message.sym, ts_ns, message.p, message.s, seq=seq, role=role)
                results.append(trade)
                if not isinstance(trade, str):
                    ids.add(message, trade)
        elif message.ev in ("A", "AM"):
            name = symbol(message.sym)
            is_member = shares is not None and name is not None and shares.is_member(message.ev, name)
            if is_member:
                of_members.append(_bar(message))
            if shares is None or name is None or shares.is_leg(message.ev, name):
                results.append(_bar(message))
            elif not is_member:
                passed_over += name not in shares.legs
        elif message.ev in ("Q", "LULD"):
            market = _market(message)
            if isinstance(market, str):
                results.append(market)
                markets += _no_market(message)
            else:
                markets.append(market)
    quotes, rejected = sifted(results)
    members, also_rejected = sifted(of_members)
    return FrameResult(
        quotes,
        nbbo=tuple(market for market in markets if isinstance(market, Nbbo)),
        bands=tuple(market for market in markets if isinstance(market, Band)),
        corrections=tuple(corrections),
        rejected=(*rejected, *also_rejected),
        heartbeat=not quotes,
        members=members,
        passed_over=passed_over,
    )


def _bar(message: Message) -> Quote | str:
    """A bar at its end, or why it is none."""
    high, low = message.h or 0, message.l or 0
    starts_ns, ends_ns = instant(message.s), instant(message.e)
    bar_ns = ends_ns - starts_ns if starts_ns and ends_ns and starts_ns < ends_ns else 0
    return quote(message.sym, ends_ns, message.c, message.v, seq=BAR_SEQ, high=high, low=low, bar_ns=bar_ns)


def _market(message: Message) -> Nbbo | Band | str:
    """A bid and an ask, or a price band, whose symbol stands in ``T``; else why it is not one."""
    is_quote = message.ev == "Q"
    sides = (message.bp, message.ap) if is_quote else (message.l, message.h)
    low, high = price(sides[0]), price(sides[1])
    name, ts_ns = symbol(message.sym if is_quote else message.ticker), instant(message.t)
    if low is None or high is None or low > high:
        return f"{name or 'invalid symbol'}: crossed or empty {'quote' if is_quote else 'band'}"
    if name is None or ts_ns is None:
        return "a quote or a band without symbol or time"
    return Nbbo(name, low, high, ts_ns) if is_quote else Band(name, low, high, ts_ns)


def _no_market(message: Message) -> tuple[Nbbo, ...]:
    """That there is no market now, where a message of bid and ask is crossed or one-sided."""
    name, ts_ns = symbol(message.sym), instant(message.t)
    if message.ev != "Q" or name is None or ts_ns is None:
        return ()
    return (Nbbo(name, price(message.bp) or 0.0, price(message.ap) or 0.0, ts_ns),)


def role_of(conditions: set[int]) -> Role:
    """What of a trade with these conditions counts."""
    if conditions & NOT_LAST:
        return Role.SIZE
    return Role.CLOSE if conditions & CLOSING else Role.PRICE


def _auction(message: Message, auctions: Auctions | None, role: Role) -> Role:
    """The role of a trade, which without any condition may be the listing venue's first after the bell."""
    ticker, ts_ns = symbol(message.sym), instant(message.t)
    if auctions is None or ticker is None or ts_ns is None:
        return role
    if role == Role.CLOSE:
        auctions.note(ticker, ts_ns)
    elif not message.c and isinstance(message.z, int) and message.x == LISTING.get(message.z, -1):
        return Role.CLOSE if auctions.is_first(ticker, ts_ns) else role
    return role


def numbers(value: object) -> set[int]:
    """Condition codes, sent as a list of numbers or of text, as one, or not at all."""
    listed = value if isinstance(value, list) else [value]
    return {int(code) for entry in listed if (code := number(entry)) is not None}
