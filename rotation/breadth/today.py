"""Breadth of the session shown, from what its members cost now. Made anew only when a price has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from rotation.breadth.figures import BreadthFigures, Mover
from rotation.breadth.past import COUNTS, MEAN, Past, figures_of, net_ratio
from rotation.moves import direction, return_pct

if TYPE_CHECKING:
    from collections.abc import Mapping

MOVERS = 5

_VALUE = pl.col("value")
_WAYS = (
    direction(_VALUE, pl.col("back_1")).alias("way"),
    direction(_VALUE, (pl.col("mean_before") + _VALUE) / MEAN).alias("off_mean"),
    direction(_VALUE, pl.col("high")).alias("off_high"),
    direction(_VALUE, pl.col("low")).alias("off_low"),
)
_RETURN = return_pct(_VALUE, pl.col("back_1")).alias("return_pct")


class Counted:
    """The figures of one set of values."""

    def __init__(self, past: Past, values: Mapping[str, float | None]) -> None:
        """``values``: today's of the members that have any, in the units of the past's."""
        self._past = past
        column = [values.get(symbol) for symbol in past.table["symbol"]]
        self._frame = past.table.hstack([pl.Series("value", column, dtype=pl.Float64)])

    def figures(self) -> BreadthFigures | None:
        """None where no member can be compared with the session before."""
        past = self._past
        if past.members is None:
            return None
        counts = self._frame.select(_WAYS).select(COUNTS).row(0, named=True)
        if not counts["counted"]:
            return None
        means = past.means.with_ratio(net_ratio(counts["advances"], counts["declines"]))
        return figures_of(counts, past.session, past.members.as_of, self._frame.height, means)

    def symbols(self) -> tuple[str, ...]:
        """The members that are counted: with a value now and the session before."""
        return tuple(self._frame.drop_nulls(["value", "back_1"])["symbol"])

    def movers(self) -> tuple[tuple[Mover, ...], tuple[Mover, ...]]:
        """The highest and the lowest returns on the day; of equal ones the first by symbol."""
        past = self._past
        if past.members is None:
            return (), ()
        moves = self._frame.select("symbol", _RETURN).hstack([past.members.frame["name"]])
        moves = moves.drop_nulls("return_pct")
        top = moves.sort("return_pct", "symbol", descending=[True, False]).head(MOVERS)
        bottom = moves.sort("return_pct", "symbol").head(MOVERS)
        return tuple(map(_mover, top.iter_rows())), tuple(map(_mover, bottom.iter_rows()))


def _mover(row: tuple[str, float, str]) -> Mover:
    symbol, pct, name = row
    return Mover(symbol, name, pct)
