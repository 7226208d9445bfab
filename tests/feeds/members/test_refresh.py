"""Holdings each evening in a running desk: a request for each fund that is held, and none at the start."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from feeds.desk.members.membership import load_membership
from feeds.errors import InputError, StorageError
from feeds.events import Status
from feeds.members.parse import parse_holdings
from feeds.members.refresh import DELAY_NS, HoldingsRefresh
from feeds.members.store import MemberStore
from rotation.breadth.members import MemberList
from rotation.sessions import close_ns, new_york_day
from rotation.status import Kind
from tests.support.breadth.sponsors import TITLE, sponsors
from tests.support.fake_time import FakeTime, driven, settle, without_threads
from tests.support.servers.rest import RestServer, fault, ok

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    import pytest

    from rotation.breadth.members import Membership

DAY = date(2026, 5, 5)
NOON_NS = close_ns(DAY) - 4 * 3600 * 10**9


def into(taken: list[Any]) -> Callable[[tuple[Membership, ...]], Awaitable[None]]:
    """Take what is handed on."""

    async def take(membership: tuple[Membership, ...]) -> None:
        taken.append(membership)

    return take


async def test_a_newer_list_goes_to_the_desk_and_a_failure_leaves_the_one_held(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    without_threads(monkeypatch)
    store = MemberStore(tmp_path)
    store.put(parse_holdings(sponsors(1_600, TITLE.replace("May 05", "May 04")), "IWM"))
    time, events, taken = FakeTime(NOON_NS), list[Any](), list[Any]()
    async with RestServer(ok(sponsors(), content_type="text/csv"), fault(404)) as server:
        monkeypatch.setenv("ROTATION_TUI_ISHARES_REST_URL", server.url)
        feed = HoldingsRefresh(store, store.load, time=time)
        feed.on_members = into(taken)

        async def follow() -> None:
            async for event in feed.events():
                events.append(event)

        async with driven(follow(), settle()):
            await time.passing(4 * 3600, step=300)
            assert (events, server.requests) == ([], [])
            await time.passing(DELAY_NS[1] / 10**9, step=300)
            (status,) = events
            assert (status.state, status.detail.partition("  ")[0]) == (Kind.LIVE, "stored")
            assert len(server.requests) == 1, "only the fund that is held"
            ((members,),) = taken
            assert members.lists[-1].as_of == DAY
            await time.passing(24 * 3600, step=300)
            assert isinstance(events[-1], Status)
            assert (len(events), events[-1].state, len(taken)) == (2, Kind.OFFLINE, 1)
            assert "IWM holdings" in events[-1].detail


async def test_a_list_stored_by_hand_and_the_day_of_a_rename_reach_the_desk(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    without_threads(monkeypatch)
    store, renames = MemberStore(tmp_path / "members"), tmp_path / "renames.csv"
    frame = parse_holdings(sponsors(), "IWM").frame
    store.put(MemberList.of("OWN", DAY - timedelta(days=1), frame))  # no sponsor is asked for it
    time, taken, events = FakeTime(NOON_NS), list[Any](), list[Any]()
    feed = HoldingsRefresh(
        store,
        lambda: load_membership(store, tmp_path, new_york_day(time.clock_ns())),
        time=time,
        beside=renames,
    )
    feed.on_members = into(taken)

    async def follow() -> None:
        async for event in feed.events():
            events.append(event)

    async with driven(follow(), settle()):
        await time.passing(1800, step=300)
        assert taken == []
        store.put(MemberList.of("OWN", DAY, frame.filter(frame["symbol"] != "S1X")))
        await time.passing(600, step=300)
        ((members,),) = taken
        assert [each.as_of for each in members.lists] == [DAY - timedelta(days=1), DAY]
        renames.write_text(f"{DAY + timedelta(days=1)},S7X,SNEW\n")
        await time.passing(600, step=300)
        assert "S7X" in taken[-1][0].lists[-1].symbols, "its day has not come"
        count = len(taken)
        await time.passing(14 * 3600, step=300)
        assert len(taken) == count + 1
        assert "SNEW" in taken[-1][0].lists[-1].symbols
        assert "S7X" not in taken[-1][0].lists[-1].symbols
        await time.passing(24 * 3600, step=300)
        assert len(taken) == count + 1, "another day, and nothing new"
        assert all(event.state is Kind.LIVE for event in events)


async def test_a_table_of_renames_that_was_broken_meanwhile_does_not_end_the_desk(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    without_threads(monkeypatch)
    store = MemberStore(tmp_path)
    store.put(parse_holdings(sponsors(1_600, TITLE.replace("May 05", "May 04")), "IWM"))
    time, events = FakeTime(NOON_NS), list[Any]()

    def broken() -> tuple[Membership, ...]:
        raise InputError("renames.csv: line 2: no date")

    async with RestServer(ok(sponsors(), content_type="text/csv")) as server:
        monkeypatch.setenv("ROTATION_TUI_ISHARES_REST_URL", server.url)
        feed = HoldingsRefresh(store, broken, time=time)

        async def follow() -> None:
            async for event in feed.events():
                events.append(event)

        async with driven(follow(), settle()):
            await time.passing(4 * 3600 + DELAY_NS[1] / 10**9, step=300)
            assert events == [Status(Kind.OFFLINE, "renames.csv: line 2: no date")]


async def test_a_fault_that_is_mended_leaves_the_row_live_and_is_said_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    without_threads(monkeypatch)
    store, faults = MemberStore(tmp_path), list[Exception]()
    frame = parse_holdings(sponsors(), "IWM").frame
    store.put(MemberList.of("OWN", DAY - timedelta(days=1), frame))
    time, events, taken = FakeTime(NOON_NS), list[Any](), list[Any]()

    def load() -> tuple[Membership, ...]:
        if faults:
            raise faults[0]
        return store.load()

    feed = HoldingsRefresh(store, load, time=time)
    feed.on_members = into(taken)

    async def follow() -> None:
        async for event in feed.events():
            events.append(event)

    async with driven(follow(), settle()):
        await time.passing(1800, step=300)
        assert (events, taken) == ([], [])
        faults.append(StorageError("OWN: it cannot be read"))
        store.put(MemberList.of("OWN", DAY, frame.filter(frame["symbol"] != "S1X")))
        await time.passing(1800, step=300)
        assert events == [Status(Kind.OFFLINE, "OWN: it cannot be read")]
        faults.clear()  # and no file changes
        await time.passing(600, step=300)
        ((members,),) = taken
        assert members.lists[-1].as_of == DAY
        assert [event.state for event in events] == [Kind.OFFLINE, Kind.LIVE]
        await time.passing(1800, step=300)
        assert (len(events), len(taken)) == (2, 1)


async def test_what_could_not_be_handed_on_is_handed_on_the_next_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    without_threads(monkeypatch)
    store = MemberStore(tmp_path)
    frame = parse_holdings(sponsors(), "IWM").frame
    store.put(MemberList.of("OWN", DAY - timedelta(days=1), frame))
    time, events, given = FakeTime(NOON_NS), list[Any](), list[Any]()
    feed = HoldingsRefresh(store, store.load, time=time)

    async def take(membership: tuple[Membership, ...]) -> None:
        given.append(membership)
        if len(given) == 1:
            raise StorageError("the disk is full")

    feed.on_members = take

    async def follow() -> None:
        async for event in feed.events():
            events.append(event)

    async with driven(follow(), settle()):
        await time.passing(1800, step=300)
        store.put(MemberList.of("OWN", DAY, frame.filter(frame["symbol"] != "S1X")))
        await time.passing(1200, step=300)
    assert len(given) == 2
    assert [event.state for event in events] == [Kind.OFFLINE, Kind.LIVE]


async def test_a_feed_that_is_started_again_hands_on_what_it_had_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    without_threads(monkeypatch)
    store = MemberStore(tmp_path)
    frame = parse_holdings(sponsors(), "IWM").frame
    store.put(MemberList.of("OWN", DAY - timedelta(days=1), frame))
    time, given = FakeTime(NOON_NS), list[Any]()
    feed = HoldingsRefresh(store, store.load, time=time)

    async def take(membership: tuple[Membership, ...]) -> None:
        given.append(membership)
        if len(given) == 1:
            raise ValueError("a follower's own fault")

    feed.on_members = take

    async def follow() -> None:
        for _ in range(2):
            with suppress(ValueError):
                async for _event in feed.events():
                    pass

    async with driven(follow(), settle()):
        await time.passing(1800, step=300)
        store.put(MemberList.of("OWN", DAY, frame.filter(frame["symbol"] != "S1X")))
        await time.passing(1800, step=300)
    assert len(given) == 2
