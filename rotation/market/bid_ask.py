"""When a bid and an ask may stand beside a price: of the part of the day that runs, and fresh. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from rotation.desk import STALE_AFTER_S
from rotation.quote import NS
from rotation.sessions import hours
from rotation.status import Kind

if TYPE_CHECKING:
    from datetime import date

    from rotation.market.status import Provenance
    from rotation.quote import Nbbo

AHEAD_S = 2.0
"""A bid and ask further ahead of our clock are not current."""
DECIMALS = 6
"""Decimals of the midpoint: half a tick of a share below a dollar, without the noise of floats."""


class BidAsk(msgspec.Struct, frozen=True):
    """What a leg shows; all None where there is no market to show."""

    bid: float | None = None
    ask: float | None = None
    mid: float | None = None
    age_s: float | None = None


NO_MARKET = BidAsk()


def shown(
    newest: Nbbo | None,
    origin: Provenance,
    session: date | None,
    as_of_ns: int,
    *,
    stale_s: float = STALE_AFTER_S,
) -> BidAsk:
    """The newest bid and ask, while they are of now.

    Nothing where they are crossed or one-sided, where the feed's prices are not worth its mode (no
    connection, a halt, a gap), from the closing bell to the next session's first hour, across the opening
    bell, and as soon as a live print of the same age would be stale (after ``stale_s``).
    """
    mode = origin.mode
    if newest is None or not newest.is_market or session is None:
        return NO_MARKET
    if mode is None or mode.kind is Kind.OFFLINE or origin.override is not None:
        return NO_MARKET
    now_ns = as_of_ns + int(origin.behind_s * NS)
    age_s = (now_ns - newest.ts_ns) / NS
    part = _part(newest.ts_ns, session)
    is_running = part is not None and part == _part(now_ns - int(mode.delay_s * NS), session)
    is_fresh = -AHEAD_S <= age_s <= stale_s + mode.delay_s
    if not is_running or not is_fresh or now_ns >= hours(session)[2]:
        return NO_MARKET
    mid = round((newest.bid + newest.ask) / 2, DECIMALS)
    return BidAsk(newest.bid, newest.ask, mid, max(age_s, 0.0))


def _part(ts_ns: int, session: date) -> int | None:
    """0 before the opening bell, 1 up to the closing bell; None at all other times."""
    begins_ns, opens_ns, closes_ns, _ = hours(session)
    return int(ts_ns >= opens_ns) if begins_ns <= ts_ns < closes_ns else None
