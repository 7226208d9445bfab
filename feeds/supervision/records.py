"""How the feeds in charge are doing: statuses, counts, and what each symbol's prices are worth by them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from msgspec.structs import astuple

from feeds.events import (
    Batch,
    ColumnBatch,
    Gap,
    PrintsCorrected,
    PrintsReplaced,
    RelayedStates,
    Rewind,
    Status,
    Stream,
    SymbolDays,
    SymbolStates,
)
from rotation.market.status import Provenance
from rotation.snapshot import FeedHealth
from rotation.status import Kind, Refusal
from rotation.wording import state_word

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from feeds.events import Event, Feed

log = logging.getLogger(__name__)

NAMED = 8
"""Symbols that a line of the log names, at most."""


class FeedRecord:
    """The newest status and the counts of one feed."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self.status = Status(feed.mode.kind)
        self.has_status = False
        """Whether that is its own; else its mode's."""
        self.by_symbol: dict[str, Kind] = {}
        self.incomplete: frozenset[str] = frozenset()
        self.behind_s = 0.0
        self.relayed: RelayedStates | None = None
        """Of a hub's viewer: what the hub reports of its own feeds."""
        self.has_spoken = False
        """Whether it has said how its symbols are."""
        self.quotes = 0
        self.batches = 0

    def take(self, event: Event) -> bool:
        """Take what an event says of the feed; False where it says nothing of what prices are worth."""
        match event:
            case Status():
                self.status, self.relayed, self.has_status = event, None, True
            case RelayedStates():
                self.relayed, self.has_spoken = event, True
            case SymbolStates():
                self.by_symbol, self.incomplete = event.by_symbol, event.incomplete
                self.behind_s, self.has_spoken = event.behind_s, True
            case _:
                return False
        return True

    def count(self, event: Event) -> None:
        """Count what an event has brought for the market."""
        match event:
            case ColumnBatch():
                quotes = event.rows.height
            case SymbolDays():
                quotes = len(event.days)
            case Batch():
                quotes = len(event.quotes)
            case Rewind() | PrintsReplaced() if event.quotes:
                quotes = len(event.quotes)
            case _:
                return
        self.quotes += quotes
        self.batches += 1

    def health(self) -> tuple[FeedHealth, ...]:
        """Its rows of the Health panel, or those of the hub that it relays."""
        if self.relayed is not None:
            return self.relayed.health
        feed, status = self._feed, self.status
        if not self.has_status and not self.batches and feed.mode.kind in {Kind.LIVE, Kind.DELAYED}:
            status = Status(Kind.OFFLINE)  # nothing has come yet
        refusal = status.state if isinstance(status.state, Refusal) else None
        row = FeedHealth(
            name=feed.name,
            state=state_word(status.state, delay_s=status.delay_s or feed.mode.delay_s, age_s=status.age_s),
            detail=status.detail,
            quotes=self.quotes,
            batches=self.batches,
            stats=feed.stats() if isinstance(feed, Stream) else None,
            kind=Kind.OFFLINE if isinstance(status.state, Refusal) else status.state,
            refusal=refusal,
        )
        return (row,)


class FeedRecords:
    """The records of all feeds in charge, in their order."""

    def __init__(self, feeds: Iterable[Feed]) -> None:
        self._by_feed = {feed: FeedRecord(feed) for feed in feeds}
        self.provenance: dict[str, Provenance] = {}
        """Where each symbol's prices come from and what is wrong with them."""

    def __contains__(self, feed: Feed) -> bool:
        return feed in self._by_feed

    def __getitem__(self, feed: Feed) -> FeedRecord:
        return self._by_feed[feed]

    def replace(self, feeds: Iterable[Feed], come_up: Mapping[Feed, FeedRecord]) -> None:
        """Have those of these feeds from now on. ``come_up``: of feeds that ran already beside these."""
        held = self._by_feed
        self._by_feed = {feed: held.get(feed) or come_up.get(feed) or FeedRecord(feed) for feed in feeds}
        self._set_provenance()

    def take(self, feed: Feed, event: Event) -> bool:
        """Note what an event says of its feed, and count it; whether ``provenance`` is found anew."""
        record = self._by_feed[feed]
        record.count(event)
        match event:
            case Status():
                log.info("feed %s: %s %s", feed.name, event.state, event.detail)
            case Gap():
                log.warning("feed %s: prints of %d symbols may be missing", feed.name, len(event.symbols))
            case PrintsCorrected():
                log.warning("feed %s: %s", feed.name, corrected(event))
            case _:
                pass
        has_spoken = record.take(event)
        if has_spoken:
            self._set_provenance()
        return has_spoken

    def health(self) -> tuple[FeedHealth, ...]:
        """The rows of the Health panel."""
        return tuple(row for record in self._by_feed.values() for row in record.health())

    def _set_provenance(self) -> None:
        """Which live stream brings each symbol; of two that do, the first counts unless it is OFFLINE.

        What has not changed stays the same object: thousands of new ones, each time that one symbol's state
        changes, would have garbage collected several times a second.
        """
        by_symbol: dict[str, Provenance] = {}
        for feed, record in reversed(self._by_feed.items()):
            if record.relayed is not None:
                by_symbol |= record.relayed.provenance
            if not isinstance(feed, Stream):
                continue
            for symbol in feed.symbols:
                override = record.by_symbol.get(symbol)
                if symbol not in by_symbol or override is not Kind.OFFLINE:
                    is_incomplete = symbol in record.incomplete
                    now = (feed.mode_of(symbol), feed.name, override, is_incomplete, record.behind_s)
                    held = self.provenance.get(symbol)
                    by_symbol[symbol] = Provenance(*now) if held is None or astuple(held) != now else held
        self.provenance = by_symbol


def corrected(event: PrintsCorrected) -> str:
    """One line of the log for all that was corrected at once."""
    symbols = list(dict.fromkeys(each.symbol for each in event.corrections))
    if len(event.corrections) == 1:
        return f"a print of {symbols[0]} was corrected"
    more = f" and {len(symbols) - NAMED} other symbols" if len(symbols) > NAMED else ""
    return f"{len(event.corrections)} prints were corrected, of {', '.join(symbols[:NAMED])}{more}"
