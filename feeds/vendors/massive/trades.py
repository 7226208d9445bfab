"""Frames of trades, quotes and price bands, which nearly all are in a busy minute: decoded to types. Pure.

``feeds.vendors.massive.frames`` says what a message means, field by field, whatever is in it; where every
field has its own type this says the same, many frames at once and many times as fast.
"""

from __future__ import annotations

from struct import pack
from typing import TYPE_CHECKING, Annotated

import msgspec

from feeds.parsing.fields import SIZE_MAX, symbol
from feeds.streaming.receive import together
from feeds.streaming.receive.symbol_codes import BadNameError, SymbolCodes
from feeds.streaming.receive.together import EXACT, REPORT, Roles
from feeds.streaming.vendor import Band, ManyFrames
from feeds.vendors.massive.frames import CORRECTS, ID_MAX, LISTING, NO_TRADE, REMEMBERED, role_of
from rotation.columns import PrintColumns
from rotation.quote import PRICE_MAX, Nbbo, Role, is_price

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from feeds.streaming.vendor import Frame
    from feeds.streaming.watch.auction import Auctions
    from feeds.vendors.massive.frames import TradeIds


class Trade(msgspec.Struct, gc=False, tag_field="ev", tag="T"):
    """A trade, as it is written."""

    sym: str
    p: float
    t: int
    q: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] = 0
    s: int | float = 0
    c: tuple[int, ...] = ()
    i: Annotated[str, msgspec.Meta(max_length=ID_MAX)] | None = None
    x: int | None = None
    z: int | None = None


class _Market(msgspec.Struct, gc=False, tag_field="ev", tag="Q"):
    name: str = msgspec.field(name="sym")
    t: int
    low: float = msgspec.field(name="bp")
    high: float = msgspec.field(name="ap")


class _Limits(msgspec.Struct, gc=False, tag_field="ev", tag="LULD"):
    name: str = msgspec.field(name="T")
    t: int
    low: float = msgspec.field(name="l")
    high: float = msgspec.field(name="h")


# A union even where there are trades alone: with one type the tag might be missing.
_DECODE = msgspec.json.Decoder(list[Trade | _Market | _Limits]).decode
_TRADE = msgspec.json.Decoder(Trade).decode
_ONLY_TRADES = {Trade}

CORRECTION = -3
"""In place of a role: a trade is taken back."""
MS = 1_000_000
EARLIEST_MS, LATEST_MS = 10**12, 3 * 10**13
"""Between them a time is of milliseconds: of the years 2001 to 2920."""
MESSAGES_MAX = 20_000
"""Of one frame; more are left to the exact way."""


def codes_of(renamed: Mapping[str, str]) -> SymbolCodes:
    """Massive's names, for a connection. ``renamed``: our symbols by Massive's, where they differ."""
    return SymbolCodes(lambda name: renamed.get(name, name) if symbol(name) else None)


def read_many(
    frames: Sequence[Frame], codes: SymbolCodes, ids: TradeIds, auctions: Auctions, start: int = 0
) -> ManyFrames:
    """What frames mean, from the place ``start`` on as far as their messages are well formed.

    Their trades are added to ``ids``, which know what is taken back. A print that may be a closing auction is
    left to the exact way.
    ``codes``: see ``codes_of``; the same for as long as a connection lasts.
    """
    codes.begin()
    reading = TradeReading(codes, auctions)
    made = together.read_many(frames, lambda: reading, start)
    prints = made.prints
    first = max(min([len(prints), *(place for place, _ in reading.wrong)]) - REMEMBERED, 0)
    for stop, wrong in [*reading.wrong, (len(prints), None)]:
        part = slice(first, stop)
        names = [prints.names[code] for code in prints.codes[part]]
        ids.add_many(names, reading.venues[part], reading.ids[part], prints.ts_ns[part], prints.seqs[part])
        if wrong is not None:
            made.corrections.append(ids.correction(wrong.x, wrong.i, reading.symbol(wrong.sym), wrong.t * MS))
        first = stop
    return made


def reading_of(codes: SymbolCodes, auctions: Auctions) -> tuple[TradeReading, PrintColumns]:
    """A reading of a few frames, and the prints that it fills."""
    reading = TradeReading(codes, auctions)
    return reading, reading.prints


def one_trade(message: bytes) -> Trade:
    """A message that is one by itself. Raises ``msgspec.MsgspecError`` for any other."""
    return _TRADE(message)


class TradeReading:
    """Frames under way. All doubts are seen when a frame is taken, so one reading is enough."""

    def __init__(self, codes: SymbolCodes, auctions: Auctions) -> None:
        self._codes = codes
        self._auctions = auctions
        self.prints = PrintColumns(codes.ours)
        self.venues: list[int | None] = []
        self.ids: list[str | None] = []
        self.wrong: list[tuple[int, Trade]] = []
        """What takes a trade back, and how many trades came before it."""
        self.wrong_at: list[int] = []
        """Which of the messages that were taken it was."""
        self._taken = 0
        self._nbbo: list[Nbbo] = []
        self._bands: list[Band] = []

    def take(self, frame: Frame) -> bool:
        """Read a frame; False, and nothing of it is read, where it is left to the exact way."""
        messages = together.decoded(_DECODE, frame, MESSAGES_MAX)
        known = len(self.wrong)
        if messages is None or not self._take(messages):
            return False
        if len(self.wrong) > known:
            fresh = {id(trade) for _, trade in self.wrong[known:]}
            self.wrong_at += [self._taken + i for i, each in enumerate(messages) if id(each) in fresh]
        self._taken += len(messages)
        return True

    def _take(self, messages: list[Trade | _Market | _Limits]) -> bool:
        if set(map(type, messages)) == _ONLY_TRADES:
            return self._take_all(messages)  # type: ignore[arg-type]
        markets = [each for each in messages if not isinstance(each, Trade)]
        trades = [each for each in messages if isinstance(each, Trade)]
        if not all(map(_is_plain, markets)) or not self._take_all(trades):
            return False
        for each in markets:
            if isinstance(each, _Market):
                self._nbbo.append(Nbbo(self._codes.symbol(each.name), each.low, each.high, each.t * MS))
            else:
                self._bands.append(Band(self._codes.symbol(each.name), each.low, each.high, each.t * MS))
        return True

    def symbol(self, name: str) -> str:
        """Of a trade that was taken."""
        return self._codes.symbol(name)

    def _take_all(self, trades: Sequence[Trade]) -> bool:
        """Take trades, and what takes one back."""
        roles = list(map(role_numbers.__getitem__, [trade.c for trade in trades]))
        if CORRECTION not in roles:
            return self._take_trades(trades, roles)
        wrong: list[tuple[int, Trade]] = []
        kept: list[Trade] = []
        before = len(self.prints)
        for trade, role in zip(trades, roles, strict=True):
            if role != CORRECTION:
                kept.append(trade)
                before += role >= 0
                continue
            if not EARLIEST_MS <= trade.t < LATEST_MS or symbol(trade.sym) is None:
                return False
            wrong.append((before, trade))
        if not self._take_trades(kept, [role for role in roles if role != CORRECTION]):
            return False
        for _, trade in wrong:
            self._codes[trade.sym]
        self.wrong += wrong
        return True

    def _take_trades(self, trades: Sequence[Trade], roles: list[int]) -> bool:
        if roles and min(roles) < 0:
            if EXACT in roles:
                return False
            trades = [trade for trade, role in zip(trades, roles, strict=True) if role >= 0]
            roles = [role for role in roles if role >= 0]
        if not trades:
            return True
        prices, times = [trade.p for trade in trades], [trade.t for trade in trades]
        sizes = [trade.s for trade in trades]
        are_times = min(times) >= EARLIEST_MS and max(times) < LATEST_MS
        are_prices = min(prices) > 0 and max(prices) <= PRICE_MAX
        if not (are_times and are_prices and min(sizes) >= 0 and max(sizes) <= SIZE_MAX):
            return False
        try:
            codes = self._codes.of([trade.sym for trade in trades])
        except BadNameError:
            return False
        if self._may_be_auction(trades, times):
            return False
        prints, count = self.prints, len(trades)
        prints.codes.frombytes(pack(f"{count}I", *codes))
        prints.prices.frombytes(pack(f"{count}d", *prices))
        prints.ts_ns.frombytes(pack(f"{count}q", *[ts_ms * MS for ts_ms in times]))
        prints.seqs.frombytes(pack(f"{count}q", *[trade.q for trade in trades]))
        prints.sizes.frombytes(pack(f"{count}q", *map(int, sizes)))
        prints.roles += bytes(roles)
        self.venues += [trade.x for trade in trades]
        self.ids += [trade.i for trade in trades]
        return True

    def _may_be_auction(self, trades: Sequence[Trade], times: Sequence[int]) -> bool:
        """Whether a trade of the listing venue without conditions falls where the closing auction does."""
        if not self._auctions.may_print(min(times) * MS, max(times) * MS):
            return False
        return any(not trade.c and trade.x == LISTING.get(trade.z or 0, -1) for trade in trades)

    def made(self, count: int) -> ManyFrames:
        """All of it."""
        return ManyFrames(count, self.prints, self._nbbo, self._bands)


def _is_plain(market: _Market | _Limits) -> bool:
    """Neither crossed nor one-sided, of a symbol and of a time."""
    is_market = is_price(market.low) and is_price(market.high) and market.low <= market.high
    return is_market and EARLIEST_MS <= market.t < LATEST_MS and symbol(market.name) is not None


def _role(conditions: tuple[int, ...]) -> int:
    """See ``Roles``."""
    codes = set(conditions)
    role = role_of(codes)
    # The auction is known by its code or by who printed first, which the exact way remembers.
    if codes & CORRECTS:
        return CORRECTION
    return EXACT if role == Role.CLOSE else REPORT if codes & NO_TRADE else int(role)


role_numbers = Roles(_role)
"""By conditions; CORRECTION where they take a trade back."""
