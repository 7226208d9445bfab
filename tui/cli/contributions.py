"""``rotation-tui contributions``: which members and sectors make a fund's move."""

from __future__ import annotations

import click
import msgspec

from tui.backend import Wanted
from tui.cli.members import fund_name
from tui.cli.options import backend, config_of, start_log


@click.command(epilog="\b\nExample:\n  rotation-tui contributions IWM --at 2024-07-16 --format json")
@click.argument("fund", callback=fund_name)
@click.option(
    "--at", metavar="TIME|DATE", help="A time with its zone, or a date: after that session's close."
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def contributions(ctx: click.Context, /, *, fund: str, at: str | None, form: str) -> None:
    """Print which members and sectors make the move of FUND and of the spread, by settled closes."""
    start_log(ctx)
    config = config_of(ctx)
    wanted = Wanted(
        at=at, offline=True, unasked_demo=False, universes=config.universes if config is not None else ()
    )
    report = backend(ctx).contributions(fund, wanted)
    if form == "json":
        click.echo(msgspec.json.encode(report).decode())
    else:
        from tui.output.contributions import text  # noqa: PLC0415 - brings rich
        from tui.view.draw import clean  # noqa: PLC0415

        click.echo("\n".join(clean(line).rstrip() for line in text(report)))
