"""PROXY protocol version 2: a balancer in front of the host says where each connection comes from.

Only listed addresses are believed, and they must send the header: without it everyone would have one address.
"""

from __future__ import annotations

import asyncio
import ipaddress
from typing import TYPE_CHECKING, Any, NamedTuple

from tui.ssh.limits import client_ip

if TYPE_CHECKING:
    from collections.abc import Callable

Networks = tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]
SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
FIXED = 16
"""Bytes of the part that every header has; it holds the length of the rest."""
_MOST = 4 * 1024
"""Bytes of a header; the addresses take 36, extensions some hundred."""
HEADER_S = 5.0
"""Seconds that a balancer gets to send the header."""
_ADDRESSES = {0x11: 4, 0x21: 16}
"""Family and transport (TCP over IPv4, over IPv6) → bytes of an address."""


class ProxyHeaderError(ValueError):
    """What came is not a header of version 2."""


class Header(NamedTuple):
    """A complete header."""

    source: tuple[str, int] | None
    """Address and port of the client; None for the balancer's own connections (health checks)."""
    size: int
    """Bytes of the header; what follows is SSH."""


def parse(data: bytes) -> Header | None:
    """Return the header that begins ``data``; None while it is incomplete. Raises ProxyHeaderError."""
    if not SIGNATURE.startswith(data[: len(SIGNATURE)]):
        raise ProxyHeaderError("no PROXY protocol header of version 2")
    if len(data) < FIXED:
        return None
    version, command = divmod(data[12], 16)
    size = FIXED + int.from_bytes(data[14:16], "big")
    if version != 2 or command > 1 or size > _MOST:
        raise ProxyHeaderError("damaged PROXY protocol header")
    if len(data) < size:
        return None
    width = _ADDRESSES.get(data[13])
    if command == 0 or width is None:
        return Header(None, size)
    if size < FIXED + 2 * width + 4:
        raise ProxyHeaderError("PROXY protocol header without its addresses")
    address = ipaddress.ip_address(data[FIXED : FIXED + width])
    port = int.from_bytes(data[FIXED + 2 * width : FIXED + 2 * width + 2], "big")
    return Header((str(address), port), size)


class BehindProxy(asyncio.Protocol):
    """Reads the header of a connection from a balancer, then hands the connection over."""

    def __init__(
        self,
        proxies: Networks,
        successor: Callable[[], asyncio.Protocol],
        on_refused: Callable[[str, str], None],
    ) -> None:
        """``successor`` makes what serves the connection, under the client's address.

        ``on_refused`` gets the balancer's address, and what is wrong with its header.
        """
        self._proxies = proxies
        self._successor = successor
        self._on_refused = on_refused
        self._address = ""
        self._transport: Any = None
        self._data = b""
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Hand over at once what does not come from a balancer."""
        self._transport = transport
        peer = transport.get_extra_info("peername")
        self._address = str(peer[0]) if peer else ""
        if not is_listed(self._address, self._proxies):
            self._hand_over(transport, b"")
            return
        self._timer = asyncio.get_running_loop().call_later(HEADER_S, transport.abort)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        """Collect the header."""
        self._data += data
        try:
            header = parse(self._data)
        except ProxyHeaderError as error:
            self._on_refused(self._address, str(error))
            self._transport.abort()
            return
        if header is None:
            return
        seen = self._transport if header.source is None else SeenFrom(self._transport, header.source)
        self._hand_over(seen, self._data[header.size :])

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        del exc
        self._stop()

    def _hand_over(self, seen: Any, rest: bytes) -> None:
        self._stop()
        successor = self._successor()
        self._transport.set_protocol(successor)
        successor.connection_made(seen)
        if rest and not self._transport.is_closing():
            # Whoever serves by now: the successor may have passed the connection on.
            self._transport.get_protocol().data_received(rest)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class SeenFrom:
    """A transport with another address at its far end."""

    def __init__(self, transport: Any, source: tuple[str, int]) -> None:
        self._transport = transport
        self._source = source

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return what the transport says, but for its ``peername``."""
        return self._source if name == "peername" else self._transport.get_extra_info(name, default)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


def is_listed(address: str, networks: Networks) -> bool:
    """Whether an address is in one of these networks."""
    ip = client_ip(address)
    return ip is not None and any(ip in network for network in networks)
