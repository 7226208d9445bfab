"""One HTTP exchange: a conditional GET within time and size limits, and what went wrong in our words."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from hashlib import sha256

import httpx
import msgspec

from feeds.clock import http_date_ns, reset_after_s, retry_after_s
from feeds.errors import SourceError
from feeds.http.body import Expected, check_content, read_body

AGENT = "Mozilla/5.0 (compatible; rotation-tui)"
_RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
_HOST_WIDE = frozenset({429, 503})
_VALIDATOR_MAX = 200


def _without_addresses(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING


# httpx logs whole addresses at INFO, httpcore headers at DEBUG; keys live in both.
for _name in ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy"):
    logging.getLogger(_name).addFilter(_without_addresses)


class Request(msgspec.Struct, frozen=True):
    """What to ask for."""

    url: httpx.URL
    headers: dict[str, str]
    expect: Expected
    etag: str = ""
    last_modified: str = ""
    seen: Callable[[int, Mapping[str, str]], None] | None = None
    """Told the status and the headers of every answer."""

    def __repr__(self) -> str:
        return f"Request({self.shown})"  # never a header: a key may be in it

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"{self.url.scheme}://{self.url.host}:{self.url.port or ''}"

    @property
    def sha(self) -> str:
        """Of the whole address."""
        return sha256(str(self.url).encode()).hexdigest()

    @property
    def shown(self) -> str:
        """Host and path: never the query nor a password."""
        return f"{self.url.host}{self.url.path}"


class Reply(msgspec.Struct, frozen=True):
    """What came."""

    body: bytes | None
    """None: unchanged (304)."""
    confirmed_ns: int
    """When the source made this answer."""
    etag: str
    last_modified: str


class Failure(Exception):  # noqa: N818 - it is no error of the program
    """One try that failed: what to say, whether another may help, what the source asked for."""

    def __init__(
        self,
        said: str,
        *,
        again: bool = False,
        host_wide: bool = False,
        after_s: float | None = None,
        status: int | None = None,
        unreachable: bool = False,
        tried: bool = True,
    ) -> None:
        """``status``: of the answer, where there was one that was not 200. ``unreachable``: no connection."""
        super().__init__(said)
        self.tried = tried
        self.status = status
        self.again = again
        self.host_wide = host_wide
        self.after_s = after_s
        self.unreachable = unreachable


async def exchange(
    client: httpx.AsyncClient,
    request: Request,
    *,
    total_s: float,
    body_max: int,
    clock_ns: Callable[[], int],
) -> Reply:
    """Ask once. Raises Failure."""
    asked = {"user-agent": AGENT, "accept-encoding": "gzip", **request.headers}
    if request.etag:
        asked["if-none-match"] = request.etag
    if request.last_modified:
        asked["if-modified-since"] = request.last_modified
    # A header of ours (a key) must not follow a redirect to another host.
    follow = not request.headers
    try:
        async with (
            asyncio.timeout(total_s),
            client.stream("GET", request.url, headers=asked, follow_redirects=follow) as response,
        ):
            body = await _body(response, request, body_max, clock_ns())
    except SourceError as error:
        raise Failure(str(error)) from error
    except (TimeoutError, httpx.TimeoutException) as error:
        unreachable = isinstance(error, httpx.ConnectTimeout)
        raise Failure("no answer in time", again=True, unreachable=unreachable) from error
    except httpx.RemoteProtocolError as error:
        raise Failure("the connection was cut", again=True) from error
    except httpx.TransportError as error:
        said = f"cannot be reached ({type(error).__name__})"
        unreachable = isinstance(error, httpx.ConnectError)
        raise Failure(said, again=True, unreachable=unreachable) from error
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        raise Failure(f"failed ({type(error).__name__})") from error
    return Reply(
        body,
        _made_ns(response, clock_ns()),
        _validator(response, "etag"),
        _validator(response, "last-modified"),
    )


async def _body(response: httpx.Response, request: Request, body_max: int, now_ns: int) -> bytes | None:
    status = response.status_code
    if request.seen is not None:
        request.seen(status, response.headers)
    if status == 304 and (request.etag or request.last_modified):
        return None
    if status != 200:
        after_s = retry_after_s(response.headers.get("retry-after"), now_ns)
        if status == 429 and after_s is None:
            after_s = reset_after_s(response.headers.get("x-ratelimit-reset"), now_ns)
        raise Failure(
            f"HTTP {status}",
            again=status in _RETRIED,
            host_wide=status in _HOST_WIDE,
            after_s=after_s,
            status=status,
        )
    body = await read_body(response, body_max)
    check_content(body, response.headers.get("content-type", ""), request.expect)
    return body


def _made_ns(response: httpx.Response, now_ns: int) -> int:
    """A cache on the way may serve an old answer: its apparent or told age counts (RFC 9111, 4.2.3)."""
    made_ns = http_date_ns(response.headers.get("date"))
    apparent_ns = max(0, now_ns - made_ns) if made_ns is not None else 0
    age = response.headers.get("age", "").strip()
    told_ns = int(age[:9]) * 10**9 if age.isascii() and age.isdigit() else 0
    return now_ns - max(apparent_ns, told_ns)


def _validator(response: httpx.Response, name: str) -> str:
    """A header to send back later, if it is one that may be."""
    text: str = response.headers.get(name, "")
    return text if len(text) <= _VALIDATOR_MAX and text.isascii() and text.isprintable() else ""
