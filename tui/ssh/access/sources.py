"""The addresses of ``from="…"`` in authorized_keys: sshd's pattern lists, without host names. Pure."""

from __future__ import annotations

import ipaddress
import re
from fnmatch import fnmatchcase

from tui.ssh.limits import client_ip

_WILDCARD = re.compile(r"[0-9A-Fa-f.:*?]*[.:*?][0-9A-Fa-f.:*?]*")


def check(patterns: tuple[str, ...]) -> None:
    """Raise ValueError for a pattern that can never match, not being an address, network or wildcard."""
    for pattern in patterns:
        plain = pattern.removeprefix("!")
        if "/" in plain:
            ipaddress.ip_network(plain)
        elif not _WILDCARD.fullmatch(plain):
            raise ValueError(f"{pattern!r} is not an address (host names are not looked up)")


def matches(patterns: tuple[str, ...], address: str) -> bool:
    """Return whether an address is in the list: a pattern fits, and none that begins with ``!``."""
    ip = client_ip(address)
    if ip is None:
        return False
    fits = False
    for pattern in patterns:
        plain = pattern.removeprefix("!").lower()
        hit = ip in ipaddress.ip_network(plain) if "/" in plain else fnmatchcase(str(ip), plain)
        if hit and pattern.startswith("!"):
            return False
        fits = fits or hit
    return fits
