"""A viewer's side of the hub without I/O: messages in, events for a supervisor out.

Of every subject the newest message counts, by the hub's own order (epoch, seq), whichever way it came:
pushed, or fetched from what the server keeps. A message of an earlier hub than the newest known is dropped. A
jump in ``seq`` is a gap: everything is GAPPED until the last values have been fetched again. A hub that is
silent for SILENT_S is OFFLINE, and so is one whose messages come later than that.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec

from feeds.events import (
    FedNews,
    Gap,
    HistoryUpdated,
    ListedSplits,
    MacroNews,
    PreviousCloses,
    RelayedStates,
    SymbolDays,
)
from feeds.hub.history_parts import HistoryParts
from feeds.hub.lateness import Lateness
from feeds.hub.wire import subjects
from feeds.hub.wire.codec import Fault, OtherVersion, WireError, decode, unpack_struct
from feeds.hub.wire.convert import date_of, history_rows, member_list, minutes_of, symbol_day
from feeds.hub.wire.messages import (
    BeatMessage,
    BlobMessage,
    HistoryMessage,
    IndexMessage,
    MembersMessage,
    Message,
    MinutesMessage,
    Place,
    QuoteMessage,
    StateMessage,
)
from feeds.parsing.sanitize import clean
from rotation.fed.figures import Fed
from rotation.macro.figures import Macro
from rotation.market.status import Provenance
from rotation.snapshot import FeedHealth
from rotation.status import Kind, Mode
from rotation.text import counted, duration
from rotation.wording import state_word

if TYPE_CHECKING:
    from feeds.clock import Moment
    from feeds.events import Event
    from feeds.hub.history_parts import Body
    from rotation.breadth.members import Membership
    from rotation.quote import SymbolDay
    from rotation.snapshot import Counts

log = logging.getLogger(__name__)

NAME = "hub"
"""The feed's name, and its row on the Health panel where there is something to report."""
SILENT_S = 2.5
"""Without any message for so long the hub is OFFLINE; it sends one a second."""
GRACE_S = 0.25
MISSING_MAX = 10_000
"""Numbers that are looked for; of a longer gap the newest."""
SYMBOLS_MAX = 20_000
"""Subjects that are kept of a hub; what goes beyond is refused."""
NOTHING = Place(-1, 0)


class Counters(msgspec.Struct):
    """What has been counted since the viewer began."""

    messages: int = 0
    hostile: int = 0
    """Bytes that were no message; they changed nothing."""
    refused: dict[Fault, int] = {}
    """The same by what is wrong with them."""
    older: int = 0
    """Messages that came after a newer one of their subject, or from an earlier hub."""
    gaps: int = 0

    def refuse(self, fault: Fault) -> None:
        """Count what changes nothing."""
        self.hostile += 1
        self.refused[fault] = self.refused.get(fault, 0) + 1


class Receiver:
    """``take`` every message, say ``fetched`` after what the server keeps, and ask for ``events``."""

    def __init__(self, grace_s: float = GRACE_S) -> None:
        """``grace_s``: how much later than the next message one may come."""
        self._grace_s = grace_s
        self._missing: set[int] = set()
        self._missing_since_s: float | None = None
        self.counters = Counters()
        self.wants_fetch = True
        """Whether the last values are to be fetched: at first, and after a gap or a new connection."""
        self.version_error = ""
        """What to tell a person where the hub speaks another version; empty otherwise."""
        self.problem = ""
        """Why there is no connection, in words; empty while there is one."""
        self._newest: dict[str, Place] = {}
        self._epoch = -1
        self._live_seq: int | None = None
        """Of the newest pushed message."""
        self._lateness = Lateness()
        self._late: tuple[float, float] | None = None
        """Monotonic seconds of the newest message that came too late to count, and by how much."""
        self._last_s: float | None = None
        """Of the newest message that came in time."""
        self._last_at: tuple[float, int] | None = None
        """Monotonic seconds of the newest message and the hub's time in it."""
        self._is_fetched = False
        self._is_fetching = False
        self._gap_since_ns: int | None = None
        self._fetched_s: float | None = None
        self._quotes: dict[str, QuoteMessage] = {}
        self._minutes: dict[str, MinutesMessage] = {}
        self._dirty: set[str] = set()
        self._beat: BeatMessage | None = None
        self._state: StateMessage | None = None
        self._counts: Counts | None = None
        self._history = HistoryParts()
        self._news: dict[str, BlobMessage] = {}
        self._scale_dirty = False
        self._relayed: RelayedStates | None = None

    # What came ----------------------------------------------------------------------------------------

    def take(self, subject: str, data: bytes, now: Moment, *, pushed: bool = True) -> bool:
        """Take a message in; False where it changed nothing.

        ``pushed``: it came by itself, now; else it was fetched from what the server keeps.
        """
        self.counters.messages += 1
        try:
            return self._take(subject, data, now, pushed=pushed)
        except WireError as error:
            if isinstance(error, OtherVersion):
                self.version_error = str(error)
            self.counters.refuse(error.fault)
            log.debug("hub: %s: %s", subject[:80], error)
        return False

    def _take(self, subject: str, data: bytes, now: Moment, *, pushed: bool) -> bool:
        message = decode(subject, data)
        try:
            body = self._check(subject, message)
        except WireError:
            if pushed and message.epoch == self._epoch:
                self._count_refused(message.seq)
            raise
        if pushed and not self._follow(message, now):
            return False
        if message.epoch > self._epoch:  # fetched; what was pushed has been followed
            self.wants_fetch |= self._live_seq is not None
            self._begin(message.epoch)
        newest = self._newest.get(subject, NOTHING)
        if message.place <= newest:
            self.counters.older += not pushed and message.place < newest
            return False
        self._note(subject, message, body)
        self._newest[subject] = message.place
        return True

    def _check(self, subject: str, message: Message) -> Body | None:
        """The body unpacked, where it is packed history.

        Raises WireError for one that does not fit its subject, or cannot be used: nothing of such a message
        may count, its epoch least of all.
        """
        if len(self._newest) >= 4 * SYMBOLS_MAX and subject not in self._newest:
            raise WireError("more subjects than any hub has", Fault.MANY)
        if isinstance(message, QuoteMessage):
            self._is_of(subject, subjects.QUOTES, message.symbol)
            symbol_day(message, None)
        elif isinstance(message, MinutesMessage):
            self._is_of(subject, subjects.MINUTES, message.symbol)
            minutes_of(message)
        elif isinstance(message, HistoryMessage):
            self._is_of(subject, subjects.HISTORY, message.symbol)
            return history_rows(message)
        elif isinstance(message, MembersMessage):
            if subject.rpartition(".")[0] != subjects.MEMBERS + subjects.token(message.fund):
                raise WireError("a fund on another's subject", Fault.SUBJECT)
            return member_list(message)
        elif isinstance(message, BlobMessage):
            unpack_struct(message.body, Fed if subject == subjects.FED else Macro)
        elif isinstance(message, StateMessage) and any(
            place >= len(message.states) for place in message.state_of.values()
        ):
            raise WireError("a state that is not listed", Fault.VALUE)
        return None

    def _count_refused(self, seq: int) -> None:
        """A message that cannot be used has come all the same: fetching it again would not help."""
        self._missing.discard(seq)
        if self._live_seq is not None and seq == self._live_seq + 1:
            self._live_seq = seq

    def _is_of(self, subject: str, family: str, symbol: str) -> None:
        if subject != family + subjects.token(symbol):
            raise WireError("a symbol on another's subject", Fault.SUBJECT)

    def _follow(self, message: Message, now: Moment) -> bool:
        """Keep the order of what is pushed; False for a message of an earlier hub."""
        epoch, seq = message.place
        if epoch < self._epoch:
            self.counters.older += 1
            return False
        if epoch > self._epoch:
            if self._epoch >= 0:
                log.warning("hub: another one has taken over")
                self.wants_fetch = True
            self._begin(epoch)
        self._missing.discard(seq)
        if self._live_seq is not None and seq > self._live_seq + 1:
            self._missing_since_s = self._missing_since_s or now.s
            self._missing.update(range(max(self._live_seq + 1, seq - MISSING_MAX), seq))
        self._live_seq = seq if self._live_seq is None else max(self._live_seq, seq)
        self._look_at_clocks(message, now)
        self._look_for_gaps(now)
        return True

    def _look_at_clocks(self, message: Message, now: Moment) -> None:
        """A message that was held up says nothing of now: neither that the hub lives nor what time it is."""
        late_s = self._lateness.of(now.s, message.as_of_ns)
        if late_s > SILENT_S:
            self._late = now.s, late_s
            return
        self._late, self._last_s = None, now.s
        if self._last_at is None or message.as_of_ns >= self._last_at[1] or isinstance(message, BeatMessage):
            self._last_at = now.s, message.as_of_ns

    def _begin(self, epoch: int) -> None:
        """Another hub counts its messages from 1."""
        self._epoch, self._live_seq = epoch, None
        self._lateness.begin()
        self._missing.clear()

    def _look_for_gaps(self, now: Moment) -> None:
        """A number that is missing for ``grace_s`` was lost: quotes and all else come in turns."""
        if not self._missing:
            self._missing_since_s = None
        elif self._missing_since_s is not None and now.s - self._missing_since_s >= self._grace_s:
            self._missing.clear()
            self._missing_since_s = None
            self.gap(now)

    def _note(self, subject: str, message: Message, body: Body | None) -> None:
        match message:
            case QuoteMessage():
                self._quotes[message.symbol] = message
                self._dirty.add(message.symbol)
            case MinutesMessage():
                self._minutes[message.symbol] = message
                self._dirty.add(message.symbol)
            case BeatMessage():
                self._beat, self._counts = message, message.counts
                self.version_error = ""
            case StateMessage():
                self._state, self._scale_dirty = message, True
            case HistoryMessage() | IndexMessage() | MembersMessage():
                self._history.take(message, body)
                # Closes are sent before their index: those of it that are missing were sent before we came.
                if isinstance(message, IndexMessage) and not self._history.is_whole:
                    self.wants_fetch = True
            case BlobMessage():
                self._news[subject] = message
            case _:
                pass

    # The connection -----------------------------------------------------------------------------------

    def gap(self, now: Moment) -> None:
        """Messages may have been missed: fetch the last values, and show nothing as sound until then."""
        self.counters.gaps += self._is_fetched
        if self._gap_since_ns is None and (self._is_fetched or self._is_fetching):
            self._gap_since_ns = self._last_at[1] if self._last_at else now.ns
        self.wants_fetch = True

    def reconnected(self, now: Moment) -> None:
        """A new connection: what was sent meanwhile was missed."""
        self._live_seq = None
        self._missing.clear()
        self.gap(now)

    def restarted(self, now: Moment) -> None:
        """The feed begins, perhaps again: its supervisor has forgotten the states, and a fetch has ended."""
        self._relayed, self._is_fetching = None, False
        self.reconnected(now)

    def fetching(self) -> None:
        """The last values are about to be taken; what is missed from now on takes another fetch."""
        self.wants_fetch, self._is_fetching = False, True

    def fetched(self, now: Moment) -> None:
        """All that the server keeps has been taken."""
        self._is_fetched, self._is_fetching = True, False
        self._fetched_s = now.s

    def fetch_failed(self) -> None:
        """Try again; until then a gap stays a gap."""
        self.wants_fetch, self._is_fetching = True, False

    @property
    def symbols(self) -> list[str]:
        """Whose last values are to be fetched, as far as the hub has said."""
        return [] if self._state is None else self._state.symbols[:SYMBOLS_MAX]

    @property
    def legs(self) -> list[str]:
        """Whose minutes are to be fetched."""
        return [] if self._state is None else self._state.legs[:SYMBOLS_MAX]

    @property
    def history_symbols(self) -> list[str]:
        """Whose settled closes are to be fetched."""
        return self._history.wanted()

    @property
    def is_complete(self) -> bool:
        """Whether the whole market is known: last values fetched, states and history whole."""
        return self._is_fetched and self._state is not None and self._history.is_whole

    def is_alive(self, now_s: float) -> bool:
        """Whether the hub was heard lately."""
        leaving = self._beat is not None and self._beat.is_leaving and self._beat.epoch == self._epoch
        return self._last_s is not None and now_s - self._last_s <= SILENT_S and not leaving

    def has_settled(self, now_s: float) -> bool:
        """Whether it is known that the hub lives, or that it is silent."""
        return self.is_alive(now_s) or (self._fetched_s is not None and now_s - self._fetched_s > SILENT_S)

    def clock_ns(self, now: Moment) -> int:
        """The hub's clock now: ages are reckoned by it, whatever the clock of this machine says."""
        if self._last_at is None:
            return now.ns
        last_s, as_of_ns = self._last_at
        return as_of_ns + int((now.s - last_s) * 1e9)

    # What a supervisor is given -----------------------------------------------------------------------

    def events(self, now: Moment) -> list[Event]:
        """What is new since this was last asked: each figure once, in its newest state."""
        self._look_for_gaps(now)
        as_of_ns = self.clock_ns(now)
        events: list[Event] = []
        history = self._history.new_history()
        if history is not None:
            events.append(HistoryUpdated(history, as_of_ns))
        if self._scale_dirty and self._state is not None:
            self._scale_dirty = False
            events += _scale(self._state)
        events += self._fresh_news(as_of_ns)
        if self._dirty or self._counts is not None:
            events.append(SymbolDays(tuple(self._days()), self._counts, as_of_ns))
            self._counts = None
        is_filled = self._is_fetched and not self._is_fetching and not self.wants_fetch
        if self._gap_since_ns is not None and is_filled:
            events.append(Gap(frozenset(self._quotes), self._gap_since_ns, as_of_ns))
            self._gap_since_ns = None
        relayed = self._states(now, as_of_ns)
        if relayed is not None:
            events.append(relayed)
        return events

    def new_members(self) -> tuple[Membership, ...] | None:
        """The holdings files, where they are newly known."""
        return self._history.new_members()

    def _days(self) -> list[SymbolDay]:
        symbols, self._dirty = self._dirty, set()
        held = ((self._quotes.get(symbol), self._minutes.get(symbol)) for symbol in sorted(symbols))
        return [symbol_day(quote, minutes) for quote, minutes in held if quote is not None]

    def _fresh_news(self, as_of_ns: int) -> list[Event]:
        news, self._news = self._news, {}
        events: list[Event] = []
        for subject, message in news.items():
            if subject == subjects.FED:
                events.append(FedNews(unpack_struct(message.body, Fed), as_of_ns))
            else:
                events.append(MacroNews(unpack_struct(message.body, Macro), as_of_ns))
        return events

    def _states(self, now: Moment, as_of_ns: int) -> RelayedStates | None:
        """The states now, where they differ from those before."""
        override = self._override(now.s)
        by_symbol: dict[str, Provenance] = {}
        if self._state is not None:
            states = [_cleaned(state, override) for state in self._state.states]
            by_symbol = {symbol: states[place] for symbol, place in self._state.state_of.items()}
        rows = () if self._beat is None else tuple(_row(row, override) for row in self._beat.health)
        own = self._own_row(now.s, override)
        made = RelayedStates(by_symbol, rows if own is None else (own, *rows), as_of_ns)
        before = self._relayed
        if before is not None and (before.provenance, before.health) == (made.provenance, made.health):
            return None
        self._relayed = made
        return made

    def _override(self, now_s: float) -> Kind | None:
        if not self.is_alive(now_s) or self.problem or self._is_starting:
            return Kind.OFFLINE
        return Kind.GAPPED if self._gap_since_ns is not None else None

    @property
    def _is_starting(self) -> bool:
        """Whether the states are those of an earlier hub: the new one beats, and has not connected yet."""
        return self._state is not None and self._state.epoch != self._epoch

    def _own_row(self, now_s: float, override: Kind | None) -> FeedHealth | None:
        """The hub's own row; None while there is nothing to report."""
        counters = self.counters
        detail = self.problem or self._silence(now_s)
        if not detail and override is None and not counters.gaps and not counters.hostile:
            return None
        notes = [detail] if detail else []
        if counters.gaps:
            notes.append(f"{counted(counters.gaps, 'gap')} refilled")
        if counters.hostile:
            reasons = ", ".join(f"{number:,} {fault.value}" for fault, number in counters.refused.items())
            notes.append(f"{counted(counters.hostile, 'message')} refused ({reasons})")
        kind = override or Kind.LIVE
        return FeedHealth(NAME, state_word(kind), "; ".join(notes), counters.messages, 0, kind=kind)

    def _silence(self, now_s: float) -> str:
        if self.is_alive(now_s):
            return "the hub is starting" if self._is_starting else ""
        if self.version_error:
            return self.version_error
        if self._late is not None and now_s - self._late[0] <= SILENT_S:
            return f"messages arrive {duration(self._late[1])} late"
        if self._last_s is None:
            return "no hub is sending"
        if self._beat is not None and self._beat.is_leaving:
            return "the hub has ended"
        return f"the hub has been silent for {duration(now_s - self._last_s)}"


def _scale(state: StateMessage) -> list[Event]:
    splits = {symbol: date_of(day) for symbol, (day, _) in state.splits.items()}
    ratios = {symbol: ratio for symbol, (_, ratio) in state.splits.items() if ratio is not None}
    events: list[Event] = [ListedSplits(splits, ratios)]
    if state.previous_session is not None:
        events.insert(0, PreviousCloses(date_of(state.previous_session), state.previous_closes))
    return events


def _cleaned(state: Provenance, override: Kind | None) -> Provenance:
    mode = state.mode and Mode(state.mode.kind, state.mode.delay_s, clean(state.mode.venue))
    return Provenance(
        mode,
        clean(state.source),
        state.override if override is None or state.override is Kind.OFFLINE else override,
        range_incomplete=state.range_incomplete,
        behind_s=state.behind_s,
    )


def _row(row: FeedHealth, override: Kind | None) -> FeedHealth:
    """A row of the hub; of one that is silent nothing is known any more."""
    kind = Kind.OFFLINE if override is Kind.OFFLINE else row.kind
    state = state_word(kind) if override is Kind.OFFLINE else clean(row.state)
    return msgspec.structs.replace(
        row, name=clean(row.name), state=state, detail=clean(row.detail), kind=kind
    )
