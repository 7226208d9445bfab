"""Whose history is on another scale than today's prints: a split that history does not know yet."""

from __future__ import annotations

from datetime import date
from math import isfinite, log
from statistics import median
from typing import TYPE_CHECKING

import msgspec

from rotation.desk import is_index
from rotation.quote import NS, is_other_scale
from rotation.sessions import open_ns, previous_session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from collections.abc import Set as AbstractSet

    from rotation.history import History

SAME_SCALE = 0.015
"""Relative. Two vendors' closes of one session differ by less: one may give the last trade, the other the
auction's price. Shares are split by more, from 51 for 50 on; smaller stock dividends go unseen."""
TELLING = log(1.25)
"""A smaller ratio cannot be told from a day's move by the price alone."""
SPLITS = (1.5, *range(2, 11), 12, 15, 20, 25, 30, 40, 50, 100)
"""New shares for an old one, as splits are made; all but the first the other way round too."""
RATIOS = tuple(log(ratio) for ratio in (*SPLITS, *(1 / ratio for ratio in SPLITS[1:])))
NEAR = log(1.08)
"""Beyond the other legs' move a share may have moved by so much on the day of its split."""

SUSPECT_NS = 900 * NS
"""Between two times that history is asked for anew of a leg that looks split."""


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
        self._taken_ns: dict[str, int] = {}
        """When each vendor's close was taken."""
        self._before: dict[str, float] = {}
        """History's close before the session, of legs that may be split."""
        self._opens_ns = 0
        """The session's opening bell."""
        self._far: set[str] = set()
        """Those of which every print of today is far from it."""
        self._agreed: frozenset[str] = frozenset()
        """Those of which a vendor has the same close as history."""
        self._shown: date | None = None
        self._confirmed: tuple[date, frozenset[str]] | None = None
        """In which session the source of history was asked, and of which symbols it kept its closes."""
        self._suspected_ns: dict[str, int] = {}
        """When each leg was last told as looking split."""

    @property
    def heeds_prices(self) -> bool:
        """Whether the answer of ``unadjusted`` may change with today's prices."""
        return bool(self._doubts or self._far or self._wrong)

    def take_previous_closes(self, session: date, by_symbol: Mapping[str, float], as_of_ns: int = 0) -> None:
        """Closes of ``session`` on the scale of the next session's prints. What is no price is left out.

        ``as_of_ns``: now. Before the opening bell a vendor may not have restated its closes.
        """
        if self._session is None or session > self._session:
            self._session, self._closes, self._taken_ns = session, {}, {}
        if session == self._session:
            good = {symbol: close for symbol, close in by_symbol.items() if isfinite(close) and close > 0}
            self._closes.update(good)
            self._taken_ns.update(dict.fromkeys(good, as_of_ns))

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

    def take_confirmed(self, session: date, symbols: AbstractSet[str]) -> None:
        """The source of history, asked in ``session`` after its opening bell, has restated none of these."""
        before = self._confirmed[1] if self._confirmed and self._confirmed[0] == session else frozenset()
        self._confirmed = (session, before | symbols)

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

    def compare(self, history: History, session: date | None, legs: Iterable[str] = ()) -> None:
        """Look once at the closes that ``unadjusted`` rests on, as history or what vendors say has changed.

        ``session``: the one shown. ``legs``: of whose prices a split is read that nobody lists.
        """
        self._wrong, self._doubts = frozenset(), []
        self._before, self._far = {}, set()
        self._shown = session
        if session is None:
            return
        self._before = _closes_before(history, session, {leg for leg in legs if not is_index(leg)})
        self._opens_ns = open_ns(session)
        is_of_before = self._session == previous_session(session)
        self._agreed = frozenset(
            symbol
            for symbol, close in self._before.items()
            if is_of_before
            and symbol in self._closes
            and abs(self._closes[symbol] - close) <= SAME_SCALE * close
            and self._taken_ns[symbol] >= self._opens_ns
        )
        self._wrong = self.mismatched(history) if is_of_before else frozenset()
        for symbol, split in self._splits.items():
            agrees = is_of_before and symbol in self._closes
            if split.ex_date <= session and not agrees:
                before = _close(history, symbol, previous_session(split.ex_date))
                after = None if split.ex_date == session else _close(history, symbol, split.ex_date)
                self._doubts.append(_Doubt(symbol, before, after, split.ratio))

    def on_prints(self, symbols: AbstractSet[str], seen: Callable[[str], tuple[float, ...]]) -> bool:
        """Prices of these symbols have changed. True where ``unadjusted`` may have.

        ``seen``: today's prices of a symbol, the newest and the ends of its range; empty without any. One of
        them that is near history's close has shown that history is on their scale.
        """
        before = frozenset(self._far)
        for symbol in self._before.keys() & symbols:
            # Looked at anew: a print that was near may have been revised since.
            prices, close = seen(symbol), self._before[symbol]
            # A range around the close has been near it, whichever of its prices were looked at.
            spans = min(prices, default=close) < close < max(prices, default=close)
            is_far = bool(prices) and not spans and all(is_other_scale(price, close) for price in prices)
            (self._far.add if is_far else self._far.discard)(symbol)
        return bool(before & symbols) or before != self._far

    def suspects(self, price_of: Callable[[str], float | None]) -> frozenset[str]:
        """Legs whose every print of today is about a split's ratio away from history's close.

        What the other legs have moved in the median is taken off first. Once a vendor has the same close as
        history, or history's own source keeps it, asked after the opening bell, it is a crash and no split.
        """
        doubtful = self._far - self._agreed
        if self._confirmed is not None and self._confirmed[0] == self._shown:
            doubtful -= self._confirmed[1]
        if not doubtful:
            return frozenset()
        moves = {leg: move for leg in self._before if (move := self._move(leg, price_of)) is not None}
        return frozenset(symbol for symbol in doubtful & moves.keys() if _is_split(symbol, moves))

    def take_suspects(self, price_of: Callable[[str], float | None], as_of_ns: int) -> frozenset[str]:
        """Of ``suspects`` those that have not been told for SUSPECT_NS; they are told now."""
        until_ns = as_of_ns - SUSPECT_NS
        suspects = self.suspects(price_of)
        due = {leg for leg in suspects if self._suspected_ns.get(leg, until_ns) <= until_ns}
        self._suspected_ns.update(dict.fromkeys(due, as_of_ns))
        return frozenset(due)

    def _move(self, symbol: str, price_of: Callable[[str], float | None]) -> float | None:
        """Today's price against history's close, as a logarithm; None without both."""
        price, before = price_of(symbol), self._before.get(symbol)
        return None if price is None or before is None else log(price) - log(before)

    def unadjusted(self, price_of: Callable[[str], float | None]) -> frozenset[str]:
        """The symbols whose history may not be compared with today's prints. ``price_of``: today's price."""
        doubted = (doubt for doubt in self._doubts if not doubt.is_cleared(price_of(doubt.symbol)))
        wrong = (symbol for symbol in self._wrong if not self._fits_history(symbol, price_of))
        return self.suspects(price_of).union(wrong, (doubt.symbol for doubt in doubted))

    def _fits_history(self, symbol: str, price_of: Callable[[str], float | None]) -> bool:
        """Whether today's price is clearly on history's scale, the vendor's close of before the bell."""
        move = self._move(symbol, price_of)
        if move is None or self._taken_ns[symbol] >= self._opens_ns:
            return False
        return abs(move) < abs(log(self._closes[symbol] / self._before[symbol])) / 4


def _is_split(symbol: str, moves: Mapping[str, float]) -> bool:
    """Whether a leg's move is about a split's ratio, once what the others have moved is taken off."""
    others = [move for other, move in moves.items() if other != symbol]
    away = moves[symbol] - (median(others) if others else 0.0)
    return any(abs(away + ratio) <= NEAR for ratio in RATIOS)


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


def _closes_before(history: History, session: date, legs: AbstractSet[str]) -> dict[str, float]:
    """Closes of the session before, or of the one before that if it is not in history yet."""
    closes: dict[str, float] = {}
    for _ in range(2 if legs else 0):
        session = previous_session(session)
        rows = history.on(session)
        of_rows = zip(rows["symbol"].to_list(), rows["close"].to_list(), strict=True)
        closes = {symbol: close for symbol, close in of_rows if symbol in legs and close} | closes
        if legs <= closes.keys():
            break
    return closes


def _close(history: History, symbol: str, session: date) -> float | None:
    rows = history.on(session)
    closes = rows.filter(rows["symbol"] == symbol)["close"]
    return float(closes[0]) if len(closes) and closes[0] is not None else None
