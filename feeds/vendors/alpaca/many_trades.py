"""Many frames of Alpaca's trades at once: as arrays where they are alike, else as objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feeds.streaming.receive import together
from feeds.vendors.alpaca.trades import codes_of, read_many

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from feeds.streaming.alike.columns import Columns
    from feeds.streaming.vendor import Frame, ManyFrames

MANY = 256
"""Of so many symbols trades will come as arrays."""


class ManyTrades:
    """The frames of a connection."""

    def __init__(self, renamed: Mapping[str, str], *, symbols: int = 0) -> None:
        """``renamed``: our symbols by Alpaca's, where they differ. ``symbols``: how many are asked for."""
        self._codes = codes_of(renamed)
        self._columns: Columns | None = None
        if symbols >= MANY:
            self._expect_columns()  # rather than while the first trades wait

    def read(self, frames: Sequence[Frame], start: int = 0) -> ManyFrames:
        """What frames mean, from the place ``start`` on as far as their messages are well formed."""
        if together.are_many(frames, start):
            columns = self._columns or self._expect_columns()
            self._codes.begin()
            many = columns.read(frames, start)
            if many is not None:
                return many
        return read_many(frames, self._codes, start)

    def _expect_columns(self) -> Columns:
        from feeds.streaming.alike.columns import Columns  # noqa: PLC0415 - it imports numpy
        from feeds.vendors.alpaca.trade_columns import TradeColumns  # noqa: PLC0415 - it imports numpy

        self._columns = Columns(TradeColumns(self._codes))
        return self._columns
