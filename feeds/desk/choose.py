"""Which vendor brings the quotes: the one asked for, else those with a key in order, else Yahoo."""

from __future__ import annotations

import logging
from contextlib import aclosing
from typing import TYPE_CHECKING

import msgspec

from feeds.errors import InputError
from feeds.events import Status
from feeds.keys import keys
from feeds.streaming.corrections import Corrected
from feeds.streaming.feed import StreamFeed
from feeds.vendors.alpaca.stream import Alpaca
from feeds.vendors.finnhub.stream import Finnhub
from feeds.vendors.massive.stream import Massive
from feeds.vendors.yahoo.stream import Yahoo

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from feeds.clock import Time
    from feeds.events import Event
    from feeds.http.cached import Transport
    from feeds.streaming.vendor import Vendor
    from rotation.feed_stats import FeedStats
    from rotation.status import Mode

log = logging.getLogger(__name__)

KEYED = ("alpaca", "massive", "finnhub")
"""In this order where a key is found."""
VARIANTS = {
    "alpaca": "iex",
    "alpaca-sip": "sip",
    "alpaca-delayed": "delayed_sip",
    "alpaca-test": "test",
}
"""Names of ``--feed`` → Alpaca's endpoints."""
TEST_SYMBOL = "FAKEPACA"
"""The only one at ``alpaca-test``."""
NAMES = ("auto", "yahoo", *VARIANTS, "massive", "massive-delayed", "finnhub")


def vendors(
    name: str,
    symbols: Sequence[str],
    transport: Transport,
    time: Time,
    environ: Mapping[str, str] | None = None,
) -> list[Vendor]:
    """The vendors to try, first choice first. Raises InputError for a feed that lacks its key."""
    if name != "auto":
        return [_vendor(name, symbols, transport, time, environ)]
    found = [feed for feed in KEYED if keys.find(feed, environ=environ) is not None]
    return [_vendor(feed, symbols, transport, time, environ) for feed in (*found, "yahoo")]


def _vendor(
    name: str, symbols: Sequence[str], transport: Transport, time: Time, environ: Mapping[str, str] | None
) -> Vendor:
    if name == "yahoo":
        return Yahoo(transport, clock_ns=time.clock_ns)
    feed = name.partition("-")[0]
    held = keys.find(feed, environ=environ)
    if held is None:
        raise InputError(f"--feed {name}: needs a key — see: rotation-tui config key set {feed}")
    if feed == "alpaca":
        return Alpaca(
            held.key,
            held.secret,
            transport,
            feed=VARIANTS[name],
            first=symbols,
            clock_ns=time.clock_ns,
        )
    if feed == "massive":
        return Massive(held.key, transport, delayed=name.endswith("-delayed"))
    return Finnhub(held.key, transport)


class AutoFeed:
    """A ``feeds.events.Stream`` over several: the next one takes over where a vendor says no for good."""

    def __init__(self, transport: Transport, streams: Sequence[Callable[[], Corrected]]) -> None:
        """``streams``: each made when its turn comes. ``transport`` is theirs; it is closed at the end."""
        self._transport = transport
        self._waiting = list(streams)
        self._current = self._waiting.pop(0)()
        self._before = ""

    @property
    def name(self) -> str:
        """The vendor's that is in charge."""
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
        """As the vendor in charge tells them; what the one before said stays in the details."""
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
                    elif self._waiting and self._is_final(event):
                        self._before = f"{self._before}{self.name}: {event.state} ({event.detail}); "
                        break
                    else:
                        yield msgspec.structs.replace(event, detail=self._before + event.detail)
                else:
                    return
            self._current = self._waiting.pop(0)()
            log.warning("feed: %sgoing on with %s", self._before, self.name)

    def _is_final(self, status: Status) -> bool:
        """Whether it tells the refusal: what was told just before may still be on its way."""
        refusal = self._current.refusal
        return refusal is not None and status.detail.startswith(refusal.said)


def by_vendor(
    vendor: Vendor,
    symbols: Sequence[str],
    closes: Mapping[str, float],
    time: Time,
    daily: Callable[[str], None],
) -> Callable[[], Corrected]:
    """A stream to be made; ``daily`` is told of symbols whose settled close was corrected."""

    def made() -> Corrected:
        stream = StreamFeed(vendor, symbols, closes=closes, time=time)
        return Corrected(stream, time=time, closes=closes, daily=daily)

    return made
