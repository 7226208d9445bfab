"""Failover: several vendors as one stream. The next one takes over where a vendor refuses for good."""

from __future__ import annotations

import logging
from contextlib import aclosing
from typing import TYPE_CHECKING

from feeds.events import Status
from feeds.streaming import states

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from feeds.events import Event
    from feeds.http.cached import Transport
    from feeds.streaming.feed import StreamFeed
    from rotation.feed_stats import FeedStats
    from rotation.status import Mode

log = logging.getLogger(__name__)


class Failover:
    """A ``feeds.events.Stream`` over several. An outage is no refusal: the vendor in charge stays."""

    def __init__(self, transport: Transport, streams: Sequence[Callable[[], StreamFeed]]) -> None:
        """``streams``: each made when its turn comes. ``transport`` is theirs; it is closed at the end."""
        self._transport = transport
        self._waiting = list(streams)
        self._current = self._waiting.pop(0)()
        self._refused: list[tuple[str, Status]] = []

    @property
    def name(self) -> str:
        """The name of the vendor in charge."""
        return self._current.name

    @property
    def mode(self) -> Mode:
        """LIVE or DELAYED."""
        return self._current.mode

    @property
    def symbols(self) -> frozenset[str]:
        """Whose quotes it brings."""
        return self._current.symbols

    def stats(self) -> FeedStats:
        """Of the vendor in charge."""
        return self._current.stats()

    def tape(self) -> None:
        """None: it is live."""

    async def events(self) -> AsyncIterator[Event]:
        """Events of the vendor in charge; why the ones before refused stays in each Status's detail."""
        async with self._transport:
            async for event in self._events():
                yield event

    async def _events(self) -> AsyncIterator[Event]:
        while True:
            # Closed before the next one begins: what was refused must not go on behind it.
            async with aclosing(self._current.events()) as events:
                async for event in events:
                    if not isinstance(event, Status):
                        yield event
                    elif self._waiting and self._current.refusal is not None:
                        self._refused.append((self.name, event))
                        break
                    else:
                        yield states.after_refusals(event, self._refused)
                else:
                    return
            self._current = self._waiting.pop(0)()
            log.warning("feed: %s refused, continuing with %s", self._refused[-1][0], self.name)
