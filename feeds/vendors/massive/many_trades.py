"""Many frames of Massive's trades at once: as arrays where they are alike, else as objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feeds.streaming.receive import together
from feeds.vendors.massive.trades import codes_of, read_many

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from feeds.streaming.alike.columns import Columns
    from feeds.streaming.vendor import Frame, ManyFrames
    from feeds.streaming.watch.auction import Auctions
    from feeds.vendors.massive.frames import TradeIds


class ManyTrades:
    """The frames of a connection."""

    def __init__(self, renamed: Mapping[str, str], ids: TradeIds, auctions: Auctions) -> None:
        """``renamed``: our symbols by Massive's, where they differ. The others outlive a connection."""
        self._codes = codes_of(renamed)
        self._ids = ids
        self._auctions = auctions
        self._columns: Columns | None = None

    def read(self, frames: Sequence[Frame], start: int = 0) -> ManyFrames:
        """As ``trades.read_many``."""
        if together.are_many(frames, start):
            columns = self._columns or self.expect_columns()
            self._codes.begin()
            many = columns.read(frames, start)
            if many is not None:
                return many
        return read_many(frames, self._codes, self._ids, self._auctions, start)

    def expect_columns(self) -> Columns:
        """Be ready for many frames, which costs some hundredths of a second."""
        from feeds.streaming.alike.columns import Columns  # noqa: PLC0415 - it imports numpy
        from feeds.vendors.massive.trade_columns import TradeColumns  # noqa: PLC0415 - it imports numpy

        self._columns = Columns(TradeColumns(self._codes, self._ids, self._auctions))
        return self._columns
