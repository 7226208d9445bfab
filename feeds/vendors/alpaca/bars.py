"""Frames of minute bars, of which ``*`` brings thousands at every minute's end: decoded to types. Pure.

``feeds.vendors.alpaca.frames`` says what a bar means, whatever is in it; where every field has its own type
this says the same, and a bar that nobody asked for costs no more than its decoding.
"""

from __future__ import annotations

from collections.abc import Container
from typing import TYPE_CHECKING

import msgspec

from feeds.vendors.alpaca.frames import BRACKETS, MESSAGES_MAX, bar, exact_ns
from rotation.quote import Quote

if TYPE_CHECKING:
    from collections.abc import Iterable

    from feeds.streaming.vendor import Frame

Stamp = msgspec.msgpack.Ext | str


class _Bar(msgspec.Struct, gc=False, tag_field="T", tag="b"):
    symbol: str = msgspec.field(name="S")
    t: Stamp
    h: float
    l: float  # noqa: E741 - the wire's own name
    c: float
    v: int | float | None = None


class _Updated(_Bar, tag_field="T", tag="u"):
    pass


_JSON = msgspec.json.Decoder(list[_Bar | _Updated])
_PACKED = msgspec.msgpack.Decoder(list[_Bar | _Updated])


class Shares(msgspec.Struct, frozen=True):
    """Whose bars are kept, under Alpaca's names."""

    legs: Container[str]
    """Symbols of the desk that come by bars: a leg whose trades come has none of them, since its trades said
    the same already."""
    members: Container[str]
    """One of them may be a leg, too, under another spelling of ours: then both have its bar."""


class Bars(msgspec.Struct, frozen=True):
    """The bars of a frame."""

    legs: tuple[Quote, ...]
    members: tuple[Quote, ...]
    passed_over: int
    """Bars of symbols that nobody asked for."""


def plain_bars(frame: Frame, shares: Shares, trading: Container[str]) -> Bars | None:
    """The bars of a frame of nothing else; None where a doubt is left, and ``parse`` is to read it.

    ``trading``: symbols whose trades come or are asked for; their bars are dropped, not passed over.
    """
    is_json = isinstance(frame, str) or frame.lstrip()[:1] in BRACKETS
    try:
        rows = (_JSON if is_json else _PACKED).decode(frame)  # type: ignore[arg-type]
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    if not rows or len(rows) > MESSAGES_MAX:
        return None
    legs: list[_Bar] = []
    members: list[_Bar] = []
    passed_over = 0
    for row in rows:
        is_member = row.symbol in shares.members
        if is_member:
            members.append(row)
        if row.symbol in shares.legs:
            legs.append(row)
        elif not is_member and row.symbol not in trading:
            passed_over += 1
    of_legs, of_members = _quotes(legs), _quotes(members)
    if of_legs is None or of_members is None:
        return None
    return Bars(of_legs, of_members, passed_over)


def _quotes(rows: Iterable[_Bar]) -> tuple[Quote, ...] | None:
    """None where one has no time or not its prices."""
    made = []
    for row in rows:
        ts_ns = exact_ns(row.t)
        if ts_ns is None or not row.l <= row.c <= row.h:
            return None
        made.append(bar(row.symbol, ts_ns, row.c, row.h, row.l, row.v))
    return tuple(made)
