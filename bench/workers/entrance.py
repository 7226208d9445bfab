"""Ways to share a port: how evenly connections come to four processes, and what passing a socket on costs.

``reuse_port``: a listening socket in each process, the kernel chooses by a hash. ``shared``: one listening
socket that all have inherited, whoever is quickest accepts. ``handed``: a parent accepts and passes each on.
"""

from __future__ import annotations

import asyncio
import os
import socket
import statistics
import time
from typing import TYPE_CHECKING

from tui.ssh.workers import handover, wire

if TYPE_CHECKING:
    from collections.abc import Callable

WORKERS = 4
CONNECTIONS = 64
TRIALS = 10


def entrance(*, quick: bool) -> dict[str, object]:
    trials = 2 if quick else TRIALS
    figures: dict[str, object] = {"connections": CONNECTIONS, "processes": WORKERS}
    for name, listening in (("reuse_port", _own_sockets), ("shared", _shared_socket)):
        most = [max(counts) for counts in (_counts(listening) for _ in range(trials))]
        least = [min(counts) for counts in (_counts(listening) for _ in range(trials))]
        figures[name] = {"most": statistics.median(most), "least": statistics.median(least)}
    figures["handed"] = {"most": CONNECTIONS / WORKERS, "least": CONNECTIONS / WORKERS}
    figures["handover_us"] = round(_handover_us(200 if quick else 5_000), 1)
    return figures


def _own_sockets() -> list[socket.socket]:
    first = socket.socket()
    sockets = [first, *(socket.socket() for _ in range(WORKERS - 1))]
    port = 0
    for each in sockets:
        each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        each.bind(("127.0.0.1", port))
        port = first.getsockname()[1]
        each.listen(256)
    return sockets


def _shared_socket() -> list[socket.socket]:
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(256)
    return [listening] * WORKERS


def _counts(listening: Callable[[], list[socket.socket]]) -> list[int]:
    """Connections that each of four processes accepts, one after the other as viewers come."""
    sockets = listening()
    address = sockets[0].getsockname()
    reads, children = [], []
    for each in sockets:
        read, write = os.pipe()
        child = os.fork()
        if not child:
            _accept(each, write)
        os.close(write)
        reads.append(read)
        children.append(child)
    time.sleep(0.1)
    clients = []
    for _ in range(CONNECTIONS):
        clients.append(socket.create_connection(address))
        time.sleep(0.002)
    time.sleep(0.2)
    for child in children:
        os.kill(child, 15)
    for child in children:
        os.waitpid(child, 0)
    counts = []
    for read in reads:
        with os.fdopen(read, "rb") as pipe:
            counts.append(len(pipe.read()))
    for each in {*sockets, *clients}:
        each.close()
    return counts


def _accept(listening: socket.socket, write: int) -> None:
    """In a child: accept until killed, a byte for each connection."""
    held = []

    async def serve() -> None:
        listening.setblocking(False)  # noqa: FBT003 - the name of the library
        loop = asyncio.get_running_loop()
        while True:
            held.append((await loop.sock_accept(listening))[0])
            os.write(write, b".")

    try:
        asyncio.run(serve())
    finally:
        os._exit(0)


def _handover_us(times: int) -> float:
    """CPU that passing a socket on costs both ends, in microseconds."""
    ours, theirs = socket.socketpair(type=socket.SOCK_DGRAM)
    near, far = socket.socketpair()
    handed = wire.Handed(1, "192.0.2.7", 4242, is_known=False)
    began = time.process_time()
    for _ in range(times):
        handover.hand_over(ours, near, handed)
        data, files, _, _ = socket.recv_fds(theirs, handover.BYTES_MAX, 1)
        wire.read_handed(data)
        os.close(files[0])
    used = time.process_time() - began
    for each in (ours, theirs, near, far):
        each.close()
    return used / times * 1e6
