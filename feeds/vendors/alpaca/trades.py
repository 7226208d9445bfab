"""Frames of trades, quotes and price bands, which nearly all are in a busy minute: decoded to types. Pure.

``feeds.vendors.alpaca.frames`` says what a message means, field by field, whatever is in it; where every
field has its own type this says the same, many frames at once and many times as fast.
"""

from __future__ import annotations

from array import array
from math import isfinite
from struct import error as struct_error
from struct import pack
from typing import TYPE_CHECKING, Annotated

import msgspec

from feeds.events import Correction
from feeds.streaming.receive import together
from feeds.streaming.receive.symbol_codes import BadNameError, SymbolCodes
from feeds.streaming.receive.together import EXACT, REPORT, Roles, are_finite
from feeds.streaming.vendor import Band, ManyFrames
from feeds.vendors.alpaca.frames import (
    AVERAGE,
    BRACKETS,
    MESSAGES_MAX,
    SHARES_MAX,
    SYMBOL,
    exact_ns,
    role_of,
    shares,
)
from feeds.vendors.alpaca.stamps import Stamps, are_below, one_ns
from rotation.columns import PrintColumns
from rotation.quote import Nbbo, Role

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from feeds.streaming.receive.together import Reading
    from feeds.streaming.vendor import Frame
    from rotation.quote import Quote

Stamp = msgspec.msgpack.Ext | str


class _Trade(msgspec.Struct, gc=False, tag_field="T", tag="t"):
    symbol: str = msgspec.field(name="S")
    t: msgspec.Raw
    p: float
    i: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
    s: int | float = 0
    c: tuple[str, ...] | None = None
    z: str | None = None


class _Market(msgspec.Struct, gc=False, tag_field="T", tag="q"):
    symbol: str = msgspec.field(name="S")
    t: Stamp
    low: float = msgspec.field(name="bp")
    high: float = msgspec.field(name="ap")


class _Limits(msgspec.Struct, gc=False, tag_field="T", tag="l"):
    symbol: str = msgspec.field(name="S")
    t: Stamp
    low: float = msgspec.field(name="d")
    high: float = msgspec.field(name="u")


class _Cancelled(msgspec.Struct, gc=False, tag_field="T", tag="x"):
    symbol: str = msgspec.field(name="S")
    t: Stamp
    wrong: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] = msgspec.field(name="i")


class _Corrected(msgspec.Struct, gc=False, tag_field="T", tag="c"):
    symbol: str = msgspec.field(name="S")
    t: Stamp
    wrong: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] = msgspec.field(name="oi")


_Other = _Market | _Limits | _Cancelled | _Corrected
# A union even where there are trades alone: with one type the tag might be missing.
_JSON = msgspec.json.Decoder(list[_Trade | _Other])
_PACKED = msgspec.msgpack.Decoder(list[_Trade | _Other])

TAPE = -3
"""In place of a role: these conditions mean one thing on one tape and another on the next."""
TAPES = (*AVERAGE, None)


def codes_of(renamed: Mapping[str, str]) -> SymbolCodes:
    """Alpaca's names, for a connection. ``renamed``: our symbols by Alpaca's, where they differ."""
    return SymbolCodes(lambda name: renamed.get(name, name) if SYMBOL.fullmatch(name) else None)


def read_many(frames: Sequence[Frame], codes: SymbolCodes, start: int = 0) -> ManyFrames:
    """As ``many_trades.ManyTrades``, of messages as objects.

    ``codes``: see ``codes_of``; the same for as long as a connection lasts.
    """
    codes.begin()
    return together.read_many(frames, lambda: _Reading(codes), start)


_as_named = codes_of({})


def plain_trades(frame: Frame) -> list[Quote] | None:
    """The prints of a frame of well-formed trades only; None for any other, which ``parse`` reads."""
    many = read_many([frame], _as_named)
    is_plain = many.count and not (many.nbbo or many.bands or many.corrections)
    return many.prints.quotes() if is_plain else None


def reading_of(codes: SymbolCodes) -> tuple[Reading, PrintColumns]:
    """A reading of a few frames, and the prints that it fills."""
    reading = _Reading(codes)
    return reading, reading.prints


class _Reading:
    """Frames under way. Of numbers only the bytes are kept: objects of thousands of messages cost memory."""

    def __init__(self, codes: SymbolCodes) -> None:
        self._codes = codes
        self.prints = PrintColumns(codes.ours)
        self._stamps = Stamps()
        self._others: list[_Other] = []

    def take(self, frame: Frame) -> bool:
        """Read a frame; False, and nothing of it is read, where it is left to the exact way."""
        is_json = isinstance(frame, str) or frame.lstrip()[:1] in BRACKETS
        messages = together.decoded((_JSON if is_json else _PACKED).decode, frame, MESSAGES_MAX)  # type: ignore[arg-type]
        if messages is None:
            return False
        try:
            roles = bytes(map(_roles.__getitem__, [trade.c for trade in messages]))  # type: ignore[union-attr]
        except AttributeError:  # not trades alone
            trades = [each for each in messages if isinstance(each, _Trade)]
            if not self._take_doubtful(trades, is_json=is_json):
                return False
            self._others += [each for each in messages if not isinstance(each, _Trade)]
            return True
        except ValueError:  # not roles alone
            return self._take_doubtful(messages, is_json=is_json)  # type: ignore[arg-type]
        return self._take_trades(messages, roles, is_json=is_json)  # type: ignore[arg-type]

    def _take_doubtful(self, trades: Sequence[_Trade], *, is_json: bool) -> bool:
        """Take trades of which some may be none, or may be left to the exact way."""
        roles = [_roles[trade.c] for trade in trades]
        if TAPE in roles:
            roles = [_tape_roles[trade.c, trade.z] for trade in trades]
        if EXACT in roles:
            return False
        left_out = [trade for trade, role in zip(trades, roles, strict=True) if role < 0]
        if not all(_is_whole(trade, is_json=is_json) for trade in left_out):
            return False  # counted as what they are by the exact way
        kept = [trade for trade, role in zip(trades, roles, strict=True) if role >= 0]
        return self._take_trades(kept, bytes(role for role in roles if role >= 0), is_json=is_json)

    def _take_trades(self, trades: Sequence[_Trade], roles: bytes, *, is_json: bool) -> bool:
        try:
            codes = self._codes.of([trade.symbol for trade in trades])
        except BadNameError:
            return False
        prices = [trade.p for trade in trades]
        if not are_finite(prices) or not self._stamps.add([trade.t for trade in trades], is_json=is_json):
            return False
        prints, count = self.prints, len(trades)
        prints.codes.frombytes(pack(f"{count}I", *codes))
        prints.prices.frombytes(pack(f"{count}d", *prices))
        prints.seqs.frombytes(pack(f"{count}q", *[trade.i for trade in trades]))
        sizes = [trade.s for trade in trades]
        try:
            packed = pack(f"{count}q", *sizes)
        except struct_error:  # parts of shares, or more than anybody believes
            packed = pack(f"{count}q", *map(shares, sizes))
        prints.sizes.frombytes(packed)
        prints.roles += roles
        return True

    def made(self, count: int) -> ManyFrames | None:
        """All of it; None if a time is invalid, or a symbol that is quoted."""
        prints = self.prints
        times = self._stamps.times_ns()
        if times is None:
            return None
        prints.ts_ns = times
        if not are_below(prints.sizes, SHARES_MAX):
            prints.sizes = array("q", map(shares, prints.sizes))
        made = ManyFrames(count, prints)
        try:
            for each in self._others:
                if not self._add(each, made):
                    return None
        except BadNameError:
            return None
        return made

    def _add(self, each: _Other, made: ManyFrames) -> bool:
        """Add what is no trade; False if its time is invalid. Raises BadNameError."""
        # A crossed market is news, there is none any more; of bands it is a mistake.
        if isinstance(each, _Market | _Limits) and not (isfinite(each.low) and isfinite(each.high)):
            return True
        if isinstance(each, _Limits) and not 0 < each.low <= each.high:
            return True
        ts_ns, symbol = exact_ns(each.t), self._codes.symbol(each.symbol)
        if ts_ns is None:
            return False
        match each:
            case _Market():
                made.nbbo.append(Nbbo(symbol, each.low, each.high, ts_ns))
            case _Limits():
                made.bands.append(Band(symbol, each.low, each.high, ts_ns))
            case _Cancelled():
                made.corrections.append(Correction(symbol, ts_ns, each.wrong))
            case _Corrected():
                made.corrections.append(Correction(symbol, ts_ns, each.wrong, has_replacement=True))
        return True


def _is_whole(trade: _Trade, *, is_json: bool) -> bool:
    """Whether a report of a price has a symbol, a price and a time."""
    has_time = one_ns(bytes(trade.t), is_json=is_json) is not None
    return isfinite(trade.p) and has_time and SYMBOL.fullmatch(trade.symbol) is not None


def _role(conditions: tuple[str, ...] | None) -> int:
    """By sale conditions: see ``Roles``; TAPE where the tape decides."""
    first, *others = (_tape_role((conditions, tape)) for tape in TAPES)
    return first if all(role == first for role in others) else TAPE


def tape_role(conditions: tuple[str, ...], tape: str) -> int:
    """See ``Roles``."""
    return _tape_roles[conditions, tape]


def _tape_role(of: tuple[tuple[str, ...] | None, str | None]) -> int:
    """By sale conditions and tape."""
    conditions, tape = of
    role = role_of(None if conditions is None else list(conditions), tape)
    # The auction is known by its code or by who printed first, which ``parse`` remembers.
    is_exact = role == Role.CLOSE or not conditions
    return EXACT if is_exact else REPORT if role is None else int(role)


_roles = Roles(_role)
_tape_roles = Roles(_tape_role)
