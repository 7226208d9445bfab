"""A connection to NATS that comes back by itself. nats-py is an extra, imported when it is needed."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from feeds.errors import InputError, UnavailableError
from feeds.hub.broker import client_certificate
from feeds.keys.keys import redact

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from nats.aio.client import Client as Client  # noqa: PLC0414 - its type, for those outside this folder

NEEDED = "NATS needs nats-py, which is not installed; run: pip install 'rotation-tui[nats]'"
WAIT_S = 0.25
"""Between two tries to connect."""
PING_S = 2
"""A connection whose other end is silent is given up after three of them: a cable may have been pulled."""
ASK_S = 2.0
"""For an answer of JetStream."""


NO_JETSTREAM = "the NATS server offers no JetStream; start it with --jetstream"


class Cause(StrEnum):
    """Why there is no connection."""

    NO_TLS = "the NATS server offers no TLS"
    REFUSED = "the NATS server refuses connections"
    CREDENTIALS = "the NATS server refuses these credentials"
    CERTIFICATE = "the NATS server's certificate is not accepted"
    NO_CERTIFICATE = "the NATS server asks for a client certificate; name it with --nats-cert and --nats-key"
    OUR_CERTIFICATE = "the NATS server refuses this client certificate"
    OLD = "the NATS server is too old; version 2.11 or newer is needed"
    DENIED = "the NATS server denies this user a permission; docs/deploy.md lists those that are needed"
    NO_ANSWER = "the NATS server does not answer"
    UNREACHED = "the NATS server cannot be reached"
    UNCLEAR = "no connection to the NATS server"

    @property
    def says_little(self) -> bool:
        """Whether it may follow from another cause, which says more."""
        return self in {Cause.UNCLEAR, Cause.UNREACHED}


class RefusedError(UnavailableError):
    """JetStream has answered, with an error."""

    def __init__(self, message: str, code: int) -> None:
        """``code``: JetStream's own number of the error; 0 where it gave none."""
        super().__init__(message)
        self.code = code


class DeniedError(UnavailableError):
    """The server denies this user a subject. ``str()`` names it."""

    def __init__(self, subject: str) -> None:
        """``subject``: what was sent to."""
        super().__init__(
            f"the NATS server denies this user the permission to publish to {subject}; see docs/deploy.md"
        )


class Access(msgspec.Struct, frozen=True):
    """Where the server is, and what it is shown."""

    url: str
    """One address or several with commas between."""
    creds: Path | None = None
    """A .creds file: JWT and seed."""
    nkey: Path | None = None
    """A file with an NKey's seed."""
    ca: Path | None = None
    """PEM certificates that the server's must be signed by, instead of the system's."""
    cert: Path | None = None
    """A client's certificate and ``key``, where the server asks for one."""
    key: Path | None = None


def servers(url: str) -> list[str]:
    """The addresses of an URL list. Raises InputError for what is no NATS address."""
    addresses = [each.strip() for each in url.split(",") if each.strip()]
    for each in addresses:
        try:
            parts = urlsplit(each)
            is_address = parts.scheme in ("nats", "tls") and bool(parts.hostname) and parts.port != 0
        except ValueError:  # a port that is no number, or half an IPv6 address
            is_address = False
        if not is_address:
            raise InputError(
                "--nats: expected an address such as nats://127.0.0.1:4222 or tls://nats.example.com"
            )
    if not addresses:
        raise InputError("--nats: name the server, for example --nats nats://127.0.0.1:4222")
    return addresses


def _check_seed(seed: bytes, path: Path) -> None:
    import nkeys  # type: ignore[import-untyped]  # noqa: PLC0415 - an extra

    try:
        nkeys.from_seed(bytearray(seed.strip())).wipe()
    except (nkeys.NkeysError, ValueError, IndexError) as error:
        raise InputError(f"{path}: holds no NKey seed") from error


def _check_creds(text: bytes, path: Path) -> None:
    """Raises InputError for a file without a JWT and a seed, for which nats-py would search without end."""
    lines = text.splitlines()
    after = [
        next((below for line, below in pairwise(lines) if mark in line), b"").strip()
        for mark in (b"BEGIN NATS USER JWT", b"BEGIN USER NKEY SEED")
    ]
    if not all(after):
        raise InputError(f"{path}: is no .creds file with a user's JWT and NKey seed")
    _check_seed(after[1], path)


def _context(access: Access) -> ssl.SSLContext | None:
    if access.key is not None and access.cert is None:
        raise InputError("--nats-key: name its certificate, too, with --nats-cert")
    if access.ca is None and access.cert is None:
        return None
    try:
        context = ssl.create_default_context(cafile=access.ca)
        if access.cert is not None:
            client_certificate.load(context, access.cert, access.key)
    except (OSError, ssl.SSLError) as error:
        raise InputError(f"the certificates for NATS cannot be read: {error}") from error
    return context


def check(access: Access) -> None:
    """Raises InputError for what no try can mend: an extra, a file or an address that is missing."""
    try:
        import nats  # noqa: F401, PLC0415 - an extra
        import nkeys  # noqa: F401, PLC0415 - comes with it
    except ImportError as error:
        raise InputError(NEEDED) from error
    servers(access.url)
    _context(access)
    if access.cert is not None:
        client_certificate.check_dates(access.cert, access.key)
    for path, check_text in ((access.creds, _check_creds), (access.nkey, _check_seed)):
        if path is not None:
            try:
                text = path.read_bytes()
            except OSError as error:
                raise InputError(f"{path}: cannot be read ({error.strerror})") from error
            check_text(text, path)


async def connect(
    access: Access,
    *,
    name: str,
    on_connected: Callable[[], Awaitable[None]],
    on_lost: Callable[[], Awaitable[None]],
    on_error: Callable[[Exception], Awaitable[None]],
) -> Client:
    """Connect, however long it takes, and for ever again. ``on_connected``: after a reconnection only.

    Raises InputError where the server asks for a certificate and none was named.
    """
    from feeds.hub.broker.client import CertificateNeededError, StrictClient  # noqa: PLC0415 - an extra

    needs_certificate = asyncio.Event()

    async def noted(error: Exception) -> None:
        if isinstance(error, CertificateNeededError) and not client.is_reconnecting:
            needs_certificate.set()
        else:
            await on_error(error)

    more: dict[str, Any] = {"reconnect_time_wait": WAIT_S}  # which it declares as a whole number
    context = _context(access)
    if context is not None:
        more["tls"] = context
    if access.creds is not None:
        more["user_credentials"] = str(access.creds)
    if access.nkey is not None:
        more["nkeys_seed"] = str(access.nkey)
    client = StrictClient(needs_tls=context is not None, has_certificate=access.cert is not None)
    connecting = client.connect(
        servers(access.url),
        name=name,
        max_reconnect_attempts=-1,
        ping_interval=PING_S,
        connect_timeout=2,
        pending_size=64 * 2**20,
        reconnected_cb=on_connected,
        disconnected_cb=on_lost,
        error_cb=noted,
        **more,
    )
    is_connected = False
    try:
        is_connected = not await _comes_first(needs_certificate, connecting)
    finally:
        if not is_connected:  # given up, perhaps in the middle of a handshake
            await client.close()
    if not is_connected:
        raise InputError(Cause.NO_CERTIFICATE.value)
    return client


async def _comes_first(event: asyncio.Event, work: Coroutine[Any, Any, None]) -> bool:
    """Whether the event comes before the work is done; the work is cancelled then. Raises what it raises."""
    tasks = asyncio.ensure_future(work), asyncio.ensure_future(event.wait())
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if tasks[0].done():
            tasks[0].result()
        return not tasks[0].done()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def cause(error: Exception) -> Cause:
    """Why there is no connection."""
    from nats import errors  # noqa: PLC0415 - an extra

    from feeds.hub.broker.client import CertificateNeededError, OldServerError  # noqa: PLC0415 - an extra

    if _is_violation(error):
        return Cause.CREDENTIALS
    if _is_denial(error):
        return Cause.DENIED
    if isinstance(error, ssl.SSLError) and client_certificate.is_refusal(error):
        return Cause.OUR_CERTIFICATE
    kinds: tuple[tuple[Cause, tuple[type[Exception], ...]], ...] = (
        (Cause.NO_TLS, (errors.SecureConnRequiredError,)),
        (Cause.NO_CERTIFICATE, (CertificateNeededError,)),
        (Cause.OLD, (OldServerError,)),
        (Cause.CERTIFICATE, (ssl.SSLError,)),
        (Cause.REFUSED, (ConnectionRefusedError,)),
        (Cause.CREDENTIALS, (errors.AuthorizationError, errors.InvalidUserCredentialsError)),
        (Cause.NO_ANSWER, (TimeoutError,)),
        (Cause.UNREACHED, (OSError, errors.NoServersError)),
    )
    return next((made for made, types in kinds if isinstance(error, types)), Cause.UNCLEAR)


def _is_violation(error: Exception) -> bool:
    """While connecting the protocol has one word for a refusal, and the client no type of its own."""
    from nats.protocol import parser  # noqa: PLC0415 - an extra

    word = str(error).removeprefix("nats: ").strip("'").lower()
    return word == parser.AUTHORIZATION_VIOLATION.strip("'").lower()


def _is_denial(error: Exception) -> bool:
    """The protocol's word for a subject that a user may not send to or listen to."""
    from nats import errors  # noqa: PLC0415 - an extra
    from nats.protocol import parser  # noqa: PLC0415 - an extra

    return isinstance(error, errors.Error) and parser.PERMISSIONS_ERR in str(error).lower()


def reason(error: Exception) -> str:
    """Why there is no connection, in words and without what may hold a secret."""
    made = cause(error)
    return made.value if made is not Cause.UNCLEAR else redact(f"{made.value} ({type(error).__name__})")


def unanswered(client: Client, subject: str, since_s: float, message: str) -> UnavailableError:
    """Why nothing has answered what was sent there: the permission, if it was denied since then.

    The server refuses a message in words of its own, beside the request, which merely gets no answer.
    """
    denied_s: dict[str, float] = getattr(client, "denied_s", {})
    is_denied = denied_s.get(subject.lower(), since_s - 1.0) >= since_s
    return DeniedError(subject) if is_denied else UnavailableError(message)


async def ask(client: Client, api: str, body: object = None) -> dict[str, Any]:
    """JetStream's answer to a request. Raises UnavailableError for none, RefusedError for an error in it."""
    from nats import errors  # noqa: PLC0415 - an extra

    payload = b"" if body is None else json.dumps(body).encode()
    subject, since_s = f"$JS.API.{api}", time.monotonic()
    try:
        answer = await client.request(subject, payload, timeout=ASK_S)
        made: dict[str, Any] = json.loads(answer.data)
    except errors.NoRespondersError as error:
        raise UnavailableError(NO_JETSTREAM) from error
    except (errors.Error, TimeoutError, ValueError, OSError) as error:
        raise unanswered(client, subject, since_s, "JetStream does not answer") from error
    if "error" in made:
        refusal = made["error"]
        text = refusal.get("description", "error")
        raise RefusedError(f"JetStream: {text}", int(refusal.get("err_code", 0)))
    return made
