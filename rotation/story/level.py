"""One level, as JSON has it."""

from __future__ import annotations

import msgspec


class Level(msgspec.Struct, frozen=True):
    """The price at which one figure turns."""

    figure: str
    leg: str
    """Whose price it is: the base leg, or of P(cut) a contract."""
    price: float
    """From this price on the figure is ``at_or_above``."""
    tick: float
    at_or_above: float | int | str | bool | None
    below: float | int | str | bool | None
    """The figure one tick below ``price``."""
    change_pct: float | None
    """From the price now to ``price``, in percent."""
    mark: float | None = None
    """The percentile, z or probability that is passed there; None of a date, a leader or a streak."""
