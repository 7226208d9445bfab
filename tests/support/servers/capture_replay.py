"""Feeds a capture of ``doctor --capture`` to a vendor's own decoder and StreamState, as if it came anew."""

from __future__ import annotations

import gzip
from base64 import b64decode
from typing import TYPE_CHECKING, Any

import msgspec

from feeds.clock import Moment
from feeds.desk.capture_records import Record
from feeds.streaming.reasons import Reason, Why
from feeds.streaming.requests import Answer
from feeds.streaming.state import StreamState

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from feeds.events import Event


def records(path: Path) -> list[Record]:
    """The lines of a capture, gzipped or not."""
    data = path.read_bytes()
    text = gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data
    return [msgspec.json.decode(line, type=Record) for line in text.splitlines()]


def payload(record: Record) -> str | bytes:
    """A frame as it came from the socket, or an answer's body."""
    return b64decode(record.base64) if record.base64 else record.text


def replay(captured: Iterable[Record], source: str, vendor: Any, symbols: Iterable[str]) -> list[Event]:
    """The events that this source's frames gave, at the times at which they came.

    What the desk asked of REST meanwhile is answered by nothing: those answers are records of their own.
    """
    own = [record for record in captured if record.source == source and not record.omitted]
    if not own:
        return []

    def moment(record: Record) -> Moment:
        return Moment(record.at_ns / 1e9, record.at_ns)

    state = StreamState(vendor, symbols, moment(own[0]), random=lambda: 0.5)
    events: list[Event] = []
    for record in own:
        if record.kind == "open":
            state.on_connecting(moment(record))
            state.on_connected(moment(record))
        elif record.kind == "frame":
            state.on_frame(payload(record), moment(record))
        elif record.kind == "lost":
            name, _, code = record.text.partition(" ")
            state.on_lost(Reason(Why[name], code=int(code) if code else None), moment(record))
        state.take_actions()
        for request in state.requests.take():
            state.on_answer(request, Answer((), (), ""), moment(record))
        events += state.take_events()
    return events
