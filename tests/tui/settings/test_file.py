"""The configuration file: what it may say, and what a wrong one is told, with its line."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from pathlib import Path

import pytest

from rotation.desk import Desk
from rotation.errors import InputError
from tui.settings.file import read
from tui.settings.place import is_given, place
from tui.settings.report import settings, template, unknown_variables
from tui.settings.schema import SETTINGS


def written(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "config.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_the_commented_file_sets_nothing(tmp_path) -> None:
    config = read(written(tmp_path, template()))
    assert config.values == {}
    assert {table for table in tomllib.loads(template()) if tomllib.loads(template())[table]} == set()


def test_with_every_line_uncommented_it_sets_every_default(tmp_path) -> None:
    live = re.sub(r"(?m)^# (\w[\w-]*) = ", r"\1 = ", template())
    config = read(written(tmp_path, live))
    assert set(config.values) == {setting.name for setting in SETTINGS}
    assert config.values["desk.pair"] == "IWM/QQQ"
    assert config.values["desk.legs"] == ",".join(Desk().legs)
    assert [action.keys for action in config.keys.actions] == [
        action.keys for action in read(written(tmp_path, "")).keys.actions
    ]


def test_a_whole_file(tmp_path) -> None:
    config = read(
        written(
            tmp_path,
            '[desk]\npair = "xbi/ibb"\nlegs = ["XBI", "ibb", "SPY"]\nreturns = "total"\nleg_gap_s = 30\n'
            "[market]\nclosures = [2025-01-09, \"2025-01-10\"]\n[screen]\ntheme = 'paper'\n"
            '[keys]\npause = "x"\nchart = "none"\ncopy = ["y", "Y"]\n',
        )
    )
    assert config.values == {
        "desk.pair": "XBI/IBB",
        "desk.legs": "XBI,IBB,SPY",
        "desk.returns": "total",
        "desk.leg_gap_s": 30.0,
        "market.closures": (date(2025, 1, 9), date(2025, 1, 10)),
        "screen.theme": "paper",
    }
    assert config.lines["screen.theme"] == 9
    action = config.keys.action_of
    assert [getattr(action(key), "id", None) for key in ("x", "space", "c", "Y", "q")] == [
        "pause", None, None, "copy", "quit",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[desk]\npair = 'IWM'\n", "line 2: desk.pair: expected two different symbols, such as IWM/QQQ"),
        ("[desk]\npair = 5\n", "line 2: desk.pair: expected two different symbols"),
        ("[desk]\npair = 'IWM/..'\n", "line 2: desk.pair: '..' is not a valid symbol"),
        ("[desk]\nlegs = 'É'\n", "line 2: desk.legs: 'É' is not a valid symbol"),
        ("[desk]\nlegs = [1]\n", "line 2: desk.legs: 1 is not a valid symbol"),
        (
            "[desk]\nlegs = {}\n",
            'line 2: desk.legs: expected a list of symbols, such as ["IWM", "QQQ"], got {}',
        ),
        (
            f"[desk]\nlegs = {[f'A{n}' for n in range(17)]}\n",
            "at most 16 legs fit on a screen; 17 are listed",
        ),
        (
            "[desk]\n\n#\nreturn = 'total'\n",
            "line 4: unknown key 'return' in [desk]; did you mean 'returns'",
        ),
        ("[desk]\nreturns = 'gross'\n", "line 2: desk.returns: expected one of price, total, got 'gross'"),
        (
            "[desk]\nleg_gap_s = nan\n",
            "line 2: desk.leg_gap_s: expected a number of seconds, 0 or more",
        ),
        ("[desk]\nleg_gap_s = true\n", "line 2: desk.leg_gap_s: expected a number of seconds"),
        ("[desk]\nleg_gap_s = -1\n", "line 2: desk.leg_gap_s: expected a number of seconds"),
        ("[feeds]\noffline = 'yes'\n", "line 2: feeds.offline: expected true or false, got 'yes'"),
        ("[feeds]\nfeed = 'bloomberg'\n", "line 2: feeds.feed: expected one of auto, yahoo,"),
        ("[feeds]\nfeed = []\n", "line 2: feeds.feed: expected one of auto, yahoo,"),
        ("[feeds]\nfeed = 5\n", "line 2: feeds.feed: expected one of auto, yahoo,"),
        ("[feeds]\nfeed = ['yahoo', 5]\n", "line 2: feeds.feed: expected one of auto, yahoo,"),
        (
            "[feeds]\nfeed = ['demo', 'yahoo']\n",
            "line 2: feeds.feed: demo comes last in the list: after it nothing is tried",
        ),
        (
            "[feeds]\nfeed = ['demo']\n",
            "line 2: feeds.feed: demo stands at the end of a list; rotation-tui demo plays it alone",
        ),
        ("[feeds]\nfeed = ['yahoo', 'auto']\n", "line 2: feeds.feed: auto stands alone, not in a list"),
        ("[feeds]\nfeed = ['nats', 'demo']\n", "line 2: feeds.feed: nats stands alone, not in a list"),
        (
            "[desk]\nwindows = 5\n",
            "line 2: desk.windows: expected a list of sessions, such as [1, 5, 20, 60]",
        ),
        (
            "[desk]\nwindows = [1261]\n",
            "line 2: desk.windows: 1261 is not a number of sessions from 1 to 1,260",
        ),
        ("[desk]\nwindows = [true]\n", "line 2: desk.windows: True is not a number of sessions"),
        ("[desk]\nwindows = [2.5]\n", "line 2: desk.windows: 2.5 is not a number of sessions"),
        (
            "[desk]\nwindows = [1, 2, 3, 4, 5, 6, 7, 8, 9]\n",
            "line 2: desk.windows: at most 8 windows; 9 are listed",
        ),
        (
            "[desk]\nwindows = [1, 10]\n[screen]\nwindow = 5\n",
            "line 4: screen.window: expected one of 1, 10, got 5",
        ),
        (
            "[desk]\nwindows = [1, 10]\n[[pairs]]\npair = 'A/B'\nwindow = 5\n",
            "line 5: pairs.window: expected one of 1, 10, got 5",
        ),
        (
            "[panels]\nwide = 5\n",
            'line 2: panels.wide: expected a list of panels, such as ["legs", "spread"], or two',
        ),
        ("[panels]\nwide = [[], ['fed']]\n", "line 2: panels.wide: expected a list of panels"),
        ("[panels]\nwide = ['legs', ['fed']]\n", "line 2: panels.wide: expected a list of panels"),
        ("[panels]\nwide = [['legs'], ['legs']]\n", "line 2: panels.wide: legs is in it twice"),
        (
            "[panels]\nwide = [['legs'], ['fed'], ['ratio']]\n",
            "line 2: panels.wide: at most 2 columns; 3 are listed",
        ),
        ("[panels]\nnarrow = [['legs'], ['fed']]\n", "line 2: panels.narrow: at most 1 column; 2 are listed"),
        (
            "[panels]\nnormal = ['ticker']\n",
            "line 2: panels.normal: unknown panel 'ticker'; known: legs, spread,",
        ),
        (
            "[panels]\nbroad = ['legs']\n",
            "line 2: unknown key 'broad' in [panels]; known: wide, normal, narrow",
        ),
        (
            "[limits]\nstale_s = nan\n",
            "line 2: limits.stale_s: expected a number of seconds from 1 to 900, got nan",
        ),
        ("[limits]\nstale_s = 901\n", "line 2: limits.stale_s: expected a number of seconds from 1 to 900"),
        ("[limits]\nstale_s = true\n", "line 2: limits.stale_s: expected a number of seconds from 1 to 900"),
        ("[limits]\nstale = 5\n", "line 2: unknown key 'stale' in [limits]; did you mean 'stale_s'?"),
        ("[screen]\ntheme = 'neon'\n", "line 2: screen.theme: expected one of midnight,"),
        ("[market]\nclosures = ['9 Jan']\n", "line 2: market.closures: '9 Jan' is not a date"),
        ("[market]\nclosures = 2025-01-09\n", "line 2: market.closures: expected a list of dates"),
        ("pair = 'IWM/QQQ'\n", "line 1: unknown key 'pair' outside of a table; it belongs under [desk]"),
        ("[desks]\npair = 'IWM/QQQ'\n", "line 1: unknown table [desks]; did you mean 'desk'?"),
        ("desk = 1\n", "line 1: desk is a table; write [desk]"),
        ("[keys]\npaus = 'P'\n", "line 2: unknown action 'paus' in [keys]; did you mean 'pause'?"),
        ("[keys]\npause = 1\n", 'line 2: keys.pause: expected a key, a list of keys, or "none", got 1'),
        (
            "[keys]\npause = 'space bar'\n",
            "line 2: keys.pause: 'space bar' is not a key; write one",
        ),
        ("[keys]\npause = 'ctrl+c'\n", "line 2: keys.pause: ctrl+c always quits"),
        (
            "[keys]\nfocus = ['a', 'b', 'd', 'e', 'f', 'i', 'm', 'n', 'o', 'u']\n",
            "line 2: keys.focus: expected at most 9 keys, one for each panel, got 10",
        ),
        ("[keys]\npreset = 'dvorak'\n", "line 2: keys.preset: expected one of qwerty, qwertz, azerty"),
        ("[keys]\ntheme = 'y'\n", "line 2: keys.theme: key 'y' is bound to both copy and theme"),
        ("[desk\n", "not valid TOML: "),
        (b"[desk]\n# caf\xe9\n", "line 2: not UTF-8"),
        (b"\x00" * 1_000_001, "larger than 1 MB"),
    ],
)
def test_an_error_names_the_file_the_line_and_what_is_allowed(tmp_path, text, expected) -> None:
    path = written(tmp_path, text)
    with pytest.raises(InputError) as caught:
        read(path).check_windows()
    assert str(caught.value).startswith(str(path))
    assert expected in str(caught.value)


def test_a_named_file_must_exist(tmp_path) -> None:
    missing = tmp_path / "no.toml"
    assert is_given({"ROTATION_TUI_CONFIG": str(missing)})
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read(missing)


def test_the_place_follows_the_environment(tmp_path) -> None:
    assert place({"XDG_CONFIG_HOME": str(tmp_path)}) == tmp_path / "rotation-tui" / "config.toml"
    assert place({"ROTATION_TUI_CONFIG": "~/desk.toml"}) == Path("~/desk.toml").expanduser()
    assert not is_given({"XDG_CONFIG_HOME": str(tmp_path)})


def test_every_value_says_where_it_comes_from(tmp_path) -> None:
    path = written(
        tmp_path, '[desk]\npair = "XBI/IBB"\nreturns = "total"\n[keys]\npause = "x"\npreset = "azerty"\n'
    )
    table = settings(read(path), {"ROTATION_TUI_RETURNS": "price", "ROTATION_TUI_FEED": " "})
    origins = {name: (value, origin) for name, value, origin in table}
    assert origins["desk.pair"] == ('"XBI/IBB"', f"{path}:2")
    assert origins["desk.returns"] == ("price", "ROTATION_TUI_RETURNS")
    assert origins["feeds.feed"] == ('"auto"', "default")
    assert origins["keys.pause"] == ("x", f"{path}:5")
    assert origins["keys.preset"] == ("azerty", f"{path}:6")
    assert set(origins) == {setting.name for setting in SETTINGS} | {"keys.pause", "keys.preset"}


def test_an_option_goes_before_the_environment_and_the_file(tmp_path) -> None:
    path = written(tmp_path, '[desk]\npair = "XBI/IBB"\n[limits]\nstale_s = 9\n')
    options = {"pair": ("--pair", ("KRE", "QQQ")), "motion": ("--motion", "off")}
    table = settings(read(path), {"ROTATION_TUI_PAIR": "A/B", "ROTATION_TUI_STALE": "8"}, options)
    shown = {name: (value, origin) for name, value, origin in table}
    assert shown["desk.pair"] == ('"KRE/QQQ"', "--pair")
    assert shown["screen.motion"] == ('"off"', "--motion")
    assert shown["limits.stale_s"] == ("8", "ROTATION_TUI_STALE")
    assert shown["screen.theme"] == ('"midnight"', "default")


def test_every_table_of_one_s_own_says_where_it_comes_from(tmp_path) -> None:
    path = written(
        tmp_path,
        '[[alerts]]\nname = "wide"\nwhen = "spread.5.pp > 10"\n[[alerts]]\nwhen = "on_pace"\n'
        '[targets.phone]\nkind = "ntfy"\nurl = "https://example.com/secret"\n'
        '[groups]\nbanks = ["KRE"]\n[watchlists.mine]\nsymbols = ["AAPL"]\n'
        '[universes.r2k]\nholdings = "r2k.csv"\nindex = "IWM"\n[panels]\nnarrow = ["fed"]\n'
        "[desk]\nwindows = [1, 10]\n[screen]\nreturns = [1]\n",
    )
    shown = {name: (value, origin) for name, value, origin in settings(read(path), {})}
    assert shown["alerts.wide"] == ("spread.5.pp > 10", f"{path}:1")
    assert shown["alerts.on_pace"] == ("on_pace", f"{path}:4")
    assert shown["targets.phone"] == ("ntfy", f"{path}:6")
    assert shown["groups.banks"] == ('["KRE"]', f"{path}:10")
    assert shown["watchlists.mine"] == ('["AAPL"]', f"{path}:11")
    assert shown["universes.r2k.holdings"] == (f'"{tmp_path / "r2k.csv"}"', f"{path}:14")
    assert shown["universes.r2k.index"] == ('"IWM"', f"{path}:15")
    assert shown["panels.narrow"] == ('[["fed"]]', f"{path}:17")
    assert shown["panels.wide"] == ('[["legs", "spread", "ratio"], ["fed", "health"]]', "default")
    assert shown["desk.windows"] == ('"1,10"', f"{path}:19")
    assert shown["screen.returns"] == ("[1]", f"{path}:21")
    assert "secret" not in str(shown)


def test_a_misspelt_variable_is_named() -> None:
    given = dict.fromkeys(
        ("ROTATION_TUI_PAIR", "ROTATION_TUI_PIAR", "ROTATION_TUI_YAHOO_REST_URL", "PATH", "ROTATION_TUI_NOW"),
        "x",
    )
    given |= dict.fromkeys(
        ("ROTATION_TUI_ALPCA_KEY", "ROTATION_TUI_ALPACA_KEY", "ROTATION_TUI_TARGET_PHONE_SECRET",
         "ROTATION_TUI_THEME_URL", "ROTATION_TUI_FED_AGE_GAP", "ROTATION_TUI_SPEED"), "x",
    )  # fmt: skip
    assert unknown_variables(given) == [
        "ROTATION_TUI_ALPCA_KEY", "ROTATION_TUI_PIAR", "ROTATION_TUI_SPEED", "ROTATION_TUI_THEME_URL",
    ]  # fmt: skip
