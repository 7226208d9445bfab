"""What ``doctor --stream`` tries: real quotes from Coinbase, which needs no key and never closes."""

from __future__ import annotations

import asyncio

from feeds.errors import InputError
from feeds.events import Status
from feeds.parsing.sanitize import clean
from feeds.streaming.feed import StreamFeed
from feeds.streaming.watch.hours import Always
from feeds.vendors.coinbase.stream import PRODUCT, Coinbase
from rotation.findings import Finding
from rotation.status import Kind
from rotation.text import counted

CONNECT_S = 10.0
COUNT_S = 5.0


async def stream(*, connect_s: float = CONNECT_S, count_s: float = COUNT_S) -> Finding:
    """Connect, subscribe, and count trades for some seconds."""
    try:
        feed = StreamFeed(Coinbase(), [PRODUCT], hours=Always(), canaries=frozenset())
    except InputError as error:
        return _finding("fail", str(error), "fix or unset it")
    last = Status(Kind.OFFLINE, "")
    first = asyncio.Event()

    async def listen() -> None:
        nonlocal last
        async for event in feed.events():
            if isinstance(event, Status):
                last = event
            if feed.stats().quotes:
                first.set()

    listener = asyncio.create_task(listen())
    try:
        waits = asyncio.create_task(first.wait())
        await asyncio.wait((listener, waits), timeout=connect_s, return_when=asyncio.FIRST_COMPLETED)
        waits.cancel()
        if first.is_set():
            await asyncio.wait((listener,), timeout=count_s)
    finally:
        listener.cancel()
        await asyncio.gather(listener, return_exceptions=True)
    stats = feed.stats()
    if not stats.quotes:
        message = clean(f"no trade of {PRODUCT} within {connect_s:g} s: {last.state} {last.detail}".strip())
        return _finding("fail", message, "check that the firewall or proxy lets websockets (wss) through")
    lag = "" if stats.lag_s is None else f", {stats.lag_s * 1_000:,.0f} ms behind the exchange"
    message = f"{counted(stats.quotes, 'trade')} of {PRODUCT} in {count_s:g} s{lag}"
    if stats.reconnects or stats.gaps:
        message += f"; {counted(stats.reconnects, 'reconnect')}, {counted(stats.gaps, 'gap')}"
        return _finding("warn", message, "unstable connection: expect GAPPED prices at times")
    return _finding("ok", message)


def _finding(state: str, message: str, todo: str = "") -> Finding:
    return Finding("stream", "Coinbase", state, message, todo)  # type: ignore[arg-type]
