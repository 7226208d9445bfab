"""The Fed's feed with everything it needs, and what its log holds."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from feeds.clock import wall_ns
from feeds.fed.feed import FedFeed
from feeds.fed.futures_stream import YahooStripStream
from feeds.fed.log import Format, export
from feeds.fed.sources import FedSources
from feeds.fed.store import FedStore
from feeds.http.cached import CachedClient
from feeds.http.client import TRIES
from rotation.sessions import NEW_YORK, to_ns

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from feeds.clock import Pace

AGE_GAP_S = 300.0


def live(
    store: Path,
    cache: Path,
    *,
    age_gap_s: float = AGE_GAP_S,
    tries: int = TRIES,
    refusals: Pace | None = None,
    once: bool = False,
) -> FedFeed:
    """The feed of this machine. Raises InputError where an environment variable holds no usable address.

    ``tries``: of one request; a single picture of everything does not wait for another.
    ``refusals`` and ``once``: see HttpClient and CachedClient.
    """
    http = CachedClient(cache, tries=tries, refusals=refusals, once=once)
    sources = FedSources(http, age_gap_s=age_gap_s)
    stream = YahooStripStream(http)
    return FedFeed(http, sources, store, strip_stream=stream, clock_ns=wall_ns)


def history(store: Path, *, since: date | None, form: Format) -> bytes:
    """The log of probabilities as a file, from the beginning of a New York day on. Raises InputError."""
    since_ns = to_ns(datetime(since.year, since.month, since.day, tzinfo=NEW_YORK)) if since else 0
    with FedStore(store) as opened:
        return export(opened.between(since_ns, 2**63 - 1), form)
