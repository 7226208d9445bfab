"""Alerts and targets in the configuration file, and an alert added to it."""

from __future__ import annotations

import pytest

from rotation.alerts.rule import Rule
from rotation.alerts.target import Target
from rotation.errors import InputError
from rotation.status import Kind
from tui.settings.added import add_alert
from tui.settings.file import read
from tui.settings.report import template

WHOLE = """\
[notify]
to = ["bell", "phone"]

[[alerts]]
name = "wide"
when = "spread.5.pp > 10"
repeat = "crossing"
hysteresis = 0.5
cool_down_s = 600
any_hour = true
status = ["LIVE"]
to = ["desktop", "log"]

[[alerts]]
when = "iwm.status is STALE"

[targets.phone]
kind = "ntfy"
url = "https://ntfy.example/rotation"

[targets.log]
kind = "command"
command = ["logger", "-t", "rotation"]
timeout_s = 5

[targets.team]
kind = "slack"
"""


def test_a_whole_file(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(WHOLE)
    alerts = read(path).alerts
    assert alerts.rules == (
        Rule(
            id="wide", condition="spread.5.pp > 10", repeat="crossing", hysteresis=0.5, cool_down_s=600.0,
            any_hour=True, kinds=(Kind.LIVE,), to=("desktop", "log"),
        ),
        Rule(id="iwm.status is STALE", condition="iwm.status is STALE", to=("bell", "phone")),
    )  # fmt: skip
    assert alerts.targets == (
        Target(name="phone", kind="ntfy", url="https://ntfy.example/rotation"),
        Target(name="log", kind="command", command=("logger", "-t", "rotation"), timeout_s=5.0),
        Target(name="team", kind="slack"),
    )


@pytest.mark.parametrize(
    "text",
    [
        "[watchlists]\nmine = ['AAPL']\n[[alerts]]\nwhen='aapl.last > 200 and graph.aapl.ratio > 1'\n",
        "[groups]\nbanks = ['KBE']\n[[alerts]]\nwhen='kbe.return.5 > 1 and banks.kbe.5.pp > 1'\n",
        "[[pairs]]\npair = 'XBI/IBB'\n[[alerts]]\nwhen='xbi.last > 1 and pair.xbi/ibb.ratio > 1'\n",
        "[desk]\npairs = ['XBI/IBB']\n[[alerts]]\nwhen='ibb.streak.settled > 1'\n",
        "[desk]\npair = 'XBI/IBB'\nlegs = ['SPY']\n[[alerts]]\nwhen='ibb.streak.settled > 1'\n",
    ],
)
def test_an_alert_may_be_on_every_leg_of_the_file(tmp_path, text):
    """A leg of a group, a watch list or a further pair was an unknown figure, and the whole file refused."""
    path = tmp_path / "config.toml"
    path.write_text(text)
    alerts = read(path).alerts
    assert len(alerts.rules) == 1
    assert alerts.unknown == ()


def test_an_alert_on_a_symbol_that_may_be_stored_is_taken_and_named(tmp_path):
    """Whatever has closes is a leg, which the file alone cannot tell; other figures will never be."""
    path = tmp_path / "config.toml"
    path.write_text("[[alerts]]\nwhen='gld.last > 1 and graph.gld.ratio > 1'\n")
    alerts = read(path).alerts
    assert len(alerts.rules) == 1
    ((name, note),) = alerts.unknown
    assert name == alerts.rules[0].id
    assert note.startswith(f"{path}, line 2: alerts.when: condition, column 1: unknown figure 'gld.last'")
    for wrong in ("foo > 5", "gld.lst > 5", "g/d.last > 5", "breadth.nosuch.share_up > 1"):
        path.write_text(f"[[alerts]]\nwhen='{wrong}'\n")
        with pytest.raises(InputError, match=r"line 2: .*unknown figure"):
            read(path)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("[[alerts]]\nname='a'\n", 1, "alerts.when: expected a condition, such as"),
        ("[[alerts]]\nwhen='spread.5.pp >'\n", 2, "alerts.when: condition, column 14: expected a number"),
        ("[[alerts]]\nwhen='spread.6.pp > 1'\n", 2, "unknown figure 'spread.6.pp' (did you mean"),
        ("[[alerts]]\nwhen=5\n", 2, "alerts.when: expected text, got 5"),
        ("[[alerts]]\nwhen='on_pace'\n[[alerts]]\nwhen='on_pace'\n", 4, "is the name of two alerts"),
        (
            "[[alerts]]\nwhen='on_pace'\n[[alerts]]\nwhen='record'\nrepeat='x'\n",
            5,
            "one of session, crossing",
        ),
        ("[[alerts]]\nwhen='on_pace'\nhysteresis=-1\n", 3, "alerts.hysteresis: expected a number, 0 or more"),
        ("[[alerts]]\nwhen='on_pace'\ncool_down_s=nan\n", 3, "alerts.cool_down_s: expected a number"),
        ("[[alerts]]\nwhen='on_pace'\nany_hour=1\n", 3, "alerts.any_hour: expected true or false, got 1"),
        ("[[alerts]]\nwhen='on_pace'\nstatus=['FINE']\n", 3, "alerts.status: expected a list of LIVE,"),
        ("[[alerts]]\nwhen='on_pace'\nto=['pager']\n", 3, "'pager' is not a target; known: bell, osc9,"),
        ("[[alerts]]\nwhen='on_pace'\nto='bell'\n", 3, "alerts.to: expected a list of texts, got 'bell'"),
        ("[[alerts]]\nwhen='on_pace'\nwho=['bell']\n", 3, "unknown key 'who'; known: name, when,"),
        ("[[alerts]]\nwhen='on_pace'\nname='a\\u001bb'\n", 3, "alerts.name: expected 1 to 60 letters"),
        ("alerts = 5\n", 1, "write [[alerts]] for each alert"),
        ("[alerts]\nwhen='on_pace'\n", 1, "write [[alerts]] for each alert"),
        ("targets = 5\n", 1, "write [targets.NAME] for each target"),
        ("[targets]\nphone=5\n", 2, "targets.phone is a table; write [targets.phone]"),
        ("[targets.bell]\nkind='json'\n", 1, "'bell' cannot be the name of a target"),
        ("[targets.a]\nurl='https://a.example'\n", 1, "targets.a.kind: expected one of json, ntfy,"),
        ("[targets.a]\nkind='json'\nurl='ftp://a'\n", 3, "an address that begins with https://"),
        ("[targets.a]\nkind='json'\nurl='https://me:pw@a/'\n", 3, "without a password in it"),
        ("[targets.a]\nkind='json'\nurl='https://a:99999/'\n", 3, "an address that begins with https://"),
        ("[targets.a]\nkind='json'\nurl='http://a.example'\n", 3, "http:// is for this machine only"),
        ("[targets.a]\nkind='json'\ncommand=['x']\n", 3, 'only kind = "command" has one'),
        ("[targets.a]\nkind='command'\ncommand='rm -rf'\n", 3, "expected a list of texts, got 'rm -rf'"),
        ("[targets.a]\nkind='command'\ncommand=[]\n", 3, "expected the program and its arguments"),
        ("[targets.a]\nkind='command'\n", 1, "expected the program and its arguments"),
        ("[targets.a]\nkind='command'\ncommand=['x']\nurl='y'\n", 4, "a command has no address"),
        ("[targets.a]\nkind='command'\ncommand=['x']\ntimeout_s=0.5e9\n", 4, "0 to 120, got 500000000.0"),
        ("[notify]\nto=['pager']\n", 2, "'pager' is not a target"),
        ("[notify]\nto='bell'\n", 2, "notify.to: expected a list such as"),
    ],
)
def test_every_mistake_is_named_with_its_line(tmp_path, text, line, message):
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(InputError) as error:
        read(path)
    assert str(error.value).startswith(f"{path}, line {line}: ")
    assert message in str(error.value)
    assert "pw" not in str(error.value)


def test_a_figure_of_another_desk_is_no_mistake_of_the_file(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text('[desk]\npair = "XBI/IBB"\n[[alerts]]\nwhen = "xbi.day_pct > 2 and zzzz.last > 1"\n')
    assert read(path).alerts.rules[0].condition == "xbi.day_pct > 2 and zzzz.last > 1"


def test_the_examples_in_the_commented_file_are_right(tmp_path):
    _, _, example = template().partition("# Alerts: ")
    lines = [line[4:] for line in example.splitlines() if line.startswith("#   ")]
    path = tmp_path / "config.toml"
    path.write_text("\n".join(lines))
    alerts = read(path).alerts
    assert [rule.id for rule in alerts.rules] == ["wide"]
    assert [target.name for target in alerts.targets] == ["phone", "log"]


def test_an_alert_is_added_and_every_line_stays(tmp_path):
    path = tmp_path / "sub" / "config.toml"
    rule = add_alert(path, {"when": "spread.5.pp > 10"})
    assert rule.to == ("bell",)
    before = '# mine\n[desk] # here\npair = "IWM/QQQ"   # ü\n[targets.a]\nkind = "json"'
    path.write_text(before)
    path.chmod(0o600)
    name = 'say "hi" \\ back'
    with pytest.raises(InputError, match=r"config\.toml, not changed, line 8: alerts\.name"):
        add_alert(path, {"name": name, "when": "on_pace"})
    assert path.read_text() == before
    rule = add_alert(path, {"name": "x", "when": "iwm.status is STALE", "to": ["a", "bell"]})
    assert rule == read(path).alerts.rules[-1]
    assert path.read_text().startswith(before + "\n\n[[alerts]]\n")
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["config.toml"]


def test_nothing_is_added_to_a_file_with_a_mistake_or_through_a_full_disk(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text("[desk]\npair = 5\n")
    with pytest.raises(InputError, match=r"line 2: desk\.pair"):
        add_alert(path, {"when": "on_pace"})
    folder = tmp_path / "file"
    folder.write_text("")
    with pytest.raises(InputError, match="cannot be"):
        add_alert(folder / "config.toml", {"when": "on_pace"})
