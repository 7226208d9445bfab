"""How many may come, from where and how often. Pure; the caller brings the time."""

from __future__ import annotations

import ipaddress
from collections import Counter, deque

import msgspec

MINUTE_S = 60.0


class Limits(msgspec.Struct, frozen=True):
    """The host's limits; the defaults are those of docs/hosting.md."""

    sessions: int = 200
    per_address: int = 5
    new_per_minute: int = 10
    """Connections from one address."""
    pending: int = 64
    """Connections that have not logged in yet."""
    login_s: float = 20.0
    """From connecting to a session."""
    patience_s: float = 2.0
    """The same, while others wait for the place: strangers who say nothing must not keep everyone out."""
    idle_s: float = 30 * 60.0
    """Without a key."""
    visit_s: float = 12 * 3600.0
    keepalive_s: float = 30.0
    keepalives: int = 3


def network(address: str) -> str:
    """What counts as one address: an IPv4 address, or an IPv6 /64, which is what one household gets."""
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
    """Counts who is here. Every connection that is admitted must be ``left`` once."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._here: Counter[str] = Counter()
        self.pending = 0
        """Connections that have no session yet."""
        self._arrivals: dict[str, deque[float]] = {}
        self._tidied = float("-inf")

    def __len__(self) -> int:
        return sum(self._here.values())

    def admit(self, address: str, now: float) -> str | None:
        """Why this connection is refused, in one or two words; None lets it in (as pending)."""
        self._tidy(now)
        home = network(address)
        arrivals = self._arrivals.setdefault(home, deque(maxlen=self._limits.new_per_minute))
        often = len(arrivals) == self._limits.new_per_minute and now - arrivals[0] < MINUTE_S
        if often:
            return "too often"
        arrivals.append(now)
        if self._here[home] >= self._limits.per_address:
            return "too many from there"
        if len(self) >= self._limits.sessions:
            return "full"
        if self.pending >= self._limits.pending:
            return "too many logins"
        self._here[home] += 1
        self.pending += 1
        return None

    def arrived(self) -> None:
        """One that was pending has its session."""
        self.pending -= 1

    def left(self, address: str, *, pending: bool) -> None:
        """A connection is gone. ``pending``: it never had a session."""
        home = network(address)
        self._here[home] -= 1
        if not self._here[home]:
            del self._here[home]
        if pending:
            self.pending -= 1

    def _tidy(self, now: float) -> None:
        """Forget who has not come for a minute: addresses are cheap to have."""
        if now - self._tidied < MINUTE_S:
            return
        self._tidied = now
        self._arrivals = {
            home: times for home, times in self._arrivals.items() if times and now - times[-1] < MINUTE_S
        }
