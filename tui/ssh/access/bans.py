"""Who is banned: fingerprints, addresses and networks, in a small file that outlives the host."""

from __future__ import annotations

import ipaddress
import logging
import os
from typing import TYPE_CHECKING

import msgspec

from tui.ssh.limits import client_ip

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

BANS_MAX = 10_000
FINGERPRINT = "SHA256:"


class Bans:
    """The bans of one host, in the order in which they were made."""

    def __init__(self, path: Path | None) -> None:
        """Read the file; a missing one counts as empty. ``path`` None keeps bans in memory only."""
        self._path = path
        self._bans: dict[str, None] = {}
        self._networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
        self._take(dict.fromkeys(self._read()))

    def __len__(self) -> int:
        return len(self._bans)

    def has_key(self, fingerprint: str) -> bool:
        """Return whether the key with this fingerprint is banned."""
        return fingerprint in self._bans

    def has_address(self, address: str) -> bool:
        """Return whether this address, or a network that it is in, is banned."""
        ip = client_ip(address) if self._networks else None
        return ip is not None and any(ip in network for network in self._networks)

    def names(self) -> list[str]:
        """Return what is banned: fingerprints, and networks (an address is a network of one)."""
        return list(self._bans)

    def add(self, subject: str) -> None:
        """Ban a fingerprint, an address or a network. Raises ValueError if it is none, or too many."""
        if len(self._bans) >= BANS_MAX:
            raise ValueError(f"more than {BANS_MAX:,} bans; ban a network instead")
        self._take(self._bans | {_normal(subject): None})
        self._write()

    def lift(self, subject: str) -> bool:
        """Lift a ban; False if there was none. Raises ValueError for what cannot be banned."""
        name = _normal(subject)
        if name not in self._bans:
            return False
        self._take({each: None for each in self._bans if each != name})
        self._write()
        return True

    def _take(self, bans: dict[str, None]) -> None:
        self._bans = bans
        self._networks = [ipaddress.ip_network(name) for name in bans if not name.startswith(FINGERPRINT)]

    def _read(self) -> list[str]:
        if self._path is None:
            return []
        try:
            return [_normal(name) for name in msgspec.json.decode(self._path.read_bytes(), type=list[str])]
        except FileNotFoundError:
            return []
        except (OSError, ValueError) as error:
            log.warning("bans unreadable, starting without any: %s", error)
            return []

    def _write(self) -> None:
        if self._path is None:
            return
        temporary = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            temporary.write_bytes(msgspec.json.encode(self.names()))
            temporary.replace(self._path)
        except OSError as error:
            log.warning("bans not saved: %s", error)


def _normal(subject: str) -> str:
    if subject.startswith(FINGERPRINT) and len(subject) == len(FINGERPRINT) + 43:
        return subject
    try:
        return str(ipaddress.ip_network(subject, strict=False))
    except ValueError:
        raise ValueError(
            f"{subject!r} is neither a fingerprint (SHA256:…) nor an address or network"
        ) from None
