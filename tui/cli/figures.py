"""``figures``, ``explain``, ``levels``, ``episodes``: what figures mean, rest on, turn at and led to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from rotation.errors import NothingToShowError, UnavailableError
from tui.cli.options import (
    AT,
    DEMO,
    FORM,
    MORE_TAPES,
    PAIR,
    PAIRS,
    TAPES,
    WINDOWS,
    backend,
    for_script,
    nothing_to_show,
    own_figures,
    settled,
    start_log,
)

if TYPE_CHECKING:
    from pathlib import Path

    from rotation.figures.basis import Basis


def _horizons(_ctx: click.Context, _param: click.Parameter, value: str) -> tuple[int, ...]:
    parts = [part.strip() for part in value.split(",")]
    if not all(part.isdecimal() for part in parts):
        raise click.BadParameter(f"expected numbers of sessions such as 5,20,60, got {value!r}")
    return tuple(dict.fromkeys(int(part) for part in parts))


def _basis(ctx: click.Context, **wanted: Any) -> Basis:
    start_log(ctx)
    asked = for_script(**wanted)
    try:
        return backend(ctx).basis(asked)
    except NothingToShowError as error:
        raise UnavailableError(nothing_to_show(asked)) from error


def _moment(command: Any) -> Any:
    """Add the options that say of which moment."""
    for option in (settled, FORM, DEMO, TAPES, AT):
        command = option(command)
    return command


@click.command("figures", epilog="\b\nExample:\n  rotation-tui figures --format json | jq -r '.[].id'")
@PAIR
@PAIRS
@WINDOWS
@FORM
@click.pass_context
def figures(
    ctx: click.Context,
    /,
    *,
    pair: tuple[str, str],
    pairs: tuple[tuple[str, str], ...] | None,
    windows: tuple[int, ...],
    form: str,
) -> None:
    """List every figure by its id, with unit and definition."""
    from tui.output import figures as report  # noqa: PLC0415 - brings polars

    own = report.Own(**own_figures(ctx, windows))
    click.echo(report.listing(pair, pairs or (), form, own), nl=False)


@click.command("explain", epilog="\b\nExample:\n  rotation-tui explain spread.5.since --at 2024-07-16")
@click.argument("name", metavar="ID")
@_moment
@click.pass_context
def explain(ctx: click.Context, /, *, name: str, tape: tuple[Path, ...], form: str, **wanted: Any) -> None:
    """Print what a figure rests on: definition, formula, and inputs with dates and sources."""
    from tui.output import figures as report  # noqa: PLC0415

    own = report.Own(**own_figures(ctx, wanted["windows"]))
    report.check(name, wanted["pair"], wanted["pairs"], own)
    click.echo(report.explained(name, _basis(ctx, tapes=tape, **wanted), form), nl=False)


@click.command("levels", epilog="\b\nExample:\n  rotation-tui levels --at 2024-07-16 --format json")
@_moment
@MORE_TAPES
@click.pass_context
def levels(
    ctx: click.Context, /, *, tape: tuple[Path, ...], more: tuple[Path, ...], form: str, **wanted: Any
) -> None:
    """Print the prices of the base leg at which a statement changes."""
    from tui.output import figures as report  # noqa: PLC0415

    click.echo(report.levels(_basis(ctx, tapes=tape + more, **wanted), form), nl=False)


@click.command("episodes", epilog="\b\nExample:\n  rotation-tui episodes spread.5 --at 2024-07-16")
@click.argument("name", metavar="SERIES")
@click.option(
    "--horizon",
    "horizons",
    default="5,20,60",
    show_default=True,
    callback=_horizons,
    metavar="N,N…",
    help="Horizons, in sessions, over which to look at what followed.",
)
@_moment
@click.pass_context
def episodes(
    ctx: click.Context,
    /,
    *,
    name: str,
    tape: tuple[Path, ...],
    form: str,
    horizons: tuple[int, ...],
    **wanted: Any,
) -> None:
    """Print what followed when a series was as extreme as now: history, not a forecast."""
    from tui.output import figures as report  # noqa: PLC0415

    click.echo(report.episodes(name, _basis(ctx, tapes=tape, **wanted), horizons, form), nl=False)
