"""``fed``: the rate-cut table of a strip or of the market now, and its history; ``macro``: the causes."""

from __future__ import annotations

import sys
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from rotation.errors import NothingToShowError
from tui.cli.options import AT, HISTORY, LEGS, PAIR, backend, start_log, with_lists
from tui.cli.options import FORM as FORMAT
from tui.cli.root.group import Listed
from tui.wanted import Wanted

if TYPE_CHECKING:
    from datetime import datetime

EXAMPLES = """\b
Examples:
  rotation-tui fed
  rotation-tui fed --view local --format csv
  rotation-tui fed --strip strip.json --format json
  rotation-tui fed history --since 2026-11-01 --format parquet > cuts.parquet
"""


NO_FILE = "?"
"""``--strip`` alone."""
FORM = """--strip needs a JSON file such as this one (docs/strip.json):
{
  "watch_date": "2024-07-16",
  "target_range_bp": [525, 550],
  "fomc_dates": ["2024-07-31", "2024-09-18"],
  "prices": {"2024-07": 94.67, "2024-08": 94.69, "2024-09": 94.79, "2024-10": 94.94}
}"""

OFFLINE = (
    "--offline (or ROTATION_TUI_OFFLINE=1): fed asks its sources; name prices of your own with --strip FILE,"
    " or see what is stored with: rotation-tui snapshot --offline"
)


def _seconds(_ctx: click.Context, _param: click.Parameter, value: float) -> float:
    """A range check lets NaN through."""
    if isnan(value):
        raise click.BadParameter("expected a number of seconds, got nan")
    return value


@click.group("fed", cls=Listed, invoke_without_command=True, epilog=EXAMPLES)
@click.option(
    "--strip",
    type=click.Path(path_type=Path),
    is_flag=False,
    flag_value=NO_FILE,
    metavar="FILE",
    help="JSON file with watch_date, target_range_bp, fomc_dates and prices, used instead of live prices.",
)
@click.option(
    "--view",
    type=click.Choice(["conditional", "aggregated", "local"]),
    default="conditional",
    show_default=True,
    help="Meetings combined (CME's table), by total move, or each meeting alone.",
)
@click.option("--legacy", is_flag=True, help="Use CME's day count from before August 2024.")
@click.option(
    "--offline", is_flag=True, envvar="ROTATION_TUI_OFFLINE", help="Ask no source: it needs --strip FILE."
)
@click.option(
    "--format", "form", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True
)
@click.option(
    "--age-gap",
    "age_gap_s",
    type=click.FloatRange(0),
    default=300.0,
    show_default=True,
    envvar="ROTATION_TUI_FED_AGE_GAP",
    metavar="SECONDS",
    callback=_seconds,
    help="Largest age difference between the prices behind one meeting; beyond it no odds are shown.",
)
@click.pass_context
def fed(
    ctx: click.Context,
    /,
    *,
    strip: Path | None,
    view: Literal["conditional", "aggregated", "local"],
    legacy: bool,
    offline: bool,
    form: str,
    age_gap_s: float,
) -> None:
    """Probabilities of rate cuts, holds and hikes from 30-Day Fed Funds futures (ZQ)."""
    if ctx.invoked_subcommand is not None:
        return
    from tui.output import fed_report  # noqa: PLC0415

    if strip is not None and str(strip) == NO_FILE and not strip.exists():
        raise click.UsageError(FORM)
    if strip is not None:
        click.echo(fed_report.of_file(strip, view, form, legacy=legacy), nl=False)
        return
    if offline:
        raise click.UsageError(OFFLINE)
    start_log(ctx)
    inputs, now_ns = backend(ctx).fed_inputs(age_gap_s=age_gap_s)
    click.echo(fed_report.of_now(inputs, now_ns, view, form, legacy=legacy), nl=False)


@fed.command("history", epilog="\b\nExample:\n  rotation-tui fed history --since 2026-11-01")
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="First day to export (New York date).",
)
@click.option(
    "--format", "form", type=click.Choice(["csv", "json", "parquet"]), default="csv", show_default=True
)
@click.pass_context
def history(
    ctx: click.Context, /, *, since: datetime | None, form: Literal["csv", "json", "parquet"]
) -> None:
    """Export every logged probability: minute by minute while running, and one per settlement."""
    if form == "parquet" and sys.stdout.isatty():
        raise click.UsageError(
            "Parquet is binary; redirect it to a file: fed history --format parquet > cuts.parquet"
        )
    start_log(ctx)
    sys.stdout.buffer.write(backend(ctx).fed_history(since.date() if since else None, form))
    sys.stdout.flush()


@fed.command("calibration", epilog="\b\nExample:\n  rotation-tui fed calibration --format json")
@AT
@FORMAT
@click.pass_context
def calibration(ctx: click.Context, /, *, at: str | None, form: str) -> None:
    """How good the odds were: P(cut) 1, 7 and 30 days before past decisions, and its Brier scores.

    By the log of that time; where it has nothing, by the settlements stored (fed import). No source is asked.
    """
    from tui.output import fed_report  # noqa: PLC0415

    start_log(ctx)
    click.echo(fed_report.of_decisions(backend(ctx).fed_calibration(at), form), nl=False)


IMPORT_EXAMPLES = """\b
Examples:
  rotation-tui fed import ZQU24.csv ZQV24.csv
  rotation-tui fed import settlements/
  rotation-tui snapshot --at 2024-07-16T10:40-04:00 --format json
"""


@fed.command("import", epilog=IMPORT_EXAMPLES)
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH...")
@click.pass_context
def import_settlements(ctx: click.Context, /, *, paths: tuple[Path, ...]) -> None:
    """Store daily settlements of ZQ contracts, so that --at shows the Fed as it was priced then.

    CSV or Parquet: a date, a contract (ZQU24, SEP 24) and a settlement in each row; or one column per
    contract; or one file per contract. If a vendor's file has no settlements, its closes are used.
    """
    start_log(ctx)
    for line in backend(ctx).fed_import(paths):
        click.echo(line)


MACRO_EXAMPLES = """\b
Examples:
  rotation-tui macro
  rotation-tui macro --at 2024-07-16 --format json
  rotation-tui macro import DGS10.csv CPIAUCSL.csv
"""


@click.group("macro", cls=Listed, invoke_without_command=True, epilog=MACRO_EXAMPLES)
@AT
@click.option(
    "--offline", is_flag=True, envvar="ROTATION_TUI_OFFLINE", help="Ask no source; show what is kept."
)
@HISTORY
@PAIR
@LEGS
@FORMAT
@click.pass_context
def macro(
    ctx: click.Context,
    /,
    *,
    at: str | None,
    offline: bool,
    history: Path | None,
    pair: tuple[str, str],
    legs: tuple[str, ...],
    form: str,
) -> None:
    """Treasury yields, inflation, jobs, what is published next, and the banks, now or as of an instant.

    Of a past instant only what had been published by then is shown, from what is kept: no source is asked.
    """
    if ctx.invoked_subcommand is not None:
        return
    from tui.output import macro_report  # noqa: PLC0415

    start_log(ctx)
    known, instant = backend(ctx).macro(at, offline=offline, pair=pair)
    wanted = Wanted(history=history, pair=pair, legs=legs, at=at, offline=True, unasked_demo=False)
    try:
        closes = backend(ctx).snapshot(with_lists(ctx, wanted))
    except NothingToShowError:
        closes = None
    click.echo(macro_report.report(known, instant, closes, form), nl=False)


@macro.command("import", epilog="\b\nExample:\n  rotation-tui macro import DGS2.csv DGS10.csv CPIAUCSL.csv")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH...")
@click.pass_context
def import_macro(ctx: click.Context, /, *, paths: tuple[Path, ...]) -> None:
    """Keep FRED's CSV files (observation_date and a column a series): --at has the figures of then."""
    start_log(ctx)
    for line in backend(ctx).import_macro(paths):
        click.echo(line)


@macro.command("releases", epilog="\b\nExample:\n  rotation-tui macro releases tapes/ --format json")
@click.argument("tapes", nargs=-1, type=click.Path(path_type=Path), metavar="[TAPE]...")
@PAIR
@AT
@FORMAT
@click.pass_context
def releases(
    ctx: click.Context, /, *, tapes: tuple[Path, ...], pair: tuple[str, str], at: str | None, form: str
) -> None:
    """Minute paths around CPI, jobs and FOMC times: the spread, and P(cut) by the log.

    Prices are those of the tapes (recordings, prints or bars), else minute bars that are kept: a running
    desk and rotation-tui macro download them, this command asks nobody. The newest day of each kind stands
    beside the earlier ones.
    """
    from tui.output import macro_report  # noqa: PLC0415

    start_log(ctx)
    click.echo(macro_report.of_releases(backend(ctx).release_days(tapes, pair, at), form), nl=False)
