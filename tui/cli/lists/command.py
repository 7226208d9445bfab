"""``rotation-tui lists``: groups and watch lists of the configuration, and how to get more of them."""

from __future__ import annotations

from pathlib import Path

import click

from rotation.errors import InputError
from rotation.text import counted
from tui.cli.options import config_of
from tui.cli.root.group import Listed
from tui.settings.place import load, place

EXAMPLES = """\b
Examples:
  rotation-tui lists show
  rotation-tui lists import watch.txt --name mine
  rotation-tui lists import ~/.ticker.yaml
"""


@click.group(cls=Listed, epilog=EXAMPLES)
def lists() -> None:
    """Groups of legs, and watch lists: w on the screen goes through these."""


@lists.command(epilog="\b\nExample:\n  rotation-tui lists show")
@click.pass_context
def show(ctx: click.Context) -> None:
    """Print the groups and watch lists of the configuration, a line each."""
    config = config_of(ctx)
    for each in config.lists if config else ():
        kind = "watch list" if each.is_watchlist else "group"
        click.echo(f"{each.name:<20} {kind:<11} {' '.join(each.symbols)}")
    if config is None or not config.lists:
        click.echo("rotation-tui: no groups or watch lists; see rotation-tui lists import --help", err=True)


@lists.command("import", epilog="\b\nExample:\n  rotation-tui lists import positions.csv --name broker")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--name", metavar="NAME", help="What to call the watch list; else the name of the file.")
def import_(*, path: Path, name: str | None) -> None:
    """Add the symbols of FILE to the configuration as a watch list.

    FILE is plain text (symbols separated by blanks, commas or line ends; # begins a comment), a CSV with a
    column symbol or ticker, or the YAML file of the program ticker, of which only watchlist: is read.
    """
    from tui.settings.added import add_watchlist  # noqa: PLC0415
    from tui.settings.imported import symbols_of  # noqa: PLC0415

    named = (name or path.stem.lstrip(".")).strip()
    symbols = symbols_of(path)
    config = load()
    if config is not None and any(each.name == named for each in config.lists):
        raise InputError(f"{named!r} is there already; choose another --name, or edit {place()}")
    add_watchlist(place(), named, symbols)
    click.echo(f"added the watch list {named!r} with {counted(len(symbols), 'symbol')} to {place()}")
    click.echo("a running desk picks it up within a few seconds; w shows it")
