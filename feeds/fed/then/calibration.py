"""What was said before decisions that are held: from our log, and where it has nothing from settlements."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise, product
from typing import TYPE_CHECKING

from feeds.fed.calendar import SHIPPED
from feeds.fed.then.ranges import KNOWN_THROUGH, ranges_on
from rotation.fed.calibration import EFFECTIVE, HORIZONS, OLDEST, Absent, Decided, Forecast, asked_ns, move_bp
from rotation.fed.figures import FUTURES
from rotation.fed.odds import lower_bound
from rotation.fed.prediction_markets import VENUES
from rotation.sessions import NEW_YORK, from_ns, to_ns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import date

    from feeds.fed.log import Probabilities
    from feeds.fed.store import FedStore
    from rotation.fed.calibration import By
    from rotation.fed.figures import Fed
    from rotation.fed.odds import TargetRange

SURE = 1e-6
"""Shares that differ by less are the same; one above it is possible at all."""
LOOKED_AT = 5_000
"""Newest rows of the futures in which the range in force is looked for."""


def decided(
    store: FedStore,
    until: date,
    settled_at: Callable[[int], Fed | None],
    *,
    scheduled: Iterable[date] = SHIPPED,
    ranges: Sequence[TargetRange] = (),
) -> tuple[Decided, ...]:
    """Every decision before ``until`` whose outcome is known, with what was said before it, oldest first.

    ``settled_at``: the Fed at an instant (UTC ns) by the settlements of then. ``ranges``: as a source has
    published them, beside those shipped; the log names ranges too.
    """
    shipped = ranges_on(KNOWN_THROUGH)
    made = []
    days = sorted(each for each in {*scheduled} if each < until)
    for before, day in zip([None, *days], days, strict=False):
        move = next((by for known in (shipped, ranges) if (by := move_bp(day, known)) is not None), None)
        move = _logged_move(store, day, before) if move is None else move
        if move is None:
            continue
        # The first range of a window began before it: only what follows another one is a turn.
        turns = [
            new.first
            for known in (shipped, ranges)
            for old, new in pairwise(known)
            if new.first <= day and new.bounds != old.bounds
        ]
        forecasts: list[Forecast] = []
        absent: dict[str, dict[str, Absent]] = {}
        for engine, horizon in product((FUTURES, *VENUES), HORIZONS):
            known_then = _forecast(store, settled_at, day, engine, horizon)
            # A range that changed in between changed what a cut was.
            if isinstance(known_then, Forecast) and any(
                turn > known_then.at.astimezone(NEW_YORK).date() for turn in turns
            ):
                known_then = Absent.RANGE_CHANGED
            if isinstance(known_then, Forecast):
                forecasts.append(known_then)
            else:
                absent.setdefault(engine, {})[str(horizon)] = known_then
        made.append(Decided(day, move, tuple(forecasts), absent))
    return tuple(made)


def _forecast(
    store: FedStore, settled_at: Callable[[int], Fed | None], day: date, engine: str, days: int
) -> Forecast | Absent:
    """What one engine said, or why nothing of it was known, or was old by then."""
    at_ns = asked_ns(day, days)
    oldest = from_ns(at_ns) - OLDEST
    row = store.known_by(day, engine, at_ns)
    # Only changes are logged: an older row holds where others of that engine show that it was looked at.
    if row is not None and (
        from_ns(row.ts_ns) >= oldest or store.between(to_ns(oldest), at_ns, engine=engine, limit=1)
    ):
        by: By = "settlements" if row.kind == "settle" else "log"
        return Forecast(engine, days, row.cut, from_ns(row.ts_ns), by)
    if engine != FUTURES:
        return Absent.NOT_LOGGED if row is None else Absent.OLD
    known = settled_at(at_ns)
    at = known.engines[FUTURES].at if known and known.meeting == day and known.cut is not None else None
    if known is not None and known.cut is not None and at is not None and at >= oldest:
        return Forecast(engine, days, known.cut, at, "settlements")
    return Absent.NO_SETTLEMENT if row is None else Absent.OLD


def left_out(
    store: FedStore, until: date, held: Sequence[Decided], *, scheduled: Iterable[date] = SHIPPED
) -> int:
    """Decisions before ``until`` of which odds were logged, and whose outcome nothing shows."""
    known = {each.date for each in held}
    days = (day for day in scheduled if day < until and day not in known)
    return sum(
        row is not None and from_ns(row.ts_ns) >= from_ns(asked_ns(day, 1)) - OLDEST
        for day in days
        for row in [store.known_by(day, FUTURES, asked_ns(day, 1))]
    )


def _logged_move(store: FedStore, day: date, before: date | None) -> int | None:
    """What a decision did, by the ranges that the futures' rows around it are labelled with.

    ``before``: the decision before it, after which the range in force was published.
    """
    ends_ns = _midnight(day + timedelta(days=1))
    since_ns = 0 if before is None else _midnight(before + EFFECTIVE)
    old = _range_in(store.between(since_ns, ends_ns - 1, engine=FUTURES, limit=LOOKED_AT))
    until_ns = _midnight(day + EFFECTIVE)
    new = _range_in(store.between(ends_ns, until_ns - 1, engine=FUTURES, limit=LOOKED_AT))
    return None if old is None or new is None else new - old


def _range_in(rows: Sequence[Probabilities]) -> int | None:
    """Of the newest row that shows it: where a cut is sure no share is a hold's."""
    return next((low for row in reversed(rows) if (low := _range_of(row)) is not None), None)


def _range_of(row: Probabilities) -> int | None:
    """Lower bound in bp of the range that a row calls a hold; None where it does not show."""
    if row.hold <= SURE:
        return None
    for name, share in row.outcomes.items():
        low = lower_bound(name)
        below = sum(p for other, p in row.outcomes.items() if lower_bound(other) < low)
        if abs(share - row.hold) < SURE and abs(below - row.cut) < SURE:
            return low
    return None


def _midnight(day: date) -> int:
    return to_ns(datetime(day.year, day.month, day.day, tzinfo=NEW_YORK))
