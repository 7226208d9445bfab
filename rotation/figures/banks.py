"""Bank funds against the base leg of the pair. Pure."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from rotation.desk import WINDOWS
from rotation.status import derive

if TYPE_CHECKING:
    from rotation.snapshot import Snapshot
    from rotation.status import DerivedStatus

BANKS = ("KRE", "KBE")
"""Regional banks and banks of all sizes, compared with the base leg where they are legs."""


def led(snapshot: Snapshot) -> dict[str, dict[str, float | None]]:
    """By bank fund and window its return minus the base leg's, in pp; only of those that are legs."""
    base = snapshot.legs.get(snapshot.spread.base)
    made: dict[str, dict[str, float | None]] = {}
    for symbol in BANKS:
        leg = snapshot.legs.get(symbol)
        if leg is None or base is None or leg is base:
            continue
        pairs = {str(k): (leg.return_pct[str(k)], base.return_pct[str(k)]) for k in WINDOWS}
        made[symbol] = {
            k: None if own is None or other is None else own - other for k, (own, other) in pairs.items()
        }
    return made


def led_status(snapshot: Snapshot) -> dict[str, DerivedStatus]:
    """By bank fund what its line of ``led`` is worth: as much as the worse of its price and the base leg's.

    How far apart in time the two may be is not asked, so that none is ``apart``; ``gap_s`` says it.
    """
    base = snapshot.spread.base
    return {
        symbol: derive({name: snapshot.legs[name].status for name in (symbol, base)}, limit_s=inf)
        for symbol in led(snapshot)
    }
