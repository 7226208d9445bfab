"""Which trades may be the last price: sale conditions of the consolidated tapes."""

from __future__ import annotations

NOT_LAST = frozenset("CNRHIMQPZU4789GV")
"""Sale conditions whose trades set no last price, on every tape.

CTS Pillar Output Specification and UTP UTDF Specification, "consolidated last: no", or only where the day has
no trade yet: C cash, N next day, R seller, H price variation, I odd lot, M and Q official close and open
(reports, not trades), P prior reference price, Z and U sold out of sequence, 4 derivatively priced, 7 and V
contingent, 8 reserved, G bunched sold. 9, the corrected close, may come hours later: it is history's to
know, as in Alpaca's own minute bars. T, before and after hours, stays: the market knows the hour by itself.
"""
_AVERAGE = {"A": "B", "B": "B", "C": "W", "N": "W", "O": "W"}
"""Average price by tape; B on tape C is a bunched trade, an ordinary price."""


def sets_last(conditions: object, tape: object) -> bool:
    """Whether a trade with these sale conditions may be the last price."""
    if not isinstance(conditions, list):
        return conditions is None
    average = _AVERAGE.get(tape) if isinstance(tape, str) else None
    return not any(one in NOT_LAST or one == average for one in conditions if isinstance(one, str))
