"""The library's websocket, with whole messages at hand as they come: no task and no queue stands between.

Nearly all that a vendor sends are whole, uncompressed, unmasked frames; these are split here, at a tenth of
the cost. Every other byte (control frames, fragments, what is too large or wrong) is the library's, in order.
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Any

from websockets.asyncio.client import ClientConnection
from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import State

if TYPE_CHECKING:
    from collections.abc import Callable

    from websockets.http11 import Response

FRAME_MAX = 4 * 1024 * 1024
"""Bytes of one message; a larger one ends the connection."""
HELD_MAX = 8 * 1024 * 1024
"""Of messages that nobody has taken yet, bytes; beyond it nothing more is read until they are."""
MESSAGE_COST = 128
"""Of holding one, bytes."""
_TEXT, _BINARY = 0x81, 0x82
"""First bytes of whole frames, uncompressed."""


class ClientSocket(ClientConnection):
    """A connection whose messages are taken by ``take``; its ``recv`` has none."""

    def __init__(self, *args: Any, **named: Any) -> None:
        """As the library's."""
        super().__init__(*args, **named)
        self.has_received = False
        """Whether bytes came, of whatever kind; set to False by whoever looks at it."""
        self._on_arrival: Callable[[], None] | None = None
        self._tap: Callable[[list[str | bytes]], None] | None = None
        self._messages: list[str | bytes] = []
        self._size = 0
        self._is_paused = False
        self._rest = bytearray()
        """The beginning of a frame that is not whole yet; its head is of a kind that is split here."""
        self._need = 0
        """Bytes of it, at least."""
        self._part = bytearray()
        """The fragments of a message so far."""
        self._part_is_text = False

    def listen(
        self, on_arrival: Callable[[], None], tap: Callable[[list[str | bytes]], None] | None = None
    ) -> None:
        """Call ``on_arrival`` as soon as messages come, and now for those that wait.

        ``tap`` is given the messages themselves, which are still to be taken. Neither may raise.
        """
        self._on_arrival, self._tap = on_arrival, tap
        self._tell(self._messages[:])

    def take(self, most: int | None = None) -> list[str | bytes]:
        """Messages that have come: all, or the first of them that have ``most`` characters or bytes together.

        At least one, where there are any.
        """
        messages, self._messages = self._messages, []
        if most is not None and self._size > most:
            places = accumulate(map(len, messages))
            count = max(next((i for i, size in enumerate(places) if size > most), len(messages)), 1)
            messages, self._messages = messages[:count], messages[count:]
        self._size = sum(map(len, self._messages)) + MESSAGE_COST * len(self._messages)
        if self._is_paused and self._size <= HELD_MAX // 2:
            self._is_paused = False
            self.transport.resume_reading()
        return messages

    @property
    def has_messages(self) -> bool:
        """Whether ``take`` would return any."""
        return bool(self._messages)

    def data_received(self, data: bytes) -> None:
        """Called by the event loop."""
        self.has_received = True
        known = len(self._messages)
        if self._is_direct():
            self._split(data)
        else:
            rest = bytes(self._rest)
            self._rest.clear()
            super().data_received(rest + data)
        fresh = self._messages[known:]
        if fresh:
            self._size += sum(map(len, fresh)) + MESSAGE_COST * len(fresh)
            if self._size > HELD_MAX and not self._is_paused:
                self._is_paused = True
                self.transport.pause_reading()
            self._tell(fresh)

    def _tell(self, fresh: list[str | bytes]) -> None:
        if self._tap is not None:
            self._tap(fresh)
        if self._on_arrival is not None:
            self._on_arrival()

    def eof_received(self) -> None:
        """Called by the event loop: the library says what half a frame means."""
        if self._rest:
            rest = bytes(self._rest)
            self._rest.clear()
            super().data_received(rest)
        super().eof_received()

    def process_event(self, event: Frame | Response) -> None:  # type: ignore[override]
        """Called by the library for each frame that it has read."""
        if not isinstance(event, Frame) or event.opcode not in {Opcode.TEXT, Opcode.BINARY, Opcode.CONT}:
            super().process_event(event)
            return
        if event.opcode is not Opcode.CONT:
            self._part_is_text = event.opcode is Opcode.TEXT
        self._part += event.data
        if event.fin:
            message = bytes(self._part)
            self._part.clear()
            self._deliver(message, is_text=self._part_is_text)

    def _deliver(self, message: bytes, *, is_text: bool) -> bool:
        """Keep a message; False, and the connection is about to end, where text is none."""
        if not is_text:
            self._messages.append(message)
            return True
        try:
            self._messages.append(message.decode())
        except UnicodeDecodeError as error:
            if self.protocol.state is State.OPEN:
                self.protocol.fail(CloseCode.INVALID_DATA, f"{error.reason} at position {error.start}")
                self.send_data()
                self.loop.call_later(self.close_timeout or 0.0, self.transport.abort)
            return False
        return True

    def _is_direct(self) -> bool:
        """Whether bytes may be split here: the library is between two frames, and nothing is compressed."""
        protocol = self.protocol
        return protocol.state is State.OPEN and not protocol.extensions and not protocol.reader.buffer

    def _is_between_messages(self) -> bool:
        """Whether the library has read no fragment of a message; False where its version does not say."""
        return getattr(self.protocol, "current_size", 0) is None

    def _split(self, data: bytes) -> None:
        if self._rest:
            self._rest += data
            if len(self._rest) < self._need:
                return
            data = bytes(self._rest)
            self._rest.clear()
        place = self._take_frames(data)
        if place == len(data):
            return
        _, stop = _payload(data, place)
        if stop - place > FRAME_MAX:  # larger than that, or masked: the library ends the connection
            super().data_received(data[place:])
            return
        self._rest += data[place:]
        self._need = stop - place

    def _take_frames(self, data: bytes) -> int:
        """Take whole frames; returns where what is left of the bytes begins."""
        place, end, messages = 0, len(data), self._messages
        is_plain = self._is_between_messages()
        while end - place > 1:
            size = data[place + 1]
            start, stop = (place + 2, place + 2 + size) if size < 126 else _payload(data, place)
            if stop > end or stop - start > FRAME_MAX:
                return place
            head = data[place]
            if is_plain and head == _BINARY:
                messages.append(data[start:stop])
            elif is_plain and head == _TEXT:
                if not self._deliver(data[start:stop], is_text=True):
                    return end
            else:
                super().data_received(data[place:stop])
                if self.protocol.state is not State.OPEN:
                    if stop < end:
                        super().data_received(data[stop:])
                    return end
                is_plain = self._is_between_messages()
            place = stop
        return place


def _payload(data: bytes, place: int) -> tuple[int, int]:
    """From where to where the payload of the frame at a place goes, beyond ``data`` where it is not whole."""
    if len(data) - place < 2:
        return place + 2, place + 2
    size, start = data[place + 1], place + 2
    if size > 127:  # masked, which no server may send
        return start, start + FRAME_MAX + 1
    if size > 125:
        start += 2 if size == 126 else 8
        if start > len(data):
            return start, start
        size = int.from_bytes(data[place + 2 : start])
    return start, start + size
