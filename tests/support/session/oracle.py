"""What every figure must be, from closes and one price a leg: the definitions of ``core_oracle``, remembered.

A figure that has been computed for a price is not computed twice: a session asks thousands of times.
"""

from __future__ import annotations

import statistics
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tests.support import core_oracle as definitions
from tests.support.core_oracle import WINDOWS, Expected

if TYPE_CHECKING:
    from datetime import date

    from rotation.desk import Desk
    from tests.support.core_oracle import Close

Figures = dict[str, Any]


class Settled:
    """All closes before ``session``, and what follows from them."""

    def __init__(self, rows: list[Close], desk: Desk, session: date, started_ns: int) -> None:
        book = Expected(rows, desk, started_ns=started_ns)
        book.session = session
        self.desk = desk
        self.session = session
        self.lines = {symbol: book.line(symbol) for symbol in desk.legs}
        self.official = {
            row.symbol: definitions.seven_digits(row.close) for row in rows if row.day == session
        }
        self.last = {
            symbol: next(((day, was) for day, was in reversed(line) if was is not None), (None, None))
            for symbol, line in self.lines.items()
        }
        self._returns = {
            (symbol, k): definitions.returns_of(line, k)
            for symbol, line in self.lines.items()
            for k in WINDOWS
        }
        self._changes = {
            symbol: definitions.differences(definitions.from_first([was for _, was in line]))
            for symbol, line in self.lines.items()
        }
        base, against = desk.base, desk.against
        self._pairs: dict[int, definitions.Series] = {
            k: [
                (day, definitions.minus(b, a))
                for (day, b), (_, a) in zip(self._returns[base, k], self._returns[against, k], strict=True)
            ]
            for k in WINDOWS
        }
        self._ranked = {k: [pp for _, pp in pairs if pp is not None] for k, pairs in self._pairs.items()}
        self._ways = [definitions.way_of(change) for _, change in self._pairs[1]][1:]
        self.leg = lru_cache(maxsize=256)(self._leg)
        self.spread = lru_cache(maxsize=256)(self._spread)
        self._streak = lru_cache(maxsize=256)(self._streak_of)
        self._moments = lru_cache(maxsize=8)(self._moments_of)

    def _streak_of(self, symbol: str, way: int | None, is_official: bool) -> Figures:
        """Of a leg, or of the pair where the symbol is empty. Of today only the direction counts."""
        changes = self._changes[symbol] if symbol else [None, *self._ways]
        return definitions.streak(changes, way, official=is_official)

    def _moments_of(self, k: int) -> tuple[float, float] | None:
        """Mean and standard deviation that z is made with; None where there is no z."""
        if definitions.z(self._ranked[k], 0.0, k) is None:
            return None
        trailing = self._ranked[k][-252:]
        return statistics.mean(trailing), statistics.stdev(trailing)

    def _leg(self, symbol: str, value: float | None, is_official: bool) -> Figures:
        line = self.lines[symbol]
        returns = {k: definitions.return_on(line, value, k) for k in WINDOWS}
        change = definitions.difference_of(value, line[-1][1] if line else None)
        way = None if change is None else definitions.direction(change)
        return {
            "return_pct": {str(k): pct for k, pct in returns.items()},
            "streak": self._streak(symbol, way, is_official),
            "since": {
                str(k): definitions.since_fields(
                    definitions.since(self._returns[symbol, k], pct), "value_pct"
                )
                for k, pct in returns.items()
            },
        }

    def _spread(self, base: float | None, against: float | None, is_official: bool) -> Figures:
        """Of the pair at these two values."""
        lines = self.lines[self.desk.base], self.lines[self.desk.against]
        pps = {
            k: definitions.minus(
                definitions.return_on(lines[0], base, k), definitions.return_on(lines[1], against, k)
            )
            for k in WINDOWS
        }
        return {
            "relative_streak": self._streak("", definitions.way_of(pps[1]), is_official),
            "windows": {str(k): self._window(k, pps[k]) for k in WINDOWS},
        }

    def _window(self, k: int, pp: float | None) -> Figures:
        pairs, ranked, moments = self._pairs[k], self._ranked[k], self._moments(k)
        either = definitions.since_either_way(pairs, pp)
        return {
            "pp": pp,
            "since": definitions.since_fields(definitions.since(pairs, pp), "value_pp"),
            "z": None if pp is None or moments is None else (pp - moments[0]) / moments[1],
            "percentile": definitions.percentile(ranked, pp),
            "n": len(ranked),
            "since_either_way": definitions.since_fields(either, "value_pp"),
        }

    def ratio(self, base: float | None, against: float | None) -> float | None:
        """Base / against, the first common session being 100."""
        pairs = zip(self.lines[self.desk.base], self.lines[self.desk.against], strict=True)
        first = next((b / a for (_, b), (_, a) in pairs if b and a), None)
        return None if None in (base, against, first) else base / against / first * 100  # type: ignore[operator]
