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
TOO_MANY, TOO_SLOW = 429, 408
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
        headers, body = _request(self._target.kind, fired, text, self._token)
        timeout = self._target.timeout_s
        try:
            # Reading the certificates takes tens of milliseconds, in which the desk would stand still.
            tls = await asyncio.to_thread(_tls)
            async with (
                asyncio.timeout(timeout),
                httpx.AsyncClient(timeout=timeout, verify=tls) as client,
                # The body is of no use, and however long it is, it is not read.
                client.stream("POST", self._url, headers=headers, content=body) as reply,
            ):
                status, wait = reply.status_code, reply.headers.get("retry-after", "")
        except (TimeoutError, httpx.TimeoutException):
            raise DeliveryError(f"no answer within {timeout:g} s") from None
        except httpx.HTTPError as error:
            raise DeliveryError(_network(error)) from None
        if status < httpx.codes.MULTIPLE_CHOICES:
            return
        if status == TOO_MANY:
            after_s = min(retry_after_s(wait, wall_ns()) or 0.0, RETRY_AFTER_MAX_S)
            raise DeliveryError("asked to wait (HTTP 429)", after_s=after_s)
        again = status >= httpx.codes.INTERNAL_SERVER_ERROR or status == TOO_SLOW
        raise DeliveryError(f"refused (HTTP {status})", again=again)


def _is_usable(url: str) -> bool:
    """Whether it can be posted to, encrypted if to another machine. A secret may be anything."""
    try:
        parts = urlsplit(url)
        (parts.hostname or "").encode("idna")
        known = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in HERE)
        return known and bool(parts.hostname) and parts.port != 0 and url.isprintable()
    except ValueError:
        return False


@cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context()


def _network(error: httpx.HTTPError) -> str:
    return "no connection" if isinstance(error, httpx.ConnectError) else f"failed ({type(error).__name__})"


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
    if process.returncode:
        raise DeliveryError(f"{argv[0]}: exit code {process.returncode}", again=False)


def _kill(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        if os.name == "nt":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
