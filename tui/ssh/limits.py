"""How many clients may connect, from where and how often. Pure: the caller passes the time."""

from __future__ import annotations

import ipaddress
from collections import Counter, deque
from enum import IntEnum
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from tui.ssh.reasons import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MINUTE_S = 60.0


class Progress(IntEnum):
    """How far a client has come that has no session yet."""

    SILENT = 0
    GREETED = 1
    """It has sent its version; ssh does so at once."""
    OFFERED = 2
    """It has offered its algorithms; ssh chooses and goes on as soon as it has ours."""
    NEGOTIATING = 3
    """It has asked for a key exchange, which costs us something; now it may log in."""
    LOGGED_IN = 4
    """It has logged in; ssh asks for a session at once."""


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
    crowd: int = 16
    """Connections exchanging keys or logging in, from which on strangers are refused at random."""
    kept: int = 16
    """Places beside those of ``pending``, for addresses that have logged in before."""
    login_s: float = 20.0
    """Seconds from connecting to a session."""
    patience_s: float = 2.0
    """The same once all places of the pending are taken: silent strangers must not keep everyone out."""
    silent_s: float = 0.05
    """The same for those who have not even sent their version, which ssh does at once."""
    greeted_s: float = 0.5
    """The same for those who have sent only that, or offered their algorithms and not gone on."""
    entered_s: float = 0.5
    """The same for those who have logged in, and ask for no session."""
    exchanges_per_s: float = 20.0
    """Key exchanges of all strangers together, each second."""
    known_exchanges_per_s: float = 50.0
    """The same of addresses that have logged in before."""
    keys: int = 6
    """Failed attempts to log in on one connection."""
    idle_s: float = 30 * 60.0
    """Seconds without a key."""
    visit_s: float = 12 * 3600.0
    """Seconds that one session may last."""
    keepalive_s: float = 30.0
    """Seconds between two keepalives."""
    keepalives: int = 3
    """Unanswered keepalives that end a connection."""

    def patience(self, progress: Progress) -> float:
        """Return the seconds that a client without a session may let us wait, once its place is needed."""
        own = {
            Progress.SILENT: self.silent_s,
            Progress.GREETED: self.greeted_s,
            Progress.OFFERED: self.greeted_s,
            Progress.LOGGED_IN: self.entered_s,
        }.get(progress, self.patience_s)
        return min(own, self.patience_s)


WIDER = {64: 1, 56: 4, 48: 16}
"""IPv6 prefix length → how many times the limits of one address hold for it: anyone can rent a /48."""
KNOWN_MAX = 4_096
"""Addresses remembered for having logged in."""
LEAST_DROP = 0.3
"""The chance of a stranger to be refused where the crowd begins; it grows to 1 (as sshd's MaxStartups)."""


def client_ip(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return a socket's address as a number: without its zone, and IPv4 where it is written as IPv6.

    None for text that is not an address.
    """
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return mapped or ip


@lru_cache(4_096)
def networks(address: str) -> Mapping[str, int]:
    """Return what counts as one address → how many times its limits hold.

    That is an IPv4 address, or the /64, the /56 and the /48 of an IPv6 address.
    """
    ip = client_ip(address)
    if isinstance(ip, ipaddress.IPv6Address):
        return {
            str(ipaddress.ip_network((ip, prefix), strict=False)): times for prefix, times in WIDER.items()
        }
    return {address if ip is None else str(ip): 1}


def network(address: str) -> str:
    """Return what counts as one address: an IPv4 address, or the /64 of an IPv6 address (one household)."""
    return next(iter(networks(address)))


class Admission:
    """Counts connections. Every connection that was admitted must be passed to ``leave`` once."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._connected: Counter[str] = Counter()
        self.pending = 0
        """Connections without a session yet."""
        self._arrivals: dict[str, deque[float]] = {}
        self._count = 0
        self._known: dict[str, None] = {}
        """Networks that have logged in, the latest last."""
        self._tidied_at = float("-inf")
        self.on_login: Callable[[str], None] = lambda _address: None
        """Called with the address of each login."""

    def __len__(self) -> int:
        return self._count

    def is_known(self, address: str) -> bool:
        """Whether someone has logged in from there since the host started."""
        return network(address) in self._known

    def logged_in(self, address: str) -> None:
        """Remember that someone has logged in from there."""
        self.remember(address)
        self.on_login(address)

    def remember(self, address: str) -> None:
        """The same of a login that another process of this host has seen."""
        home = network(address)
        self._known.pop(home, None)
        self._known[home] = None
        if len(self._known) > KNOWN_MAX:
            del self._known[next(iter(self._known))]

    def wait_s(self, address: str, now: float) -> float:
        """Return the seconds until new connections from there are no longer too many in a minute."""
        return max(
            (
                times[0] + MINUTE_S - now
                for home in networks(address)
                if (times := self._arrivals.get(home)) and len(times) == times.maxlen
            ),
            default=0.0,
        )

    def admit(self, address: str, now: float, *, crowd: int = 0, draw: float = 1.0) -> Refusal | None:
        """Count a new connection as pending and return None, or return why it is refused.

        ``crowd`` is how many of the pending have asked for a key exchange. ``draw`` is a random number from 0
        to 1: the larger the crowd, the more of them refuse a stranger; 1 never does before all places are
        taken.
        """
        self._forget_old_arrivals(now)
        homes = networks(address)
        if self.wait_s(address, now) > 0:
            return Refusal.TOO_OFTEN
        for home, times in homes.items():
            limit = times * self._limits.new_per_minute
            self._arrivals.setdefault(home, deque(maxlen=limit)).append(now)
        if any(self._connected[home] >= times * self._limits.per_address for home, times in homes.items()):
            return Refusal.TOO_MANY_FROM_ADDRESS
        if len(self) >= self._limits.sessions:
            return Refusal.FULL
        places = self._limits.pending + (self._limits.kept if self.is_known(address) else 0)
        if self.pending >= places or (not self.is_known(address) and draw < self._drop(crowd)):
            return Refusal.TOO_MANY_LOGINS
        self._connected.update(homes.keys())
        self._count += 1
        self.pending += 1
        return None

    def _drop(self, crowd: int) -> float:
        """Return the chance of a stranger to be refused."""
        least, full = self._limits.crowd, self._limits.pending
        if crowd < least:
            return 0.0
        return LEAST_DROP + (1 - LEAST_DROP) * (crowd - least) / max(full - least, 1)

    def session_started(self) -> None:
        """Count one connection as no longer pending."""
        self.pending -= 1

    def leave(self, address: str, *, pending: bool) -> None:
        """Count a connection out. ``pending``: it never had a session."""
        for home in networks(address):
            self._connected[home] -= 1
            if not self._connected[home]:
                del self._connected[home]
        self._count -= 1
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
