"""Which vendors bring the quotes: those asked for, in their order; else the best with a key, then Yahoo."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from feeds.errors import InputError
from feeds.keys import keys
from feeds.keys.preference import KEYED, label, order, why, why_listed
from feeds.streaming.feed import PACE_S, StreamFeed
from feeds.vendors.alpaca.stream import Alpaca
from feeds.vendors.finnhub.stream import Finnhub
from feeds.vendors.massive.stream import Massive
from feeds.vendors.yahoo.stream import Yahoo

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from feeds.clock import Time
    from feeds.http.cached import CachedClient
    from feeds.streaming.members.prints import MemberPrints
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
DEMO = "demo"
"""At the end of a list: the screen may show the demo while no vendor has anything."""
NAMES = ("auto", "yahoo", *VARIANTS, "massive", "massive-delayed", "finnhub")


def vendors(
    name: str,
    symbols: Sequence[str],
    http: CachedClient,
    time: Time,
    environ: Mapping[str, str] | None = None,
) -> list[Vendor]:
    """The vendors to try, first choice first. ``name``: of NAMES, or several with commas between.

    Of several those without their key are left out. Raises InputError for one feed that lacks its key, and
    for several of which none has it.
    """
    names = order(_keyed(environ)) if name == "auto" else named(name)
    if len(names) > 1:
        names = [feed for feed in names if _has_key(feed, environ)]
        if not names:
            lacking = named(name)
            raise InputError(
                f"--feed {','.join(lacking)}: none of them has its key — see: rotation-tui config key set "
                f"{_keyring_of(lacking[0])}; yahoo needs none"
            )
    return [_vendor(feed, symbols, http, time, environ) for feed in names]


def named(name: str) -> list[str]:
    """The vendors' names of a list; the demo at its end is no vendor."""
    return [each for each in name.split(",") if each != DEMO]


def _keyring_of(name: str) -> str:
    """Under which name its key is kept."""
    return name.partition("-")[0]


def _has_key(name: str, environ: Mapping[str, str] | None) -> bool:
    return name == "yahoo" or keys.find(_keyring_of(name), environ=environ) is not None


def _keyed(environ: Mapping[str, str] | None) -> set[str]:
    return {key for key in KEYED if keys.find(key, environ=environ) is not None}


def why_demo(name: str, environ: Mapping[str, str] | None = None) -> str:
    """Why only the demo is left of a list that ends with it, in words; empty where a vendor can be asked."""
    names = named(name)
    if not name.endswith(f",{DEMO}") or any(_has_key(each, environ) for each in names):
        return ""
    return f"no key for {', '.join(map(label, names))}"


def why_chosen(name: str, environ: Mapping[str, str] | None = None) -> str:
    """Why the vendors are tried in this order, in words; empty for one feed that was asked for by name."""
    if name == "auto":
        return why(_keyed(environ))
    names = named(name)
    lacking = [each for each in names if not _has_key(each, environ)]
    return why_listed(names, lacking) if len(names) > 1 else ""


def _vendor(
    name: str, symbols: Sequence[str], http: CachedClient, time: Time, environ: Mapping[str, str] | None
) -> Vendor:
    if name == "yahoo":
        return Yahoo(http, clock_ns=time.clock_ns)
    feed = _keyring_of(name)
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
    *,
    members: MemberPrints | None = None,
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
        members=members,
    )
