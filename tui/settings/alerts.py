"""``[[alerts]]`` and ``[targets.NAME]`` of the configuration file, checked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, get_args
from urllib.parse import urlsplit

from rotation.alerts.parser import UnknownFigureError, parse
from rotation.alerts.rule import Repeat, Rule
from rotation.alerts.target import DESKTOP, SIGNALS, AlertSettings, Target
from rotation.errors import InputError
from rotation.figures.registry import figures, may_be_stored
from rotation.status import Kind
from tui.settings.table import Table
from tui.settings.values import shown

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from rotation.desk import Desk
    from tui.settings.table import Fail

ALERTS_MAX = 100
TARGETS_MAX = 20
ALERT_KEYS = ("name", "when", "repeat", "hysteresis", "cool_down_s", "any_hour", "status", "to")
TARGET_KEYS = ("kind", "url", "command", "timeout_s")
WEBHOOKS = ("json", "ntfy", "slack", "discord")
NAME = re.compile(r"[\w .,:%+-]{1,60}")
TARGET_NAME = re.compile(r"[a-z0-9_-]{1,30}")
TIMEOUT_MAX_S = 120.0
HERE = ("localhost", "127.0.0.1", "::1")


def settings(alerts: object, targets: object, to: Sequence[str], desk: Desk, fail: Fail) -> AlertSettings:
    """The alerts and targets of a file. ``to``: the targets of alerts that name none. Raises by ``fail``."""
    if not isinstance(targets, dict):
        raise fail("targets", "write [targets.NAME] for each target")
    if len(targets) > TARGETS_MAX:
        raise fail("targets", f"at most {TARGETS_MAX} targets; {len(targets)} are listed")
    listed = [_target(name, table, fail) for name, table in targets.items()]
    callees = (*SIGNALS, DESKTOP, *(target.name for target in listed))
    _check_callees(to, callees, "notify.to", fail)
    if not isinstance(alerts, list) or not all(isinstance(each, dict) for each in alerts):
        raise fail("alerts", "write [[alerts]] for each alert")
    if len(alerts) > ALERTS_MAX:
        raise fail("alerts", f"at most {ALERTS_MAX} alerts; {len(alerts)} are listed")
    known = figures(desk) if alerts else {}
    rules: dict[str, Rule] = {}
    unknown: list[tuple[str, str]] = []
    places: dict[str, str] = {}
    for n, each in enumerate(alerts):
        table = Table(each, f"alerts#{n}", ALERT_KEYS, fail)
        condition, note = _condition(table, known, desk)
        rule = _rule(table, condition, to, callees)
        unknown += [(rule.id, note)] if note else []
        if rule.id in rules:
            raise table.error("name" if "name" in each else "when", f"{rule.id!r} is the name of two alerts")
        rules[rule.id] = rule
        places[rule.id] = str(table.error("when", "")).rstrip(": ")
    return AlertSettings(tuple(rules.values()), tuple(listed), tuple(unknown), places)


def _rule(table: Table, when: str, to: Sequence[str], callees: Sequence[str]) -> Rule:
    name = table.text("name", when[:60])
    if "name" in table.values and not NAME.fullmatch(name):
        raise table.error("name", f"expected 1 to 60 letters, digits and spaces, got {shown(name)}")
    called = table.texts("to", to)
    _check_callees(called, callees, f"{table.place}.to", table.fail)
    kinds = table.texts("status", (Kind.LIVE, Kind.DELAYED))
    known = [kind.value for kind in Kind]
    if not kinds or not set(kinds) <= set(known):
        raise table.error("status", f"expected a list of {', '.join(known)}, got {shown(list(kinds))}")
    return Rule(
        id=name,
        condition=when,
        repeat=table.choice("repeat", get_args(Repeat), "session"),
        hysteresis=table.number("hysteresis", 0.0),
        cool_down_s=table.number("cool_down_s", 0.0),
        any_hour=table.flag("any_hour"),
        kinds=tuple(Kind(kind) for kind in kinds),
        to=called,
    )


def _target(name: str, given: object, fail: Fail) -> Target:
    place = f"targets.{name}"
    if not TARGET_NAME.fullmatch(name) or name in (*SIGNALS, DESKTOP):
        why = "1 to 30 of a-z 0-9 _ -, and none that is built in"
        raise fail(place, f"{shown(name)} cannot be the name of a target ({why})")
    if not isinstance(given, dict):
        raise fail(place, f"{place} is a table; write [{place}]")
    table = Table(given, place, TARGET_KEYS, fail)
    kind = table.choice("kind", (*WEBHOOKS, "command"), "")
    timeout_s = table.number("timeout_s", 10.0, most=TIMEOUT_MAX_S)
    if kind == "command":
        if "url" in given:
            raise table.error("url", "a command has no address")
        return Target(name=name, kind=kind, command=_argv(table), timeout_s=timeout_s)
    if "command" in given:
        raise table.error("command", 'only kind = "command" has one')
    return Target(name=name, kind=kind, url=_url(table), timeout_s=timeout_s)


def _argv(table: Table) -> tuple[str, ...]:
    argv = table.texts("command", ())
    if not argv or not argv[0] or any("\0" in part for part in argv):
        wanted = 'the program and its arguments, such as ["notify", "--now"]'
        raise table.error("command", f"expected {wanted}, got {shown(list(argv))}")
    return argv


def _url(table: Table) -> str:
    """The address; empty where it is kept as a secret. It is not repeated in errors: it may hold one."""
    given = table.text("url", "")
    try:
        parts = urlsplit(given)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and given.isprintable()
        usable = usable and not (parts.username or parts.password) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if given and not usable:
        raise table.error("url", "expected an address that begins with https://, without a password in it")
    if given and parts.scheme == "http" and parts.hostname not in HERE:
        raise table.error("url", "http:// is for this machine only; use https://")
    return given


def _check_callees(names: Collection[str], callees: Sequence[str], place: str, fail: Fail) -> None:
    for name in names:
        if name not in callees:
            known = ", ".join(callees)
            raise fail(place, f"{shown(name)} is not a target; known: {known}; [targets.NAME] defines others")


def _condition(table: Table, known: dict[str, Any], desk: Desk) -> tuple[str, str]:
    """The condition, read once to see that it can be; and what is not known of a symbol in it, else empty."""
    when = table.text("when", "").strip()
    if not when:
        raise table.error("when", 'expected a condition, such as "spread.5.pp > 10"')
    try:
        parse(when, known)
    except UnknownFigureError as error:
        problem = table.error("when", str(error))
        if not may_be_stored(error.name, desk):
            raise problem from error
        return when, str(problem)
    except InputError as error:
        raise table.error("when", str(error)) from error
    return when, ""
