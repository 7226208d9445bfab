"""A file of keys: its valid lines, and which lines were refused and why."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, NamedTuple

import asyncssh

from rotation.errors import InputError
from tui.ssh.access.key_line import KeyLine, KeyLineError, parse

if TYPE_CHECKING:
    from pathlib import Path

_KRL = "SSHKRL"
"""How a binary revocation list begins."""


class RefusedLine(NamedTuple):
    """A line that lets nobody in."""

    number: int
    """The first line is 1."""
    reason: str


class KeyFile(NamedTuple):
    """A file in the format of authorized_keys."""

    path: Path
    lines: tuple[KeyLine, ...]
    refused: tuple[RefusedLine, ...]


class RevokedFile(NamedTuple):
    """The fingerprints (``SHA256:…``) of keys that may not log in, whatever other files say."""

    path: Path
    fingerprints: frozenset[str]


def read_keys(path: Path, option: str) -> KeyFile:
    """Read the file of this option of the command line. Raises InputError if it cannot be read."""
    lines, refused = [], []
    for number, line in _numbered(path, option):
        try:
            lines.append(parse(line))
        except KeyLineError as error:
            refused.append(RefusedLine(number, str(error)))
    return KeyFile(path, tuple(lines), tuple(refused))


def read_revoked(path: Path, option: str) -> RevokedFile:
    """Read revoked keys, a public key or fingerprint a line. Raises InputError if any line is broken.

    A line that was skipped here would let a key in, so the file counts only as a whole.
    """
    fingerprints = set()
    for number, line in _numbered(path, option):
        if line.startswith(_KRL):
            raise InputError(f"{option}: {path}: a binary list (KRL) is not supported; list public keys")
        fingerprint = line.split()[0]
        if not _is_fingerprint(fingerprint):
            try:
                fingerprint = asyncssh.import_public_key(line).get_fingerprint()
            except (asyncssh.KeyImportError, ValueError) as error:
                raise InputError(
                    f"{option}: {path}: line {number} is neither a public key nor a SHA256 fingerprint"
                ) from error
        fingerprints.add(fingerprint)
    return RevokedFile(path, frozenset(fingerprints))


def _is_fingerprint(text: str) -> bool:
    algorithm, _, digest = text.partition(":")
    try:
        return algorithm == "SHA256" and len(base64.b64decode(digest + "=", validate=True)) == 32
    except binascii.Error:
        return False


def _numbered(path: Path, option: str) -> list[tuple[int, str]]:
    """Return the lines that are neither blank nor comments, with their numbers. Raises InputError."""
    try:
        mode = path.stat().st_mode & 0o777
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{option}: {path}: {reason}") from error
    if mode & 0o022:
        raise InputError(f"{option}: {path}: writable by other users (mode {mode:o}); run: chmod 600 {path}")
    stripped = ((number, line.strip()) for number, line in enumerate(text.split("\n"), 1))
    return [(number, line) for number, line in stripped if line and not line.startswith("#")]
