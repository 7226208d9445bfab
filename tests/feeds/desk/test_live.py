"""The live desk as a whole: which feeds there are, and no false alarm at any hour of the week."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, asynccontextmanager
from datetime import date, datetime, timedelta

import msgspec
import pytest

from feeds.clock import Time, wall_ns
from feeds.desk import live
from feeds.events import Batch, Status, SymbolStates
from feeds.history.store import HistoryStore
from feeds.history.updater import HistoryUpdater
from feeds.members.refresh import HoldingsRefresh
from feeds.members.store import MemberStore
from feeds.streaming.failover import Failover
from feeds.supervisor import Supervisor
from rotation.desk import Desk
from rotation.history import History
from rotation.market.market import Market
from rotation.quote import NS, Quote
from rotation.sessions import NEW_YORK, close_ns, last_closed, new_york_day, sessions_between, to_ns
from rotation.status import LIVE, Kind, Mode, delayed
from tests.support.fake_time import NOW_NS, FakeTime, at_once, settle, without_threads
from tests.support.fault_table import FIRST
from tests.support.live_desk import closes, feeds_at_start, live_desk
from tests.support.servers.alpaca import status
from tests.support.servers.live_world import LiveWorld, environment, shift_to_session_ns
from tests.support.servers.rest import Reply, RestServer, fault
from tests.support.servers.ws import ABORT, MUTE, READY, STAY, Refuse
from tests.support.subjects import ALPACA, SYMBOLS
from tests.support.sync_world import SINCE, World, share

KEYS = {"APCA_API_KEY_ID": "PKTEST", "APCA_API_SECRET_KEY": "secret-1"}
QUIET = (READY, STAY)


def at(text: str) -> int:
    """New York."""
    return to_ns(datetime.fromisoformat(text).replace(tzinfo=NEW_YORK))


@pytest.fixture(autouse=True)
def no_keys_here(monkeypatch, tmp_path):
    """Neither a keyring nor a file of the person who runs the tests."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")


# Which feeds


def made(tmp_path, environ, *, choice="auto", kept=True):
    store = HistoryStore(tmp_path / "history") if kept else None
    folders = {"data": tmp_path, "cache": tmp_path / "cache"}
    return feeds_at_start(
        Desk(), History.empty(), store, choice=choice, time=FakeTime(), environ=environ, **folders
    )


async def test_without_a_key_one_feed_brings_everything(tmp_path):
    quotes, updater, fed, macro = made(tmp_path, {})
    assert (quotes.name, quotes.symbols) == ("Yahoo", frozenset(Desk().legs))
    assert isinstance(updater, HistoryUpdater)
    assert (fed.name, macro.name) == ("Fed", "macro")


@pytest.mark.parametrize(
    ("choice", "name"), [("auto", "Alpaca SIP"), ("alpaca", "Alpaca"), ("alpaca-delayed", "Alpaca")]
)
async def test_beside_a_broker_yahoo_brings_the_indices_and_nothing_twice(tmp_path, choice, name):
    quotes, indices, _updater, _fed, _macro = made(tmp_path, KEYS, choice=choice)
    assert isinstance(quotes, Failover)
    assert (quotes.name, indices.name) == (name, "Yahoo indices")
    assert indices.symbols == {"RUT", "NDX"}
    assert quotes.symbols == frozenset(Desk().legs) - {"RUT", "NDX"}
    # The one that would take over leaves them where they are.
    for make in quotes._streams[1:]:
        assert not make().symbols & indices.symbols


async def test_alpaca_s_test_stream_is_asked_for_the_one_symbol_it_has(tmp_path):
    assert made(tmp_path, KEYS, choice="alpaca-test")[0].symbols == {"FAKEPACA"}


async def test_a_history_named_by_hand_is_not_kept(tmp_path):
    assert [feed.name for feed in made(tmp_path, {}, kept=False)] == ["Yahoo", "Fed", "macro"]


def with_members(tmp_path, members, **more):
    return feeds_at_start(
        Desk(),
        History.empty(),
        HistoryStore(tmp_path / "history"),
        choice="auto",
        data=tmp_path,
        cache=tmp_path / "cache",
        members=frozenset(members),
        environ={},
        **more,
    )


async def test_holdings_of_a_later_evening_are_loaded_as_of_its_day(tmp_path, monkeypatch):
    loaded, time = [], FakeTime()

    def load(_store, _folder, today, _universes):
        loaded.append(today)

    monkeypatch.setattr(live, "load_membership", load)
    holdings = MemberStore(tmp_path / "members")
    feeds = with_members(tmp_path, {"A"}, time=time, holdings=holdings)
    (refresh,) = (feed for feed in feeds if isinstance(feed, HoldingsRefresh))
    today = new_york_day(time.clock_ns())
    refresh._load()
    await time.passing(86_400, step=3600)
    refresh._load()
    assert loaded == [today, today + timedelta(days=1)]


async def test_two_feeds_of_history_take_turns_so_that_an_older_one_never_comes_last(tmp_path, monkeypatch):
    """The second does not read the store before what the first has read has been taken."""
    loaded: list[str] = []
    monkeypatch.setattr(
        "feeds.history.updater.load_history", lambda *_, **__: loaded.append("") or History.empty()
    )
    without_threads(monkeypatch)
    feeds = with_members(tmp_path, {"M1"}, time=FakeTime())
    first, second = (feed._history() for feed in feeds if isinstance(feed, HistoryUpdater))
    async with aclosing(first), aclosing(second):
        await anext(first)
        waiting = asyncio.create_task(anext(second))
        for _ in range(20):
            await asyncio.sleep(0)
        assert len(loaded) == 1
        await first.aclose()
        await waiting
        assert len(loaded) == 2


# Asked once


async def asked_once(tmp_path, monkeypatch, environ, *, limit_s=300.0, **urls):
    """What ``live.once`` finds in a world of our own, in the middle of the last session."""
    shift_ns = shift_to_session_ns(wall_ns())
    time = Time(clock_ns=lambda: wall_ns() + shift_ns)
    world = LiveWorld(time.clock_ns)
    async with RestServer(answer=world.answer) as server:
        for name, value in (environment(server.url, "ws://127.0.0.1:9") | urls).items():
            monkeypatch.setenv(name, value)
        folders = {"data": tmp_path, "cache": tmp_path / "cache"}
        result = await live.once(
            Desk(), choice="auto", limit_s=limit_s, time=time, environ=environ, **folders
        )
    return world, result


async def test_a_snapshot_of_now_has_every_leg_and_its_source(tmp_path, monkeypatch):
    world, now = await asked_once(tmp_path, monkeypatch, {})
    assert {quote.symbol for quote in now.quotes} == set(Desk().legs)
    late = {symbol: each.mode for symbol, each in now.provenance.items() if each.mode != LIVE}
    assert late == {"RUT": delayed(15), "NDX": delayed(15)}, "indices are not live by assumption"
    assert {each.source for each in now.provenance.values()} == {"Yahoo"}
    for quote in now.quotes:
        assert quote.price == world.price(quote.symbol, quote.ts_ns)
    assert now.fed is not None


async def test_a_snapshot_of_now_goes_on_with_the_next_vendor(tmp_path, monkeypatch):
    async with RestServer(fault(401)) as refusing:
        _, now = await asked_once(tmp_path, monkeypatch, KEYS, ROTATION_TUI_ALPACA_REST_URL=refusing.url)
        assert refusing.requests
    assert {quote.symbol for quote in now.quotes} == set(Desk().legs)
    assert {each.source for each in now.provenance.values()} == {"Yahoo"}


async def test_a_snapshot_of_now_does_not_ask_the_sec_for_every_bank(tmp_path, monkeypatch):
    monkeypatch.setenv("ROTATION_TUI_USER_AGENT", "A Desk desk@example.test")
    async with RestServer(fault(401)) as sec:
        _, now = await asked_once(tmp_path, monkeypatch, {}, ROTATION_TUI_SEC_REST_URL=sec.url)
    assert not sec.requests
    assert "SEC" not in now.macro.sources


async def test_a_snapshot_of_now_shares_yahoo_s_back_off(tmp_path, monkeypatch):
    """A 429 to the quotes must hold back the strip's nineteen charts too: it once did not."""
    given: list[object] = []

    def noted(make):
        def made_with(*args, **named):
            given.append(named["refusals"])
            return make(*args, **named)

        return made_with

    monkeypatch.setattr(live, "CachedClient", noted(live.CachedClient))
    monkeypatch.setattr(live.fed_opening, "live", noted(live.fed_opening.live))
    await asked_once(tmp_path, monkeypatch, {})
    assert len(given) == 2
    assert given[0] is given[1] is not None


async def test_a_snapshot_of_now_waits_for_nobody_longer_than_its_limit(tmp_path, monkeypatch):
    async with RestServer(Reply(mute=True)) as mute:
        _, now = await asked_once(
            tmp_path, monkeypatch, KEYS, limit_s=0.3, ROTATION_TUI_ALPACA_REST_URL=mute.url
        )
    brought = {quote.symbol for quote in now.quotes}
    assert not brought - {"RUT", "NDX"}


# SymbolStates, from the wire to a leg and to JSON


async def test_every_word_reaches_its_leg_and_json(monkeypatch):
    async with live_desk(monkeypatch, ALPACA, QUIET, (READY, ABORT), Refuse(500)) as desk:
        assert desk.legs["IWM"].state == "OFFLINE", "connecting"
        await desk.trading(3)
        assert {leg.state for leg in desk.legs.values()} == {"LIVE"}
        await desk.server.tell(status("IWM", "H", desk.time.clock_ns()))
        await desk.time.passing(1)
        assert (desk.legs["IWM"].state, desk.legs["QQQ"].state) == ("HALTED", "LIVE")
        for _ in range(33):
            await desk.trade({"IWM": 221.3, "QQQ": 495.5})
            await desk.time.passing(1)
        assert desk.legs["IWM"].state == "LIVE", "trading goes on"
        assert desk.legs["SPY"].state.startswith("STALE 3")
        desk.vendor.is_down = True
        desk.server.clients[-1].connection.transport.abort()
        await settle()
        assert {leg.state for leg in desk.legs.values()} == {"OFFLINE"}
        decoded = msgspec.json.decode(msgspec.json.encode(desk.supervisor.latest))
        assert decoded["legs"]["IWM"]["state"] == "OFFLINE"
        assert decoded["health"]["feeds"][0]["state"] == "OFFLINE"
        assert decoded["legs"]["IWM"]["last"] == 221.3, "the last price stays, with its word"


async def test_a_gap_is_said_until_it_is_filled(monkeypatch):
    async with live_desk(monkeypatch, ALPACA, QUIET) as desk:
        await desk.trading(3)
        desk.vendor.is_down = True
        desk.server.clients[-1].connection.transport.abort()
        await desk.time.passing(5)
        assert {leg.state for leg in desk.legs.values()} == {"GAPPED"}
        assert desk.health.state == "GAPPED"
        desk.vendor.is_down = False
        desk.vendor.newest = {"IWM": 222.0, "QQQ": 496.0, "SPY": 562.5}
        await desk.trading(120, {"IWM": 222.0, "QQQ": 496.0, "SPY": 562.5})
        assert {leg.state for leg in desk.legs.values()} == {"LIVE"}


async def test_a_quiet_second_is_one_snapshot(monkeypatch):
    """The supervisor's tick alone moves time: a stream yields nothing where nothing has changed."""
    async with live_desk(monkeypatch, ALPACA, QUIET) as desk:
        await desk.trading(3)
        before = desk.supervisor.latest.seq
        await desk.time.passing(5)
        assert desk.supervisor.latest.seq == before + 5
        assert desk.health.stats.age_s >= 5.0, "and the counts of the stream go on"


# No false alarm


def last_trades(desk):
    """What REST knows before anything has traded: the last session's trades."""
    ts_ns = close_ns(last_closed(desk.time.clock_ns()))

    async def snapshot(symbols):
        return tuple(Quote(symbol, ts_ns, FIRST[symbol]) for symbol in sorted(symbols))

    desk.vendor.snapshot = snapshot


@pytest.mark.parametrize(
    ("begins", "hours"),
    [
        ("2026-11-18 19:55", 8),  # a quiet night
        ("2026-11-20 21:00", 30),  # into a weekend
        ("2026-10-31 22:00", 12),  # the night in which the clocks change, from summer
        ("2026-03-07 22:00", 12),  # and to it
        ("2026-11-26 03:00", 20),  # Thanksgiving
        ("2026-11-23 04:01", 5),  # before the bell
        ("2026-11-27 13:00", 10),  # after a half-day's bell
    ],
)
async def test_silence_that_the_hour_explains_is_no_alarm(monkeypatch, begins, hours):
    async with live_desk(monkeypatch, ALPACA, QUIET, now_ns=at(begins)) as desk:
        last_trades(desk)
        await desk.time.passing(10)
        for _ in range(hours * 6):
            await desk.time.passing(600, step=60)
            assert {leg.state for leg in desk.legs.values()} <= {"PROVISIONAL", "CLOSED", "LIVE"}, (
                desk.time.clock_ns()
            )
            assert desk.health.state in {"CLOSED", "LIVE"}
        assert desk.server.upgrades == 1
        assert desk.health.stats.gaps == 0


@pytest.mark.parametrize(
    "bell", ["2026-11-20 16:00", "2026-11-27 13:00", "2026-10-30 16:00", "2026-11-02 16:00"]
)
async def test_after_the_bell_the_last_prints_are_provisional_never_stale(monkeypatch, bell):
    async with live_desk(monkeypatch, ALPACA, QUIET, now_ns=at(bell) - 60 * NS) as desk:
        await desk.trading(59)
        assert {leg.state for leg in desk.legs.values()} == {"LIVE"}
        await desk.trading(5)  # over the bell: silence there would hide the auctions
        for _ in range(5 * 6):
            assert {leg.state for leg in desk.legs.values()} == {"PROVISIONAL"}
            assert {leg.last for leg in desk.legs.values()} == set(FIRST.values())
            await desk.time.passing(600, step=60)
        assert desk.server.upgrades == 1


@pytest.mark.parametrize("bell", ["2026-11-20 09:30", "2026-11-27 09:30", "2026-11-02 09:30"])
async def test_at_the_opening_bell_the_first_prints_may_take_their_time(monkeypatch, bell):
    async with live_desk(monkeypatch, ALPACA, QUIET, now_ns=at(bell) - 5 * NS) as desk:
        last_trades(desk)
        await desk.time.passing(2)
        for _ in range(20):
            await desk.time.passing(1)
            assert {leg.state for leg in desk.legs.values()} <= {"PROVISIONAL", "CLOSED", "LIVE"}
        await desk.trading(20)
        assert {leg.state for leg in desk.legs.values()} == {"LIVE"}
        assert desk.server.upgrades == 1


async def test_silence_that_no_hour_explains_is_an_alarm(monkeypatch):
    """The same silence at 11:00 on a half-day."""
    async with live_desk(monkeypatch, ALPACA, (READY, MUTE), now_ns=at("2026-11-27 11:00")) as desk:
        await desk.time.passing(45)
        assert {leg.state for leg in desk.legs.values()} <= {"OFFLINE", "GAPPED", "STALE 2d"}
        assert desk.server.upgrades >= 2


async def test_from_one_session_over_a_holiday_through_a_half_day(monkeypatch, tmp_path):
    """Prints, their close, Thanksgiving, 27 November: provisional becomes settled, nothing else does."""
    without_threads(monkeypatch)
    wednesday, friday = date(2026, 11, 25), date(2026, 11, 27)
    days = sessions_between(date(2026, 10, 1), date(2026, 12, 4))
    world = World(tmp_path, {s: share(price, days) for s, price in FIRST.items()})
    raw = world.market.shares["IWM"].raw
    raw[days[0]] *= 1.05  # a fall before the first rise: the length of the run is known

    @asynccontextmanager
    async def sources():
        yield [world.yahoo]

    def updater(time):
        monkeypatch.setattr(
            World, "now_ns", property(lambda _: time.clock_ns(), lambda *_: None), raising=False
        )
        return HistoryUpdater(world.store, list(SYMBOLS), since=SINCE, time=time, sources=sources)

    start_ns = at("2026-11-25 15:58")
    async with live_desk(monkeypatch, ALPACA, QUIET, now_ns=start_ns, beside=updater) as desk:

        async def until(text, step=30):
            while desk.time.clock_ns() < at(text):
                await desk.time.passing(step, step=step)

        async def trading_until(text, day):
            while desk.time.clock_ns() < at(text):
                await desk.trading(1, {symbol: each.raw[day] for symbol, each in world.market.shares.items()})

        def iwm():
            leg = desk.legs["IWM"]
            return leg.last, leg.state, leg.source, leg.session, leg.streak.settled - settled

        settled = 0
        await until("2026-11-25 15:59", step=1)
        settled = desk.legs["IWM"].streak.settled
        assert settled == days.index(wednesday) - 2
        await trading_until("2026-11-25 15:59:59", wednesday)
        assert iwm() == (raw[wednesday], "LIVE", "Alpaca", wednesday, 0)
        await trading_until("2026-11-25 16:00:05", wednesday)
        await until("2026-11-25 16:19")
        assert iwm() == (raw[wednesday], "PROVISIONAL", "Alpaca", wednesday, 0), "no official close yet"
        await until("2026-11-25 16:30")
        assert iwm()[1:] == ("CLOSED", "history", wednesday, 1)
        for hour in ("2026-11-26 04:30", "2026-11-26 12:00", "2026-11-27 03:00"):
            await until(hour, step=600)
            assert iwm() == (raw[wednesday], "CLOSED", "history", wednesday, 1)
        await until("2026-11-27 08:00", step=600)
        await desk.trade({"IWM": 230.0})
        assert iwm() == (230.0, "LIVE", "Alpaca", friday, 1)
        await until("2026-11-27 12:30", step=1800)
        await until("2026-11-27 12:58")
        await trading_until("2026-11-27 12:59:59", friday)
        assert iwm() == (raw[friday], "LIVE", "Alpaca", friday, 1)
        await trading_until("2026-11-27 13:00:05", friday)
        await until("2026-11-27 13:19")
        assert iwm() == (raw[friday], "PROVISIONAL", "Alpaca", friday, 1)
        await until("2026-11-27 13:30")
        assert iwm()[1:] == ("CLOSED", "history", friday, 2)
        assert desk.supervisor.latest.health.feeds[1].detail == "settled through 2026-11-27"


# Two feeds


class Wire:
    """A stream that tells what it is given."""

    def __init__(self, name: str, *events: object, mode: Mode = LIVE) -> None:
        self.name, self.mode, self._given = name, mode, events
        self.symbols = frozenset(SYMBOLS)

    def tape(self):
        return None

    def stats(self):
        return None

    def mode_of(self, _symbol):
        return self.mode

    async def events(self):
        for event in self._given:
            yield event
        await asyncio.Event().wait()


async def two(first: Wire, second: Wire):
    time = FakeTime()
    market = Market(closes(NOW_NS), as_of_ns=NOW_NS)
    supervisor = Supervisor(
        market, [first, second], clock_ns=time.clock_ns, sleep=time.sleep, offload=at_once
    )
    run = asyncio.create_task(supervisor.run())
    await settle()
    run.cancel()
    await asyncio.wait([run])
    return supervisor.latest.legs["IWM"]


async def test_of_two_feeds_with_the_same_symbol_the_first_says_how_it_stands():
    old, new = Quote("IWM", NOW_NS - 2 * NS, 221.0), Quote("IWM", NOW_NS - NS, 221.5)
    for order in (False, True):
        events = [Batch((new,)), Batch((old,))] if order else [Batch((old,)), Batch((new,))]
        leg = await two(
            Wire("A", SymbolStates({}), events[0], Status(Kind.LIVE)),
            Wire("B", SymbolStates({"IWM": Kind.GAPPED}), events[1], Status(Kind.LIVE), mode=delayed(15)),
        )
        assert (leg.last, leg.state, leg.source) == (221.5, "LIVE", "A"), (
            "the newest print, whoever brought it"
        )


async def test_of_two_feeds_the_second_counts_while_the_first_is_off_line():
    print_ = Batch((Quote("IWM", NOW_NS - NS, 221.0),))
    leg = await two(
        Wire("A", SymbolStates({"IWM": Kind.OFFLINE})), Wire("B", SymbolStates({}), print_, mode=delayed(15))
    )
    assert (leg.state, leg.source) == ("DELAYED 15m", "B")
    leg = await two(
        Wire("A", SymbolStates({"IWM": Kind.OFFLINE})), Wire("B", SymbolStates({"IWM": Kind.OFFLINE}), print_)
    )
    assert leg.state == "OFFLINE"


def test_closes_are_those_of_the_newest_session():
    history = closes(NOW_NS)
    newest = history.on(date(2024, 7, 15)).filter(symbol="IWM")["close"][0]
    assert history.newest(["IWM"]) == {"IWM": newest}
    assert history.newest(["AAPL"]) == {}
