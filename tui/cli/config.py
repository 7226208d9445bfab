"""``rotation-tui config``: keys of the vendors, and where everything is kept."""

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
    """Keys of the vendors, and where everything is kept."""


@config.command(epilog="\b\nExample:\n  rotation-tui config path")
@click.pass_obj
def path(backend: Backend) -> None:
    """The folders and files of this program."""
    for name, where in backend.places().items():
        click.echo(f"{name:<9}{where}")


@config.command(
    epilog="\b\nExample:\n  ROTATION_TUI_YAHOO_REST_URL=http://127.0.0.1:8080 rotation-tui config show"
)
@click.pass_obj
def show(backend: Backend) -> None:
    """What is configured: keys by their source, and what the environment overrides."""
    for line in backend.configured():
        click.echo(line)


@config.group(epilog="\b\nExample:\n  rotation-tui config key list")
def key() -> None:
    """Keys of the vendors: from the environment, else the system's keyring, else a file only you can read."""


@key.command(
    "set",
    epilog="\b\nExamples:\n  rotation-tui config key set alpaca\n"
    "  pass show finnhub | rotation-tui config key set finnhub",
)
@click.argument("name")
@click.option("--file", "in_file", is_flag=True, help="Keep it in the file though there is a keyring.")
@click.argument("never", nargs=-1, metavar="")
@click.pass_obj
def key_set(backend: Backend, *, name: str, in_file: bool, never: tuple[str, ...]) -> None:
    """Keep the key of a feed: alpaca, finnhub or massive.

    It is asked for without showing it, or read from standard input, a line a part (key ID, then secret key).
    """
    if never:
        # What was typed is not repeated: it is on the screen and in the shell's history already.
        raise InputError(
            "a key is never taken from the command line, where every user of this machine can read it"
            " — run: rotation-tui config key set NAME, and replace the key that you typed"
        )
    keys = backend.keys()
    for line in keys.keep(name, _ask(name, keys.parts(name)), in_file=in_file):
        click.echo(line)


@key.command("clear", epilog="\b\nExample:\n  rotation-tui config key clear alpaca")
@click.argument("name")
@click.pass_obj
def key_clear(backend: Backend, *, name: str) -> None:
    """Forget the key of a feed, in the keyring and in the file."""
    for line in backend.keys().forget(name):
        click.echo(line)


@key.command("list", epilog="\b\nExample:\n  rotation-tui config key list")
@click.pass_obj
def key_list(backend: Backend) -> None:
    """Where the key of each feed comes from; of a long key its last four characters."""
    for line in backend.keys().lines():
        click.echo(line)


def _ask(name: str, parts: tuple[str, ...]) -> tuple[str, ...]:
    if sys.stdin.isatty():
        return tuple(
            click.prompt(f"{name} {part} (hidden)", hide_input=True, err=True).strip() for part in parts
        )
    lines = tuple(sys.stdin.readline(_LINE_MAX).strip() for _ in parts)
    if not all(lines):
        wanted = " and ".join(parts)
        raise InputError(
            f"standard input: {name} needs its {wanted}, a line each — pipe {len(parts)} line(s)"
        )
    return lines
