"""Messages split by our own socket: whatever bytes come in whatever pieces, they are those of the library."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection
from websockets.client import ClientProtocol
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.uri import parse_uri

from feeds.streaming.receive import socket as ours
from feeds.streaming.receive.socket import FRAME_MAX, ClientSocket


class Wire(asyncio.Transport):
    """A transport that keeps what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.is_reading = True

    def write(self, data: Any) -> None:
        self.written += bytes(data)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        del high, low

    def can_write_eof(self) -> bool:
        return False

    def close(self) -> None:
        pass

    abort = close

    def pause_reading(self) -> None:
        self.is_reading = False

    def resume_reading(self) -> None:
        self.is_reading = True


def connected(kind: type[ClientConnection]) -> tuple[ClientConnection, Wire]:
    """A connection after its upgrade."""
    protocol = ClientProtocol(parse_uri("ws://localhost/"), max_size=FRAME_MAX)
    connection, wire = kind(protocol, ping_interval=None, max_queue=None, close_timeout=0.01), Wire()
    connection.response = Response(101, "", None)  # type: ignore[arg-type]
    protocol.state = State.OPEN
    protocol.parser = protocol.parse()  # as after the upgrade
    next(protocol.parser)
    connection.connection_made(wire)
    return connection, wire


def frame(opcode: Opcode, data: bytes, *, fin: bool = True, masked: bool = False) -> bytes:
    return bytes(Frame(opcode, data, fin).serialize(mask=masked))


TEXT, BINARY, CONT = Opcode.TEXT, Opcode.BINARY, Opcode.CONT
SIZES = st.sampled_from((0, 1, 2, 125, 126, 127, 300, 65_535, 65_536, 70_000))
FRAMES = st.one_of(
    st.builds(lambda size: frame(TEXT, b"x" * size), SIZES),
    st.builds(lambda size: frame(BINARY, b"\xff" * size), SIZES),
    st.sampled_from(
        (
            frame(Opcode.PING, b"hello"),
            frame(Opcode.PONG, b""),
            frame(TEXT, b"a", fin=False) + frame(Opcode.PING, b"p") + frame(CONT, "é".encode()),
            frame(BINARY, b"", fin=False) + frame(CONT, b"1", fin=False) + frame(CONT, b"2"),
        )
    ),
)
ENDS = st.sampled_from(
    (
        *(b"", b"", b"", frame(TEXT, b"half")[:4], b"\x82\x7f\x00", b"\x81"),
        frame(Opcode.CLOSE, b"\x03\xe8bye") + frame(TEXT, b"late"),
        frame(TEXT, b"\xff\xfe") + frame(TEXT, b"late"),
        frame(TEXT, b"a", masked=True) + frame(TEXT, b"late"),
        frame(CONT, b"a"),
        frame(TEXT, b"a", fin=False) + frame(TEXT, b"b"),
        b"\x81\x7f" + (FRAME_MAX + 1).to_bytes(8) + b"x" * 100,
        b"\xc1\x01x",
        b"\x83\x01x",
    )
)


async def of_library(pieces: list[bytes]) -> tuple[list[Any], bytes, Any]:
    connection, wire = connected(ClientConnection)
    messages: list[Any] = []

    async def read() -> None:
        try:
            while True:
                messages.append(await connection.recv())
        except ConnectionClosed:
            pass

    reader = asyncio.create_task(read())
    for piece in pieces:
        connection.data_received(piece)
        for _ in range(4):
            await asyncio.sleep(0)
    connection.eof_received()
    connection.connection_lost(None)
    await reader
    return messages, wire.written, connection.close_code


async def of_ours(pieces: list[bytes]) -> tuple[list[Any], bytes, Any]:
    connection, wire = connected(ClientSocket)
    assert isinstance(connection, ClientSocket)
    messages: list[Any] = []
    seen: list[Any] = []
    connection.listen(int, seen.extend)
    for piece in pieces:
        connection.data_received(piece)
        messages += connection.take()
    connection.eof_received()
    connection.connection_lost(None)
    messages += connection.take()
    assert seen == messages
    return messages, wire.written, connection.close_code


def unmasked(written: bytes) -> list[tuple[int, bytes]]:
    """Frames that a client wrote, without their masks, which are random."""
    frames = []
    while written:
        size, mask = written[1] & 127, written[2:6]
        body = bytes(byte ^ mask[i % 4] for i, byte in enumerate(written[6 : 6 + size]))
        frames.append((written[0], body))
        written = written[6 + size :]
    return frames


@given(st.lists(FRAMES, max_size=6), ENDS, st.lists(st.integers(1, 90_000), max_size=8))
async def test_messages_are_those_of_the_library_however_bytes_come(
    frames: list[bytes], end: bytes, cuts: list[int]
) -> None:
    data, pieces = b"".join(frames) + end, []
    for cut in cuts:
        pieces.append(data[:cut])
        data = data[cut:]
    pieces = [piece for piece in (*pieces, data) if piece]
    wanted, got = await of_library(pieces), await of_ours(pieces)
    assert got[0] == wanted[0]
    assert unmasked(got[1]) == unmasked(wanted[1])
    assert got[2] == wanted[2]


async def test_a_byte_at_a_time_is_the_same() -> None:
    data = frame(TEXT, b"one") + frame(BINARY, b"x" * 300) + frame(Opcode.PING, b"p") + frame(TEXT, b"")
    messages, written, _ = await of_ours([bytes((byte,)) for byte in data])
    assert messages == ["one", b"x" * 300, ""]
    assert unmasked(written) == [(0x8A, b"p")]


async def test_nothing_more_is_read_while_too_much_waits(monkeypatch) -> None:
    monkeypatch.setattr(ours, "HELD_MAX", 1_000)
    connection, wire = connected(ClientSocket)
    assert isinstance(connection, ClientSocket)
    connection.data_received(frame(TEXT, b"x" * 500))
    assert wire.is_reading
    connection.data_received(frame(TEXT, b"x" * 500))
    assert not wire.is_reading
    assert len(connection.take()) == 2
    assert wire.is_reading


async def test_a_flood_is_taken_piece_by_piece_and_read_on_when_half_of_it_is_left(monkeypatch) -> None:
    monkeypatch.setattr(ours, "HELD_MAX", 1_000)
    connection, wire = connected(ClientSocket)
    assert isinstance(connection, ClientSocket)
    sent = ["a" * 400, "b" * 400, "c" * 2_000, "d" * 100]
    connection.data_received(b"".join(frame(TEXT, text.encode()) for text in sent))
    assert not wire.is_reading
    assert connection.take(900) == sent[:2]
    assert (wire.is_reading, connection.has_messages) == (False, True)
    assert connection.take(900) == sent[2:3]
    assert wire.is_reading
    assert connection.take(900) == sent[3:]
    assert (connection.take(900), connection.has_messages) == ([], False)


async def test_frames_of_one_piece_are_not_parsed_by_the_library(monkeypatch) -> None:
    connection, _ = connected(ClientSocket)
    assert isinstance(connection, ClientSocket)
    monkeypatch.setattr(connection.protocol, "receive_data", None)
    data = frame(TEXT, b"x" * 200) * 50
    connection.data_received(data[:1_001])
    connection.data_received(data[1_001:])
    assert connection.take() == ["x" * 200] * 50
