"""A trail of the session shown: today's head over the settled points."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from rotation.graph.figures import Point, Trail, heading_deg, speed

if TYPE_CHECKING:
    from rotation.graph.figures import Step
    from rotation.graph.past import GraphPast


class Price(msgspec.Struct, frozen=True):
    """A symbol's value of the session shown, in the units of history's."""

    value: float
    is_official: bool


def trail(past: GraphPast, step: Step, symbol: str, own: Price | None, against: Price | None) -> Trail:
    """One trail without its status. ``own`` and ``against``: of the symbol and of the benchmark, if known."""
    before = past.trails[step][symbol]
    head = None
    if own is not None and against is not None and before.ahead is not None:
        head = Point(past.session, *before.ahead.point(100 * (own.value / against.value)))
    is_over = step == "daily" or past.is_week_over
    is_final = is_over and all(price is not None and price.is_official for price in (own, against))
    last = before.tail[-1] if before.tail else None
    return Trail(
        symbol,
        before.tail,
        head=head,
        is_provisional=head is not None and not is_final,
        quadrant=head.quadrant if head else None,
        heading_deg=heading_deg(last, head) if head else None,
        speed=speed(last, head) if head else None,
        status=None,
    )
