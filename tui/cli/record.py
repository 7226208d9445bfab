"""``rotation-tui record``: the live desk without a screen, taken down for replay."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tui.backend import Wanted
from tui.cli.options import backend, settled, start_log

if TYPE_CHECKING:
    from tui.backend import Recording, RecordingDesk

ENDING = ("SIGINT", "SIGTERM", "SIGHUP")
"""By name: Windows has no SIGHUP. All end a recording in order."""


@click.command(epilog="\b\nExample:\n  rotation-tui record tapes/desk.parquet\n  rotation-tui replay tapes/")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--demo", is_flag=True, hidden=True)
@click.option("--tape", "tapes", multiple=True, type=click.Path(path_type=Path), hidden=True)
@click.option("--speed", type=click.FloatRange(0.1, 3600), default=1.0, hidden=True)
@settled
@click.pass_context
def record(ctx: click.Context, /, *, file: Path, **wanted: Any) -> None:
    """Write what the feeds say to a tape, until Ctrl+C.

    One file a day in New York, named like desk-2026-11-23.parquet. What was said up to a second before a
    kill or a power cut is kept, and a running recording can be replayed.
    """
    start_log(ctx)
    # A demo that nobody asked for must not end up among the tapes.
    desk = backend(ctx).record(Wanted(stays=False, unasked_demo=False, **wanted), file)
    click.echo("recording; Ctrl+C ends it", err=True)
    asyncio.run(_record(desk))
    for line in _summary(desk.recording):
        click.echo(line)


async def _record(desk: RecordingDesk) -> None:
    run = asyncio.ensure_future(desk.run())
    loop = asyncio.get_running_loop()
    # Windows can do neither: there Ctrl+C cancels what runs, which closes the files as well.
    with contextlib.suppress(NotImplementedError, AttributeError):
        for name in ENDING:
            loop.add_signal_handler(getattr(signal, name), run.cancel)
    told = asyncio.ensure_future(_tell(desk))
    try:
        await run
    except asyncio.CancelledError:
        pass  # asked to end
    finally:
        told.cancel()
        await asyncio.gather(told, return_exceptions=True)


async def _tell(desk: RecordingDesk) -> None:
    """How the feeds are doing, a line whenever that changes."""
    before: dict[str, str] = {}
    async for snapshot in desk.listen():
        for feed in snapshot.health.feeds:
            said = f"{feed.name}: {feed.state} {feed.detail}".rstrip()
            if before.get(feed.name) != said:
                before[feed.name] = said
                click.echo(f"{snapshot.as_of:%H:%M:%S} UTC  {said}", err=True)


def _summary(made: Recording) -> list[str]:
    if not made.paths:
        return ["nothing came, nothing was recorded"]
    lines = [f"{made.quotes:,} quotes in {', '.join(map(str, made.paths))}"]
    if made.lost:
        lines.append(f"{made.lost:,} of them left out: their numbers are beyond what a tape holds")
    return lines
