"""Breadth of the session shown, from its members' prices. Computed only when a price has changed."""

from __future__ import annotations

from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

import polars as pl

from rotation.breadth.figures import BreadthFigures, Mover, SectorBreadth
from rotation.breadth.past import COUNTS, MEAN, Past, figures_of, net_ratio
from rotation.moves import direction, return_pct

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MOVERS = 5

_VALUE = pl.col("value")
_ASKED = (
    direction(_VALUE, pl.col("back_1")).alias("way"),
    direction(_VALUE, (pl.col("mean_before") + _VALUE) / MEAN).alias("off_mean"),
    direction(_VALUE, pl.col("high")).alias("off_high"),
    direction(_VALUE, pl.col("low")).alias("off_low"),
    return_pct(_VALUE, pl.col("back_1")).alias("return_pct"),
)
_COUNTED = (
    *COUNTS,
    pl.col("return_pct").top_k(MOVERS).min().alias("least"),
    pl.col("return_pct").bottom_k(MOVERS).max().alias("most"),
)
_WEIGHT = pl.col("weight_pct").filter(pl.col("return_pct").is_not_null())
_HAS_WEIGHTS = _WEIGHT.is_not_null().any()
_BY_SECTOR = (
    pl.len().cast(pl.Int64).alias("total"),
    pl.col("way").count().cast(pl.Int64).alias("counted"),
    (pl.col("way") > 0).sum().cast(pl.Int64).alias("advances"),
    pl.when(_HAS_WEIGHTS).then(_WEIGHT.sum()).alias("weight_pct"),
    pl.when(_HAS_WEIGHTS)
    .then((pl.col("weight_pct") * pl.col("return_pct")).sum() / 100)
    .alias("contribution_pp"),
)
"""All built once. ``least`` and ``most``: beyond them a return is among the highest or the lowest."""


class Counted:
    """The figures of one set of values."""

    def __init__(self, past: Past, values: Mapping[str, float | None] | Sequence[float | None]) -> None:
        """``values``: today's, in the units of the past's: by symbol, or in the order of its table."""
        self._past = past
        if not isinstance(values, list):
            by_symbol: Mapping[str, float | None] = values  # type: ignore[assignment]
            values = [by_symbol.get(symbol) for symbol in past.table["symbol"]]
        self._frame = past.table.clear()
        if past.members is not None:
            value = pl.Series("value", values, dtype=pl.Float64)
            self._frame = past.table.hstack([value]).select_seq(_ASKED)

    @cached_property
    def _counts(self) -> dict[str, Any]:
        return self._frame.select_seq(_COUNTED).row(0, named=True)

    def figures(self) -> BreadthFigures | None:
        """None where no member can be compared with the session before."""
        past = self._past
        if past.members is None or not self._counts["counted"]:
            return None
        counts = self._counts
        means = past.means.with_ratio(net_ratio(counts["advances"], counts["declines"]))
        return figures_of(counts, past.session, past.members.as_of, self._frame.height, means)

    def is_counted(self) -> list[bool]:
        """For every member of the past's table, whether it has a value now and for the session before."""
        return [] if self._past.members is None else self._frame["way"].is_not_null().to_list()

    def sectors(self) -> tuple[SectorBreadth, ...]:
        """The heaviest first; of equal ones by name. None where no member is counted."""
        members = self._past.members
        if members is None or not self._counts["counted"]:
            return ()
        held = members.frame.select("sector", "weight_pct").hstack(self._frame.select("way", "return_pct"))
        rows = held.group_by("sector").agg(_BY_SECTOR).iter_rows(named=True)
        made = [
            SectorBreadth(
                sector=row["sector"],
                weight_pct=row["weight_pct"],
                return_pct=row["contribution_pp"] / row["weight_pct"] * 100 if row["weight_pct"] else None,
                contribution_pp=row["contribution_pp"],
                advances=row["advances"],
                counted=row["counted"],
                total=row["total"],
            )
            for row in rows
        ]
        return tuple(sorted(made, key=lambda each: (-(each.weight_pct or 0.0), -each.total, each.sector)))

    def movers(self) -> tuple[tuple[Mover, ...], tuple[Mover, ...]]:
        """The highest and the lowest returns on the day; of equal ones the first by symbol."""
        if self._past.members is None or not self._counts["counted"]:
            return (), ()
        # Only what can be among them is sorted.
        least, most = self._counts["least"], self._counts["most"]
        moves = [(pct, i) for i, pct in enumerate(self._frame["return_pct"].to_list()) if pct is not None]
        top = sorted((-pct, i) for pct, i in moves if pct >= least)
        bottom = sorted((pct, i) for pct, i in moves if pct <= most)
        return self._movers(i for _, i in top), self._movers(i for _, i in bottom)

    def _movers(self, places: Iterable[int]) -> tuple[Mover, ...]:
        """``places`` in a table that is sorted by symbol."""
        assert self._past.members is not None
        held, pcts = self._past.members.frame, self._frame["return_pct"]
        symbols, names = held["symbol"], held["name"]
        return tuple(Mover(symbols[i], names[i], pcts[i]) for i in islice(places, MOVERS))
