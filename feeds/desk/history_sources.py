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
from feeds.vendors.yahoo import daily as yahoo_daily

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from datetime import date

    from feeds.clock import Pace
    from feeds.history.daily import DailySource

Choice = Literal["auto", "alpaca", "yahoo", "stooq"]
YAHOO_MOST = 900
"""Yahoo refuses after about 950 symbols: more go to Alpaca first, where there is a key."""
STOOQ_KEY = "STOOQ_API_KEY"


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
    ``symbols``; else Yahoo, which has 26 years and dividends; the others after it, Stooq last.
    """
    environ = os.environ if environ is None else environ
    alpaca_keys = None
    if choice in {"auto", "alpaca"}:  # a keyring may take seconds
        alpaca_keys = await asyncio.to_thread(keys.find, "alpaca", environ=environ)
    if choice == "alpaca" and alpaca_keys is None:
        raise InputError("--source alpaca: needs a key — see: rotation-tui config key set alpaca")
    stooq_key = keys.remember(environ.get(STOOQ_KEY, "").strip()) or None
    async with (
        HttpClient(download_limits(yahoo_daily.GAP_S), refusals=refusals) as yahoo_client,
        HttpClient(download_limits(stooq.GAP_S)) as stooq_client,
        HttpClient() as alpaca_client,
    ):
        by_name: dict[str, DailySource] = {
            "yahoo": yahoo_daily.YahooDaily(yahoo_client),
            "stooq": stooq.StooqDaily(stooq_client, stooq_key),
        }
        if alpaca_keys is not None:
            pair = AlpacaKeys(alpaca_keys.key, alpaca_keys.secret)
            by_name["alpaca"] = AlpacaDaily(AlpacaRest(pair, alpaca_client), clock_ns=wall_ns)
        if choice != "auto":
            yield [by_name[choice]]
            return
        first = "alpaca" if since >= FIRST or symbols > YAHOO_MOST else "yahoo"
        order = dict.fromkeys([first, "yahoo", "alpaca", "stooq"])
        yield [by_name[name] for name in order if name in by_name]
