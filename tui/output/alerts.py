"""When alerts would have fired, as text and JSON lines."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from rotation.alerts.condition import comparisons, figures_of
from rotation.alerts.engine import Alert, replayed
from rotation.alerts.parser import UnknownFigureError, parse
from rotation.alerts.reading import of_history
from rotation.alerts.rule import Rule
from rotation.desk import Desk
from rotation.figures.registry import figures
from rotation.figures.settled import SettledFigures
from tui.output.figures import valued

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import date

    from rotation.alerts.rule import Fired
    from rotation.fed.figures import Fed
    from rotation.figures.figure import Figure
    from rotation.history import History


def check(condition: str, pair: tuple[str, str], pairs: tuple[tuple[str, str], ...]) -> None:
    """Read the condition before anything is loaded, where its figures are the usual desk's.

    Raises ConditionError for a mistake in the grammar; an unknown figure may be of a symbol in history.
    """
    table = figures(Desk(base=pair[0], against=pair[1], pairs=tuple(each for each in pairs if each != pair)))
    with suppress(UnknownFigureError):
        parse(condition, table)


def rules_of(condition: str | None, configured: tuple[Rule, ...], *, crossings: bool) -> tuple[Rule, ...]:
    """The rule of this condition; without one those of the configuration."""
    if condition is not None:
        return (Rule(id="test", condition=condition, repeat="crossing" if crossings else "session"),)
    return (
        tuple(msgspec.structs.replace(rule, repeat="crossing") for rule in configured)
        if crossings
        else configured
    )


def calls(
    rules: Iterable[Rule],
    history: History,
    desk: Desk,
    since: date,
    until: date | None,
    *,
    form: str,
    fed_then: Callable[[date], Fed | None] | None = None,
) -> tuple[Iterator[str], list[str]]:
    """A line for every session and alert, and what a reader must know besides.

    ``fed_then``: what was known of the Fed after a session's close. Raises ConditionError.
    """
    table = figures(desk)
    alerts = [Alert.of(rule, table) for rule in rules]
    named = {name: figure for alert in alerts for name, figure in figures_of(alert.node).items()}
    readings = of_history(SettledFigures(history, desk), named.values(), since, until, fed_then)
    fired = replayed(alerts, readings)
    several = len(alerts) > 1
    lines = (_json(call) if form == "json" else _text(call, named, several=several) for call in fired)
    return lines, list(
        dict.fromkeys(note for alert in alerts if (note := _note(alert, keeps_fed=fed_then is not None)))
    )


def calls_of_tape(fired: Iterable[Fired], desk: Desk, form: str) -> list[str]:
    """A line for every call, with its time."""
    named = figures(desk)
    listed = list(fired)
    several = len({call.id for call in listed}) > 1
    if form == "json":
        return [_json(call, timed=True) for call in listed]
    return [f"{call.at:%H:%M:%S} UTC  {_text(call, named, several=several)}" for call in listed]


def _note(alert: Alert, *, keeps_fed: bool) -> str:
    named = figures_of(alert.node)
    unsettled = [name for name, figure in named.items() if figure.reads == "fed"]
    if unsettled and keeps_fed:
        return f"{', '.join(unsettled)}: by the settlements kept, unknown on sessions without them"
    if unsettled:
        return (
            f"{', '.join(unsettled)}: no settlements are stored, so unknown for every session "
            "(rotation-tui fed import)"
        )
    if any(each.qualifier == "provisional" for each in comparisons(alert.node)):
        return "provisional: never true for settled closes"
    return ""


def _json(call: Fired, *, timed: bool = False) -> str:
    line = {"session": call.session, "condition": call.condition, "values": call.values}
    return msgspec.json.encode(({"at": call.at} if timed else {}) | line).decode()


def _text(call: Fired, named: dict[str, Figure], *, several: bool) -> str:
    values = "  ".join(f"{name} {valued(value, named[name])}" for name, value in call.values.items())
    return f"{call.session}  {f'{call.id}  ' if several else ''}{values}"
