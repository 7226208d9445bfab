"""``rotation-tui alerts``: set, list, test and watch alerts on figures."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any

import click
import msgspec

from rotation.errors import InputError, NothingToShowError, UnavailableError
from tui.cli.options import (
    DEMO,
    FORM,
    HISTORY,
    NOT_YET_A_LEG,
    PAIR,
    PAIRS,
    RETURNS,
    TAPES,
    WINDOWS,
    backend,
    config_of,
    for_script,
    reload_of,
    settled,
    start_log,
)
from tui.cli.root.group import Listed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rotation.alerts.rule import Rule
    from tui.wanted import Wanted

EXAMPLES = """\b
Examples:
  rotation-tui alerts add 'spread.5.pp > 10' --name wide --to desktop
  rotation-tui alerts list
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


def _rules(ctx: click.Context) -> tuple[Rule, ...]:
    config = config_of(ctx)
    return config.alerts.rules if config else ()


@click.group("alerts", cls=Listed, epilog=EXAMPLES)
def alerts() -> None:
    """Set, list, test and watch alerts on figures."""


@alerts.command("list", epilog="\b\nExample:\n  rotation-tui alerts list --format json")
@FORM
@click.pass_context
def list_(ctx: click.Context, /, *, form: str) -> None:
    """List the configured alerts, and how often each has fired."""
    from tui.output import alert_lists  # noqa: PLC0415 - as all that prints

    states, _ = backend(ctx).remembered_alerts()
    lines = alert_lists.listing(_rules(ctx), states, form)
    for line in lines:
        click.echo(line)
    if not lines:
        click.echo("rotation-tui: no alerts are set; rotation-tui alerts add --help", err=True)


@alerts.command("history", epilog="\b\nExample:\n  rotation-tui alerts history --last 20")
@click.option("--last", type=click.IntRange(1), default=50, show_default=True, help="Show at most so many.")
@FORM
@click.pass_context
def history(ctx: click.Context, /, *, last: int, form: str) -> None:
    """List the alerts that fired, newest last."""
    from tui.output import alert_lists  # noqa: PLC0415

    _, calls = backend(ctx).remembered_alerts()
    for line in alert_lists.history(calls[-last:], form):
        click.echo(line)
    if not calls:
        click.echo("rotation-tui: no alert has fired yet", err=True)


@alerts.command(
    "add", epilog="\b\nExample:\n  rotation-tui alerts add 'spread.5.pp > 10' --name wide --to bell"
)
@click.argument("condition", metavar="CONDITION")
@click.option("--name", metavar="NAME", help="Name of the alert; default: the condition itself.")
@click.option(
    "--repeat",
    type=click.Choice(["session", "crossing", "once"]),
    help="Fire once a session, at each crossing, or only once.",
)
@click.option(
    "--hysteresis", type=float, metavar="UNITS", help="How far back it must go before it can cross again."
)
@click.option(
    "--cool-down", "cool_down_s", type=float, metavar="SECONDS", help="Least time between two firings."
)
@click.option("--any-hour", is_flag=True, default=None, help="Fire outside the regular session, too.")
@click.option("--to", multiple=True, metavar="TARGET", help="Target to notify; may be given several times.")
def add(*, to: tuple[str, ...], condition: str, **more: Any) -> None:
    """Append an alert to the configuration file; a running desk picks it up at once."""
    from tui.settings.added import add_alert  # noqa: PLC0415
    from tui.settings.file import read  # noqa: PLC0415
    from tui.settings.place import place  # noqa: PLC0415

    given = {"name": more.pop("name"), "when": condition, **more, "to": list(to) or None}
    rule = add_alert(place(), {key: value for key, value in given.items() if value is not None})
    notified = ", ".join(rule.to) or "only the screen"
    click.echo(f"added {rule.id!r} to {place()}; notifies {notified}")
    if note := dict(read(place()).alerts.unknown).get(rule.id):
        click.echo(f"rotation-tui: {note}; {NOT_YET_A_LEG}", err=True)


@alerts.command(
    "watch",
    epilog="\b\nExample:\n  rotation-tui alerts watch\n\nA systemd unit for it is in docs/alerts.md.",
)
@click.option("--for", "seconds", type=click.FloatRange(0), metavar="SECONDS", help="Stop after this long.")
@FORM
@settled
@click.pass_context
def watch(ctx: click.Context, /, *, seconds: float | None, form: str, **wanted: Any) -> None:
    """Run the alerts without a screen: print and deliver each one that fires."""
    import asyncio  # noqa: PLC0415 - half of what --help would take

    from tui.cli.watch import watch_alerts  # noqa: PLC0415
    from tui.view.view_state import ViewState, pair_names, with_windows  # noqa: PLC0415

    config = config_of(ctx)
    if config is None or not config.alerts.rules:
        raise InputError("no alerts are set; rotation-tui alerts add --help")
    asked = for_script(tapes=(), demo=False, stays=False, **wanted)
    start_log(ctx)
    desk = backend(ctx).open(msgspec.structs.replace(asked, alerts=config.alerts))
    view = with_windows(
        ViewState(pairs=pair_names(asked.pair, asked.pairs)), asked.windows, asked.leg_returns
    )
    asyncio.run(watch_alerts(desk, seconds, form, reload_of(ctx), view=view))


@alerts.command("test", epilog=EXAMPLES)
@click.argument("condition", metavar="[CONDITION]", required=False)
@click.option(
    "--since", metavar="DATE", callback=_day(last=False), help="First session, or a year. Not with --tape."
)
@click.option("--until", metavar="DATE", callback=_day(last=True), help="Last session, or a year.")
@click.option("--crossings", is_flag=True, help="Only sessions on which the condition begins to hold.")
@HISTORY
@TAPES
@DEMO
@PAIR
@PAIRS
@WINDOWS
@RETURNS
@FORM
@click.pass_context
def test(
    ctx: click.Context,
    /,
    *,
    condition: str | None,
    since: date | None,
    until: date | None,
    crossings: bool,
    history: Path | None,
    tape: tuple[Path, ...],
    demo: bool,
    form: str,
    **wanted: Any,
) -> None:
    """List when CONDITION would have fired: on settled closes by session, on a tape by second.

    Without CONDITION, test the configured alerts. See rotation-tui figures for the figures, and
    docs/alerts.md for the grammar.
    """
    from tui.output import alerts as report  # noqa: PLC0415 - brings polars

    rules = report.rules_of(condition, _rules(ctx), crossings=crossings)
    if not rules:
        raise InputError("name a condition, such as 'spread.5.pp > 10'; no alerts are configured yet")
    if condition is not None:
        report.check(condition, wanted["pair"], wanted["pairs"])
    start_log(ctx)
    asked = for_script(history=history, demo=demo, tapes=tape, offline=True, **wanted)
    if tape:
        if since is not None or until is not None:
            raise InputError("--since and --until apply to daily closes; a tape is always tested as a whole")
        fired, desk = backend(ctx).alerts_on_tape(asked, rules)
        for line in report.calls_of_tape(fired, desk, form):
            click.echo(line)
        return
    if since is None:
        raise InputError("--since: name the first session, such as 2000-01-01, or name a --tape")
    if until is not None and until < since:
        raise InputError(f"--until: {until} is before --since {since}")
    _test_closes(ctx, asked, rules, since, until, form)


def _test_closes(  # noqa: PLR0917 - a part of the command above
    ctx: click.Context, asked: Wanted, rules: tuple[Rule, ...], since: date, until: date | None, form: str
) -> None:
    from tui.output import alerts as report  # noqa: PLC0415 - brings polars

    try:
        closes, desk = backend(ctx).settled(asked)
    except NothingToShowError as error:
        raise UnavailableError(
            "no daily closes are stored; run rotation-tui history sync, or name a folder with --history"
        ) from error
    fed_then = None if asked.demo else backend(ctx).fed_after_close()
    lines, notes = report.calls(rules, closes, desk, since, until, form=form, fed_then=fed_then)
    for line in lines:
        click.echo(line)
    for note in notes:
        click.echo(f"rotation-tui: {note}", err=True)
