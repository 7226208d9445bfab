"""The hub itself: wait for the lease, read the vendors, publish every tick until another takes over."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING

from feeds.clock import Time
from feeds.errors import UnavailableError
from feeds.hub.broker import kept, stream_check
from feeds.hub.broker.connection import Access, check, connect
from feeds.hub.broker.lease import RESUME_S, CutOff, Lease, Lost
from feeds.hub.broker.reports import Reports
from feeds.hub.broker.term import Term

if TYPE_CHECKING:
    from collections.abc import Callable

    from nats.aio.client import Client

    from feeds.hub.broker.tape_stream import Limits
    from feeds.hub.broker.term import Made

FRESH_S = 60.0
"""What was made ready is used if the lease comes so soon; its history may be old later."""


class Hub:
    """``run`` it until it is cancelled."""

    def __init__(
        self,
        access: Access,
        make: Callable[[], Made],
        report: Callable[[str], None],
        *,
        replicas: int = 1,
        tape: Limits | None = None,
        time: Time | None = None,
    ) -> None:
        """``make``: a supervisor over the vendors and its legs, called in a thread at start and take-over.

        ``report``: given lines for the person who runs it. ``tape``: how much of the tape the server keeps;
        None where none is written. Raises InputError as ``check`` does.
        """
        check(access)
        self._access = access
        self._make = make
        self._report = report
        self._replicas = replicas
        self._tape = tape
        self._time = time or Time()
        self._name = secrets.token_hex(8)
        self._reports = Reports(report)
        self._building: asyncio.Task[Made] | None = None
        """What reads the vendors, made ready or about to be; None once it is used."""
        self._built_s = 0.0
        """When that was begun."""

    async def run(self) -> None:
        """Publish for as long as the lease is ours, wait for it otherwise; until the feeds have ended.

        Raises InputError for bad input before it waits for anything, and what the supervisor raises.
        """
        try:
            # A standby learns of bad input now, and not once it is needed.
            await self._prepared()
            while not await self._connected():
                pass
        finally:
            if self._building is not None:
                self._building.cancel()
                await asyncio.gather(self._building, return_exceptions=True)
        self._report("the feeds have ended, and so has this hub")

    async def _connected(self) -> bool:
        """One client, for as long as it can be connected; whether the feeds have ended."""
        client = await connect(
            self._access,
            name="rotation-tui hub",
            on_connected=self._reports.connected_again,
            on_lost=self._reports.lost,
            on_error=self._reports.error,
        )
        self._reports.connected()
        try:
            return await self._serve(client)
        finally:
            self._reports.closed()
            await client.close()

    def _prepare(self) -> None:
        """Have what reads the vendors ready, and not older than FRESH_S."""
        now_s = self._time.monotonic()
        if self._building is not None and not self._building.done():
            return
        if self._building is None or self._building.exception() or now_s - self._built_s > FRESH_S:
            self._built_s = now_s
            self._building = asyncio.create_task(asyncio.to_thread(self._make), name="build")

    async def _prepared(self) -> Made:
        """What reads the vendors, made now or a moment ago; it stays ready."""
        self._prepare()
        assert self._building is not None
        return await asyncio.shield(self._building)

    async def _made(self) -> Made:
        """The same, to be used: the next one is made anew."""
        made = await self._prepared()
        self._building = None
        return made

    async def _serve(self, client: Client) -> bool:
        """Whether the feeds have ended; False where the client will never be connected again."""
        try:
            await self._ensure(client)
            while True:
                self._report("waiting until no other hub is publishing")
                claim = await Lease(client, self._name, self._time).acquire(self._prepare)
                self._report(f"publishing as hub {self._name}, epoch {claim.epoch}")
                term = Term(
                    client,
                    claim,
                    self._name,
                    self._reports,
                    time=self._time,
                    tape=self._tape,
                    replicas=self._replicas,
                )
                try:
                    await term.run(self._made)
                except Lost:
                    self._report("another hub has taken over; this one no longer reads the vendors")
                except CutOff:
                    self._report("no connection to the NATS server; this hub no longer reads the vendors")
                    self._prepare()
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
