"""The host's own key on disk: made once, private, the same for every run."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import asyncssh

from rotation.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

RSA_SIGNATURES = (b"rsa-sha2-512", b"rsa-sha2-256")
"""What an RSA host key signs with; asyncssh would also offer ssh-rsa, which rests on SHA-1."""
RSA_BITS_MIN = 2_048
"""Bits of an RSA host key that auditors accept."""


def host_key(path: Path) -> asyncssh.SSHKey:
    """Return the host's key; the first run makes it (ed25519, mode 0600). Raises InputError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            _make(path)
        mode = path.stat().st_mode & 0o777
        if mode & 0o077:
            raise InputError(
                f"{path}: host key readable by other users (mode {mode:o}); run: chmod 600 {path}"
            )
        key = asyncssh.read_private_key(path)
    except (OSError, asyncssh.KeyImportError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"{path}: cannot use this host key ({reason}); name another file with --host-key"
        ) from error
    if _is_too_weak(key):
        raise InputError(
            f"{path}: host key too weak; use ed25519, ECDSA, or RSA with at least {RSA_BITS_MIN:,} bits"
        )
    return key


def key_pairs(key: asyncssh.SSHKey) -> list[asyncssh.SSHKeyPair]:
    """Return the key as it is offered to clients: an RSA key never signs with SHA-1."""
    pairs = list(asyncssh.load_keypairs([key]))
    for pair in pairs if key.get_algorithm() == "ssh-rsa" else ():
        pair.host_key_algorithms = RSA_SIGNATURES
    return pairs


def _is_too_weak(key: asyncssh.SSHKey) -> bool:
    if key.get_algorithm() == "ssh-dss":
        return True
    return key.get_algorithm() == "ssh-rsa" and getattr(key.pyca_key, "key_size", 0) < RSA_BITS_MIN


def _make(path: Path) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519", comment="rotation-tui")
    # Written whole under another name, then linked: two hosts that start at once agree on one key.
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(key.export_private_key())
        file.flush()
        os.fsync(file.fileno())
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        pass  # another host was first, and its key is used
    finally:
        temporary.unlink()
