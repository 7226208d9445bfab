"""``rotation-tui history``: importing, downloading and listing daily closes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from rotation.desk import HISTORY_SINCE
from rotation.text import duration
from tui.cli.options import backend, start_log

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from rotation.sync_report import SyncProgress, SyncReport

STEPS = 20
"""Where stderr is no terminal, so many lines of progress at most."""


@click.group(epilog="\b\nExample:\n  rotation-tui history import closes/")
def history() -> None:
    """Imported daily closes: what settled figures rest on."""


@history.command("import", epilog="\b\nExample:\n  rotation-tui history import IWM.csv QQQ.csv")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="Let a series replace a longer one.")
@click.option("--raw", is_flag=True, help="Believe closes that move like a split they are not adjusted for.")
@click.pass_context
def history_import(ctx: click.Context, /, *, paths: tuple[Path, ...], replace: bool, raw: bool) -> None:
    """Import files or folders: a CSV or Parquet file a symbol, named after it.

    Columns: date, and close (split-adjusted) or adj_close (dividend-adjusted too) or both; open, high,
    low and volume may follow. All files are taken, or none.
    """
    start_log(ctx)
    for line in backend(ctx).import_history(paths, replace=replace, raw=raw):
        click.echo(line)


@history.command("list", epilog="\b\nExample:\n  rotation-tui history list")
@click.pass_context
def history_list(ctx: click.Context) -> None:
    """What has been imported."""
    start_log(ctx)
    lines = backend(ctx).list_history()
    for line in lines or ["nothing yet; see: rotation-tui history import --help"]:
        click.echo(line)


@history.command("sync", epilog="\b\nExample:\n  rotation-tui history sync IWM QQQ --since 2000-01-01")
@click.argument("symbols", nargs=-1, metavar="[SYMBOLS]…")
@click.option(
    "--source",
    type=click.Choice(["auto", "alpaca", "yahoo", "stooq"]),
    default="auto",
    show_default=True,
    help="Whom to ask; auto tries one after the other.",
)
@click.option(
    "--universe",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="More symbols: one a line, or a fund's holdings as CSV.",
)
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d"]),
    default=HISTORY_SINCE.isoformat(),
    show_default=HISTORY_SINCE.isoformat(),
    metavar="DATE",
    help="The first day wanted.",
)
@click.pass_context
def sync(
    ctx: click.Context,
    /,
    *,
    symbols: tuple[str, ...],
    source: Literal["auto", "alpaca", "yahoo", "stooq"],
    universe: Path | None,
    since: datetime,
) -> None:
    """Download settled daily closes: all of them once, later only what is missing.

    Without symbols: the desk's and all that are held. It can be stopped at any moment and started again:
    what is done is stored. Exit code 1 if a symbol failed.
    """
    start_log(ctx)
    meter = Meter(live=sys.stderr.isatty())
    report = backend(ctx).sync_history(
        symbols, source=source, universe=universe, since=since.date(), tell=meter.tell
    )
    meter.end()
    for line in summary(report):
        click.echo(line)
    ctx.exit(1 if report.failed else 0)


class Meter:
    """Progress: one line that is written over on a terminal, a line every 5 % elsewhere."""

    def __init__(self, *, live: bool) -> None:
        self._live = live
        self._step = -1
        self._open = False

    def tell(self, progress: SyncProgress) -> None:
        """Show where it stands, and what happened."""
        if progress.said:
            self.end()
            click.echo(progress.said, err=True)
        if self._live:
            click.echo(f"\r\x1b[K{line(progress)[: _width() - 1]}", err=True, nl=False, color=True)
            self._open = True
        elif (step := STEPS * progress.done // max(progress.total, 1)) != self._step:
            self._step = step
            click.echo(line(progress), err=True)

    def end(self) -> None:
        """Leave the line that is written over."""
        if self._open:
            click.echo("\r\x1b[K", err=True, nl=False, color=True)
            self._open = False


def line(progress: SyncProgress) -> str:
    """``120/2,100 symbols, 3 failed, 1.9 a second, 17m left``."""
    parts = [f"{progress.done:,}/{progress.total:,} symbols"]
    if progress.failed:
        parts.append(f"{progress.failed:,} failed")
    if progress.per_s is not None:
        parts.append(f"{progress.per_s:.1f} a second")
    if progress.left_s is not None and progress.done < progress.total:
        parts.append(f"{duration(progress.left_s)} left")
    return ", ".join(parts)


def summary(report: SyncReport) -> list[str]:
    """The result in lines: notes, what failed and why, the counts."""
    counts = (
        (len(report.loaded), "fetched whole"),
        (len(report.extended), "extended"),
        (len(report.current), "up to date"),
        (len(report.failed), "failed"),
    )
    told = ", ".join(f"{count:,} {what}" for count, what in counts if count)
    return [
        *report.notes,
        *_failures(report.failed),
        f"{told or 'nothing to do'}; {report.sessions:,} new sessions",
    ]


def _failures(failed: Sequence[tuple[str, str]]) -> list[str]:
    """A line a reason: the same one for 2,000 symbols is one fact, but every symbol is named."""
    by_reason: dict[str, list[str]] = {}
    for symbol, reason in failed:
        by_reason.setdefault(reason, []).append(symbol)
    return [f"failed  {', '.join(symbols)}: {reason}" for reason, symbols in by_reason.items()]


def _width() -> int:
    import shutil  # noqa: PLC0415

    return shutil.get_terminal_size().columns
