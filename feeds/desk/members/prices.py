"""Prices of an index's members: by the stream of the desk's legs where it brings all shares, else in rounds.

A few hundred symbols go into one request, so a round of 2,000 is ten requests; nothing is asked outside of
trading hours. What is asked in rounds is late by a round, and says so. While a stream brings members, a round
asks for those only of whom nothing has been heard for some minutes.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from typing import TYPE_CHECKING

from feeds.desk.members.known import Known
from feeds.desk.members.merged import merged
from feeds.desk.members.once import PER_REQUEST, able
from feeds.desk.members.scale import MemberScale
from feeds.errors import KeyNeeded, SourceAway, SourceError
from feeds.events import Batch, Status, SymbolStates
from feeds.streaming.members.prints import MemberChannel, MemberPrints, late_by
from feeds.streaming.vendor import mode_of
from rotation.breadth.members import in_force, spelled
from rotation.feed_stats import FeedStats
from rotation.quote import NS
from rotation.sessions import new_york_day, phase_at, session_at
from rotation.status import OFFLINE, Kind, Mode
from rotation.text import counted

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
    from collections.abc import Set as AbstractSet
    from datetime import date

    from feeds.clock import Time
    from feeds.events import Event
    from feeds.http.cached import CachedClient
    from feeds.streaming.vendor import Vendor
    from rotation.breadth.members import Membership
    from rotation.history import History
    from rotation.quote import Quote

log = logging.getLogger(__name__)

ROUND_S = {"REGULAR": 60.0, "PRE": 300.0, "POST": 300.0}
"""From the beginning of one round to that of the next."""
QUIET_S = 300.0
"""A member of whom the stream has said nothing for so long is asked for in the next round."""
LOOK_S = 30.0
"""How often the clock is looked at while the exchange is closed."""
PAUSE_S = 1.0
"""Between two requests of a round, and between two looks at what the stream has brought."""
PART = 500
"""Members handed on at once: thousands of bars come in the same second, and keys are answered between."""
PART_PAUSE_S = 0.05
AGAIN_S = (60.0, 120.0, 300.0, 900.0)
"""After rounds without any answer."""
LOST_AFTER = 2
"""So many rounds in a row without an answer make every price OFFLINE; until then it only grows old."""
BARS = {MemberChannel.SECOND_BARS: "second bars", MemberChannel.MINUTE_BARS: "minute bars"}


class MemberPrices:
    """A stream of what members cost: rounds by the first vendor that answers, and what streams bring."""

    name = "members"

    def __init__(
        self,
        vendors: Sequence[Vendor],
        symbols: Iterable[str],
        *,
        http: CachedClient,
        history: History,
        time: Time,
        legs: AbstractSet[str] = frozenset(),
        prints: MemberPrints | None = None,
    ) -> None:
        """``vendors``: first choice first. ``http`` is theirs, closed at the end.

        ``symbols``: who is priced until ``take_members`` says more; ``legs`` have a stream of their own.
        ``prints``: what that stream brings of members; None: nothing.
        """
        self._legs = frozenset(legs)
        self._asked = frozenset(symbols) - self._legs
        self.symbols = self._asked
        """With those that were dropped since the day before: it may be that day which is still shown."""
        self.history: Callable[[], History] = lambda: history
        """The one on which figures rest now: a price far from its close is asked about before it counts."""
        self._closes: tuple[History, dict[str, float]] | None = None
        self._membership: tuple[Membership, ...] = ()
        self._day: date | None = None
        """For which those asked for were members."""
        self._vendors = able(vendors)
        self._http = http
        self._scale = MemberScale(self._newest_closes)
        self._turn = asyncio.Lock()
        self._time = time
        self._prints = prints or MemberPrints()
        self._losses = self._prints.losses
        self._arrived = asyncio.Event()
        self._known = Known()
        self._by: Vendor | None = None
        """Who answered last."""
        self._failures = 0
        """Rounds in a row without an answer."""
        self._quotes = 0
        self._at_ns: int | None = None
        """When the latest answer or print came."""
        self._states: dict[str, Kind] | None = None
        self._modes: dict[str, Mode] = {}
        """As the consumer knows them."""

    def take_members(self, membership: tuple[Membership, ...]) -> None:
        """All holdings files there are now: from the next round on those in force on its day are priced."""
        self._membership = membership

    def _choose(self) -> None:
        """Who is asked for in the round that begins, and kept of what the stream brings from now on."""
        now_ns = self._time.clock_ns()
        day = session_at(now_ns) or new_york_day(now_ns)
        asked = in_force(self._membership, day) - self._legs
        if asked and (asked, day) != (self._asked, self._day):
            # Nothing but a new session's prices ends the session before on screen.
            dropped = self._asked - asked
            kept = dropped if day != self._day else dropped | (self.symbols - self._asked)
            self._asked, self._day, self.symbols = asked, day, asked | kept
            self._known.keep(self.symbols)
        self._prints.want(self, self._asked, self._arrived.set)

    def _newest_closes(self) -> dict[str, float]:
        history = self.history()
        if self._closes is None or self._closes[0] is not history:
            newest = history.newest(history.symbols)
            self._closes = history, {spelled(symbol): close for symbol, close in newest.items()}
        return self._closes[1]

    @property
    def mode(self) -> Mode:
        """Late by a round; OFFLINE until a vendor has answered."""
        return OFFLINE if self._by is None else late_by(self._by.mode, ROUND_S["REGULAR"])

    def mode_of(self, symbol: str) -> Mode:
        """By a stream as good as its bars; else as ``mode``, of one symbol."""
        streamed = self._known.modes.get(symbol)
        if streamed is not None:
            return streamed
        return OFFLINE if self._by is None else late_by(mode_of(self._by, symbol), ROUND_S["REGULAR"])

    def tape(self) -> None:
        """None: it is live."""

    def stats(self) -> FeedStats:
        """What has been counted until now."""
        at_ns, known = self._at_ns, self._known
        return FeedStats(
            symbols=len(self._asked),
            subscribed=len(known.quotes.keys() & self._asked),
            quotes=self._quotes,
            age_s=None if at_ns is None else max(0.0, (self._time.clock_ns() - at_ns) / NS),
            gapped=len(known.gapped),
            conflated=self._prints.conflated,
            passed_over=self._prints.passed_over,
            rejects=known.rejects,
            last_reject=known.last_reject,
        )

    async def events(self) -> AsyncGenerator[Event, None]:
        """Prices that have changed, request by request and second by second, and how each round went."""
        if not self._vendors:
            yield Status(
                Kind.OFFLINE,
                "pricing members needs a key for Alpaca or Massive; see: rotation-tui config key set",
            )
            return
        await self._http.__aenter__()
        try:
            self._states, self._failures = None, 0
            self._prints.claim(self, self._arrived.set)
            async with aclosing(merged(self._rounds(), self._streamed())) as events:
                async for event in events:
                    yield event
        finally:
            self._prints.release(self)
            await self._http.aclose()

    # By rounds

    async def _rounds(self) -> AsyncGenerator[Event, None]:
        while True:
            round_s = ROUND_S.get(phase_at(self._time.clock_ns()))
            self._choose()
            if round_s is None:
                await self._time.sleep(LOOK_S)
                continue
            began_s = self._time.monotonic()
            channel = self._channel()
            due = self._known.due(self._asked, began_s, 0.0 if channel is None else QUIET_S - LOOK_S)
            names = sorted({*due, *(self._scale.waiting & self._asked)})
            made = _Round()
            async for event in self._round(names, made):
                yield event
            if names:
                self._failures = 0 if made.answers else self._failures + 1
            for event in self._changed_states():
                yield event
            has_failed = bool(names) and not made.answers
            wait_s = AGAIN_S[min(self._failures, len(AGAIN_S)) - 1] if has_failed else round_s
            wait_s = max(wait_s, made.after_s)
            yield self._status(made, wait_s, was_asked=bool(names))
            await self._time.sleep(max(PAUSE_S, wait_s - (self._time.monotonic() - began_s)))

    async def _round(self, names: Sequence[str], made: _Round) -> AsyncGenerator[Event, None]:
        """One look at these members; what went wrong is noted in ``made``."""
        for start in range(0, len(names), PER_REQUEST):
            asked = frozenset(names[start : start + PER_REQUEST])
            answer = await self._ask(asked, made)
            if answer is None:
                if made.is_over:
                    return
                continue
            made.answers += 1
            asked &= self._asked  # the list may have changed meanwhile
            changed, priced = self._known.on_answer(
                asked, answer, self._time.clock_ns(), self._time.monotonic()
            )
            made.priced |= priced
            if made.answers == 1:
                self._failures = 0
                self._states = None  # also the mode is known now
            assert self._by is not None  # it has answered
            async for event in self._given(self._by, changed, again=made.answers == 1):
                yield event
            if start + PER_REQUEST < len(names):
                await self._time.sleep(PAUSE_S)

    async def _ask(self, symbols: frozenset[str], made: _Round) -> tuple[Quote, ...] | None:
        """The first answer of a vendor; None if no vendor answers."""
        for vendor in self._vendors:
            try:
                quotes = await vendor.snapshot(symbols)
            except SourceError as error:
                log.warning("members: %s: %s", vendor.name, error)
                made.failed(error)
                continue
            self._by, self._at_ns = vendor, self._time.clock_ns()
            return quotes
        # The same would be said of the next two hundred: it is the source, or its limit.
        made.is_over = not made.answers or made.failures >= LOST_AFTER
        return None

    # By streams

    def _channel(self) -> MemberChannel | None:
        """How the stream brings members now; None where it does not."""
        return self._prints.channel(self, self._time.monotonic())

    async def _streamed(self) -> AsyncGenerator[Event, None]:
        """What streams have brought, once a second at most."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            await self._time.sleep(PAUSE_S)
            if self._prints.losses != self._losses:
                self._losses = self._prints.losses
                self._known.on_lost()
            now_ns, closes = self._time.clock_ns(), self._newest_closes()
            fresh = self._prints.take(self)
            changed = self._known.on_stream(fresh, closes, now_ns, self._time.monotonic())
            if changed:
                self._at_ns = now_ns
            for start in range(0, max(len(changed), 1), PART):
                part = changed[start : start + PART]
                async for event in self._given(self._by or self._vendors[0], part, again=False):
                    yield event
                if start + PART < len(changed):
                    await self._time.sleep(PART_PAUSE_S)

    # To the consumer

    async def _given(
        self, vendor: Vendor, changed: Sequence[Quote], *, again: bool
    ) -> AsyncGenerator[Event, None]:
        """Prices, after what they are worth and the scale of those that are far from history's."""
        for event in self._changed_states():
            yield event
        async with self._turn:  # rounds and streams may ask at the same time
            meaning = await self._scale.events(vendor, changed, self._time.clock_ns(), again=again)
        for scaled in meaning:
            yield scaled
        if changed:
            self._quotes += len(changed)
            yield Batch(tuple(changed))

    def _changed_states(self) -> list[Event]:
        """What prices are worth where that has changed since it was last said."""
        known = self._known
        states = known.states(self.symbols, is_offline=self._failures >= LOST_AFTER)
        if states == self._states and known.modes == self._modes:
            return []
        self._states, self._modes = states, dict(known.modes)
        return [SymbolStates(states)]

    def _status(self, made: _Round, wait_s: float, *, was_asked: bool) -> Status:
        channel = self._channel()
        if was_asked and not made.answers and channel is None:
            return Status(Kind.OFFLINE, f"{made.error}; next try in {wait_s:.0f} s")
        session = session_at(self._time.clock_ns())
        number = len(made.priced) if channel is None else self._known.priced(self._asked, session)
        priced = f"{number:,} of {counted(len(self._asked), 'member')} priced"
        scale = self._scale
        if made.error:
            return Status(Kind.GAPPED, f"{priced}; {made.error}; next round in {wait_s:.0f} s")
        if scale.unanswered:
            why = f"{scale.unanswered:,} not counted: splits unknown ({scale.error})"
            return Status(Kind.GAPPED, f"{priced}; {why}; next try in {wait_s:.0f} s")
        left_out = f"; {scale.unexplained:,} not counted: unexplained jump" if scale.unexplained else ""
        by = f" by {self._by.name}" if self._by else ""
        mode = self.mode
        if channel is not None:
            streamed = self._known.modes.keys() & self._asked
            by += f", {len(streamed):,} of them by {BARS[channel]}"
            # The worse of the two, since both are counted.
            modes = [mode, *(self._known.modes[symbol] for symbol in streamed)] if self._by else [mode]
            mode = max(modes, key=lambda each: (each.kind.severity, each.delay_s))
        return Status(mode.kind, f"{priced}{by}{left_out}", delay_s=mode.delay_s)


class _Round:
    """How one round went."""

    def __init__(self) -> None:
        self.answers = 0
        self.failures = 0
        self.priced: set[str] = set()
        self.error = ""
        self.after_s = 0.0
        """The source does not want to be asked before so many seconds."""
        self.is_over = False

    def failed(self, error: SourceError) -> None:
        self.failures += 1
        self.error = str(error)
        if isinstance(error, SourceAway) and not isinstance(error, KeyNeeded):
            self.after_s = max(self.after_s, error.after_s or 0.0)
