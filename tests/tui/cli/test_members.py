"""Holdings in, breadth and contributions out: equal to a plain recomputation, without network."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING

import polars as pl
import pytest

from rotation.sessions import open_ns, sessions_between
from rotation.sync_report import SyncReport
from tests.support.clock import without_notice
from tui.cli import app, logs
from tui.compose.backend import LocalBackend

if TYPE_CHECKING:
    from pathlib import Path

DAYS = sessions_between(date(2024, 5, 1), date(2024, 7, 16))
SESSION = DAYS[-1]
MEMBERS = {"AAA": (60.0, "Energy", 1.01), "BBB": (30.0, "Financials", 0.98), "MOG.A": (10.0, "Energy", 1.03)}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with closes of the members and the funds, and a holdings file."""
    for name in ("XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setattr(logs, "start", lambda _: None)
    folder = tmp_path / "closes"
    folder.mkdir()
    growth = {symbol: rate for symbol, (_, _, rate) in MEMBERS.items()} | {"IWM": 1.005, "QQQ": 1.001}
    for symbol, rate in growth.items():
        closes = [f"{day},{100 * rate ** (n % 7):.4f}" for n, day in enumerate(DAYS)]
        (folder / f"{symbol}.csv").write_text("date,close\n" + "\n".join(closes) + "\n")
    holdings = [f"{symbol},{sector},{weight}" for symbol, (weight, sector, _) in MEMBERS.items()]
    (tmp_path / "list.csv").write_text("symbol,sector,weight\n" + "\n".join(holdings) + "\n")
    assert run(monkeypatch, "history", "import", str(folder), "--raw") == 0
    return tmp_path


def run(monkeypatch: pytest.MonkeyPatch, *args: str) -> int:
    """The exit code of a command."""
    monkeypatch.setattr("sys.argv", ["rotation-tui", *args])
    return app.run(LocalBackend())


def test_from_a_holdings_file_to_contributions(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(here / "list.csv")
    assert run(monkeypatch, "members", "import", file, "--fund", "iwm") == 2
    assert "give it with --date" in capsys.readouterr().err
    assert run(monkeypatch, "members", "import", file, "--fund", "iwm", "--date", "2024-07-01") == 0
    assert run(monkeypatch, "members", "list") == 0
    assert "IWM   2024-07-01  3 members, 3 with weights (100.0 %)" in capsys.readouterr().out
    assert run(monkeypatch, "contributions", "IWM", "--at", str(SESSION), "--format", "json") == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["membership_date"], report["counted"], report["total"]) == ("2024-07-01", 3, 3)
    for k in (1, 5):
        window = report["windows"][str(k)]
        by_hand = {
            symbol: weight * (close(rate, -1) / close(rate, -1 - k) - 1)
            for symbol, (weight, _, rate) in MEMBERS.items()
        }
        got = {each["symbol"]: each["contribution_pp"] for each in window["members"]}
        assert got == pytest.approx(by_hand)
        energy = next(each for each in window["sectors"] if each["sector"] == "Energy")
        assert energy["contribution_pp"] == pytest.approx(by_hand["AAA"] + by_hand["MOG.A"])
        fund = (close(1.005, -1) / close(1.005, -1 - k) - 1) * 100
        assert window["residual_pp"] == pytest.approx(fund - sum(by_hand.values()))
    assert report["spread"] is None
    assert run(monkeypatch, "contributions", "IWM", "--at", str(SESSION)) == 0
    assert "3 of 3 counted" in capsys.readouterr().out


def close(rate: float, place: int) -> float:
    """As in the files."""
    return round(100 * rate ** (range(len(DAYS))[place] % 7), 4)


def test_a_past_session_has_its_breadth_without_network(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(here / "list.csv")
    assert run(monkeypatch, "members", "import", file, "--fund", "IWM", "--date", "2024-07-01") == 0
    capsys.readouterr()
    assert run(monkeypatch, "snapshot", "--at", str(SESSION), "--format", "json") == 0
    breadth = json.loads(capsys.readouterr().out)["breadth"]["indices"]["IWM"]
    assert (breadth["now"]["session"], breadth["now"]["counted"]) == (str(SESSION), 3)
    assert not breadth["is_provisional"]
    assert run(monkeypatch, "snapshot", "--at", "2024-06-28", "--format", "json") == 0
    assert json.loads(capsys.readouterr().out)["breadth"] is None


def test_beside_many_other_symbols_members_and_named_legs_are_loaded(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a long list stored only what is asked for is read: funds' members are, and legs of one's own."""
    closes = here / "closes"
    for name in (*(f"X{n}" for n in range(20)), "MOG-A"):
        days = (closes / "MOG.A.csv").read_text().splitlines()[1:]
        rows = [f"{day},{day.partition(',')[2]}" for day in days]
        (closes / f"{name}.csv").write_text("\n".join(["date,close,adj_close", *rows]) + "\n")
    (closes / "MOG.A.csv").unlink()
    more = here / "more"
    closes.rename(more)
    monkeypatch.setenv("XDG_DATA_HOME", str(here / "another"))
    assert run(monkeypatch, "history", "import", str(more), "--raw") == 0
    file = str(here / "list.csv")
    assert run(monkeypatch, "members", "import", file, "--fund", "IWM", "--date", "2024-07-01") == 0
    capsys.readouterr()
    own = ("--legs", "X3,X4", "--value-growth", "X5/X6")
    assert run(monkeypatch, "snapshot", "--at", str(SESSION), *own, "--format", "json") == 0
    taken = json.loads(capsys.readouterr().out)
    assert taken["breadth"]["indices"]["IWM"]["now"]["counted"] == len(MEMBERS)
    assert list(taken["legs"]) == ["IWM", "QQQ", "X3", "X4"]
    assert taken["value_growth"] is not None
    assert run(monkeypatch, "contributions", "IWM", "--at", str(SESSION)) == 0
    assert "3 of 3 counted" in capsys.readouterr().out
    # A folder named by hand as well.
    named = ("--history", str(more), "--at", str(SESSION))
    assert run(monkeypatch, "snapshot", *named, *own, "--format", "json") == 0
    by_folder = json.loads(capsys.readouterr().out)
    assert by_folder["breadth"]["indices"]["IWM"]["now"] == taken["breadth"]["indices"]["IWM"]["now"]
    assert list(by_folder["legs"]) == list(taken["legs"])


def test_of_a_renamed_member_the_history_goes_on(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The list has the old name, history the new one."""
    file = here / "list.csv"
    file.write_text(file.read_text().replace("AAA", "OLD"))
    assert run(monkeypatch, "members", "import", str(file), "--fund", "IWM", "--date", "2024-07-01") == 0
    asked = ("snapshot", "--at", str(SESSION), "--format", "json")
    capsys.readouterr()
    assert run(monkeypatch, *asked) == 0
    now = json.loads(capsys.readouterr().out)["breadth"]["indices"]["IWM"]["now"]
    assert (now["counted"], now["total"]) == (2, 3)
    (table,) = here.glob("XDG_DATA_HOME/*/history")
    (table / "renames.csv").write_text("2024-07-10,OLD,AAA\n")
    assert run(monkeypatch, *asked) == 0
    now = json.loads(capsys.readouterr().out)["breadth"]["indices"]["IWM"]["now"]
    assert (now["counted"], now["total"]) == (3, 3)


def test_a_fund_is_a_universe_of_all_that_have_ever_been_members(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []

    def synced(_store: object, symbols: tuple[str, ...], **more: object) -> SyncReport:
        asked.append((symbols, more["universe"]))
        return SyncReport(current=symbols)

    monkeypatch.setattr("feeds.desk.history_run.run", synced)
    earlier = here / "earlier.csv"
    earlier.write_text("symbol\nAAA\nGONE\n")
    for file, day in ((earlier, "2024-06-03"), (here / "list.csv", "2024-07-01")):
        assert run(monkeypatch, "members", "import", str(file), "--fund", "IWM", "--date", day) == 0
    run(monkeypatch, "history", "sync", "SPY", "--universe", "iwm", "--since", "2024-01-02")
    assert asked == [(("SPY", "AAA", "BBB", "GONE", "MOG.A"), None)]
    asked.clear()
    own = here / "own.txt"
    own.write_text("XYZ\n")
    run(monkeypatch, "history", "sync", "--universe", str(own), "--since", "2024-01-02")
    assert asked == [((), own)], "a file goes before a fund"
    capsys.readouterr()


def test_a_fund_without_a_file_is_an_error_that_says_what_to_do(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    del here
    assert run(monkeypatch, "contributions", "IWM", "--at", str(SESSION)) == 2
    assert "members import" in capsys.readouterr().err
    assert run(monkeypatch, "history", "sync", "--universe", "iwm") == 2
    wanted = "no holdings file for IWM is stored, and no file iwm is here — run: rotation-tui members sync"
    assert wanted in capsys.readouterr().err
    assert run(monkeypatch, "history", "sync", "--universe", "list.txt") == 2
    assert "list.txt: cannot be read (No such file or directory)" in capsys.readouterr().err


def test_what_a_download_brought_and_what_failed_are_both_said(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []

    def synced(_store: object, funds: tuple[str, ...], _today: date) -> tuple[list[str], list[str]]:
        asked.append(funds)
        return ["stored  IWM"], [] if funds else ["Invesco: HTTP 403", "Other: HTTP 500"]

    monkeypatch.setattr("feeds.members.sync.run", synced)
    assert run(monkeypatch, "members", "sync", "iwm") == 0
    assert capsys.readouterr().out == "stored  IWM\n"
    assert run(monkeypatch, "members", "sync") not in {0, 2}
    shown = capsys.readouterr()
    assert shown.out == "stored  IWM\n"
    lines = without_notice(shown.err).splitlines()
    assert [line.rpartition(": ")[2] for line in lines][:2] == ["HTTP 403", "HTTP 500"]
    assert asked == [("IWM",), ()]
    assert run(monkeypatch, "members", "sync", "not a fund") == 2
    assert "is not a fund" in capsys.readouterr().err


def configured(here: Path, *lines: str) -> Path:
    """The configuration file with these lines."""
    path = here / "XDG_CONFIG_HOME" / "rotation-tui" / "config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_universe_of_one_s_own_has_breadth_figures_and_contributions(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(here / "list.csv")
    configured(
        here, "[universes.r2k]", f'holdings = "{file}"', 'index = "IWM"', "date = 2024-07-01",
        "[[alerts]]", 'when = "breadth.r2k.share_up > 0.5"',
    )  # fmt: skip
    assert run(monkeypatch, "config", "check") == 0
    assert "1 universe, 1 alert, no error" in capsys.readouterr().out
    assert run(monkeypatch, "snapshot", "--at", str(SESSION), "--format", "json", "--offline") == 0
    index = json.loads(capsys.readouterr().out)["breadth"]["indices"]["R2K"]
    assert (index["now"]["total"], index["now"]["membership_date"]) == (3, "2024-07-01")
    assert run(monkeypatch, "explain", "breadth.r2k.advances", "--at", str(SESSION), "--format", "json") == 0
    assert json.loads(capsys.readouterr().out)["value"] == index["now"]["advances"]
    assert run(monkeypatch, "contributions", "r2k", "--at", str(SESSION), "--format", "json") == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["fund"], report["counted"]) == ("R2K", 3)
    parts = sum(each["contribution_pp"] for each in report["windows"]["1"]["members"])
    fund = (close(1.005, -1) / close(1.005, -2) - 1) * 100
    assert report["windows"]["1"]["residual_pp"] == pytest.approx(fund - parts), "IWM's return"


def test_a_universe_whose_file_is_missing_is_named(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = configured(here, "[universes.r2k]", 'holdings = "none.csv"')
    says = f"universes.r2k: {path.parent / 'none.csv'}: cannot be read (No such file or directory)"
    assert run(monkeypatch, "config", "check") == 2
    assert f"{path}, line 2: {says}" in capsys.readouterr().err
    assert run(monkeypatch, "snapshot", "--offline") == 2
    assert f"rotation-tui: {says}" in capsys.readouterr().err
    assert run(monkeypatch, "snapshot", "--demo") == 0, "the demo does without it"


def test_history_sync_takes_a_universe_by_name(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []
    monkeypatch.setattr(
        LocalBackend, "sync_history", lambda _, symbols, **more: (asked.append(more), SyncReport())[1]
    )
    configured(here, "[universes.r2k]", f'holdings = "{here / "list.csv"}"')
    assert run(monkeypatch, "history", "sync", "--universe", "r2k") == 0
    assert asked[0]["universe"] == here / "list.csv"
    assert run(monkeypatch, "history", "sync", "--universe", "iwm") == 0
    assert str(asked[1]["universe"]) == "iwm", "a fund's members"


def test_windows_of_one_s_own_are_in_the_figures(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    configured(here, "[desk]", "windows = [1, 3]", "[[alerts]]", 'when = "spread.3.pp > 1"')
    assert run(monkeypatch, "snapshot", "--at", str(SESSION), "--format", "json", "--offline") == 0
    shown = json.loads(capsys.readouterr().out)
    assert list(shown["spread"]["windows"]) == ["1", "3", "5", "20", "60", "252"]
    own = (close(1.005, -1) / close(1.005, -4) - 1) * 100
    assert shown["legs"]["IWM"]["return_pct"]["3"] == pytest.approx(own)
    assert run(monkeypatch, "explain", "spread.3.pp", "--at", str(SESSION), "--format", "json") == 0
    explained = json.loads(capsys.readouterr().out)
    assert explained["result"] == pytest.approx(shown["spread"]["windows"]["3"]["pp"])
    assert run(monkeypatch, "snapshot", "--windows", "1,0", "--offline") == 2
    assert "0 is not a number of sessions from 1 to 1,260" in capsys.readouterr().err


PRINTED = {"AAA": 1.04, "BBB": 0.97, "IWM": 1.02, "QQQ": 1.01}
"""Of closes of the session before: what each costs at 10:40. MOG.A has not traded yet."""


@pytest.fixture
def tape(here: Path) -> tuple[str, ...]:
    """A tape of the last session of which closes are stored, up to 10:40, and lists of both funds."""
    at_ns = open_ns(SESSION) + 70 * 60 * 10**9
    rows = {"symbol": list(PRINTED), "ts_ns": [at_ns] * len(PRINTED), "price": list(map(price, PRINTED))}
    pl.DataFrame(rows).write_parquet(here / "tape.parquet")
    (here / "qqq.csv").write_text("symbol,weight,sector\nAAA,25,Energy\n")
    return ("--tape", str(here / "tape.parquet"))


def price(symbol: str) -> float:
    rate = {"IWM": 1.005, "QQQ": 1.001}.get(symbol) or MEMBERS[symbol][2]
    return round(close(rate, -2) * PRINTED[symbol], 4)


def test_contributions_to_today_s_move_and_spread_rest_on_prints_alone(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tape: tuple[str, ...]
) -> None:
    """The closes of that session are stored already; at 10:40 nobody knew them."""
    for file, fund in (("list.csv", "IWM"), ("qqq.csv", "QQQ")):
        named = ("members", "import", str(here / file), "--fund", fund, "--date", "2024-07-01")
        assert run(monkeypatch, *named) == 0
    capsys.readouterr()
    assert run(monkeypatch, "contributions", "IWM", *tape, "--format", "json") == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["session"], report["is_provisional"]) == (str(SESSION), True)
    assert (report["counted"], report["total"]) == (2, 3)
    assert report["status"]["kind"] == "REPLAY"
    for k in (1, 5):
        window = report["windows"][str(k)]
        moves = {
            symbol: (price(symbol) / close(rate, -1 - k) - 1) * 100
            for symbol, rate in (("AAA", 1.01), ("BBB", 0.98), ("IWM", 1.005), ("QQQ", 1.001))
        }
        by_hand = {"AAA": 60 * moves["AAA"] / 100, "BBB": 30 * moves["BBB"] / 100}
        got = {each["symbol"]: each["contribution_pp"] for each in window["members"]}
        assert got == {symbol: pytest.approx(pp) for symbol, pp in by_hand.items()} | {"MOG.A": None}
        assert window["fund_return_pct"] == pytest.approx(moves["IWM"])
        assert window["residual_pp"] == pytest.approx(moves["IWM"] - sum(by_hand.values()))
        spread = report["spread"][str(k)]
        assert spread["spread_pp"] == pytest.approx(moves["IWM"] - moves["QQQ"])
        assert spread["explained_pp"] == pytest.approx(sum(by_hand.values()) - 25 * moves["AAA"] / 100)
        assert spread["residual_pp"] == pytest.approx(spread["spread_pp"] - spread["explained_pp"])
    assert run(monkeypatch, "contributions", "IWM", *tape) == 0
    assert capsys.readouterr().out.splitlines()[:2] == [
        "IWM  2024-07-16  members of 2024-07-01, 2 of 3 counted",
        "provisional, 10:40 New York, REPLAY",
    ]
    assert run(monkeypatch, "contributions", "IWM", "--at", str(SESSION), "--format", "json") == 0
    settled = json.loads(capsys.readouterr().out)
    assert (settled["is_provisional"], settled["counted"]) == (False, 3)


def test_contributions_without_a_counted_member_say_what_is_missing_and_what_to_do(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "other.csv").write_text("symbol,weight\nZZZ,60\nYYY,40\n")
    file = str(here / "other.csv")
    assert run(monkeypatch, "members", "import", file, "--fund", "iwm", "--date", "2024-07-01") == 0
    capsys.readouterr()
    assert run(monkeypatch, "contributions", "IWM") == 0
    head, why = capsys.readouterr().out.splitlines()
    assert head.endswith("members of 2024-07-01, 0 of 2 counted")
    assert why.endswith("run: rotation-tui history sync --universe IWM")
    assert run(monkeypatch, "contributions", "IWM", "--at", "2024-06-28") == 0
    head, why = capsys.readouterr().out.splitlines()
    assert head.endswith("no members known")
    assert why.startswith("no holdings file of IWM is dated on or before this session")
