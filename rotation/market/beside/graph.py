"""The rotation graph in the snapshot: heads are made anew only where a price changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from rotation.graph.figures import FORMULA, RotationGraph
from rotation.graph.now import Price, trail
from rotation.status import derive

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rotation.graph.figures import Step, Trail
    from rotation.graph.past import GraphPast
    from rotation.market.rows import Row
    from rotation.snapshot import Leg
    from rotation.status import DerivedStatus


class GraphNow:
    """The graph of one session."""

    def __init__(self, past: GraphPast | None) -> None:
        """``past``: what history says before the session; None while there is none."""
        self._past = past
        self._rows: dict[str, tuple[Row | None, Row | None]] = {}
        """Of which rows each symbol's trails are: its own and the benchmark's."""
        self._trails: dict[Step, dict[str, Trail]] = {}
        if past is not None:
            self._trails = {step: {} for step in past.trails}

    def snapshot(
        self, rows: Mapping[str, Row], legs: Mapping[str, Leg], limit_s: float
    ) -> RotationGraph | None:
        """None while no session is shown. ``limit_s``: see ``derive``."""
        past = self._past
        if past is None:
            return None
        against = rows.get(past.benchmark)
        for symbol in past.symbols:
            of = (rows.get(symbol), against)
            made = self._rows.get(symbol)
            if made is None or made[0] is not of[0] or made[1] is not of[1]:
                self._rows[symbol] = of
                for step, trails in past.trails.items():
                    if symbol in trails:
                        self._trails[step][symbol] = trail(past, step, symbol, _price(of[0]), _price(against))
        statuses: dict[str, DerivedStatus] = {}
        marked = {
            step: {symbol: _marked(each, past, legs, limit_s, statuses) for symbol, each in trails.items()}
            for step, trails in self._trails.items()
        }
        return RotationGraph(past.benchmark, FORMULA, marked["weekly"], marked["daily"])


def _price(row: Row | None) -> Price | None:
    return None if row is None or row.value is None else Price(row.value, row.official)


def _marked(
    trail: Trail,
    past: GraphPast,
    legs: Mapping[str, Leg],
    limit_s: float,
    statuses: dict[str, DerivedStatus],
) -> Trail:
    """The trail with what its head is worth; ``statuses``: by symbol, those that have been derived."""
    symbol = trail.symbol
    if trail.head is None:
        return trail
    if symbol not in statuses:
        inputs = {each: legs[each].status for each in (symbol, past.benchmark)}
        statuses[symbol] = derive(inputs, limit_s=limit_s)
    return replace(trail, status=statuses[symbol])
