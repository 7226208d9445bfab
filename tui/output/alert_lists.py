"""The configured alerts, and those that fired, as text and JSON lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from rotation.alerts.rule import AlertState
from rotation.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rotation.alerts.rule import Fired, Rule


def listing(rules: Iterable[Rule], states: Mapping[str, AlertState], form: str) -> list[str]:
    """A line for each alert."""
    listed = tuple(rules)
    width = max((len(rule.id) for rule in listed), default=0)
    lines = []
    for rule in listed:
        state = states.get(rule.id, AlertState())
        if state.condition not in ("", rule.condition):
            state = AlertState()
        if form == "json":
            lines.append(_json({**msgspec.to_builtins(rule), "fired": state.fired, "last_at": state.last_at}))
            continue
        last = f", last {state.last_at:%Y-%m-%d %H:%M:%S} UTC" if state.last_at else ""
        fired = f"fired {counted(state.fired, 'time')}{last}" if state.fired else "has not fired yet"
        when = "" if rule.id == rule.condition else f"  {rule.condition}"
        lines.append(f"{rule.id:<{width}}{when}  [{rule.repeat}; {', '.join(rule.to) or 'screen'}]  {fired}")
    return lines


def history(calls: Iterable[Fired], form: str) -> list[str]:
    """A line for each call."""
    if form == "json":
        return [_json(call) for call in calls]
    return [
        f"{call.at:%Y-%m-%d %H:%M:%S} UTC  {call.id}  "
        + ", ".join(f"{name} {_short(value)}" for name, value in call.values.items())
        for call in calls
    ]


def _short(value: object) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
