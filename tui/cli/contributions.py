"""``rotation-tui contributions``: which members and sectors make a fund's move."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import msgspec

from tui.cli.members import fund_name
from tui.cli.options import TAPES, backend, config_of, start_log
from tui.wanted import Wanted

if TYPE_CHECKING:
    from pathlib import Path


@click.command(
    epilog="\b\nExamples:\n  rotation-tui contributions IWM --at 2024-07-16 --format json\n"
    "  rotation-tui contributions IWM --members"
)
@click.argument("fund", callback=fund_name)
@click.option(
    "--at", metavar="TIME|DATE", help="A time with its zone, or a date: after that session's close."
)
@TAPES
@click.option(
    "--members",
    "ask_members",
    is_flag=True,
    help="Ask once for the members' prices now: the session so far, provisional.",
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def contributions(
    ctx: click.Context, /, *, fund: str, at: str | None, tape: tuple[Path, ...], ask_members: bool, form: str
) -> None:
    """Print which members and sectors make the move of FUND and of the spread.

    By settled closes, without network; with --members or a tape, by the prices of the session so far.
    """
    if ask_members and (at is not None or tape):
        raise click.UsageError("--members asks for prices of now: leave out --at and --tape")
    start_log(ctx)
    config = config_of(ctx)
    wanted = Wanted(
        at=at,
        tapes=tape,
        offline=not ask_members,
        ask_members=ask_members,
        unasked_demo=False,
        universes=config.universes if config is not None else (),
    )
    report = backend(ctx).contributions(fund, wanted)
    if form == "json":
        click.echo(msgspec.json.encode(report).decode())
    else:
        from tui.output.contributions import text  # noqa: PLC0415 - brings rich
        from tui.view.draw import clean  # noqa: PLC0415

        click.echo("\n".join(clean(line).rstrip() for line in text(report)))
