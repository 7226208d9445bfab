"""The configuration file while a desk runs: a change is noticed, checked, and applied as far as possible."""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING

import msgspec

from rotation.desk import DeskChange
from rotation.errors import InputError
from rotation.text import counted
from tui.settings.file import Config, read
from tui.settings.panels import panels_of
from tui.settings.schema import BY_NAME
from tui.settings.values import pairs as pairs_of
from tui.settings.values import windows as windows_of
from tui.view import theme
from tui.view.applied import Applied, PairsChange, WindowsChange
from tui.view.ascii import is_ascii
from tui.view.still import moves

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet
    from pathlib import Path

OF_DESK = ("limits.stale_s", "desk.leg_gap_s", "desk.returns")
WINDOWS = ("desk.windows", "screen.returns")
PLACES = ("panels.wide", "panels.normal", "panels.narrow")
SCREEN = ("screen.theme", "screen.motion", "screen.glyphs", "screen.window", "export.folder")
LIVE = ("log.level", "notify.to", *SCREEN, *OF_DESK, *WINDOWS, *PLACES)
"""Settings that a running desk takes up, besides keys, alerts and targets; the others say that they wait."""
PAIRS = "desk.pairs"
"""Taken up as far as their symbols are on the desk: no feed asks for others."""
Signature = tuple[int, int, int]


class ConfigWatch:
    """One file, asked now and then. Methods block for as long as reading it takes."""

    def __init__(
        self,
        path: Path,
        config: Config | None,
        fixed: AbstractSet[str] = frozenset(),
        desk_only: AbstractSet[str] = frozenset(),
    ) -> None:
        """``config``: what the run began with; None where there was no file.

        ``fixed``: settings that an option or the environment has set, which go before the file.
        ``desk_only``: settings, and ``alerts``, that this run has no use for: a host's.
        """
        self.path = path
        self._fixed = fixed
        self._desk_only = desk_only
        self._config = config or Config(path)
        self.fault: InputError | None = None
        """What is wrong with the file as it is now; None where it is in force."""
        self._seen = self._signature()
        # A file that has appeared since the start is a change.
        self._read = None if config is None else self._seen

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
        except InputError as error:
            self.fault = error
            return Applied(f"{error}; the previous configuration stays in use", is_error=True, fault=error)
        self.fault = None
        before_config, self._config = self._config, config
        return _difference(before_config, config, self._fixed, self._desk_only)

    def _signature(self) -> Signature | None:
        try:
            state = self.path.stat()
        except OSError:
            return None
        return state.st_mtime_ns, state.st_size, state.st_ino


def _difference(
    before: Config, now: Config, fixed: AbstractSet[str], desk_only: AbstractSet[str]
) -> Applied | None:
    def of(config: Config, name: str) -> object:
        return config.values.get(name, BY_NAME[name].default)

    changed = [name for name in BY_NAME if of(before, name) != of(now, name)]
    pairs = _pairs_change(before, now, fixed)
    changed = [name for name in changed if name != PAIRS or name in fixed]
    useless = [name for name in changed if name in desk_only]
    changed = [name for name in changed if name not in desk_only]
    later = [name for name in changed if name not in (*LIVE, PAIRS)]
    later += ["groups and watch lists"] * (now.lists != before.lists)
    later += ["universes"] * (now.universes != before.universes)
    kept = [name for name in changed if name in (*LIVE, PAIRS) and name in fixed]
    changed = [name for name in changed if name not in kept]
    keys = now.keys if _bound(now) != _bound(before) else None
    alerts = now.alerts if now.alerts != before.alerts else None
    if alerts is not None and "alerts" in desk_only:
        alerts, useless = None, [*(name for name in useless if name != "notify.to"), "alerts"]
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
    if not parts and not later and not kept and not useless:
        return None
    clauses = [f"applied {', '.join(parts)}"] if parts else []
    if later:
        verb = "waits" if later[0] in BY_NAME and len(later) == 1 else "wait"
        clauses.append(f"{', '.join(later)} {verb} for the next start")
    if kept:
        verb, them = ("stays", "it") if len(kept) == 1 else ("stay", "them")
        clauses.append(f"{', '.join(kept)} {verb} as the command line or the environment set {them}")
    if useless:
        verb = "applies" if useless[0] in BY_NAME and len(useless) == 1 else "apply"
        clauses.append(f"{', '.join(useless)} {verb} to a desk of one's own only")
    return Applied(
        f"{now.path.name}: {'; '.join(clauses)}",
        keys=keys,
        theme=_text(screen["screen.theme"]),
        alerts=alerts,
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
    )


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
