"""What the commands share: options, the program behind them, the log."""

from __future__ import annotations

import re
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rotation.desk import SYMBOL
from tui.backend import Wanted

if TYPE_CHECKING:
    from collections.abc import Callable

    from tui.backend import Backend


FEEDS = (
    "auto", "yahoo", "alpaca", "alpaca-sip", "alpaca-delayed", "alpaca-test",
    "massive", "massive-delayed", "finnhub",
)  # fmt: skip

_SHOWN = 40


NOTICES = "tui.notices"
"""In click's ``meta``: lines about this run that a command prints itself before anything else."""


def _pair(_ctx: click.Context, _param: click.Parameter, value: str) -> tuple[str, str]:
    base, _, against = value.upper().partition("/")
    if not base or not against or "/" in against or base == against:
        raise click.BadParameter(f"expected two different symbols, such as IWM/QQQ or RUT/NDX, got {value!r}")
    for symbol, typed in zip((base, against), value.split("/"), strict=True):
        if not typed.isascii() or not re.fullmatch(SYMBOL, symbol):
            shown = typed if len(typed) <= _SHOWN else typed[: _SHOWN - 1] + "…"
            raise click.BadParameter(f"{shown!r} is not a valid symbol (1 to 15 of A-Z 0-9 . ^ = -)")
    return base, against


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
    type=click.Choice(["price", "total"]),
    default="price",
    show_default=True,
    help="price: split-adjusted closes; total: dividends included.",
)
PAIR = click.option(
    "--pair",
    default="IWM/QQQ",
    show_default=True,
    callback=_pair,
    metavar="A/B",
    help="The two legs of the spread and the ratio.",
)
HISTORY = path_option(
    "--history",
    metavar="DIR",
    help="Daily closes to use instead of the stored ones: one CSV or Parquet file per symbol.",
)


def settled(command: Any) -> Any:
    """Add the options that all commands with figures share."""
    for option in (
        RETURNS,
        click.option(
            "--leg-gap",
            "leg_gap_s",
            type=click.FloatRange(0),
            default=60.0,
            show_default=True,
            envvar="ROTATION_TUI_LEG_GAP",
            metavar="SECONDS",
            callback=_finite,
            help="Prices of the pair further apart in time are marked ≈ in the regular session.",
        ),
        PAIR,
        click.option(
            "--offline",
            is_flag=True,
            envvar="ROTATION_TUI_OFFLINE",
            help="Do not use the network.",
        ),
        click.option(
            "--feed",
            default="auto",
            show_default=True,
            envvar="ROTATION_TUI_FEED",
            type=click.Choice(FEEDS),
            metavar="NAME",
            help=f"Source of the quotes: {', '.join(FEEDS)}. auto: a vendor with a key, else Yahoo.",
        ),
        HISTORY,
    ):
        command = option(command)
    return command


SPEED = click.option(
    "--speed",
    type=click.FloatRange(0.1, 3600),
    default=1.0,
    show_default=True,
    help="Speed of the tape: 60 plays an hour in a minute.",
)
THEME = click.option("--theme", metavar="NAME", help="Theme to start with (see: rotation-tui themes).")
TAPES = path_option(
    "--tape", "tape", multiple=True, metavar="PATH…", help="Tape to play: bars or a recording."
)
MORE_TAPES = click.argument("more", nargs=-1, type=click.Path(path_type=Path), metavar="")
DEMO = click.option(
    "--demo",
    is_flag=True,
    help="The built-in scenario of July 2024 instead, marked DEMO.",
)
AT = click.option(
    "--at", metavar="TIME|DATE", help="A time with its zone, or a date: after that session's close."
)
FORM = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)
FROM = click.option(
    "--from",
    "at",
    metavar="TIME",
    help="Where to start the tape: a date, or a time with its zone.",
)


NOTHING = (
    "no daily closes are stored and no source of quotes answered;"
    " run rotation-tui history sync, name a --tape, or ask for the built-in demo with --demo"
)


def for_script(**wanted: Any) -> Wanted:
    """Return what a command for scripts shows: the demo only if it was asked for, and then nothing else."""
    if wanted["demo"] and (wanted["tapes"] or wanted["history"]):
        raise click.UsageError("--demo brings its own history and tape; leave out --history and --tape")
    return Wanted(unasked_demo=False, **wanted)


def backend(ctx: click.Context) -> Backend:
    """Return the program behind the command line: ``tui.__main__.LocalBackend``."""
    program: Backend = ctx.obj
    return program


def start_log(ctx: click.Context) -> None:
    """Log from now on, at the level of ``--log-level``."""
    from tui.cli import logs  # noqa: PLC0415 - after the first paint

    logs.start(ctx.meta["log_level"])
