"""What time it is on a desk: its tape's where one is played, else the clock's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feeds.clock import wall_ns
from feeds.events import (
    Batch,
    Gap,
    HistoryConfirmed,
    ListedSplits,
    PreviousCloses,
    PrintsCorrected,
    PrintsReplaced,
    Rewind,
    SymbolStates,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from feeds.events import Event, Feed
    from rotation.snapshot import Tape

_TIMELESS = Gap | SymbolStates | PrintsCorrected | HistoryConfirmed | PreviousCloses | ListedSplits
"""Events that do not say when they were true."""


class DeskTime:
    """Of the feeds in charge."""

    def __init__(self, feeds: tuple[Feed, ...], clock_ns: Callable[[], int]) -> None:
        self.clock_ns = clock_ns
        """UTC nanoseconds; of a hub's viewer the hub's."""
        self._feeds = feeds
        self._played_ns: int | None = None
        """Of the newest quotes; it counts where they are a tape's."""

    def replace(self, feeds: tuple[Feed, ...], clock_ns: Callable[[], int]) -> None:
        """Other feeds are in charge; a tape that still is stays where it stands."""
        self._feeds, self.clock_ns = feeds, clock_ns

    @property
    def tape(self) -> Tape | None:
        """The tape that is played; None of a live desk."""
        return next((tape for feed in self._feeds if (tape := feed.tape())), None)

    @property
    def is_wall_clock(self) -> bool:
        """Whether it is the machine's clock."""
        return self.clock_ns is wall_ns and self.tape is None

    def now_ns(self) -> int | None:
        """Now; None before a tape's first quotes."""
        return self.clock_ns() if self.tape is None else self._played_ns

    def take(self, event: Event) -> int | None:
        """When an event was true: as it says itself, else now. Quotes of a tape move its time."""
        has_quotes = isinstance(event, Batch | Rewind)
        as_of_ns = None if isinstance(event, _TIMELESS) else event.as_of_ns
        if as_of_ns is None:
            as_of_ns = self.clock_ns() if has_quotes else self.now_ns()
        if has_quotes or (isinstance(event, PrintsReplaced) and event.quotes):
            self._played_ns = as_of_ns
        return as_of_ns
