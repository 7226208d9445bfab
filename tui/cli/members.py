"""``rotation-tui members``: which shares a fund held, by its holdings files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rotation.errors import UnavailableError
from tui.cli.options import backend, start_log
from tui.cli.root.group import Listed

if TYPE_CHECKING:
    from datetime import datetime


def fund_name(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    """The fund's ticker in capitals."""
    if not re.fullmatch(r"[A-Za-z0-9]{1,10}", value):
        raise click.BadParameter(f"{value[:20]!r} is not a fund — write one like IWM")
    return value.upper()


@click.group(cls=Listed, epilog="\b\nExample:\n  rotation-tui members import IWM_holdings.csv --fund IWM")
def members() -> None:
    """Members of the indices, on which breadth and contributions rest."""


@members.command(
    "import", epilog="\b\nExample:\n  rotation-tui members import my_list.csv --fund QQQ --date 2026-11-20"
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--fund", required=True, callback=fund_name, help="The fund: IWM or QQQ.")
@click.option(
    "--date",
    "day",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="The day of the file, if it does not name it.",
)
@click.pass_context
def members_import(ctx: click.Context, /, *, file: Path, fund: str, day: datetime | None) -> None:
    """Store a holdings file as iShares and Invesco export it, or a CSV with a column symbol.

    Columns weight, sector and name are used if present. Files are kept by day: each applies from its day on,
    and changes nothing earlier.
    """
    start_log(ctx)
    for line in backend(ctx).import_members(file, fund=fund, day=day.date() if day else None):
        click.echo(line)


@members.command("sync", epilog="\b\nExample:\n  rotation-tui members sync IWM QQQ")
@click.argument("funds", nargs=-1, metavar="[FUND]…")
@click.pass_context
def members_sync(ctx: click.Context, /, *, funds: tuple[str, ...]) -> None:
    """Download today's holdings of IWM (iShares) and QQQ (Invesco) and store them by their day.

    Run it once a day: membership is known only for days with a stored file. A stored file is never
    changed.
    """
    start_log(ctx)
    done, failed = backend(ctx).sync_members(tuple(fund_name(ctx, ctx.command.params[0], f) for f in funds))
    for line in done:
        click.echo(line)
    for line in failed[:-1]:
        click.echo(f"rotation-tui: {line}", err=True)
    if failed:
        raise UnavailableError(failed[-1])


@members.command("list", epilog="\b\nExample:\n  rotation-tui members list")
@click.pass_context
def members_list(ctx: click.Context) -> None:
    """List the stored holdings files."""
    start_log(ctx)
    for line in backend(ctx).list_members() or [
        "no holdings files yet; run: rotation-tui members sync (or members import)"
    ]:
        click.echo(line)
