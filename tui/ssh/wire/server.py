"""asyncssh's server connection with the rules that its options do not have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, cast

import asyncssh

from tui.ssh.wire.algorithms import tag_size
from tui.ssh.wire.framing import KEXINIT, NEWKEYS

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from asyncssh.packet import SSHPacket, SSHPacketLogger

SHA1_SIGNATURES = {b"ssh-rsa", b"ssh-dss"}
"""Signatures that rest on SHA-1; asyncssh checks them whatever it has offered."""


class Attempts(Protocol):
    """What a client may try; ``tui.ssh.connection.traffic.Traffic`` is one."""

    def may_exchange_keys(self) -> bool:
        """Whether the client may begin a key exchange now; each call counts."""
        ...

    def exchanging_keys(self, *, is_under_way: bool) -> None:
        """A key exchange has begun or ended."""
        ...

    def may_try_again(self) -> bool:
        """Whether the client may try to log in again after a failure; each call counts."""
        ...


class Authentication(Protocol):
    """Who logs in; ``tui.ssh.access.authentication.Authentication`` is one."""

    def checking(self, username: str, key_data: bytes) -> bool:
        """Whether a key or certificate that is offered is worth checking."""
        ...

    def refused(self, key_data: bytes) -> None:
        """It may not log in, or its signature is not valid."""
        ...


class Rules(Protocol):
    """What decides about a connection; ``SshConnection`` is one."""

    traffic: Attempts
    authentication: Authentication


class ServerConnection(asyncssh.SSHServerConnection):
    """One connection. Every method here extends one of asyncssh, which calls it."""

    _tag: int | None = None

    def process_packet(self, pkttype: int, pktid: int, packet: SSHPacket) -> bool | Awaitable[None]:
        """Refuse a key exchange that is not allowed, and new algorithms in a later one."""
        rules = self._rules()
        if pkttype == KEXINIT and rules is not None and not rules.traffic.may_exchange_keys():
            raise asyncssh.ProtocolError("key exchange not allowed now")
        if pkttype == NEWKEYS:
            tag = tag_size(str(self.get_extra_info("recv_mac")))
            if self._tag is not None and tag != self._tag:
                # Packets are counted by their lengths, which must stay readable.
                raise asyncssh.ProtocolError("another MAC in a later key exchange")
            self._tag = tag
        return super().process_packet(pkttype, pktid, packet)

    def send_packet(self, pkttype: int, *args: bytes, handler: SSHPacketLogger | None = None) -> None:
        """Note when a key exchange is under way: what is written meanwhile only waits in memory."""
        super().send_packet(pkttype, *args, handler=handler)
        if pkttype in {KEXINIT, NEWKEYS} and (rules := self._rules()) is not None:
            rules.traffic.exchanging_keys(is_under_way=pkttype == KEXINIT)

    def send_userauth_failure(self, partial_success: bool) -> None:  # noqa: FBT001 - asyncssh's signature
        """Count the failure, and disconnect after too many."""
        rules = self._rules()
        if rules is not None and not rules.traffic.may_try_again():
            raise asyncssh.ProtocolError("Too many authentication failures")
        super().send_userauth_failure(partial_success)

    async def validate_public_key(self, username: str, key_data: bytes, msg: bytes, signature: bytes) -> bool:
        """Ask the rules about each key, and refuse signatures that rest on SHA-1.

        asyncssh tells its server neither which certificate it checks nor whether a signature was valid.
        """
        rules = self._rules()
        rests_on_sha1 = msg and signature[4 : 4 + int.from_bytes(signature[:4], "big")] in SHA1_SIGNATURES
        is_valid = (
            rules is not None
            and rules.authentication.checking(username, key_data)
            and not rests_on_sha1
            and await super().validate_public_key(username, key_data, msg, signature)
        )
        if rules is not None and not is_valid:
            rules.authentication.refused(key_data)
        return is_valid

    def _rules(self) -> Rules | None:
        """Return the rules; None once the connection is closed."""
        return cast("Rules | None", self.get_owner())
