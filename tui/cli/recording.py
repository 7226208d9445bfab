"""A desk that is recorded: it runs until a signal stops it, and prints how its feeds are."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from tui.desk import RecordingDesk

STOP_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
"""Signals that stop a recording cleanly; by name, because Windows has no SIGHUP."""


async def record_until_stopped(desk: RecordingDesk) -> None:
    """Drive the desk until it ends or one of STOP_SIGNALS comes; what its feeds say goes to stderr."""
    run = asyncio.ensure_future(desk.run())
    loop = asyncio.get_running_loop()
    # Windows can do neither: there Ctrl+C cancels what runs, which closes the files as well.
    with contextlib.suppress(NotImplementedError, AttributeError):
        for name in STOP_SIGNALS:
            loop.add_signal_handler(getattr(signal, name), run.cancel)
    reporting = asyncio.ensure_future(_report_feeds(desk))
    try:
        await run
    except asyncio.CancelledError:
        pass  # by a signal
    finally:
        reporting.cancel()
        await asyncio.gather(reporting, return_exceptions=True)


async def _report_feeds(desk: RecordingDesk) -> None:
    """Print the state of each feed whenever it changes."""
    before: dict[str, str] = {}
    async for snapshot in desk.listen():
        for feed in snapshot.health.feeds:
            state = f"{feed.name}: {feed.state} {feed.detail}".rstrip()
            if before.get(feed.name) != state:
                before[feed.name] = state
                click.echo(f"{snapshot.as_of:%H:%M:%S} UTC  {state}", err=True)
