"""Members' closes beside a running desk: once a session, some time after its close, many to a request."""

from __future__ import annotations

from contextlib import aclosing, asynccontextmanager
from datetime import date, timedelta
from typing import TYPE_CHECKING

import polars as pl

from feeds.desk.members.closes import NO_SOURCE, NONE_STORED, TRIES, MemberCloses
from feeds.desk.opened.sources import Source
from feeds.desk.opened.supervision import supervise
from feeds.errors import SourceError
from feeds.events import HistoryUpdated, Status
from feeds.history.loading import REACH_DAYS
from feeds.history.sync import HistorySync
from feeds.history.updater import HistoryUpdater
from rotation.breadth.members import SCHEMA, MemberList, Membership
from rotation.desk import Desk
from rotation.history import History
from rotation.market.market import NOWHERE
from rotation.sessions import sessions_between
from rotation.status import Kind
from tests.support.sync_world import SINCE, Vendor, World, ny, share

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from feeds.events import Event

S = 10**9
DAYS = sessions_between(SINCE, date(2024, 7, 26))
MEMBERS = ("M1", "M2", "MOG.A")
SHARES = {name: share(100.0, DAYS) for name in ("IWM", "M1", "M2", "MOG-A", "XX")}


class Kept:
    """Closes of members over a made-up market; sleeping moves the clock. All are stored up to 17 July."""

    def __init__(self, folder: Path, *, at_once: int = 100) -> None:
        self.world = World(folder, dict(SHARES), ny(date(2024, 7, 17), 18))
        self.vendor = Vendor(self.world, at_once=at_once)
        self.events: list[Event] = []
        self.at: list[int] = []

        @asynccontextmanager
        async def sources():
            yield [self.vendor]

        self.time = self.world.time()
        self.feed = MemberCloses(
            self.world.store, ["IWM"], frozenset(MEMBERS), time=self.time, sources=sources
        )

    async def begun(self, *stored: str) -> Kept:
        """With these series stored, the next morning."""
        world = self.world
        syncing = HistorySync(
            world.store, [world.yahoo], renames=world.renames, clock_ns=lambda: world.now_ns
        )
        await syncing.run(stored or tuple(SHARES), since=SINCE)
        world.now_ns = ny(date(2024, 7, 18), 10)
        return self

    async def until(self, holds: Callable[[], bool]) -> None:
        async with aclosing(self.feed.events()) as events:
            async for event in events:
                self.events.append(event)
                self.at.append(self.world.now_ns)
                if holds():
                    return
                assert len(self.events) < 200

    @property
    def status(self) -> Status:
        return next(event for event in reversed(self.events) if isinstance(event, Status))

    def says(self, text: str) -> bool:
        return any(isinstance(event, Status) for event in self.events) and text in self.status.detail


async def test_they_come_once_after_the_close_in_one_request(tmp_path: Path) -> None:
    kept = await Kept(tmp_path).begun()
    await kept.until(lambda: kept.says("settled through 2024-07-18"))
    assert kept.status.state is Kind.LIVE
    asked = [symbols for symbols, _ in kept.vendor.asked]
    assert asked == [["M1", "M2", "MOG-A"]], "not the legs, nor others that are stored, nor before the close"
    assert ny(date(2024, 7, 18), 16, 15) <= kept.at[-1] <= ny(date(2024, 7, 18), 17, 15)
    (update,) = [event for event in kept.events if isinstance(event, HistoryUpdated)]
    assert update.history.frame.filter(symbol="MOG-A")["date"].max() == date(2024, 7, 18)
    assert "IWM" in update.history.symbols
    await kept.until(lambda: kept.says("settled through 2024-07-19"))
    assert len(kept.vendor.asked) == 2


async def test_one_that_has_no_close_is_not_asked_for_all_night(tmp_path: Path) -> None:
    kept = await Kept(tmp_path).begun()
    kept.vendor.spoil = lambda symbol, bars: SourceError("no such symbol") if symbol == "M2" else bars
    await kept.until(
        lambda: kept.says("2 of 3 settled through 2024-07-18") and "next try" not in kept.status.detail
    )
    assert kept.status.state is Kind.GAPPED
    assert [symbols for symbols, _ in kept.vendor.asked][1:] == [["M2"]] * (TRIES - 1)
    kept.vendor.asked.clear()
    await kept.until(lambda: kept.says("through 2024-07-19"))
    assert {name for names, _ in kept.vendor.asked for name in names} == {"M1", "M2", "MOG-A"}


async def test_without_stored_members_or_a_source_of_many_nothing_is_asked(tmp_path: Path) -> None:
    kept = await Kept(tmp_path / "none").begun("IWM", "XX")
    await kept.until(lambda: kept.says("no closes"))
    assert kept.status == Status(Kind.OFFLINE, NONE_STORED)
    alone = await Kept(tmp_path / "alone", at_once=1).begun()
    await alone.until(lambda: alone.says("needs a key"))
    assert alone.status.detail.startswith(NO_SOURCE)
    assert kept.vendor.asked == alone.vendor.asked == []


def funds(*lists: tuple[date, tuple[str, ...]]) -> tuple[Membership, ...]:
    def made(names: tuple[str, ...]) -> pl.DataFrame:
        return pl.DataFrame([(name, name, "Energy", None) for name in names], schema=SCHEMA, orient="row")

    return (Membership.of("IWM", [MemberList.of("IWM", day, made(names)) for day, names in lists]),)


async def test_one_that_joins_gets_its_closes_as_far_back_as_breadth_reaches(tmp_path: Path) -> None:
    kept = await Kept(tmp_path).begun("IWM", "M1", "MOG-A", "XX")
    kept.feed.take_members(funds((SINCE, MEMBERS)))
    await kept.until(lambda: kept.says("settled through 2024-07-17"))
    assert kept.vendor.asked == [], "whoever was a member all along is not brought"
    joined = (date(2024, 7, 18), ("M1", "MOG.A", "NEW", "XX"))
    kept.world.market.shares["NEW"] = share(50.0, DAYS)
    kept.feed.take_members(funds((SINCE, MEMBERS), joined))
    kept.events.clear()
    await kept.until(lambda: kept.says("settled through 2024-07-17"))
    today = date(2024, 7, 18)
    assert kept.vendor.asked == [(["NEW"], today - timedelta(days=REACH_DAYS))]
    (update,) = [event for event in kept.events if isinstance(event, HistoryUpdated)]
    assert {"NEW", "XX", "M1", "IWM"} <= set(update.history.symbols)
    kept.vendor.asked.clear()
    await kept.until(lambda: kept.says("settled through 2024-07-18"))
    assert [symbols for symbols, _ in kept.vendor.asked] == [["M1", "MOG-A", "NEW", "XX"]]


async def test_one_that_joins_and_is_stored_is_loaded_without_a_request(tmp_path: Path) -> None:
    kept = await Kept(tmp_path).begun()
    kept.feed.take_members(funds((SINCE, MEMBERS)))
    await kept.until(lambda: kept.says("settled through 2024-07-17"))
    kept.feed.take_members(funds((SINCE, MEMBERS), (date(2024, 7, 18), (*MEMBERS, "XX"))))
    kept.events.clear()
    await kept.until(lambda: any(isinstance(event, HistoryUpdated) for event in kept.events))
    assert kept.vendor.asked == []


async def test_a_member_with_a_new_name_goes_on_under_it(tmp_path: Path) -> None:
    kept = await Kept(tmp_path).begun()
    (tmp_path / "renames.csv").write_text("2024-07-18,M2,NEWM\n")
    kept.world.market.shares["NEWM"] = SHARES["M2"]
    kept.feed.take_members(funds((SINCE, ("M1", "MOG.A", "NEWM"))))
    await kept.until(lambda: kept.says("settled through 2024-07-17"))
    assert [symbols for symbols, _ in kept.vendor.asked] == [["NEWM"]]
    assert "NEWM" in kept.world.store.symbols()
    assert "M2" not in kept.world.store.symbols()


async def test_history_on_another_scale_is_asked_for_where_it_is_kept_and_once(tmp_path: Path) -> None:
    kept = await Kept(tmp_path).begun()
    legs = Vendor(kept.world)

    @asynccontextmanager
    async def of_legs():
        yield [legs]

    updater = HistoryUpdater(kept.world.store, ["IWM"], since=SINCE, time=kept.time, sources=of_legs)
    supervisor, _ = supervise(
        Source(History.empty(), None, NOWHERE),
        Desk(legs=("IWM",)),
        start=None,
        speed=1.0,
        stays=False,
        now_ns=kept.world.now_ns,
        live=[updater, kept.feed],
    )
    await kept.until(lambda: kept.says("settled through 2024-07-18"))

    async def follow() -> None:
        async for event in updater.events():
            if isinstance(event, Status) and "settled through 2024-07-18" in event.detail:
                return

    await follow()
    for asked in (legs.asked, kept.vendor.asked):
        asked.clear()
    for symbol in ("IWM", "MOG.A", "XX"):
        supervisor.on_unadjusted(symbol)
    await follow()
    assert [symbols for symbols, _ in legs.asked] == [["IWM"]]
    await kept.until(lambda: kept.says("settled through 2024-07-18") and bool(kept.vendor.asked))
    assert [symbols for symbols, _ in kept.vendor.asked] == [["MOG-A"]]
    await kept.until(lambda: kept.says("settled through 2024-07-19"))
    assert len(kept.vendor.asked) == 2, "the next close, and nothing all night"
