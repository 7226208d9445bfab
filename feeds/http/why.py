"""Why there is no connection, in words: a library's own may quote an address, and that a key."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def chain(error: BaseException) -> Iterator[BaseException]:
    """The error, and what caused it, one after the other."""
    each: BaseException | None = error
    while each is not None:
        yield each
        each = each.__cause__ or each.__context__


def cause(error: BaseException) -> str:
    """The reason that a person can act on, from the error or what caused it; "" where none is known."""
    for each in chain(error):
        if isinstance(each, socket.gaierror):
            return "host name not found"
        if isinstance(each, ssl.SSLCertVerificationError):
            return "certificate not accepted (an intercepting proxy, or a wrong clock)"
        if isinstance(each, ConnectionRefusedError):
            return "connection refused"
    return ""


def unreachable(error: BaseException) -> str:
    """The same, in general words where no reason is known."""
    return cause(error) or "cannot be reached"
