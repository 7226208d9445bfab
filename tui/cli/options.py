"""What the commands share: options, the program behind them, the log."""

from __future__ import annotations

import os
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec
from click.core import ParameterSource

from tui.settings import values
from tui.settings.place import place
from tui.wanted import Wanted

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Set as AbstractSet

    from tui.backend import Backend
    from tui.settings.file import Config
    from tui.settings.reload import ConfigWatch
    from tui.view.applied import Applied


NOTICES = "tui.notices"
"""In click's ``meta``: lines about this run that a command prints itself before anything else."""


CONFIG = "tui.config"
"""In click's ``meta``: the person's ``tui.settings.file.Config``; absent without a file."""


def _checked(parse: Callable[[object], Any]) -> Callable[[click.Context, click.Parameter, object], Any]:
    """The same check as the configuration file's; None where nothing was given."""

    def check(_ctx: click.Context, _param: click.Parameter, value: object) -> Any:
        try:
            return None if value is None else parse(value)
        except ValueError as error:
            raise click.BadParameter(str(error)) from error

    return check


def _finite(_ctx: click.Context, _param: click.Parameter, value: float) -> float:
    """A range check lets NaN through."""
    if not isfinite(value):
        raise click.BadParameter(f"expected a number of seconds, got {value}")
    return value


def path_option(*names: str, **more: Any) -> Callable[[Any], Any]:
    """Return an option whose value is a path."""
    return click.option(*names, type=click.Path(path_type=Path), **more)


RETURNS = click.option(
    "--returns",
    type=click.Choice(values.RETURNS),
    default="price",
    show_default=True,
    envvar="ROTATION_TUI_RETURNS",
    help="price: split-adjusted closes; total: dividends included.",
)
PAIR = click.option(
    "--pair",
    default="IWM/QQQ",
    show_default=True,
    envvar="ROTATION_TUI_PAIR",
    callback=_checked(values.pair),
    metavar="A/B",
    help="The two legs of the spread and the ratio.",
)
PAIRS = click.option(
    "--pairs",
    default="",
    envvar="ROTATION_TUI_PAIRS",
    callback=_checked(values.pairs),
    metavar="A/B,…",
    help="More pairs, each with its own spread, ratio and headline; p goes through them.",
)
LEGS = click.option(
    "--legs",
    default="",
    envvar="ROTATION_TUI_LEGS",
    callback=_checked(values.symbols),
    metavar="A,B,…",
    help="Legs to show beside the pair, instead of the usual ones and those stored.",
)
WINDOWS = click.option(
    "--windows",
    default="",
    envvar="ROTATION_TUI_WINDOWS",
    callback=_checked(values.windows),
    metavar="K,…",
    help="Windows to show, in sessions, such as 1,5,10,20; figures of the usual ones stay.  "
    "[default: 1,5,20,60,252]",
)
HISTORY = path_option(
    "--history",
    metavar="DIR",
    help="Daily closes to use instead of the stored ones: one CSV or Parquet file per symbol.",
)


NATS_OPTIONS = (
    click.option(
        "--nats",
        default="",
        envvar="ROTATION_TUI_NATS",
        metavar="URL",
        help="The NATS server of --feed nats: nats://HOST:4222 or tls://HOST:4222; several with commas.",
    ),
    path_option(
        "--nats-creds", metavar="FILE", envvar="ROTATION_TUI_NATS_CREDS", help="NATS: JWT credentials."
    ),
    path_option(
        "--nats-nkey", metavar="FILE", envvar="ROTATION_TUI_NATS_NKEY", help="NATS: the seed of an NKey."
    ),
    path_option(
        "--nats-ca", metavar="FILE", envvar="ROTATION_TUI_NATS_CA", help="NATS: certificates to trust, PEM."
    ),
    path_option(
        "--nats-cert", metavar="FILE", envvar="ROTATION_TUI_NATS_CERT", help="NATS: a client's certificate."
    ),
    path_option(
        "--nats-key", metavar="FILE", envvar="ROTATION_TUI_NATS_KEY", help="NATS: that certificate's key."
    ),
)


_SETTLED = (
    PAIR,
    PAIRS,
    LEGS,
    click.option(
        "--value-growth",
        default="IWN/IVW",
        show_default=True,
        envvar="ROTATION_TUI_VALUE_GROWTH",
        callback=_checked(values.pair),
        metavar="A/B",
        help="The two legs of value against growth.",
    ),
    click.option(
        "--benchmark",
        envvar="ROTATION_TUI_BENCHMARK",
        callback=_checked(values.symbol),
        metavar="SYMBOL",
        help="What the rotation graph compares with; it becomes a leg.  [default: SPY where it is a leg, "
        "else the pair's other leg]",
    ),
    WINDOWS,
    RETURNS,
    click.option(
        "--feed",
        default="auto",
        show_default=True,
        envvar="ROTATION_TUI_FEED",
        callback=_checked(values.feed),
        metavar="NAME,…",
        help=f"Source of the quotes: {', '.join(values.FEEDS)}. auto: a vendor with a key, else Yahoo. "
        "Several, in order of preference: the first that has its key and answers.",
    ),
    click.option(
        "--offline",
        is_flag=True,
        envvar="ROTATION_TUI_OFFLINE",
        help="Do not use the network.",
    ),
    click.option(
        "--members",
        "ask_members",
        is_flag=True,
        envvar="ROTATION_TUI_MEMBERS",
        help="Price the funds' members, too: breadth for today.",
    ),
    HISTORY,
    click.option(
        "--stale",
        "stale_s",
        type=click.FloatRange(*values.STALE_S),
        default=30.0,
        show_default=True,
        envvar="ROTATION_TUI_STALE",
        metavar="SECONDS",
        callback=_finite,
        help="In the regular session, a live price without a print for so long is STALE.",
    ),
    click.option(
        "--leg-gap",
        "leg_gap_s",
        type=click.FloatRange(0),
        default=60.0,
        show_default=True,
        envvar="ROTATION_TUI_LEG_GAP",
        metavar="SECONDS",
        callback=_finite,
        help="In the regular session, mark figures ≈ if the pair's prices are further apart in time.",
    ),
)


def settled(command: Any) -> Any:
    """Add the options that all commands with figures share; ``--help`` lists those of NATS last of all."""
    for option in reversed(_SETTLED):
        command = option(command)
    for option in NATS_OPTIONS:
        command = option(command)
    # click lists what was added last first.
    params: list[click.Parameter] = command.__click_params__
    nats = [params.pop() for _ in NATS_OPTIONS]
    params[:0] = nats
    return command


SPEED = click.option(
    "--speed",
    type=click.FloatRange(0.1, 3600),
    default=1.0,
    show_default=True,
    help="Speed of the tape: 60 plays an hour in a minute.",
)
THEME = click.option(
    "--theme",
    envvar="ROTATION_TUI_THEME",
    metavar="NAME",
    help="Theme to start with (see: rotation-tui themes).",
)
GLYPHS = click.option(
    "--glyphs",
    type=click.Choice(values.GLYPHS),
    default="auto",
    show_default=True,
    envvar="ROTATION_TUI_GLYPHS",
    help="ascii: no box drawing, no braille, no arrows; auto: by locale and TERM.",
)
MOTION = click.option(
    "--motion",
    type=click.Choice(values.MOTION),
    default="auto",
    show_default=True,
    envvar="ROTATION_TUI_MOTION",
    help="off: nothing moves but values; auto: off where NO_MOTION is set.",
)
TAPES = path_option(
    "--tape", "tape", multiple=True, metavar="PATH…", help="Tape to play: bars or a recording."
)
MORE_TAPES = click.argument("more", nargs=-1, type=click.Path(path_type=Path), metavar="")
DEMO = click.option(
    "--demo",
    is_flag=True,
    help="Use the built-in scenario of July 2024 instead, marked DEMO.",
)
AT = click.option(
    "--at", metavar="TIME|DATE", help="A time with its zone, or a date: after that session's close."
)
FORM = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)
FROM_OPTION = "--from"
FROM = click.option(
    FROM_OPTION,
    "at",
    metavar="TIME",
    help="Where to start the tape: a date, or a time with its zone.",
)


_WHAT_TO_DO = "run rotation-tui history sync, name a --tape, or ask for the built-in demo with --demo"


def nothing_to_show(wanted: Wanted) -> str:
    """Why there is nothing to show, and what to do; sources are blamed only where they were asked."""
    asked = "" if wanted.offline or wanted.at is not None else " and no source of quotes answered"
    return f"no daily closes are stored{asked}; {_WHAT_TO_DO}"


NOT_YET_A_LEG = "until that symbol is a leg or has stored closes, the alert is disabled"


def for_script(**wanted: Any) -> Wanted:
    """Return what a command for scripts shows: the demo only if it was asked for, and then nothing else."""
    if wanted["demo"] and (wanted["tapes"] or wanted["history"]):
        raise click.UsageError("--demo brings its own history and tape; leave out --history and --tape")
    return with_lists(click.get_current_context(), Wanted(unasked_demo=False, **wanted))


def backend(ctx: click.Context) -> Backend:
    """Return the program behind the command line: ``tui.compose.backend.LocalBackend``."""
    program: Backend = ctx.obj
    return program


def start_log(ctx: click.Context) -> None:
    """Log from now on, at the level of ``--log-level``."""
    from tui.cli import logs  # noqa: PLC0415 - after the first paint

    logs.start(ctx.meta["log_level"])


def config_of(ctx: click.Context) -> Config | None:
    """The person's file; None where there is none."""
    config: Config | None = ctx.find_root().meta.get(CONFIG)
    return config


def with_lists(ctx: click.Context, wanted: Wanted) -> Wanted:
    """What was asked for, with the groups, watch lists and options of pairs of the person's file.

    Raises UsageError for a NATS server that this run would not read, and InputError for a window that the
    file chooses and that is not shown.
    """
    is_named = ctx.get_parameter_source("nats") is ParameterSource.COMMANDLINE
    if is_named and wanted.feed != "nats" and ctx.command.name != "hub":
        raise click.UsageError("--nats is read only with --feed nats; add it, or leave --nats out")
    config = config_of(ctx)
    if config is None:
        return wanted
    config.check_windows(_set_by_hand(ctx))
    returns = config.values.get("screen.returns", ())
    return msgspec.structs.replace(
        wanted,
        lists=config.lists,
        pair_options=config.pairs,
        leg_returns=returns,
        universes=config.universes,
    )


def own_figures(ctx: click.Context, windows: tuple[int, ...]) -> dict[str, Any]:
    """What this run has figures of beside those of every desk: windows, universes, legs."""
    config = config_of(ctx)
    if config is None:
        return {"windows": windows}
    legs = config.values.get("desk.legs", "")
    return {
        "windows": (*windows, *config.values.get("screen.returns", ())),
        "universes": tuple(each.fund for each in config.universes),
        "legs": tuple(legs.split(",")) if legs else (),
        "more": tuple(symbol for each in config.lists for symbol in each.symbols),
    }


def _set_by_hand(ctx: click.Context) -> frozenset[str]:
    """The settings that an option of this run or the environment has set."""
    from tui.settings import schema  # noqa: PLC0415 - as in _taken

    by_hand = (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT)
    contexts = [ctx, ctx.find_root()]
    return frozenset(
        setting.name
        for setting in schema.SETTINGS
        if (setting.option and any(each.get_parameter_source(setting.option) in by_hand for each in contexts))
        or (setting.env and not setting.option and os.environ.get(setting.env, "").strip())
    )


def _taken(ctx: click.Context) -> frozenset[str]:
    """The settings that this command takes; those without an option are everybody's."""
    from tui.settings import schema  # noqa: PLC0415 - brings what --help need not wait for

    params = {param.name for param in ctx.command.params} | {"log_level"}
    return frozenset(
        setting.name for setting in schema.SETTINGS if not setting.option or setting.option in params
    )


def watch_of(
    ctx: click.Context, more: AbstractSet[str] = frozenset(), less: AbstractSet[str] = frozenset()
) -> ConfigWatch:
    """What looks at the person's file, whether it exists yet or not.

    ``more``, ``less``: settings that this command takes without an option, and that it has no use for.
    """
    from tui.settings.reload import ConfigWatch  # noqa: PLC0415 - --help need not wait for it

    return ConfigWatch(place(), config_of(ctx), _set_by_hand(ctx), (_taken(ctx) | more) - less)


def reload_of(ctx: click.Context) -> Callable[[], Applied | None]:
    """Look at the person's file, whether it exists yet or not."""
    watch: ConfigWatch | None = None

    def poll() -> Applied | None:
        nonlocal watch
        if watch is None:
            # In a thread, long after the first paint: its modules are imported there.
            watch = watch_of(ctx)
        return watch.poll()

    return poll
