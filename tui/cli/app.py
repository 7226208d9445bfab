"""The command line. Every error says what failed, where, and what to do; bad input exits with 2."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec
from click.core import ParameterSource

from rotation import __version__
from rotation.errors import InputError, UnavailableError
from tui.cli.options import (
    CONFIG,
    FROM,
    FROM_OPTION,
    GLYPHS,
    MOTION,
    NOTICES,
    PAIRS,
    SPEED,
    THEME,
    WINDOWS,
    backend,
    reload_of,
    settled,
    start_log,
    with_lists,
)
from tui.cli.root import closed_streams
from tui.cli.root.group import Commands
from tui.loading import loading
from tui.output import plain_text
from tui.settings.values import LEVELS, shows_demo
from tui.wanted import Wanted

if TYPE_CHECKING:
    from datetime import datetime

    from tui.backend import Backend
    from tui.settings.file import Config
    from tui.view.applied import Applied

NO_TERMINAL = "rotation-tui: {} is not a terminal; printed one snapshot (see: rotation-tui snapshot --help)"
DUMB = "dumb"
"""The TERM of a terminal that knows no escape sequences, such as an editor's shell."""
DUMB_TERMINAL = (
    "rotation-tui: TERM=dumb has no screen to draw on; printed one snapshot"
    " (rotation-tui watch --format text goes on)"
)

EXAMPLES = """\b
Examples:
  rotation-tui                          live, else stored closes, else demo
  rotation-tui demo --speed 60          the rotation of July 2024, generated
  rotation-tui history import closes/   one CSV or Parquet file per symbol
  rotation-tui replay IWM_5m.csv QQQ_5m.csv --speed 60
  rotation-tui snapshot --format json | jq .headline
"""


@click.group(
    cls=Commands,
    invoke_without_command=True,
    epilog=EXAMPLES,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@settled
@click.option(
    "--no-demo",
    "unasked_demo",
    flag_value=False,
    default=True,
    type=bool,
    envvar="ROTATION_TUI_NO_DEMO",
    help="Show an empty desk instead of the demo if there is no history and no source answers.",
)
@THEME
@GLYPHS
@MOTION
@click.option(
    "--log-level",
    type=click.Choice(LEVELS),
    default="info",
    show_default=True,
    envvar="ROTATION_TUI_LOG_LEVEL",
    help="How much goes into the log file; nothing is ever logged to the screen.",
)
@click.version_option(__version__, prog_name="rotation-tui")
@click.pass_context
def cli(
    ctx: click.Context, /, *, log_level: str, theme: str | None, glyphs: str, motion: str, **wanted: Any
) -> None:
    """Watch money rotate from the Nasdaq 100 into the Russell 2000, and see how rare that is."""
    ctx.meta["log_level"] = log_level
    _count_closures(ctx.meta.get(CONFIG))
    if ctx.invoked_subcommand == "host":
        # It prints them itself: its stderr may be JSON lines.
        ctx.meta[NOTICES] = backend(ctx).notices()
        _reject_misplaced_options(ctx)
        return
    for notice in backend(ctx).notices():
        click.echo(f"rotation-tui: {notice}", err=True)
    if ctx.invoked_subcommand is not None:
        _reject_misplaced_options(ctx)
        return
    _screen(ctx, Wanted(**wanted), theme, glyphs, motion)


def _reject_misplaced_options(ctx: click.Context) -> None:
    """Reject options before a command: they would be the screen's, and silently ignored."""
    for param in ctx.command.params:
        given = param.name and ctx.get_parameter_source(param.name) is ParameterSource.COMMANDLINE
        if given and param.name != "log_level":
            corrected = f"rotation-tui {ctx.invoked_subcommand} {param.opts[0]} …"
            raise click.UsageError(f"{param.opts[0]} belongs after the command: {corrected}")


@cli.command(epilog="\b\nExample:\n  rotation-tui demo --speed 60 --from 2024-07-16")
@SPEED
@FROM
@PAIRS
@WINDOWS
@THEME
@GLYPHS
@MOTION
@click.pass_context
def demo(ctx: click.Context, /, *, theme: str | None, glyphs: str, motion: str, **wanted: Any) -> None:
    """The built-in scenario: the rotation of July 2024, generated from a seed, marked DEMO."""
    _screen(ctx, Wanted(demo=True, at_option=FROM_OPTION, **wanted), theme, glyphs, motion)


@cli.command(
    epilog="\b\nExamples:\n  rotation-tui replay IWM_5m_2024-07-16.csv QQQ_5m_2024-07-16.csv --speed 60\n"
    "  rotation-tui replay --feed nats --nats nats://127.0.0.1:4222"
)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--day",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="With --feed nats: which day of the tape on the NATS server.  [default: the newest]",
)
@SPEED
@FROM
@settled
@THEME
@GLYPHS
@MOTION
@click.pass_context
def replay(
    ctx: click.Context,
    /,
    *,
    paths: tuple[Path, ...],
    day: datetime | None,
    theme: str | None,
    glyphs: str,
    motion: str,
    **wanted: Any,
) -> None:
    """Play a tape: a recorded Parquet file, or CSV bars (start, open, high, low, close, volume).

    With --feed nats and no file, the tape that a hub has written to its NATS server.
    """
    is_hub = wanted["feed"] == "nats" and not paths
    if not paths and not is_hub:
        raise click.UsageError("missing PATHS: name a tape, or add --feed nats to play that of a hub")
    if day is not None and not is_hub:
        raise click.UsageError("--day is for the tape of a hub; add --feed nats and name no file")
    asked = Wanted(tapes=paths, at_option=FROM_OPTION, hub_tape=is_hub, **wanted)
    if day is not None:
        asked = msgspec.structs.replace(asked, hub_day=day.date())
    _screen(ctx, asked, theme, glyphs, motion)


@cli.command(epilog="\b\nExample:\n  rotation-tui --theme paper")
def themes() -> None:
    """List the themes."""
    from tui.view import theme  # noqa: PLC0415 - brings rich

    for name in theme.names():
        try:
            title = theme.load(name).title
        except InputError as error:
            title = f"cannot be used: {error}"
        click.echo(f"{name:<14}{title}")


def _screen(ctx: click.Context, wanted: Wanted, theme: str | None, glyphs: str, motion: str) -> None:
    """Run the app, and raise what ended it once the terminal is restored."""
    with loading():
        from tui.view.theme import DEFAULT, load, names  # noqa: PLC0415 - brings rich

    load(theme or DEFAULT)  # an unknown name is reported before the screen opens
    if not shows_demo(wanted.feed):
        wanted = msgspec.structs.replace(wanted, unasked_demo=False)
    # Textual reads keys from stdin and draws on stderr.
    needed = (sys.stdout, sys.stdin, sys.stderr)
    no_terminal = next((f.name.strip("<>") for f in needed if not f.isatty()), None)
    is_dumb = os.environ.get("TERM") == DUMB
    if no_terminal or is_dumb:
        # Whoever reads it is no viewer: a demo here has been asked for.
        from tui.cli.root.snapshot import print_snapshot  # noqa: PLC0415 - the screen does without it

        print_snapshot(ctx, msgspec.structs.replace(wanted, unasked_demo=False), "text")
        click.echo(NO_TERMINAL.format(no_terminal) if no_terminal else DUMB_TERMINAL, err=True)
        return
    with loading():
        from tui.screen import terminal  # noqa: PLC0415
        from tui.screen.app import RotationApp  # noqa: PLC0415 - brings Textual
        from tui.settings.panels import panels_of  # noqa: PLC0415
        from tui.view.ascii import is_ascii  # noqa: PLC0415
        from tui.view.still import moves  # noqa: PLC0415
        from tui.view.view_state import (  # noqa: PLC0415
            ViewState,
            pair_names,
            watchlists,
            with_panels,
            with_windows,
        )

    view = ViewState(
        theme=theme or DEFAULT,
        themes=names(),
        pairs=pair_names(wanted.pair, wanted.pairs),
        motion=moves(motion, os.environ),
        ascii=is_ascii(glyphs, os.environ, sys.stderr.encoding),
    )
    config: Config | None = ctx.find_root().meta.get(CONFIG)
    if config is not None:
        view = msgspec.structs.replace(view, keys=config.keys)
        wanted = with_lists(ctx, msgspec.structs.replace(wanted, alerts=config.alerts))
        view = msgspec.structs.replace(view, lists=watchlists(config.lists), pair_options=config.pairs)
        view = msgspec.structs.replace(view, window=config.values.get("screen.window", view.window))
        view = with_panels(view, panels_of(config.values))
    view = with_windows(view, wanted.windows, wanted.leg_returns)

    def open_desk() -> Any:
        start_log(ctx)
        return backend(ctx).open(wanted)

    folder = config.values.get("export.folder", "") if config else ""

    poll = reload_of(ctx)

    def reload() -> Applied | None:
        nonlocal folder
        applied = poll()
        if applied is not None and applied.folder is not None:
            folder = applied.folder
        return applied

    def export(name: str, data: bytes) -> Path:
        return backend(ctx).export(folder, name, data)

    ctx.exit(terminal.run(RotationApp(open_desk, view, reload=reload, export=export)))


NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What a full disk behind ``>`` answers."""
CLOSURES = "ROTATION_TUI_CLOSURES"
"""Days on which the exchange is closed though the ``holidays`` package does not know it yet."""


def _count_closures(config: Config | None) -> None:
    """Count the days that the environment, else the file, calls closures. Raises InputError."""
    named = os.environ.get(CLOSURES, "")
    days = config.values.get("market.closures", ()) if config else ()
    if not named and not days:
        return  # the calendar need not be imported before the first paint
    from datetime import date  # noqa: PLC0415

    from rotation.sessions import add_closures  # noqa: PLC0415

    if not named:
        add_closures(days)
    for text in named.replace(",", " ").split():
        try:
            add_closures([date.fromisoformat(text)])
        except ValueError:
            raise InputError(f"{CLOSURES}: {text!r} is not a date — write days like 2025-01-09") from None


def run(backend: Backend) -> int:
    """Run the program and return its exit code: 0, 1 for a failure, 2 for bad input, 130 for Ctrl+C."""
    closed_streams.hold()
    plain_text.adapt(sys.stdout, sys.stderr)
    try:
        code = cli.main(standalone_mode=False, obj=backend, prog_name="rotation-tui")
    except click.ClickException as error:
        error.show()
        return 2
    except (click.Abort, KeyboardInterrupt):
        return 130
    except Exception as error:  # noqa: BLE001 - the last line of defence, reported in one line
        return _report(error)
    return int(code or 0)


def _report(error: Exception) -> int:
    """Print the error in one line and return the exit code; the traceback goes to the log."""
    import logging  # noqa: PLC0415 - --help need not wait for it

    from tui.cli import logs  # noqa: PLC0415

    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, InputError):
        click.echo(f"rotation-tui: {error}", err=True)
        return 2
    if isinstance(error, UnavailableError):
        click.echo(f"rotation-tui: {error}", err=True)
        return 1
    is_closed = closed_streams.is_closed_output(error)
    if isinstance(error, OSError) and (is_closed or error.errno in NO_ROOM):
        # Python would complain once more when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        what = error.filename or "the output"
        why = "standard output is closed" if is_closed else os.strerror(error.errno or 0)
        click.echo(f"rotation-tui: {what} cannot be written: {why}", err=True)
        return 1
    if not logging.getLogger().handlers:
        logs.start("error")
    logging.getLogger(__name__).error("internal error", exc_info=error)
    where = " ".join(f"{type(error).__name__}: {error}".split())
    details = f" (details in {logs.log_file()})" if logs.log_file().exists() else ""
    click.echo(f"rotation-tui: internal error: {logs.redact(where)}{details}", err=True)
    return 1
