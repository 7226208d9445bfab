"""A process that serves one tape to one client over a real websocket on loopback, as fast as asked.

Frames are made beforehand and written by a blocking socket, so that the server never is what is measured.
Prints ``port N``, and once the client has subscribed ``go NS``: when, on the monotonic clock that all
processes of a machine share, the first print is due.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import socket
import sys
import time
from collections import deque
from typing import Any

from bench.ingest.formats import answers, greeting, payloads
from bench.ingest.tape import BASE_NS, LongTape, tape

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
QUIET_S = 0.7
"""A client that has sent nothing for so long has subscribed to all that it wants."""
LEAD_NS = 500_000_000
CHUNK = 1 << 18
PART_FRAMES = 25
"""Of a long tape, made at once: a few milliseconds of work."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind")
    parser.add_argument("per_frame", type=int)
    parser.add_argument("count", type=int)
    parser.add_argument("rate", type=int, help="messages a second; 0: as fast as they are read")
    parser.add_argument("speed", type=int, help="of a long tape; 0: the tape is made before")
    given = parser.parse_args()
    binary = given.kind == "alpaca-msgpack"
    frames: list[bytes] = []
    if not given.speed:
        made = payloads(tape(given.count, given.rate), given.kind, given.per_frame)
        frames = [_frame(payload, binary=binary) for payload in made]
    listener = socket.create_server(("127.0.0.1", 0))
    print("port", listener.getsockname()[1], flush=True)
    client, _ = listener.accept()
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    _upgrade(client)
    client.sendall(_frame(greeting(given.kind), binary=binary))
    _talk(client, given.kind, binary=binary)
    start_ns = time.monotonic_ns() + LEAD_NS
    print("go", start_ns, flush=True)
    if given.speed:
        report = _serve_long(client, given, start_ns)
        print("sent", json.dumps(report), sep="\n", flush=True)
    else:
        _serve(client, frames, given.per_frame, given.rate, start_ns)
        print("sent", flush=True)
    sys.stdin.read()  # the connection stays open until the parent has seen enough


def _serve(client: socket.socket, frames: list[bytes], per_frame: int, rate: int, start_ns: int) -> None:
    time.sleep(max(start_ns - time.monotonic_ns(), 0) / 1e9)
    client.settimeout(None)
    if not rate:
        whole = b"".join(frames)
        for start in range(0, len(whole), CHUNK):
            client.sendall(whole[start : start + CHUNK])
        return
    sent = 0
    while sent < len(frames):
        # A frame goes when its last message has been made.
        due = (time.monotonic_ns() - start_ns) * rate // 1_000_000_000 // per_frame
        if due > sent:
            client.sendall(b"".join(frames[sent:due]))
            sent = due
        time.sleep(0.0005)


def _serve_long(client: socket.socket, given: argparse.Namespace, start_ns: int) -> dict[str, Any]:
    """Frames are made a second of the tape ahead; says what they add up to, and how late they went."""
    tape, binary, per_frame = LongTape(given.rate), given.kind == "alpaca-msgpack", given.per_frame
    waiting: deque[bytes] = deque()
    made, sent, latest_ns, per_s = 0, 0, 0, given.rate * given.speed
    total = given.count // per_frame
    client.settimeout(None)
    while sent < total:
        now_ns = time.monotonic_ns() - start_ns
        due = min(max(now_ns, 0) * per_s // 1_000_000_000 // per_frame, total)
        going = min(due, made) - sent
        if going > 0:
            client.sendall(b"".join(waiting.popleft() for _ in range(going)))
            latest_ns = max(latest_ns, now_ns - (sent + 1) * per_frame * 1_000_000_000 // per_s)
            sent += going
        if made < min(total, due + per_s // per_frame):
            count = min(PART_FRAMES, total - made) * per_frame
            first_ns = BASE_NS + made * per_frame * 1_000_000_000 // given.rate
            messages = tape.messages(first_ns, count)
            waiting.extend(_frame(text, binary=binary) for text in payloads(messages, given.kind, per_frame))
            made += count // per_frame
        else:
            time.sleep(0.0005)
    return {"days": tape.days, "latest_ms": latest_ns // 1_000_000}


def _frame(payload: bytes, *, binary: bool) -> bytes:
    opcode, size = 0x82 if binary else 0x81, len(payload)
    if size < 126:
        return bytes((opcode, size)) + payload
    if size < 1 << 16:
        return bytes((opcode, 126)) + size.to_bytes(2) + payload
    return bytes((opcode, 127)) + size.to_bytes(8) + payload


def _upgrade(client: socket.socket) -> None:
    request = b""
    while b"\r\n\r\n" not in request:
        request += client.recv(4096)
    lines = (text.partition(b":") for text in request.split(b"\r\n"))
    key = next(value.strip() for name, _, value in lines if name.lower() == b"sec-websocket-key")
    accept = base64.b64encode(hashlib.sha1(key + _GUID).digest())
    client.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )


def _talk(client: socket.socket, kind: str, *, binary: bool) -> None:
    """Answer until the client has been quiet for QUIET_S after it has subscribed to something."""
    held: dict[str, set[str]] = {}
    data = message = b""
    asked = 0
    client.settimeout(QUIET_S)
    while True:
        try:
            part = client.recv(1 << 20)
            if not part:
                sys.exit("the client has gone before it subscribed")
            data += part
        except TimeoutError:
            if asked > 1:
                return
            continue
        while (frame := _unmasked(data)) is not None:
            payload, is_last, data = frame
            message += payload  # the vendor's own client sends long ones in parts
            if not is_last:
                continue
            message, whole = b"", message
            asked += 1
            for answer in answers(kind, whole, held):
                client.sendall(_frame(answer, binary=binary))


def _unmasked(data: bytes) -> tuple[bytes, bool, bytes] | None:
    """A client's frame, whether it ends its message, and what follows it; None where it is not whole."""
    if len(data) < 2:
        return None
    size, at = data[1] & 127, 2
    if size > 125:
        more = 2 if size == 126 else 8
        size, at = int.from_bytes(data[2 : 2 + more]), 2 + more
    if len(data) < at + 4 + size:
        return None
    mask, body = data[at : at + 4], data[at + 4 : at + 4 + size]
    key = (mask * (size // 4 + 1))[:size]
    plain = (int.from_bytes(body) ^ int.from_bytes(key)).to_bytes(size) if size else b""
    return plain, bool(data[0] & 0x80), data[at + 4 + size :]


if __name__ == "__main__":
    main()
