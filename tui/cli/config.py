"""``rotation-tui config``: the configuration file, vendor keys, and where everything is stored."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from rotation.errors import InputError
from rotation.text import counted
from tui.cli.options import GLYPHS, MOTION, NOT_YET_A_LEG, THEME, settled
from tui.cli.root.group import Listed
from tui.settings.schema import KEYS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tui.backend import Backend

_LINE_MAX = 1024
WIDE = 40
"""Columns for values; a longer one pushes its origin to the right."""


@click.group(cls=Listed, epilog="\b\nExample:\n  rotation-tui config key set alpaca")
def config() -> None:
    """The configuration file, vendor keys, and where everything is stored."""


@config.command(epilog="\b\nExample:\n  rotation-tui config path")
@click.option("--file", "only_file", is_flag=True, help="Only the configuration file.")
@click.pass_obj
def path(backend: Backend, *, only_file: bool) -> None:
    """Show where this program stores its files."""
    from tui.settings.place import place  # noqa: PLC0415

    if only_file:
        click.echo(place())
        return
    click.echo(f"{'config':<9}{place()}")
    for name, where in backend.places().items():
        click.echo(f"{name:<9}{where}")


@config.command(
    epilog="\b\nExamples:\n  rotation-tui config show\n  rotation-tui config show --origin\n"
    "  rotation-tui config show --origin --pair XBI/IBB\n"
    "  ROTATION_TUI_YAHOO_REST_URL=http://127.0.0.1:8080 rotation-tui config show"
)
@click.option(
    "--origin",
    is_flag=True,
    help="Show every setting, its value and where that comes from; with options of a run, as it has them.",
)
@settled
@THEME
@GLYPHS
@MOTION
@click.pass_context
def show(ctx: click.Context, /, *, origin: bool, **options: Any) -> None:
    """Show where each key comes from, and what the environment overrides."""
    from tui.settings import report  # noqa: PLC0415

    backend: Backend = ctx.obj
    given = {
        param.name: (param.opts[0], options[param.name])
        for param in ctx.command.params
        if param.name in options and ctx.get_parameter_source(param.name) is ParameterSource.COMMANDLINE
    }

    if origin:
        from tui.settings.file import Config  # noqa: PLC0415
        from tui.settings.place import load, place  # noqa: PLC0415

        table = report.settings(load() or Config(place()), os.environ, given)
        names, values = (max(len(row[at]) for row in table) for at in (0, 1))
        for name, value, source in table:
            click.echo(f"{name:<{names}}  {value:<{min(values, WIDE)}}  {source}")
    else:
        for line in backend.configured():
            click.echo(line)
    for name in report.unknown_variables(os.environ):
        click.echo(f"{name} is set, but nothing reads it", err=True)


@config.command(
    epilog="\b\nExample:\n  rotation-tui config init && $EDITOR $(rotation-tui config path --file)"
)
@click.option("--force", is_flag=True, help="Replace the file; the old one is kept as config.toml.old.")
def init(*, force: bool) -> None:
    """Write a commented configuration file that sets nothing yet."""
    from tui.settings import report  # noqa: PLC0415
    from tui.settings.place import place  # noqa: PLC0415

    path = place()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if force and path.exists():
            path.replace(path.with_name(f"{path.name}.old"))
        with path.open("x", encoding="utf-8") as file:
            file.write(report.template())
    except FileExistsError as error:
        raise InputError(f"{path} exists; edit it, or replace it with --force") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error
    click.echo(f"wrote {path}")


@config.command(epilog="\b\nExample:\n  rotation-tui config check")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.pass_obj
def check(backend: Backend, *, file: Path | None) -> None:
    """Check the configuration file, or another one; exit with 2 if it has a mistake, and say where."""
    from tui.settings.file import read  # noqa: PLC0415
    from tui.settings.place import load, place  # noqa: PLC0415

    checked = load() if file is None else read(file)
    if checked is None:
        click.echo(f"{place()} does not exist; nothing is configured (rotation-tui config init writes it)")
        return
    checked.check_windows()
    number = len(checked.values) + sum(name.startswith(f"{KEYS}.") for name in checked.lines)
    parts = [counted(number, "setting")]
    alerts, targets = checked.alerts.rules, checked.alerts.targets
    universes = checked.universes
    groups = [each for each in checked.lists if not each.is_watchlist]
    watchlists = [each for each in checked.lists if each.is_watchlist]
    named: tuple[tuple[Sequence[object], str], ...] = (
        (checked.pairs, "pair"),
        (groups, "group"),
        (watchlists, "watch list"),
        (universes, "universe"),
        (alerts, "alert"),
        (targets, "target"),
    )
    for each in universes:
        try:
            backend.check_universe(each)
        except InputError as error:
            raise checked.error(f"universes.{each.name}.holdings", str(error)) from error
    parts += [counted(len(each), word) for each, word in named if each]
    for _, note in checked.alerts.unknown:
        click.echo(f"{note}; {NOT_YET_A_LEG}")
    click.echo(f"{checked.path}: {', '.join(parts)}, no error")


@config.group(cls=Listed, epilog="\b\nExample:\n  rotation-tui config key list")
def key() -> None:
    """Vendor keys: from the environment, else the system keyring, else a file that only you can read."""


@key.command(
    "set",
    epilog="\b\nExamples:\n  rotation-tui config key set alpaca\n"
    "  pass show finnhub | rotation-tui config key set finnhub",
)
@click.argument("name")
@click.option("--file", "in_file", is_flag=True, help="Store it in the file even if there is a keyring.")
@click.argument("never", nargs=-1, metavar="")
@click.pass_obj
def key_set(backend: Backend, *, name: str, in_file: bool, never: tuple[str, ...]) -> None:
    """Store a vendor's key: alpaca, massive, finnhub, tiingo, stooq, databento; or a target's secret.

    The prompt does not show the key. Standard input works too, one line per part: key ID, then secret key.
    """
    if never:
        # What was typed is not repeated: it is on the screen and in the shell's history already.
        raise InputError(
            "keys are not accepted on the command line, where other users of this machine can read them; "
            "run: rotation-tui config key set NAME, and replace the key that you typed"
        )
    keys = backend.keys()
    for line in keys.keep(name, _ask(name, keys.parts(name)), in_file=in_file):
        click.echo(line)


@key.command("clear", epilog="\b\nExample:\n  rotation-tui config key clear alpaca")
@click.argument("name")
@click.pass_obj
def key_clear(backend: Backend, *, name: str) -> None:
    """Delete a vendor's key from the keyring and from the file."""
    for line in backend.keys().forget(name):
        click.echo(line)


@key.command("list", epilog="\b\nExample:\n  rotation-tui config key list")
@click.pass_obj
def key_list(backend: Backend) -> None:
    """Show where each vendor's key comes from, and the last four characters of a long key."""
    for line in backend.keys().lines():
        click.echo(line)


def _ask(name: str, parts: tuple[str, ...]) -> tuple[str, ...]:
    if sys.stdin.isatty():
        return tuple(
            click.prompt(f"{name} {part} (hidden)", hide_input=True, err=True).strip() for part in parts
        )
    lines = tuple(sys.stdin.readline(_LINE_MAX).strip() for _ in parts)
    if not all(lines):
        expected = "1 line" if len(parts) == 1 else f"{len(parts)} lines"
        raise InputError(f"standard input: expected {expected} for {name}: {' and '.join(parts)}")
    return lines
