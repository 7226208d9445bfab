"""What the figures are worth that rest on several prices: the pair's, value against growth, the headline.

``legs`` are the statuses of the pair's legs at hand, by symbol.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from rotation.market.status import THIN_AFTER_S, of_settled
from rotation.status import Connection, derive, worst

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from rotation.desk import Desk
    from rotation.fed.figures import Fed
    from rotation.market.status import Provenance
    from rotation.sessions import Phase
    from rotation.snapshot import ValueGrowth
    from rotation.status import DerivedStatus, PriceStatus

FED = "Fed"
"""The name of the Fed's prices among the inputs of the sentence."""


def gap_limit_s(desk: Desk, phase: Phase) -> float:
    """How far apart in time the legs may be; at thin hours as far as a price may be old."""
    return desk.leg_gap_s if phase == "REGULAR" else max(desk.leg_gap_s, THIN_AFTER_S)


def of_pair(legs: Mapping[str, PriceStatus], desk: Desk, limit_s: float) -> DerivedStatus | None:
    """Status of spread and ratio; None if a leg is missing."""
    return derive(legs, limit_s=limit_s) if desk.base in legs and desk.against in legs else None


def of_sentence(
    legs: Mapping[str, PriceStatus], desk: Desk, pair: DerivedStatus | None, fed: Fed | None
) -> DerivedStatus | None:
    """Headline status: the worst of the legs at hand and the Fed's prices; the gap is the legs' alone."""
    if desk.base not in legs:
        return None
    inputs = dict(legs)
    if fed is not None and fed.status is not None and fed.meetings:
        inputs[FED] = fed.status
    status = derive(inputs, limit_s=0.0)
    gap_s, apart = (pair.gap_s, pair.apart) if pair else (None, False)
    return msgspec.structs.replace(status, gap_s=gap_s, apart=apart)


def of_connection(
    legs: Mapping[str, PriceStatus], settled_session: Mapping[str, date | None]
) -> Connection | None:
    """The connection and the age of what is shown: the worse leg's. None where both legs are missing.

    ``settled_session``: the session whose official close a leg shows, None where it shows a print.
    """
    if not legs:
        return None
    status = worst(legs.values())
    settled = next(settled_session[symbol] for symbol, leg in legs.items() if leg == status)
    alike = (
        symbol
        for symbol, leg in legs.items()
        if (leg.kind, leg.auction_missing) == (status.kind, status.auction_missing)
        and settled_session[symbol] == settled
    )
    return Connection(
        kind=status.kind,
        symbols=tuple(alike) if len(legs) > 1 else (),
        as_of=status.as_of,
        age_s=status.age_s,
        delay_s=status.delay_s,
        venue=status.venue,
        source=status.source,
        settled=settled,
        auction_missing=status.auction_missing,
    )


def value_growth_with_status(
    vg: ValueGrowth | None, origin: Provenance, as_of_ns: int, source: str
) -> ValueGrowth | None:
    """The figures with what they are worth: both closes are of one session, and settled."""
    if vg is None:
        return None
    close = of_settled(origin, vg.session, as_of_ns, source=source)
    status = derive({vg.base: close, vg.against: close}, limit_s=0.0)
    return msgspec.structs.replace(vg, status=status)
