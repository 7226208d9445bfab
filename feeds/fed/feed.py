"""The Fed's loop: every source at its own pace, streams where there are any, news when something changed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from feeds.events import FedNews, Status
from feeds.fed import strip_pace
from feeds.fed.history import FedHistory
from feeds.fed.polymarket.follow import PolymarketFollower
from feeds.refresh import Alarm
from rotation.fed.assemble import fed
from rotation.fed.records import combine
from rotation.quote import NS
from rotation.status import OFFLINE, Kind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from feeds.events import Event
    from feeds.fed.sources import FedSources
    from feeds.http.cached import CachedClient
    from rotation.fed.figures import Fed
    from rotation.fed.inputs import FedInputs, StripQuote
    from rotation.fed.records import SourcesRecord
    from rotation.fed.strip.contracts import Month

PACE_S = 1.0
"""News at most once a second."""
LOG_NS = 60 * 10**9
"""The log is offered what is new once a minute."""
STRIP = "Yahoo"
EVERY_S = {
    STRIP: strip_pace.EVERY_S,
    "policy rate": 1800.0,
    "FOMC calendar": 43_200.0,
    "Kalshi": 60.0,
    "Polymarket": 120.0,
}
"""Between two requests to a source; the strip's are further apart while a stream brings it."""
AGAIN_S = 120.0
"""After one that failed: a desk older than its network must not miss the range for half an hour."""
SOONEST_S = {STRIP: 60.0, "policy rate": 60.0, "Kalshi": 15.0, "Polymarket": 15.0}
"""Not sooner after an answer, whoever wishes for another; who is not here is asked in its own time alone."""
WISHED = {STRIP: "futures"}
"""What a wish calls a source, where the quotes have one of that name, too."""
ONCE_S = 25.0
"""What answers later than this is left out of a single table."""


class StripStream(Protocol):
    """Pushed quotes of the strip."""

    quotes: dict[Month, StripQuote]
    """The newest of each contract."""

    def events(self) -> AsyncIterator[object]:
        """Anything, whenever a quote or the state has changed, until cancelled."""
        ...


class FedFeed:
    """A feed (``feeds.events.Feed``) of FedNews. It does not end, and never raises for what a source does."""

    name = "Fed"
    mode = OFFLINE
    """Until a source has answered."""

    def __init__(
        self,
        http: CachedClient,
        sources: FedSources,
        store: Path,
        *,
        strip_stream: StripStream | None,
        clock_ns: Callable[[], int],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """``store``: folder of our own history. ``http``: that of the sources, closed at the end."""
        self._http = http
        self._sources = sources
        self._history = FedHistory(store, clock_ns=clock_ns)
        self._strip_stream = strip_stream
        self._clock_ns = clock_ns
        self._sleep = sleep
        self._changed = asyncio.Event()
        self._alarms = {name: Alarm(sleep) for name in EVERY_S}
        self._asked_ns: dict[str, int] = {}
        """When each source was last asked."""
        self._polymarket = PolymarketFollower(
            lambda: sources.tokens, self._changed.set, clock_ns=clock_ns, sleep=sleep
        )
        self._pushed_ns: int | None = None
        """When the stream last brought a price."""
        self._logged_ns = 0
        self._logged_basis: object = None

    def tape(self) -> None:
        """None: it is live."""

    def ask_now(self) -> tuple[str, ...]:
        """Ask those that wait for their time; see ``feeds.refresh``."""
        now_ns = self._clock_ns()
        due = [
            name
            for name, soonest_s in SOONEST_S.items()
            if self._alarms[name].is_waiting and now_ns - self._asked_ns[name] >= soonest_s * NS
        ]
        for name in due:
            self._alarms[name].ring()
        return tuple(WISHED.get(name, name) for name in due)

    async def events(self) -> AsyncIterator[Event]:
        """News, at most once a second, and the sources' states when they change.

        Raises what an error of our own in one of the loops raises.
        """
        shown = Status(self.mode.kind, "asking the sources")
        yield shown
        async with self._http, self._history:
            loops = asyncio.create_task(self._loops(), name="Fed")
            try:
                while True:
                    await self._changed.wait()
                    self._changed.clear()
                    if loops.done():
                        loops.result()
                    known = await self._news()
                    status = self._status(known)
                    if status != shown:
                        shown = status
                        yield status
                    if known is not None:
                        yield FedNews(known)
                    await self._sleep(PACE_S)
            finally:
                loops.cancel()
                await asyncio.wait([loops])
                if not loops.cancelled():
                    loops.result()

    async def once(self, limit_s: float = ONCE_S) -> tuple[FedInputs, int]:
        """Ask every source once, log what is due, and return what is known with its time."""
        async with self._http, self._history:
            await self._sources.ask_all(limit_s)
            await self._news()
            now_ns = self._clock_ns()
            return self._inputs(now_ns), now_ns

    async def _loops(self) -> None:
        """A loop a source, and the streams', until one of them fails; then its error."""
        try:
            async with asyncio.TaskGroup() as group:
                for name in EVERY_S:
                    group.create_task(self._ask(name), name=f"Fed {name}")
                group.create_task(self._polymarket.run(), name="Fed Polymarket follower")
                if self._strip_stream is not None:
                    group.create_task(self._follow_strip(self._strip_stream), name="Fed strip")
        except BaseExceptionGroup as errors:
            raise _first(errors) from errors
        finally:
            self._changed.set()

    async def _ask(self, name: str) -> None:
        while True:
            answered = await self._sources.ask(name)
            self._asked_ns[name] = self._clock_ns()
            self._changed.set()
            if answered and name == STRIP:
                await self._until_strip_is_due()
            else:
                await self._alarms[name].wait(EVERY_S[name] if answered else min(EVERY_S[name], AGAIN_S))

    async def _until_strip_is_due(self) -> None:
        asked_ns = self._clock_ns()
        while left_s := strip_pace.wait_s(self._clock_ns(), asked_ns, self._pushed_ns):
            if await self._alarms[STRIP].wait(min(left_s, strip_pace.EVERY_S)):
                return

    async def _follow_strip(self, stream: StripStream) -> None:
        async for event in stream.events():
            if not isinstance(event, Status):
                self._pushed_ns = self._clock_ns()
            self._changed.set()

    def _record(self) -> SourcesRecord:
        pushed = self._strip_stream.quotes if self._strip_stream else {}
        return self._sources.record(pushed, self._polymarket.quotes)

    def _inputs(self, now_ns: int) -> FedInputs:
        return combine(self._record(), self._history.record, now_ns)

    async def _news(self) -> Fed | None:
        """What is known now; with our own history once a minute, or when settlements or the range are new."""
        now_ns = self._clock_ns()
        sources, charts = self._record(), self._sources.charts
        basis = (charts, sources.ranges)
        due = abs(now_ns - self._logged_ns) >= LOG_NS or basis != self._logged_basis
        if due:
            self._logged_ns, self._logged_basis = now_ns, basis
            await self._history.update(sources, charts, now_ns)
        inputs = self._inputs(now_ns)
        known = fed(inputs, now_ns)
        # While the range after a decision is not published, outcomes would be logged under wrong names.
        if due and known is not None and not inputs.range_overdue:
            await self._history.log(known, now_ns)
        return known

    def _status(self, known: Fed | None) -> Status:
        states = self._record().states
        detail = ", ".join(f"{name} {source.state}" for name, source in states.items())
        if known is None or known.status is None:
            return Status(Kind.OFFLINE, detail)
        status = known.status
        # By the minute: the state is yielded anew only where its word changes.
        stale_s = status.age_s if status.kind is Kind.STALE else None
        age_s = None if stale_s is None else 60.0 * (stale_s // 60)
        return Status(status.kind, detail, delay_s=status.delay_s, age_s=age_s)


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first error of a group, however deep."""
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
