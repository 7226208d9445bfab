"""``rotation-tui history``: import, download and list daily closes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from rotation.desk import HISTORY_SINCE
from rotation.text import counted, duration
from tui.cli.options import backend, config_of, start_log
from tui.cli.root.group import Listed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from rotation.sync_report import SyncProgress, SyncReport

STEPS = 20
"""Lines of progress, at most, where stderr is not a terminal."""


@click.group(cls=Listed, epilog="\b\nExample:\n  rotation-tui history import closes/")
def history() -> None:
    """Daily closes, on which all settled figures rest."""


@history.command("import", epilog="\b\nExample:\n  rotation-tui history import IWM.csv QQQ.csv")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="Allow a series to replace a longer one.")
@click.option("--raw", is_flag=True, help="Accept closes that move like an unadjusted split.")
@click.pass_context
def history_import(ctx: click.Context, /, *, paths: tuple[Path, ...], replace: bool, raw: bool) -> None:
    """Import files or folders: one CSV or Parquet file per symbol, named after it.

    Columns: date, and close (split-adjusted) or adj_close (dividend-adjusted too) or both; open, high,
    low and volume may follow. Either all files are imported or none.
    """
    start_log(ctx)
    for line in backend(ctx).import_history(paths, replace=replace, raw=raw):
        click.echo(line)


@history.command("list", epilog="\b\nExample:\n  rotation-tui history list")
@click.pass_context
def history_list(ctx: click.Context) -> None:
    """List the stored series."""
    start_log(ctx)
    lines = backend(ctx).list_history()
    for line in lines or [
        "no history yet; run: rotation-tui history sync, or see: rotation-tui history import --help"
    ]:
        click.echo(line)


@history.command("remove", epilog="\b\nExample:\n  rotation-tui history remove XBI IBB")
@click.argument("symbols", nargs=-1, required=True, metavar="SYMBOLS…")
@click.pass_context
def history_remove(ctx: click.Context, /, *, symbols: tuple[str, ...]) -> None:
    """Remove stored series, all of them or none."""
    start_log(ctx)
    for line in backend(ctx).remove_history(symbols):
        click.echo(line)


@history.command("sync", epilog="\b\nExample:\n  rotation-tui history sync IWM QQQ --since 2000-01-01")
@click.argument("symbols", nargs=-1, metavar="[SYMBOLS]…")
@click.option(
    "--source",
    type=click.Choice(["auto", "alpaca", "yahoo", "tiingo", "stooq"]),
    default="auto",
    show_default=True,
    help="Where to download from; auto tries one source after the other.",
)
@click.option(
    "--universe",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="More symbols: one per line, or a fund's holdings as CSV; a universe of config.toml; or a fund "
    "whose members are stored.",
)
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d"]),
    default=HISTORY_SINCE.isoformat(),
    show_default=HISTORY_SINCE.isoformat(),
    metavar="DATE",
    help="First day to download.",
)
@click.pass_context
def sync(
    ctx: click.Context,
    /,
    *,
    symbols: tuple[str, ...],
    source: Literal["auto", "alpaca", "yahoo", "tiingo", "stooq"],
    universe: Path | None,
    since: datetime,
) -> None:
    """Download settled daily closes: all of them once, later only what is missing.

    Without SYMBOLS: those of the desk and all that are stored. It can be stopped at any time and
    continues where it stopped. Exits with 1 if a symbol failed.
    """
    start_log(ctx)
    config = config_of(ctx)
    if universe is not None and config is not None and not universe.exists():
        named = {each.name: Path(each.holdings) for each in config.universes}
        universe = named.get(str(universe), universe)
    meter = Meter(live=sys.stderr.isatty())
    report = backend(ctx).sync_history(
        symbols, source=source, universe=universe, since=since.date(), tell=meter.tell
    )
    meter.end()
    for line in summary(report):
        click.echo(line)
    ctx.exit(1 if report.failed else 0)


class Meter:
    """Shows progress: one line that is rewritten on a terminal, a line every 5 % elsewhere."""

    def __init__(self, *, live: bool) -> None:
        self._live = live
        self._step = -1
        self._open = False

    def tell(self, progress: SyncProgress) -> None:
        """Show where it stands, and what happened."""
        if progress.message:
            self.end()
            click.echo(progress.message, err=True)
        if self._live:
            click.echo(f"\r\x1b[K{line(progress)[: _width() - 1]}", err=True, nl=False, color=True)
            self._open = True
        elif (step := STEPS * progress.done // max(progress.total, 1)) != self._step:
            self._step = step
            click.echo(line(progress), err=True)

    def end(self) -> None:
        """Clear the line that is rewritten."""
        if self._open:
            click.echo("\r\x1b[K", err=True, nl=False, color=True)
            self._open = False


def line(progress: SyncProgress) -> str:
    """Return the progress as ``120/2,100 symbols, 3 failed, 1.9 per second, 17m left``."""
    parts = [f"{progress.done:,}/{counted(progress.total, 'symbol')}"]
    if progress.failed:
        parts.append(f"{progress.failed:,} failed")
    if progress.per_s is not None:
        parts.append(f"{progress.per_s:.1f} per second")
    if progress.left_s is not None and progress.done < progress.total:
        parts.append(f"{duration(progress.left_s)} left")
    return ", ".join(parts)


def summary(report: SyncReport) -> list[str]:
    """Return the result as lines: notes, what failed and why, the counts."""
    counts = (
        (len(report.loaded), "downloaded in full"),
        (len(report.extended), "extended"),
        (len(report.current), "up to date"),
        (len(report.failed), "failed"),
    )
    counts_text = ", ".join(f"{count:,} {what}" for count, what in counts if count)
    return [
        *report.notes,
        *_failures(report.failed),
        f"{counts_text or 'nothing to do'}; {counted(report.sessions, 'new session')}",
    ]


def _failures(failed: Sequence[tuple[str, str]]) -> list[str]:
    """Return one line per reason that names every symbol: one cause for 2,000 symbols is one fact."""
    by_reason: dict[str, list[str]] = {}
    for symbol, reason in failed:
        by_reason.setdefault(reason, []).append(symbol)
    return [f"failed  {', '.join(symbols)}: {reason}" for reason, symbols in by_reason.items()]


def _width() -> int:
    import shutil  # noqa: PLC0415

    return shutil.get_terminal_size().columns
