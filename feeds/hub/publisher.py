"""The hub's side without I/O: what a supervisor knows, as the messages that have changed since the last look.

Give ``observe`` to the supervisor as its observer, and ask ``collect`` every tick: quotes are conflated per
symbol and tick, since a message holds a symbol's whole session so far. ``beat`` once a second. After a
failure of the server's store ``again`` has everything sent once more.
"""

from __future__ import annotations

import logging
from math import inf
from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

from feeds.errors import StorageError
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
from feeds.hub.wire import subjects
from feeds.hub.wire.codec import encode, pack_struct
from feeds.hub.wire.convert import (
    days_from_1970,
    digest,
    history_columns,
    member_columns,
    minutes_fields,
    quote_fields,
)
from feeds.hub.wire.messages import (
    SCHEMA,
    BeatMessage,
    BlobMessage,
    HistoryMessage,
    IndexMessage,
    MembersMessage,
    MinutesMessage,
    QuoteMessage,
    StateMessage,
)
from rotation.quote import NS
from rotation.snapshot import Counts

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Collection, Iterator, Mapping
    from typing import Any

    import polars as pl

    from feeds.events import Event
    from rotation.breadth.members import MemberList, Membership
    from rotation.fed.figures import Fed
    from rotation.history import History
    from rotation.macro.figures import Macro
    from rotation.market.status import Provenance
    from rotation.quote import Quote, SymbolDay
    from rotation.snapshot import FeedHealth, Snapshot


HISTORY_AT_ONCE = 50
"""Symbols whose closes are sent in one tick: packing all of a universe would hold up the beats."""
LISTS_AT_ONCE = 4
"""Holdings files that are read, packed and sent in one tick."""
LISTS_MAX = 60
"""Holdings files of a fund that are sent, the newest: those of the last sessions, one a day. A server answers
with no more than 1,024 subjects at once."""
NEWS_S = 60.0
"""So long a hub has to read the Fed and macro; then those that an earlier hub has left are taken back."""
MAX_BYTES = 2**20
"""What a NATS server takes unless its configuration says otherwise."""
HEADERS = 256
"""Bytes that are left for a message's headers."""
log = logging.getLogger(__name__)


class Desk(Protocol):
    """What the hub reads of its supervisor."""

    latest: Snapshot | None
    provenance: dict[str, Provenance]

    @property
    def history(self) -> History: ...  # noqa: D102

    @property
    def membership(self) -> tuple[Membership, ...]: ...  # noqa: D102

    def days(self, symbols: Collection[str], *, all_minutes: bool = False) -> list[SymbolDay]: ...  # noqa: D102


class Outgoing(NamedTuple):
    """One message to send."""

    subject: str
    data: bytes


class _Scale:
    """What vendors have said of closes and splits, as the market keeps it."""

    def __init__(self) -> None:
        self.session: dt.date | None = None
        self.version = 0
        self.closes: dict[str, float] = {}
        self.splits: dict[str, tuple[int, float | None]] = {}

    def take(self, event: PreviousCloses | ListedSplits) -> None:
        self.version += 1
        if isinstance(event, PreviousCloses):
            if self.session is None or event.session > self.session:
                self.session, self.closes = event.session, {}
            if event.session == self.session:
                self.closes |= {s: close for s, close in event.by_symbol.items() if 0 < close < inf}
            return
        kept = (
            {} if event.symbols is None else {s: v for s, v in self.splits.items() if s not in event.symbols}
        )
        listed = {s: (days_from_1970(day), event.ratios.get(s)) for s, day in event.ex_dates.items()}
        self.splits = kept | listed


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
        self._scale = _Scale()
        self._news: dict[str, Fed | Macro | None] = {}
        self._began_ns = 0
        """As of the first look at the desk."""
        self._forget_sent()

    def _forget_sent(self) -> None:
        self._sent_days: dict[str, SymbolDay] = {}
        self._sent_minutes: dict[str, dict[int, Quote]] = {}
        self._sent_state: Mapping[str, Any] | None = None
        self._seen_state: tuple[object, int, int] | None = None
        self._sent_news: dict[str, object] = {}
        self._sent_history: dict[str, int] = {}
        self._sent_index: tuple[str, dict[str, int]] | None = None
        self._history: History | None = None
        self._reading: History | None = None
        self._parts: list[pl.DataFrame] = []
        """Symbols of a newer history that are still to be sent, the next one last."""
        self._digests: dict[str, int] = {}
        self._membership: tuple[Membership, ...] = ()
        self._lists: list[_List] = []
        """Holdings files that are still to be sent, the next one last."""

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
        self._forget_sent()
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
        out = [*self._history_messages(desk, as_of_ns), *self._state_messages(desk, as_of_ns)]
        out += self._quote_messages(desk, as_of_ns)
        out += self._news_messages(as_of_ns)
        return out

    def beat(self, as_of_ns: int, *, is_leaving: bool = False) -> Outgoing:
        """A sign of life, with the rows of the Health panel."""
        snapshot = None if self._desk is None else self._desk.latest
        counts = Counts() if snapshot is None else snapshot.health.counts
        rows: list[FeedHealth] = [] if snapshot is None else list(snapshot.health.feeds)
        self._seq += 1
        place = SCHEMA, self._epoch, self._seq, max(as_of_ns, 0)
        return Outgoing(subjects.BEAT, encode(BeatMessage(*place, self._hub, is_leaving, counts, rows)))

    def _out(self, subject: str, kind: Callable[..., Any], as_of_ns: int, *fields: object) -> list[Outgoing]:
        """The message with the next number; none where it is too long, and then its number is not used."""
        message = kind(SCHEMA, self._epoch, self._seq + 1, max(as_of_ns, 0), *fields)
        out = Outgoing(subject, encode(message))
        if len(out.data) > self._max_bytes:
            log.warning("hub: %s: %d bytes are more than the server takes", subject, len(out.data))
            return []
        self._seq += 1
        return [out]

    # Quotes ---------------------------------------------------------------------------------------------

    def _quote_messages(self, desk: Desk, as_of_ns: int) -> Iterator[Outgoing]:
        dirty, self._dirty = self._dirty, set()
        if not dirty:
            return
        self._all |= dirty
        for day in desk.days(sorted(dirty)):
            if self._sent_days.get(day.symbol) == day or not _fits(day):
                continue
            self._sent_days[day.symbol] = day
            name = subjects.QUOTES + subjects.token(day.symbol)
            yield from self._out(name, QuoteMessage, as_of_ns, *quote_fields(day))
        legs = [symbol for symbol in self._legs if symbol in dirty]
        for day in desk.days(legs, all_minutes=True) if legs else ():
            if day.session is None or day.parts[1] is None:
                continue
            minutes = day.parts[1].minutes
            if self._is_known(day, minutes):
                continue
            self._sent_minutes[day.symbol] = dict(minutes)
            name = subjects.MINUTES + subjects.token(day.symbol)
            yield from self._out(name, MinutesMessage, as_of_ns, *minutes_fields(day))

    def _is_known(self, day: SymbolDay, minutes: dict[int, Quote]) -> bool:
        """Whether a viewer has these minutes: those last sent, and the two that every quote brings."""
        sent = self._sent_minutes.get(day.symbol)
        if not sent or not minutes:
            return not sent and not minutes
        newest = max(minutes)
        changed = {place for place in minutes.keys() | sent.keys() if minutes.get(place) != sent.get(place)}
        return max(sent, default=newest) == newest and changed <= {newest}

    # States ---------------------------------------------------------------------------------------------

    def _state_messages(self, desk: Desk, as_of_ns: int) -> Iterator[Outgoing]:
        provenance = desk.provenance
        seen = (provenance, len(self._all), self._scale.version)
        if seen == self._seen_state:
            return
        self._seen_state = seen
        states = list(dict.fromkeys(_key(each) for each in provenance.values()))
        place_of = {key: place for place, key in enumerate(states)}
        by_key = {_key(each): each for each in provenance.values()}
        scale = self._scale
        fields = {
            "symbols": sorted({*self._all, *provenance, *self._legs}),
            "legs": list(self._legs),
            "states": [by_key[key] for key in states],
            "state_of": {symbol: place_of[_key(each)] for symbol, each in provenance.items()},
            "previous_session": None if scale.session is None else days_from_1970(scale.session),
            "previous_closes": dict(scale.closes),
            "splits": dict(scale.splits),
        }
        if fields != self._sent_state:
            self._sent_state = fields
            yield from self._out(subjects.STATE, StateMessage, as_of_ns, *fields.values())

    # History, members, news -----------------------------------------------------------------------------

    def _history_messages(self, desk: Desk, as_of_ns: int) -> Iterator[Outgoing]:
        yield from self._member_messages(desk, as_of_ns)
        history = desk.history
        if history is self._history:
            return
        if history is not self._reading:
            self._reading, self._digests = history, {}
            self._parts = history.frame.partition_by("symbol", maintain_order=True)[::-1]
        for _ in range(min(HISTORY_AT_ONCE, len(self._parts))):
            rows = self._parts.pop()
            symbol, columns = str(rows["symbol"][0]), history_columns(rows)
            self._digests[symbol] = value = digest(columns)
            if self._sent_history.get(symbol) == value:
                continue
            name = subjects.HISTORY + subjects.token(symbol)
            out = self._out(name, HistoryMessage, as_of_ns, symbol, rows.height, columns)
            if out:
                self._sent_history[symbol] = value
            else:  # viewers would wait for it for ever
                del self._digests[symbol]
            yield from out
        if self._parts:
            return
        self._history = history
        index = (history.source, dict(self._digests))
        if index != self._sent_index:
            self._sent_index = index
            yield from self._out(subjects.INDEX, IndexMessage, as_of_ns, *index)

    def _member_messages(self, desk: Desk, as_of_ns: int) -> Iterator[Outgoing]:
        """Some of the holdings files that are still to be sent, the newest first."""
        if desk.membership is not self._membership:
            self._membership = desk.membership
            self._lists = [each for fund in desk.membership for each in _newest(fund)]
            self._lists.sort(key=lambda each: each.held.as_of)
        for _ in range(min(LISTS_AT_ONCE, len(self._lists))):
            subject, held = self._lists.pop()
            try:
                columns = member_columns(held)
            except StorageError as error:
                log.warning("hub: the holdings file of %s of %s: %s", held.fund, held.as_of, error)
                continue
            day = days_from_1970(held.as_of)
            yield from self._out(subject, MembersMessage, as_of_ns, held.fund, day, columns)

    def _news_messages(self, as_of_ns: int) -> Iterator[Outgoing]:
        self._began_ns = self._began_ns or as_of_ns
        if as_of_ns - self._began_ns >= NEWS_S * NS:
            self._news = {subjects.FED: None, subjects.MACRO: None} | self._news
        for subject, news in self._news.items():
            if subject not in self._sent_news or self._sent_news[subject] != news:
                self._sent_news[subject] = news
                yield from self._out(subject, BlobMessage, as_of_ns, pack_struct(news))


class _List(NamedTuple):
    """A holdings file, and where it is sent."""

    subject: str
    held: MemberList


def _newest(fund: Membership) -> list[_List]:
    """The last LISTS_MAX files; of two of them none has the other's subject."""
    numbered = list(enumerate(fund.lists))[-LISTS_MAX:]
    return [_List(subjects.members(fund.fund, number % LISTS_MAX), held) for number, held in numbered]


def _key(state: Provenance) -> bytes:
    return msgspec.msgpack.encode(state)


def _fits(day: SymbolDay) -> bool:
    """Whether every number of it fits the wire: a vendor may send any."""
    quotes = [part.last for part in day.parts if part is not None and part.last is not None]
    volumes = [part.volume for part in day.parts if part is not None]
    return all(0 < q.ts_ns < 2**63 and -(2**63) <= q.seq < 2**63 for q in quotes) and all(
        0 <= volume < 2**63 for volume in volumes
    )
