"""What a hub's supervisor takes in, as messages of the tape. Without I/O.

``take`` keeps an event, which costs nothing; ``chunks``, called in a thread, makes messages of what came
since. Both are bounded: beyond it events are left out, and the tape says from when to when.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from feeds.events import BidAsks, ColumnBatch
from feeds.hub.tape.marks import GAP_EVENTS, gap_rows, restart_rows
from feeds.hub.wire import subjects
from feeds.hub.wire.codec import encode
from feeds.hub.wire.messages import SCHEMA, TapeMessage
from feeds.hub.wire.tape_rows import tape_columns
from feeds.tapes.recording import frame_of, rows_of
from rotation.sessions import new_york_day

if TYPE_CHECKING:
    import datetime as dt

    import polars as pl

    from feeds.events import Event
    from feeds.tapes.recording import Row

log = logging.getLogger(__name__)

MAX_BYTES = 2**20
"""What a NATS server takes unless its configuration says otherwise."""
HEADERS = 512
"""Bytes that are left for a message's headers and head."""
CHUNK_ROWS = 5_000
ROWS_MAX = 200_000
"""Rows that wait for a server: some 60 MB."""


class Chunk(NamedTuple):
    """One message of the tape."""

    subject: str
    data: bytes
    seq: int
    """Within the hub's epoch, from 1."""
    rows: int
    """How many are in it."""


class _Taken(NamedTuple):
    day: dt.date
    feed: str
    event: Event
    as_of_ns: int


def _rows(event: Event) -> int:
    """What an event takes of the room, as rows."""
    match event:
        case ColumnBatch():
            return event.rows.height
        case BidAsks():
            return len(event.by_symbol)
        case _:
            return len(getattr(event, "quotes", ()))


class TapeWriter:
    """The tape of one hub, from its taking over to its end."""

    def __init__(self, *, epoch: int, max_bytes: int = MAX_BYTES, rows_max: int = ROWS_MAX) -> None:
        """``max_bytes``: of the longest message that the server takes."""
        self.epoch = epoch
        self._max_bytes = max_bytes - HEADERS
        self._rows_max = rows_max
        self._lock = threading.Lock()
        self._taken: deque[_Taken] = deque()
        self._rows_taken = 0
        self._lost: tuple[int, int] | None = None
        """From when to when events were left out; None where none were since the last chunks."""
        self._day: dt.date | None = None
        self._before_ns: int | None = None
        self._seq = self._number = 0
        self.lost = 0
        """Rows that are not on the tape: left out for want of room, too late, too long, or absurd numbers."""

    def limit(self, max_bytes: int) -> None:
        """Make no message longer than another server takes. ``max_bytes``: its limit."""
        self._max_bytes = max_bytes - HEADERS

    def leave_out(self) -> None:
        """Drop what waits, and take no more until the next ``chunks``, which say from when to when."""
        with self._lock:
            if not self._taken:
                return
            until_ns = self._taken[-1].as_of_ns if self._lost is None else self._lost[1]
            self._lost = self._taken[0].as_of_ns, until_ns
            self.lost += self._rows_taken
            self._taken, self._rows_taken = deque(), 0

    def begin(self, before_ns: int | None) -> None:
        """The server's tape ends at ``before_ns``, written by another hub; None where it is empty."""
        self._before_ns = before_ns

    def take(self, feed: str, event: Event, as_of_ns: int) -> None:
        """Keep one event, or leave it out where too many wait; the supervisor's observer."""
        count = max(_rows(event), 1)
        day = new_york_day(as_of_ns)
        with self._lock:
            # A clock that is set back at midnight does not take the tape back to the day before.
            self._day = max(self._day or day, day)
            if self._lost is not None or self._rows_taken + count > self._rows_max:
                self._lost = (as_of_ns if self._lost is None else self._lost[0]), as_of_ns
                self.lost += count
                return
            self._taken.append(_Taken(self._day, feed, event, as_of_ns))
            self._rows_taken += count

    def chunks(self) -> list[Chunk]:
        """Messages of all that was taken since the last call."""
        with self._lock:
            taken, self._taken, self._rows_taken = self._taken, deque(), 0
            lost, self._lost, day = self._lost, None, self._day
        made: list[Chunk] = []
        rows: list[Row] = []
        if taken and self._before_ns is not None:
            rows = self._marks(self._before_ns, taken[0].as_of_ns)
            rows += restart_rows(self._next(), taken[0].as_of_ns)
            self._before_ns = None
        at = taken[0].day if taken else day
        for each in taken:
            if rows and (each.day != at or len(rows) >= CHUNK_ROWS):
                made += self._messages(rows, at)
                rows = []
            at = each.day
            rows += rows_of(self._next(), each.feed, each.event, each.as_of_ns)
        if lost is not None:
            log.warning("hub: the tape lacks what came while too much waited for the server")
            rows += self._marks(*lost)
        return [*made, *self._messages(rows, at)]

    def _next(self) -> int:
        """The number of the next event."""
        self._number += 1
        return self._number - 1

    def _marks(self, since_ns: int, until_ns: int) -> list[Row]:
        rows = gap_rows(self._number, since_ns, until_ns)
        self._number += GAP_EVENTS
        return rows

    def _messages(self, rows: list[Row], day: dt.date | None) -> list[Chunk]:
        if not rows or day is None:
            return []
        frame, lost = frame_of(rows)
        self.lost += lost
        return self._cut(frame, subjects.tape(day)) if frame.height else []

    def _cut(self, frame: pl.DataFrame, subject: str) -> list[Chunk]:
        """One message, or several where it were too long; an event may lie in two of them."""
        place = SCHEMA, self.epoch, self._seq + 1, max(int(frame["as_of_ns"][-1]), 0)
        data = encode(TapeMessage(*place, frame.height, tape_columns(frame)))
        if len(data) <= self._max_bytes:
            self._seq += 1
            return [Chunk(subject, data, self._seq, frame.height)]
        if frame.height == 1:
            log.warning("hub: a row of the tape is longer than the server takes")
            self.lost += 1
            at_ns, number = int(frame["as_of_ns"][0]), int(frame["batch"][0])
            return self._cut(frame_of(gap_rows(number, at_ns, at_ns)[:1])[0], subject)
        half = frame.height // 2
        return [*self._cut(frame.head(half), subject), *self._cut(frame.slice(half), subject)]
