"""Yields of the session by exchange indices: their scale, and when they may be shown. Pure."""

from __future__ import annotations

from datetime import time, timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from rotation.sessions import NEW_YORK
from rotation.status import Kind

if TYPE_CHECKING:
    from datetime import datetime

    from rotation.macro.figures import Yield, YieldIndex

NEAR_PP = 1.0
"""A session's yield is no further from the settled one: beyond that it is of another scale, or wrong."""
SCALES = (1.0, 10.0)
"""The exchange gives ten times the yield, and some vendors the yield itself."""
UNTIL = time(15, 10)
"""New York: by then the day's last values are in."""
OLD = timedelta(minutes=35)
"""Twenty minutes more than the delay by contract: while they are made, an older value has been passed by."""


def scale_of(value: float, settled_pct: float) -> float | None:
    """By what an index is to be divided so that it is a yield in per cent; None where neither scale fits."""
    fitting = [scale for scale in SCALES if abs(value / scale - settled_pct) <= NEAR_PP]
    return min(fitting, key=lambda scale: abs(value / scale - settled_pct), default=None)


def shown(
    indices: tuple[YieldIndex, ...], yields: tuple[Yield, ...], now: datetime
) -> tuple[YieldIndex, ...]:
    """Those of today of which the Treasury has no settled yield yet, and what they are worth by now."""
    today = now.astimezone(NEW_YORK).date()
    settled = {each.tenor: each.date for each in yields}
    makes = now.astimezone(NEW_YORK).time() < UNTIL
    return tuple(
        replace(each, worth=Kind.STALE if makes and now - each.at > OLD else Kind.PROVISIONAL)
        for each in indices
        if each.at <= now
        and each.at.astimezone(NEW_YORK).date() == today
        and each.tenor in settled
        and settled[each.tenor] < today
    )
