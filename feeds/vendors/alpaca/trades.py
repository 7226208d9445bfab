"""Frames of trades, quotes and price bands, which nearly all are in a busy minute: decoded to types. Pure.

``feeds.vendors.alpaca.frames`` says what a message means, field by field, whatever is in it; where every
field has its own type this says the same, many frames at once and many times as fast.
"""

from __future__ import annotations

from functools import lru_cache
from math import isfinite
from struct import unpack
from typing import TYPE_CHECKING, Annotated

import msgspec
import polars as pl

from feeds.streaming.receive import together
from feeds.streaming.receive.together import EXACT, REPORT, Roles
from feeds.streaming.vendor import Band, ManyFrames
from feeds.vendors.alpaca.frames import BRACKETS, MESSAGES_MAX, SHARES_MAX, SYMBOL, exact_ns, role_of, shares
from rotation.columns import PrintColumns
from rotation.quote import NS, Nbbo, Role

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from feeds.streaming.vendor import Frame
    from rotation.quote import Quote

Stamp = msgspec.msgpack.Ext | str


class _Trade(msgspec.Struct, gc=False, tag_field="T", tag="t"):
    symbol: str = msgspec.field(name="S")
    t: Stamp
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


# A union even where there are trades alone: with one type the tag might be missing.
_JSON = msgspec.json.Decoder(list[_Trade | _Market | _Limits])
_PACKED = msgspec.msgpack.Decoder(list[_Trade | _Market | _Limits])

FEW = 64
"""Fewer times cost less one by one."""
_LATEST_S = 2**33
"""Beyond it nanoseconds do not fit into 64 bits."""


def read_many(frames: Sequence[Frame], renamed: Mapping[str, str], start: int = 0) -> ManyFrames:
    """What frames mean, from the place ``start`` on as far as their messages are well formed.

    ``renamed``: our symbols by Alpaca's, where they differ.
    """
    return together.read_many(frames, lambda: _Reading(renamed), start)


def plain_trades(frame: Frame) -> list[Quote] | None:
    """The prints of a frame of well-formed trades only; None for any other, which ``parse`` reads."""
    many = read_many([frame], {})
    return None if not many.count or many.nbbo or many.bands else many.prints.quotes()


class _Reading:
    """Frames under way."""

    def __init__(self, renamed: Mapping[str, str]) -> None:
        self._renamed = renamed
        self._theirs: set[str] = set()
        self._prints = PrintColumns()
        self._stamps: list[Stamp] = []
        self._sizes: list[int | float] = []
        self._markets: list[_Market | _Limits] = []

    def take(self, frame: Frame) -> bool:
        """Read a frame; False where it is left to the exact way."""
        is_json = isinstance(frame, str) or frame.lstrip()[:1] in BRACKETS
        messages = together.decoded((_JSON if is_json else _PACKED).decode, frame, MESSAGES_MAX)  # type: ignore[arg-type]
        if messages is None:
            return False
        markets = [each for each in messages if not isinstance(each, _Trade)]
        trades = [each for each in messages if isinstance(each, _Trade)] if markets else messages
        if not self._take_trades(trades):  # type: ignore[arg-type]
            return False
        self._markets += markets
        return True

    def _take_trades(self, trades: Sequence[_Trade]) -> bool:
        roles = [_roles[trade.c, trade.z] for trade in trades]
        if roles and min(roles) < 0:
            if EXACT in roles:
                return False
            left_out = [trade for trade, role in zip(trades, roles, strict=True) if role < 0]
            if not all(map(_is_whole, left_out)):
                return False  # counted as what they are by the exact way
            trades = [trade for trade, role in zip(trades, roles, strict=True) if role >= 0]
            roles = [role for role in roles if role >= 0]
        prints = self._prints
        names = [trade.symbol for trade in trades]
        self._theirs.update(names)
        prints.symbols += map(self._renamed.get, names, names) if self._renamed else names
        prints.prices += [trade.p for trade in trades]
        prints.seqs += [trade.i for trade in trades]
        self._sizes += [trade.s for trade in trades]
        prints.roles += roles
        self._stamps += [trade.t for trade in trades]
        return True

    def made(self, count: int) -> ManyFrames | None:
        """All of it; None if a time, a price or a symbol is invalid."""
        prints = self._prints
        times = instants_ns(self._stamps)
        if times is None or not all(map(isfinite, prints.prices)) or not all(map(_is_symbol, self._theirs)):
            return None
        prints.ts_ns, prints.sizes = times, _whole_shares(self._sizes)
        nbbo, bands = [], []
        for each in self._markets:
            is_market = isinstance(each, _Market)
            # A crossed market is news, there is none any more; of bands it is a mistake.
            if not (isfinite(each.low) and isfinite(each.high) and (is_market or 0 < each.low <= each.high)):
                continue
            ts_ns = exact_ns(each.t)
            if ts_ns is None or not _is_symbol(each.symbol):
                return None
            symbol = self._renamed.get(each.symbol, each.symbol)
            if is_market:
                nbbo.append(Nbbo(symbol, each.low, each.high, ts_ns))
            else:
                bands.append(Band(symbol, each.low, each.high, ts_ns))
        return ManyFrames(count, prints, tuple(nbbo), tuple(bands))


def _is_whole(trade: _Trade) -> bool:
    """Whether a report of a price has a symbol, a price and a time."""
    return isfinite(trade.p) and exact_ns(trade.t) is not None and _is_symbol(trade.symbol)


def instants_ns(stamps: list[Stamp]) -> list[int] | None:
    """UTC nanoseconds of each time, exactly; None if any is invalid, or beyond 64 bits."""
    times = None
    try:
        if stamps and len(stamps) >= FEW:
            times = _of_texts(stamps) if isinstance(stamps[0], str) else _of_extensions(stamps)
    except (AttributeError, TypeError, ValueError, pl.exceptions.PolarsError):
        pass  # of both sorts, or of another shape
    if times is not None:
        return times
    exact = [exact_ns(stamp) for stamp in stamps]
    known = [ts_ns for ts_ns in exact if ts_ns is not None and ts_ns < _LATEST_S * NS]
    return known if len(known) == len(stamps) else None


def _of_extensions(stamps: list[Stamp]) -> list[int] | None:
    """Times of msgpack's 64-bit Timestamps: 30 bits of nanoseconds, 34 of seconds."""
    parts: list[bytes] = [bytes(stamp.data) for stamp in stamps]  # type: ignore[union-attr]
    if set(map(len, parts)) != {8} or {stamp.code for stamp in stamps} != {-1}:  # type: ignore[union-attr]
        return None
    packed = pl.Series(unpack(f">{len(parts)}Q", b"".join(parts)), dtype=pl.UInt64)
    nanos, seconds = packed // 2**34, packed % 2**34
    if nanos.max() >= NS or seconds.min() == 0 or seconds.max() >= _LATEST_S:  # type: ignore[operator]
        return None
    times: list[int] = (seconds * NS + nanos).cast(pl.Int64).to_list()
    return times


def _of_texts(stamps: list[Stamp]) -> list[int] | None:
    """Times in RFC 3339, UTC; those without nine digits after the point are read one by one."""
    texts = pl.Series(stamps, dtype=pl.String)
    is_long = texts.str.len_bytes() == 30
    long = texts if is_long.all() else texts.filter(is_long)
    digits = long.str.slice(20, 9)
    joined: str = digits.str.join().item() or "0"
    is_plain = (long.str.slice(19, 1) == ".").all() and (long.str.slice(29, 1) == "Z").all()
    if not (is_plain and joined.isascii() and joined.isdigit()):
        return None
    seconds: list[int] = []
    for head, run in zip(*_runs(long.str.slice(0, 19)), strict=True):
        whole_ns = _whole_second_ns(head)
        if not whole_ns:
            return None
        seconds += [whole_ns] * run
    times = (pl.Series(seconds, dtype=pl.Int64) + digits.cast(pl.Int64)).to_list()
    if len(times) == len(stamps):
        return times
    rest = iter(times)
    mixed = [next(rest) if plain else exact_ns(stamp) for stamp, plain in zip(stamps, is_long, strict=True)]
    return None if None in mixed else mixed  # type: ignore[return-value]


def _runs(texts: pl.Series) -> tuple[list[str], list[int]]:
    """Equal neighbours: each text, and how often it stands there."""
    runs = texts.rle().struct.unnest()
    return runs["value"].to_list(), runs["len"].to_list()


def _whole_shares(sizes: list[int | float]) -> list[int]:
    """As ``shares``, of many."""
    if sizes and set(map(type, sizes)) == {int} and min(sizes) >= 0 and max(sizes) < SHARES_MAX:
        return sizes  # type: ignore[return-value]
    return [shares(size) for size in sizes]


def _role(of: tuple[tuple[str, ...] | None, str | None]) -> int:
    """By sale conditions and tape: see ``Roles``."""
    conditions, tape = of
    role = role_of(None if conditions is None else list(conditions), tape)
    # The auction is known by its code or by who printed first, which ``parse`` remembers.
    is_exact = role == Role.CLOSE or not conditions
    return EXACT if is_exact else REPORT if role is None else int(role)


_roles = Roles(_role)


@lru_cache(maxsize=8192)
def _is_symbol(text: str) -> bool:
    return SYMBOL.fullmatch(text) is not None


@lru_cache(maxsize=64)
def _whole_second_ns(text: str) -> int | None:
    """UTC nanoseconds of ``2024-07-16T14:40:00``; None for anything else."""
    return exact_ns(f"{text}Z")
