"""``history sync`` as a person runs it: Alpaca's pages, the order of sources, the universe, refusals."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from contextlib import asynccontextmanager
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from feeds.clock import wall_ns
from feeds.desk import history_sources
from feeds.desk.history_run import run
from feeds.desk.history_sources import open_sources
from feeds.errors import InputError, SourceAway
from feeds.history.store import HistoryStore
from feeds.history.universe import read_universe
from feeds.http.client import HttpClient
from feeds.vendors.alpaca.daily import AlpacaDaily
from feeds.vendors.alpaca.keys import AlpacaKeys
from feeds.vendors.alpaca.rest import AlpacaRest
from feeds.vendors.yahoo import daily as yahoo_chart
from rotation.sessions import last_closed, sessions_between
from tests.support import clock
from tests.support.paths import ROOT
from tests.support.servers.history import Market, made
from tests.support.servers.rest import Reply, RestServer, fault, ok
from tests.support.sync_world import DAYS, SINCE, World, ny, share

if TYPE_CHECKING:
    from pathlib import Path

KEYS = AlpacaKeys("AKTEST", "SECRET-OF-ALPACA")


@asynccontextmanager
async def alpaca(server: RestServer, now_ns: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ROTATION_TUI_ALPACA_REST_URL", server.url)
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    def clock_ns() -> int:
        return now_ns + int(sum(slept) * 1e9)

    async with HttpClient(clock_ns=clock_ns, monotonic=lambda: sum(slept), sleep=sleep) as client:
        rest = AlpacaRest(KEYS, client, clock_ns=clock_ns)
        yield AlpacaDaily(rest, clock_ns=clock_ns), slept


async def test_alpaca_gives_pages_of_several_symbols(monkeypatch):
    now_ns = ny(DAYS[-1], 18)
    shares = {"IWM": share(), "QQQ": share(400.0), "BRK.B": share(300.0)}
    shares["IWM"].splits[DAYS[-3]] = 4.0
    market = Market(shares, now_ns, pages=50)
    async with RestServer(answer=market.answer) as server, alpaca(server, now_ns, monkeypatch) as (source, _):
        answers = await source.daily(["IWM", "QQQ", "BRK-B", "NONE"], SINCE, DAYS[-1])
        pages = len(server.requests)
    assert pages == 4  # 3 × 56 rows
    for name, known in (("IWM", "IWM"), ("QQQ", "QQQ"), ("BRK-B", "BRK.B")):
        frame = answers[name].frame
        truth = shares[known].rows(SINCE, DAYS[-1], DAYS[-1])
        assert frame.select("date", "close").rows() == [(day, close) for day, close, _ in truth]
        assert frame["adj_close"].null_count() == frame.height
        assert frame["symbol"].unique().to_list() == [name]
    assert str(answers["NONE"]) == f"Alpaca: no settled close for NONE since {SINCE}"
    query = server.requests[0].path
    assert "adjustment=split" in query
    assert "feed=sip" in query
    assert server.requests[0].headers["apca-api-secret-key"] == "SECRET-OF-ALPACA"


async def test_alpaca_leaves_out_what_is_not_settled(monkeypatch):
    now_ns = ny(DAYS[-1], 16, 10)
    market = Market({"IWM": share()}, now_ns)
    async with RestServer(answer=market.answer) as server, alpaca(server, now_ns, monkeypatch) as (source, _):
        answers = await source.daily(["IWM"], SINCE, DAYS[-1])
    assert answers["IWM"].frame["date"][-1] == DAYS[-2]


@pytest.mark.parametrize(
    ("script", "after_s", "expected"),
    [
        ([fault(403)], None, "the keys are wrong"),
        ([fault(500)], 60.0, "HTTP 500"),
        ([ok(b"<html>")], 60.0, "an HTML page instead of JSON"),
        ([Reply(cut=True)], 60.0, "the connection was cut"),
    ],
)
async def test_alpacas_refusals_concern_all(monkeypatch, caplog, script, after_s, expected):
    now_ns = ny(DAYS[-1], 18)
    async with RestServer(*script) as server, alpaca(server, now_ns, monkeypatch) as (source, _):
        with pytest.raises(SourceAway, match=expected) as caught:
            await source.daily(["IWM"], SINCE, DAYS[-1])
    assert caught.value.after_s == after_s
    assert "SECRET-OF-ALPACA" not in caplog.text + str(caught.value)


async def test_alpacas_limit_is_kept(monkeypatch):
    now_ns = ny(DAYS[-1], 18)
    market = Market({"IWM": share()}, now_ns, pages=20)
    limited = fault(429, x_ratelimit_remaining="0", x_ratelimit_reset=str(now_ns // 10**9 + 30))
    async with (
        RestServer(limited, Reply(), answer=market.answer) as server,
        alpaca(server, now_ns, monkeypatch) as (source, slept),
    ):
        answers = await source.daily(["IWM"], SINCE, DAYS[-1])
    assert answers["IWM"].frame.height == len(DAYS)
    assert sum(slept) >= 30


def test_alpaca_fills_a_page_at_a_time():
    source = AlpacaDaily(None, clock_ns=lambda: 0)
    assert [source.at_once(sessions) for sessions in (1, 11, 60, 2_600, 6_600)] == [200, 200, 166, 3, 3]
    assert source.serves("IWM")
    assert not source.serves("^RUT")
    assert not source.serves("RUT")


async def names(choice: str, *, symbols: int = 12, since: date = date(2000, 1, 1), **environ: str):
    async with open_sources(choice, symbols=symbols, since=since, environ=environ) as sources:
        return [source.name for source in sources]


KEY = {"APCA_API_KEY_ID": "AKTEST", "APCA_API_SECRET_KEY": "SECRET-OF-ALPACA"}


async def test_the_order_of_sources(monkeypatch, tmp_path):
    monkeypatch.setattr(history_sources.keys, "ring", NoRing)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    tiingo, stooq = {"TIINGO_API_KEY": "tiingo-key-1"}, {"STOOQ_API_KEY": "stooq-key-1"}
    assert await names("auto") == ["Yahoo"]  # the only one without a key
    assert await names("auto", **stooq) == ["Yahoo", "Stooq"]
    assert await names("auto", **tiingo) == ["Yahoo", "Tiingo"]
    every = KEY | tiingo | stooq
    assert await names("auto", **every) == ["Yahoo", "Tiingo", "Alpaca", "Stooq"]  # 26 years are wanted
    assert await names("auto", since=date(2016, 1, 4), **every) == ["Alpaca", "Yahoo", "Tiingo", "Stooq"]
    assert await names("auto", symbols=2_100, **every) == ["Alpaca", "Yahoo", "Stooq"]
    assert await names("tiingo", symbols=2_100, **tiingo) == ["Tiingo"]
    assert await names("alpaca", **KEY) == ["Alpaca"]
    assert await names("yahoo", **KEY) == ["Yahoo"]
    assert await names("stooq", **stooq) == ["Stooq"]
    for name in ("alpaca", "tiingo", "stooq"):
        with pytest.raises(
            InputError, match=f"--source {name}: needs a key — see: rotation-tui config key set {name}"
        ):
            await names(name)


HOLDINGS = """A Fund
Fund Holdings as of,"May 05, 2026"

Ticker,Name,Asset Class
"BE","Bloom, Inc",Equity
"-","CASH",Cash
"RTYM6","Future",Futures
"XTSLA","Money",Money Market
"CRDO","C",Equity
" "
This information, as such, is none.
"""


class NoRing:
    def get(self, _feed: str) -> None:
        return None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("iwm\nQQQ\n\n# a comment\nBRK.B # class B\nIWM\n", ["IWM", "QQQ", "BRK.B"]),
        ("\ufeffSymbol,Name\nIWM,Fund\n ^RUT ,Index\n", ["IWM", "^RUT"]),
        (
            HOLDINGS,
            ["BE", "CRDO"],
        ),
    ],
)
def test_a_universe(tmp_path, text, expected):
    path = tmp_path / "universe.csv"
    path.write_text(text)
    assert read_universe(path) == expected


def test_the_russell_as_its_issuer_lists_it(shared_data):
    result = read_universe(shared_data / "constituents" / "IWM_holdings_2026-05-05.csv")
    assert len(result) > 1_800
    assert result[:3] == ["BE", "CRDO", "STRL"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("IWM\nno symbol\n", "u.txt, line 2: 'NO SYMBOL' is not a valid symbol"),
        ("", "u.txt: contains no symbol"),
        ("Ticker\n-\n", "u.txt: contains no symbol"),
    ],
)
def test_a_universe_that_is_none(tmp_path, text, expected):
    path = tmp_path / "u.txt"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_universe(path)
    assert str(caught.value).startswith(expected)


def synced(folder: Path, *symbols: str, since: date = SINCE, universe: Path | None = None, choice="yahoo"):
    return run(
        HistoryStore(folder),
        symbols,
        universe=universe,
        choice=choice,
        since=since,
        on_progress=lambda _: None,
        environ={},
    )


@pytest.mark.parametrize(
    ("symbols", "since", "expected"),
    [
        (["../x"], SINCE, "'../x' is not a valid symbol"),
        (["A\x1b[2J"], SINCE, "'A?[2J' is not a valid symbol"),
        ([], date(1900, 1, 1), "--since: 1900-01-01 is not between"),
        ([], date(2999, 1, 1), "--since: 2999-01-01 is not between"),
    ],
)
def test_bad_input(tmp_path, symbols, since, expected):
    with pytest.raises(InputError) as caught:
        synced(tmp_path, *symbols, since=since)
    assert str(caught.value).startswith(expected)


def test_bad_renames(tmp_path):
    for text in ("2024-01-01,A", "x,A,B", "2024-01-01,A,A", "2024-01-01,A,B,C", "2024-01-01,A,a b"):
        (tmp_path / "renames.csv").write_text(f"date,old,new\n{text}\n")
        with pytest.raises(InputError, match=r"renames\.csv, line 2: .* is not a valid rename"):
            synced(tmp_path, "IWM")


async def test_without_symbols_the_desks_and_those_held(tmp_path, monkeypatch):
    # One symbol is unknown after another: that is no sign that the vendor is away.
    monkeypatch.setattr(yahoo_chart, "GAP_S", 0.0)
    world = World(tmp_path, {"OWN": share()})
    await asyncio.to_thread(world.sync, "OWN")
    (tmp_path / "renames.csv").write_text("2024-01-01,OWN,MINE\n")
    async with RestServer(fault(404)) as server:
        monkeypatch.setenv("ROTATION_TUI_YAHOO_REST_URL", server.url)
        report = await asyncio.to_thread(synced, tmp_path)
    legs = ["IWM", "QQQ", "DIA", "SPY", "KRE", "IWN", "IVW", "TLT", "RUT", "NDX"]
    assert [symbol for symbol, _ in report.failed] == [*legs, "MINE"]
    assert [each.path.split("?")[0].rpartition("/")[2] for each in server.requests][-3:] == [
        "%5ERUT",
        "%5ENDX",
        "MINE",
    ]


def command(
    folder: Path, server: RestServer | None, *args: str, of: str = "history"
) -> subprocess.CompletedProcess[str]:
    home = {name: str(folder / name) for name in ("XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME")}
    env = {name: value for name, value in os.environ.items() if not name.startswith(("APCA_", "ROTATION_"))}
    env |= clock.inherited() | home | {"HOME": str(folder), "PYTHONPATH": str(ROOT)}
    if server is not None:
        env["ROTATION_TUI_YAHOO_REST_URL"] = server.url
    return subprocess.run(
        [sys.executable, "-m", "tui", of, *args],
        capture_output=True,
        text=True,
        env=env,
        cwd=ROOT,
        timeout=500,
        check=False,
    )


async def test_the_command(tmp_path):

    now_ns = wall_ns()
    today = last_closed(now_ns)
    days = sessions_between(today - timedelta(200), today)
    market = Market(made(2, days), now_ns, live=False)
    market.yahoo_names = {"RUT": "S1"}

    async def call(server: RestServer | None, *args: str) -> subprocess.CompletedProcess[str]:
        return await asyncio.to_thread(command, tmp_path, server, *args)

    async with RestServer(answer=market.answer) as server:
        done = await call(server, "sync", "S0", "S1", "--source", "yahoo", "--since", days[0].isoformat())
        assert (done.returncode, done.stderr.splitlines()[-1].partition(",")[0]) == (0, "2/2 symbols")
        assert done.stdout.splitlines()[-1].startswith("2 downloaded in full; ")
        again = await call(server, "sync", "S0", "NONE", "--source", "yahoo", "--since", days[5].isoformat())
        assert again.returncode == 1
        assert again.stdout.splitlines() == [
            "failed  NONE: Yahoo: No data found, symbol may be delisted",
            "1 up to date, 1 failed; 0 new sessions",
        ]
        assert "NONE: Yahoo: No data found, symbol may be delisted" in again.stderr
        listed = await call(server, "list")
        assert [line.split()[0] for line in listed.stdout.splitlines()] == ["S0", "S1"]
        assert "Yahoo" in listed.stdout
    bad = await call(None, "sync", "no symbol")
    assert bad.returncode == 2
    assert clock.without_notice(bad.stderr) == (
        "rotation-tui: 'no symbol' is not a valid symbol (1 to 15 of A-Z 0-9 . ^ = -) — write one like IWM\n"
    )
    assert (await call(None, "sync", "--since", "soon")).returncode == 2
    assert (await call(None, "sync", "--universe", "no-such-file")).returncode == 2


async def test_a_fund_s_members_of_which_a_vendor_has_not_all(tmp_path):
    """One unknown, one answered for another symbol, one half a page: said, the others stored, and resumed."""
    now_ns = wall_ns()
    today = last_closed(now_ns)
    days = sessions_between(today - timedelta(60), today)
    names = [f"S{n}" for n in range(6)]
    listed = tmp_path / "members.csv"
    listed.write_text("symbol;weight\n" + "".join(f"{name};16,5\n" for name in names) + "USD;1\n")
    imported = await asyncio.to_thread(
        command, tmp_path, None, "import", str(listed), "--fund", "IWM", "--date", str(days[0]), of="members"
    )
    assert imported.returncode == 0, imported.stderr
    assert imported.stdout.rstrip().endswith("6 members, 6 with weights (99.0 %); left out: USD (line 8)")
    market = Market(made(6, days), now_ns, live=False)

    class Odd(RestServer):
        is_odd = True

        def reply(self, path, headers, reply):
            symbol = path.split("?")[0].rpartition("/")[2]
            if not self.is_odd:
                return reply
            if symbol == "S3":
                return fault(404)
            if symbol == "S4":
                return ok(market.answer(path.replace("S4", "S0")))
            return ok(market.answer(path)[:400]) if symbol == "S5" else reply

    async with Odd(answer=market.answer) as server:
        args = ("sync", "--universe", "iwm", "--source", "yahoo", "--since", str(days[0]))
        done = await asyncio.to_thread(command, tmp_path, server, *args)
        assert done.returncode == 1
        assert done.stdout.splitlines() == [
            "failed  S3: Yahoo: unknown symbol (HTTP 404)",
            "failed  S4: Yahoo: an answer for another symbol, not S4",
            "failed  S5: Yahoo: not valid JSON",
            f"3 downloaded in full, 3 failed; {3 * len(days)} new sessions",
        ]
        assert len(server.requests) == len(names)
        server.is_odd = False
        again = await asyncio.to_thread(command, tmp_path, server, *args)
        assert again.returncode == 0
        assert again.stdout == f"3 downloaded in full, 3 up to date; {3 * len(days)} new sessions\n"
        asked = [each.path.split("?")[0].rpartition("/")[2] for each in server.requests[len(names) :]]
        assert asked == ["S3", "S4", "S5"], "what is stored is not asked for again"
