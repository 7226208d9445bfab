"""The lines behind the figures of one Snapshot: settled values up to the session before, then today's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from rotation.context.explanation import Input
from rotation.figures.legs import is_official
from rotation.figures.settled import SettledFigures
from rotation.history import SCHEMA, History
from rotation.sessions import previous_session
from rotation.status import Kind

if TYPE_CHECKING:
    from rotation.figures.basis import Basis
    from rotation.figures.figure import Figure, Value


class Lines:
    """Both legs and all others, session by session."""

    def __init__(self, basis: Basis) -> None:
        self._basis = basis
        shown = basis.snapshot.session
        self._shown = shown
        before = SettledFigures(basis.history, basis.desk, previous_session(shown) if shown else None)
        self._before = before
        self._today = self._rows_of_today()

    def _rows_of_today(self) -> dict[str, tuple[float | None, float | None, Input]]:
        """By symbol close and adjusted close as if today were over, and the input that they are."""
        basis, shown = self._basis, self._shown
        if shown is None:
            return {}
        is_total = basis.desk.returns == "total"
        official = {row[0]: row for row in basis.history.on(shown).iter_rows()}
        rows: dict[str, tuple[float | None, float | None, Input]] = {}
        for symbol, leg in basis.snapshot.legs.items():
            if leg.session != shown or leg.last is None or leg.status.kind is Kind.UNADJUSTED:
                continue
            if is_official(basis.snapshot, symbol) and symbol in official:
                _, _, close, adjusted = official[symbol]
                at = None
            else:
                scale = self._scale(symbol)
                close, adjusted, at = leg.last, leg.last * scale if scale else None, leg.status.as_of
            value = adjusted if is_total else close
            rows[symbol] = (close, adjusted, Input(symbol, shown, value, leg.source, at))
        return rows

    def _scale(self, symbol: str) -> float | None:
        assert self._shown is not None
        rows = self._basis.history.before(self._shown).filter(pl.col("symbol") == symbol)
        rows = rows.filter(pl.col("adj_close").is_not_null()).tail(1)
        close, adjusted = (rows[column].to_list() for column in ("close", "adj_close"))
        return adjusted[0] / close[0] if close and close[0] else None

    def settled(self, symbol: str) -> list[Input]:
        """The settled values before today, oldest first."""
        source = self._basis.history.source
        pairs = zip(self._before.sessions, self._before.values(symbol), strict=True)
        return [Input(symbol, day, value, source) for day, value in pairs]

    def today(self, symbol: str) -> list[Input]:
        """Today's value; empty without one."""
        return [self._today[symbol][2]] if symbol in self._today else []

    def whole(self, symbol: str) -> list[Input]:
        """Both."""
        return self.settled(symbol) + self.today(symbol)

    def again(self, figure: Figure) -> Value:
        """The figure computed once more, from the lines alone: as if today's prices were closes."""
        if self._shown is None:
            return None
        if figure.reads == "settled" and not all(
            is_official(self._basis.snapshot, symbol) for symbol in figure.symbols
        ):
            column = self._before.column(figure)
            return column[-1] if column else None
        rows = [
            (symbol, self._shown, close, adjusted) for symbol, (close, adjusted, _) in self._today.items()
        ]
        today = pl.DataFrame(rows, schema=SCHEMA, orient="row")
        before = self._basis.history.before(self._shown)
        column = SettledFigures(History(pl.concat([before, today])), self._basis.desk).column(figure)
        return column[-1] if column else None
