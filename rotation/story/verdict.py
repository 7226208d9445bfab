"""Which side of a pair leads over a window: by the rank of its spread, never against its sign."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from rotation.status import BAD

if TYPE_CHECKING:
    from rotation.snapshot import Spread, SpreadWindow

LEADS_FROM, TRAILS_TO = 75.0, 25.0
"""Percentiles of the spread from which on the base leads, and up to which the other leg does."""
SMALL_CAPS, TECH = "SMALL CAPS", "TECH"
SIDES = {
    frozenset({"IWM", "QQQ"}): {"IWM": SMALL_CAPS, "QQQ": TECH},
    frozenset({"RUT", "NDX"}): {"RUT": SMALL_CAPS, "NDX": TECH},
    frozenset({"^RUT", "^NDX"}): {"^RUT": SMALL_CAPS, "^NDX": TECH},
}
"""Pairs whose two sides have a name of their own; those of any other pair are called by their symbols."""


class Verdict(StrEnum):
    """Who leads."""

    BASE = "base"
    AGAINST = "against"
    NEITHER = "neither"


def verdict(window: SpreadWindow | None) -> Verdict | None:
    """Who leads over this window.

    None where nothing can be said: the spread or its rank is unknown, it is ranked among fewer values than
    "since" needs, a leg's price is bad (stale, offline, gapped, halted, unadjusted), however old it is, or
    the legs' prices are from different times.
    """
    if window is None or window.pp is None or window.percentile is None or window.since is None:
        return None
    status = window.status
    if status is None or status.apart or status.kind in BAD:
        return None
    if window.percentile >= LEADS_FROM and window.pp > 0:
        return Verdict.BASE
    if window.percentile <= TRAILS_TO and window.pp < 0:
        return Verdict.AGAINST
    return Verdict.NEITHER


def verdict_words(spread: Spread, leader: Verdict) -> str:
    """``SMALL CAPS LEADING ▲``, ``XBI LEADING ▲``, ``NO CLEAR LEADER``."""
    if leader is Verdict.NEITHER:
        return "NO CLEAR LEADER"
    symbol, way = (spread.base, "▲") if leader is Verdict.BASE else (spread.against, "▼")
    names = SIDES.get(frozenset({spread.base, spread.against}), {})
    return f"{names.get(symbol, symbol)} LEADING {way}"
