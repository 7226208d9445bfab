"""Listens for SSH: asyncssh with everything off that a screen does not need, and a guard on each socket."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from typing import TYPE_CHECKING

import asyncssh

from rotation.errors import InputError
from tui.ssh.access.host_key import key_pairs
from tui.ssh.connection.ssh_connection import SshConnection
from tui.ssh.reasons import Refusal
from tui.ssh.wire.algorithms import CIPHERS, KEY_EXCHANGE, MACS, SIGNATURES
from tui.ssh.wire.guard import SocketGuard
from tui.ssh.wire.proxy_protocol import BehindProxy
from tui.ssh.wire.server import ServerConnection
from tui.ssh.wire.turned_away import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable

    from tui.ssh.host_state import HostState
    from tui.ssh.wire.proxy_protocol import Networks

BACKLOG = 256
"""Connections that the kernel queues before they are accepted."""
ACCEPTED_AT_ONCE = 8
"""Connections that are accepted in one turn of the loop: frames and keys come between two turns."""


async def server_options(state: HostState, key: asyncssh.SSHKey) -> asyncssh.SSHServerConnectionOptions:
    """Return what every connection is served with."""
    options: asyncssh.SSHServerConnectionOptions = await asyncssh.SSHServerConnectionOptions.construct(
        server_factory=lambda: SshConnection(state),
        server_host_keys=key_pairs(key),
        server_version=VERSION,
        config=[],
        encoding=None,
        line_editor=False,
        kex_algs=KEY_EXCHANGE,
        encryption_algs=CIPHERS,
        mac_algs=MACS,
        compression_algs=["none"],
        signature_algs=SIGNATURES,
        public_key_auth=True,
        kbdint_auth=state.authorized_keys.is_open,
        password_auth=False,
        host_based_auth=False,
        gss_auth=False,
        gss_kex=False,
        agent_forwarding=False,
        x11_forwarding=False,
        allow_scp=False,
        login_timeout=2 * state.limits.login_s,  # SshConnection has its own, which lasts until the session
        keepalive_interval=state.limits.keepalive_s,
        keepalive_count_max=state.limits.keepalives,
        window=64 * 1024,
    )
    return options


async def listen(
    state: HostState,
    *,
    address: str,
    port: int,
    reuse_port: bool,
    key: asyncssh.SSHKey,
    proxies: Networks = (),
) -> asyncio.Server:
    """Listen at this address; "" is every address, port 0 any free port. Raises InputError if it cannot."""
    loop = asyncio.get_running_loop()
    options = await server_options(state, key)

    def guard() -> asyncio.Protocol:
        return SocketGuard(state, lambda: ServerConnection(loop, options))

    def refused(address: str, why: str) -> None:
        state.refuse(Refusal.PROXY_HEADER, address=address, why=why)

    server = await bound(
        (lambda: BehindProxy(proxies, guard, refused)) if proxies else guard,
        address=address,
        port=port,
        reuse_port=reuse_port,
    )
    for each in server.sockets:
        # asyncio has one number for both; the kernel's queue may be longer than a turn.
        with socket.socket(fileno=os.dup(each.fileno())) as listening:
            listening.listen(BACKLOG)
    return server


async def bound(
    factory: Callable[[], asyncio.Protocol],
    *,
    address: str,
    port: int,
    reuse_port: bool,
    serves: bool = True,
) -> asyncio.Server:
    """Return a server at this address; ``serves``: False leaves listening to the caller.

    Raises InputError if the address cannot be used.
    """
    try:
        return await asyncio.get_running_loop().create_server(
            factory,
            address,
            port,
            backlog=ACCEPTED_AT_ONCE,
            reuse_port=reuse_port or None,
            start_serving=serves,
        )
    except OSError as error:
        # asyncio wraps the system's words into a sentence of its own, and since Python 3.13 drops the number
        # where no address could be assigned. A negative number is the resolver's.
        number = errno.EADDRNOTAVAIL if error.errno is None else error.errno
        reason = os.strerror(number) if number > 0 else error
        raise InputError(f"--listen: cannot listen on {address or '*'}:{port}: {reason}") from error
