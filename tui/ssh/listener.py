"""Listens for SSH: asyncssh with everything off that a screen does not need, and a guard on each socket."""

from __future__ import annotations

import asyncio
import os
import socket
from typing import TYPE_CHECKING, Any

import asyncssh

from rotation.errors import InputError
from tui.ssh.connection import SshConnection
from tui.ssh.proxy_protocol import BehindProxy

if TYPE_CHECKING:
    from collections.abc import Callable

    from tui.ssh.host_state import HostState
    from tui.ssh.proxy_protocol import Networks

BACKLOG = 256
"""Connections that the kernel queues before they are accepted."""
SEND_BUFFER = 128 * 1024
"""Bytes that the kernel holds for one client: what waits there is old by the time it is seen."""


async def listen(
    state: HostState,
    *,
    address: str,
    port: int,
    reuse_port: bool,
    key: asyncssh.SSHKey,
    proxies: Networks = (),
) -> asyncssh.SSHAcceptor:
    """Listen at this address; "" is every address, port 0 any free port. Raises InputError if it cannot."""
    try:
        return await asyncssh.listen(
            address,
            port,
            tunnel=_GuardedListener(reuse_port=reuse_port, proxies=proxies),
            server_factory=lambda: SshConnection(state),
            server_host_keys=[key],
            server_version="rotation-tui",
            config=[],
            encoding=None,
            line_editor=False,
            public_key_auth=True,
            kbdint_auth=state.authorized_keys.is_open,
            password_auth=False,
            host_based_auth=False,
            gss_auth=False,
            gss_kex=False,
            compression_algs=["none"],
            agent_forwarding=False,
            x11_forwarding=False,
            allow_scp=False,
            login_timeout=2
            * state.limits.login_s,  # SshConnection has its own, which lasts until the session
            keepalive_interval=state.limits.keepalive_s,
            keepalive_count_max=state.limits.keepalives,
            window=64 * 1024,
        )
    except OSError as error:
        # asyncio wraps the system's words into a sentence of its own.
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error
        raise InputError(f"--listen: cannot listen on {address or '*'}:{port}: {reason}") from error


class _GuardedListener:
    """Accepts TCP connections for asyncssh, each behind a SocketGuard.

    asyncssh's documented ``tunnel`` option takes an object with ``create_server`` and leaves accepting
    connections to it. That is how we stand between the socket and asyncssh without touching either.
    """

    def __init__(self, *, reuse_port: bool, proxies: Networks) -> None:
        """``proxies``: the balancers that say, in a PROXY header, whom they speak for."""
        self._reuse_port = reuse_port
        self._proxies = proxies

    async def create_server(
        self, session_factory: Callable[[str, int], Any], listen_host: str, listen_port: int
    ) -> _Port:
        """Listen, and give each connection's bytes to a session of ``session_factory``."""

        def guard() -> asyncio.Protocol:
            return SocketGuard(session_factory("", 0))

        return _Port(
            await asyncio.get_running_loop().create_server(
                (lambda: BehindProxy(self._proxies, guard)) if self._proxies else guard,
                listen_host,
                listen_port,
                backlog=BACKLOG,
                reuse_port=self._reuse_port or None,
            )
        )

    async def create_connection(self, *_: object) -> Any:
        """Never called: this end only listens."""
        raise NotImplementedError


class _Port(asyncssh.SSHListener):
    """An asyncio server as asyncssh wants it."""

    def __init__(self, server: asyncio.Server) -> None:
        super().__init__()
        self._server = server

    def get_port(self) -> int:
        """Return the port; where several addresses are listened on, that of the first."""
        return int(self._server.sockets[0].getsockname()[1])

    def close(self) -> None:
        """Stop listening; connections stay open."""
        self._server.close()

    async def wait_closed(self) -> None:
        """Wait until nothing is listened for any more."""
        await self._server.wait_closed()


class SocketGuard(asyncio.Protocol):
    """Passes a socket's events to asyncssh, which neither limits what comes nor heeds a full socket."""

    def __init__(self, ssh: asyncssh.SSHServerConnection) -> None:
        self._ssh = ssh

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Bound what the kernel holds for the client, and begin."""
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        self._ssh.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Pass it on."""
        self._ssh.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Pass bytes on as long as they are not too many."""
        owner = self._owner()
        if owner is None or owner.bytes_received(len(data)):
            self._ssh.data_received(data)

    def eof_received(self) -> None:
        """Pass it on; the transport then closes itself."""
        self._ssh.eof_received()

    def pause_writing(self) -> None:
        """Stop frames: the socket takes no more."""
        if owner := self._owner():
            owner.stalled("socket", is_stalled=True)

    def resume_writing(self) -> None:
        """Send frames again."""
        if owner := self._owner():
            owner.stalled("socket", is_stalled=False)

    def _owner(self) -> SshConnection | None:
        """Return our end of the connection; None once asyncssh has closed it."""
        owner = self._ssh.get_owner()
        return owner if isinstance(owner, SshConnection) else None
