"""The parent's entrance: accepts, admits by address over all workers, and hands each connection to one."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from typing import TYPE_CHECKING, Any

from tui.ssh import event_log
from tui.ssh.listener import ACCEPTED_AT_ONCE, BACKLOG, bound
from tui.ssh.reasons import TURNED_AWAY, Refusal
from tui.ssh.wire.guard import SocketGuard
from tui.ssh.wire.proxy_protocol import FIXED, HEADER_S, ProxyHeaderError, is_listed, parse
from tui.ssh.workers import wire

if TYPE_CHECKING:
    from tui.ssh.host_state import HostState
    from tui.ssh.wire.proxy_protocol import Networks
    from tui.ssh.wire.server import ServerConnection
    from tui.ssh.wire.turned_away import TurnedAway
    from tui.ssh.wire.turns import Turns
    from tui.ssh.workers.pool import Pool

AGAIN_S = 1.0
"""Seconds without accepting after the system had no open file left."""
HEADERS_MAX = 256
"""Balancers' headers that are awaited at once."""
_SHORT = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


class Entrance:
    """Listening sockets of one port. Workers never hold them, so a dead worker loses no waiting client."""

    def __init__(self, state: HostState, pool: Pool, proxies: Networks) -> None:
        """``state`` admits by address, and knows bans; ``proxies``: balancers that send a PROXY header."""
        self._state = state
        self._pool = pool
        self._proxies = proxies
        self._sockets: list[socket.socket] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._headers = 0
        """Headers that are awaited."""

    async def bind(self, address: str, port: int, *, reuse_port: bool) -> int:
        """Take the port without listening yet, and return it. Raises InputError."""
        server = await bound(
            asyncio.Protocol, address=address, port=port, reuse_port=reuse_port, serves=False
        )
        for each in server.sockets:
            copy = socket.socket(fileno=os.dup(each.fileno()))
            copy.settimeout(0)
            self._sockets.append(copy)
        server.close()
        return int(self._sockets[0].getsockname()[1])

    def start(self) -> None:
        """Accept from now on."""
        for each in self._sockets:
            each.listen(BACKLOG)
            asyncio.get_running_loop().add_reader(each.fileno(), self._accept, each)

    def close(self) -> None:
        """Accept no more."""
        for each in self._sockets:
            asyncio.get_running_loop().remove_reader(each.fileno())
            each.close()
        self._sockets.clear()
        for task in list(self._tasks):
            task.cancel()

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(ACCEPTED_AT_ONCE):
            try:
                accepted, peer = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in _SHORT:
                    raise
                event_log.error("no connections accepted", why=error.strerror, seconds=AGAIN_S)
                loop = asyncio.get_running_loop()
                loop.remove_reader(listening.fileno())
                loop.call_later(AGAIN_S, self._resume, listening)
                return
            accepted.settimeout(0)
            self._arrived(accepted, peer)

    def _resume(self, listening: socket.socket) -> None:
        if listening in self._sockets:
            asyncio.get_running_loop().add_reader(listening.fileno(), self._accept, listening)

    def _arrived(self, accepted: socket.socket, peer: tuple[Any, ...]) -> None:
        address, port = str(peer[0]), int(peer[1])
        if not is_listed(address, self._proxies):
            self._admit(accepted, address, port)
        elif self._headers >= HEADERS_MAX:
            accepted.close()
        else:
            self._headers += 1
            self._later(self._read_header(accepted, address, port))

    def _later(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work, name="entrance")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _read_header(self, accepted: socket.socket, address: str, port: int) -> None:
        """Read exactly the balancer's header: what follows is the worker's to read."""
        loop, data, size = asyncio.get_running_loop(), b"", FIXED
        try:
            async with asyncio.timeout(HEADER_S):
                while (header := parse(data)) is None:
                    if len(data) >= FIXED:
                        size = FIXED + int.from_bytes(data[14:16], "big")
                    more = await loop.sock_recv(accepted, size - len(data))
                    if not more:
                        raise ConnectionAbortedError
                    data += more
        except ProxyHeaderError as error:
            self._state.refuse(Refusal.PROXY_HEADER, address=address, why=str(error))
            accepted.close()
        except (OSError, TimeoutError):
            accepted.close()
        except asyncio.CancelledError:
            accepted.close()
            raise
        else:
            self._admit(accepted, *(header.source or (address, port)))
        finally:
            self._headers -= 1

    def _admit(self, accepted: socket.socket, address: str, port: int) -> None:
        """Let the least busy worker have the connection, or say why it is refused."""
        state = self._state
        refusal = state.refusal(address)
        if refusal is not None:
            self._later(self._turn_away(accepted, refusal))
            return
        handed = wire.Handed(next(state.numbers), address, port, state.admission.is_known(address))
        for member in self._pool.least_busy():
            if member.hand_over(accepted, handed):
                accepted.close()  # the worker has its own
                return
        state.admission.leave(address, pending=True)
        state.refuse(Refusal.NO_WORKER, address=address)
        self._later(self._turn_away(accepted, f"rotation-tui: {TURNED_AWAY[Refusal.NO_WORKER]}"))

    async def _turn_away(self, accepted: socket.socket, why: str) -> None:
        refuser = _Refuser(why, self._state.lingering)
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: SocketGuard(refuser, _no_connection), accepted
            )
        except OSError:  # the client has gone already
            accepted.close()


class _Refuser:
    """Refuses a connection that has been judged already."""

    def __init__(self, why: str, lingering: set[TurnedAway]) -> None:
        self._why = why
        self.lingering = lingering

    def refusal(self, address: str) -> str | None:
        del address
        return self._why

    def turns(self, address: str) -> Turns:
        raise NotImplementedError


def _no_connection() -> ServerConnection:
    raise NotImplementedError
