"""What vendors have said of closes and splits, as the market keeps it."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from feeds.events import ListedSplits, PreviousCloses
from feeds.hub.wire.convert import days_from_1970

if TYPE_CHECKING:
    import datetime as dt


class Scale:
    """``take`` what vendors say; ``version`` rises with each."""

    def __init__(self) -> None:
        self.session: dt.date | None = None
        self.version = 0
        self.closes: dict[str, float] = {}
        """Of ``session``, by symbol."""
        self.splits: dict[str, tuple[int, float | None]] = {}
        """By symbol the first day on the new scale, from 1970, and new shares for an old one."""

    def take(self, event: PreviousCloses | ListedSplits) -> None:
        """Keep what is newer than what is held."""
        self.version += 1
        if isinstance(event, PreviousCloses):
            if self.session is None or event.session > self.session:
                self.session, self.closes = event.session, {}
            if event.session == self.session:
                self.closes |= {s: close for s, close in event.by_symbol.items() if 0 < close < inf}
            return
        kept = (
            {} if event.symbols is None else {s: v for s, v in self.splits.items() if s not in event.symbols}
        )
        listed = {s: (days_from_1970(day), event.ratios.get(s)) for s, day in event.ex_dates.items()}
        self.splits = kept | listed
