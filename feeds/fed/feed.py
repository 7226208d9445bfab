"""The Fed's loop: every source at its own pace, streams where there are any, news when something changed."""

from __future__ import annotations

import asyncio
import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from feeds.errors import InputError
from feeds.events import FedNews, Status
from feeds.fed.history import FedHistory
from feeds.fed.polymarket.stream import PolymarketStream
from rotation.fed.assemble import fed
from rotation.fed.inputs import Sourced
from rotation.sessions import new_york_day
from rotation.status import OFFLINE, Kind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from pathlib import Path

    from feeds.events import Event
    from feeds.fed.sources import FedSources
    from feeds.http.cached import Transport
    from rotation.fed.figures import Fed
    from rotation.fed.inputs import FedInputs, StripQuote
    from rotation.fed.strip.contracts import Month

log = logging.getLogger(__name__)

PACE_S = 1.0
"""News at most once a second."""
LOG_NS = 60 * 10**9
"""The log is offered what is new once a minute."""
EVERY_S = {
    "Yahoo": 120.0,
    "policy rate": 1800.0,
    "FOMC calendar": 43_200.0,
    "Kalshi": 60.0,
    "Polymarket": 120.0,
}
"""Between two refreshes of a source."""
AGAIN_S = 120.0
"""After one that failed: a desk older than its network must not miss the range for half an hour."""
TOKENS_S = 5.0
"""How often the list of Polymarket's contracts is looked at."""
REFUSED_S = 600.0
"""After a stream that was refused for good."""
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
        transport: Transport,
        gather: FedSources,
        store: Path,
        *,
        strip_stream: StripStream | None,
        clock_ns: Callable[[], int],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """``store``: folder of our own history. ``transport`` is the gather's; it is closed at the end."""
        self._transport = transport
        self._gather = gather
        self._book = FedHistory(store, clock_ns=clock_ns)
        self._strip_stream = strip_stream
        self._polymarket: PolymarketStream | None = None
        self._clock_ns = clock_ns
        self._sleep = sleep
        self._changed = asyncio.Event()
        self._logged_ns = 0
        self._remembered: object = None

    def tape(self) -> None:
        """It is live."""

    async def events(self) -> AsyncIterator[Event]:
        """News, at most once a second, and the sources' states when they change."""
        told = Status(self.mode.kind, "asking the sources")
        yield told
        async with self._transport, self._book:
            tasks = self._begin()
            try:
                while True:
                    await self._changed.wait()
                    self._changed.clear()
                    for task in tasks:
                        if task.done():
                            task.result()  # an error of ours ends the program, told
                    known = await self._news()
                    status = self._status(known)
                    if status != told:
                        told = status
                        yield status
                    if known is not None:
                        yield FedNews(known)
                    await self._sleep(PACE_S)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self) -> list[asyncio.Task[None]]:
        """A loop a source, and the streams'."""
        tasks = [asyncio.create_task(self._refresh(name), name=f"Fed {name}") for name in EVERY_S]
        tasks.append(asyncio.create_task(self._follow_polymarket(), name="Fed Polymarket"))
        if self._strip_stream is not None:
            tasks.append(asyncio.create_task(self._follow_strip(self._strip_stream), name="Fed strip"))
        for task in tasks:
            task.add_done_callback(lambda _: self._changed.set())
        return tasks

    async def once(self, limit_s: float = ONCE_S) -> tuple[FedInputs, int]:
        """Ask every source once, log what is due, and return what is known with its time."""
        async with self._transport, self._book:
            asked = [asyncio.ensure_future(ask()) for ask in self._gather.refreshes.values()]
            _, late = await asyncio.wait(asked, timeout=limit_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
            for name, task in zip(self._gather.refreshes, asked, strict=True):
                if task not in late:
                    task.result()
                else:
                    self._gather.sources[name] = Sourced("OFFLINE", None, f"no answer in {limit_s:.0f} s")
            await self._news()
            now_ns = self._clock_ns()
            return self._inputs(), now_ns

    async def _refresh(self, name: str) -> None:
        ask = self._gather.refreshes[name]
        while True:
            await ask()
            self._changed.set()
            failed = self._gather.sources[name].error
            await self._sleep(min(EVERY_S[name], AGAIN_S) if failed else EVERY_S[name])

    async def _follow_strip(self, stream: StripStream) -> None:
        async for _ in stream.events():
            self._changed.set()

    async def _follow_polymarket(self) -> None:
        """Its stream, opened anew when the venue lists other contracts."""
        while True:
            tokens = self._gather.tokens
            if not tokens:
                await self._sleep(TOKENS_S)
                continue
            self._polymarket = PolymarketStream(tokens, clock_ns=self._clock_ns)
            follower = asyncio.create_task(self._drain(self._polymarket), name="Fed Polymarket stream")
            try:
                while self._gather.tokens == tokens and not follower.done():
                    await self._sleep(TOKENS_S)
                if follower.done():
                    follower.result()
                    await self._sleep(REFUSED_S)
            finally:
                follower.cancel()
                await asyncio.gather(follower, return_exceptions=True)

    async def _drain(self, stream: PolymarketStream) -> None:
        async for _ in stream.events():
            self._changed.set()

    def _inputs(self) -> FedInputs:
        pushed = self._strip_stream.quotes if self._strip_stream else {}
        tokens = self._polymarket.quotes if self._polymarket else {}
        return self._gather.inputs(pushed, tokens)

    async def _news(self) -> Fed | None:
        """What is known now; with our own history once a minute, or when settlements or the range are new."""
        now_ns = self._clock_ns()
        basis = (self._gather.strip.charts, self._gather.range_bp)
        due = abs(now_ns - self._logged_ns) >= LOG_NS or basis != self._remembered
        if due:
            self._logged_ns, self._remembered = now_ns, basis
            await self._remember(now_ns)
        known = fed(self._inputs(), now_ns)
        if due and known is not None:
            with self._told():
                await self._book.log(known, now_ns)
        return known

    async def _remember(self, now_ns: int) -> None:
        """Keep what settled, and read back anchors and past probabilities."""
        gather, today = self._gather, new_york_day(now_ns)
        with self._told():
            await self._book.keep(gather.strip.charts)
            gather.expired = await self._book.expired(today)
            inputs = self._inputs()
            await self._book.log_settlements(inputs, gather.strip.charts, now_ns)
            meeting = min((day for day in inputs.fomc_dates if day >= today), default=None)
            gather.past = {meeting: await self._book.past(meeting, now_ns)} if meeting else {}
            gather.trouble = ""

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Trouble with our own file must not take the figures from the screen: it is a warning there."""
        try:
            yield
        except InputError as error:
            if self._gather.trouble != str(error):
                log.warning("%s", error)
            self._gather.trouble = str(error)

    def _status(self, known: Fed | None) -> Status:
        told = ", ".join(f"{name} {source.state}" for name, source in self._gather.sources.items())
        if known is None or known.status is None:
            return Status(Kind.OFFLINE, told)
        status = known.status
        # By the minute: a state is told anew only where its word changes.
        stale_s = status.age_s if status.kind is Kind.STALE else None
        age_s = None if stale_s is None else 60.0 * (stale_s // 60)
        return Status(status.kind, told, delay_s=status.delay_s, age_s=age_s)
