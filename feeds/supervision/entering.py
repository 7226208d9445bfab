"""Feeds that come up beside those in charge. What they bring waits until they are in charge, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from feeds.events import Batch, ColumnBatch, HistoryUpdated, PrintsReplaced, Stream
from feeds.supervision.records import FeedRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from feeds.events import Event, Feed
    from rotation.market.status import Provenance

PEN_MAX = 200_000
"""Prints and events of a feed that is coming up; one that brings more need not wait any longer."""


class Entering:
    """A feed that comes up, and all that it has brought."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.record = FeedRecord(feed)
        self.events: list[Event] = []
        """In order of arrival."""
        self._held = 0
        self.on_event: Callable[[], None] = lambda: None

    def take(self, event: Event) -> None:
        """Note what it says of the feed, and keep it."""
        self.record.take(event)
        self.events.append(event)
        self._held += 1
        if isinstance(event, Batch | PrintsReplaced):
            self._held += len(event.quotes)
        elif isinstance(event, ColumnBatch):
            self._held += event.rows.height
        self.on_event()

    @property
    def is_full(self) -> bool:
        """Whether it has brought as much as may wait."""
        return self._held >= PEN_MAX

    def brought_by_others(self, now: Mapping[str, Provenance]) -> frozenset[str]:
        """Which of its symbols another source brings, by the provenance of now."""
        if not isinstance(self.feed, Stream):
            return frozenset()
        others = (symbol for symbol, each in now.items() if each.source != self.feed.name)
        return self.feed.symbols.intersection(others)

    def events_without(self, symbols: frozenset[str]) -> Iterator[Event]:
        """All that has waited, but for prints of these symbols, and histories that a newer one replaces.

        Nobody would see those, and each pass over history takes its time.
        """
        histories = (event for event in reversed(self.events) if isinstance(event, HistoryUpdated))
        newest = next(histories, None)
        for event in self.events:
            if isinstance(event, HistoryUpdated) and event is not newest:
                continue
            rest = _without(event, symbols)
            if rest is not None:
                yield rest


def _without(event: Event, symbols: frozenset[str]) -> Event | None:
    """The event without the prints of these symbols; None where nothing is left."""
    match event:
        case Batch() if symbols:
            quotes = tuple(quote for quote in event.quotes if quote.symbol not in symbols)
            return msgspec.structs.replace(event, quotes=quotes)
        case ColumnBatch() if symbols:
            rows = event.rows.filter(~event.rows["symbol"].is_in(sorted(symbols)))
            return None if rows.is_empty() else msgspec.structs.replace(event, rows=rows)
        case _:
            return event
