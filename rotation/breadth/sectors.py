"""The members of an index by sector, kept up to date member by member."""

from __future__ import annotations

from math import fsum
from typing import TYPE_CHECKING

from rotation.breadth.figures import SectorBreadth

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl


class _Sector:
    """One sector: a slot a member."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.total = self.counted = self.advances = self.weighted = 0
        self.weights: list[float] = []
        """Of the members that are counted; 0 of the others."""
        self.products: list[float] = []
        """Weight times return of the same."""
        self.weight_pct: float | None = 0.0
        """The sum of ``weights``; None once one of them is another."""

    def made(self) -> SectorBreadth:
        if self.weight_pct is None:
            self.weight_pct = fsum(self.weights)
        weight_pct, contribution_pp, return_pct = None, None, None
        if self.weighted:
            weight_pct, contribution_pp = self.weight_pct, fsum(self.products) / 100
            return_pct = contribution_pp / weight_pct * 100 if weight_pct else None
        return SectorBreadth(
            self.name, weight_pct, return_pct, contribution_pp, self.advances, self.counted, self.total
        )


class Sectors:
    """All sectors of one index. Sums are exact, so that the way to them does not matter."""

    def __init__(self, members: pl.DataFrame) -> None:
        """``members``: a row a member, with ``sector`` and ``weight_pct``. None of them is counted yet."""
        sectors: dict[str, _Sector] = {}
        self._slots: list[tuple[_Sector, int, float | None]] = []
        """By place of the member: its sector, its slot there, its weight."""
        self._known: list[tuple[float | None, bool]] = [(None, False)] * members.height
        for name, weight in members.select("sector", "weight_pct").iter_rows():
            sector = sectors.setdefault(name, _Sector(name))
            self._slots.append((sector, sector.total, weight))
            sector.total += 1
            sector.weights.append(0.0)
            sector.products.append(0.0)
        self._sectors: Sequence[_Sector] = tuple(sectors.values())

    def put(self, place: int, pct: float | None, *, is_up: bool) -> None:
        """Take a member's return on the day, in percent; None: it is not counted."""
        sector, slot, weight = self._slots[place]
        was, was_up = self._known[place]
        self._known[place] = pct, is_up
        sector.advances += is_up - was_up
        if weight is not None:
            sector.products[slot] = 0.0 if pct is None else weight * pct
        if (was is None) is not (pct is None):
            sign = 1 if was is None else -1
            sector.counted += sign
            if weight is not None:
                sector.weighted += sign
                sector.weights[slot] = weight if pct is not None else 0.0
                sector.weight_pct = None

    def made(self) -> tuple[SectorBreadth, ...]:
        """Return the sectors, the heaviest first, without weights the largest; of equal ones by name."""
        made = (each.made() for each in self._sectors)
        return tuple(sorted(made, key=lambda each: (-(each.weight_pct or 0.0), -each.total, each.sector)))
