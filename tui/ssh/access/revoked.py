"""The file of revoked keys: text, one public key or fingerprint a line, or a binary list (KRL)."""

from __future__ import annotations

import base64
import binascii
from hashlib import sha1, sha256
from typing import TYPE_CHECKING, NamedTuple

import asyncssh

from rotation.errors import InputError
from tui.ssh.access import krl
from tui.ssh.access.key_file import numbered_lines, read_protected

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FILE_MAX = 16 * 1024 * 1024
"""Bytes of the file: four hundred thousand hashes of keys."""
_HASH_SIZE = 32
_PREFIX = "SHA256:"


class Revoked(NamedTuple):
    """What may not log in, whatever other files say."""

    by_sha256: frozenset[bytes] = frozenset()
    """SHA-256 hashes of public keys."""
    by_sha1: frozenset[bytes] = frozenset()
    """SHA-1 hashes of public keys; only binary lists have them."""
    certificates: Mapping[bytes, krl.RevokedCertificates] = {}
    """Public key of an authority, b"" for every authority → what is revoked of its certificates."""

    @property
    def size(self) -> int:
        """How many keys and hashes are listed, and authorities that have revoked certificates."""
        return len(self.by_sha256) + len(self.by_sha1) + len(self.certificates)

    def has_key(self, key: asyncssh.SSHKey) -> bool:
        """Return whether a key is revoked, be it a viewer's or an authority's."""
        data = key.public_data
        return (
            sha256(data).digest() in self.by_sha256
            or sha1(data, usedforsecurity=False).digest() in self.by_sha1
        )

    def has_certificate(self, authority: asyncssh.SSHKey, serial: int, key_id: str) -> bool:
        """Return whether a certificate that this authority has signed is revoked."""
        lists = (self.certificates.get(each) for each in (authority.public_data, b""))
        return any(each.has(serial, key_id.encode()) for each in lists if each is not None)


def read_revoked(path: Path, option: str) -> Revoked:
    """Read the file of this option of the command line. Raises InputError if any part of it is broken.

    What was skipped here would let a key in, so the file counts only as a whole.
    """
    data = read_protected(path, option)
    if len(data) > FILE_MAX:
        raise InputError(f"{option}: {path}: larger than {FILE_MAX // 1024**2} MB")
    if data.startswith(krl.MAGIC[:6]):
        try:
            return Revoked(*krl.parse(data))
        except krl.KrlError as error:
            raise InputError(f"{option}: {path}: invalid revocation list (KRL): {error}") from error
    return Revoked(
        frozenset(
            _hash(line, f"{option}: {path}: line {number}")
            for number, line in numbered_lines(data, path, option)
        )
    )


def _hash(line: str, where: str) -> bytes:
    """Return the SHA-256 hash that a line of text revokes. Raises InputError."""
    fingerprint = line.split(maxsplit=1)[0]
    if fingerprint.startswith(_PREFIX):
        try:
            digest = base64.b64decode(fingerprint.removeprefix(_PREFIX) + "=", validate=True)
        except binascii.Error:
            digest = b""
        if len(digest) == _HASH_SIZE:
            return digest
    try:
        return sha256(asyncssh.import_public_key(line).public_data).digest()
    except (asyncssh.KeyImportError, ValueError) as error:
        raise InputError(f"{where} is neither a public key nor a SHA256 fingerprint") from error
