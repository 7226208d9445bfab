"""``rotation-tui snapshot``: every figure as of one instant; ``watch``: those of each change."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from rotation.errors import NothingToShowError, UnavailableError
from tui.cli.options import (
    AT,
    DEMO,
    FROM,
    FROM_OPTION,
    MORE_TAPES,
    SPEED,
    TAPES,
    backend,
    for_script,
    nothing_to_show,
    settled,
    start_log,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tui.wanted import Wanted


@click.command(epilog="\b\nExample:\n  rotation-tui snapshot --at 2024-07-16 --format json")
@AT
@TAPES
@MORE_TAPES
@DEMO
@click.option(
    "--story",
    is_flag=True,
    help="Add levels and what followed earlier readings like these to the JSON, of every pair.",
)
@click.option(
    "--lines",
    is_flag=True,
    help="Add every spread over the years, with the ten widest and what followed, and a year of each leg.",
)
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "svg"]), default="text", show_default=True
)
@settled
@click.pass_context
def snapshot(
    ctx: click.Context, /, *, tape: tuple[Path, ...], more: tuple[Path, ...], form: str, **wanted: Any
) -> None:
    """Print every figure as of one instant."""
    print_snapshot(ctx, for_script(tapes=tape + more, **wanted), form)


@click.command(
    epilog="\b\nExample:\n  rotation-tui watch --for 60 | jq -c '[.as_of, .spread.windows[\"5\"].pp]'"
)
@TAPES
@MORE_TAPES
@DEMO
@SPEED
@FROM
@click.option("--for", "seconds", type=click.FloatRange(0), metavar="SECONDS", help="Stop after this long.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["json", "text"]),
    default="json",
    show_default=True,
    help="text: a plain sentence for each change, for screen readers.",
)
@settled
@click.pass_context
def watch(
    ctx: click.Context,
    /,
    *,
    tape: tuple[Path, ...],
    more: tuple[Path, ...],
    seconds: float | None,
    form: str,
    **wanted: Any,
) -> None:
    """Stream one JSON line per change, for scripts; or one sentence, for screen readers."""
    import asyncio  # noqa: PLC0415 - half of what --help would take

    from tui.cli.watch import watch as stream  # noqa: PLC0415 - brings asyncio and the encoder

    asked = for_script(tapes=tape + more, stays=False, at_option=FROM_OPTION, **wanted)
    start_log(ctx)
    try:
        asyncio.run(stream(backend(ctx).open(asked), seconds, sys.stdout, form))
    except NothingToShowError as error:
        raise UnavailableError(nothing_to_show(asked)) from error


def print_snapshot(ctx: click.Context, wanted: Wanted, form: str) -> None:
    """Print every figure as text, JSON or SVG. Raises UnavailableError where there is nothing to show."""
    start_log(ctx)
    try:
        taken = backend(ctx).snapshot(wanted)
    except NothingToShowError as error:
        raise UnavailableError(nothing_to_show(wanted)) from error
    if form == "json":
        from tui.output.snapshot_json import encode  # noqa: PLC0415

        click.echo(encode(taken))
    elif form == "svg":
        from tui.screen.picture import svg  # noqa: PLC0415 - brings Textual

        click.echo(svg(taken))
    else:
        from tui.output.text import text  # noqa: PLC0415

        click.echo(text(taken), nl=False)
