"""The command line. Every error says what failed, where, and what to do; bad input exits with 2."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from rotation import __version__
from rotation.errors import InputError, UnavailableError
from tui.backend import Wanted
from tui.cli.options import FROM, MORE_TAPES, SPEED, TAPES, THEME, backend, settled, start_log

if TYPE_CHECKING:
    from tui.backend import Backend

log = logging.getLogger(__name__)


ELSEWHERE = {
    "config": "tui.cli.config",
    "doctor": "tui.cli.doctor",
    "fed": "tui.cli.fed",
    "history": "tui.cli.history",
    "host": "tui.ssh.command",
    "record": "tui.cli.record",
}
"""Command → its module."""


class _Group(click.Group):
    """Ends quietly when whoever read us has gone; click alone would make a failure of it."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # Python would complain once more when it flushes stdout at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return None

    def list_commands(self, ctx: click.Context) -> list[str]:
        """By name."""
        return sorted([*super().list_commands(ctx), *ELSEWHERE])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command of another module is made when it is asked for: the screen does not pay for it."""
        if cmd_name in ELSEWHERE:
            command: click.Command = getattr(import_module(ELSEWHERE[cmd_name]), cmd_name)
            return command
        return super().get_command(ctx, cmd_name)


NO_TERMINAL = "rotation-tui: {} is not a terminal, so this is one snapshot; see: rotation-tui snapshot --help"

EXAMPLES = """\b
Examples:
  rotation-tui                          live, or what is stored, or the demo
  rotation-tui demo --speed 60          the rotation of July 2024, generated
  rotation-tui history import closes/   a CSV or Parquet file a symbol
  rotation-tui replay IWM_5m.csv QQQ_5m.csv --speed 60
  rotation-tui snapshot --format json | jq .headline
"""


@click.group(
    cls=_Group,
    invoke_without_command=True,
    epilog=EXAMPLES,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="rotation-tui")
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    show_default=True,
    help="What goes into the log file; nothing is ever logged onto the screen.",
)
@settled
@click.option(
    "--no-demo",
    "unasked_demo",
    flag_value=False,
    default=True,
    type=bool,
    help="An empty desk rather than the demo where nothing is here and nothing within reach.",
)
@THEME
@click.pass_context
def cli(ctx: click.Context, /, *, log_level: str, theme: str | None, **wanted: Any) -> None:
    """Watch money rotate from the Nasdaq 100 into the Russell 2000, with how rare that is."""
    ctx.meta["log_level"] = log_level
    if ctx.invoked_subcommand is not None:
        _nothing_lost(ctx)
        return
    _screen(ctx, Wanted(**wanted), theme)


def _nothing_lost(ctx: click.Context) -> None:
    """Options before a command would be the screen's: say so instead of leaving them out."""
    for param in ctx.command.params:
        given = param.name and ctx.get_parameter_source(param.name) is ParameterSource.COMMANDLINE
        if given and param.name != "log_level":
            told = f"rotation-tui {ctx.invoked_subcommand} {param.opts[0]} …"
            raise click.UsageError(f"{param.opts[0]} stands after the command: {told}")


@cli.command(epilog="\b\nExample:\n  rotation-tui demo --speed 60 --from 2024-07-16")
@SPEED
@FROM
@THEME
@click.pass_context
def demo(ctx: click.Context, /, *, theme: str | None, **wanted: Any) -> None:
    """The built-in scenario: the rotation of July 2024, generated from a seed, marked DEMO."""
    _screen(ctx, Wanted(demo=True, **wanted), theme)


@cli.command(
    epilog="\b\nExample:\n  rotation-tui replay IWM_5m_2024-07-16.csv QQQ_5m_2024-07-16.csv --speed 60"
)
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@SPEED
@FROM
@settled
@THEME
@click.pass_context
def replay(ctx: click.Context, /, *, paths: tuple[Path, ...], theme: str | None, **wanted: Any) -> None:
    """Play a tape: a recorded Parquet file, or CSV bars (start, open, high, low, close, volume)."""
    _screen(ctx, Wanted(tapes=paths, **wanted), theme)


@cli.command(epilog="\b\nExample:\n  rotation-tui snapshot --at 2024-07-16 --format json")
@settled
@TAPES
@MORE_TAPES
@click.option("--at", metavar="TIME|DATE", help="A time with its zone, or a session: after its close.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "svg"]), default="text", show_default=True
)
@click.pass_context
def snapshot(
    ctx: click.Context, /, *, tape: tuple[Path, ...], more: tuple[Path, ...], form: str, **wanted: Any
) -> None:
    """Print what is known at one instant."""
    _print_snapshot(ctx, Wanted(tapes=tape + more, **wanted), form)


@cli.command(
    epilog="\b\nExample:\n  rotation-tui watch --for 60 | jq -c '[.as_of, .spread.windows[\"5\"].pp]'"
)
@settled
@TAPES
@MORE_TAPES
@SPEED
@FROM
@click.option("--for", "seconds", type=click.FloatRange(0), metavar="SECONDS", help="Stop after this long.")
@click.pass_context
def watch(
    ctx: click.Context,
    /,
    *,
    tape: tuple[Path, ...],
    more: tuple[Path, ...],
    seconds: float | None,
    **wanted: Any,
) -> None:
    """Stream one JSON line per change, for scripts."""
    from tui.cli.watch import watch as stream  # noqa: PLC0415 - brings asyncio and the encoder

    start_log(ctx)
    desk = backend(ctx).open(Wanted(tapes=tape + more, stays=False, **wanted))
    asyncio.run(stream(desk, seconds, sys.stdout))


@cli.command(epilog="\b\nExample:\n  rotation-tui --theme paper")
def themes() -> None:
    """The themes that can be chosen."""
    from tui.view import theme  # noqa: PLC0415 - brings rich

    for name in theme.names():
        click.echo(f"{name:<14}{theme.load(name).title}")


def _screen(ctx: click.Context, wanted: Wanted, theme: str | None) -> None:
    """Run the app; what ended it is raised here, with the terminal restored."""
    from tui.view.theme import DEFAULT, load, names  # noqa: PLC0415 - brings rich

    load(theme or DEFAULT)  # a wrong name is told before the screen opens
    # Textual reads keys from stdin and draws on stderr.
    needed = (sys.stdout, sys.stdin, sys.stderr)
    no_terminal = next((f.name.strip("<>") for f in needed if not f.isatty()), None)
    if no_terminal:
        _print_snapshot(ctx, wanted, "text")
        click.echo(NO_TERMINAL.format(no_terminal), err=True)
        return
    from tui.screen import terminal  # noqa: PLC0415
    from tui.screen.app import RotationApp  # noqa: PLC0415 - brings Textual
    from tui.view.view_state import ViewState  # noqa: PLC0415

    def open_desk() -> Any:
        start_log(ctx)
        return backend(ctx).open(wanted)

    ctx.exit(terminal.run(RotationApp(open_desk, ViewState(theme=theme or DEFAULT, themes=names()))))


def _print_snapshot(ctx: click.Context, wanted: Wanted, form: str) -> None:
    start_log(ctx)
    taken = backend(ctx).snapshot(wanted)
    if form == "json":
        import msgspec  # noqa: PLC0415

        click.echo(msgspec.json.encode(taken))
    elif form == "svg":
        from tui.screen.picture import svg  # noqa: PLC0415 - brings Textual

        click.echo(svg(taken))
    else:
        from tui.output.text import text  # noqa: PLC0415

        click.echo(text(taken), nl=False)


CLOSURES = "ROTATION_TUI_CLOSURES"
"""Days on which the exchange is closed though the ``holidays`` package does not know it yet."""


def _closures() -> None:
    """Count the days of CLOSURES as closures. Raises InputError on what is no date."""
    from datetime import date  # noqa: PLC0415

    from rotation.sessions import add_closures  # noqa: PLC0415

    for text in os.environ.get(CLOSURES, "").replace(",", " ").split():
        try:
            add_closures([date.fromisoformat(text)])
        except ValueError:
            raise InputError(f"{CLOSURES}: {text!r} is not a date — write days like 2025-01-09") from None


def run(backend: Backend) -> int:
    """Run the program and return its exit code: 0, 1 for a failure of ours, 2 for bad input."""
    try:
        if os.environ.get(CLOSURES):
            _closures()
        code = cli.main(standalone_mode=False, obj=backend, prog_name="rotation-tui")
    except click.ClickException as error:
        error.show()
        return 2
    except (click.Abort, KeyboardInterrupt):
        return 130
    except Exception as error:  # noqa: BLE001 - the last line of defence tells it in one line
        return _tell(error)
    return int(code or 0)


def _tell(error: Exception) -> int:
    """One readable line; the traceback goes to the log."""
    from tui.cli import logs  # noqa: PLC0415

    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, InputError):
        click.echo(f"rotation-tui: {error}", err=True)
        return 2
    if isinstance(error, UnavailableError):
        click.echo(f"rotation-tui: {error}", err=True)
        return 1
    if not logging.getLogger().handlers:
        logs.start("error")
    log.error("the program failed", exc_info=error)
    where = " ".join(f"{type(error).__name__}: {error}".split())
    details = f" (details in {logs.log_file()})" if logs.log_file().exists() else ""
    click.echo(f"rotation-tui: stopped by an error of its own: {logs.redact(where)}{details}", err=True)
    return 1
