"""When an alert fires: pure steps from state and reading to state and call. Live and on history the same."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import msgspec

from rotation.alerts.condition import Node, comparisons, figures_of, holds, known
from rotation.alerts.parser import parse
from rotation.alerts.reading import Reading, Terms, of_snapshot
from rotation.alerts.rule import AlertState, Fired, Rule
from rotation.context.wants import NOTHING
from rotation.figures.figure import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rotation.context.wants import Wants
    from rotation.figures.figure import Figure
    from rotation.snapshot import Snapshot


WRONG_CLOCK = dt.timedelta(7)
"""A call for a session that lies further ahead comes from a clock that was wrong, and silences nothing."""


class Alert(msgspec.Struct, frozen=True):
    """A rule whose condition has been read."""

    rule: Rule
    node: Node

    @classmethod
    def of(cls, rule: Rule, table: Mapping[str, Figure]) -> Alert:
        """Read the condition. Raises ConditionError."""
        return cls(rule, parse(rule.condition, table))


def step(alert: Alert, state: AlertState, reading: Reading) -> tuple[AlertState, Fired | None]:
    """The state after this reading, and the call if there is one."""
    rule = alert.rule
    if state.condition != rule.condition:
        state = AlertState(rule.condition)
    terms = Terms(reading, rule.kinds, state.before, any_hour=rule.any_hour)
    is_true = holds(alert.node, terms)
    is_armed = state.is_armed or holds(alert.node, terms, slack=rule.hysteresis) is False
    asked = [each for each in comparisons(alert.node) if each.operator == "changes"]
    before = {**state.before, **known(terms, asked)} if asked else state.before
    used = [
        each.figure.id
        for each in comparisons(alert.node)
        if terms.value(each.figure, each.qualifier) is not None
    ]
    session = max((reading.observed[name].session for name in used), default=reading.session)
    last_session = called_for(state, reading.session)
    as_now = msgspec.structs.replace(state, is_armed=is_armed, last_session=last_session)
    if is_true is not True or not _is_due(rule, as_now, session, reading.at):
        if is_armed == state.is_armed and before == state.before:
            return state, None
        return msgspec.structs.replace(state, is_armed=is_armed, before=before), None
    values = {name: plain(reading.observed[name].value) for name in figures_of(alert.node)}
    fired = Fired(rule.id, rule.condition, session, reading.at, values, state.fired + 1)
    newest = max(session, last_session or session)
    return AlertState(
        rule.condition, is_armed=False, fired=fired.n, last_at=reading.at, last_session=newest, before=before
    ), fired


def called_for(state: AlertState, today: dt.date) -> dt.date | None:
    """The newest session for which it has fired; None for none, or for one too far ahead to be true."""
    last = state.last_session
    return None if last is None or last - today > WRONG_CLOCK else last


def _is_due(rule: Rule, state: AlertState, session: dt.date, at: dt.datetime) -> bool:
    if state.last_at is not None and abs((at - state.last_at).total_seconds()) < rule.cool_down_s:
        return False
    if rule.repeat == "session":
        return state.last_session is None or session > state.last_session
    return state.is_armed if rule.repeat == "crossing" else state.fired == 0


class AlertEngine:
    """Several alerts over a stream of Snapshots. It does no I/O: state goes in and comes out."""

    def __init__(self, alerts: Iterable[Alert], states: Mapping[str, AlertState] | None = None) -> None:
        """``states``: what a run before left, by the alert's id."""
        self.alerts = tuple(alerts)
        self.states = {
            alert.rule.id: (states or {}).get(alert.rule.id, AlertState()) for alert in self.alerts
        }
        """By the alert's id; a step replaces the states that change."""
        self._figures = {
            name: figure for alert in self.alerts for name, figure in figures_of(alert.node).items()
        }

    @property
    def wants(self) -> Wants:
        """What the figures of the alerts rest on."""
        return NOTHING.union(*(figure.wants for figure in self._figures.values()))

    def take(self, snapshot: Snapshot) -> list[Fired]:
        """The calls that this Snapshot gives rise to, in the order of the alerts."""
        return self.read(of_snapshot(snapshot, self._figures.values())) if self.alerts else []

    def read(self, reading: Reading) -> list[Fired]:
        """The same of a reading that holds every figure of the alerts."""
        calls: list[Fired] = []
        for alert in self.alerts:
            self.states[alert.rule.id], fired = step(alert, self.states[alert.rule.id], reading)
            if fired is not None:
                calls.append(fired)
        return calls


def replayed(alerts: Iterable[Alert], readings: Iterable[Reading]) -> Iterator[Fired]:
    """Every call that these alerts would have made over readings in order, from a fresh state."""
    engine = AlertEngine(alerts)
    for reading in readings:
        yield from engine.read(reading)
