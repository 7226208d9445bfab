"""Whose history is on another scale than today's prints: a split that history does not know yet."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from rotation.sessions import previous_session

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from rotation.history import History

SAME_SCALE = 0.015
"""Relative. Two vendors' closes of one session differ by less: one may give the last trade, the other the
auction's price. Shares are split by more, from 51 for 50 on; smaller stock dividends go unseen."""


class ScaleCheck:
    """What vendors say of closes and splits, compared with history."""

    def __init__(self) -> None:
        self._session: date | None = None
        self._closes: dict[str, float] = {}
        self._splits: dict[str, date] = {}

    def take_previous_closes(self, session: date, by_symbol: Mapping[str, float]) -> None:
        """Closes of ``session`` on the scale of the next session's prints. What is no price is left out."""
        if self._session is None or session > self._session:
            self._session, self._closes = session, {}
        if session == self._session:
            good = {symbol: close for symbol, close in by_symbol.items() if isfinite(close) and close > 0}
            self._closes.update(good)

    def take_listed_splits(self, ex_dates: Mapping[str, date]) -> None:
        """By symbol the day of a split that is listed and by which history is not restated; all there are."""
        self._splits = dict(ex_dates)

    def mismatched(self, history: History) -> frozenset[str]:
        """The symbols of which the vendor's close and history's are on different scales."""
        if self._session is None:
            return frozenset()
        held = history.on(self._session).select("symbol", "close").iter_rows()
        return frozenset(
            symbol
            for symbol, close in held
            if close is not None
            and (given := self._closes.get(symbol)) is not None
            and abs(given - close) > SAME_SCALE * min(given, close)
        )

    def unadjusted(self, history: History, session: date | None) -> frozenset[str]:
        """The symbols whose history may not be compared with prints of ``session``."""
        if session is None:
            return frozenset()
        listed = frozenset(symbol for symbol, ex_date in self._splits.items() if ex_date <= session)
        is_of_before = self._session == previous_session(session)
        return listed | self.mismatched(history) if is_of_before else listed
