"""``figures``, ``explain``, ``levels``, ``episodes`` and ``alerts test`` as a script meets them."""

from __future__ import annotations

import json
import re
from datetime import date

import pytest

from tests.support.tui.files import closes
from tests.support.tui.program import complaint

AT = ("--at", "2024-07-16")


@pytest.fixture
def history(tmp_path):
    folder = tmp_path / "in"
    for symbol, base, step in (("IWM", 200, 7), ("QQQ", 480, 3)):
        closes(folder, symbol, *(base * (1 + ((i * i * step) % 11 - 5) / 200) for i in range(400)))
    return folder


def test_every_figure_is_listed_once_with_unit_and_definition(here):
    listed = json.loads(here.out("figures", "--format", "json"))
    ids = [each["id"] for each in listed]
    assert len(ids) == len(set(ids))
    assert {"iwm.last", "iwm.day_pct", "iwm.return.5", "spread.5.since", "ratio", "fed.next.cut"} <= set(ids)
    assert all({"id", "definition", "unit"} <= each.keys() for each in listed)
    assert "rut.return.5" in here.out("figures", "--pair", "RUT/NDX")


def test_the_figures_of_the_legs_of_the_file_are_listed_too(here, monkeypatch, tmp_path):
    path = tmp_path / "own.toml"
    path.write_text(
        "[desk]\nlegs = ['GLD']\n[groups]\nbanks = ['KBE']\n[watchlists]\nmine = ['AAPL']\n"
        "[[pairs]]\npair = 'XBI/IBB'\n"
    )
    monkeypatch.setenv("ROTATION_TUI_CONFIG", str(path))
    ids = {each["id"] for each in json.loads(here.out("figures", "--format", "json"))}
    assert {f"{symbol}.last" for symbol in ("iwm", "qqq", "gld", "kbe", "aapl", "xbi", "ibb")} <= ids
    assert "dia.last" not in ids


def test_the_figures_agree_with_the_snapshot(here, history):
    taken = here.snapshot("--history", history, *AT)
    doc = json.loads(here.out("explain", "spread.5.pp", "--history", history, *AT, "--format", "json"))
    assert doc["value"] == doc["result"] == taken["spread"]["windows"]["5"]["pp"]
    assert [row["symbol"] for row in doc["inputs"]] == ["IWM", "IWM", "QQQ", "QQQ"]
    text = here.out("explain", "spread.5.percentile", "--history", history, *AT)
    assert "--format json has them all" in text


def test_levels_and_episodes_print_both_forms(here, history):
    stated = json.loads(here.out("levels", "--history", history, *AT, "--format", "json"))
    assert {"figure", "leg", "price", "tick", "at_or_above", "below"} <= stated[0].keys()
    assert {each["leg"] for each in stated} == {"IWM"}
    text = here.out("levels", "--history", history, *AT)
    assert "spread.5.since" in text
    assert re.match(r"IWM [\d.]+ \(\w+, \d+ \w+ \d{4}\), QQQ [\d.]+ \(\w+, ", text)
    answer = json.loads(
        here.out("episodes", "spread.5", "--history", history, *AT, "--horizon", "5", "--format", "json")
    )
    assert list(answer["after"]) == ["5"]
    assert answer["n"] == len(answer["episodes"])
    assert f"{answer['n']} earlier episodes" in here.out("episodes", "spread.5", "--history", history, *AT)


def test_an_alert_s_sessions_are_json_lines(here, history):
    asked = ("alerts", "test", "spread.5.pp > 2", "--since", "2024-01-02", "--history", history)
    lines = [json.loads(line) for line in here.out(*asked, "--format", "json").splitlines()]
    assert lines
    assert all(line.keys() == {"session", "condition", "values"} for line in lines)
    assert all(line["values"]["spread.5.pp"] > 2 for line in lines)
    assert [line["session"] for line in lines] == sorted({line["session"] for line in lines})
    until = lines[1]["session"]
    cut = here.out(*asked, "--until", until, "--format", "json").splitlines()
    assert [json.loads(line)["session"] for line in cut] == [line["session"] for line in lines[:2]]
    assert len(here.out(*asked, "--crossings").splitlines()) <= len(lines)
    assert date.fromisoformat(here.out(*asked).split()[0]) >= date(2024, 1, 2)


def test_more_pairs_have_figures_alerts_and_explanations(here, history):
    asked = ("--pairs", "QQQ/IWM")
    ids = {each["id"] for each in json.loads(here.out("figures", *asked, "--format", "json"))}
    assert "pair.qqq/iwm.spread.5.since" in ids
    name = "pair.QQQ/IWM.spread.5.pp"
    taken = here.snapshot("--history", history, *AT, *asked)
    doc = json.loads(here.out("explain", name, *asked, "--history", history, *AT, "--format", "json"))
    assert doc["value"] == doc["result"] == taken["pairs"]["QQQ/IWM"]["spread"]["windows"]["5"]["pp"]
    test = ("alerts", "test", "--since", "2024-01-02", "--history", history, "--format", "json")
    lines = here.out(*test, f"{name} < -2", *asked).splitlines()
    first = here.out(*test, "spread.5.pp > 2").splitlines()
    sessions = [json.loads(line)["session"] for line in lines]
    assert sessions == [json.loads(line)["session"] for line in first] != []
    for command in (["explain", name], ["alerts", "test", f"{name} > 1", "--since", "2024"]):
        assert "(QQQ/IWM is not one of the desk's pairs" in complaint(here(*command, "--history", history))


def test_the_demo_answers_all_of_them(here):
    for command in (["explain", "spread.5.since"], ["levels"], ["episodes", "spread.5"]):
        assert here.out(*command, "--demo")
    assert here.out("alerts", "test", "record", "--since", "2024", "--demo") is not None


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["explain", "spread.5.pq"], "unknown figure 'spread.5.pq' (did you mean spread.5.pp"),
        (["explain", "xyz.last"], "unknown figure 'xyz.last'"),
        (["episodes", "ratio"], "not a series with a window"),
        (["episodes", "spread.5", "--horizon", "5,x"], "expected numbers of sessions such as 5,20,60"),
        (["episodes", "spread.5", "--horizon", "0"], "--horizon: expected numbers of sessions"),
        (["levels", "--at", "yesterday"], "--at: 'yesterday' is neither a date"),
        (["alerts", "test", "spread.5.pp >", "--since", "2024"], "condition, column 14: expected a number"),
        (["alerts", "test", "--since", "2024"], "name a condition"),
        (["alerts", "test", "record", "--since", "soon"], "'soon' is not a date"),
        (["alerts", "test", "record", "--since", "2024", "--until", "2023"], "is before --since"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_one_line(here, history, command, words):
    assert words in complaint(here(*command, "--history", history))


def test_what_settled_history_cannot_know_is_said(here, history):
    done = here("alerts", "test", "fed.next.cut >= 0.75", "--since", "2024", "--history", history)
    assert (done.returncode, done.stdout) == (0, "")
    assert "fed.next.cut" in done.stderr


def test_imported_settlements_are_the_fed_of_then(here, history, tmp_path):
    """After ``fed import`` a snapshot of the past says its cut, named as the settlement that it is."""
    rows = [(f"ZQ{code}24", price) for code, price in zip("NQUV", (94.67, 94.69, 94.79, 94.94), strict=True)]
    file = tmp_path / "zq.csv"
    lines = "".join(f"2024-07-15,{name},{price}\n" for name, price in rows)
    file.write_text(f"date,contract,settle\n{lines}")
    assert "4 settlements new" in here.out("fed", "import", file)
    taken = here.snapshot("--history", history, "--at", "2024-07-16T10:40-04:00")
    assert "cut on 18 Sep priced at 100 % (settled 15 Jul)" in taken["headline"]
    assert taken["fed"]["engines"]["futures"]["kind"] == "settlement of 15 Jul 2024"
    earlier = here.snapshot("--history", history, "--at", "2024-07-12T10:40-04:00")
    assert earlier["fed"] is None, "not known then"
    file.write_text("date,contract,settle\n2024-07-15,ESU24,1\n")
    refusal = complaint(here("fed", "import", file))
    assert refusal.endswith("zq.csv, line 2: 'ESU24' is not a ZQ contract — write it like ZQU24, SEP 24")


def test_a_snapshot_has_the_story_where_it_is_asked_for(here, history):
    asked = ("--history", history, *AT)
    assert here.snapshot(*asked)["story"] is None
    story = here.snapshot(*asked, "--story")["story"]
    assert story["levels"] == json.loads(here.out("levels", *asked, "--format", "json"))
    assert list(story["episodes"]) == [f"spread.{k}" for k in (1, 5, 20, 60, 252)]
    answer = json.loads(here.out("episodes", "spread.5", *asked, "--format", "json"))
    assert story["episodes"]["spread.5"] == answer


SETTLED = """\
date,contract,settle
2024-07-12,ZQN24,94.67
2024-07-12,ZQQ24,94.69
2024-07-12,ZQU24,94.76
2024-07-12,ZQV24,94.89
2024-07-15,ZQN24,94.67
2024-07-15,ZQQ24,94.69
2024-07-15,ZQU24,94.79
2024-07-15,ZQV24,94.94
"""


def test_more_pairs_have_levels_episodes_and_a_story_of_their_own(here, history):
    with_pair = ("--history", history, *AT, "--pairs", "QQQ/IWM")
    as_first = ("--history", history, *AT, "--pair", "QQQ/IWM")
    own = json.loads(here.out("episodes", "spread.5", *as_first, "--format", "json"))
    named = json.loads(here.out("episodes", "pair.QQQ/IWM.spread.5", *with_pair, "--format", "json"))
    assert named.pop("figure") == "pair.qqq/iwm.spread.5"
    assert own.pop("figure") == "spread.5"
    assert named == own
    assert "QQQ minus IWM afterwards" in here.out("episodes", "pair.qqq/iwm.spread.5", *with_pair)
    levels = json.loads(here.out("levels", *as_first, "--format", "json"))
    assert {each["leg"] for each in levels} == {"QQQ"}
    taken = here.snapshot(*with_pair, "--story", "--lines")
    of_pair = taken["pairs"]["QQQ/IWM"]["story"]
    prefix = "pair.qqq/iwm."
    assert [{**each, "figure": each["figure"].removeprefix(prefix)} for each in of_pair["levels"]] == levels
    assert any(each["figure"].startswith(prefix) for each in of_pair["levels"])
    assert taken["story"]["levels"][0]["leg"] == "IWM"
    assert {"spread.5.pp", f"{prefix}spread.252.pp", "IWM", "QQQ"} <= taken["lines"].keys()
    line = taken["lines"]["spread.5.pp"]
    assert line["n"] == len(line["points"])
    assert line["leads"][0]["value"] == line["high"][1] == max(value for _, value in line["points"])
    plain = here.snapshot("--history", history, *AT)
    assert (plain["story"], plain["lines"], plain["explained"]) == (None, {}, {})


def test_what_is_unknown_says_why(here, history):
    asked = ("explain", "spread.252.z", "--history", history, *AT)
    doc = json.loads(here.out(*asked, "--format", "json"))
    assert (doc["value"], doc["unknown"]) == (
        None,
        "the 252 values before hold fewer than ten windows that do not overlap",
    )
    assert "\nunknown: the 252 values before hold fewer" in here.out(*asked)
    known = json.loads(here.out("explain", "spread.5.pp", "--history", history, *AT, "--format", "json"))
    assert known["unknown"] is None


def test_alerts_and_episodes_have_the_fed_of_then(here, history, tmp_path):
    """A cut in September is 20 bp on the 12th, 25 bp on the 15th: four fifths, then all of it."""
    asked = ("alerts", "test", "fed.2.cut > 0.95", "--since", "2024-07-01", "--history", history)
    done = here(*asked)
    assert (done.returncode, done.stdout) == (0, "")
    assert "no settlements are stored" in done.stderr
    path = tmp_path / "settled.csv"
    path.write_text(SETTLED)
    here.out("fed", "import", path)
    done = here(*asked, "--format", "json", "--until", "2024-07-15")
    assert "by the settlements kept" in done.stderr
    (line,) = map(json.loads, done.stdout.splitlines())
    assert line["session"] == "2024-07-15"
    assert line["values"]["fed.2.cut"] == pytest.approx(1.0, abs=0.02)
    known = {"2024-07-12", "2024-07-15"}
    cuts = {}
    for series in ("spread.1", "spread.5", "iwm.return.1", "qqq.return.1"):
        answer = json.loads(here.out("episodes", series, "--history", history, *AT, "--format", "json"))
        by_day = {each["date"]: each["cut"] for each in answer["episodes"]}
        assert {day for day, cut in by_day.items() if cut is not None} == by_day.keys() & known
        cuts |= {day: by_day[day] for day in by_day.keys() & known}
    assert cuts, "one of them has an episode on these days"
    assert all(0.0 <= cut <= 0.1 for cut in cuts.values()), "of the July meeting, which was next"
