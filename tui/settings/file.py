"""``config.toml`` read and checked. Every error names the file, the line, the key, and what is allowed."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from rotation.alerts.target import AlertSettings
from rotation.desk import WINDOWS, Desk, LegList, PairOptions, Universe, with_usual
from rotation.errors import InputError
from tui.files import read_regular
from tui.settings.lists import GROUPS, WATCHLISTS, lists
from tui.settings.pairs import PAIRS, merged, options, shown_window
from tui.settings.schema import BY_NAME, KEYS, SETTINGS, TABLES
from tui.settings.universes import UNIVERSES, universes
from tui.settings.values import pair as pair_of
from tui.settings.values import pairs as pairs_of
from tui.settings.values import shown
from tui.settings.values import windows as windows_of
from tui.view.keymap import ACTIONS, DEFAULT_KEYS, PRESETS, Keymap, KeymapError

if TYPE_CHECKING:
    import os
    from collections.abc import Set as AbstractSet

SIZE_MAX = 1_000_000
_PRESET = "preset"
NO_ALERTS = AlertSettings()
ALERTS, TARGETS = "alerts", "targets"
WINDOW = "screen.window"
OWN = (KEYS, ALERTS, TARGETS, GROUPS, WATCHLISTS, PAIRS, UNIVERSES)
"""Tables with checks of their own."""


Signature = tuple[int, int, int]
"""When a file was changed last (ns), its bytes, its inode."""


class ConfigError(InputError):
    """A file that cannot be used. ``str()`` is the whole line for a person at this machine."""

    def __init__(self, path: Path, line: int | None, key: str, problem: str) -> None:
        """``line``: None where the mistake has none. ``key``: ``keys.pause``; "" for the file itself."""
        place = f", line {line}" if line else ""
        super().__init__(f"{path}{place}: {problem}")
        self.brief = f"{path.name}{place}: {problem}"
        """For a screen, which has little room and one such file."""
        self.path = path
        self.line = line
        self.key = key
        self.problem = problem


class Config(msgspec.Struct, frozen=True):
    """What a file sets. Without a file nothing is set."""

    path: Path
    exists: bool = False
    signature: Signature | None = None
    """Of the file as it was read; None without one."""
    values: dict[str, Any] = {}
    """Setting's name → value, as its option takes it."""
    lines: dict[str, int] = {}
    """Setting's name (``keys.pause`` too) → its line."""
    keys: Keymap = DEFAULT_KEYS
    preset: str = ""
    """The layout that the file names; "" where it names none."""
    alerts: AlertSettings = NO_ALERTS
    pairs: tuple[PairOptions, ...] = ()
    """What ``[[pairs]]`` say; the pairs themselves are in ``desk.pairs``, too."""
    lists: tuple[LegList, ...] = ()
    """Groups, then watch lists."""
    universes: tuple[Universe, ...] = ()
    unshown: tuple[InputError, ...] = ()
    """The errors of windows that are chosen and are not among those that the file shows."""

    def check_windows(self, fixed: AbstractSet[str] = frozenset()) -> None:
        """Raise InputError for a window that is not shown, unless an option or the environment shows others.

        ``fixed``: settings that one of these has set. The screen then begins with the nearest one shown.
        """
        if self.unshown and "desk.windows" not in fixed:
            raise self.unshown[0]

    def error(self, name: str, message: str) -> InputError:
        """An error of one key, with the file and the line."""
        return _error(self.path, self.lines, name, message)


def read(path: Path) -> Config:
    """Return what this file sets. Raises ConfigError."""
    try:
        raw, state = read_regular(path, SIZE_MAX + 1)
    except OSError as error:
        raise ConfigError(path, None, "", f"cannot be read: {error.strerror or error}") from error
    if len(raw) > SIZE_MAX:
        raise ConfigError(path, None, "", "larger than 1 MB; this is not a configuration file")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError(path, line, "", "not UTF-8; save the file as UTF-8") from error
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(path, None, "", f"not valid TOML: {error}") from error
    # As it was before it was read: what is written meanwhile is a change, then.
    return msgspec.structs.replace(_Reader(path, text).config(tables), signature=signature_of(state))


def signature_of(state: os.stat_result) -> Signature:
    """What another content of the file changes."""
    return state.st_mtime_ns, state.st_size, state.st_ino


class _Reader:
    """One file while it is checked."""

    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        self._lines = _lines(text)

    def config(self, tables: dict[str, Any]) -> Config:
        values: dict[str, Any] = {}
        keys = DEFAULT_KEYS
        for table, given in tables.items():
            if table in OWN and table != KEYS:
                continue
            if table not in TABLES or not isinstance(given, dict):
                self._fail_unknown(table, given)
            if table == KEYS:
                keys = self._keymap(given)
                continue
            values |= {f"{table}.{key}": self._value(table, key, value) for key, value in given.items()}
        windows = windows_of(values.get("desk.windows", WINDOWS))
        unshown: list[InputError] = []
        if WINDOW in values:
            values[WINDOW] = shown_window(
                values[WINDOW], windows, lambda why: self._error(WINDOW, f"{WINDOW}: {why}"), unshown
            )
        pairs = options(tables, windows, self._error, unshown)
        if pairs:
            values["desk.pairs"] = merged(values.get("desk.pairs", ""), pairs, self._error)
            self._lines.setdefault("desk.pairs", self._lines.get(PAIRS, 1))
        named = tables.get(KEYS, {}).get(_PRESET, "")
        own = universes(tables, self._path.parent, self._error)
        grouped = lists(tables, self._error)
        return Config(
            self._path,
            exists=True,
            values=values,
            lines=self._lines,
            keys=keys,
            preset=named,
            alerts=self._alerts(tables, values, own, grouped),
            pairs=pairs,
            lists=grouped,
            universes=own,
            unshown=tuple(unshown),
        )

    def _value(self, table: str, key: str, value: object) -> Any:
        name = f"{table}.{key}"
        if name not in BY_NAME:
            known = [setting.key for setting in SETTINGS if setting.table == table]
            raise self._error(name, f"unknown key {key!r} in [{table}]{_hint(key, known)}")
        try:
            return BY_NAME[name].parse(value)
        except ValueError as error:
            raise self._error(name, f"{name}: {error}") from error

    def _alerts(
        self,
        tables: dict[str, Any],
        values: dict[str, Any],
        own: tuple[Universe, ...],
        grouped: tuple[LegList, ...],
    ) -> AlertSettings:
        if ALERTS not in tables and TARGETS not in tables and "notify.to" not in values:
            return NO_ALERTS
        from tui.settings.alerts import settings  # noqa: PLC0415 - a file without alerts does without the grammar

        to = values.get("notify.to", BY_NAME["notify.to"].default)
        desk = _desk(values, own, grouped)
        return settings(tables.get(ALERTS, []), tables.get(TARGETS, {}), tuple(to), desk, self._error)

    def _fail_unknown(self, table: str, given: object) -> None:
        if table in TABLES:
            raise self._error(table, f"{table} is a table; write [{table}]")
        if isinstance(given, dict):
            raise self._error(table, f"unknown table [{table}]{_hint(table, (*TABLES, *OWN[1:]))}")
        owners = [setting.table for setting in SETTINGS if setting.key == table]
        where = f"; it belongs under [{owners[0]}]" if owners else _hint(table, TABLES)
        raise self._error(table, f"unknown key {table!r} outside of a table{where}")

    def _keymap(self, given: dict[str, Any]) -> Keymap:
        given = dict(given)
        preset = given.pop(_PRESET, "qwerty")
        if preset not in PRESETS:
            raise self._error(
                f"{KEYS}.{_PRESET}",
                f"{KEYS}.{_PRESET}: expected one of {', '.join(PRESETS)}, got {shown(preset)}",
            )
        ids = [action.id for action in ACTIONS]
        bound: dict[str, tuple[str, ...]] = {}
        for action, value in given.items():
            name = f"{KEYS}.{action}"
            if action not in ids:
                raise self._error(name, f"unknown action {action!r} in [{KEYS}]{_hint(action, ids)}")
            names = [value] if isinstance(value, str) else value
            if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
                raise self._error(
                    name, f'{name}: expected a key, a list of keys, or "none", got {shown(value)}'
                )
            bound[action] = () if names == ["none"] else tuple(names)
        try:
            return DEFAULT_KEYS.rebound({**PRESETS[preset], **bound})
        except KeymapError as error:
            # Of two actions with one key the file may name only one: its line is where the mistake is.
            action = error.action if error.action in bound or not error.other else error.other
            raise self._error(f"{KEYS}.{action}", f"{KEYS}.{action}: {error}") from error

    def _error(self, name: str, message: str) -> InputError:
        return _error(self._path, self._lines, name, message)


def _error(path: Path, lines: dict[str, int], name: str, message: str) -> ConfigError:
    # A key of an inline table has no line of its own: that of its table is the nearest.
    line = lines.get(name) or lines.get(name.rpartition(".")[0]) or lines.get(_root(name))
    return ConfigError(path, line, name, message)


def _desk(values: dict[str, Any], own: tuple[Universe, ...], grouped: tuple[LegList, ...]) -> Desk:
    """The desk that these settings make, without what history adds."""
    usual = Desk()
    first = pair_of(values.get("desk.pair", f"{usual.base}/{usual.against}"))
    value, growth = pair_of(values.get("desk.value_growth", f"{usual.value}/{usual.growth}"))
    legs = tuple(values["desk.legs"].split(",")) if values.get("desk.legs") else usual.legs
    benchmark = values.get("desk.benchmark", usual.benchmark)
    if "desk.benchmark" in values and benchmark not in legs:
        legs = (*legs, benchmark)
    pairs = tuple(each for each in pairs_of(values.get("desk.pairs", ())) if each != first)
    more = (symbol for symbols in (*pairs, *(each.symbols for each in grouped)) for symbol in symbols)
    return Desk(
        base=first[0],
        against=first[1],
        legs=tuple(dict.fromkeys((*first, *legs, *more))),
        value=value,
        growth=growth,
        benchmark=benchmark,
        windows=with_usual((*windows_of(values.get("desk.windows", ())), *values.get("screen.returns", ()))),
        pairs=pairs,
        universes=tuple(each.fund for each in own),
    )


def _root(name: str) -> str:
    return re.split(r"[.#]", name, maxsplit=1)[0]


_TABLE = re.compile(r"\s*\[+\s*([^\]]+?)\s*\]+")
_KEY = re.compile(r"""\s*(["']?)([\w.-]+)\1\s*=""", re.ASCII)


def _lines(text: str) -> dict[str, int]:
    """The line of each table and key, which the TOML parser does not tell; the last one of a name counts."""
    lines: dict[str, int] = {}
    repeats: dict[str, int] = {}
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        if match := _TABLE.match(line):
            table = match[1].replace(" ", "").replace('"', "")
            if line.lstrip().startswith("[["):
                # [[alerts]], the third: alerts#2
                repeats[table] = repeats.get(table, -1) + 1
                lines.setdefault(table, number)
                table = f"{table}#{repeats[table]}"
            lines.setdefault(table, number)
        elif match := _KEY.match(line):
            name = f"{table}.{match[2]}" if table else match[2]
            lines[name] = number
    return lines


def _hint(name: str, known: tuple[str, ...] | list[str]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - only an error needs it

    close = get_close_matches(name, known, 1)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(known)}"
