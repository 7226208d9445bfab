"""Whose history is on another scale than today's prints: a split that history does not know yet."""

from __future__ import annotations

from datetime import date
from math import isfinite, log
from typing import TYPE_CHECKING

import msgspec

from rotation.sessions import previous_session

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from collections.abc import Set as AbstractSet

    from rotation.history import History

SAME_SCALE = 0.015
"""Relative. Two vendors' closes of one session differ by less: one may give the last trade, the other the
auction's price. Shares are split by more, from 51 for 50 on; smaller stock dividends go unseen."""
TELLING = log(1.25)
"""A smaller ratio cannot be told from a day's move by the price alone."""


class _Listed(msgspec.Struct, frozen=True):
    """A split that a vendor lists."""

    ex_date: date
    ratio: float | None
    """2.0 for two shares from one; None where it is not given."""


class ScaleCheck:
    """What vendors say of closes and splits, compared with history and with today's price."""

    def __init__(self) -> None:
        self._session: date | None = None
        self._closes: dict[str, float] = {}
        self._splits: dict[str, _Listed] = {}
        self._wrong: frozenset[str] = frozenset()
        self._doubts: list[_Doubt] = []

    @property
    def heeds_prices(self) -> bool:
        """Whether the answer of ``unadjusted`` may change with today's prices."""
        return bool(self._doubts)

    def take_previous_closes(self, session: date, by_symbol: Mapping[str, float]) -> None:
        """Closes of ``session`` on the scale of the next session's prints. What is no price is left out."""
        if self._session is None or session > self._session:
            self._session, self._closes = session, {}
        if session == self._session:
            good = {symbol: close for symbol, close in by_symbol.items() if isfinite(close) and close > 0}
            self._closes.update(good)

    def take_listed_splits(
        self,
        ex_dates: Mapping[str, date],
        ratios: Mapping[str, float] | None = None,
        symbols: AbstractSet[str] | None = None,
    ) -> None:
        """By symbol the first day on the new scale, and new shares for an old one.

        They are all there are of ``symbols``; None: of every symbol.
        """
        kept = {} if symbols is None else {s: split for s, split in self._splits.items() if s not in symbols}
        given = ratios or {}
        self._splits = kept | {s: _Listed(day, _ratio(given.get(s))) for s, day in ex_dates.items()}

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

    def compare(self, history: History, session: date | None) -> None:
        """Look once at the closes that ``unadjusted`` rests on, as history or what vendors say has changed.

        ``session``: the one shown.
        """
        self._wrong, self._doubts = frozenset(), []
        if session is None:
            return
        is_of_before = self._session == previous_session(session)
        self._wrong = self.mismatched(history) if is_of_before else frozenset()
        for symbol, split in self._splits.items():
            agrees = is_of_before and symbol in self._closes
            if split.ex_date <= session and not agrees:
                before = _close(history, symbol, previous_session(split.ex_date))
                after = None if split.ex_date == session else _close(history, symbol, split.ex_date)
                self._doubts.append(_Doubt(symbol, before, after, split.ratio))

    def unadjusted(self, price_of: Callable[[str], float | None]) -> frozenset[str]:
        """The symbols whose history may not be compared with today's prints. ``price_of``: today's price."""
        doubted = (doubt for doubt in self._doubts if not doubt.is_cleared(price_of(doubt.symbol)))
        return self._wrong | {doubt.symbol for doubt in doubted}


class _Doubt(msgspec.Struct, frozen=True):
    """A symbol with a listed split, of which no vendor's close says on which scale history is."""

    symbol: str
    before: float | None
    """History's last close before the split's day."""
    after: float | None
    """History's close of that day, where it is over."""
    ratio: float | None

    def is_cleared(self, price: float | None) -> bool:
        """Whether the first price after the split shows that history is restated; no if in doubt."""
        now = self.after or price
        if self.before is None:
            return True  # no figure crosses the split
        if now is None or self.ratio is None or abs(log(self.ratio)) < TELLING:
            return False
        move = log(now / self.before)
        return abs(move) < abs(move + log(self.ratio))


def _ratio(value: float | None) -> float | None:
    return value if value is not None and isfinite(value) and value > 0 else None


def _close(history: History, symbol: str, session: date) -> float | None:
    rows = history.on(session)
    closes = rows.filter(rows["symbol"] == symbol)["close"]
    return float(closes[0]) if len(closes) and closes[0] is not None else None
