"""Doctor says what is wrong and what to do, whatever is wrong, and no secret."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING

import keyring
import polars as pl
import pytest

from feeds.clock import wall_ns
from feeds.doctor import local
from feeds.doctor import network as net
from feeds.doctor.stream import stream
from feeds.history.store import HistoryStore
from feeds.http.exchange import AGENT
from feeds.keys.file import KeyFile
from feeds.keys.keyring import Ring
from rotation.sessions import from_ns, sessions_between, to_ns
from tests.support.servers.coinbase import SCRIPTS, CoinbaseServer
from tests.support.servers.rest import FAULTS, Reply, RestServer, fault, ok
from tests.support.servers.ws import ABORT, MUTE, READY, STAY, Refuse

if TYPE_CHECKING:
    from rotation.findings import Finding

SECRET = "s3cr3tMARKER0123456789"
NOW_NS = to_ns(datetime(2026, 11, 22, 18, tzinfo=UTC))
NOBODY = "http://127.0.0.1:1"
"""Nothing listens there."""


def by_name(findings) -> dict[str, Finding]:
    result = list(findings)
    names = {each.name: each for each in result}
    assert len(names) == len(result)
    for each in result:
        assert SECRET not in str(each)
        assert each.message
        assert (each.message + each.todo).isprintable()
        assert each.state == "ok" or each.todo, "what is wrong has a remedy"
    return names


def states(findings) -> set[str]:
    return {each.state for each in findings}


# This machine


def test_every_dependency_with_its_version():
    names = by_name(local.dependencies())
    assert {"Python", "textual", "polars", "keyring", "websockets", "asyncssh"} <= names.keys()
    assert states(names.values()) == {"ok"}
    assert names["polars"].message == pl.__version__
    assert "tzdata" not in names


@pytest.mark.parametrize(
    ("asked", "state", "expected"),
    [
        ("polars==0.0.1", "fail", "but ==0.0.1 is needed"),
        ("polars>=999.1", "fail", "but >=999.1 is needed"),
        ("polars>=1.20", "ok", pl.__version__),
        ("no-such-library>=1", "fail", "not installed"),
        ("no-such-library>=1; extra == 'ssh'", "ok", "not installed; only rotation-tui host needs it"),
    ],
)
def test_a_dependency_that_is_missing_or_too_old(monkeypatch, asked, state, expected):
    monkeypatch.setattr(local.metadata, "requires", lambda _: [asked])
    result = list(local.dependencies())[-1]
    assert (result.state, expected in result.message) == (state, True)
    assert state == "ok" or "pip install" in result.todo


@pytest.fixture
def no_ring(monkeypatch):
    monkeypatch.setattr(keyring, "get_keyring", type("None", (), {"backends": []}))
    return Ring()


def test_keys_by_their_source_only(tmp_path, no_ring):
    KeyFile(tmp_path).put("finnhub", (SECRET,))
    environ = {"APCA_API_KEY_ID": SECRET, "APCA_API_SECRET_KEY": SECRET}
    names = by_name(local.keys(local.look_up(environ, tmp_path, no_ring), no_ring))
    assert names["alpaca"].message == "from environment APCA_API_KEY_ID and APCA_API_SECRET_KEY"
    assert names["finnhub"].message == f"from file {tmp_path / 'keys.json'}"
    assert names["massive"].todo == "rotation-tui config key set massive"
    assert SECRET[-4:] not in str(names)
    (tmp_path / "keys.json").chmod(0o644)
    result = by_name(local.keys(local.look_up(environ, tmp_path, no_ring), no_ring))["finnhub"]
    assert (result.state, result.todo.startswith("run: chmod 600")) == ("fail", True)


def test_a_keyring_that_fails_is_told(tmp_path, monkeypatch):
    def fails():
        raise RuntimeError(SECRET)

    monkeypatch.setattr(keyring, "get_keyring", fails)
    names = by_name(local.keys(local.look_up({}, tmp_path, Ring()), Ring()))
    assert (names["keyring"].state, names["keyring"].message) == ("warn", "the keyring failed (RuntimeError)")


def test_half_a_key_is_a_failure(tmp_path, no_ring):
    result = by_name(local.keys(local.look_up({"APCA_API_KEY_ID": SECRET}, tmp_path, no_ring), no_ring))[
        "alpaca"
    ]
    assert (result.state, result.todo) == ("fail", "set it again")


def test_addresses_without_credentials_and_with_their_mistakes():
    environ = {
        "ROTATION_TUI_YAHOO_REST_URL": f"http://me:{SECRET}@127.0.0.1:8080/?token={SECRET}",
        "ROTATION_TUI_ALPACA_STREAM_URL": f"htp://{SECRET}",
        "ROTATION_TUI_YAHO_REST_URL": "http://127.0.0.1",
        "HTTPS_PROXY": f"http://{SECRET}:x@proxy:3128",
    }
    names = by_name(local.addresses(environ))
    assert (names["ROTATION_TUI_YAHOO_REST_URL"].state, names["ROTATION_TUI_YAHOO_REST_URL"].message) == (
        "ok",
        "http://127.0.0.1:8080/",
    )
    assert names["ROTATION_TUI_ALPACA_STREAM_URL"].state == "fail"
    assert names["ROTATION_TUI_YAHO_REST_URL"].message == "unknown variable, ignored"
    assert names["HTTPS_PROXY"].message == "http://proxy:3128"
    assert [each.state for each in local.addresses({})] == ["ok"]


def test_every_feed_whose_address_can_be_moved_is_known(pytestconfig):
    import re

    sources = [path.read_text() for path in (pytestconfig.rootpath / "feeds").rglob("*.py")]
    used = {name for text in sources for name in re.findall(r"address\(\s*['\"]([A-Z_]+)['\"]", text)}
    assert used == set(local.FEEDS)


def test_how_far_the_calendars_reach():
    names = by_name(local.calendar(NOW_NS))
    assert "next session Mon 2026-11-23, next half-day Fri 2026-11-27" in names["sessions"].message
    assert states(names.values()) == {"ok"}
    names = by_name(local.calendar(to_ns(datetime(2030, 6, 3, tzinfo=UTC))))
    assert states(names.values()) == {"warn"}
    assert "only 0 FOMC meetings ahead" in names["FOMC meetings"].message


def places(folder) -> dict:
    return {
        "keys": folder / "config" / "keys.json",
        "history": folder / "data",
        "log": folder / "s" / "x.log",
    }


def test_a_store_that_is_empty_behind_good_or_damaged(tmp_path):
    def closes() -> Finding:
        return by_name(local.store(places(tmp_path), NOW_NS))["settled closes"]

    assert (closes().state, closes().todo) == ("warn", "rotation-tui history sync")
    assert list(tmp_path.iterdir()) == [], "looking leaves nothing behind"
    days = sessions_between(date(2026, 10, 1), date(2026, 11, 20))

    def put(last: date) -> None:
        held = [day for day in days if day <= last]
        frame = pl.DataFrame({"symbol": "IWM", "date": held, "close": 1.0, "adj_close": None})
        frame = frame.cast({"adj_close": pl.Float64})
        HistoryStore(tmp_path / "data").replace(frame, {}, allow_shrink=True, now_ns=NOW_NS)

    put(date(2026, 11, 20))
    assert (closes().state, closes().message) == ("ok", "1 symbol, 2026-10-01 to 2026-11-20")
    put(date(2026, 11, 2))
    assert closes().state == "warn"
    assert "14 sessions behind" in closes().message
    next((tmp_path / "data").glob("IWM-*")).write_bytes(b"x")
    assert (closes().state, "import the history of IWM again" in closes().todo) == ("fail", True)


def test_a_store_without_room_or_rights(tmp_path, monkeypatch):
    usage = type("Usage", (), {"free": 100 * 2**20})
    with monkeypatch.context() as patch:
        patch.setattr(local.shutil, "disk_usage", lambda _: usage)
        assert by_name(local.store(places(tmp_path), NOW_NS))["history"].state == "warn"
        usage.free = 2**20
        assert by_name(local.store(places(tmp_path), NOW_NS))["history"].state == "fail"

    def refuse(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(local.tempfile, "NamedTemporaryFile", refuse)
    result = by_name(local.store(places(tmp_path), NOW_NS))["log"]
    assert (result.state, result.message) == (
        "fail",
        f"{tmp_path / 's'} cannot be written (Permission denied)",
    )


def test_a_drive_without_a_write_ahead_log(tmp_path, monkeypatch):
    def cannot(*_):
        raise sqlite3.OperationalError("locking protocol \x1b[2J")

    monkeypatch.setattr(local.sqlite3, "connect", cannot)
    result = by_name(local.store(places(tmp_path), NOW_NS))["write-ahead log"]
    assert (result.state, "local disk" in result.todo) == ("fail", True)


# Sources


@pytest.fixture
def only(monkeypatch):
    """Two sources: Yahoo, and Alpaca, which needs a key."""
    monkeypatch.setattr(net, "SOURCES", tuple(s for s in net.SOURCES if s[0] in ("Yahoo", "Alpaca")))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


def dated(offset_s: float) -> Reply:
    moment = from_ns(wall_ns()) + timedelta(seconds=offset_s)
    return ok(b"", date=format_datetime(moment, usegmt=True))


async def ask(*script: Reply, keyed=(), **more) -> dict[str, Finding]:
    async with RestServer(*script) as server:
        moved = {f"ROTATION_TUI_{feed}_REST_URL": server.url for feed in ("YAHOO", "ALPACA")}
        names = by_name(await net.sources(moved, keyed, **more))
        assert all(SECRET not in str(asked) for asked in server.requests)
    return names


@pytest.mark.parametrize(
    ("reply", "state", "expected"),
    [
        (ok(b""), "ok", "(HTTP 200)"),
        (fault(404), "ok", "(HTTP 404)"),
        (fault(429), "warn", "(HTTP 429)"),
        (fault(451), "warn", "(HTTP 451)"),
        (fault(503), "warn", "(HTTP 503)"),
        (fault(407), "fail", "(HTTP 407)"),
        (FAULTS["slow"], "fail", "no answer within 0.2 s"),
    ],
)
async def test_what_a_source_answers(only, reply, state, expected):
    result = (await ask(reply, **({"answer_s": 0.2} if reply.mute else {})))["Yahoo"]
    assert (result.state, expected in result.message) == (state, True)


async def test_what_yahoo_answered_and_as_whom_it_was_asked(only):
    """Its 429 is tied to the User-Agent, which can be changed."""
    refused = (await ask(fault(429)))["Yahoo"]
    assert f"(HTTP 429), asked as '{AGENT}'" in refused.message
    assert "ROTATION_TUI_USER_AGENT='Mozilla/5.0'" in refused.todo
    async with RestServer(ok(b"")) as server:
        environ = {"ROTATION_TUI_YAHOO_REST_URL": server.url, "ROTATION_TUI_USER_AGENT": "Mozilla/5.0"}
        names = by_name(await net.sources(environ, ()))
        assert names["Yahoo"].message.endswith("(HTTP 200), asked as 'Mozilla/5.0'")
        assert server.requests[0].headers["user-agent"] == "Mozilla/5.0"
    wrong = by_name(await net.sources({"ROTATION_TUI_USER_AGENT": "\x1b["}, ()))
    assert wrong["User-Agent"].state == "fail"


async def test_a_source_that_needs_a_key_is_asked_only_where_there_is_one(only):
    assert "Alpaca" not in await ask(ok(b""))
    assert (await ask(ok(b""), keyed={"alpaca"}))["Alpaca"].state == "ok"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (NOBODY, "cannot connect"),
        ("http://no-such-host.invalid", "host name not found (DNS)"),
        (f"ftp://{SECRET}", "ROTATION_TUI_YAHOO_REST_URL is not a valid address"),
    ],
)
async def test_a_source_that_cannot_be_reached(only, url, expected):
    names = by_name(await net.sources({"ROTATION_TUI_YAHOO_REST_URL": url}, ()))
    assert (names["Yahoo"].state, names["Yahoo"].message) == ("fail", expected)
    assert (names["clock"].state, names["clock"].message) == ("warn", "not checked: no source sent its time")


@pytest.mark.parametrize("proxy", [f"nonsense://me:{SECRET}@proxy", f"http://me:{SECRET}@proxy:port"])
async def test_a_proxy_that_is_none_is_told_without_its_password(only, monkeypatch, proxy):
    monkeypatch.setenv("ALL_PROXY", proxy)
    names = by_name(await net.sources({}, ()))
    assert names["proxy"].state == "fail"


@pytest.mark.parametrize(
    ("offset_s", "state", "part"),
    [(0, "ok", "within 2 s"), (-10, "warn", "s ahead of"), (3_600, "warn", "s behind")],
)
async def test_our_clock_against_theirs(only, offset_s, state, part):
    result = (await ask(dated(offset_s)))["clock"]
    assert (result.state, part in result.message) == (state, True)


def test_one_source_with_a_wrong_clock_convinces_nobody():
    assert net.clock([0.1, -0.2, 90_000.0]).state == "ok"
    assert net.clock([2.1, 2.2, 0.0]).state == "warn"


async def test_an_answer_from_a_cache_or_a_slow_one_tells_no_time(only):
    old = dated(-600)
    cached = Reply(b"", headers={**old.headers, "age": "600"})
    assert "not checked" in (await ask(cached))["clock"].message
    times = iter([0, int(4e9)])
    assert "not checked" in (await ask(dated(0), clock_ns=lambda: next(times)))["clock"].message


# The stream


async def test_trades_are_counted(monkeypatch):
    async with CoinbaseServer(SCRIPTS["live"]) as server:
        monkeypatch.setenv("ROTATION_TUI_COINBASE_STREAM_URL", server.url)
        check = await stream(count_s=0.6)
    assert check.state == "ok", check
    assert "trades of BTC-USD in 0.6 s" in check.message
    assert int(check.message.split()[0]) >= 1


@pytest.mark.parametrize("script", [(READY, STAY), (READY, ABORT), Refuse(429), (MUTE,)], ids=str)
async def test_a_stream_that_gives_nothing(monkeypatch, script):
    async with CoinbaseServer(script) as server:
        monkeypatch.setenv("ROTATION_TUI_COINBASE_STREAM_URL", server.url)
        async with asyncio.timeout(500):
            check = await stream(connect_s=0.3)
    by_name([check])
    assert check.state == "fail"
    assert "no trade of BTC-USD within 0.3 s" in check.message


async def test_a_stream_that_breaks_is_worth_a_warning(monkeypatch):
    async with CoinbaseServer(SCRIPTS["abort"]) as server:
        monkeypatch.setenv("ROTATION_TUI_COINBASE_STREAM_URL", server.url)
        check = await stream(count_s=2.0)
    by_name([check])
    assert (check.state, "1 gap" in check.message) == ("warn", True)


async def test_a_stream_s_wrong_address_is_not_quoted(monkeypatch):
    monkeypatch.setenv("ROTATION_TUI_COINBASE_STREAM_URL", f"http://{SECRET}")
    check = await stream(connect_s=3600, count_s=3600)  # which nobody waits for
    by_name([check])
    assert check.state == "fail"
