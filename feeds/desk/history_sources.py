"""Which sources of daily history there are, in which order they are asked."""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Literal

from feeds.clock import wall_ns
from feeds.errors import InputError
from feeds.http.client import HttpClient, download_limits
from feeds.keys import keys
from feeds.vendors.alpaca.daily import FIRST, AlpacaDaily
from feeds.vendors.alpaca.keys import AlpacaKeys
from feeds.vendors.alpaca.rest import AlpacaRest
from feeds.vendors.stooq import daily as stooq
from feeds.vendors.tiingo import daily as tiingo
from feeds.vendors.yahoo import daily as yahoo_daily

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from datetime import date

    from feeds.clock import Pace
    from feeds.history.daily import DailySource

Choice = Literal["auto", "alpaca", "yahoo", "tiingo", "stooq"]
YAHOO_MOST = 900
"""Yahoo refuses after about 950 symbols: more go to Alpaca first, where there is a key."""
KEYED = ("tiingo", "alpaca", "stooq")
"""Sources that answer only with a key."""


@asynccontextmanager
async def open_sources(
    choice: Choice,
    *,
    symbols: int,
    since: date,
    environ: Mapping[str, str] | None = None,
    refusals: Pace | None = None,
) -> AsyncIterator[list[DailySource]]:
    """The sources to ask, first choice first. Raises InputError where the chosen one lacks its key.

    ``auto``: Alpaca with a key where its history reaches back far enough or Yahoo would refuse so many
    ``symbols``; else Yahoo, which has 26 years and dividends; then Tiingo, which has them too; the others
    after it, Stooq last. Without any key there is Yahoo alone.
    """
    environ = os.environ if environ is None else environ
    held = {}
    for name in KEYED:
        if choice in {"auto", name}:  # a keyring may take seconds
            key = await asyncio.to_thread(keys.find, name, environ=environ)
            if key is not None:
                held[name] = key
    if choice in KEYED and choice not in held:
        raise InputError(f"--source {choice}: needs a key — see: rotation-tui config key set {choice}")
    async with (
        HttpClient(download_limits(yahoo_daily.GAP_S), refusals=refusals) as yahoo_client,
        HttpClient(download_limits(tiingo.GAP_S)) as tiingo_client,
        HttpClient(download_limits(stooq.GAP_S)) as stooq_client,
        HttpClient() as alpaca_client,
    ):
        by_name: dict[str, DailySource] = {"yahoo": yahoo_daily.YahooDaily(yahoo_client)}
        if "tiingo" in held and (choice != "auto" or symbols <= tiingo.MOST):
            by_name["tiingo"] = tiingo.TiingoDaily(tiingo_client, held["tiingo"].key)
        if "alpaca" in held:
            pair = AlpacaKeys(held["alpaca"].key, held["alpaca"].secret)
            by_name["alpaca"] = AlpacaDaily(AlpacaRest(pair, alpaca_client), clock_ns=wall_ns)
        if "stooq" in held:
            by_name["stooq"] = stooq.StooqDaily(stooq_client, held["stooq"].key)
        if choice != "auto":
            yield [by_name[choice]]
            return
        first = "alpaca" if since >= FIRST or symbols > YAHOO_MOST else "yahoo"
        order = dict.fromkeys([first, "yahoo", "tiingo", "alpaca", "stooq"])
        yield [by_name[name] for name in order if name in by_name]
