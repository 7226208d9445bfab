"""The time in which a hub holds the lease: it reads the vendors and publishes, until another takes over."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from feeds.hub.broker.lease import SILENT_S, Chain, CutOff, Lost
from feeds.hub.broker.tape_sender import TapeSender
from feeds.hub.publisher import Publisher
from feeds.hub.tape.writer import TapeWriter

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from nats.aio.client import Client

    from feeds.clock import Time
    from feeds.events import Event
    from feeds.hub.broker.lease import Claim
    from feeds.hub.broker.reports import Reports
    from feeds.hub.broker.tape_stream import Limits
    from feeds.supervisor import Supervisor

    Made = tuple[Supervisor, tuple[str, ...]]

log = logging.getLogger(__name__)

TICK_S = 0.1
"""Quotes of a symbol are conflated for so long."""
BEAT_S = 1.0
LEAVE_S = 1.0
TAPE_ENDS_S = 2.0
"""For the last second of the tape, once the vendors are no longer read."""


class Term:
    """``run`` it once."""

    def __init__(
        self,
        client: Client,
        claim: Claim,
        hub: str,
        reports: Reports,
        *,
        time: Time,
        tape: Limits | None,
        replicas: int,
    ) -> None:
        """``claim``: the lease. ``tape``: how much of it the server keeps; None where none is written."""
        self._client = client
        self._reports = reports
        self._time = time
        self._chain = Chain(client, hub, claim.newest, time)
        self._publisher = Publisher(epoch=claim.epoch, hub=hub, max_bytes=client.max_payload)
        self._writer: TapeWriter | None = None
        self._tape: TapeSender | None = None
        if tape is not None:
            self._writer = TapeWriter(epoch=claim.epoch, max_bytes=client.max_payload)
            self._tape = TapeSender(
                client,
                self._writer,
                tape,
                replicas=replicas,
                proved_s=lambda: self._chain.proved_s,
                time=time,
                report=reports.line,
            )

    async def run(self, make: Callable[[], Awaitable[Made]]) -> None:
        """Until the supervisor ends. Raises Lost where the lease is, and CutOff.

        ``make``: the supervisor over the vendors, and its legs.
        """
        self._reports.publishing()
        await self._chain.start()
        try:
            # It beats from the beginning: reading history takes seconds, no reason to lose the lease.
            pumping = asyncio.create_task(self._pump(), name="publish")
            running = asyncio.create_task(self._read(make), name="supervisor")
            taping = [] if self._tape is None else [asyncio.create_task(self._tape.run(), name="tape")]
            try:
                done, _ = await asyncio.wait({running, pumping}, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                for task in (running, *taping):
                    task.cancel()
                await asyncio.gather(running, *taping, return_exceptions=True)
                if self._is_ours and self._tape is not None:
                    await self._tape.finish(TAPE_ENDS_S)
                pumping.cancel()
                await asyncio.gather(pumping, return_exceptions=True)
                if self._is_ours:
                    await self._leave()
        finally:
            await self._chain.stop()

    @property
    def _is_ours(self) -> bool:
        return self._client.is_connected and not self._chain.is_lost

    async def _read(self, make: Callable[[], Awaitable[Made]]) -> None:
        """Read the vendors."""
        supervisor, legs = await make()
        self._publisher.attach(supervisor, legs)
        supervisor.observer = self._observe
        await supervisor.run()

    def _observe(self, feed: str, event: Event, as_of_ns: int) -> None:
        self._publisher.observe(feed, event, as_of_ns)
        if self._writer is not None:
            self._writer.take(feed, event, as_of_ns)

    async def _pump(self) -> None:
        """Send every tick. Raises Lost, and CutOff once another hub may read the vendors in our place."""
        client, chain, publisher = self._client, self._chain, self._publisher
        beats_s, connected_s = 0.0, self._time.monotonic()
        while True:
            now_s, as_of_ns = self._time.monotonic(), self._time.clock_ns()
            if client.is_connected:
                connected_s = now_s
            if client.is_closed or now_s - connected_s > SILENT_S:
                raise CutOff
            if chain.is_resumed:
                chain.is_resumed = False
                publisher.again()
            elif chain.is_unsure:
                publisher.repeat_quotes()
            chain.is_unsure = False
            out = publisher.collect(as_of_ns)
            if now_s >= beats_s or chain.wants_beat:
                publisher.own_rows = () if self._tape is None else self._tape.rows()
                out.append(publisher.beat(as_of_ns))
                beats_s = now_s + BEAT_S
            try:
                await chain.send(out)
            except Lost:
                chain.is_lost = True
                raise
            self._reports.keeping(chain)
            await asyncio.sleep(TICK_S)

    async def _leave(self) -> None:
        """Say that this hub ends, so that the next one need not wait."""
        from nats import errors  # noqa: PLC0415 - an extra

        try:
            async with asyncio.timeout(LEAVE_S):
                await self._chain.send([self._publisher.beat(self._time.clock_ns(), is_leaving=True)])
                await self._client.flush()
        except (Lost, errors.Error, TimeoutError, OSError):
            log.info("hub: its end could not be announced")
