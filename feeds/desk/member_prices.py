"""Prices of an index's members, asked for in rounds: breadth of today without a subscription for each.

A few hundred symbols go into one request, so a round of 2,000 is ten requests; nothing is asked outside of
trading hours. What is asked in rounds is late by a round, and says so.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING

import msgspec

from feeds.desk.asked import Asked, far_from, is_made, meaning, scale_of, worth_of
from feeds.desk.member_scale import MemberScale
from feeds.errors import KeyNeeded, SourceAway, SourceError
from feeds.events import Batch, Status, SymbolStates
from feeds.streaming.requests import Reference
from feeds.streaming.vendor import mode_of
from rotation.breadth.members import in_force, spelled
from rotation.feed_stats import FeedStats
from rotation.quote import NS
from rotation.sessions import new_york_day, phase_at, session_at
from rotation.status import OFFLINE, Kind, Mode
from rotation.text import counted

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping, Sequence
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
LOOK_S = 30.0
"""How often the clock is looked at while the exchange is closed."""
PER_REQUEST = 200
PAUSE_S = 1.0
"""Between two requests of a round."""
AGAIN_S = (60.0, 120.0, 300.0, 900.0)
"""After rounds without any answer."""
LOST_AFTER = 2
"""So many rounds in a row without an answer make every price OFFLINE; until then it only grows old."""
MANY_AT_ONCE = ("Alpaca", "Alpaca SIP", "Massive")
"""Beginnings of the names of vendors that answer for hundreds of symbols in one request."""


def able(vendors: Iterable[Vendor]) -> list[Vendor]:
    """Those that can be asked for thousands of symbols; the others would need a request for each."""
    return [vendor for vendor in vendors if vendor.name.startswith(MANY_AT_ONCE)]


class MemberPrices:
    """A stream of what members cost, by the first vendor that answers."""

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
    ) -> None:
        """``vendors``: first choice first. ``http`` is theirs, closed at the end.

        ``symbols``: who is priced until ``take_members`` says more; ``legs`` have a stream of their own.
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
        self._time = time
        self._known: dict[str, Quote] = {}
        """The newest quote given of each symbol."""
        self._by: Vendor | None = None
        """Who answered last."""
        self._quotes = self._rejects = 0
        self._last_reject = ""
        self._at_ns: int | None = None
        """When the latest answer came."""

    def take_members(self, membership: tuple[Membership, ...]) -> None:
        """All holdings files there are now: from the next round on those in force on its day are priced."""
        self._membership = membership

    def _choose(self) -> None:
        """Who is asked for in the round that begins."""
        now_ns = self._time.clock_ns()
        day = session_at(now_ns) or new_york_day(now_ns)
        asked = in_force(self._membership, day) - self._legs
        if not asked or (asked, day) == (self._asked, self._day):
            return
        # Nothing but a new session's prices ends the session before on screen.
        dropped = self._asked - asked
        kept = dropped if day != self._day else dropped | (self.symbols - self._asked)
        self._asked, self._day, self.symbols = asked, day, asked | kept
        for symbol in self._known.keys() - self.symbols:
            del self._known[symbol]

    def _newest_closes(self) -> dict[str, float]:
        history = self.history()
        if self._closes is None or self._closes[0] is not history:
            newest = history.newest(history.symbols)
            self._closes = history, {spelled(symbol): close for symbol, close in newest.items()}
        return self._closes[1]

    @property
    def mode(self) -> Mode:
        """Late by a round; OFFLINE until a vendor has answered."""
        return OFFLINE if self._by is None else _late(self._by.mode)

    def mode_of(self, symbol: str) -> Mode:
        """As ``mode``, of one symbol."""
        return OFFLINE if self._by is None else _late(mode_of(self._by, symbol))

    def tape(self) -> None:
        """None: it is live."""

    def stats(self) -> FeedStats:
        """What has been counted until now."""
        at_ns = self._at_ns
        return FeedStats(
            symbols=len(self._asked),
            subscribed=len(self._known.keys() & self._asked),
            quotes=self._quotes,
            age_s=None if at_ns is None else max(0.0, (self._time.clock_ns() - at_ns) / NS),
            rejects=self._rejects,
            last_reject=self._last_reject,
        )

    async def events(self) -> AsyncIterator[Event]:
        """Prices that have changed, request by request, and after each round how it went."""
        if not self._vendors:
            yield Status(
                Kind.OFFLINE,
                "pricing members needs a key for Alpaca or Massive; see: rotation-tui config key set",
            )
            return
        await self._http.__aenter__()
        try:
            failures = 0
            while True:
                round_s = ROUND_S.get(phase_at(self._time.clock_ns()))
                if round_s is None:
                    await self._time.sleep(LOOK_S)
                    continue
                began_s = self._time.monotonic()
                made = _Round()
                async for event in self._round(made):
                    yield event
                failures = 0 if made.answers else failures + 1
                if failures == LOST_AFTER:
                    yield SymbolStates(dict.fromkeys(self.symbols, Kind.OFFLINE))
                wait_s = round_s if made.answers else AGAIN_S[min(failures, len(AGAIN_S)) - 1]
                wait_s = max(wait_s, made.after_s)
                yield self._status(made, wait_s)
                await self._time.sleep(max(PAUSE_S, wait_s - (self._time.monotonic() - began_s)))
        finally:
            await self._http.aclose()

    async def _round(self, made: _Round) -> AsyncGenerator[Event, None]:
        """One look at every member; what went wrong is noted in ``made``."""
        self._choose()
        names = sorted(self._asked)
        for start in range(0, len(names), PER_REQUEST):
            asked = frozenset(names[start : start + PER_REQUEST])
            answer = await self._ask(asked, made)
            if answer is None:
                if made.is_over:
                    return
                continue
            made.answers += 1
            if made.answers == 1:
                yield SymbolStates({})  # also the mode is known now
            changed = self._changed(answer, made)
            assert self._by is not None  # it has answered
            for event in await self._scale.events(
                self._by, changed, self._time.clock_ns(), again=made.answers == 1
            ):
                yield event
            if changed:
                self._quotes += len(changed)
                yield Batch(changed)
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

    def _changed(self, answer: Sequence[Quote], made: _Round) -> tuple[Quote, ...]:
        """Those that are plausible, of our symbols, and newer than the one given before."""
        now_ns = self._time.clock_ns()
        session = session_at(now_ns)
        changed = []
        for quote in answer:
            if quote.symbol not in self._asked:
                self._reject("a symbol that was not requested")
            elif not is_made(quote, now_ns):
                self._reject("no current price")
            else:
                if (
                    session_at(quote.ts_ns) == session
                ):  # the last print of a halted or delisted share is older
                    made.priced.add(quote.symbol)
                known = self._known.get(quote.symbol)
                if known is None or (known.ts_ns, known.price) != (quote.ts_ns, quote.price):
                    if known is not None and quote.ts_ns < known.ts_ns:
                        self._reject("an older price than the one known")
                        continue
                    self._known[quote.symbol] = quote
                    changed.append(quote)
        return tuple(changed)

    def _reject(self, why: str) -> None:
        self._rejects += 1
        self._last_reject = why

    def _status(self, made: _Round, wait_s: float) -> Status:
        if not made.answers:
            return Status(Kind.OFFLINE, f"{made.error}; next try in {wait_s:.0f} s")
        priced = f"{len(made.priced):,} of {counted(len(self._asked), 'member')} priced"
        mode, scale = self.mode, self._scale
        if made.error:
            return Status(Kind.GAPPED, f"{priced}; {made.error}; next round in {wait_s:.0f} s")
        if scale.unanswered:
            why = f"{scale.unanswered:,} not counted: splits unknown ({scale.error})"
            return Status(Kind.GAPPED, f"{priced}; {why}; next try in {wait_s:.0f} s")
        left_out = f"; {scale.unexplained:,} not counted: unexplained jump" if scale.unexplained else ""
        by = self._by.name if self._by else ""
        return Status(mode.kind, f"{priced} by {by}{left_out}", delay_s=mode.delay_s)


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


@cache
def _late(mode: Mode) -> Mode:
    """What a vendor's prices are worth when they are asked for in rounds."""
    return msgspec.structs.replace(mode, kind=Kind.DELAYED, delay_s=mode.delay_s + ROUND_S["REGULAR"])


async def asked_once(
    vendors: Sequence[Vendor],
    symbols: Iterable[str],
    limit_s: float,
    *,
    closes: Mapping[str, float],
    clock_ns: Callable[[], int],
) -> Asked:
    """One round for a single snapshot; what is not answered within the limit is left out.

    ``closes``: history's latest, by symbol.
    """
    names, asked = sorted(symbols), Asked()
    with suppress(TimeoutError):
        async with asyncio.timeout(limit_s):
            for vendor in able(vendors):
                try:
                    for start in range(0, len(names), PER_REQUEST):
                        wanted = frozenset(names[start : start + PER_REQUEST])
                        newest = await vendor.snapshot(wanted)
                        ours = (quote for quote in newest if quote.symbol in wanted)
                        worth = worth_of(ours, vendor, clock_ns())
                        # Until the vendor has said why, what is far counts as split: time may be over.
                        doubts = meaning(Reference(), far_from(worth, closes))
                        asked = Asked(asked.quotes | worth, (*asked.scale, *doubts))
                except SourceError as error:
                    log.warning("members: %s: %s", vendor.name, error)
                if asked.quotes:
                    far = far_from(asked.quotes, closes)
                    asked = Asked(asked.quotes, await scale_of(vendor, far))
                    break
    return asked
