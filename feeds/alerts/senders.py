"""One try to deliver a call: a webhook, a command, the desktop. Errors are ours and hold no secret."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import msgspec

from feeds.alerts.errors import DeliveryError
from feeds.clock import retry_after_s, wall_ns
from feeds.http import why
from feeds.parsing.sanitize import clean
from rotation.alerts.target import payload

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping, Sequence

    from feeds.alerts.errors import Sender
    from rotation.alerts.rule import Fired
    from rotation.alerts.target import Target

RETRY_AFTER_MAX_S = 300.0
"""A longer wait that a server asks for counts as so long."""
HERE = ("localhost", "127.0.0.1", "::1")
TOO_MANY, TOO_SLOW, UNAVAILABLE = 429, 408, 503
TEXT_MAX = 1_800
"""Characters: Discord takes 2,000, ntfy 4,096 bytes."""
_OURS = "ROTATION_TUI_"
_SECRET_WORDS = ("KEY", "SECRET", "TOKEN", "PASSWORD")


def sender(target: Target, secret: str, environ: Mapping[str, str] = os.environ) -> Sender:
    """The sender of a target. ``secret``: its token, or its whole address; empty where it needs none."""
    if target.kind == "command":
        return _Command(target.command, target.timeout_s, environ)
    if target.kind == "desktop":
        return _Desktop(target.timeout_s, environ)
    return _Webhook(target, secret)


class _Webhook:
    def __init__(self, target: Target, secret: str) -> None:
        self._target = target
        self._url = target.url or secret
        self._token = secret if target.url else ""

    async def __call__(self, fired: Fired, text: str) -> None:
        if not _is_usable(self._url):
            raise DeliveryError("the address is not valid", again=False)
        if not _is_header(self._token):
            raise DeliveryError("the token is not valid: it must be printable ASCII", again=False)
        headers, body = _request(self._target.kind, fired, text, self._token)
        try:
            async with asyncio.timeout(self._target.timeout_s):
                status, wait = await self._post(headers, body)
        except (TimeoutError, httpx.TimeoutException):
            raise DeliveryError(f"no answer within {self._target.timeout_s:g} s") from None
        except httpx.HTTPError as error:
            raise DeliveryError(_network(error)) from None
        except httpx.InvalidURL:
            # The address has been read before: this is the one that the answer redirects to.
            raise DeliveryError("refused (redirects to an invalid address)", again=False) from None
        if status < httpx.codes.MULTIPLE_CHOICES:
            return
        asked_s = min(retry_after_s(wait, wall_ns()) or 0.0, RETRY_AFTER_MAX_S)
        if status == TOO_MANY:
            raise DeliveryError("asked to wait (HTTP 429)", after_s=asked_s)
        again = status >= httpx.codes.INTERNAL_SERVER_ERROR or status == TOO_SLOW
        after_s = asked_s if status == UNAVAILABLE else None
        raise DeliveryError(f"refused (HTTP {status})", again=again, after_s=after_s)

    async def _post(self, headers: dict[str, str], body: bytes) -> tuple[int, str]:
        """The status, and what is asked for by Retry-After."""
        # Reading the certificates takes tens of milliseconds, in which the desk would stand still.
        client = await asyncio.to_thread(_client, self._url, self._target.timeout_s)
        # The body is of no use, and however long it is, it is not read.
        async with client, client.stream("POST", self._url, headers=headers, content=body) as reply:
            return reply.status_code, reply.headers.get("retry-after", "")


def _client(url: str, timeout_s: float) -> httpx.AsyncClient:
    """A client for one try. Raises DeliveryError; its message quotes no proxy, which may hold a password."""
    # What goes to this machine unencrypted must not go to a proxy on another one.
    through_proxy = urlsplit(url).hostname not in HERE
    try:
        return httpx.AsyncClient(timeout=timeout_s, verify=_tls(), trust_env=through_proxy)
    except ImportError:
        message = "a SOCKS proxy needs one more library (pip install 'httpx[socks]')"
        raise DeliveryError(message, again=False) from None
    except (httpx.InvalidURL, ValueError):
        message = "invalid proxy in HTTP_PROXY, HTTPS_PROXY or ALL_PROXY"
        raise DeliveryError(message, again=False) from None
    except OSError:
        raise DeliveryError("the TLS certificates of this machine cannot be read", again=False) from None


def _is_usable(url: str) -> bool:
    """Whether it can be posted to, encrypted if to another machine. A secret may be anything."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        host.encode("idna")
        known = parts.scheme == "https" or (parts.scheme == "http" and host in HERE)
        # httpx reads some names otherwise, and refuses some only when it connects.
        known = known and bool(host) and " " not in host and bool(httpx.URL(url).host)
        return known and parts.port != 0 and url.isprintable()
    except (ValueError, httpx.InvalidURL):
        return False


def _is_header(token: str) -> bool:
    return token.isascii() and token.isprintable() and token == token.strip()


@cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context()


def _network(error: httpx.HTTPError) -> str:
    without = "no connection" if isinstance(error, httpx.ConnectError) else f"failed ({type(error).__name__})"
    return why.cause(error) or without


def _request(kind: str, fired: Fired, text: str, token: str) -> tuple[dict[str, str], bytes]:
    """Headers and body in the form that the receiver understands."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    shown = text[:TEXT_MAX]
    if kind == "ntfy":
        title = clean(f"rotation-tui: {fired.id}").encode("ascii", "replace").decode()
        return {**headers, "Title": title[:120], "Tags": "chart_with_upwards_trend"}, shown.encode()
    headers["Content-Type"] = "application/json"
    if kind == "slack":
        escaped = shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        return headers, msgspec.json.encode({"text": escaped})
    if kind == "discord":
        return headers, msgspec.json.encode({"content": shown, "allowed_mentions": {"parse": []}})
    return headers, payload(fired, text)


class _Command:
    """A program of the person's: argument vector, JSON on stdin, no shell; killed with its children."""

    def __init__(self, argv: Sequence[str], timeout_s: float, environ: Mapping[str, str]) -> None:
        self._argv = tuple(argv)
        self._timeout_s = timeout_s
        self._environ = _harmless(environ)

    async def __call__(self, fired: Fired, text: str) -> None:
        await _run(self._argv, payload(fired, text) + b"\n", self._timeout_s, self._environ)


class _Desktop:
    def __init__(
        self, timeout_s: float, environ: Mapping[str, str], which: Callable[[str], str | None] = shutil.which
    ) -> None:
        self._timeout_s = timeout_s
        self._environ = _harmless(environ)
        self._which = which

    async def __call__(self, fired: Fired, text: str) -> None:
        title, line = clean(f"rotation-tui: {fired.id}"), clean(text, TEXT_MAX)
        argv = desktop_argv(title, line, sys.platform)
        if argv is None or self._which(argv[0]) is None:
            raise DeliveryError(f"{argv[0] if argv else 'a notifier'} is not installed", again=False)
        await _run(argv, b"", self._timeout_s, self._environ)


def desktop_argv(title: str, text: str, platform: str) -> tuple[str, ...] | None:
    """The command that shows a notification; None where this system has none that we know."""
    if platform == "darwin":
        show = "display notification (item 2 of argv) with title (item 1 of argv)"
        return ("osascript", "-e", "on run argv", "-e", show, "-e", "end run", title, text)
    if platform.startswith("linux"):
        return ("notify-send", "--app-name=rotation-tui", "--", title, text)
    return None


def _harmless(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment without keys, ours and the vendors': a command needs none of them."""
    return {
        name: value
        for name, value in environ.items()
        if not name.startswith(_OURS) and not any(word in name.upper() for word in _SECRET_WORDS)
    }


async def _run(argv: Sequence[str], stdin: bytes, timeout_s: float, environ: Mapping[str, str]) -> None:
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env=dict(environ),
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a valid command"
        raise DeliveryError(f"{argv[0]}: cannot be started ({reason})", again=False) from None
    try:
        async with asyncio.timeout(timeout_s):
            await process.communicate(stdin)
    except TimeoutError:
        raise DeliveryError(f"{argv[0]}: still running after {timeout_s:g} s, ended", again=False) from None
    finally:
        if process.returncode is None:
            _kill(process)
            await process.wait()
    code = process.returncode or 0
    if code:
        ending = f"exit code {code}" if code > 0 else f"ended by signal {-code}"
        raise DeliveryError(f"{argv[0]}: {ending}", again=False)


def _kill(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        if os.name == "nt":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
