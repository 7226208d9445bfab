"""A client's certificate and key, and what makes them useless whatever the server."""

from __future__ import annotations

import contextlib
import ssl
from typing import TYPE_CHECKING, NoReturn

from feeds.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

NOT_YET, EXPIRED = 9, 10
"""X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED of OpenSSL."""
FLIGHTS = 3
"""Messages that either side of a handshake sends at most."""
_ALERTS = ("CERTIFICATE", "UNKNOWN_CA")
"""In the names of the alerts by which a server refuses a client's certificate."""


def load(context: ssl.SSLContext, cert: Path, key: Path | None) -> None:
    """Show this certificate. Raises InputError for an encrypted key, else OSError and SSLError."""
    path = key or cert

    def ask() -> NoReturn:
        raise InputError(f"{path}: the key is encrypted; store it without a passphrase")

    context.load_cert_chain(cert, key, ask)


def check_dates(cert: Path, key: Path | None) -> None:
    """Raises InputError for a certificate that has expired or is not valid yet.

    The dates are OpenSSL's to judge: a handshake in memory, with the certificate at both ends and trusted.
    """
    serving, asking = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for context in (serving, asking):
        load(context, cert, key)
    serving.verify_mode = ssl.CERT_REQUIRED
    serving.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    serving.load_verify_locations(cert)
    asking.check_hostname, asking.verify_mode = False, ssl.CERT_NONE
    asked, answered = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = asking.wrap_bio(answered, asked), serving.wrap_bio(asked, answered, server_side=True)
    try:
        for end in ends * FLIGHTS:
            with contextlib.suppress(ssl.SSLWantReadError):
                end.do_handshake()
    except ssl.SSLCertVerificationError as error:
        if error.verify_code in (NOT_YET, EXPIRED):
            words = "has expired" if error.verify_code == EXPIRED else "is not valid yet"
            raise InputError(f"{cert}: the client certificate {words}") from error
    except ssl.SSLError:
        pass  # whatever else is wrong with it, the server is to say


def is_refusal(error: ssl.SSLError) -> bool:
    """Whether the server has refused the certificate that it was shown, or wanted one."""
    name = error.reason or ""
    return "ALERT" in name and any(part in name for part in _ALERTS)
