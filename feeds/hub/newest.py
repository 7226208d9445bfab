"""The newest message of every kind and symbol, and what is new in them as events for a supervisor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feeds.events import FedNews, HistoryUpdated, ListedSplits, MacroNews, PreviousCloses, SymbolDays
from feeds.hub.history_parts import HistoryParts
from feeds.hub.wire import subjects
from feeds.hub.wire.codec import unpack_struct
from feeds.hub.wire.convert import date_of, symbol_day
from feeds.hub.wire.messages import (
    BeatMessage,
    BlobMessage,
    FundsMessage,
    HistoryMessage,
    IndexMessage,
    MembersMessage,
    MinutesMessage,
    QuoteMessage,
    StateMessage,
)
from rotation.fed.figures import Fed
from rotation.macro.figures import Macro

if TYPE_CHECKING:
    from feeds.events import Event
    from feeds.hub.history_parts import Body
    from feeds.hub.wire.messages import Message
    from rotation.quote import SymbolDay
    from rotation.snapshot import Counts


class Newest:
    """``take`` what is newer than what is held, and ask for ``events``."""

    def __init__(self) -> None:
        self.beat: BeatMessage | None = None
        self.state: StateMessage | None = None
        self.history = HistoryParts()
        self.quotes: dict[str, QuoteMessage] = {}
        self._minutes: dict[str, MinutesMessage] = {}
        self._dirty: set[str] = set()
        """Symbols whose day has changed since the last events."""
        self._counts: Counts | None = None
        self._news: dict[str, BlobMessage] = {}
        self._is_scale_new = False

    def take(self, subject: str, message: Message, body: Body | None) -> None:
        """Keep it. ``body``: as ``checked_body`` returns it."""
        match message:
            case QuoteMessage():
                self.quotes[message.symbol] = message
                self._dirty.add(message.symbol)
            case MinutesMessage():
                self._minutes[message.symbol] = message
                self._dirty.add(message.symbol)
            case BeatMessage():
                self.beat, self._counts = message, message.counts
            case StateMessage():
                self.state, self._is_scale_new = message, True
            case HistoryMessage() | IndexMessage() | MembersMessage() | FundsMessage():
                self.history.take(message, body)
            case BlobMessage():
                self._news[subject] = message
            case _:
                pass

    def events(self, as_of_ns: int) -> list[Event]:
        """What is new since this was last asked: history, the vendors' scale, news, days."""
        events: list[Event] = []
        history = self.history.new_history()
        if history is not None:
            events.append(HistoryUpdated(history, as_of_ns))
        if self._is_scale_new and self.state is not None:
            self._is_scale_new = False
            events += _scale(self.state)
        news, self._news = self._news, {}
        events += [_news(subject, message, as_of_ns) for subject, message in news.items()]
        if self._dirty or self._counts is not None:
            events.append(SymbolDays(tuple(self._days()), self._counts, as_of_ns))
            self._counts = None
        return events

    def _days(self) -> list[SymbolDay]:
        symbols, self._dirty = self._dirty, set()
        held = ((self.quotes.get(symbol), self._minutes.get(symbol)) for symbol in sorted(symbols))
        return [symbol_day(quote, minutes) for quote, minutes in held if quote is not None]


def _news(subject: str, message: BlobMessage, as_of_ns: int) -> Event:
    if subject == subjects.FED:
        return FedNews(unpack_struct(message.body, Fed), as_of_ns)
    return MacroNews(unpack_struct(message.body, Macro), as_of_ns)


def _scale(state: StateMessage) -> list[Event]:
    splits = {symbol: date_of(day) for symbol, (day, _) in state.splits.items()}
    ratios = {symbol: ratio for symbol, (_, ratio) in state.splits.items() if ratio is not None}
    events: list[Event] = [ListedSplits(splits, ratios)]
    if state.previous_session is not None:
        events.insert(0, PreviousCloses(date_of(state.previous_session), state.previous_closes))
    return events
