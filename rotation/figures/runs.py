"""Directions and runs of single values: the market's rule (``rotation.market.streaks``) without a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rotation.moves import SAME

if TYPE_CHECKING:
    from rotation.market.streaks import Before


def sign(spread_pp: float | None) -> int | None:
    """Which way a day's spread points: -1, 1, or 0 where both legs moved alike (SAME); None is unknown."""
    if spread_pp is None:
        return None
    return (spread_pp > 100 * SAME) - (spread_pp < -100 * SAME)


def way(pct: float | None) -> int | None:
    """``direction`` of a change whose ``return_pct`` this is; None is unknown."""
    return None if pct is None else (pct > 0) - (pct < 0)


def extend(before: Before, today: int | None) -> int | None:
    """The streak with today's direction on top of the one before, as ``streaks.with_today`` has it."""
    if not today or before.direction is None:
        return 0 if today == 0 else None
    if before.direction != today:
        return today
    return None if before.streak is None else before.streak + today
