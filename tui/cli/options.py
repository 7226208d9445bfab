"""What the commands share: their options, the program behind them, the log."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from tui.backend import Backend


FEEDS = (
    "auto", "yahoo", "alpaca", "alpaca-sip", "alpaca-delayed", "alpaca-test",
    "massive", "massive-delayed", "finnhub",
)  # fmt: skip


def _pair(_ctx: click.Context, _param: click.Parameter, value: str) -> tuple[str, str]:
    base, _, against = value.upper().partition("/")
    if not base or not against or "/" in against or base == against:
        raise click.BadParameter(f"{value!r} is not a pair; write two symbols like IWM/QQQ or RUT/NDX")
    return base, against


def path_option(*names: str, **more: Any) -> Callable[[Any], Any]:
    """An option that is a path."""
    return click.option(*names, type=click.Path(path_type=Path), **more)


def settled(command: Any) -> Any:
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
        path_option(
            "--history",
            metavar="DIR",
            help="Daily closes, a CSV or Parquet file a symbol, instead of what was imported.",
        ),
    ):
        command = option(command)
    return command


SPEED = click.option(
    "--speed",
    type=click.FloatRange(0.1, 3600),
    default=1.0,
    show_default=True,
    help="Tape time over real time.",
)
THEME = click.option("--theme", metavar="NAME", help="Theme to begin with (see: rotation-tui themes).")
TAPES = path_option("--tape", "tape", multiple=True, metavar="PATH…", help="A tape: bars or a recording.")
MORE_TAPES = click.argument("more", nargs=-1, type=click.Path(path_type=Path), metavar="")
DEMO = click.option(
    "--demo",
    is_flag=True,
    help="The built-in scenario of July 2024 instead, marked DEMO.",
)
FROM = click.option(
    "--from", "at", metavar="TIME", help="Where the tape begins: a session, or a time with its zone."
)


def backend(ctx: click.Context) -> Backend:
    """Behind the command line: ``tui.__main__.LocalBackend``."""
    found: Backend = ctx.obj
    return found


def start_log(ctx: click.Context) -> None:
    """Log from here on, as ``--log-level`` said."""
    from tui.cli import logs  # noqa: PLC0415 - after the first paint

    logs.start(ctx.meta["log_level"])
