"""The authentication of one connection: which keys were offered, which one logged in, what it may do.

asyncssh decides about keys in ``SSHServerConnection.validate_public_key`` and tells its server only half of
it: not which certificate it checks, nor whether a signature was valid. So ``wire/server.py`` extends it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncssh
from asyncssh.public_key import SSHOpenSSHCertificate, decode_ssh_certificate

from tui.ssh.access.authorized_keys import Access, Certificate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tui.ssh.access.authorized_keys import AuthorizedKeys

REJECTED_MAX = 16
"""Rejected keys of one connection that are remembered."""


class Authentication:
    """Follows one client from its first offer to its login."""

    def __init__(
        self,
        keys: AuthorizedKeys,
        on_rejected: Callable[[str], None],
        is_banned: Callable[[str], bool] = lambda _fingerprint: False,
    ) -> None:
        """``on_rejected`` gets the fingerprint of each key that may not log in."""
        self.access = Access()
        """Access of the key that logged in."""
        self.fingerprint = ""
        """Fingerprint of the key that logged in, not of one merely offered; "" without one."""
        self.rejected: dict[str, None] = {}
        """Fingerprints of the keys that were refused, in the order in which they came."""
        self.began = False
        """Whether the client has asked to log in: a scanner leaves before."""
        self._keys = keys
        self._address = ""
        self._on_rejected = on_rejected
        self._is_banned = is_banned
        self._certificate: Certificate | None = None
        """The certificate that is being checked; None for a plain key."""
        self._offered: tuple[str, Access] | None = None
        """Fingerprint and access of the key that passed last; whether the client holds it is open."""
        self._proved: Callable[[], Access | None] = lambda: None

    def begin(self, conn: asyncssh.SSHServerConnection, address: str) -> None:
        """Answer for every key that the connection checks from now on: the client asks to log in."""
        self.began, self._address = True, address
        # asyncssh forgets this whenever the client changes its user name.
        conn.set_authorized_keys(_Authorities(self))

    def checking(self, username: str, key_data: bytes) -> bool:
        """Note what is about to be checked, and return whether it is worth checking.

        Nothing that was offered before counts any more.
        """
        # Without an authority no certificate is even decoded: that would verify a stranger's signature.
        may_certify = self._keys.has_authorities
        self._certificate = _certificate(key_data, username) if may_certify else None
        self._offered = None
        return may_certify or not _is_certificate(key_data)

    def refused(self, key_data: bytes) -> None:
        """Note that what was checked may not log in, or that its signature is not valid."""
        self._offered = None
        self._reject(key_data)

    def key(self, key: asyncssh.SSHKey) -> bool:
        """Return whether a plain key may log in; whether the client holds it is checked afterwards."""
        return self._offer(key, lambda: self._keys.access(key, self._address))

    def authority(self) -> Certificate | None:
        """Return the certificate that is being checked if it may log in."""
        certificate = self._certificate
        if certificate is None:
            return None
        may = self._offer(certificate.key, lambda: self._keys.certified(certificate, self._address))
        return certificate if may else None

    def forget(self) -> None:
        """Forget an offered key: the client logs in without one."""
        self._offered = None

    def complete(self) -> None:
        """Take over the key whose signature was valid."""
        if self._offered is not None:
            self.fingerprint, self.access = self._offered

    def now(self) -> Access | None:
        """Return what the key that logged in may do by the files as they are now; None for nothing."""
        return self._proved() if self.fingerprint else self.access

    def _offer(self, key: asyncssh.SSHKey, access: Callable[[], Access | None]) -> bool:
        granted = None if self._is_banned(key.get_fingerprint()) else access()
        if granted is None:
            return False
        self._offered, self._proved = (key.get_fingerprint(), granted), access
        return True

    def _reject(self, key_data: bytes) -> None:
        fingerprint = self._certificate.key.get_fingerprint() if self._certificate else _fingerprint(key_data)
        if fingerprint and fingerprint not in self.rejected and len(self.rejected) < REJECTED_MAX:
            self.rejected[fingerprint] = None
            self._on_rejected(fingerprint)


class _Authorities(asyncssh.SSHAuthorizedKeys):
    """What asyncssh asks about the signers of certificates; plain keys go to ``Authentication.key``."""

    def __init__(self, authentication: Authentication) -> None:
        super().__init__()
        self._authentication = authentication

    def validate(
        self,
        key: asyncssh.SSHKey,
        client_host: str,
        client_addr: str,
        cert_principals: Sequence[str] | None = None,
        ca: bool = False,  # noqa: FBT001, FBT002 - asyncssh's signature
    ) -> dict[str, object] | None:
        """Return options for a certificate that may log in; None refuses it, and leaves plain keys to us."""
        del key, client_host, client_addr, cert_principals
        certificate = self._authentication.authority() if ca else None
        # With "principals" asyncssh does not compare the user name again: we have compared them.
        return None if certificate is None else {"principals": True}


def _is_certificate(key_data: bytes) -> bool:
    return b"-cert-v0" in key_data[:64]


def _certificate(key_data: bytes, user: str) -> Certificate | None:
    try:
        certificate = decode_ssh_certificate(key_data)
    except (asyncssh.KeyImportError, ValueError):
        return None
    if not isinstance(certificate, SSHOpenSSHCertificate):
        return None
    command = certificate.options.get("force-command")
    return Certificate(
        certificate.key,
        certificate.signing_key,
        tuple(certificate.principals),
        user,
        "permit-pty" in certificate.options,
        None if command is None else str(command),
        certificate._serial,  # noqa: SLF001 - asyncssh has no public name for these two
        certificate._key_id,  # noqa: SLF001
    )


def _fingerprint(key_data: bytes) -> str:
    try:
        return asyncssh.public_key.decode_ssh_public_key(key_data).get_fingerprint()
    except (asyncssh.KeyImportError, ValueError):
        return ""
