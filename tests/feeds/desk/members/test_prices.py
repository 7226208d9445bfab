"""Members priced in rounds: breadth of today, and what faults of the source make of it."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import polars as pl
import pytest

from feeds.clock import Pace
from feeds.desk.members.once import PER_REQUEST, able, asked_once
from feeds.desk.members.prices import LOST_AFTER, MemberPrices
from feeds.desk.opened.sources import Source
from feeds.desk.opened.supervision import follow_members
from feeds.errors import InputError
from feeds.events import ListedSplits
from feeds.http.cached import CachedClient
from feeds.streaming.failover import Failover
from feeds.supervisor import Supervisor
from feeds.vendors.alpaca.stream import Alpaca
from feeds.vendors.massive.stream import Massive
from feeds.vendors.yahoo.stream import Yahoo
from rotation.breadth.members import SCHEMA, MemberList, Membership
from rotation.desk import Desk
from rotation.history import History
from rotation.market.market import NOWHERE, Market
from rotation.quote import NS
from rotation.sessions import close_ns, open_ns, previous_session, sessions_between
from rotation.status import Kind
from tests.support.fake_time import NOW_NS, FakeTime, at_once, driven, settle
from tests.support.live_desk import feeds_at_start
from tests.support.servers.alpaca import AlpacaRestServer, Tape, rfc3339
from tests.support.servers.rest import FAULTS, Reply

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

SESSION = date(2024, 7, 16)
DAYS = sessions_between(date(2024, 6, 3), previous_session(SESSION))
NAMES = (*(f"M{n:03}" for n in range(2 * PER_REQUEST + 50)), "MOG.A")
REQUESTS = 3
FORBIDDEN = Reply(b'{"message":"forbidden."}', status=403)


def membership(names: tuple[str, ...] = NAMES, day: date = DAYS[0]) -> Membership:
    rows = [(name, name, "Energy", 100 / len(names)) for name in names]
    return Membership.of("IWM", [MemberList.of("IWM", day, pl.DataFrame(rows, schema=SCHEMA, orient="row"))])


def history(
    names: tuple[str, ...] = (*NAMES[:-1], "MOG-A", "IWM"), days: Sequence[date] = tuple(DAYS)
) -> History:
    frames = [
        pl.DataFrame({"symbol": name, "date": days, "close": 100.0, "adj_close": 100.0}) for name in names
    ]
    return History(pl.concat(frames))


def traded(price: float, ago_s: float = 5.0, now_ns: int = NOW_NS, number: int = 1) -> dict[str, Any]:
    fields = {"t": rfc3339(now_ns - int(ago_s * NS)), "p": price, "s": 100, "c": ["@"], "i": number}
    return fields | {"x": "V", "z": "B"}


def tape() -> Tape:
    """Two thirds of them up, the others down."""
    made = Tape()
    for n, name in enumerate(NAMES):
        made.latest[name] = traded(101.0 if n % 3 else 99.0)
        made.days[name] = [(DAYS[-1], 100.0)]
    return made


class Running:
    """A supervisor with nothing but members' prices, over a scripted server."""

    def __init__(self, server: AlpacaRestServer, time: FakeTime, held: History | None = None) -> None:
        self.server = server
        self.time = time
        http = CachedClient(
            clock_ns=time.clock_ns, monotonic=time.monotonic, sleep=time.sleep, random=time.random
        )
        vendor = Alpaca("PKTEST", "secret", http, clock_ns=time.clock_ns)
        held = held or history()
        self.feed = MemberPrices(
            [vendor],
            NAMES,
            http=http,
            history=held,
            time=time,
        )
        market = Market(held, as_of_ns=time.clock_ns(), membership=(membership(),))
        self.supervisor = Supervisor(
            market, [self.feed], clock_ns=time.clock_ns, sleep=time.sleep, offload=at_once
        )

    @property
    def iwm(self):
        assert self.supervisor.latest is not None
        assert self.supervisor.latest.breadth is not None
        return self.supervisor.latest.breadth.indices["IWM"]

    @property
    def health(self):
        return self.supervisor.latest.health.feeds[0]

    async def until(self, holds, seconds: float = 600) -> None:
        for _ in range(int(seconds)):
            if self.supervisor.latest is not None and holds():
                return
            await self.time.passing(1)
            await asyncio.sleep(0.002)
        raise AssertionError(f"never: {self.health}")

    async def rounds(self, count: int) -> None:
        """Until so many more rounds are over."""
        wanted = len(self.server.requests) + count * REQUESTS
        await self.until(lambda: len(self.server.requests) >= wanted)
        await settle()


@contextlib.asynccontextmanager
async def running(
    monkeypatch,
    *script: Reply,
    now_ns: int = NOW_NS,
    of: Tape | None = None,
    faulty: dict[str, Reply] | None = None,
    held: History | None = None,
) -> AsyncIterator[Running]:
    async with AlpacaRestServer(of or tape(), *script, now_ns=now_ns) as server:
        monkeypatch.setenv("ROTATION_TUI_ALPACA_REST_URL", server.url)
        server.faulty |= faulty or {}
        desk = Running(server, FakeTime(now_ns), held)
        async with driven(desk.supervisor.run(), settle()):
            yield desk


async def test_a_round_gives_breadth_of_today_with_counted_and_total(monkeypatch):
    async with running(monkeypatch) as desk:
        await desk.until(lambda: desk.health.quotes == len(NAMES))
        now = desk.iwm.now
        assert (now.counted, now.total) == (len(NAMES), len(NAMES))
        assert now.advances == sum(1 for n in range(len(NAMES)) if n % 3)
        assert desk.iwm.is_provisional
        await desk.until(lambda: "priced" in desk.health.detail)
        assert desk.health.detail == f"{len(NAMES)} of {len(NAMES)} members priced by Alpaca"
        assert desk.iwm.status.kind is Kind.DELAYED, "late by a round, and it says so"
        assert desk.iwm.status.delay_s == 60.0
        assert [request.path.count("%2C") + 1 for request in desk.server.requests] == [200, 200, 51]


async def test_what_has_not_changed_is_not_given_again_and_what_has_is(monkeypatch):
    world = tape()
    async with running(monkeypatch, of=world) as desk:
        await desk.rounds(2)
        assert desk.health.quotes == len(NAMES)
        assert desk.supervisor.latest.health.counts.duplicates == 0
        world.latest["M001"] = traded(98.0, ago_s=1.0, now_ns=desk.time.clock_ns(), number=2)
        world.latest["M002"] = traded(50.0, ago_s=900.0, number=2)  # older than the one known
        up = desk.iwm.now.advances
        await desk.rounds(2)
        assert desk.health.quotes == len(NAMES) + 1
        assert desk.iwm.now.advances == up - 1
        assert desk.health.stats.rejects >= 1


async def test_members_without_a_price_are_counted_out(monkeypatch):
    world = tape()
    for name in NAMES[10:40]:
        del world.latest[name]
    async with running(monkeypatch, of=world) as desk:
        await desk.until(lambda: "priced" in desk.health.detail)
        assert (desk.iwm.now.counted, desk.iwm.now.total) == (len(NAMES) - 30, len(NAMES))
        assert desk.health.detail.startswith(f"{len(NAMES) - 30} of {len(NAMES)} members priced")


async def test_a_price_of_yesterday_is_none_of_today(monkeypatch):
    world = tape()
    world.latest["M007"] = traded(150.0, ago_s=24 * 3600.0)
    world.latest["M008"] = traded(-1.0)
    world.latest["M009"] = traded(101.0, ago_s=-3600.0)
    async with running(monkeypatch, of=world) as desk:
        await desk.until(lambda: "priced" in desk.health.detail)
        assert desk.iwm.now.counted == len(NAMES) - 3
        assert not {"M007", "M008", "M009"} & {mover.symbol for mover in desk.iwm.top}


@pytest.mark.parametrize(
    "reply", [FAULTS["429"], FAULTS["html"], FAULTS["500"], FAULTS["cut"], FAULTS["empty"]]
)
async def test_a_source_that_fails_is_said_and_its_prices_grow_old(monkeypatch, reply):
    async with running(monkeypatch) as desk:
        await desk.until(lambda: "priced" in desk.health.detail)
        before = desk.iwm.now
        desk.server.script[:] = [reply]
        await desk.until(lambda: desk.health.kind is Kind.OFFLINE)
        assert "next try in" in desk.health.detail
        assert desk.iwm.now == before
        assert desk.iwm.status.kind is not Kind.LIVE
        await desk.until(lambda: desk.iwm.status.kind is Kind.OFFLINE, 1800)
        desk.server.script[:] = [Reply()]
        for name in NAMES:
            desk.server.tape.latest[name] = traded(102.0, now_ns=desk.time.clock_ns(), number=9)
        await desk.until(lambda: desk.iwm.now.advances == len(NAMES), 1800)
        assert desk.iwm.status.kind in {Kind.DELAYED, Kind.STALE}


async def test_a_source_that_is_down_is_not_asked_for_every_part(monkeypatch):
    async with running(monkeypatch, FORBIDDEN) as desk:
        await desk.until(lambda: desk.health.kind is Kind.OFFLINE)
        assert len(desk.server.requests) == 1, "refused once: the same would be said of the others"
        await desk.time.passing(50)
        assert len(desk.server.requests) == 1
        await desk.until(lambda: len(desk.server.requests) > LOST_AFTER, 1800)
        assert (desk.iwm.now.session, desk.iwm.is_provisional) == (DAYS[-1], False), "nothing of today"


async def test_a_part_that_fails_leaves_the_others(monkeypatch):
    bad = replace(FORBIDDEN, body=b"{}", status=400)
    async with running(monkeypatch, Reply(), bad, Reply()) as desk:
        await desk.until(lambda: desk.health.kind is Kind.GAPPED)
        assert desk.iwm.now.counted == len(NAMES) - PER_REQUEST
        assert f"{len(NAMES) - PER_REQUEST} of {len(NAMES)} members priced; Alpaca: " in desk.health.detail


async def test_a_split_of_today_is_no_fall_by_half(monkeypatch):
    world = tape()
    world.latest["M004"], world.splits["M004"] = traded(50.5), (SESSION, 2.0)
    world.days["M004"] = [(DAYS[-1], 100.0)]
    async with running(monkeypatch, of=world) as desk:
        await desk.until(lambda: "priced" in desk.health.detail)
        assert desk.iwm.now.counted == len(NAMES) - 1
        assert all(mover.symbol != "M004" for mover in desk.iwm.bottom)
        asked = len([request for request in desk.server.requests if "corporate" in request.path])
        await desk.rounds(2)
        assert len([request for request in desk.server.requests if "corporate" in request.path]) == asked == 1


async def test_a_question_about_splits_that_fails_is_asked_again_the_next_round(monkeypatch):
    """A mover of a seventh is not counted until it is known that it has not split, and then it is."""
    world = tape()
    world.latest["M004"], world.latest["M007"] = traded(114.0), traded(50.5)
    world.splits["M007"] = (SESSION, 2.0)
    async with running(monkeypatch, of=world, faulty={"corporate": FAULTS["500"]}) as desk:
        await desk.until(lambda: "not counted" in desk.health.detail)
        assert desk.health.detail.startswith(
            f"{len(NAMES)} of {len(NAMES)} members priced; 2 not counted: splits unknown (Alpaca"
        )
        assert desk.health.kind is Kind.GAPPED
        assert desk.iwm.now.counted == len(NAMES) - 2
        desk.server.faulty.clear()
        await desk.until(lambda: desk.health.kind is not Kind.GAPPED)
        assert desk.iwm.now.counted == len(NAMES) - 1, "M007 has split"
        assert desk.iwm.top[0].symbol == "M004"
        asked = len([request for request in desk.server.requests if "corporate" in request.path])
        await desk.rounds(2)
        assert len([request for request in desk.server.requests if "corporate" in request.path]) == asked


async def test_an_unexplained_jump_is_not_counted_and_its_number_is_said(monkeypatch):
    world = tape()
    world.latest["M004"] = traded(50.5)
    async with running(monkeypatch, of=world) as desk:
        await desk.until(lambda: "priced by" in desk.health.detail)
        assert desk.iwm.now.counted == len(NAMES) - 1
        assert desk.health.detail.endswith("priced by Alpaca; 1 not counted: unexplained jump")


async def test_the_last_price_of_a_delisted_member_is_not_one_of_today(monkeypatch):
    world = tape()
    world.latest["M007"] = traded(150.0, ago_s=24 * 3600.0)
    async with running(monkeypatch, of=world) as desk:
        await desk.until(lambda: "priced by" in desk.health.detail)
        assert desk.health.detail.startswith(f"{len(NAMES) - 1} of {len(NAMES)} members priced")


async def test_while_the_exchange_is_closed_nothing_is_asked(monkeypatch):
    night_ns = close_ns(SESSION) + 6 * 3600 * NS
    async with running(monkeypatch, now_ns=night_ns) as desk:
        await desk.time.passing(1800, step=30)
        assert desk.server.requests == []


async def test_before_the_bell_rounds_are_rarer(monkeypatch):
    early_ns = open_ns(SESSION) - 1200 * NS
    world = tape()
    for name in NAMES:
        world.latest[name] = traded(101.0, now_ns=early_ns)
    async with running(monkeypatch, now_ns=early_ns, of=world) as desk:
        await desk.until(lambda: "priced" in desk.health.detail)
        await desk.time.passing(200, step=10)
        assert len(desk.server.requests) == REQUESTS


async def test_a_vendor_that_must_be_asked_for_each_symbol_is_not_asked(tmp_path):
    http = CachedClient(tmp_path)
    vendors = [
        Yahoo(http, clock_ns=lambda: NOW_NS),
        Massive("key", http),
        Alpaca("PK", "secret", http, feed="sip"),
    ]
    assert [vendor.name for vendor in able(vendors)] == ["Massive", "Alpaca SIP"]
    feed = MemberPrices(vendors[:1], NAMES, http=http, history=History.empty(), time=FakeTime())
    (status,) = [event async for event in feed.events()]
    assert (status.state, "needs a key for Alpaca or Massive" in status.detail) == (Kind.OFFLINE, True)


# The list changes


NEXT = date(2024, 7, 17)
DROPPED, JOINED = NAMES[0], "NEW"


class Holdings:
    """A feed that brings lists when it is told to."""

    async def on_members(self, membership: tuple[Membership, ...]) -> None:
        raise AssertionError("nobody follows")


def asked(request: Any) -> set[str]:
    return set(parse_qs(urlsplit(request.path).query)["symbols"][0].split(","))


async def test_who_is_priced_follows_the_list_of_the_day(monkeypatch):
    """A list of the next day comes in the evening: it counts from that day's first prices on."""
    world = tape()
    names = (*NAMES[1:], JOINED)
    evening_ns = close_ns(SESSION) + 3 * 3600 * NS
    for name in (*NAMES, JOINED):
        world.latest[name] = traded(101.0, now_ns=evening_ns)
    held = history((*NAMES[:-1], "MOG-A", "IWM", JOINED), (*DAYS, SESSION))
    async with running(monkeypatch, now_ns=evening_ns, of=world, held=held) as desk:
        first = membership()
        holdings: Any = Holdings()
        follow_members(desk.supervisor, [desk.feed, holdings], (first,))
        await desk.rounds(1)
        both = Membership.of("IWM", [*first.lists, *membership(names, NEXT).lists])
        await holdings.on_members((both,))
        desk.server.requests.clear()
        await desk.until(lambda: len(desk.server.requests) >= REQUESTS)
        assert set.union(*map(asked, desk.server.requests)) == set(NAMES), (
            "the day that is shown has the old list"
        )
        assert desk.iwm.now.total == len(NAMES)
        desk.server.requests.clear()
        next_ns = open_ns(NEXT) + 600 * NS
        await desk.time.passing((next_ns - desk.time.clock_ns()) / NS - 1200, step=60)
        assert desk.supervisor.latest.session == SESSION, "nothing has traded yet"
        assert desk.iwm.status.kind is not Kind.OFFLINE
        for name in (*NAMES, JOINED):
            world.latest[name] = traded(99.0, now_ns=next_ns, number=3)
        desk.server.now_ns = next_ns + 5 * NS
        await desk.time.passing(1205, step=5)
        desk.server.requests.clear()
        await desk.rounds(1)
        assert set.union(*map(asked, desk.server.requests)) == set(names)
        assert desk.supervisor.latest.session == NEXT
        now = desk.iwm.now
        assert (now.counted, now.total, now.declines) == (len(names), len(names), len(names))
        assert desk.health.stats.symbols == len(names)
        assert desk.supervisor.provenance.keys() >= {DROPPED, JOINED}


async def test_a_list_of_today_is_priced_from_the_next_round_on(monkeypatch):
    world = tape()
    world.latest[JOINED] = traded(101.0)
    world.days[JOINED] = [(DAYS[-1], 100.0)]
    names = (*NAMES[1:], JOINED)
    held = history((*NAMES[:-1], "MOG-A", "IWM", JOINED))
    async with running(monkeypatch, of=world, held=held) as desk:
        first = membership()
        follow_members(desk.supervisor, [desk.feed, holdings := Holdings()], (first,))
        await desk.rounds(1)
        await holdings.on_members((Membership.of("IWM", [*first.lists, *membership(names, SESSION).lists]),))
        await desk.rounds(2)
        assert (desk.iwm.now.counted, desk.iwm.now.total) == (len(names), len(names))
        assert JOINED in desk.supervisor.provenance
        assert desk.health.detail == f"{len(names)} of {len(names)} members priced by Alpaca"


async def test_a_price_far_from_the_close_of_one_that_joined_is_asked_about(monkeypatch):
    """Its closes came after the start: history of then had none of it."""
    world = tape()
    world.latest[JOINED], world.splits[JOINED] = traded(50.5), (SESSION, 2.0)
    world.days[JOINED] = [(DAYS[-1], 100.0)]
    names = (*NAMES, JOINED)
    async with running(monkeypatch, of=world) as desk:
        first = membership()
        follow_members(desk.supervisor, [desk.feed, holdings := Holdings()], (first,))
        await desk.rounds(1)
        desk.supervisor._market.update_history(history((*NAMES[:-1], "MOG-A", "IWM", JOINED)))
        await holdings.on_members((Membership.of("IWM", [*first.lists, *membership(names, SESSION).lists]),))
        await desk.until(
            lambda: any(
                JOINED in request.path and "actions" in request.path for request in desk.server.requests
            )
        )


# The desk


@pytest.fixture
def keyed(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    return {"APCA_API_KEY_ID": "PKTEST", "APCA_API_SECRET_KEY": "secret-1"}


async def test_nothing_is_asked_unless_it_was_asked_for(tmp_path, keyed):
    given: dict[str, Any] = {
        "choice": "auto", "data": tmp_path, "cache": tmp_path / "cache", "time": FakeTime(), "environ": keyed,
    }  # fmt: skip
    feeds = feeds_at_start(Desk(), history(), None, members=frozenset(NAMES), **given)
    assert "members" not in {feed.name for feed in feeds}
    feeds = feeds_at_start(Desk(), history(), None, priced=frozenset(("IWM", *NAMES)), **given)
    (feed,) = [feed for feed in feeds if feed.name == "members"]
    assert feed.symbols == frozenset(NAMES), "the legs have a stream of their own"
    quotes = next(feed for feed in feeds if isinstance(feed, Failover))
    legs = frozenset(Desk().legs)
    for make in quotes._streams:
        stream = make()
        assert stream.symbols <= legs, "no vendor is asked for a member by name"
        members = getattr(stream.vendor, "members", None)
        assert members is (None if stream.name == "Yahoo" else feed._prints)


def test_without_a_holdings_file_the_option_says_what_to_do():
    source = Source(history(), None, NOWHERE)
    with pytest.raises(InputError, match="no holdings file is stored — run rotation-tui members sync"):
        source.priced(SESSION)
    with pytest.raises(InputError, match="no holdings file"):
        Source(history(), None, NOWHERE, membership=(membership(day=SESSION),)).priced(DAYS[-1])
    assert Source(history(), None, NOWHERE, membership=(membership(),)).priced(SESSION) == frozenset(NAMES)


async def test_a_snapshot_asks_for_members_once(monkeypatch, keyed, tmp_path):
    world = tape()
    world.latest["M004"], world.splits["M004"] = traded(50.5), (SESSION, 2.0)
    async with AlpacaRestServer(world, now_ns=NOW_NS) as server:
        monkeypatch.setenv("ROTATION_TUI_ALPACA_REST_URL", server.url)
        time = FakeTime()
        async with CachedClient(refusals=Pace(random=time.random), clock_ns=time.clock_ns) as http:
            vendor = Alpaca("PKTEST", "secret", http, clock_ns=time.clock_ns)
            closes = dict.fromkeys(NAMES, 100.0)
            asked = await asked_once([vendor], NAMES, 20, closes=closes, clock_ns=time.clock_ns)
            assert len(asked.quotes) == len(NAMES)
            assert [event.ratios for event in asked.scale if isinstance(event, ListedSplits)] == [
                {"M004": 2.0}
            ]
            server.script[:] = [Reply(), FAULTS["html"]]
            part = await asked_once([vendor], NAMES, 20, closes={}, clock_ns=time.clock_ns)
            assert len(part.quotes) == PER_REQUEST, "what came before the fault counts"
