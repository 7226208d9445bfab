"""Every option of the file changes the run that it is meant for, and a wrong value says file, line, key and
what is allowed. An option that is in the schema and not here fails."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from rotation import sessions
from rotation.alerts.target import AlertSettings
from rotation.desk import LegList, PairOptions
from rotation.errors import InputError
from rotation.status import Kind
from tui.cli import app as command_line
from tui.cli import logs
from tui.screen import terminal
from tui.settings.alerts import ALERT_KEYS, TARGET_KEYS
from tui.settings.file import OWN, read
from tui.settings.lists import GROUPS, WATCHLISTS
from tui.settings.pairs import PAIR_KEYS
from tui.settings.schema import KEYS, SETTINGS
from tui.settings.universes import UNIVERSE_KEYS
from tui.view.keymap import ACTIONS, ALWAYS_QUITS
from tui.wanted import Wanted

SYMBOLS = "expected two different symbols, such as IWM/QQQ or RUT/NDX, got 5"
SECONDS = "expected a number of seconds, 0 or more, got -1"
FLAG = "expected true or false, got 'yes'"

CHANGES: dict[str, tuple[str, str, Any, str, str]] = {
    # option: (a value, what of the run it changes, what that is then, a wrong value, what is said of it)
    "desk.pair": ('"XBI/IBB"', "pair", ("XBI", "IBB"), "5", SYMBOLS),
    "desk.pairs": (
        '["IWN/IVW"]', "pairs", (("IWN", "IVW"),), "{}",
        'expected a list of pairs, such as ["IWN/IVW", "XBI/IBB"], got {}',
    ),
    "desk.legs": (
        '["SPY", "KRE"]', "legs", ("SPY", "KRE"), "{}",
        'expected a list of symbols, such as ["IWM", "QQQ"], got {}',
    ),
    "desk.value_growth": ('"RPV/RPG"', "value_growth", ("RPV", "RPG"), "5", SYMBOLS),
    "desk.benchmark": (
        '"IJR"', "benchmark", "IJR", "5", "5 is not a valid symbol (1 to 15 of A-Z 0-9 . ^ = -)",
    ),
    "desk.returns": ('"total"', "returns", "total", '"x"', "expected one of price, total, got 'x'"),
    "desk.leg_gap_s": ("5", "leg_gap_s", 5.0, "-1", SECONDS),
    "desk.windows": (
        "[20, 1, 3]", "view.windows", (1, 3, 20), "[]",
        "expected a list of sessions, such as [1, 5, 20, 60], got []",
    ),
    "limits.stale_s": ("10", "stale_s", 10.0, "0", "expected a number of seconds from 1 to 900, got 0"),
    "feeds.feed": (
        '["alpaca", "yahoo", "demo"]', "feed", "alpaca,yahoo,demo", '["yahoo", "x"]',
        "expected one of auto, yahoo, alpaca",
    ),
    "feeds.nats": (
        '"nats://127.0.0.1:4222"', "nats", "nats://127.0.0.1:4222", '"a b"',
        "expected an address such as nats://127.0.0.1:4222, got 'a b'",
    ),
    "feeds.offline": ("true", "offline", True, '"yes"', FLAG),
    "feeds.members": ("true", "ask_members", True, '"yes"', FLAG),
    "feeds.demo_when_empty": ("false", "unasked_demo", False, '"yes"', FLAG),
    "screen.theme": ('"paper"', "view.theme", "paper", '"neon"', "expected one of midnight"),
    "screen.glyphs": ('"ascii"', "view.ascii", True, '"x"', "expected one of auto, unicode, ascii, got 'x'"),
    "screen.motion": ('"off"', "view.motion", False, '"x"', "expected one of auto, on, off, none, got 'x'"),
    "screen.window": ("20", "view.window", 20, "7", "expected one of 1, 5, 20, 60, 252, got 7"),
    "screen.returns": (
        "[5, 1]", "view.returns", (1, 5), "[0]", "0 is not a number of sessions from 1 to 1,260",
    ),
    "panels.wide": (
        '[["spread"], ["fed", "legs"]]', "view.panels.wide", (("spread",), ("fed", "legs")), '["leg"]',
        "unknown panel 'leg'; did you mean 'legs'?",
    ),
    "panels.normal": (
        '["spread", "events"]', "view.panels.normal", (("spread", "events"),), '["legs", "legs"]',
        "legs is in it twice",
    ),
    "panels.narrow": (
        '["spread", "ratio"]', "view.panels.narrow", (("spread", "ratio"),), "[]",
        'expected a list of panels, such as ["legs", "spread"], got []',
    ),
    "export.folder": ('"~/desk"', "folder", "~/desk", "5", "expected the name of a folder, got 5"),
    "notify.to": (
        '["osc9"]', "alerts.rules.0.to", ("osc9",), '"bell"',
        "expected a list such as [\"bell\", \"desktop\"], got 'bell'",
    ),
    "log.level": ('"debug"', "level", "debug", '"x"', "expected one of debug, info, warning, error, got 'x'"),
    "market.closures": (
        "[2025-01-09]", "closures", (dt.date(2025, 1, 9),), "5",
        "expected a list of dates, such as [2025-01-09], got 5",
    ),
}  # fmt: skip
OF_PAIRS: dict[str, tuple[str, Any, str, str]] = {
    "pair": ('"KRE/QQQ"', "KRE/QQQ", '"KRE"', "expected two different symbols"),
    "name": ('"Banks"', "Banks", '"a\\tb"', "expected 1 to 40 letters, digits and spaces, got"),
    "window": ("20", 20, "7", "expected one of 1, 5, 20, 60, 252, got 7"),
    "leg_gap_s": ("120", 120.0, "-1", "expected a number, 0 or more, got -1"),
}
OF_UNIVERSES: dict[str, tuple[str, Any, str, str]] = {
    "holdings": (
        '"lists/r2k.csv"',
        "lists/r2k.csv",
        '""',
        'expected the path of a file, such as "r2k.csv", got',
    ),
    "index": ('"iwm"', "IWM", "5", "5 is not a valid symbol"),
    "weights": ('"Wgt"', "Wgt", "5", "expected text, got 5"),
    "sectors": ('"GICS"', "GICS", '" "', 'expected the heading of a column, such as "Weight (%)"'),
    "date": (
        "2026-11-20",
        dt.date(2026, 11, 20),
        '"20 Nov"',
        "expected a day, such as 2026-11-20, got '20 Nov'",
    ),
}
OF_ALERTS: dict[str, tuple[str, Any, str, str]] = {
    "name": ('"wide"', "wide", '""', "expected 1 to 60 letters, digits and spaces, got ''"),
    "when": ('"record"', "record", '"record and"', "condition, column 11: expected a figure, got the end"),
    "repeat": ('"crossing"', "crossing", '"x"', "expected one of session, crossing, once, got 'x'"),
    "hysteresis": ("0.5", 0.5, "-1", "expected a number, 0 or more, got -1"),
    "cool_down_s": ("600", 600.0, '"x"', "expected a number, 0 or more, got 'x'"),
    "any_hour": ("true", True, '"yes"', FLAG),
    "status": ('["LIVE"]', (Kind.LIVE,), '["FINE"]', "expected a list of LIVE, CLOSED"),
    "to": (
        '["desktop"]', ("desktop",), '["fax"]',
        "'fax' is not a target; known: bell, osc9, osc777, desktop",
    ),
}  # fmt: skip
ATTRIBUTES = {"name": "id", "when": "condition", "status": "kinds"}
"""Options of an alert, and of a pair, that have another name in the program."""
OF_TARGETS: dict[str, tuple[str, Any, str, str]] = {
    "kind": ('"slack"', "slack", '"fax"', "expected one of json, ntfy, slack, discord, command, got 'fax'"),
    "url": (
        '"https://example.com/x"', "https://example.com/x", '"ftp://x"',
        "expected an address that begins with https://",
    ),
    "command": ('["logger"]', ("logger",), '"logger"', "expected a list of texts, got 'logger'"),
    "timeout_s": ("5", 5.0, "500", "expected a number, 0 to 120, got 500"),
}  # fmt: skip
ALERT = '[[alerts]]\nwhen = "on_pace"\n'


class Seen:
    """A program behind the command line that notes what it is asked for."""

    def __init__(self) -> None:
        self.wanted = Wanted()
        self.view: Any = None
        self.folder = ""
        self.level = ""
        self.closures: tuple[dt.date, ...] = ()

    def notices(self) -> list[str]:
        return []

    def open(self, wanted: Wanted) -> None:
        self.wanted = wanted

    def export(self, folder: str, name: str, data: bytes) -> Path:
        self.folder = folder
        return Path(folder, name)

    def get(self, path: str) -> Any:
        first, *rest = path.split(".")
        value = getattr(self, first) if hasattr(self, first) else getattr(self.wanted, first)
        for part in rest:
            value = value[int(part)] if part.isdigit() else getattr(value, part)
        return value


@pytest.fixture
def run(tmp_path, monkeypatch):
    """The screen's run with a file of this text, up to where it would open."""

    def of(text: str) -> Seen:
        seen = Seen()
        path = tmp_path / "config.toml"
        path.write_text(text, "utf-8")
        for setting in SETTINGS:
            if setting.env:
                monkeypatch.delenv(setting.env, raising=False)
        monkeypatch.setenv("ROTATION_TUI_CONFIG", str(path))
        monkeypatch.setattr(sessions, "add_closures", lambda days: setattr(seen, "closures", tuple(days)))
        monkeypatch.setattr(logs, "start", lambda level: setattr(seen, "level", level))
        for stream in ("stdin", "stdout", "stderr"):
            monkeypatch.setattr(f"sys.{stream}.isatty", lambda: True)

        def opened(app: Any) -> int:
            seen.view = app.view
            app._open_desk()
            app._export._write("x", b"")
            return 0

        monkeypatch.setattr(terminal, "run", opened)
        command_line.cli.main([], standalone_mode=False, obj=seen, prog_name="rotation-tui")
        return seen

    return of


def refusal(tmp_path: Path, text: str) -> str:
    path = tmp_path / "wrong.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(InputError) as caught:
        read(path).check_windows()
    return str(caught.value).removeprefix(str(path))


def test_every_option_of_the_schema_is_here():
    assert list(CHANGES) == [setting.name for setting in SETTINGS]
    assert tuple(OF_PAIRS) == PAIR_KEYS
    assert tuple(OF_ALERTS) == ALERT_KEYS
    assert tuple(OF_TARGETS) == TARGET_KEYS
    assert tuple(OF_UNIVERSES) == UNIVERSE_KEYS
    assert OWN == (KEYS, "alerts", "targets", GROUPS, WATCHLISTS, "pairs", "universes")


@pytest.mark.parametrize("name", CHANGES)
def test_a_setting_changes_the_run(name, run):
    value, path, expected, _, _ = CHANGES[name]
    table, _, key = name.partition(".")
    plain = run(ALERT)
    assert plain.get(path) != expected, "the default would show nothing"
    assert run(f"[{table}]\n{key} = {value}\n{ALERT}").get(path) == expected


@pytest.mark.parametrize("name", CHANGES)
def test_a_wrong_setting_is_told(name, tmp_path):
    *_, wrong, says = CHANGES[name]
    table, _, key = name.partition(".")
    got = refusal(tmp_path, f"# a desk\n[{table}]\n\n{key} = {wrong}\n")
    assert got.startswith(f", line 4: {name}: {says}")


@pytest.mark.parametrize("key", PAIR_KEYS)
def test_an_option_of_a_pair_changes_the_run(key, run, tmp_path):
    value, expected, wrong, says = OF_PAIRS[key]
    first = "" if key == "pair" else 'pair = "KRE/QQQ"\n'
    seen = run(f'[desk]\npairs = ["IWN/IVW"]\n[[pairs]]\n{first}{key} = {value}\n')
    assert seen.wanted.pairs == (("IWN", "IVW"), ("KRE", "QQQ"))
    attribute = {"name": "title"}.get(key, key)
    assert getattr(PairOptions("A/B"), attribute) != expected
    for options in (seen.wanted.pair_options, seen.view.pair_options):
        assert getattr(options[0], attribute) == expected
    got = refusal(tmp_path, f"[[pairs]]\n{first}{key} = {wrong}\n")
    assert got.startswith(f", line {3 if first else 2}: pairs.{key}: {says}")


@pytest.mark.parametrize("key", UNIVERSE_KEYS)
def test_an_option_of_a_universe_changes_the_run(key, run, tmp_path):
    value, expected, wrong, says = OF_UNIVERSES[key]
    first = "" if key == "holdings" else 'holdings = "r2k.csv"\n'
    seen = run(f"[universes.r2k]\n{first}{key} = {value}\n")
    got = getattr(seen.wanted.universes[0], key)
    assert got == (str(tmp_path / expected) if key == "holdings" else expected)
    assert seen.wanted.universes[0].fund == "R2K"
    got = refusal(tmp_path, f"[universes.r2k]\n{first}{key} = {wrong}\n")
    assert got.startswith(f", line {3 if first else 2}: universes.r2k.{key}: {says}")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("universes = 5\n", ", line 1: write [universes.NAME] for each universe"),
        ("[universes]\nr2k = 5\n", ", line 2: universes.r2k is a table; write [universes.r2k]"),
        ("[universes.r-2]\n", ", line 1: 'r-2' cannot be the name of a universe (1 to 10 letters and digits"),
        ("[universes.a]\nfile = 'x'\n", ", line 2: unknown key 'file'; known: holdings, index"),
        ("[universes.a]\n", ", line 1: universes.a.holdings: expected the path of a file"),
        (
            "[universes.a]\nholdings = 'x'\n[universes.A]\nholdings = 'y'\n",
            ", line 3: 'A' and 'a' are one name: capitals do not count",
        ),
        (
            "".join(f"[universes.u{n}]\nholdings = 'x'\n" for n in range(9)),
            ", line 17: at most 8 universes; 9 are listed",
        ),
    ],
)
def test_a_wrong_universe_is_told(text, says, tmp_path):
    assert refusal(tmp_path, text).startswith(says)


@pytest.mark.parametrize("key", ALERT_KEYS)
def test_an_option_of_an_alert_changes_the_run(key, run, tmp_path):
    value, expected, wrong, says = OF_ALERTS[key]
    first = "" if key == "when" else 'when = "on_pace"\n'
    attribute = ATTRIBUTES.get(key, key)
    assert getattr(run(ALERT).wanted.alerts.rules[0], attribute) != expected
    seen = run(f"[[alerts]]\n{first}{key} = {value}\n")
    assert getattr(seen.wanted.alerts.rules[0], attribute) == expected
    got = refusal(tmp_path, f"[[alerts]]\n{first}{key} = {wrong}\n")
    assert got.startswith(f", line {3 if first else 2}: ")
    assert says in got


@pytest.mark.parametrize("key", TARGET_KEYS)
def test_an_option_of_a_target_changes_the_run(key, run, tmp_path):
    value, expected, wrong, says = OF_TARGETS[key]
    first = {"kind": "", "command": 'kind = "command"\n'}.get(key, 'kind = "json"\n')
    seen = run(f"[targets.phone]\n{first}{key} = {value}\n")
    assert getattr(seen.wanted.alerts.targets[0], key) == expected
    got = refusal(tmp_path, f"[targets.phone]\n{first}{key} = {wrong}\n")
    assert got.startswith(f", line {3 if first else 2}: targets.phone.{key}: ")
    assert says in got


@pytest.mark.parametrize(("table", "is_watchlist"), [(GROUPS, False), (WATCHLISTS, True)])
def test_a_list_changes_the_run(table, is_watchlist, run, tmp_path):
    seen = run(f'[{table}]\nbanks = ["KRE", "KBE"]\n')
    assert seen.wanted.lists == (LegList("banks", ("KRE", "KBE"), is_watchlist=is_watchlist),)
    assert seen.view.lists == (("banks",) if is_watchlist else ())
    got = refusal(tmp_path, f"[{table}]\nbanks = 5\n")
    assert got == f', line 2: {table}.banks: expected a list of symbols, such as ["KRE", "KBE"], got 5'


@pytest.mark.parametrize("action", [action.id for action in ACTIONS])
def test_a_key_of_one_s_own_is_bound(action, run, tmp_path):
    seen = run(f'[keys]\n{action} = "f24"\n')
    bound = seen.view.keys.action_of("f24")
    assert bound.id == action
    assert set(bound.keys) - {ALWAYS_QUITS} == {"f24"}
    for key in next(each for each in ACTIONS if each.id == action).keys:
        assert key == ALWAYS_QUITS or seen.view.keys.action_of(key) is None
    other = "quit" if action != "quit" else "help"
    taken = "q" if action != "quit" else "?"
    got = refusal(tmp_path, f'[keys]\n{action} = "{taken}"\n')
    assert got.startswith(f", line 2: keys.{action}: key '{taken}' is bound to both ")
    assert other in got
    assert action in got
    assert refusal(tmp_path, f"[keys]\n{action} = 5\n") == (
        f', line 2: keys.{action}: expected a key, a list of keys, or "none", got 5'
    )


def test_a_preset_is_bound(run, tmp_path):
    assert run('[keys]\npreset = "qwertz"\n').view.keys.action_of("ö").id == "shorter"
    got = refusal(tmp_path, '[keys]\npreset = "dvorak"\n')
    assert got == ", line 2: keys.preset: expected one of qwerty, qwertz, azerty, got 'dvorak'"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "pairs = 5\n",
            ', line 1: write [[pairs]] for each pair; a plain list, pairs = ["A/B"], belongs under [desk]',
        ),
        ('[[pairs]]\nname = "x"\n', ', line 1: pairs.pair: expected two symbols, such as "XBI/IBB"'),
        (
            '[[pairs]]\npair = "A/B"\n[[pairs]]\npair = "a/b"\n',
            ", line 4: pairs.pair: A/B is in two [[pairs]] tables",
        ),
        ('[[pairs]]\npair = "A/B"\nnaem = "x"\n', ", line 3: unknown key 'naem'; did you mean 'name'?"),
        (
            f'[desk]\npairs = {[f"A{n}/B" for n in range(8)]}\n[[pairs]]\npair = "A/C"\n',
            ", line 3: at most 8 more pairs; 9 are listed",
        ),
    ],
)  # fmt: skip
def test_a_wrong_table_of_pairs_is_told(text, says, tmp_path):
    assert refusal(tmp_path, text) == says


def test_no_file_is_no_alert(run):
    assert run("").wanted.alerts == AlertSettings()
