"""``rotation-tui alerts``: when a condition on figures would have called."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from rotation.errors import InputError, NothingToShowError, UnavailableError
from tui.cli.options import DEMO, FORM, HISTORY, PAIR, RETURNS, backend, for_script, start_log

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

EXAMPLES = """\b
Examples:
  rotation-tui alerts test 'spread.5.pp > 10' --since 2000-01-01
  rotation-tui alerts test 'iwm.streak.with_today >= 8' --since 2010
  rotation-tui alerts test 'record and not on_pace' --since 2020-01-01
"""


def _day(last: bool) -> Callable[[click.Context, click.Parameter, str | None], date | None]:  # noqa: FBT001
    def read(_ctx: click.Context, _param: click.Parameter, value: str | None) -> date | None:
        if value is None:
            return None
        if re.fullmatch(r"\d{4}", value) and value != "0000":
            return date(int(value), 12, 31) if last else date(int(value), 1, 1)
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise click.BadParameter(f"{value!r} is not a date — write one like 2024-07-16") from None

    return read


@click.group("alerts", epilog=EXAMPLES)
def alerts() -> None:
    """Conditions on figures, and when they call."""


@alerts.command("test", epilog=EXAMPLES)
@click.argument("condition", metavar="CONDITION", required=False)
@click.option(
    "--since", required=True, metavar="DATE", callback=_day(last=False), help="First session, or a year."
)
@click.option("--until", metavar="DATE", callback=_day(last=True), help="Last session, or a year.")
@click.option("--crossings", is_flag=True, help="Only where the condition begins to hold.")
@HISTORY
@DEMO
@PAIR
@RETURNS
@FORM
@click.pass_context
def test(
    ctx: click.Context,
    /,
    *,
    condition: str | None,
    since: date,
    until: date | None,
    crossings: bool,
    history: Path | None,
    demo: bool,
    form: str,
    **wanted: Any,
) -> None:
    """List the sessions on which CONDITION would have called, by settled closes.

    Figures are those of rotation-tui figures; docs/alerts.md has the grammar.
    """
    from tui.output import alerts as report  # noqa: PLC0415 - brings polars

    if condition is None:
        raise InputError(
            "name a condition, such as 'spread.5.pp > 10'; the configuration holds no alerts yet"
        )
    report.check(condition, wanted["pair"])
    if until is not None and until < since:
        raise InputError(f"--until: {until} lies before --since {since}")
    start_log(ctx)
    asked = for_script(history=history, demo=demo, tapes=(), offline=True, **wanted)
    try:
        settled, desk = backend(ctx).settled(asked)
    except NothingToShowError as error:
        raise UnavailableError(
            "no daily closes are stored; run rotation-tui history sync, or name a folder with --history"
        ) from error
    lines, note = report.calls(condition, settled, desk, since, until, form=form, crossings=crossings)
    for line in lines:
        click.echo(line)
    if note:
        click.echo(f"rotation-tui: {note}", err=True)
