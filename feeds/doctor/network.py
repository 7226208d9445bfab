"""What ``doctor`` asks of the sources: whether each answers, and what time it has."""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

import httpx
import msgspec

from feeds.clock import http_date_ns, wall_ns
from feeds.errors import InputError
from feeds.fed import calendar as calendar_fed
from feeds.fed import databento, kalshi
from feeds.fed.polymarket import rest as polymarket
from feeds.fed.rates import fred, newyorkfed
from feeds.http import why
from feeds.http.exchange import AGENT_VARIABLE, user_agent
from feeds.parsing.sanitize import clean
from feeds.parsing.wire import address
from feeds.vendors.alpaca import rest as alpaca_rest
from feeds.vendors.finnhub import stream as finnhub
from feeds.vendors.massive import stream as massive
from feeds.vendors.stooq import daily as stooq
from feeds.vendors.tiingo import daily as tiingo
from feeds.vendors.yahoo import address as yahoo_address
from rotation.findings import Finding
from rotation.text import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

ANSWER_S = 5.0
CLOSE_S = 3.0
"""An answer that took longer says too little about the time at which it was sent."""
SKEW_S = 2.0
_REFUSALS = {429: "this machine is rate-limited: wait", 451: "not available in this region"}

SOURCES = (
    ("Yahoo", "YAHOO", yahoo_address.HOME, ""),
    ("New York Fed", "NEWYORKFED", newyorkfed.HOME, ""),
    ("FRED", "FRED", fred.HOME, ""),
    ("FOMC calendar", "CALENDAR_FED", calendar_fed.HOME, ""),
    ("Kalshi", "KALSHI", kalshi.HOME, ""),
    ("Polymarket", "POLYMARKET", polymarket.HOME, ""),
    ("Stooq", "STOOQ", stooq.HOME, "stooq"),
    ("Tiingo", "TIINGO", tiingo.HOME, "tiingo"),
    ("Databento", "DATABENTO", databento.HOME, "databento"),
    ("Alpaca", "ALPACA", alpaca_rest.HOME, "alpaca"),
    ("Finnhub", "FINNHUB", finnhub.REST, "finnhub"),
    ("Massive", "MASSIVE", massive.REST, "massive"),
)
"""Name, how the environment spells it, address, and whose key it needs."""


class Answer(msgspec.Struct, frozen=True):
    """What one source answered."""

    finding: Finding
    skew_s: float | None = None
    """Our clock minus the source's."""


async def sources(
    environ: Mapping[str, str],
    keyed: Collection[str],
    *,
    clock_ns: Callable[[], int] = wall_ns,
    answer_s: float = ANSWER_S,
) -> list[Finding]:
    """All sources at once; those that need a key only where it is there. No key is sent."""
    wanted = [(name, feed, home) for name, feed, home, key in SOURCES if not key or key in keyed]
    try:
        client = httpx.AsyncClient(timeout=answer_s, headers={"User-Agent": user_agent(environ)})
    except InputError as error:
        return [
            Finding("sources", "User-Agent", "fail", str(error), f"fix or unset {AGENT_VARIABLE}"),
            clock([]),
        ]
    except (httpx.InvalidURL, ValueError, ImportError) as error:
        # The error itself would quote the address, and with it the proxy's password.
        is_socks = isinstance(error, ImportError)
        message = (
            "SOCKS proxies need one more library" if is_socks else "a proxy variable holds an invalid address"
        )
        todo = "pip install 'httpx[socks]'" if is_socks else "fix HTTP_PROXY, HTTPS_PROXY and ALL_PROXY"
        return [Finding("sources", "proxy", "fail", message, todo), clock([])]
    async with client:
        asker = _Asker(client, environ, clock_ns, answer_s)
        answers = await asyncio.gather(*(asker.ask(*source) for source in wanted))
    skews = [answer.skew_s for answer in answers if answer.skew_s is not None]
    return [*(answer.finding for answer in answers), clock(skews)]


@dataclass(frozen=True)
class _Asker:
    client: httpx.AsyncClient
    environ: Mapping[str, str]
    clock_ns: Callable[[], int]
    answer_s: float

    async def ask(self, name: str, feed: str, home: str) -> Answer:
        """One source: only the head of an answer is wanted."""

        def finding(state: str, message: str, todo: str = "") -> Finding:
            return Finding("sources", name, state, message, todo)  # type: ignore[arg-type]

        try:
            url = address(feed, "REST", home, self.environ)
        except InputError:
            return Answer(
                finding("fail", f"ROTATION_TUI_{feed}_REST_URL is not a valid address", "fix or unset it")
            )
        sent_ns = self.clock_ns()
        try:
            async with asyncio.timeout(self.answer_s):
                reply = await self.client.head(url)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError) as error:
            todo = f"check network, proxy and firewall; ROTATION_TUI_{feed}_REST_URL moves it"
            return Answer(finding("fail", _why(error, self.answer_s), todo))
        got_ns = self.clock_ns()
        took_ms, status = (got_ns - sent_ns) / 1e6, reply.status_code
        message = f"answers in {took_ms:,.0f} ms (HTTP {status}){_as_whom(name, reply)}"
        skew_s = _skew_s(reply, sent_ns, got_ns)
        if status == 407:
            return Answer(
                finding(
                    "fail", message, "the proxy needs a user name and password: put them into HTTPS_PROXY"
                ),
                skew_s,
            )
        if status in (429, 451) or status >= 500:
            todo = _REFUSALS.get(status, "the source has an outage: wait")
            if status == 429 and name == "Yahoo":
                todo += f", or try another name: {AGENT_VARIABLE}='Mozilla/5.0'"
            return Answer(finding("warn", message, todo), skew_s)
        return Answer(finding("ok", message), skew_s)


def _as_whom(name: str, reply: httpx.Response) -> str:
    """The User-Agent with which Yahoo was asked: its answers of 429 depend on it."""
    return f", asked as {clean(reply.request.headers['user-agent'], 80)!r}" if name == "Yahoo" else ""


def _skew_s(reply: httpx.Response, sent_ns: int, got_ns: int) -> float | None:
    """None where the answer tells no time, took long, or comes from a cache."""
    date_ns = http_date_ns(reply.headers.get("date"))
    if date_ns is None or got_ns - sent_ns > CLOSE_S * 1e9 or reply.headers.get("age", "0") != "0":
        return None
    # A date is cut to the second: on average it was sent half a second later.
    return ((sent_ns + got_ns) / 2 - date_ns) / 1e9 - 0.5


def clock(skews_s: list[float]) -> Finding:
    """Our clock against what the sources say, the median of them: one may be wrong itself."""
    if not skews_s:
        return Finding(
            "clock", "clock", "warn", "not checked: no source sent its time", "connect and try again"
        )
    skew_s = median(skews_s)
    if abs(skew_s) <= SKEW_S:
        return Finding("clock", "clock", "ok", f"within {SKEW_S:g} s of {counted(len(skews_s), 'source')}")
    way = "ahead of" if skew_s > 0 else "behind"
    skew = f"{abs(skew_s):,.1f} s {way} {counted(len(skews_s), 'source')}"
    message = f"{skew}: prices will look older or newer than they are"
    return Finding(
        "clock", "clock", "warn", message, "let the system set its clock (timedatectl set-ntp true)"
    )


def _why(error: Exception, answer_s: float) -> str:
    """In our own words: a library's may quote an address."""
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return f"no answer within {answer_s:g} s"
    for cause in why.chain(error):
        if isinstance(cause, socket.gaierror):
            return "host name not found (DNS)"
        if isinstance(cause, ssl.SSLError):
            return "certificate not accepted (an intercepting proxy, or a wrong clock)"
    if isinstance(error, httpx.ConnectError | httpx.ProxyError):
        return "cannot connect"
    return f"connection failed ({type(error).__name__})"
