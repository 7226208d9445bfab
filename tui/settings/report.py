"""What a configuration amounts to, for the person: the commented file, and where values come from."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from tui.settings.lists import GROUPS, WATCHLISTS
from tui.settings.pairs import PAIRS
from tui.settings.place import PLACE
from tui.settings.schema import KEYS, SETTINGS, TABLES
from tui.settings.universes import UNIVERSE_KEYS, UNIVERSES
from tui.view.keymap import ACTIONS, PRESETS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tui.settings.file import Config

_HEAD = """\
# rotation-tui: settings for every run. All are optional; a line that begins with # sets nothing.
# An option on the command line overrides the environment, which overrides this file.
# Check it with: rotation-tui config check
"""
_KEYS_HEAD = f"""\
# Keys by action; "none" unbinds one, and ? on the screen shows what is bound. preset: {", ".join(PRESETS)}
# (qwertz and azerty bind the windows to keys that need no AltGr).
# preset = "qwerty"
"""
_ALERTS = """
# Alerts: conditions on figures (rotation-tui figures lists them), and whom to notify (docs/alerts.md).
#
#   [[alerts]]
#   name = "wide"
#   when = "spread.5.pp > 10"
#   repeat = "session"               # or crossing, once
#   hysteresis = 0.5                 # for a crossing, in the figure's unit
#   cool_down_s = 600
#   any_hour = false                 # true: outside the regular session, too
#   status = ["LIVE", "DELAYED"]     # statuses that today's prices may have
#   to = ["bell", "desktop", "phone"]
#
#   [targets.phone]
#   kind = "ntfy"                    # or slack, discord, json, command
#   url = "https://ntfy.sh/my-topic" # or keep it secret: rotation-tui config key set target.phone
#
#   [targets.log]
#   kind = "command"
#   command = ["logger", "-t", "rotation"]   # no shell; gets JSON on stdin
"""
_LISTS = """
# Groups of legs, each under its name, and watch lists, which w shows instead of them.
#
#   [groups]
#   banks = ["KRE", "KBE"]
#
#   [watchlists]
#   mine = ["AAPL", "BRK-B"]
"""
_PAIRS = """
# More pairs with options of their own; those without any can stand in desk.pairs.
#
#   [[pairs]]
#   pair = "XBI/IBB"
#   name = "Biotech, equal against cap weight"
#   window = 20                      # the window the screen turns to with it: one of desk.windows
#   leg_gap_s = 120                  # instead of desk.leg_gap_s
"""
_UNIVERSES = """
# Universes: lists of shares of your own, of which breadth is counted (breadth.r2k.share_up and so on).
#
#   [universes.r2k]
#   holdings = "russell2000.csv"     # beside this file: a fund's export, or one symbol a line
#   index = "IWM"                    # whose move its members make, for contributions
#   weights = "Weight (%)"           # headings, where they are not the usual ones
#   sectors = "Sector"
#   date = 2026-11-20                # of a file that does not name its day
"""
_OTHERS = frozenset({PLACE, "ROTATION_TUI_NOW", "ROTATION_TUI_USER_AGENT", "ROTATION_TUI_ALLOW_INSECURE"})
_FAMILIES = re.compile(
    r"ROTATION_TUI_("
    r"(ALPACA|MASSIVE|FINNHUB|STOOQ|TIINGO|DATABENTO)_KEY|ALPACA_SECRET|FED_AGE_GAP|TARGET_[A-Z0-9_]+_SECRET"
    r"|[A-Z]+_(REST|STREAM)_URL)"
)
"""Variables that others of our modules read: vendors' keys and addresses, secrets of targets."""


def template() -> str:
    """Return a commented file with every setting at its default. It sets nothing until a line is changed."""
    parts = [_HEAD]
    for table in TABLES:
        parts.append(f"\n[{table}]\n")
        if table == KEYS:
            parts.append(_KEYS_HEAD)
            parts += [
                f"# {action.id} = {_written(list(action.keys))}  # {action.says}\n" for action in ACTIONS
            ]
        for setting in SETTINGS:
            if setting.table == table:
                parts.append(f"# {setting.says}\n# {setting.key} = {_written(setting.default)}\n")
    return "".join([*parts, _PAIRS, _ALERTS, _LISTS, _UNIVERSES])


def settings(
    config: Config, environ: Mapping[str, str], options: Mapping[str, tuple[str, Any]] | None = None
) -> list[tuple[str, str, str]]:
    """Return name, value and origin of every setting, as a run with these options has them.

    ``options``: those that were given, by the name of their parameter: the option and its value.

    A variable of the environment is shown as it is set: whether it can be used is its option's to say.
    """
    table = []
    for setting in SETTINGS:
        value, origin = _written(setting.default), "default"
        if setting.name in config.values:
            value, origin = _shown(config.values[setting.name]), f"{config.path}:{config.lines[setting.name]}"
        if environ.get(setting.env, "").strip():
            value, origin = environ[setting.env].strip(), setting.env
        if options and setting.option in options:
            origin, chosen = options[setting.option]
            is_pair = isinstance(setting.default, str) and isinstance(chosen, tuple)
            value = _shown("/".join(chosen) if is_pair else chosen)
        table.append((setting.name, value, origin))
    return [*table, *_tables(config), *_named(config), *_keys(config)]


def _tables(config: Config) -> Iterator[tuple[str, str, str]]:
    """The keys of further pairs and of universes."""
    for number, each in enumerate(config.pairs):
        own = {"name": each.title, "window": each.window, "leg_gap_s": each.leg_gap_s}
        for key, given in own.items():
            if line := config.lines.get(f"{PAIRS}#{number}.{key}"):
                yield f"{PAIRS}.{each.pair}.{key}", _written(given), f"{config.path}:{line}"
    for universe in config.universes:
        for key in UNIVERSE_KEYS:
            place = f"{UNIVERSES}.{universe.name}.{key}"
            if line := config.lines.get(place):
                yield place, _written(getattr(universe, key)), f"{config.path}:{line}"


def _keys(config: Config) -> Iterator[tuple[str, str, str]]:
    if config.preset:
        yield f"{KEYS}.preset", config.preset, f"{config.path}:{config.lines[f'{KEYS}.preset']}"
    for action in config.keys.actions:
        if line := config.lines.get(f"{KEYS}.{action.id}"):
            yield f"{KEYS}.{action.id}", " ".join(action.keys) or "none", f"{config.path}:{line}"


def _named(config: Config) -> list[tuple[str, str, str]]:
    """Groups, watch lists, alerts, and of targets the kind alone: an address may be a secret."""
    rows: list[tuple[str, str, str]] = []
    for each in config.lists:
        place = f"{WATCHLISTS if each.is_watchlist else GROUPS}.{each.name}"
        rows.append((place, _written(list(each.symbols)), place))
    rows += [
        (f"alerts.{rule.id}", rule.condition, f"alerts#{number}")
        for number, rule in enumerate(config.alerts.rules)
    ]
    rows += [
        (f"targets.{target.name}", target.kind, f"targets.{target.name}") for target in config.alerts.targets
    ]
    return [(name, value, f"{config.path}:{_line(config, place)}") for name, value, place in rows]


def _line(config: Config, place: str) -> int:
    """That of the place, else of the key or the table that it stands in."""
    table = place.partition(".")[0].partition("#")[0]
    known = map(config.lines.get, (place, f"{place}.symbols", f"{place}.when", table))
    return next((line for line in known if line), 1)


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """Return variables with our prefix that nothing reads: a misspelt one changes nothing, silently."""
    known = {setting.env for setting in SETTINGS} | _OTHERS
    return sorted(
        name
        for name in environ
        if name.startswith("ROTATION_TUI_") and name not in known and not _FAMILIES.fullmatch(name)
    )


def _shown(value: Any) -> str:
    return _written(_as_list(value))


def _as_list(value: Any) -> Any:
    return [_as_list(item) for item in value] if isinstance(value, tuple) else value


def _written(value: Any) -> str:
    """As it stands in a TOML file; of what settings hold, JSON writes the same."""
    if isinstance(value, list):
        return f"[{', '.join(map(_written, value))}]"
    return msgspec.json.encode(value).decode()
