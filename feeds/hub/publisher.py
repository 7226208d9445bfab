"""The hub's side without I/O: what a supervisor knows, as the messages that have changed since the last look.

Give ``observe`` to the supervisor as its observer, and ask ``collect`` every tick: quotes are conflated per
symbol and tick, since a message holds a symbol's whole session so far. ``beat`` once a second. After a
failure of the server's store ``again`` has everything sent once more.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from feeds.events import (
    Batch,
    BidAsks,
    ColumnBatch,
    FedNews,
    ListedSplits,
    MacroNews,
    PreviousCloses,
    PrintsReplaced,
    Rewind,
)
from feeds.hub.outgoing import Outgoing
from feeds.hub.sent.history import SentHistory
from feeds.hub.sent.quotes import SentQuotes
from feeds.hub.sent.scale import Scale
from feeds.hub.sent.states import SentStates
from feeds.hub.wire import subjects
from feeds.hub.wire.codec import encode
from feeds.hub.wire.messages import SCHEMA, BeatMessage
from rotation.quote import NS
from rotation.snapshot import Counts

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection

    from feeds.events import Event
    from feeds.hub.outgoing import Desk
    from feeds.hub.wire.messages import Message
    from rotation.fed.figures import Fed
    from rotation.macro.figures import Macro
    from rotation.snapshot import FeedHealth

NEWS_S = 60.0
"""So long a hub has to read the Fed and macro; then those that an earlier hub has left are taken back."""
MAX_BYTES = 2**20
"""What a NATS server takes unless its configuration says otherwise."""
HEADERS = 256
"""Bytes that are left for a message's headers."""
log = logging.getLogger(__name__)


class Publisher:
    """One hub's messages, numbered without a gap within its epoch."""

    def __init__(self, *, epoch: int, hub: str, max_bytes: int = MAX_BYTES) -> None:
        """``hub``: a name of this process. ``max_bytes``: of the longest message that the server takes."""
        self._max_bytes = max_bytes - HEADERS
        self._desk: Desk | None = None
        self._epoch = epoch
        self._hub = hub
        self._legs: tuple[str, ...] = ()
        self._seq = 0
        self._dirty: set[str] = set()
        self._all: set[str] = set()
        self._session: dt.date | None = None
        self._scale = Scale()
        self._news: dict[str, Fed | Macro | None] = {}
        self._began_ns = 0
        """As of the first look at the desk."""
        self.own_rows: tuple[FeedHealth, ...] = ()
        """Rows of the Health panel beside those of the feeds: the tape's."""
        self._quotes, self._states, self._history = SentQuotes(), SentStates(), SentHistory()

    @property
    def seq(self) -> int:
        """Of the newest message."""
        return self._seq

    @property
    def epoch(self) -> int:
        """Of this hub."""
        return self._epoch

    def attach(self, desk: Desk, legs: Collection[str]) -> None:
        """Publish what this desk knows. ``legs``: symbols whose minutes are sent too."""
        self._desk, self._legs = desk, tuple(legs)

    def again(self) -> None:
        """Send everything once more: the server may not have kept what was sent."""
        self._history = SentHistory()
        self.repeat_quotes()

    def repeat_quotes(self) -> None:
        """Send what is true now once more, but for history: the server keeps nothing at the moment."""
        self._quotes, self._states = SentQuotes(), SentStates()
        self._dirty |= self._all

    def observe(self, feed: str, event: Event, as_of_ns: int) -> None:
        """Take note of what the supervisor takes; its ``observer``."""
        del feed, as_of_ns
        match event:
            case Batch() | Rewind():
                self._dirty.update(quote.symbol for quote in event.quotes)
            case ColumnBatch():
                self._dirty.update(event.rows["symbol"].unique().cast(str).to_list())
            case PrintsReplaced():
                self._dirty |= event.symbols | {quote.symbol for quote in event.quotes}
            case BidAsks():
                self._dirty |= event.by_symbol.keys()
            case PreviousCloses() | ListedSplits():
                self._scale.take(event)
            case FedNews():
                self._news[subjects.FED] = event.fed
            case MacroNews():
                self._news[subjects.MACRO] = event.macro
            case _:
                pass

    def collect(self, as_of_ns: int) -> list[Outgoing]:
        """What has changed since the last call, oldest rules first: history, states, quotes, news."""
        if self._desk is None:
            return []
        desk, snapshot = self._desk, self._desk.latest
        session = None if snapshot is None else snapshot.session
        if session != self._session:  # the page has turned: nobody has printed yet
            self._session = session
            self._dirty |= self._all
        number = partial(self._number, as_of_ns)
        out = [*self._history.messages(desk, number)]
        out += self._states.messages(desk, self._all, self._legs, self._scale, number)
        if self._dirty:
            dirty, self._dirty = self._dirty, set()
            self._all |= dirty
            out += self._quotes.messages(desk, dirty, self._legs, number)
        self._began_ns = self._began_ns or as_of_ns
        if as_of_ns - self._began_ns >= NEWS_S * NS:
            self._news = {subjects.FED: None, subjects.MACRO: None} | self._news
        out += self._states.news(self._news, number)
        return out

    def beat(self, as_of_ns: int, *, is_leaving: bool = False) -> Outgoing:
        """A sign of life, with the rows of the Health panel."""
        snapshot = None if self._desk is None else self._desk.latest
        counts = Counts() if snapshot is None else snapshot.health.counts
        rows = [*(() if snapshot is None else snapshot.health.feeds), *self.own_rows]
        self._seq += 1
        place = SCHEMA, self._epoch, self._seq, max(as_of_ns, 0)
        return Outgoing(subjects.BEAT, encode(BeatMessage(*place, self._hub, is_leaving, counts, rows)))

    def _number(self, as_of_ns: int, subject: str, kind: type[Message], *fields: object) -> list[Outgoing]:
        """The message with the next number; none where it is too long, and then its number is not used."""
        message = kind(SCHEMA, self._epoch, self._seq + 1, max(as_of_ns, 0), *fields)
        out = Outgoing(subject, encode(message))
        if len(out.data) > self._max_bytes:
            log.warning("hub: %s: %d bytes are more than the server takes", subject, len(out.data))
            return []
        self._seq += 1
        return [out]
