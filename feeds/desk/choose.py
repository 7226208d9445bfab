"""Which vendor brings the quotes: the one asked for, else the best of those with a key, else Yahoo."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from feeds.errors import InputError
from feeds.keys import keys
from feeds.keys.preference import KEYED, order, why
from feeds.streaming.feed import PACE_S, StreamFeed
from feeds.vendors.alpaca.stream import Alpaca
from feeds.vendors.finnhub.stream import Finnhub
from feeds.vendors.massive.stream import Massive
from feeds.vendors.yahoo.stream import Yahoo

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from feeds.clock import Time
    from feeds.http.cached import CachedClient
    from feeds.streaming.vendor import Vendor

VARIANTS = {
    "alpaca": "iex",
    "alpaca-sip": "sip",
    "alpaca-delayed": "delayed_sip",
    "alpaca-test": "test",
}
"""Names of ``--feed`` → Alpaca's endpoints."""
TEST_SYMBOL = "FAKEPACA"
"""The only one at ``alpaca-test``."""
NAMES = ("auto", "yahoo", *VARIANTS, "massive", "massive-delayed", "finnhub")


def vendors(
    name: str,
    symbols: Sequence[str],
    http: CachedClient,
    time: Time,
    environ: Mapping[str, str] | None = None,
) -> list[Vendor]:
    """The vendors to try, first choice first. Raises InputError for a feed that lacks its key."""
    if name != "auto":
        return [_vendor(name, symbols, http, time, environ)]
    return [_vendor(feed, symbols, http, time, environ) for feed in order(_keyed(environ))]


def _keyed(environ: Mapping[str, str] | None) -> set[str]:
    return {key for key in KEYED if keys.find(key, environ=environ) is not None}


def why_chosen(name: str, environ: Mapping[str, str] | None = None) -> str:
    """The same with the keys at hand; empty for a feed that was asked for by name."""
    return why(_keyed(environ)) if name == "auto" else ""


def _vendor(
    name: str, symbols: Sequence[str], http: CachedClient, time: Time, environ: Mapping[str, str] | None
) -> Vendor:
    if name == "yahoo":
        return Yahoo(http, clock_ns=time.clock_ns)
    feed = name.partition("-")[0]
    held = keys.find(feed, environ=environ)
    if held is None:
        raise InputError(f"--feed {name}: needs a key — see: rotation-tui config key set {feed}")
    if feed == "alpaca":
        return Alpaca(
            held.key,
            held.secret,
            http,
            feed=VARIANTS[name],
            first=symbols,
            clock_ns=time.clock_ns,
        )
    if feed == "massive":
        return Massive(held.key, http, delayed=name.endswith("-delayed"))
    return Finnhub(held.key, http)


def by_vendor(
    vendor: Vendor,
    symbols: Sequence[str],
    closes: Mapping[str, float],
    time: Time,
    on_corrected_close: Callable[[str], None],
) -> Callable[[], StreamFeed]:
    """A stream to be made when its turn comes; see ``StreamFeed`` for the arguments."""
    return partial(
        StreamFeed,
        vendor,
        symbols,
        closes=closes,
        time=time,
        on_corrected_close=on_corrected_close,
        pace_s=PACE_S,
    )
