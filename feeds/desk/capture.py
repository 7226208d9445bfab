"""``doctor --capture``: some seconds of what every configured live source really sends, in a new file.

Gzipped where its name ends in .gz; written for its owner alone, without secrets (``capture_records``).
"""

from __future__ import annotations

import asyncio
import gzip
import os
from datetime import timedelta
from typing import TYPE_CHECKING

from feeds.clock import Time, wall_ns
from feeds.desk import choose
from feeds.desk.capture_records import Capture
from feeds.desk.history_sources import open_sources
from feeds.errors import InputError, SourceError
from feeds.fed.sources import FedSources
from feeds.files.durable import flush_folder, write_whole
from feeds.files.names import shown_path
from feeds.history.daily import last_settled
from feeds.http.cached import CachedClient
from feeds.http.tap import tap
from feeds.streaming.feed import StreamFeed
from rotation.desk import HISTORY_SINCE, Desk

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from feeds.history.daily import DailySource
    from feeds.streaming.vendor import Vendor

HISTORY_DAYS = 15


def run(path: Path, seconds: float, *, environ: Mapping[str, str] | None = None) -> list[str]:
    """Capture into a new file; lines for the person. Blocking for ``seconds`` and a little more.

    Raises InputError where the file exists or cannot be written, before anybody is asked.
    """
    environ = os.environ if environ is None else environ
    check(path)
    captured = asyncio.run(captured_for(seconds, environ))
    data = captured.lines(seconds)
    write(path, data)
    return [
        f"{shown_path(path)}: {len(data.splitlines()) - 2:,} frames, answers and notes in {seconds:g} s",
        "Keys, tokens, account numbers, cookies and queries are taken out; read it before you send it.",
    ]


def check(path: Path) -> None:
    """Raise InputError where a new file cannot be made here."""
    if os.path.lexists(path):
        raise InputError(f"{shown_path(path)}: already exists — choose another name")
    trial = path.with_name(f"{path.name}.{os.getpid()}.trial")
    try:
        trial.touch()
        trial.unlink()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "not a file name"
        raise InputError(f"{shown_path(path)}: cannot be written ({why})") from error


def write(path: Path, data: bytes) -> None:
    """Write the file whole, for its owner alone. Raises InputError."""
    if os.path.lexists(path):
        raise InputError(f"{shown_path(path)}: already exists — choose another name")
    try:
        write_whole(path, gzip.compress(data) if path.suffix == ".gz" else data, mode=0o600)
        flush_folder(path.parent)
    except OSError as error:
        raise InputError(f"{shown_path(path)}: cannot be written ({error.strerror or error})") from error


async def captured_for(seconds: float, environ: Mapping[str, str], *, time: Time | None = None) -> Capture:
    """Everything that the configured sources send in these seconds. Raises InputError as they do."""
    time = time or Time()
    capture = Capture(time, environ)
    held = tap.set(capture)
    try:
        symbols = list(Desk().legs)
        async with (
            CachedClient(tries=1, clock_ns=time.clock_ns) as http,
            open_sources("auto", symbols=1, since=HISTORY_SINCE, environ=environ) as daily,
        ):
            vendors = choose.vendors("auto", symbols, http, time, environ)
            fed = FedSources(http, clock_ns=time.clock_ns, environ=environ)
            work = [_listened(vendor, symbols, time) for vendor in vendors]
            work += [_newest(capture, vendor, symbols) for vendor in vendors]
            work += [fed.ask_all(seconds), *(_daily(capture, source) for source in daily)]
            tasks = [asyncio.create_task(each) for each in work]
            try:
                await asyncio.wait(tasks, timeout=seconds)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            for task in tasks:
                if not task.cancelled() and (error := task.exception()) is not None:
                    raise error
    finally:
        tap.reset(held)
    return capture


async def _listened(vendor: Vendor, symbols: list[str], time: Time) -> None:
    async for _ in StreamFeed(vendor, symbols, time=time).events():
        pass


async def _newest(capture: Capture, vendor: Vendor, symbols: list[str]) -> None:
    try:
        await vendor.snapshot(frozenset(symbols))
    except SourceError as error:
        capture.note(vendor.name, str(error))


async def _daily(capture: Capture, source: DailySource) -> None:
    through = last_settled(wall_ns())
    try:
        await source.daily(["IWM"], through - timedelta(days=HISTORY_DAYS), through)
    except SourceError as error:
        capture.note(source.name, str(error))
