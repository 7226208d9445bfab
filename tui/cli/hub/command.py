"""``rotation-tui hub``: read the vendors once and publish to NATS, for any number of hosts and desks."""

from __future__ import annotations

from typing import Any

import click

from tui.cli.options import backend, settled, start_log, with_lists
from tui.wanted import Wanted

NOTICE = (
    "market data licences usually forbid redistribution: allow only people covered by your vendor's"
    " licence to connect to this NATS server"
)


@click.command(
    epilog="\b\nExamples:\n  rotation-tui hub --nats nats://127.0.0.1:4222\n"
    "  rotation-tui --feed nats --nats nats://127.0.0.1:4222\n"
    "  rotation-tui watch --feed nats --nats nats://127.0.0.1:4222"
)
@click.option(
    "--replicas",
    type=click.IntRange(1, 5),
    default=1,
    show_default=True,
    help="Servers of a cluster that keep the stream; used when it is created.",
)
@click.option(
    "--tape-days",
    type=click.FloatRange(0, 366),
    default=5.0,
    show_default=True,
    help="Days of the tape that the server keeps for record and replay; 0 writes none. Used when the"
    " stream is created.",
)
@click.option(
    "--tape-mb",
    type=click.IntRange(1, 2**20),
    default=1024,
    show_default=True,
    help="Megabytes that the tape may take on the server. Used when the stream is created.",
)
@settled
@click.pass_context
def hub(ctx: click.Context, /, *, replicas: int, tape_days: float, tape_mb: int, **wanted: Any) -> None:
    """Read the vendors and publish to the NATS server named by --nats, until Ctrl+C.

    Several hubs may use one server: one publishes, and another takes over within 5 s when it ends.
    """
    import asyncio  # noqa: PLC0415 - half of what --help would take

    from tui.cli.hub.running import until_stopped  # noqa: PLC0415

    start_log(ctx)
    asked = with_lists(ctx, Wanted(stays=False, unasked_demo=False, **wanted))
    run = backend(ctx).hub(asked, replicas=replicas, tape_days=tape_days, tape_mb=tape_mb, report=_report)
    click.echo(f"rotation-tui: {NOTICE}", err=True)
    asyncio.run(until_stopped(run))


def _report(line: str) -> None:
    click.echo(f"rotation-tui: {line}", err=True)
