"""The command line. Every error says what failed, where, and what to do; bad input exits with 2."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from rotation import __version__
from rotation.errors import InputError, UnavailableError
from tui.cli_config import config
from tui.cli_doctor import doctor
from tui.cli_fed import fed
from tui.cli_history import sync
from tui.cli_record import record
from tui.desk import Wanted

if TYPE_CHECKING:
    from collections.abc import Callable

    from tui.desk import Backend

log = logging.getLogger(__name__)


def _pair(_ctx: click.Context, _param: click.Parameter, value: str) -> tuple[str, str]:
    base, _, against = value.upper().partition("/")
    if not base or not against or "/" in against or base == against:
        raise click.BadParameter(f"{value!r} is not a pair; write two symbols like IWM/QQQ or RUT/NDX")
    return base, against


def _path_option(*names: str, **more: Any) -> Callable[[Any], Any]:
    return click.option(*names, type=click.Path(path_type=Path), **more)


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
        return sorted([*super().list_commands(ctx), "host"])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """``host`` is made when it is asked for: nobody else pays for it."""
        if cmd_name == "host":
            from tui.ssh.command import host  # noqa: PLC0415

            return host
        return super().get_command(ctx, cmd_name)


def _settled(command: Any) -> Any:
    """The options of everything that shows figures."""
    for option in (
        click.option(
            "--returns",
            type=click.Choice(["price", "total"]),
            default="price",
            show_default=True,
            help="price: split-adjusted closes; total: dividends too.",
        ),
        click.option(
            "--pair",
            default="IWM/QQQ",
            show_default=True,
            callback=_pair,
            metavar="A/B",
            help="The two legs of the spread and the ratio.",
        ),
        click.option(
            "--offline",
            is_flag=True,
            envvar="ROTATION_TUI_OFFLINE",
            help="Ask no source on the network.",
        ),
        click.option(
            "--feed",
            default="auto",
            show_default=True,
            envvar="ROTATION_TUI_FEED",
            type=click.Choice(FEEDS),
            metavar="NAME",
            help=f"Who brings the quotes: {', '.join(FEEDS)}. auto: whose key is there, else Yahoo.",
        ),
        _path_option(
            "--history",
            metavar="DIR",
            help="Daily closes, a CSV or Parquet file a symbol, instead of what was imported.",
        ),
    ):
        command = option(command)
    return command


FEEDS = (
    "auto", "yahoo", "alpaca", "alpaca-sip", "alpaca-delayed", "alpaca-test",
    "massive", "massive-delayed", "finnhub",
)  # fmt: skip
SPEED = click.option(
    "--speed",
    type=click.FloatRange(0.1, 3600),
    default=1.0,
    show_default=True,
    help="Tape time over real time.",
)
THEME = click.option("--theme", metavar="NAME", help="Theme to begin with (see: rotation-tui themes).")
TAPES = _path_option("--tape", "tape", multiple=True, metavar="PATH…", help="A tape: bars or a recording.")
MORE_TAPES = click.argument("more", nargs=-1, type=click.Path(path_type=Path), metavar="")
FROM = click.option(
    "--from", "at", metavar="TIME", help="Where the tape begins: a session, or a time with its zone."
)

NO_TERMINAL = "rotation-tui: {} is not a terminal, so this is one snapshot; see: rotation-tui snapshot --help"

EXAMPLES = """\b
Examples:
  rotation-tui                          imported history, else the demo
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
@_settled
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
@_settled
@THEME
@click.pass_context
def replay(ctx: click.Context, /, *, paths: tuple[Path, ...], theme: str | None, **wanted: Any) -> None:
    """Play a tape: a recorded Parquet file, or CSV bars (start, open, high, low, close, volume)."""
    _screen(ctx, Wanted(tapes=paths, **wanted), theme)


@cli.command(epilog="\b\nExample:\n  rotation-tui snapshot --at 2024-07-16 --format json")
@_settled
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
@_settled
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
    from tui.watch import watch as stream  # noqa: PLC0415 - brings asyncio and the encoder

    _start_log(ctx)
    desk = _backend(ctx).open(Wanted(tapes=tape + more, stays=False, **wanted))
    asyncio.run(stream(desk, seconds, sys.stdout))


@cli.group(epilog="\b\nExample:\n  rotation-tui history import closes/")
def history() -> None:
    """Imported daily closes: what settled figures rest on."""


@history.command("import", epilog="\b\nExample:\n  rotation-tui history import IWM.csv QQQ.csv")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="Let a series replace a longer one.")
@click.pass_context
def history_import(ctx: click.Context, /, *, paths: tuple[Path, ...], replace: bool) -> None:
    """Import files or folders: a CSV or Parquet file a symbol, named after it.

    Columns: date, and close (split-adjusted) or adj_close (dividend-adjusted too) or both; open, high,
    low and volume may follow. All files are taken, or none.
    """
    _start_log(ctx)
    for line in _backend(ctx).import_history(paths, replace=replace):
        click.echo(line)


@history.command("list", epilog="\b\nExample:\n  rotation-tui history list")
@click.pass_context
def history_list(ctx: click.Context) -> None:
    """What has been imported."""
    _start_log(ctx)
    lines = _backend(ctx).list_history()
    for line in lines or ["nothing yet; see: rotation-tui history import --help"]:
        click.echo(line)


@cli.command(epilog="\b\nExample:\n  rotation-tui --theme paper")
def themes() -> None:
    """The themes that can be chosen."""
    from tui import theme  # noqa: PLC0415 - brings rich

    for name in theme.names():
        click.echo(f"{name:<14}{theme.load(name).title}")


cli.add_command(config)
cli.add_command(doctor)
cli.add_command(_settled(record))
history.add_command(sync)
cli.add_command(fed)


def _backend(ctx: click.Context) -> Backend:
    backend: Backend = ctx.obj
    return backend


def _start_log(ctx: click.Context) -> None:
    from tui import logs  # noqa: PLC0415 - after the first paint

    logs.start(ctx.meta["log_level"])


def _screen(ctx: click.Context, wanted: Wanted, theme: str | None) -> None:
    """Run the app; what ended it is raised here, with the terminal restored."""
    from tui.theme import DEFAULT, load, names  # noqa: PLC0415 - brings rich

    load(theme or DEFAULT)  # a wrong name is told before the screen opens
    # Textual reads keys from stdin and draws on stderr.
    needed = (sys.stdout, sys.stdin, sys.stderr)
    no_terminal = next((f.name.strip("<>") for f in needed if not f.isatty()), None)
    if no_terminal:
        _print_snapshot(ctx, wanted, "text")
        click.echo(NO_TERMINAL.format(no_terminal), err=True)
        return
    from tui import terminal  # noqa: PLC0415
    from tui.app import RotationApp  # noqa: PLC0415 - brings Textual
    from tui.view_state import ViewState  # noqa: PLC0415

    def open_desk() -> Any:
        _start_log(ctx)
        return _backend(ctx).open(wanted)

    ctx.exit(terminal.run(RotationApp(open_desk, ViewState(theme=theme or DEFAULT, themes=names()))))


def _print_snapshot(ctx: click.Context, wanted: Wanted, form: str) -> None:
    _start_log(ctx)
    taken = _backend(ctx).snapshot(wanted)
    if form == "json":
        import msgspec  # noqa: PLC0415

        click.echo(msgspec.json.encode(taken))
    elif form == "svg":
        from tui.picture import svg  # noqa: PLC0415 - brings Textual

        click.echo(svg(taken))
    else:
        from tui.report import text  # noqa: PLC0415

        click.echo(text(taken), nl=False)


def run(backend: Backend) -> int:
    """Run the program and return its exit code: 0, 1 for a failure of ours, 2 for bad input."""
    try:
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
    from tui import logs  # noqa: PLC0415

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
    click.echo(f"rotation-tui: stopped by an error of its own: {logs.veil(where)}{details}", err=True)
    return 1
