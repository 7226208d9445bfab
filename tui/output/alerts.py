"""What alerts say, as text and JSON lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from rotation.alerts.condition import comparisons, figures_of
from rotation.alerts.engine import Alert, Rule, replayed
from rotation.alerts.parser import parse
from rotation.alerts.reading import of_history
from rotation.desk import Desk
from rotation.errors import InputError
from rotation.figures.registry import figures
from rotation.figures.settled import SettledFigures
from tui.output.figures import valued

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from rotation.alerts.engine import Fired
    from rotation.figures.figure import Figure
    from rotation.history import History


def check(condition: str, pair: tuple[str, str]) -> None:
    """Read the condition before anything is loaded, where its figures are the usual desk's.

    Raises ConditionError for a mistake in the grammar; an unknown figure may be of a symbol in history.
    """
    table = figures(Desk(base=pair[0], against=pair[1]))
    try:
        parse(condition, table)
    except InputError as error:
        if "unknown figure" not in str(error):
            raise


def calls(
    condition: str,
    history: History,
    desk: Desk,
    since: date,
    until: date | None,
    *,
    form: str,
    crossings: bool,
) -> tuple[Iterator[str], str]:
    """A line for every session on which it would have called, and what a reader must know besides.

    Raises ConditionError.
    """
    alert = Alert.of(
        Rule(id="test", condition=condition, repeat="crossing" if crossings else "session"), figures(desk)
    )
    named = figures_of(alert.node)
    readings = of_history(SettledFigures(history, desk), named.values(), since, until)
    fired = replayed([alert], readings)
    lines = (_json(call) if form == "json" else _text(call, named) for call in fired)
    return lines, _note(alert, named)


def _note(alert: Alert, named: dict[str, Figure]) -> str:
    unsettled = [name for name, figure in named.items() if figure.reads == "fed"]
    if unsettled:
        return f"{', '.join(unsettled)}: not in the history of closes, so unknown on every session"
    if any(each.qualifier == "provisional" for each in comparisons(alert.node)):
        return "provisional: never true of settled closes"
    return ""


def _json(call: Fired) -> str:
    line = {"session": call.session, "condition": call.condition, "values": call.values}
    return msgspec.json.encode(line).decode()


def _text(call: Fired, named: dict[str, Figure]) -> str:
    values = "  ".join(f"{name} {valued(value, named[name])}" for name, value in call.values.items())
    return f"{call.session}  {values}"
