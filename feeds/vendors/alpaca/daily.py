"""Alpaca's consolidated daily bars as a source of history: split-adjusted, since 2016, no dividends."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from feeds.errors import SourceError
from feeds.history.daily import Answer, Row, settled
from feeds.parsing.symbols import dotted_symbol
from rotation.desk import is_index

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from feeds.vendors.alpaca.rest import AlpacaRest

FIRST = date(2016, 1, 4)
"""Its consolidated history begins here."""
_PAGE = 10_000
_MOST = 200
_HELD = 2_750
"""Most sessions it has of a symbol today; a page never holds more."""


class AlpacaDaily:
    """See feeds.vendors.alpaca.rest for limits and addresses."""

    name = "Alpaca"
    restates = False
    """It adjusts by its own list of splits, which may lack one."""

    def __init__(self, rest: AlpacaRest, *, clock_ns: Callable[[], int]) -> None:
        self._rest = rest
        self._clock_ns = clock_ns

    def serves(self, symbol: str) -> bool:
        """Shares and funds; it has no indices."""
        return not is_index(symbol)

    def at_once(self, sessions: int) -> int:
        """As many as fill one page: what is fetched is stored page by page."""
        return max(1, min(_PAGE // min(sessions, _HELD), _MOST))

    async def daily(self, symbols: Sequence[str], since: date, through: date) -> Mapping[str, Answer]:
        """See feeds.history.daily.DailySource."""
        known_ns = self._clock_ns()
        names = {dotted_symbol(symbol): symbol for symbol in symbols}
        rows: dict[str, list[Row]] = {symbol: [] for symbol in symbols}
        async for page in self._rest.daily_bars(names, since, through):
            for bar in page.bars:
                if bar.symbol in names:
                    row = (bar.session, bar.close, None, bar.open, bar.high, bar.low, bar.volume)
                    rows[names[bar.symbol]].append(row)
        answers: dict[str, Answer] = {}
        for symbol, own_rows in rows.items():
            try:
                answers[symbol] = settled(
                    symbol, own_rows, since=since, through=through, known_ns=known_ns, source=self.name
                )
            except SourceError as error:
                answers[symbol] = error
        return answers
