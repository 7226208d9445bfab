"""One HTTP exchange: a conditional GET within time and size limits. No retry, no pace."""

from __future__ import annotations

import asyncio
import logging
import os
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING

import httpx
import msgspec

from feeds.clock import http_date_ns, reset_after_s, retry_after_s
from feeds.errors import InputError, SourceError
from feeds.http import why
from feeds.http.body import Expected, check_content, read_body
from feeds.http.failure import RequestError
from feeds.http.redirects import REDIRECTS_MAX, next_url
from feeds.http.tap import tap

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractAsyncContextManager

    OnAnswer = Callable[[int, Mapping[str, str]], None]

AGENT = "Mozilla/5.0 (compatible; rotation-tui)"
AGENT_VARIABLE = "ROTATION_TUI_USER_AGENT"
"""What to call ourselves instead: some sources answer 429 to names that they do not know."""
AGENT_MAX = 300
_YAHOO = ("https://query2.finance.yahoo.com:", "https://query1.finance.yahoo.com:")
GROUPS = dict.fromkeys(_YAHOO, "Yahoo")
"""Origin → source: a 429 of one is a 429 of all that belong to it."""
TWINS = {_YAHOO[0]: _YAHOO[1], _YAHOO[1]: _YAHOO[0]}
"""Origin → another with the same answers, asked where the first does not answer."""
_RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
_HOST_WIDE = frozenset({429, 503})
_VALIDATOR_MAX = 200


def _without_addresses(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING


# httpx logs whole addresses at INFO, httpcore headers at DEBUG; keys live in both.
for _name in ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy"):
    logging.getLogger(_name).addFilter(_without_addresses)


def user_agent(environ: Mapping[str, str] = os.environ) -> str:
    """``ROTATION_TUI_USER_AGENT``, or our own name. Raises InputError if it is not a valid header."""
    agent = environ.get(AGENT_VARIABLE, "").strip()
    if len(agent) > AGENT_MAX or not agent.isascii() or not (agent.isprintable()):
        raise InputError(f"{AGENT_VARIABLE}: expected up to {AGENT_MAX} printable ASCII characters")
    return agent or AGENT


class Request(msgspec.Struct, frozen=True):
    """What to ask for, and how much of the account's quota the question may take."""

    url: httpx.URL
    headers: dict[str, str] = {}
    expect: Expected = "json"
    etag: str = ""
    last_modified: str = ""
    reserve: int | None = None
    """Calls of the account's minute to leave to others; None for a source that states no quota."""

    def __repr__(self) -> str:
        return f"Request({self.shown})"  # never a header: a key may be in it

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"{self.url.scheme}://{self.url.host}:{self.url.port or ''}"

    @property
    def group(self) -> str:
        """The source whose 429 this request shares with others; empty where it shares none."""
        return GROUPS.get(self.origin, "")

    def twin(self) -> Request | None:
        """The same question to the source's other address; None where it has none."""
        origin = TWINS.get(self.origin)
        if origin is None:
            return None
        other = httpx.URL(origin.removesuffix(":"))
        url = self.url.copy_with(host=other.host, port=other.port)
        return msgspec.structs.replace(self, url=url)

    @property
    def key(self) -> str:
        """The question in one word: method, address and query, hashed."""
        return self.key_without(frozenset())

    def key_without(self, names: frozenset[str]) -> str:
        """The same without these parameters of the query; a user and a password never belong to it."""
        query = sorted(pair for pair in self.url.params.multi_items() if pair[0] not in names)
        what = ("GET", self.origin, self.url.path, query)
        return f"{self.url.host.lower()[:40]}-{sha256(msgspec.json.encode(what)).hexdigest()[:24]}"

    @property
    def sha(self) -> str:
        """Hash of the whole address."""
        return sha256(str(self.url).encode()).hexdigest()

    @property
    def shown(self) -> str:
        """Host and path: never the query nor a password."""
        return f"{self.url.host}{self.url.path}"


class Reply(msgspec.Struct, frozen=True):
    """An answer of use: 200 with a body, or 304 without one."""

    body: bytes | None
    """None: unchanged (304)."""
    confirmed_ns: int
    """When the source made this answer, UTC ns; earlier than now where a cache on the way kept it."""
    asked_ns: int
    etag: str
    last_modified: str

    @property
    def known_ns(self) -> int:
        """The instant that the answer describes: when it was asked for, or when it was made if earlier."""
        return min(self.asked_ns, self.confirmed_ns)


def _ignore(status: int, headers: Mapping[str, str]) -> None:
    """The default of ``on_answer``."""


async def exchange(
    client: httpx.AsyncClient,
    request: Request,
    *,
    total_s: float,
    body_max: int,
    clock_ns: Callable[[], int],
    on_answer: OnAnswer = _ignore,
) -> Reply:
    """Ask once. ``on_answer`` gets the status and the headers of every answer. Raises RequestError."""
    headers = {"user-agent": user_agent(), "accept-encoding": "gzip", **request.headers}
    if request.etag:
        headers["if-none-match"] = request.etag
    if request.last_modified:
        headers["if-modified-since"] = request.last_modified
    asked_ns = clock_ns()
    try:
        async with asyncio.timeout(total_s):
            ask = partial(client.stream, "GET", headers=headers, follow_redirects=False)
            response, body = await _answer(ask, request, body_max, clock_ns, on_answer)
    except RequestError:
        raise
    except SourceError as error:
        raise RequestError(str(error)) from error
    except (TimeoutError, httpx.TimeoutException) as error:
        unreachable = isinstance(error, httpx.ConnectTimeout)
        raise RequestError("no answer in time", retryable=True, unreachable=unreachable) from error
    except httpx.RemoteProtocolError as error:
        raise RequestError("the connection was cut", retryable=True) from error
    except httpx.TransportError as error:
        if isinstance(error, httpx.NetworkError) and not isinstance(error, httpx.ConnectError):
            raise RequestError("the connection was cut", retryable=True) from error
        unreachable = isinstance(error, httpx.ConnectError)
        raise RequestError(why.unreachable(error), retryable=True, unreachable=unreachable) from error
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        raise RequestError(f"failed ({type(error).__name__})") from error
    return Reply(
        body,
        _made_ns(response, clock_ns()),
        asked_ns,
        _validator(response, "etag"),
        _validator(response, "last-modified"),
    )


async def _answer(
    ask: Callable[[httpx.URL], AbstractAsyncContextManager[httpx.Response]],
    request: Request,
    body_max: int,
    clock_ns: Callable[[], int],
    on_answer: OnAnswer,
) -> tuple[httpx.Response, bytes | None]:
    """The answer behind the redirects that may be followed, and its body; None where it is unchanged."""
    url = request.url
    for _ in range(REDIRECTS_MAX + 1):
        async with ask(url) as response:
            on_answer(response.status_code, response.headers)
            target = next_url(url, response, has_key=bool(request.headers))
            if target is None:
                return response, await _body(response, request, body_max, clock_ns())
            url = target
    raise RequestError("too many redirects")


async def _body(response: httpx.Response, request: Request, body_max: int, now_ns: int) -> bytes | None:
    status, listener = response.status_code, tap.get()
    if listener is not None:
        content = await read_body(response, body_max)
        listener.answer(request.shown, status, response.headers, content)
    if status == 304 and (request.etag or request.last_modified):
        return None
    if status != 200:
        after_s = retry_after_s(response.headers.get("retry-after"), now_ns)
        if status == 429 and after_s is None:
            after_s = reset_after_s(response.headers.get("x-ratelimit-reset"), now_ns)
        raise RequestError(
            f"HTTP {status}",
            retryable=status in _RETRIED,
            host_wide=status in _HOST_WIDE,
            retry_after_s=after_s,
            status=status,
        )
    body = await read_body(response, body_max) if listener is None else content
    check_content(body, response.headers.get("content-type", ""), request.expect)
    return body


def _made_ns(response: httpx.Response, now_ns: int) -> int:
    """A cache on the way may serve an old answer: its apparent or stated age counts (RFC 9111, 4.2.3)."""
    made_ns = http_date_ns(response.headers.get("date"))
    apparent_ns = max(0, now_ns - made_ns) if made_ns is not None else 0
    age = response.headers.get("age", "").strip()
    stated_ns = int(age[:9]) * 10**9 if age.isascii() and age.isdigit() else 0
    return now_ns - max(apparent_ns, stated_ns)


def _validator(response: httpx.Response, name: str) -> str:
    """A header to send back later, if it is one that may be."""
    text: str = response.headers.get(name, "")
    return text if len(text) <= _VALIDATOR_MAX and text.isascii() and text.isprintable() else ""
