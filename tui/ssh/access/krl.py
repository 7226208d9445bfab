"""OpenSSH's binary revocation lists (KRL), which ``ssh-keygen -k`` writes. Pure.

The format is PROTOCOL.krl of OpenSSH's sources: a header, then sections of certificates, keys and hashes. As
in OpenSSH since 9.4, signatures of a list are skipped: the file's owner and mode are what protects it.
"""

from __future__ import annotations

from collections import defaultdict
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

import asyncssh
from asyncssh.packet import PacketDecodeError, SSHPacket
from asyncssh.public_key import decode_ssh_public_key

if TYPE_CHECKING:
    from collections.abc import Iterator

MAGIC = b"SSHKRL\n\x00"
"""How a list begins."""
FORMAT_VERSION = 1
CERTIFICATES, EXPLICIT_KEYS, SHA1_HASHES, SIGNATURE, SHA256_HASHES, EXTENSION = 1, 2, 3, 4, 5, 255
"""Kinds of a section."""
SERIAL_LIST, SERIAL_RANGE, SERIAL_BITMAP, KEY_IDS, CERTIFICATES_EXTENSION = 0x20, 0x21, 0x22, 0x23, 0x39
"""Kinds of a part of a section of certificates."""
SERIAL_MAX = 2**64 - 1
BITMAP_MAX = 2_048
"""Bytes of a bitmap, beside a leading zero; OpenSSH takes no larger ones."""


class KrlError(ValueError):
    """The bytes are no list that can be used; the message says what is wrong."""


class RevokedCertificates(NamedTuple):
    """What is revoked of the certificates of one authority."""

    serials: frozenset[int]
    ranges: tuple[tuple[int, int], ...]
    """First and last serial number."""
    bitmaps: tuple[tuple[int, int], ...]
    """A serial number, and a bit for it and for each number that follows."""
    key_ids: frozenset[bytes]

    def has(self, serial: int, key_id: bytes) -> bool:
        """Return whether a certificate is revoked; 0 is the serial number of one that has none."""
        if key_id in self.key_ids:
            return True
        return serial > 0 and (
            serial in self.serials
            or any(first <= serial <= last for first, last in self.ranges)
            or any(first <= serial and bits >> (serial - first) & 1 for first, bits in self.bitmaps)
        )


class Krl(NamedTuple):
    """A list."""

    sha256: frozenset[bytes]
    """SHA-256 hashes of public keys, also of those that the list has in full."""
    sha1: frozenset[bytes]
    """SHA-1 hashes of public keys."""
    certificates: dict[bytes, RevokedCertificates]
    """Public key of an authority, b"" for every authority → what is revoked of its certificates."""


def parse(data: bytes) -> Krl:
    """Return what a list revokes. Raises KrlError for whatever OpenSSH would refuse."""
    try:
        return _parse(SSHPacket(data))
    except PacketDecodeError as error:
        raise KrlError("truncated or damaged") from error


def _parse(packet: SSHPacket) -> Krl:
    if packet.get_bytes(len(MAGIC)) != MAGIC:
        raise KrlError("not a KRL")
    if (version := packet.get_uint32()) != FORMAT_VERSION:
        raise KrlError(f"format version {version} is not supported")
    packet.get_bytes(3 * 8)  # the list's number, its time, flags
    packet.get_string()  # reserved
    packet.get_string()  # comment
    by_sha256: set[bytes] = set()
    by_sha1: set[bytes] = set()
    certificates: dict[bytes, _Certificates] = defaultdict(_Certificates)
    while packet:
        kind, section = packet.get_byte(), SSHPacket(packet.get_string())
        if kind == CERTIFICATES:
            authority = _authority(section)
            section.get_string()  # reserved
            certificates[authority].read(section)
        elif kind == EXPLICIT_KEYS:
            by_sha256.update(sha256(each).digest() for each in _strings(section))
        elif kind == SHA1_HASHES:
            by_sha1.update(_hashes(section, 20))
        elif kind == SHA256_HASHES:
            by_sha256.update(_hashes(section, 32))
        elif kind == SIGNATURE:
            packet.get_string()  # the section was the key that signed, this is the signature
        elif kind == EXTENSION:
            _skip_extension(section)
        else:
            raise KrlError(f"unknown section {kind}")
    frozen = {authority: revoked.frozen() for authority, revoked in certificates.items()}
    return Krl(frozenset(by_sha256), frozenset(by_sha1), frozen)


class _Certificates:
    """Collects the sections of one authority."""

    def __init__(self) -> None:
        self._serials: set[int] = set()
        self._ranges: list[tuple[int, int]] = []
        self._bitmaps: list[tuple[int, int]] = []
        self._key_ids: set[bytes] = set()

    def frozen(self) -> RevokedCertificates:
        """Return what was collected."""
        return RevokedCertificates(
            frozenset(self._serials), tuple(self._ranges), tuple(self._bitmaps), frozenset(self._key_ids)
        )

    def read(self, section: SSHPacket) -> None:
        """Add a section's parts. Raises KrlError and PacketDecodeError."""
        while section:
            kind, part = section.get_byte(), SSHPacket(section.get_string())
            if kind == SERIAL_LIST:
                while part:
                    self._serials.add(_serial(part))
            elif kind == SERIAL_RANGE:
                first, last = part.get_uint64(), _serial(part)
                if first > last:
                    raise KrlError("a range of serial numbers ends before it begins")
                self._ranges.append((first, last))
            elif kind == SERIAL_BITMAP:
                self._bitmaps.append(_bitmap(part))
            elif kind == KEY_IDS:
                self._key_ids.update(_strings(part))
            elif kind == CERTIFICATES_EXTENSION:
                _skip_extension(part)
            else:
                raise KrlError(f"unknown section {kind} about certificates")
            part.check_end()


def _authority(packet: SSHPacket) -> bytes:
    """Return a public key. One that is damaged would revoke nothing, so it is refused."""
    data = packet.get_string()
    if data:
        try:
            decode_ssh_public_key(data)
        except (asyncssh.KeyImportError, ValueError) as error:
            raise KrlError("the key of an authority is damaged or of an unknown kind") from error
    return data


def _serial(packet: SSHPacket) -> int:
    serial = packet.get_uint64()
    if not serial:
        raise KrlError("serial number 0, which no certificate has")
    return serial


def _bitmap(packet: SSHPacket) -> tuple[int, int]:
    first, octets = packet.get_uint64(), packet.get_string()
    bits = int.from_bytes(octets, "big")
    if octets[:1] >= b"\x80" or len(octets.lstrip(b"\x00")) > BITMAP_MAX:
        raise KrlError("a bitmap of serial numbers is negative or too large")
    if first + bits.bit_length() - 1 > SERIAL_MAX or (first == 0 and bits & 1):
        raise KrlError("a bitmap has serial numbers that do not exist")
    return first, bits


def _strings(packet: SSHPacket) -> Iterator[bytes]:
    while packet:
        yield packet.get_string()


def _hashes(packet: SSHPacket, size: int) -> Iterator[bytes]:
    for each in _strings(packet):
        if len(each) != size:
            raise KrlError(f"a hash of {len(each)} bytes instead of {size}")
        yield each


def _skip_extension(packet: SSHPacket) -> None:
    name, is_critical = packet.get_string(), packet.get_boolean()
    packet.get_string()
    packet.check_end()
    if is_critical:
        raise KrlError(f"extension {name.decode('ascii', 'replace')!r} is not supported")
