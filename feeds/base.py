"""The contract of a feed: an async stream of events, and the word the screen marks it with.

A feed is a small class whose ``events()`` yields Batches (quotes), Statuses (how the source is
doing) and Rewinds (a tape went back). It does no arithmetic; the supervisor drives it and hands what it
yields to the market. A feed that returns has ended; one that raises stops the program with its error.
What a live stream tells besides (gaps, state words by symbol, corrections) is in ``feeds.live_events``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from rotation.fed import Fed
from rotation.ticks import Quote

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from rotation.snapshot import Tape


class Batch(msgspec.Struct, frozen=True):
    """Quotes in order of arrival, possibly none (then only time has moved)."""

    quotes: tuple[Quote, ...]
    as_of_ns: int | None = None
    """The feed's own time; None means the supervisor's clock (a live feed)."""


class Status(msgspec.Struct, frozen=True):
    """How the source is doing, for the Health panel."""

    state: str
    detail: str = ""
    as_of_ns: int | None = None
    """When it was so, told by a tape; None means the supervisor's clock."""


class Rewind(msgspec.Struct, frozen=True):
    """A tape went back: forget today's prints and take those that follow as all there are."""

    quotes: tuple[Quote, ...]
    as_of_ns: int


class FedNews(msgspec.Struct, frozen=True):
    """Newly known of the coming FOMC meetings."""

    fed: Fed
    as_of_ns: int | None = None
    """As of a Status."""


Event = Batch | Status | Rewind | FedNews


class Feed(Protocol):
    """What the supervisor needs of a source."""

    name: str
    """Short, unique, shown on the Health panel and as provenance."""
    mode: str
    """LIVE, DELAYED 15m, REPLAY or DEMO: the state word of its prices."""

    def events(self) -> AsyncIterator[Event]:
        """Yield events until the source ends."""
        ...

    def tape(self) -> Tape | None:
        """Where a recorded or generated tape stands; None for a live source."""
        ...
