"""Who the host is, and who may come in: the host key on disk and the authorized_keys file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import asyncssh

from rotation.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

HARMLESS = {"from", "command", "pty", "no-pty", "restrict", "environment", "permitopen"}
"""Options of a key that are obeyed here, or that grant nothing here; beside these any ``no-…``."""


def host_key(path: Path) -> asyncssh.SSHKey:
    """The host's key, made on the first run (ed25519, mode 0600). Raises InputError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            _make(path)
        mode = path.stat().st_mode & 0o777
        if mode & 0o077:
            raise InputError(f"{path}: others may read the host key (mode {mode:o}); run chmod 600 on it")
        return asyncssh.read_private_key(path)
    except (OSError, asyncssh.KeyImportError) as error:
        raise InputError(
            f"{path}: the host key cannot be used ({error}); name another with --host-key"
        ) from error


def _make(path: Path) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519", comment="rotation-tui")
    # Written whole under another name: two hosts that start at once agree on one key.
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(key.export_private_key())
        file.flush()
        os.fsync(file.fileno())
    try:
        path.hardlink_to(beside)
    except FileExistsError:
        pass  # another host was first: its key it is
    finally:
        beside.unlink()


class AuthorizedKeys:
    """The keys that may come in; ``reload`` reads the file again."""

    def __init__(self, path: Path) -> None:
        """Raises InputError if the file cannot be used."""
        self._path = path
        self._keys = _read(path)

    def reload(self) -> None:
        """Take the file as it is now; raises InputError and keeps the old keys if it cannot be used."""
        self._keys = _read(self._path)

    def options(self, key: asyncssh.SSHKey, address: str) -> Mapping[str, object] | None:
        """What the file says of this key from this address; None if it may not come in."""
        found = self._keys.validate(key, address, address)
        if found is None or any(name not in HARMLESS and not name.startswith("no-") for name in found):
            # An option that limits the key in a way we do not know (expiry-time, …) lets nobody in.
            return None
        return found


def _read(path: Path) -> asyncssh.SSHAuthorizedKeys:
    try:
        mode = path.stat().st_mode & 0o777
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"--authorized-keys: {path}: {error}") from error
    if mode & 0o022:
        raise InputError(f"--authorized-keys: {path}: others may write it (mode {mode:o}); run chmod 600")
    try:
        return asyncssh.import_authorized_keys(text)
    except ValueError as error:
        raise InputError(f"--authorized-keys: {path}: {error}; one public key a line") from error
