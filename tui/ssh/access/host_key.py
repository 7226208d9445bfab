"""The host's own key on disk: made once, private, the same for every run."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import asyncssh

from rotation.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


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
        return asyncssh.read_private_key(path)
    except (OSError, asyncssh.KeyImportError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"{path}: cannot use this host key ({reason}); name another file with --host-key"
        ) from error


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
