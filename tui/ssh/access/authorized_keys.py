"""Which keys and certificates may log in, and what they may do: what the files say now is what holds."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from rotation.errors import InputError
from tui.ssh import event_log
from tui.ssh.access import sources
from tui.ssh.access.key_file import KeyFile, read_keys
from tui.ssh.access.revoked import Revoked, read_revoked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    import asyncssh

    from tui.ssh.access.key_line import KeyLine

REPORTED_LINES = 100
"""Refused lines of a file that are logged one by one; the count is always complete."""
_Stamp = tuple[int, int, int] | None


class Access(msgspec.Struct, frozen=True):
    """What a key that may log in may do."""

    allows_terminal: bool = True
    command: str | None = None
    """The only command that it may run; None for no limit."""
    is_admin: bool = False
    comment: str = ""
    """Comment of the key's line, which its owner does not control; for a certificate, of its authority's."""


class Certificate(NamedTuple):
    """What matters of an OpenSSH user certificate; asyncssh checks signature, dates and source addresses."""

    key: asyncssh.SSHKey
    authority: asyncssh.SSHKey
    """The key that signed it."""
    principals: tuple[str, ...]
    user: str
    """The user name with which the client logs in."""
    allows_terminal: bool
    command: str | None
    """Its ``force-command``; None without one."""
    serial: int = 0
    """The number that its authority gave it; 0 for none."""
    key_id: str = ""
    """The name that its authority gave it."""


class AuthorizedKeys:
    """The files of keys. A file that cannot be read keeps what was read before."""

    def __init__(
        self,
        path: Path | None,
        *,
        now: Callable[[], float],
        admins: Path | None = None,
        revoked: Path | None = None,
    ) -> None:
        """Read the files; ``path`` None lets anyone log in. Raises InputError if a file cannot be used.

        ``now``: UTC seconds since 1970, by which keys expire.
        """
        self._path, self._admins, self._revoked = path, admins, revoked
        self._now = now
        self._stamps: list[_Stamp] = []
        self._files: Sequence[KeyFile] = ()
        self._lines: dict[bytes, list[tuple[KeyLine, bool]]] = {}
        """Lines by public key, each with whether it stands in the file of administrators."""
        self._withdrawn = Revoked()
        self.reload()
        self._refuse_rubbish()

    @property
    def is_open(self) -> bool:
        """Whether anyone may log in, with or without a key."""
        return self._path is None

    @property
    def has_authorities(self) -> bool:
        """Whether any line is about certificates."""
        return any(line.options.is_authority for file in self._files for line in file.lines)

    @property
    def has_expiry(self) -> bool:
        """Whether any line ends by the clock, without a change of the files."""
        return any(line.options.expires_at is not None for file in self._files for line in file.lines)

    def reload(self) -> None:
        """Read the files again. Raises InputError, and keeps what was read before, if one cannot be read."""
        self._stamps = self._stamped()
        paths = [path for path in (self._admins, self._path) if path is not None]
        files = tuple(read_keys(path, self._option(path)) for path in paths)
        revoked = read_revoked(self._revoked, "--revoked-keys") if self._revoked else Revoked()
        self._take(files, revoked)

    def refresh(self) -> bool:
        """Read the files again if one has changed on disk, and return whether they were read.

        A file that cannot be read is logged, once until it changes again.
        """
        if self._stamped() == self._stamps:
            return False
        try:
            self.reload()
        except InputError as error:
            event_log.error("keys not reloaded", why=str(error), keeps="the keys read before")
            return False
        self.report("keys reloaded")
        return True

    def report(self, event: str) -> None:
        """Log how many keys there are, and each line that was refused."""
        refused = [(file, line) for file in self._files for line in file.refused]
        for file, line in refused[:REPORTED_LINES]:
            event_log.warning("key line refused", file=str(file.path), line=line.number, why=line.reason)
        lines = [line for file in self._files for line in file.lines]
        authorities = sum(line.options.is_authority for line in lines)
        event_log.event(
            event,
            keys=len(lines) - authorities,
            authorities=authorities,
            revoked=self._withdrawn.size,
            lines_refused=len(refused),
        )
        if not self.is_open and not lines:
            event_log.warning("no key may log in", file=str(self._path))

    def access(self, key: asyncssh.SSHKey, address: str) -> Access | None:
        """Return what this key may do for a client at this address; None if it may not log in."""
        if self._withdrawn.has_key(key):
            return None
        lines = self._lines.get(key.public_data, ())
        valid = [each for each in lines if not each[0].options.is_authority and self._holds(each[0], address)]
        access = _combined(valid)
        return Access() if access is None and self.is_open and not lines else access

    def certified(self, certificate: Certificate, address: str) -> Access | None:
        """Return what a certificate may do for a client at this address; None if it may not log in."""
        if self._is_withdrawn(certificate):
            return None
        access = _combined(
            [
                (line, is_admin)
                for line, is_admin in self._lines.get(certificate.authority.public_data, ())
                if line.options.is_authority
                and self._holds(line, address)
                and set(line.options.principals or (certificate.user,)) & set(certificate.principals)
            ]
        )
        if access is None:
            return None
        command = access.command if certificate.command is None else certificate.command
        if None not in {access.command, certificate.command} and access.command != certificate.command:
            return None  # the two demand different commands: sshd refuses that too
        return msgspec.structs.replace(
            access, allows_terminal=access.allows_terminal and certificate.allows_terminal, command=command
        )

    def _refuse_rubbish(self) -> None:
        """Raise InputError for a file without a single valid line: it is not a key file at all."""
        for file in self._files:
            if file.refused and not file.lines:
                first = file.refused[0]
                raise InputError(
                    f"{self._option(file.path)}: {file.path}: line {first.number}: {first.reason}; "
                    "expected one public key per line"
                )

    def _take(self, files: tuple[KeyFile, ...], revoked: Revoked) -> None:
        lines = defaultdict(list)
        for file in files:
            for line in file.lines:
                lines[line.key.public_data].append((line, file.path == self._admins))
        self._files, self._lines = files, dict(lines)
        self._withdrawn = revoked

    def _is_withdrawn(self, certificate: Certificate) -> bool:
        """Whether a certificate, the key that it is for or the key that signed it has been revoked."""
        key, authority = certificate.key, certificate.authority
        return (
            self._withdrawn.has_key(key)
            or self._withdrawn.has_key(authority)
            or self._withdrawn.has_certificate(authority, certificate.serial, certificate.key_id)
        )

    def _holds(self, line: KeyLine, address: str) -> bool:
        options = line.options
        is_over = options.expires_at is not None and self._now() >= options.expires_at
        return not is_over and (options.sources is None or sources.matches(options.sources, address))

    def _stamped(self) -> list[_Stamp]:
        """Return for each file what changes when it is written or replaced; None if there is none."""
        return [_stamp(path) for path in (self._path, self._admins, self._revoked) if path is not None]

    def _option(self, path: Path) -> str:
        return "--admin-keys" if path == self._admins else "--authorized-keys"


def _combined(lines: Iterable[tuple[KeyLine, bool]]) -> Access | None:
    """Return the access of the first line that holds, as sshd does; None without any."""
    for line, is_admin in lines:
        options = line.options
        return Access(options.allows_terminal, options.command, is_admin, event_log.client_text(line.comment))
    return None


def _stamp(path: Path) -> _Stamp:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
