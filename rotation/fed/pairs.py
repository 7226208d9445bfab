"""The day's spread beside the day's change of P(cut), session by session: what their co-movement rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from rotation.fed.comovement import WINDOW, CoMovement, comovement
from rotation.sessions import NEW_YORK, previous_session

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from rotation.desk import Desk
    from rotation.fed.figures import FedPast
    from rotation.history import History


def cut_settles(history: Iterable[FedPast]) -> dict[date, float]:
    """Session → P(cut) by its settlements."""
    return {point.at.astimezone(NEW_YORK).date(): point.cut for point in history if point.settled}


def with_spread(settles: dict[date, float], history: History, desk: Desk) -> CoMovement:
    """Over the latest sessions at whose settlement, and the one before, P(cut) of the same meeting is known.

    Spread: day return of the base minus that of the other leg, in pp, close to close; P(cut) in percentage
    points, settlement to settlement (15:00, an hour before the close).
    """
    changes = {
        day: 100 * (cut - settles[before])
        for day, cut in settles.items()
        if (before := previous_session(day)) in settles
    }
    if not changes:
        return comovement((), ())
    column = "adj_close" if desk.returns == "total" else "close"
    rows = history.between(previous_session(min(changes)), max(changes)).filter(
        pl.col("symbol").is_in([desk.base, desk.against])
    )
    closes = {
        (symbol, day): close for symbol, day, close in rows.select("symbol", "date", column).iter_rows()
    }
    pairs = [
        (changes[day], base - against)
        for day in sorted(changes)
        if (base := _day_pct(closes, desk.base, day)) is not None
        and (against := _day_pct(closes, desk.against, day)) is not None
    ][-WINDOW:]
    return comovement([cut for cut, _ in pairs], [spread for _, spread in pairs])


def _day_pct(closes: dict[tuple[str, date], float | None], symbol: str, day: date) -> float | None:
    now, before = closes.get((symbol, day)), closes.get((symbol, previous_session(day)))
    return None if now is None or before is None else (now / before - 1) * 100
