"""Who is banned: fingerprints, addresses and networks, in a small file that hosts may share."""

from __future__ import annotations

import fcntl
import ipaddress
import logging
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec

from tui.ssh.limits import client_ip

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

log = logging.getLogger(__name__)

BANS_MAX = 10_000
FINGERPRINT = "SHA256:"
LOCK_S = 0.25
"""Seconds to wait for another host that writes; the event loop stands still meanwhile."""
LOCK_AGAIN_S = 0.005
"""Seconds between two attempts to lock."""

_Stamp = tuple[int, int, int]
"""Modification time in nanoseconds, size in bytes, inode."""


class Bans:
    """The bans of one host, in the order in which they were made."""

    def __init__(self, path: Path | None) -> None:
        """Read the file; a missing one counts as empty. ``path`` None keeps bans in memory only."""
        self._path = path
        self._bans: dict[str, None] = {}
        self._networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
        self._unsaved: dict[str, None] = {}
        """Bans made here that could not be written; no other host's version of the file lifts them."""
        self._stamp: _Stamp | None = None
        """Stamp of the file when it was read; None while it is missing."""
        self._failure = ""
        """Why the file could not be read, as logged; "" once it could."""
        self._read()

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

    def refresh(self) -> bool:
        """Read the file again if it has changed on disk, and return whether the bans are others now.

        A file that is gone or cannot be read changes nothing, and the log says so once.
        """
        if self._stamped() == self._stamp and not self._failure:
            return False
        before = self._bans
        self._read()
        return self._bans.keys() != before.keys()

    def add(self, subject: str) -> None:
        """Ban a fingerprint, an address or a network. Raises ValueError if it is neither, or at the limit."""
        name = _normal(subject)
        with self._locked() as may_write:
            self.refresh()
            if len(self._bans) >= BANS_MAX:
                raise ValueError(f"more than {BANS_MAX:,} bans; ban a network instead")
            self._unsaved[name] = None
            self._take(self._bans | {name: None})
            if may_write:
                self._write()

    def lift(self, subject: str) -> bool:
        """Lift a ban; False if there was none. Raises ValueError for what cannot be banned."""
        name = _normal(subject)
        with self._locked() as may_write:
            self.refresh()
            if name not in self._bans:
                return False
            self._unsaved.pop(name, None)
            self._take({each: None for each in self._bans if each != name})
            if may_write:
                self._write()
        return True

    def replace(self, names: Iterable[str]) -> None:
        """Have these bans instead: another process of this host keeps the file."""
        self._take(dict.fromkeys(names))

    def _take(self, bans: dict[str, None]) -> None:
        self._bans = bans
        self._networks = [ipaddress.ip_network(name) for name in bans if not name.startswith(FINGERPRINT)]

    def _stamped(self) -> _Stamp | None:
        """Return what tells one version of the file from the next; None without a file."""
        if self._path is None:
            return None
        try:
            stat = self._path.stat()
        except OSError:
            return None
        return stat.st_mtime_ns, stat.st_size, stat.st_ino

    def _read(self) -> None:
        """Take what the file says, and what could not be written into it."""
        if self._path is None:
            return
        # Before the file is read: a version that comes meanwhile is read again rather than missed.
        stamp = self._stamped()
        try:
            names = msgspec.json.decode(self._path.read_bytes(), type=list[str])
            bans = dict.fromkeys(_normal(name) for name in names)
        except FileNotFoundError:
            if self._stamp is not None:
                log.warning("bans are gone from disk; keeping the %d read before", len(self))
            self._stamp, self._failure = None, ""
            return
        except (OSError, ValueError) as error:
            if str(error) != self._failure:
                log.warning("bans unreadable, keeping the %d read before: %s", len(self), error)
            self._failure = str(error)
            return
        self._stamp, self._failure = stamp, ""
        self._take(bans | self._unsaved)

    @contextmanager
    def _locked(self) -> Iterator[bool]:
        """Keep other hosts from writing; False, and a line in the log, if the lock cannot be had."""
        if self._path is None:
            yield False
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = os.open(self._path.with_name(f"{self._path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            log.warning("bans not saved: %s", error)
            yield False
            return
        try:
            has_lock = _lock(lock)
            if not has_lock:
                log.warning("bans not saved: another host has locked them for %g s", LOCK_S)
            yield has_lock
        finally:
            os.close(lock)

    def _write(self) -> None:
        """Write the bans, unless the file holds some that could not be read."""
        if self._path is None:
            return
        if self._failure:
            log.warning("bans not saved: %s cannot be read, and is left as it is", self._path)
            return
        temporary = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        try:
            temporary.write_bytes(msgspec.json.encode(self.names()))
            temporary.replace(self._path)
        except OSError as error:
            log.warning("bans not saved: %s", error)
            return
        self._stamp = self._stamped()
        self._unsaved.clear()


def _lock(file: int) -> bool:
    """Lock this open file until it is closed; False if another process holds the lock for too long."""
    deadline = time.monotonic() + LOCK_S
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(LOCK_AGAIN_S)
        else:
            return True


def _normal(subject: str) -> str:
    if subject.startswith(FINGERPRINT) and len(subject) == len(FINGERPRINT) + 43:
        return subject
    try:
        return str(ipaddress.ip_network(subject, strict=False))
    except ValueError:
        raise ValueError(
            f"{subject!r} is neither a fingerprint (SHA256:…) nor an address or network"
        ) from None
