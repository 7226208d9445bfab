"""The hub itself: wait for the lease, read the vendors, publish every tick until another takes over."""

from __future__ import annotations

import asyncio
import logging
import secrets
from typing import TYPE_CHECKING

from feeds.clock import Time
from feeds.errors import UnavailableError
from feeds.hub.broker import kept, stream_check
from feeds.hub.broker.connection import Access, Cause, cause, check, connect, reason
from feeds.hub.broker.lease import RESUME_S, SILENT_S, Chain, CutOff, Lease, Lost
from feeds.hub.publisher import Publisher

if TYPE_CHECKING:
    from collections.abc import Callable

    from nats.aio.client import Client

    from feeds.supervisor import Supervisor

log = logging.getLogger(__name__)

TICK_S = 0.1
"""Quotes of a symbol are conflated for so long."""
BEAT_S = 1.0
FRESH_S = 10.0
"""What was made at the start is used if the lease comes so soon; its history may be old later."""


class Hub:
    """``run`` it until it is cancelled."""

    def __init__(
        self,
        access: Access,
        make: Callable[[], tuple[Supervisor, tuple[str, ...]]],
        report: Callable[[str], None],
        *,
        replicas: int = 1,
        time: Time | None = None,
    ) -> None:
        """``make``: a supervisor over the vendors and its legs, called in a thread at start and take-over.

        ``report``: given lines for the person who runs it. Raises InputError as ``check`` does.
        """
        check(access)
        self._access = access
        self._make = make
        self._report = report
        self._replicas = replicas
        self._time = time or Time()
        self._name = secrets.token_hex(8)
        self._is_refused = False
        self._refusals = 0
        self._kept_s = 0.0
        self._is_connected = False
        self._problem = ""
        """Why there is no connection, or none that can be used, as it was last reported; "" otherwise."""
        self._built: tuple[tuple[Supervisor, tuple[str, ...]], float] | None = None
        """What was made to see whether it can be, and when; None once it is used."""

    async def run(self) -> None:
        """Publish for as long as the lease is ours, wait for it otherwise; until the feeds have ended.

        Raises InputError for bad input before it waits for anything, and what the supervisor raises.
        """
        await self._build()
        has_ended = False
        while not has_ended:
            client = await connect(
                self._access,
                name="rotation-tui hub",
                on_connected=self._connected,
                on_lost=self._lost,
                on_error=self._error,
            )
            self._is_connected, self._problem = True, ""
            try:
                has_ended = await self._serve(client)
            finally:
                self._is_connected = False
                await client.close()
        self._report("the feeds have ended, and so has this hub")

    async def _build(self) -> None:
        """Make what reads the vendors: a standby learns of bad input now, and not once it is needed."""
        self._built = await asyncio.to_thread(self._make), self._time.monotonic()

    async def _serve(self, client: Client) -> bool:
        """Whether the feeds have ended; False where the client will never be connected again."""
        try:
            await self._ensure(client)
            while True:
                self._report("waiting until no other hub is publishing")
                epoch, newest = await Lease(client, self._name, self._time).acquire()
                self._report(f"publishing as hub {self._name}, epoch {epoch}")
                try:
                    await self._publish(client, epoch, newest)
                except Lost:
                    self._report("another hub has taken over; this one no longer reads the vendors")
                except CutOff:
                    self._report("no connection to the NATS server; this hub no longer reads the vendors")
                    if client.is_closed:
                        return False
                else:
                    return True
        except CutOff:
            return False

    async def _ensure(self, client: Client) -> None:
        """Have a stream. Raises CutOff."""
        message = ""
        while True:
            try:
                await kept.ensure(client, replicas=self._replicas)
                await stream_check.check_stream(client)
            except UnavailableError as error:
                if client.is_closed:
                    raise CutOff from error
                if str(error) != message:
                    message = str(error)
                    self._report(message)
                await asyncio.sleep(RESUME_S)
            else:
                return

    async def _publish(self, client: Client, epoch: int, newest: int) -> None:
        """Until the supervisor ends. Raises Lost where the lease is, and CutOff."""
        chain = Chain(client, self._name, newest, self._time)
        self._refusals = 0
        await chain.start()
        try:
            publisher = Publisher(epoch=epoch, hub=self._name, max_bytes=client.max_payload)
            # It beats from the beginning: reading history takes seconds, no reason to lose the lease.
            pumping = asyncio.create_task(self._pump(client, chain, publisher), name="publish")
            running = asyncio.create_task(self._read(publisher), name="supervisor")
            try:
                done, _ = await asyncio.wait({running, pumping}, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                running.cancel()
                pumping.cancel()
                await asyncio.gather(running, pumping, return_exceptions=True)
                if client.is_connected and not chain.is_lost:
                    await self._leave(client, chain, publisher)
        finally:
            await chain.stop()

    async def _read(self, publisher: Publisher) -> None:
        """Read the vendors."""
        built, self._built = self._built, None
        if built is not None and self._time.monotonic() - built[1] <= FRESH_S:
            supervisor, legs = built[0]
        else:
            supervisor, legs = await asyncio.to_thread(self._make)
        publisher.attach(supervisor, legs)
        supervisor.observer = publisher.observe
        await supervisor.run()

    async def _pump(self, client: Client, chain: Chain, publisher: Publisher) -> None:
        """Send every tick. Raises Lost, and CutOff once another hub may read the vendors in our place."""
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
            out = publisher.collect(as_of_ns)
            if now_s >= beats_s:
                out.append(publisher.beat(as_of_ns))
                beats_s = now_s + BEAT_S
            try:
                await chain.send(out)
            except Lost:
                chain.is_lost = True
                raise
            self._report_keeping(chain)
            await asyncio.sleep(TICK_S)

    def _report_keeping(self, chain: Chain) -> None:
        """Tell the person once that the server keeps nothing, and once that it does again."""
        if chain.refusals > self._refusals and not self._is_refused:
            self._is_refused = True
            if not self._problem:  # it says why
                self._report("the NATS server is not storing messages; only connected viewers receive them")
        elif self._is_refused and chain.refusals == self._refusals and chain.kept_s > self._kept_s:
            self._is_refused, self._problem = False, ""
            self._report("the NATS server is storing messages again")
        self._refusals, self._kept_s = chain.refusals, chain.kept_s

    async def _leave(self, client: Client, chain: Chain, publisher: Publisher) -> None:
        """Say that this hub ends, so that the next one need not wait."""
        from nats import errors  # noqa: PLC0415 - an extra

        try:
            async with asyncio.timeout(1.0):
                await chain.send([publisher.beat(self._time.clock_ns(), is_leaving=True)])
                await client.flush()
        except (Lost, errors.Error, TimeoutError, OSError):
            log.info("hub: its end could not be announced")

    async def _connected(self) -> None:
        self._is_connected, self._problem = True, ""
        self._report("connected to the NATS server again")

    async def _lost(self) -> None:
        self._is_connected = False
        self._report("the connection to the NATS server was lost")

    async def _error(self, error: Exception) -> None:
        """Say why there is no connection once, however often it is tried."""
        message = reason(error)
        if message == self._problem:
            return
        # A refusal is followed by errors of the socket, which say less.
        if self._problem and cause(error).says_little:
            return
        log.warning("hub: %s: %s", message, type(error).__name__)
        if not self._is_connected or cause(error) is Cause.DENIED:
            self._problem = message
            self._report(message)
