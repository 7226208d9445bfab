"""Bytes from the terminal → Textual's messages. Whatever is typed, this neither fails nor stays deaf."""

from __future__ import annotations

import codecs
import logging
import re
from typing import TYPE_CHECKING

from textual import events, messages

# A private module: tests/tui/screen/test_driver.py holds the three names used of it.
from textual._xterm_parser import XTermParser

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual.message import Message

log = logging.getLogger(__name__)

TICK_S = 0.1
"""How often ``tick`` is to be called while nothing is typed: an ESC alone is decided by it."""
IDLE_TICKS = 20
"""After so many ticks without input, a paste that never ended or half a sequence is given up."""
_PASTE_END = b"\x1b[201~"
_OPAQUE = re.compile(rb"\x1b\[(?:200~|M)")
"""What a paste and a mouse report of the old kind (three bytes, any value) begin with."""
_BEGUN = re.compile(rb"\x1b\[(?:20?0?)?\Z")
"""The beginning of such a beginning, at the end of what has come."""
_WANTED = (
    events.Key,
    events.MouseEvent,
    events.AppFocus,
    events.AppBlur,
    messages.TerminalSupportsSynchronizedOutput,
)
"""Not Resize: the kernel says how large the window is, and typed bytes could claim any size."""


class TypedInput:
    """One terminal's input, decoded with replacement; anything but keys is swallowed, sequences whole."""

    _held: bytes
    _pasting: bool
    _idle_ticks: int
    _text: codecs.IncrementalDecoder
    _parser: XTermParser

    def __init__(self) -> None:
        self._begin()

    def feed(self, data: bytes) -> list[Message]:
        """The messages that these bytes complete."""
        self._idle_ticks = 0
        return list(self._parsed(self._without_opaque(data)))

    def tick(self) -> list[Message]:
        """Nothing has come for ``TICK_S``: the messages that this decides."""
        self._idle_ticks += 1
        if self._idle_ticks == IDLE_TICKS:
            self._begin()
            return []
        if _BEGUN.match(self._held):
            held, self._held = self._held, b""
            return list(self._parsed(held))
        return self._guarded("")

    def _without_opaque(self, data: bytes) -> bytes:
        """The bytes without pastes, which are no keys, and without old mouse reports, which are no UTF-8."""
        data, self._held = self._held + data, b""
        plain = b""
        while data:
            if self._pasting:
                _, end, after = data.partition(_PASTE_END)
                self._pasting = not end
                self._held = b"" if end else data[-len(_PASTE_END) + 1 :]
                data = after
                continue
            opaque = _OPAQUE.search(data)
            if opaque is None:
                begun = _BEGUN.search(data)
                cut = begun.start() if begun else len(data)
                self._held = data[cut:]
                return plain + data[:cut]
            plain += data[: opaque.start()]
            self._pasting = opaque[0].endswith(b"~")
            end_at = opaque.end() + (0 if self._pasting else 3)
            if end_at > len(data):
                self._held = data[opaque.start() :]
                break
            data = data[end_at:]
        return plain

    def _parsed(self, data: bytes) -> Iterator[Message]:
        # One by one: what the parser fails on costs only the sequence that it is in.
        for character in self._text.decode(data):
            if character != "\ufffd":
                yield from self._guarded(character)

    def _guarded(self, character: str) -> list[Message]:
        """One character, or "" for the time that has passed; what the parser fails on is dropped."""
        try:
            messages = list(self._parser.feed(character) if character else self._parser.tick())
        except Exception:
            log.debug("unreadable key sequence", exc_info=True)
            self._parser = XTermParser()
            return []
        return [message for message in messages if isinstance(message, _WANTED)]

    def _begin(self) -> None:
        self._held = b""
        self._pasting = False
        self._idle_ticks = 0
        self._text = codecs.getincrementaldecoder("utf-8")("replace")
        self._parser = XTermParser()
