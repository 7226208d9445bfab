"""A desk's alerts and events over its Snapshots, one after the other. Pure: no I/O, no clock of its own."""

from __future__ import annotations

from collections import deque
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from rotation.alerts.changes import Changes
from rotation.alerts.engine import Alert, AlertEngine, called_for
from rotation.alerts.rule import AlertState
from rotation.alerts.target import SIGNALS
from rotation.desk import EVENTS_MAX, AlertLine, DeskEvent, EventKind
from rotation.errors import InputError
from rotation.figures.registry import figures
from rotation.status import Kind
from rotation.text import signed

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator, Mapping

    from rotation.alerts.rule import Fired, Rule
    from rotation.context.wants import Wants
    from rotation.desk import Desk
    from rotation.figures.figure import Figure, Value
    from rotation.snapshot import Snapshot


SIGNED = ("pp", "%")
UNSAID = ("date", "share", "price", "index", "percentile")
"""Units that go without saying."""
FLAPS_S = 60.0
"""A feed that changes again within so many seconds has one line, the newest."""


AWAITS_DESK = "waits for the changed desk"


class Call(NamedTuple):
    """An alert that fires, with its targets and its text."""

    rule: Rule
    fired: Fired
    text: str


class DeskLog:
    """Adds events and alerts to each Snapshot; says which alerts fire."""

    def __init__(
        self,
        desk: Desk,
        rules: Iterable[Rule] = (),
        states: Mapping[str, AlertState] | None = None,
        *,
        on_tape: bool = False,
    ) -> None:
        """``states``: what the run before left. ``on_tape``: played prices are as good as live ones."""
        self._desk = desk
        self._on_tape = on_tape
        self._changes = Changes()
        self._events: deque[DeskEvent] = deque(maxlen=EVENTS_MAX)
        self._shown: tuple[DeskEvent, ...] = ()
        self.numbers: Iterator[int] = count(1)
        """Of its events. Logs that are shown in turn share them: a higher number than the last is new."""
        self._noted: list[tuple[EventKind, str, str]] = []
        self._problems: dict[str, str] = {}
        self._awaits_desk = False
        self._set_aside: dict[str, AlertState] = {}
        """What alerts remember that are disabled: once their leg is there again they go on with it."""
        self._rules: tuple[Rule, ...] = ()
        self.places: dict[str, str] = {}
        """By the name of an alert where it stands in the person's file; empty where it stands in none."""
        self._table: dict[str, Figure] = {}
        self._engine = AlertEngine(())
        self._lines: tuple[AlertLine, ...] = ()
        self.has_changed = False
        """Whether the last Snapshot changed what alerts remember."""
        self._session: dt.date | None = None
        self.set_rules(rules, states or {})

    @property
    def states(self) -> dict[str, AlertState]:
        """What each alert remembers, by its name."""
        return {**self._set_aside, **self._engine.states}

    @property
    def wants(self) -> Wants:
        """The parts that alerts rest on: they are to be in every Snapshot."""
        return self._engine.wants

    def set_rules(self, rules: Iterable[Rule], states: Mapping[str, AlertState] | None = None) -> None:
        """Judge by these rules from now on. Alerts that stay keep their state, others have ``states``."""
        self._judge_by(tuple(rules), states or {})

    def await_desk(self) -> None:
        """Another desk is about to come: what an alert lacks on this one is not told before it is settled."""
        self._awaits_desk = True

    def settle_desk(self) -> None:
        """The desk stays what it is now: tell what its alerts lack."""
        if self._awaits_desk:
            self._awaits_desk = False
            self._judge_by(self._rules, {})

    def _judge_by(self, rules: tuple[Rule, ...], states: Mapping[str, AlertState]) -> None:
        self._rules = rules
        if self._rules and not self._table:
            self._table = figures(self._desk)
        self._problems, alerts = {}, []
        for rule in self._rules:
            try:
                alerts.append(Alert.of(self._of_tape(rule), self._table))
            except InputError as error:
                if self._awaits_desk:
                    self._problems[rule.id] = AWAITS_DESK
                    continue
                self._problems[rule.id] = str(error)
                place = f"{self.places[rule.id]}: " if rule.id in self.places else ""
                self.note(EventKind.CONFIG, rule.id, f"{place}alert {rule.id} is disabled: {error}")
        kept = {**self._set_aside, **states, **self._engine.states}
        self._set_aside = {name: kept[name] for name in self._problems if name in kept}
        self._engine = AlertEngine(alerts, kept)
        self._lines = self._alert_lines()

    def set_pairs(self, pairs: tuple[tuple[str, str], ...]) -> None:
        """The desk has these more pairs from now on; alerts are read anew and keep their state."""
        self._set_desk(pairs=pairs)

    def set_windows(self, windows: tuple[int, ...]) -> None:
        """The same of its windows."""
        self._set_desk(windows=windows)

    def set_desk(self, desk: Desk) -> None:
        """The same of all of it. What its first Snapshot differs in has not happened: no event tells it."""
        self._changes.begin_anew()
        self._awaits_desk = False
        self._replace_desk(desk)

    def _set_desk(self, **changes: object) -> None:
        self._replace_desk(msgspec.structs.replace(self._desk, **changes))

    def _replace_desk(self, desk: Desk) -> None:
        self._desk = desk
        self._table = {}
        self._judge_by(self._rules, {})

    def set_states(self, states: Mapping[str, AlertState]) -> None:
        """Remember this instead, for the alerts that it names: another program has judged them meanwhile."""
        self._set_aside |= {name: state for name, state in states.items() if name in self._problems}
        self._engine = AlertEngine(self._engine.alerts, {**self._engine.states, **states})
        self._lines = self._alert_lines()

    def _of_tape(self, rule: Rule) -> Rule:
        if not self._on_tape:
            return rule
        return msgspec.structs.replace(rule, kinds=(*rule.kinds, Kind.REPLAY, Kind.DEMO))

    def note(self, kind: EventKind, subject: str, text: str) -> None:
        """Something that no Snapshot shows has happened; it is in the next one."""
        self._noted.append((kind, subject, text))
        del self._noted[:-EVENTS_MAX]

    def take(self, snapshot: Snapshot) -> tuple[Snapshot, list[Call]]:
        """The Snapshot with its events and alerts, and the calls that it gives rise to."""
        at = snapshot.as_of
        new = [*self._changes.take(snapshot), *self._noted]
        self._noted.clear()
        for kind, subject, text in new:
            self._add(at, kind, subject, text)
        calls = []
        before = self._engine.states.copy()
        for fired in self._engine.take(snapshot):
            rule = next(rule for rule in self._rules if rule.id == fired.id)
            text = self._sentence(fired)
            calls.append(Call(rule, fired, text))
            self._add(at, EventKind.ALERT, rule.id, text, tuple(s for s in SIGNALS if s in rule.to))
        self.has_changed = self._engine.states != before
        if calls or self.has_changed or snapshot.session != self._session:
            self._session = snapshot.session
            self._lines = self._alert_lines()
        if new or calls:
            self._shown = tuple(self._events)
        return msgspec.structs.replace(snapshot, events=self._shown, alerts=self._lines), calls

    def _add(
        self, at: dt.datetime, kind: EventKind, subject: str, text: str, signals: tuple[str, ...] = ()
    ) -> None:
        last = self._events[-1] if self._events else None
        if kind is EventKind.FEED and last is not None and (last.kind, last.subject) == (kind, subject):
            flaps = abs((at - last.at).total_seconds()) < FLAPS_S
            if flaps:
                self._events.pop()
        self._events.append(DeskEvent(next(self.numbers), at, kind, subject, text, signals))

    def _sentence(self, fired: Fired) -> str:
        values = ", ".join(
            f"{name} {_written(value, self._table.get(name))}" for name, value in fired.values.items()
        )
        times = f" ({fired.n} times so far)" if fired.n > 1 else ""
        named = "" if fired.id == fired.condition else f"{fired.id}: "
        return f"{named}{fired.condition} — {values}{times}"

    def _alert_lines(self) -> tuple[AlertLine, ...]:
        return tuple(self._alert_line(rule) for rule in self._rules)

    def _alert_line(self, rule: Rule) -> AlertLine:
        state = self._engine.states.get(rule.id, AlertState())
        same = state.condition in ("", rule.condition)
        state = state if same else AlertState()
        problem = self._problems.get(rule.id, "")
        is_armed = state.is_armed
        if rule.repeat == "once":
            is_armed = not state.fired
        elif rule.repeat == "session" and self._session is not None:
            last_session = called_for(state, self._session)
            is_armed = last_session is None or last_session < self._session
        elif rule.repeat == "session":
            is_armed = True
        return AlertLine(rule.id, rule.condition, is_armed, state.fired, state.last_at, problem)


def _written(value: Value, figure: Figure | None) -> str:
    unit = "" if figure is None or figure.unit in UNSAID else f" {figure.unit}"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{signed(value, 2) if figure and figure.unit in SIGNED else format(value, '.5g')}{unit}"
    return f"{'—' if value is None else value}{unit}"
