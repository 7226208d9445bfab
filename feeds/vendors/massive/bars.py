"""Frames of bars, of which ``A.*`` brings thousands each second: decoded to types. Pure.

``feeds.vendors.massive.frames`` says what a bar means, whatever is in it; where every field has its own type
this says the same, and a bar that nobody asked for costs no more than its decoding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from feeds.parsing.fields import SIZE_MAX, symbol
from feeds.streaming.vendor import FrameResult
from feeds.vendors.massive.frames import BAR_SEQ
from feeds.vendors.massive.trades import EARLIEST_MS, LATEST_MS, MESSAGES_MAX, MS
from rotation.quote import Quote, is_price

if TYPE_CHECKING:
    from collections.abc import Iterable

    from feeds.streaming.vendor import Frame
    from feeds.vendors.massive.frames import Shares


class _Bar(msgspec.Struct, gc=False, tag_field="ev", tag="A"):
    sym: str
    s: int
    e: int
    h: float
    l: float  # noqa: E741 - the wire's own name
    c: float
    v: int | float = 0


class _Minute(_Bar, tag_field="ev", tag="AM"):
    pass


_DECODE = msgspec.json.Decoder(list[_Bar | _Minute]).decode


def plain_bars(frame: Frame, shares: Shares) -> FrameResult | None:
    """What a frame of bars alone means; None where a doubt is left, and ``market_data`` is to read it."""
    try:
        rows = _DECODE(frame)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    if not rows or len(rows) > MESSAGES_MAX:
        return None
    legs: list[_Bar] = []
    members: list[_Bar] = []
    passed_over = 0
    for row in rows:
        kind = "AM" if type(row) is _Minute else "A"
        is_member = shares.is_member(kind, row.sym)
        if is_member:
            members.append(row)
        if shares.is_leg(kind, row.sym):
            legs.append(row)
        elif not is_member:
            passed_over += row.sym not in shares.legs
    of_legs, of_members = _quotes(legs), _quotes(members)
    if of_legs is None or of_members is None:
        return None
    return FrameResult(of_legs, heartbeat=not of_legs, members=of_members, passed_over=passed_over)


def _quotes(rows: Iterable[_Bar]) -> tuple[Quote, ...] | None:
    """None where one is not a bar beyond doubt."""
    made = []
    for row in rows:
        are_times = EARLIEST_MS <= row.s < row.e < LATEST_MS
        are_prices = is_price(row.l) and is_price(row.h) and row.l <= row.c <= row.h
        if not (are_times and are_prices and 0 <= row.v <= SIZE_MAX and symbol(row.sym)):
            return None
        ends_ns, bar_ns = row.e * MS, (row.e - row.s) * MS
        made.append(Quote(row.sym, ends_ns, row.c, BAR_SEQ, int(row.v), row.h, row.l, bar_ns))
    return tuple(made)
