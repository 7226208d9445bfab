"""How many clients may connect, from where and how often. Pure: the caller passes the time."""

from __future__ import annotations

import ipaddress
from collections import Counter, deque

import msgspec

from tui.ssh.reasons import Refusal

MINUTE_S = 60.0


class Limits(msgspec.Struct, frozen=True):
    """The host's limits; the defaults are those of docs/hosting.md."""

    sessions: int = 200
    """Connections at once."""
    per_address: int = 5
    """Connections at once from one address."""
    new_per_minute: int = 10
    """New connections from one address in a minute."""
    pending: int = 64
    """Connections without a session yet."""
    login_s: float = 20.0
    """Seconds from connecting to a session."""
    patience_s: float = 2.0
    """The same once all places of the pending are taken: silent strangers must not keep everyone out."""
    idle_s: float = 30 * 60.0
    """Seconds without a key."""
    visit_s: float = 12 * 3600.0
    """Seconds that one session may last."""
    keepalive_s: float = 30.0
    """Seconds between two keepalives."""
    keepalives: int = 3
    """Unanswered keepalives that end a connection."""


def network(address: str) -> str:
    """Return what counts as one address: an IPv4 address, or the /64 of an IPv6 address (one household)."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((ip, 64), strict=False))
    return str(ip)


class Admission:
    """Counts connections. Every connection that was admitted must be passed to ``leave`` once."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._connected: Counter[str] = Counter()
        self.pending = 0
        """Connections without a session yet."""
        self._arrivals: dict[str, deque[float]] = {}
        self._tidied_at = float("-inf")

    def __len__(self) -> int:
        return sum(self._connected.values())

    def admit(self, address: str, now: float) -> Refusal | None:
        """Count a new connection as pending and return None, or return why it is refused."""
        self._forget_old_arrivals(now)
        home = network(address)
        arrivals = self._arrivals.setdefault(home, deque(maxlen=self._limits.new_per_minute))
        if len(arrivals) == self._limits.new_per_minute and now - arrivals[0] < MINUTE_S:
            return Refusal.TOO_OFTEN
        arrivals.append(now)
        if self._connected[home] >= self._limits.per_address:
            return Refusal.TOO_MANY_FROM_ADDRESS
        if len(self) >= self._limits.sessions:
            return Refusal.FULL
        if self.pending >= self._limits.pending:
            return Refusal.TOO_MANY_LOGINS
        self._connected[home] += 1
        self.pending += 1
        return None

    def session_started(self) -> None:
        """Count one connection as no longer pending."""
        self.pending -= 1

    def leave(self, address: str, *, pending: bool) -> None:
        """Count a connection out. ``pending``: it never had a session."""
        home = network(address)
        self._connected[home] -= 1
        if not self._connected[home]:
            del self._connected[home]
        if pending:
            self.pending -= 1

    def _forget_old_arrivals(self, now: float) -> None:
        """Drop addresses that have not connected for a minute: an attacker has any number of them."""
        if now - self._tidied_at < MINUTE_S:
            return
        self._tidied_at = now
        self._arrivals = {
            home: times for home, times in self._arrivals.items() if times and now - times[-1] < MINUTE_S
        }
