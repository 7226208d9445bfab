"""The hub itself: wait for the lease, read the vendors, publish every tick until another takes over."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING

from feeds.clock import Time
from feeds.errors import UnavailableError
from feeds.hub.broker import kept
from feeds.hub.broker.connection import Access, check, connect
from feeds.hub.broker.lease import RESUME_S, CutOff, Lease, Lost
from feeds.hub.broker.reports import Reports
from feeds.hub.broker.term import Term

if TYPE_CHECKING:
    from collections.abc import Callable

    from nats.aio.client import Client

    from feeds.hub.broker.tape_stream import Limits
    from feeds.hub.broker.term import Made

FRESH_S = 10.0
"""What was made at the start is used if the lease comes so soon; its history may be old later."""


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
        self._built: tuple[Made, float] | None = None
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
                on_connected=self._reports.connected_again,
                on_lost=self._reports.lost,
                on_error=self._reports.error,
            )
            self._reports.connected()
            try:
                has_ended = await self._serve(client)
            finally:
                self._reports.closed()
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
                claim = await Lease(client, self._name, self._time).acquire()
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
            except UnavailableError as error:
                if client.is_closed:
                    raise CutOff from error
                if str(error) != message:
                    message = str(error)
                    self._report(message)
                await asyncio.sleep(RESUME_S)
            else:
                return

    async def _made(self) -> Made:
        """What reads the vendors: that of the start, while it is fresh."""
        built, self._built = self._built, None
        if built is not None and self._time.monotonic() - built[1] <= FRESH_S:
            return built[0]
        return await asyncio.to_thread(self._make)
