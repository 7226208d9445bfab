"""``rotation-tui record``: the live desk without a screen, recorded for replay."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rotation.text import counted
from tui.cli.options import backend, settled, start_log, with_lists
from tui.wanted import Wanted

if TYPE_CHECKING:
    from tui.desk import Recording


@click.command(
    epilog="\b\nExample:\n  rotation-tui record tapes/desk.parquet\n  rotation-tui replay tapes/\n"
    "  rotation-tui record hub.parquet --feed nats --nats nats://127.0.0.1:4222"
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--demo", is_flag=True, hidden=True)
@click.option("--tape", "tapes", multiple=True, type=click.Path(path_type=Path), hidden=True)
@click.option("--speed", type=click.FloatRange(0.1, 3600), default=1.0, hidden=True)
@click.option(
    "--from-start",
    is_flag=True,
    help="With --feed nats: begin where the hub's tape on the NATS server begins.",
)
@settled
@click.pass_context
def record(ctx: click.Context, /, *, file: Path, **wanted: Any) -> None:
    """Record the feeds to a tape until Ctrl+C.

    One file per New York day, named like desk-2026-11-23.parquet. A kill or a power cut loses at most the
    last second, and a recording can be replayed while it runs. With --feed nats, the tape that a hub
    writes to its NATS server is recorded.
    """
    import asyncio  # noqa: PLC0415 - half of what --help would take

    from tui.cli.recording import record_until_stopped  # noqa: PLC0415

    if wanted["from_start"] and wanted["feed"] != "nats":
        raise click.UsageError("--from-start is for the tape of a hub; add --feed nats, or leave it out")
    start_log(ctx)
    # The demo must not end up among the tapes unless it was asked for.
    asked = with_lists(ctx, Wanted(stays=False, unasked_demo=False, **wanted))
    desk = backend(ctx).record(asked, file, _report)
    click.echo("recording; press Ctrl+C to stop", err=True)
    asyncio.run(record_until_stopped(desk))
    for line in _summary(desk.recording):
        click.echo(line)


def _report(line: str) -> None:
    click.echo(f"rotation-tui: {line}", err=True)


def _summary(recording: Recording) -> list[str]:
    if not recording.paths:
        return ["no quotes arrived; nothing was recorded"]
    lines = [f"{counted(recording.quotes, 'quote')} in {', '.join(map(str, recording.paths))}"]
    if recording.lost:
        lines.append(f"{counted(recording.lost, 'quote')} skipped: values outside the range of a tape")
    return lines
