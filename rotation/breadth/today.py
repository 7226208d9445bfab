"""Breadth of the session shown, from its members' prices: counts that follow each member that changes."""

from __future__ import annotations

from bisect import bisect_left, insort
from itertools import islice
from typing import TYPE_CHECKING

from rotation.breadth.figures import BreadthFigures, Mover, SectorBreadth
from rotation.breadth.past import MEAN, Past, figures_of, net_ratio
from rotation.breadth.sectors import Sectors
from rotation.moves import pct_of, way_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MOVERS = 5

_NAMES = ("counted", "advances", "declines", "mean_counted", "above", "high_counted", "highs",
          "low_counted", "lows")  # fmt: skip
_Marks = tuple[bool, ...]
"""In which of these counts a member is."""
_NOWHERE: _Marks = (False,) * len(_NAMES)
_ADVANCES = _NAMES.index("advances")


class Counted:
    """The figures of the members' values now. What one more value costs does not depend on their number."""

    def __init__(self, past: Past, values: Mapping[str, float | None] | None = None) -> None:
        """``values``: today's by symbol, in the units of the past's; None: none of them is known yet."""
        self._past = past
        rows = past.table.clear() if past.members is None else past.table
        self._before: list[tuple[float | None, ...]] = (
            [] if past.members is None else rows.select("back_1", "mean_before", "high", "low").rows()
        )
        self._marks: list[_Marks] = [_NOWHERE] * len(self._before)
        self._totals = [0] * len(_NAMES)
        self._pcts: list[float | None] = [None] * len(self._before)
        self._sectors: Sectors | None = None
        self._ranked: list[tuple[float, int]] | None = None
        """Return and place of every member that is counted, the lowest first; None until it is asked for."""
        self._names: list[tuple[str, str]] | None = None
        """Symbol and name by place; None until they are asked for."""
        if values is not None:
            self.take([values.get(symbol) for symbol in rows["symbol"]], range(rows.height))

    def take(self, values: Sequence[float | None], places: Iterable[int]) -> None:
        """Take the values at these places of the past's table; the others are as before."""
        for place in places:
            value, before = values[place], self._before[place]
            marks, pct = (_NOWHERE, None) if value is None else _judged(value, *before)
            was_marks, was_pct = self._marks[place], self._pcts[place]
            if marks != was_marks:
                self._marks[place] = marks
                for count, (was, now) in enumerate(zip(was_marks, marks, strict=True)):
                    self._totals[count] += now - was
            if pct == was_pct and marks == was_marks:
                continue
            self._pcts[place] = pct
            if self._sectors is not None:
                self._sectors.put(place, pct, is_up=marks[_ADVANCES])
            if self._ranked is not None:
                if was_pct is not None:
                    del self._ranked[bisect_left(self._ranked, (was_pct, place))]
                if pct is not None:
                    insort(self._ranked, (pct, place))

    def figures(self) -> BreadthFigures | None:
        """None where no member can be compared with the session before."""
        past = self._past
        counts = dict(zip(_NAMES, self._totals, strict=True))
        if past.members is None or not counts["counted"]:
            return None
        counts["range_counted"] = min(counts["high_counted"], counts["low_counted"])
        means = past.means.with_ratio(net_ratio(counts["advances"], counts["declines"]))
        return figures_of(counts, past.session, past.members.as_of, len(self._before), means)

    def is_counted(self, place: int) -> bool:
        """Whether the member at this place has a value now and for the session before."""
        return self._marks[place][0]

    def sectors(self) -> tuple[SectorBreadth, ...]:
        """The heaviest first; of equal ones by name. None where no member is counted."""
        members = self._past.members
        if members is None or not self._totals[0]:
            return ()
        if self._sectors is None:
            self._sectors = Sectors(members.frame)
            for place, (pct, marks) in enumerate(zip(self._pcts, self._marks, strict=True)):
                if pct is not None:
                    self._sectors.put(place, pct, is_up=marks[_ADVANCES])
        return self._sectors.made()

    def movers(self) -> tuple[tuple[Mover, ...], tuple[Mover, ...]]:
        """The highest and the lowest returns on the day; of equal ones the first by symbol."""
        if self._past.members is None or not self._totals[0]:
            return (), ()
        if self._ranked is None:
            self._ranked = sorted((pct, i) for i, pct in enumerate(self._pcts) if pct is not None)
        least = self._ranked[-min(MOVERS, len(self._ranked))][0]
        high = self._ranked[bisect_left(self._ranked, (least, -1)) :]
        top = sorted(high, key=lambda each: (-each[0], each[1]))
        return self._movers(top), self._movers(self._ranked)

    def forget_sectors(self) -> None:
        """Stop following the sectors: nobody asks for them."""
        self._sectors = None

    def forget_movers(self) -> None:
        """Stop following the order of returns."""
        self._ranked = None

    def _movers(self, ranked: Iterable[tuple[float, int]]) -> tuple[Mover, ...]:
        """Places in a table that is sorted by symbol."""
        assert self._past.members is not None
        if self._names is None:
            self._names = self._past.members.frame.select("symbol", "name").rows()
        return tuple(Mover(*self._names[i], pct) for pct, i in islice(ranked, MOVERS))


def _judged(
    value: float, back: float | None, mean_before: float | None, high: float | None, low: float | None
) -> tuple[_Marks, float | None]:
    """A member's marks, and its return on the day in percent; None where its value before is unknown."""
    pct = None if back is None else pct_of(value, back)
    has_mean, has_high, has_low = mean_before is not None, high is not None, low is not None
    marks = (
        back is not None,
        # Closer values than ``SAME`` have a return of exactly 0, and no other has.
        pct is not None and pct > 0,
        pct is not None and pct < 0,
        has_mean,
        has_mean and way_of(value, (mean_before + value) / MEAN) > 0,  # type: ignore[operator]
        has_high,
        has_high and value > high and way_of(value, high) > 0,  # type: ignore[operator,arg-type]
        has_low,
        has_low and value < low and way_of(value, low) < 0,  # type: ignore[operator,arg-type]
    )
    return marks, pct
