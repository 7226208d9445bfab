"""The real ssh, as the tests call it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def ssh_words(
    home: Path, port: int, key: Path, words: tuple[str, ...], options: tuple[str, ...] = ()
) -> list[str]:
    """An ssh command line that depends on nothing of this machine's user."""
    fixed = {
        "StrictHostKeyChecking": "accept-new",
        "UserKnownHostsFile": str(home / "known"),
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
        "ConnectTimeout": "50",
    }
    return [
        "ssh", "-F", "none", "-p", str(port), "-i", str(key), *options,
        *(f"-o{name}={value}" for name, value in fixed.items()), "visitor@127.0.0.1", *words,
    ]  # fmt: skip
