"""The configuration file while a desk runs: a change is noticed, checked, and applied as far as possible."""

from __future__ import annotations

import logging
import os
import sys
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from rotation.desk import DeskChange
from rotation.errors import InputError
from rotation.text import counted
from tui.settings.desk.wanted import ALL, REOPENS, wanted_of
from tui.settings.file import Config, ConfigError, Signature, read, signature_of
from tui.settings.panels import panels_of
from tui.settings.schema import BY_NAME
from tui.settings.values import pairs as pairs_of
from tui.settings.values import windows as windows_of
from tui.view import theme
from tui.view.applied import Applied, PairsChange, Reopening, WindowsChange
from tui.view.ascii import is_ascii
from tui.view.still import moves

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from rotation.alerts.target import AlertSettings

OF_DESK = ("limits.stale_s", "desk.leg_gap_s", "desk.returns")
WINDOWS = ("desk.windows", "screen.returns")
PLACES = ("panels.wide", "panels.normal", "panels.narrow")
SCREEN = ("screen.theme", "screen.motion", "screen.glyphs", "screen.window", "export.folder")
LIVE = ("log.level", "notify.to", *SCREEN, *OF_DESK, *WINDOWS, *PLACES)
"""What a running desk takes up as it is, besides keys, alerts and targets; REOPENS make it another one."""
PAIRS = "desk.pairs"
"""Taken up as it is where their symbols are on the desk: else feeds have to ask for more."""
TARGETS_OF_ALERTS = "notify.to"
"""A command that takes none has no alerts either."""
GROUPS, WATCHLISTS, UNIVERSES = "groups", "watchlists", "universes"


class ConfigWatch:
    """One file, asked now and then. Methods block for as long as reading it takes."""

    def __init__(
        self,
        path: Path,
        config: Config | None,
        fixed: AbstractSet[str] = frozenset(),
        taken: AbstractSet[str] = ALL,
    ) -> None:
        """``config``: what the run began with; None where there was no file.

        ``fixed``: settings that an option or the environment has set, which go before the file. ``taken``:
        those that this command takes: ``demo`` has a pair of its own.
        """
        self._taken = taken
        self.path = path
        self._fixed = fixed
        self._config = config or Config(path)
        self.fault: InputError | None = None
        """What is wrong with the file as it is now; None where it is in force."""
        self._seen = self._signature()
        # What has been written since the start is a change, a file that has appeared, too.
        self._read = None if config is None else config.signature

    def poll(self) -> Applied | None:
        """What a change amounts to, once the file has stood still between two calls; None without one."""
        signature = self._signature()
        before, self._seen = self._seen, signature
        if signature == self._read or signature != before:
            again = theme.reload()
            return None if again is None else Applied(again[0], is_error=again[1], is_theme=True)
        self._read = signature
        try:
            config = read(self.path) if signature is not None else Config(self.path)
            config.check_windows(self._fixed)
        except InputError as error:
            self.fault = error
            message = error.brief if isinstance(error, ConfigError) else str(error)
            return Applied(f"{message}; the previous configuration stays in use", is_error=True, fault=error)
        self.fault = None
        before_config, self._config = self._config, config
        return _difference(before_config, config, self._fixed, self._taken)

    def _signature(self) -> Signature | None:
        try:
            return signature_of(self.path.stat())
        except OSError:
            return None


def _difference(
    before: Config, now: Config, fixed: AbstractSet[str], taken: AbstractSet[str] = ALL
) -> Applied | None:
    def of(config: Config, name: str) -> object:
        return config.values.get(name, BY_NAME[name].default)

    changed = [name for name in BY_NAME if of(before, name) != of(now, name)]
    pairs = _pairs_change(before, now, fixed)
    changed = [name for name in changed if name != PAIRS or name in fixed]
    others = [name for name in changed if name not in taken]
    changed = [name for name in changed if name in taken]
    reopens = [name for name in changed if name in REOPENS and name not in fixed]
    for table, is_watchlist in ((GROUPS, False), (WATCHLISTS, True)):
        lists = [
            [each for each in config.lists if each.is_watchlist is is_watchlist] for config in (before, now)
        ]
        reopens += [table] * (lists[0] != lists[1])
    reopens += [UNIVERSES] * (now.universes != before.universes)
    kept = [name for name in changed if name in fixed]
    changed = [name for name in changed if name not in kept]
    keys = now.keys if _bound(now) != _bound(before) else None
    # Where they stand in the file makes them no other alerts.
    is_other = (now.alerts.rules, now.alerts.targets) != (before.alerts.rules, before.alerts.targets)
    alerts, others = _taken_alerts(now.alerts if is_other else None, others, taken)
    # They are the same: only what they say where they stand may be another line.
    placed = alerts or (now.alerts if now.alerts.rules and TARGETS_OF_ALERTS in taken else None)
    windows = _windows_change(now, fixed) if set(changed) & {*WINDOWS} else None
    desk = {BY_NAME[name].option: of(now, name) for name in OF_DESK if name in changed}
    screen = {name: of(now, name) if name in changed else None for name in SCREEN}
    if "log.level" in changed:
        logging.getLogger().setLevel(str(of(now, "log.level")).upper())
    parts = [name for name in changed if name in LIVE and name != "notify.to"]
    parts += ["keys"] * (keys is not None)
    if alerts is not None:
        parts.append(counted(len(alerts.rules), "alert"))
    if pairs is not None and (pairs.pairs is not None or now.pairs != before.pairs):
        parts.append("desk.pairs")
    if not parts and not reopens and not kept and not others:
        return None
    clauses = [f"applied {', '.join(parts)}"] if parts else []
    if reopens:
        verb, them = ("follows", "it") if len(reopens) == 1 and reopens[0] in BY_NAME else ("follow", "they")
        clauses.append(f"{', '.join(reopens)} {verb} once {them} can be shown")
    if others:
        verb = "does" if len(others) == 1 else "do"
        clauses.append(f"{', '.join(others)} {verb} not concern this command")
    if kept:
        verb, them = ("stays", "it") if len(kept) == 1 else ("stay", "them")
        clauses.append(f"{', '.join(kept)} {verb} as the command line or the environment set {them}")
    return Applied(
        f"{now.path.name}: {'; '.join(clauses)}",
        keys=keys,
        theme=_text(screen["screen.theme"]),
        alerts=placed,
        pairs=pairs,
        desk=msgspec.convert(desk, DeskChange) if desk else None,
        windows=windows,
        motion=None if (motion := _text(screen["screen.motion"])) is None else moves(motion, os.environ),
        ascii=None
        if (glyphs := _text(screen["screen.glyphs"])) is None
        else is_ascii(glyphs, os.environ, getattr(sys.__stderr__, "encoding", "") or ""),
        glyphs=glyphs,
        window=msgspec.convert(screen["screen.window"], int | None),
        folder=_text(screen["export.folder"]),
        panels=panels_of(now.values) if set(changed) & {*PLACES} else None,
        reopening=Reopening(
            tuple(reopens),
            partial(wanted_of, now, fixed=fixed, taken=taken),
            partial(_blamed, now),
            now.path.name,
        ),
    )


def _taken_alerts(
    alerts: AlertSettings | None, others: list[str], taken: AbstractSet[str]
) -> tuple[AlertSettings | None, list[str]]:
    """Alerts that have changed, for a command that takes some; else they are among the others."""
    if alerts is None or TARGETS_OF_ALERTS in taken:
        return alerts, others
    return None, [*(name for name in others if name != TARGETS_OF_ALERTS), "alerts"]


def _blamed(config: Config, names: Sequence[str], setting: str, message: str) -> str:
    """Why a desk cannot become another one, with the file, the line and the key.

    ``setting``: the one in the way, where that is known; else those that have changed are named.
    """
    lines = [_line_of(config, name) for name in (setting, *names) if name]
    placed = next((line for line in lines if line), 0)
    what = setting or ", ".join(names)
    line = f", line {placed}" if placed else ""
    return f"{config.path.name}{line}: {what}: {message}; the desk stays as it is"


def _line_of(config: Config, name: str) -> int:
    """Where a setting stands, or the first of a table; 0 where the file does not have it."""
    below = (line for key, line in config.lines.items() if key.startswith(f"{name}."))
    return config.lines.get(name) or next(below, 0)


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _windows_change(now: Config, fixed: AbstractSet[str]) -> WindowsChange:
    listed = None if "desk.windows" in fixed else windows_of(now.values.get("desk.windows", ()))
    return WindowsChange(listed, now.values.get("screen.returns", ()))


def _pairs_change(before: Config, now: Config, fixed: AbstractSet[str]) -> PairsChange | None:
    listed = now.values.get(PAIRS, "")
    if now.pairs == before.pairs and listed == before.values.get(PAIRS, ""):
        return None
    return PairsChange(None if PAIRS in fixed else pairs_of(listed), now.pairs)


def _bound(config: Config) -> dict[str, tuple[str, ...]]:
    return {action.id: action.keys for action in config.keys.actions}
