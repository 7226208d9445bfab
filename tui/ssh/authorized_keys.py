"""Which public keys may log in: a file in the format of sshd's ``authorized_keys``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncssh

from rotation.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

UNDERSTOOD = {"from", "command", "pty", "no-pty", "restrict", "environment", "permitopen"}
"""Options of a key that are obeyed here, or that grant nothing here; so are all that begin with ``no-``."""


class AuthorizedKeys:
    """The keys that may log in; ``reload`` reads the file again."""

    def __init__(self, path: Path) -> None:
        """Read the file. Raises InputError if it cannot be used."""
        self._path = path
        self._keys = _read(path)

    def reload(self) -> None:
        """Read the file again. Raises InputError, and keeps the old keys, if it cannot be used."""
        self._keys = _read(self._path)

    def options(self, key: asyncssh.SSHKey, address: str) -> Mapping[str, object] | None:
        """Return the options of this key for a client at this address; None if it may not log in."""
        options = self._keys.validate(key, address, address)
        if options is None or any(name not in UNDERSTOOD and not name.startswith("no-") for name in options):
            # An option that limits the key in a way we do not understand (expiry-time, …) refuses it.
            return None
        return options


def _read(path: Path) -> asyncssh.SSHAuthorizedKeys:
    try:
        mode = path.stat().st_mode & 0o777
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"--authorized-keys: {path}: {reason}") from error
    if mode & 0o022:
        raise InputError(
            f"--authorized-keys: {path}: writable by other users (mode {mode:o}); run: chmod 600 {path}"
        )
    try:
        return asyncssh.import_authorized_keys(text)
    except ValueError as error:
        raise InputError(f"--authorized-keys: {path}: {error}; expected one public key per line") from error
