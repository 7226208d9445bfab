"""``rotation-tui config``: vendor keys, and where everything is stored."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from rotation.errors import InputError

if TYPE_CHECKING:
    from tui.backend import Backend

_LINE_MAX = 1024


@click.group(epilog="\b\nExample:\n  rotation-tui config key set alpaca")
def config() -> None:
    """Vendor keys, and where everything is stored."""


@config.command(epilog="\b\nExample:\n  rotation-tui config path")
@click.pass_obj
def path(backend: Backend) -> None:
    """Show where this program stores its files."""
    for name, where in backend.places().items():
        click.echo(f"{name:<9}{where}")


@config.command(
    epilog="\b\nExample:\n  ROTATION_TUI_YAHOO_REST_URL=http://127.0.0.1:8080 rotation-tui config show"
)
@click.pass_obj
def show(backend: Backend) -> None:
    """Show where each key comes from, and what the environment overrides."""
    for line in backend.configured():
        click.echo(line)


@config.group(epilog="\b\nExample:\n  rotation-tui config key list")
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
    """Store the key of a feed: alpaca, finnhub or massive.

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
    """Delete the key of a feed from the keyring and from the file."""
    for line in backend.keys().forget(name):
        click.echo(line)


@key.command("list", epilog="\b\nExample:\n  rotation-tui config key list")
@click.pass_obj
def key_list(backend: Backend) -> None:
    """Show where each feed's key comes from, and the last four characters of a long key."""
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
