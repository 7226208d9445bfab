"""What each kind of event is to the market: prices to take, news, another history, splits."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from feeds.events import (
    Batch,
    BidAsks,
    ColumnBatch,
    FedNews,
    HistoryConfirmed,
    HistoryUpdated,
    ListedSplits,
    MacroNews,
    PreviousCloses,
    PrintsReplaced,
    RelayedStates,
    Rewind,
    SymbolDays,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from feeds.events import Event
    from rotation.market.market import Market
    from rotation.market.past.look_back import LookBack

log = logging.getLogger(__name__)


class Intake:
    """Has one market take events."""

    def __init__(self, market: Market, fetch_again: Callable[[str], None]) -> None:
        """``fetch_again``: given each symbol whose history is on another scale than its prints."""
        self._market = market
        self._fetch_again = fetch_again

    def pass_ahead(self, event: Event) -> Callable[[], LookBack] | None:
        """The pass over history that ``take`` will need for this event; None if it needs none."""
        match event:
            case HistoryUpdated():
                return self._market.pass_ahead(history=event.history)
            case SymbolDays():
                newest = (part.last.ts_ns for day in event.days for part in day.parts if part and part.last)
                return self._market.pass_ahead(newest_ns=max(newest, default=0))
            case Batch():
                return self._market.pass_ahead(event.quotes)
            case ColumnBatch():
                newest_ns: int = event.rows["ts_ns"].max()  # type: ignore[assignment] # there is a row
                return self._market.pass_ahead(newest_ns=newest_ns)
            case _:
                return None

    def take(self, event: Event, as_of_ns: int | None) -> bool:
        """Have the market take an event; False where there is nothing to show yet.

        ``as_of_ns``: None where a tape's time is not known, before its first quotes.
        """
        match event:
            case ColumnBatch():
                assert as_of_ns is not None  # a tape has no columns
                self._market.take_columns(event.rows, as_of_ns=as_of_ns)
            case SymbolDays():
                assert as_of_ns is not None  # nor has it days
                self._market.take_days(event.days, as_of_ns=as_of_ns, counts=event.counts)
            case _:
                self._take_other(event)
                if as_of_ns is None:
                    return False
                quotes = event.quotes if isinstance(event, Batch | Rewind | PrintsReplaced) else ()
                self._market.take(quotes, as_of_ns=as_of_ns)
        return True

    def _take_other(self, event: Event) -> None:
        """Whatever an event has that is no quote."""
        match event:
            case FedNews():
                self._market.take_fed(event.fed)
            case MacroNews():
                self._market.take_macro(event.macro)
            case HistoryUpdated():
                self._market.update_history(event.history)
            case Rewind():
                self._market.restart(event.as_of_ns)
            case HistoryConfirmed() | PreviousCloses() | ListedSplits():
                self._take_scale(event)
            case PrintsReplaced():
                self._market.forget(event.symbols)
            case BidAsks():
                self._market.take_bid_asks(event.by_symbol)
            case RelayedStates():
                self._market.set_reader(is_silent=event.is_silent)
            case _:
                pass

    def _take_scale(self, event: HistoryConfirmed | PreviousCloses | ListedSplits) -> None:
        """What says whether history and today's prints are on one scale; else history is fetched again."""
        match event:
            case HistoryConfirmed():
                self._market.take_confirmed(event.session, event.symbols)
            case PreviousCloses():
                for symbol in sorted(self._market.take_previous_closes(event.session, event.by_symbol)):
                    log.warning("%s: history is on another scale than the vendor's last close", symbol)
                    self._fetch_again(symbol)
            case ListedSplits():
                listed = self._market.take_listed_splits(event.ex_dates, event.ratios, event.symbols)
                for symbol in sorted(listed):
                    log.warning("%s: a split is listed for %s", symbol, event.ex_dates[symbol])
                    self._fetch_again(symbol)

    def fetch_suspects(self) -> None:
        """Have history fetched again of legs that look split though nobody says so."""
        for symbol in sorted(self._market.take_suspects()):
            log.warning("%s: its price is a split away from history's close, and none is listed", symbol)
            self._fetch_again(symbol)
