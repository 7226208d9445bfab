"""Messages of the tape as rows of a recording: in order, nothing twice, what is missing marked. No I/O."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import polars as pl

from feeds.events import Gap
from feeds.hub.tape.marks import GAP_EVENTS, gap_rows, restart_rows
from feeds.hub.wire.codec import OtherVersion, WireError, decode
from feeds.hub.wire.messages import Place, TapeMessage
from feeds.hub.wire.tape_rows import tape_frame
from feeds.tapes.recording import REWIND, frame_of
from rotation.sessions import NEW_YORK, from_ns, to_ns

if TYPE_CHECKING:
    from feeds.hub.wire.messages import Message

log = logging.getLogger(__name__)

NOTHING = Place(-1, 0)


class TapeReader:
    """``take`` the messages in the order in which the server keeps them."""

    def __init__(self, *, is_whole: bool = False) -> None:
        """``is_whole``: the tape's beginning is expected; else it begins with whatever comes first."""
        self._is_whole = is_whole
        self._place = NOTHING
        self._until_ns: int | None = None
        """Of the last row."""
        self._last_batch = -1
        """Of the last row, as the hub counts."""
        self._next = 0
        """The number of the next event, as we count."""
        self.gaps = 0
        """Places where the server has less than the hub had sent."""
        self.hostile = 0
        """Messages that were none."""

    @property
    def until_ns(self) -> int | None:
        """The time of the last row; None before the first."""
        return self._until_ns

    def take(self, subject: str, data: bytes) -> pl.DataFrame | None:
        """Its rows as RECORDED, ``batch`` counting on from the rows before; None where it has none to add.

        Raises OtherVersion for messages that this program cannot read.
        """
        try:
            message = decode(subject, data)
            frame = tape_frame(message) if isinstance(message, TapeMessage) else None
        except OtherVersion:
            raise
        except WireError as error:
            log.debug("hub: %s: %s", subject[:80], error)
            self.hostile += 1
            return None
        if frame is None or message.place <= self._place:
            return None
        parts = self._marks(message, frame)
        is_next = message.place == (self._place.epoch, self._place.seq + 1)
        first = int(frame["batch"][0])
        begun = is_next and first == self._last_batch
        shift = self._next - first - begun
        parts.append(frame.with_columns(pl.col("batch") + shift))
        self._place, self._until_ns = message.place, int(frame["as_of_ns"][-1])
        self._last_batch = int(frame["batch"][-1])
        self._next = self._last_batch + shift + 1
        return pl.concat(parts)

    def _marks(self, message: Message, frame: pl.DataFrame) -> list[pl.DataFrame]:
        """What the message does not say by itself: that something is missing, and that a hub begins."""
        since_ns, at_ns = self._missing_since(message, frame), int(frame["as_of_ns"][0])
        rows = []
        if since_ns is not None:
            self.gaps += 1
            rows += gap_rows(self._next, since_ns, at_ns)
            self._next += GAP_EVENTS
        is_other_hub = NOTHING.epoch < self._place.epoch < message.epoch
        if is_other_hub and REWIND not in frame["kind"].head(GAP_EVENTS + 1):
            rows += restart_rows(self._next, at_ns)
            self._next += 1
        return [frame_of(rows)[0]] if rows else []

    def _missing_since(self, message: Message, frame: pl.DataFrame) -> int | None:
        """From when on something is missing before this message; None where it follows.

        A hub's first message says by itself what is missing before it, unless it found a stream without any.
        """
        if message.place == (self._place.epoch, self._place.seq + 1):
            return None
        if message.seq == 1 and (self._until_ns is None or frame["kind"][0] == Gap.__name__):
            return None
        if self._until_ns is not None:
            return self._until_ns
        at = from_ns(int(frame["as_of_ns"][0])).astimezone(NEW_YORK)
        return to_ns(at.replace(hour=0, minute=0, second=0, microsecond=0)) if self._is_whole else None
