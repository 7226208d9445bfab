"""Guards the socket in front of asyncssh: refuses connections, counts packets, lets key exchanges wait."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Protocol, cast

from tui.ssh.limits import Progress
from tui.ssh.wire.algorithms import tag_size
from tui.ssh.wire.framing import KEX_REQUEST, KEXINIT, NEWKEYS, Framing, FramingError, Packet
from tui.ssh.wire.turned_away import TurnedAway

if TYPE_CHECKING:
    from collections.abc import Callable

    from tui.ssh.wire.server import ServerConnection
    from tui.ssh.wire.turns import Turns

SEND_BUFFER = 128 * 1024
"""Bytes that the kernel holds for one client: what waits there is old by the time it is seen."""
UNREAD_MAX = 32 * 1024
"""Bytes of replies that may wait for a client that has stopped reading."""
DISCARD_EVERY_S = 0.1
"""Seconds between two reads of what is discarded."""
PLAIN_KINDS = {1, 2, 3, 4}
"""Messages that may come unencrypted beside those of the key exchange: disconnect, ignore, and the like."""
REQUESTS_MAX = 2
"""Unencrypted key exchange requests: a client may guess the algorithm wrongly once."""


class Admission(Protocol):
    """Lets connections in."""

    lingering: set[TurnedAway]

    def refusal(self, address: str) -> str | None:
        """Count a new connection and return None, or return the words that refuse it."""
        ...

    def turns(self, address: str) -> Turns:
        """Return the queue in which a key exchange from this address waits."""
        ...


class Traffic(Protocol):
    """What a client may send; ``tui.ssh.connection.traffic.Traffic`` is one."""

    is_over: bool
    """Whether the connection is ending: what still comes is discarded."""

    def bytes_received(self, count: int) -> bool:
        """Count bytes; False if they are too many, and the connection is ending."""
        ...

    def packet_received(self) -> bool:
        """Count a packet; False if they are too many, and the connection is ending."""
        ...

    def progressed(self, progress: Progress) -> None:
        """The client has come so far, and we wait for it."""
        ...

    def waits(self) -> None:
        """The client waits for its key exchange."""
        ...

    def broke_protocol(self) -> None:
        """End the connection: what the client sent is not SSH, or comes out of order."""
        ...

    def left_unread(self) -> None:
        """The client goes on asking without reading the replies: end the connection."""
        ...

    def stalled(self, part: str, *, is_stalled: bool) -> None:
        """A part of the way to the client ("socket") is full, or takes bytes again."""
        ...


class Owner(Protocol):
    """What the guard needs of a connection's owner; ``SshConnection`` is one."""

    traffic: Traffic


class SocketGuard(asyncio.Protocol):
    """Passes a socket's events to asyncssh, which neither limits what comes nor heeds a full socket."""

    _ssh: ServerConnection
    _transport: asyncio.Transport
    _address: str

    def __init__(self, admission: Admission, connect: Callable[[], ServerConnection]) -> None:
        """``connect`` makes asyncssh's end of a connection that was let in."""
        self._admission = admission
        self._connect = connect
        self._framing = Framing()
        self._exchanges = self._requests = 0
        self._held: Packet | None = None
        """A key exchange request that waits for its turn."""
        self._turns: Turns | None = None
        """Where it waits."""
        self.is_let_in = False
        """Whether the connection was admitted."""
        self._unread: int | None = None
        """Bytes that waited when the socket was full; None while it takes more."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Bound what the kernel holds for the client; let it in, or say why not."""
        self._transport = cast("asyncio.Transport", transport)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        peer = transport.get_extra_info("peername")
        self._address = str(peer[0]) if peer else ""
        refusal = self._admission.refusal(self._address)
        if refusal is not None:
            TurnedAway(self._transport, self._admission.lingering).begin(refusal)
            return
        self.is_let_in = True
        self._ssh = self._connect()
        self._ssh.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Pass it on."""
        if self._turns is not None:
            self._turns.leave(self._take_turn)
        self._ssh.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Pass on the packets that are whole, as long as they are not too many."""
        traffic = self._traffic()
        if traffic is None:
            return
        if traffic.is_over or not traffic.bytes_received(len(data)):
            self._discard()
            return
        if self._unread is not None and self._transport.get_write_buffer_size() > self._unread + UNREAD_MAX:
            traffic.left_unread()
            return
        self._framing.feed(data)
        self._pass_on()

    def eof_received(self) -> None:
        """Pass it on; the transport then closes itself."""
        self._ssh.eof_received()

    def pause_writing(self) -> None:
        """Stop frames: the socket takes no more."""
        self._unread = self._transport.get_write_buffer_size()
        if traffic := self._traffic():
            traffic.stalled("socket", is_stalled=True)

    def resume_writing(self) -> None:
        """Send frames again."""
        self._unread = None
        if traffic := self._traffic():
            traffic.stalled("socket", is_stalled=False)

    def _pass_on(self) -> None:
        while self._held is None and (traffic := self._traffic()) is not None and not traffic.is_over:
            had_version = self._framing.has_version
            try:
                packet = self._framing.next()
            except FramingError:
                traffic.broke_protocol()
                return
            if packet is None or not traffic.packet_received():
                return
            if not had_version:
                traffic.progressed(Progress.GREETED)
            elif packet.kind is not None and not self._may_pass(packet.kind):
                traffic.broke_protocol()
                return
            elif packet.kind == KEX_REQUEST:
                self._held = packet
                traffic.waits()
                self._turns = self._admission.turns(self._address)
                self._turns.wait(self._take_turn)
                return
            elif packet.kind == KEXINIT:
                traffic.progressed(Progress.OFFERED)
            self._ssh.data_received(packet.octets)

    def _may_pass(self, kind: int) -> bool:
        """Whether this unencrypted message may come now: one key exchange, then only encrypted packets."""
        if kind == KEXINIT:
            self._exchanges += 1
            return self._exchanges == 1
        if kind == KEX_REQUEST:
            self._requests += 1
            return self._requests <= REQUESTS_MAX
        if kind == NEWKEYS:
            mac = self._ssh.get_extra_info("recv_mac")
            if mac is None:
                return False
            self._framing.encrypt(tag_size(mac))
            return True
        return kind in PLAIN_KINDS

    def _take_turn(self) -> None:
        packet, self._held = self._held, None
        traffic = self._traffic()
        if packet is None or traffic is None:
            return
        traffic.progressed(Progress.NEGOTIATING)
        self._ssh.data_received(packet.octets)
        self._pass_on()

    def _discard(self) -> None:
        """Read on slowly: with bytes unread, closing would be a reset, and the last words would be lost."""
        if not self._transport.is_closing():
            self._transport.pause_reading()
            asyncio.get_running_loop().call_later(DISCARD_EVERY_S, self._read_on)

    def _read_on(self) -> None:
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def _traffic(self) -> Traffic | None:
        """Return what counts the client's traffic; None once asyncssh has closed the connection."""
        owner = cast("Owner | None", self._ssh.get_owner())
        return None if owner is None else owner.traffic
