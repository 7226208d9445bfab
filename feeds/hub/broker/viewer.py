"""A hub's market as a feed: listen, fetch what the server keeps, keep the newer of the two; ask no vendor."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from feeds.clock import Time
from feeds.errors import UnavailableError
from feeds.hub.broker import kept
from feeds.hub.broker.connection import Access, Cause, cause, check, connect, reason
from feeds.hub.receiver import NAME, Receiver
from feeds.hub.wire import subjects
from rotation.status import LIVE

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from nats.aio.client import Client
    from nats.aio.msg import Msg

    from feeds.events import Event
    from rotation.breadth.members import Membership
    from rotation.status import Mode

log = logging.getLogger(__name__)

PACE_S = 0.04
"""What comes within so much time is handed on together."""
LOOK_S = 0.2
"""Between two looks whether the hub has gone silent."""
CONNECTING = "connecting to the NATS server"
LOST = "the connection to the NATS server was lost"
AGAIN_S = 0.25
"""Between two tries to fetch the last values."""
DENIED_S = 5.0
"""Before the next try where the server has denied a permission: it may be granted meanwhile."""


async def _nobody(membership: tuple[Membership, ...]) -> None:
    """Nobody wants to know."""
    del membership


def _untold(lacking: tuple[str, ...]) -> None:
    """Nobody is to be told."""
    del lacking


class HubFeed:
    """A ``feeds.events.Feed`` of everything that a hub publishes."""

    def __init__(self, access: Access, time: Time | None = None, named: frozenset[str] = frozenset()) -> None:
        """``named``: the symbols of which it is said that the hub does not bring them, where it does not.

        Raises InputError for an address or a file that cannot be used.
        """
        check(access)
        self._access = access
        self._time = time or Time()
        self._wake = asyncio.Event()
        self.receiver = Receiver()
        self.receiver.named = named
        self._is_denied = False
        """Whether the server has denied a permission on this connection."""
        self.has_shown = False
        """Whether the whole market has been handed on."""
        self.on_members: Callable[[tuple[Membership, ...]], Awaitable[None]] = _nobody
        self.on_lacking: Callable[[tuple[str, ...]], None] = _untold
        """Given the symbols named that the hub does not bring, whenever they are others and there are any."""
        self._lacking: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Of its row on the Health panel."""
        return NAME

    @property
    def mode(self) -> Mode:
        """LIVE; what each price is worth is the hub's matter."""
        return LIVE

    @property
    def access(self) -> Access:
        """Where it listens, and as whom."""
        return self._access

    @property
    def fault(self) -> str:
        """Why nothing comes, in words; empty while the hub is heard."""
        return self.receiver.fault(self._time.now().s)

    def tape(self) -> None:
        """None: it is live."""

    def hub_clock_ns(self) -> int:
        """The hub's clock."""
        return self.receiver.clock_ns(self._time.now())

    async def events(self) -> AsyncGenerator[Event]:
        """What the hub says, for ever."""
        self.receiver.restarted(self._time.now())
        self.receiver.problem = CONNECTING
        task = asyncio.create_task(self._keep_connected(), name="nats")
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_S):
                        await self._wake.wait()
                self._wake.clear()
                members = self.receiver.new_members()
                if members is not None:
                    await self.on_members(members)
                now = self._time.now()
                is_complete = self.receiver.is_complete and self.receiver.has_settled(now.s)
                if is_complete:
                    self._tell_lacking()
                events = self.receiver.events(now)
                for event in events:
                    yield event
                self.has_shown = self.has_shown or is_complete
                if task.done():
                    task.result()
                await asyncio.sleep(PACE_S)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _tell_lacking(self) -> None:
        before, self._lacking = self._lacking, self.receiver.lacking
        if self._lacking and self._lacking != before:
            self.on_lacking(self._lacking)

    async def _keep_connected(self) -> None:
        """For ever. An error that the server reports may close a client, which then never comes back."""
        while True:
            self._is_denied = False
            await self._follow_client()
            log.warning("hub: the client was closed; connecting again")
            if not self._is_denied:
                self.receiver.problem = LOST
            self.receiver.reconnected(self._time.now())
            self._wake.set()
            await asyncio.sleep(DENIED_S if self._is_denied else AGAIN_S)

    async def _follow_client(self) -> None:
        """Until the client is closed."""
        from nats import errors  # noqa: PLC0415 - an extra

        client = await connect(
            self._access,
            name="rotation-tui viewer",
            on_connected=self._reconnected,
            on_lost=self._lost,
            on_error=self._error,
        )
        try:
            for subject in subjects.ALL:
                await client.subscribe(subject, cb=self._take)
            await client.flush()
            if not self._is_denied:
                self.receiver.problem = ""
            while not (client.is_closed or self._is_denied):
                if self.receiver.wants_fetch and client.is_connected:
                    await self._fetch(client)
                await asyncio.sleep(PACE_S)
        except errors.Error as error:  # closed, or cut off, before it listened
            log.warning("hub: %s", type(error).__name__)
        finally:
            await client.close()

    async def _take(self, message: Msg) -> None:
        if self.receiver.take(message.subject, message.data, self._time.now()):
            self._wake.set()

    async def _fetch(self, client: Client) -> None:
        receiver = self.receiver
        receiver.fetching()
        try:
            await kept.fetch(client, kept.FIRST, self._fetched)
            quotes = [subjects.QUOTES + subjects.token(symbol) for symbol in receiver.symbols]
            minutes = [subjects.MINUTES + subjects.token(symbol) for symbol in receiver.legs]
            closes = [subjects.HISTORY + subjects.token(symbol) for symbol in receiver.history_symbols]
            await kept.fetch(client, [*quotes, *minutes, *closes], self._fetched)
        except UnavailableError as error:
            log.warning("hub: %s", error)
            await asyncio.sleep(AGAIN_S)
            receiver.fetch_failed()
            return
        receiver.fetched(self._time.now())
        self._wake.set()

    def _fetched(self, subject: str, data: bytes) -> None:
        self.receiver.take(subject, data, self._time.now(), pushed=False)

    async def _reconnected(self) -> None:
        self.receiver.problem = ""
        self.receiver.reconnected(self._time.now())

    async def _lost(self) -> None:
        # Also called where there has been no connection: why there is none says more.
        self.receiver.problem = self.receiver.problem or LOST
        self._wake.set()

    async def _error(self, error: Exception) -> None:
        from nats.errors import SlowConsumerError  # noqa: PLC0415 - an extra

        log.warning("hub: %s", type(error).__name__)
        if isinstance(error, SlowConsumerError):
            self.receiver.gap(self._time.now())
        elif cause(error) is Cause.DENIED:
            self._is_denied, self.receiver.problem = True, reason(error)
            self._wake.set()
        elif self.receiver.problem:
            message = reason(error)
            # A refusal is followed by errors of the socket, which say less.
            if not cause(error).says_little or self.receiver.problem in (CONNECTING, LOST):
                self.receiver.problem = message
            self._wake.set()
