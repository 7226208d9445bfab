"""Treasury and FRED: their shapes, every fault of a source, and what is kept through it."""

from __future__ import annotations

import errno
import json
import os
from datetime import date
from pathlib import Path
from threading import Thread

import pytest

from feeds.errors import InputError, SourceError, StorageError
from feeds.events import MacroNews, Status
from feeds.files.durable import write_whole
from feeds.http.cached import CachedClient
from feeds.macro import series, treasury
from feeds.macro import store as store_module
from feeds.macro.edgar import AGENT
from feeds.macro.feed import MacroFeed
from feeds.macro.macro_at import macro_at
from feeds.macro.opening import import_files
from feeds.macro.sources import AGAIN_S, EVERY_S, MacroSources
from feeds.macro.store import FACTS, FILE, FactStore, MacroStore
from rotation.macro.assemble import MONTHLY, SERIES
from rotation.macro.stated import TENORS
from rotation.quote import NS
from rotation.status import Kind
from tests.support.servers.fed_world import FedWorld
from tests.support.servers.rest import FAULTS, Reply, RestServer

NOW_NS = 1_721_140_800 * NS
"""16 July 2024, 10:40 New York."""
CURVE = (
    b'Date,"1 Mo","3 Mo","6 Mo","2 Yr","3 Yr","5 Yr","10 Yr","30 Yr"\n'
    b"07/15/2024,5.48,5.45,5.24,4.46,4.23,4.13,4.23,4.46\n"
    b"07/12/2024,5.47,5.43,5.23,4.45,4.22,4.10,4.18,4.39\n"
    b"07/11/2024,5.47,N/A,5.24,4.50,4.26,4.13,4.20,4.41\n"
)
FAULTY = ("429", "500", "html", "empty", "cut", "missing", "utf8", "huge")


def fred(name: str) -> bytes:
    if name.startswith("DGS"):
        return f"observation_date,{name}\n2024-07-12,4.18\n2024-07-13,.\n2024-07-15,4.23\n".encode()
    months = [
        f"{year}-{month:02d}-01,{300 + year - 2022 + month / 10}"
        for year in (2023, 2024)
        for month in range(1, 13)
    ]
    return "\n".join([f"observation_date,{name}", *months[:18], ""]).encode()


CALENDAR = (
    b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n"
    b"BEGIN:VEVENT\r\nDTSTART;TZID=US-Eastern:20240801T083000\r\n"
    b"SUMMARY:Employment Situation for July 2024\r\nEND:VEVENT\r\n"
    b"BEGIN:VEVENT\r\nDTSTART:20240815T123000Z\r\nSUMMARY:Consumer Price\r\n  Index\r\nEND:VEVENT\r\n"
    b"BEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20240816\r\nSUMMARY:Real Earnings\r\nEND:VEVENT\r\n"
    b"BEGIN:VEVENT\r\nDTSTART:20240820T083000\r\n"
    b"SUMMARY:Employment Situation of Veterans\r\nEND:VEVENT\r\n"
    b"END:VCALENDAR\r\n"
)
"""A day before and after those of the shipped calendar: 2 and 14 August."""


def answer(path: str) -> bytes:
    if path.endswith(".ics"):
        return CALENDAR
    if "daily-treasury-rates" in path:
        return CURVE
    return fred(path.partition("id=")[2].partition("&")[0])


async def no_wait(_seconds):
    pass


async def too_soon(_seconds):
    raise AssertionError("news was to come before the round's end")


class World:
    """A server, a store and a clock."""

    def __init__(self, folder, *script: Reply) -> None:
        self.now_ns = NOW_NS
        self.server = RestServer(*script, answer=answer)
        self.store = MacroStore(folder / "macro")
        self._folder = folder

    def sources(self, monkeypatch) -> MacroSources:
        for name in ("TREASURY", "FRED", "SEC", "CALENDAR_BLS"):
            monkeypatch.setenv(f"ROTATION_TUI_{name}_REST_URL", self.server.url)
        self.http = CachedClient(
            self._folder / "http",
            tries=1,
            clock_ns=lambda: self.now_ns,
            monotonic=lambda: self.now_ns / NS,
            sleep=no_wait,
            random=lambda: 0.0,
        )
        return MacroSources(
            self.http, self.store, FactStore(self._folder / "macro"), clock_ns=lambda: self.now_ns
        )


def test_the_captured_file_of_the_treasury(shared_data) -> None:
    data = (shared_data / "captures" / "treasury_par_yields_2026-10.csv").read_bytes()
    made = treasury.parse(data)
    assert made.keys() == set(TENORS.values())
    assert made["DGS10"][date(2026, 10, 2)] == 5.28
    assert made["DGS3MO"][date(2026, 9, 25)] == 4.24
    assert len(made["DGS2"]) == len(data.splitlines()) - 1


def test_what_is_no_yield_is_left_out() -> None:
    made = treasury.parse(CURVE)
    assert list(made["DGS3MO"]) == [date(2024, 7, 15), date(2024, 7, 12)]
    assert made["DGS30"][date(2024, 7, 12)] == 4.39


@pytest.mark.parametrize(
    "data",
    [
        b"", b"Date,10 Yr\n07/15/2024,4.2\n", b"<html></html>", CURVE.split(b"\n")[0] + b"\n", b"\xff\xfe",
        CURVE.split(b"\n")[0] + b"\n2024-07-15,1,2,3,4,5,6,7,8\n",
        CURVE.replace(b"4.", b"999.").replace(b"5.", b"x"),
        b'Date,"3 Mo\n',
    ],
    ids=range(8),
)  # fmt: skip
def test_what_is_no_curve_is_refused(data: bytes) -> None:
    with pytest.raises(SourceError):
        treasury.parse(data)


def test_a_series_that_was_not_asked_for_is_refused() -> None:
    with pytest.raises(SourceError, match="CPIAUCSL is not in the answer"):
        series._of("CPIAUCSL", fred("DGS10"))


async def test_both_answer_and_are_asked_again_only_when_due(tmp_path, monkeypatch) -> None:
    world = World(tmp_path)
    async with world.server:
        sources = world.sources(monkeypatch)
        async with world.http:
            assert await sources.ask_due()
            known = sources.macro()
            assert {name: each.kind for name, each in known.sources.items()} == {
                "Treasury": Kind.LIVE, "FRED": Kind.LIVE, "SEC": Kind.OFFLINE, "BLS": Kind.LIVE,
            }  # fmt: skip
            assert "ROTATION_TUI_USER_AGENT" in known.sources["SEC"].error
            assert not any("companyconcept" in each.path for each in world.server.requests)
            assert {each.tenor: each.pct for each in known.yields}["10Y"] == 4.23
            assert [each.name for each in known.inflation] == ["CPI", "core CPI"]
            asked = len(world.server.requests)
            assert not any("id=DGS" in each.path for each in world.server.requests), "the Treasury has them"
            world.now_ns += int((EVERY_S["Treasury"] - 1) * NS)
            assert not await sources.ask_due()
            world.now_ns += 2 * NS
            assert await sources.ask_due()
            assert len(world.server.requests) == asked + 1


@pytest.mark.parametrize("name", FAULTY)
async def test_a_fault_leaves_what_is_held_and_says_so(tmp_path, monkeypatch, name: str) -> None:
    world = World(tmp_path)
    async with world.server:
        sources = world.sources(monkeypatch)
        async with world.http:
            await sources.ask_due()
            good = sources.macro()
            world.server.script[:] = [FAULTS[name]]
            world.now_ns += 30 * 3600 * NS
            await sources.ask_due()
            known = sources.macro()
    assert (known.yields, known.inflation, known.jobs) == (good.yields, good.inflation, good.jobs)
    assert known.releases == good.releases, "the calendar's last good answer"
    for each in (known.sources[name] for name in ("Treasury", "FRED", "BLS")):
        assert each.error
        assert each.kind is Kind.STALE
        assert each.age_s == pytest.approx(30 * 3600)
    again = World(tmp_path)
    again.now_ns = world.now_ns
    assert again.sources(monkeypatch).macro().yields == good.yields, "kept through a restart"


@pytest.mark.parametrize("name", FAULTY)
async def test_a_source_that_never_answered_is_offline_and_asked_soon(
    tmp_path, monkeypatch, name: str
) -> None:
    world = World(tmp_path, FAULTS[name])
    async with world.server:
        sources = world.sources(monkeypatch)
        async with world.http:
            await sources.ask_due()
            known = sources.macro()
            assert {each.kind for each in known.sources.values()} == {Kind.OFFLINE}
            assert (known.yields, known.inflation, known.jobs) == ((), (), None)
            world.server.script[:] = [Reply()]
            world.now_ns += int((AGAIN_S + 1) * NS)
            await sources.ask_due()
            assert sources.macro().yields
            kinds = {name: each.kind for name, each in sources.macro().sources.items()}
            assert kinds["Treasury"] is kinds["FRED"] is Kind.LIVE


async def test_fred_stands_in_for_the_treasury(tmp_path, monkeypatch) -> None:
    world = World(tmp_path, FAULTS["500"], Reply())
    async with world.server:
        sources = world.sources(monkeypatch)
        async with world.http:
            await sources.ask_due()
    known = sources.macro()
    assert known.sources["Treasury"].kind is Kind.OFFLINE
    assert known.sources["FRED"].kind is Kind.LIVE
    assert {each.pct for each in known.yields} == {4.23}
    assert len(known.yields) == len(TENORS)


@pytest.mark.parametrize("name", SERIES)
def test_the_world_of_the_other_tests_has_every_series(name: str) -> None:
    """A server that lacks one fails in a task of its own, where no test would see it."""
    known = series.parse(FedWorld(NOW_NS).answer(f"/graph/fredgraph.csv?id={name}&coed=2024-07-16"))
    assert len(known[name]) > 12
    assert max(known[name]) <= date(2024, 7, 15)


async def test_the_feed_tells_what_is_kept_at_once_and_then_what_it_hears(tmp_path, monkeypatch) -> None:
    world = World(tmp_path)
    world.store.add({"DGS10": {date(2024, 7, 11): 4.2}})
    async with world.server:
        sources = world.sources(monkeypatch)
        feed = MacroFeed(world.http, sources, sleep=too_soon)
        events = feed.events()
        first = await anext(events)
        given = [(await anext(events), await anext(events)) for _ in EVERY_S]
        await events.aclose()
    assert isinstance(first, MacroNews)
    assert first.macro.yields[0].date == date(2024, 7, 11)
    assert first.macro.sources == {}
    statuses, news = zip(*given, strict=True)
    assert all(isinstance(each, Status) and each.state is Kind.LIVE for each in statuses)
    assert [each.detail for each in statuses[:2]] == ["Treasury LIVE", "Treasury LIVE, FRED LIVE"]
    assert statuses[2].detail.startswith(f"{statuses[1].detail}, SEC OFFLINE (set ROTATION_TUI_USER_AGENT")
    assert {each.macro.yields[0].date for each in news} == {date(2024, 7, 15)}
    assert [bool(each.macro.inflation) for each in news] == [False, True, True, True], (
        "nobody waits for the next"
    )


async def test_the_calendar_alone_makes_the_feed_no_live_one(tmp_path, monkeypatch) -> None:
    world = World(tmp_path, FAULTS["500"])
    async with world.server:
        sources = world.sources(monkeypatch)
        events = MacroFeed(world.http, sources, sleep=too_soon).events()
        seen = []
        while len(seen) < len(EVERY_S):
            event = await anext(events)
            if isinstance(event, Status):
                seen.append(event)
                # The calendar is the last one asked.
                world.server.script[:] = [Reply()] if len(seen) == len(EVERY_S) - 1 else world.server.script
        await events.aclose()
    assert {each.state for each in seen} == {Kind.OFFLINE}
    assert seen[-1].detail.endswith("BLS LIVE")


async def test_who_asks_once_asks_nobody_who_has_answered_lately(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv(AGENT, "A Desk desk@example.test")
    world = World(tmp_path)
    asked, seen = [], []
    async with world.server:
        for later_s in (0.0, EVERY_S["Treasury"] - 1, EVERY_S["Treasury"] + 1):
            world.now_ns = NOW_NS + int(later_s * NS)
            sources = world.sources(monkeypatch)
            seen.append(await MacroFeed(world.http, sources).once(60.0, banks=False))
            asked.append(len(world.server.requests))
        assert not any("companyconcept" in each.path for each in world.server.requests)
        sources = world.sources(monkeypatch)
        await MacroFeed(world.http, sources).once(60.0)
        assert any("companyconcept" in each.path for each in world.server.requests)
    assert asked == [2 + len(MONTHLY), 2 + len(MONTHLY), 3 + len(MONTHLY)]
    for each in seen:
        assert each.yields == seen[0].yields
        assert {name: source.kind for name, source in each.sources.items()} == {
            "Treasury": Kind.LIVE, "FRED": Kind.LIVE, "BLS": Kind.LIVE,
        }  # fmt: skip


def test_a_broken_store_is_an_empty_one_and_the_newest_word_counts(tmp_path) -> None:
    store = MacroStore(tmp_path)
    (tmp_path / FILE).write_text("{")
    assert store.load() == {}
    store.add({"DGS10": {date(2024, 7, 11): 4.2, date(2024, 7, 12): 4.1}})
    assert store.add({"DGS10": {date(2024, 7, 12): 4.18}})["DGS10"] == {
        date(2024, 7, 11): 4.2, date(2024, 7, 12): 4.18,
    }  # fmt: skip
    (tmp_path / FILE).write_text(json.dumps({"layout": 99, "series": {}}))
    assert store.load() == {}


BROKEN = [b"{", json.dumps({"layout": 99, "series": {"DGS10": {"1990-01-02": 7.9}}}).encode()]
FRESH = {"DGS10": {date(2024, 7, 15): 4.23}}


@pytest.mark.parametrize("data", BROKEN, ids=["damaged", "another version"])
def test_what_was_kept_and_cannot_be_used_is_set_aside_and_never_replaced(tmp_path, data: bytes) -> None:
    (tmp_path / FILE).write_bytes(data)
    assert MacroStore(tmp_path).add(FRESH) == FRESH
    assert (tmp_path / f"{FILE}.broken-1").read_bytes() == data
    (tmp_path / FACTS).write_bytes(b"[")
    FactStore(tmp_path).add({"JPM": []})
    assert (tmp_path / f"{FACTS}.broken-1").read_bytes() == b"["


def test_a_disk_that_cannot_be_read_loses_nothing(tmp_path, monkeypatch) -> None:
    store = MacroStore(tmp_path)
    store.add({"DGS10": {date(1990, 1, 2): 7.94}})
    before = (tmp_path / FILE).read_bytes()

    def fails(_path) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as disk:
        disk.setattr(Path, "read_bytes", fails)
        with pytest.raises(StorageError, match=f"{FILE}: {os.strerror(errno.EIO)}"):
            store.add(FRESH)
    assert (tmp_path / FILE).read_bytes() == before


def test_two_programs_that_add_at_once_lose_nothing_of_each_other(tmp_path, monkeypatch) -> None:
    """A second one comes between the first one's reading and writing: it has to wait."""
    first, second = MacroStore(tmp_path), MacroStore(tmp_path)
    beside = Thread(target=lambda: second.add({"DGS2": {date(2024, 7, 15): 4.46}}))

    def slow(path, body) -> None:
        monkeypatch.setattr(store_module, "write_whole", write_whole)
        beside.start()
        beside.join(0.2)  # which a second one that did not wait would need to be done
        write_whole(path, body)

    monkeypatch.setattr(store_module, "write_whole", slow)
    first.add(FRESH)
    beside.join()
    assert first.load().keys() == {"DGS2", "DGS10"}


def test_files_of_one_s_own_are_kept_and_asked_of_any_day(tmp_path, shared_data) -> None:
    names = (*SERIES, "VIXCLS")
    lines = import_files(tmp_path, tuple(shared_data / "macro" / f"{name}.csv" for name in names))
    assert any(line.startswith("DGS10 ") for line in lines)
    assert lines[-1] == "VIXCLS.csv: VIXCLS left out, nothing shows it"
    known = macro_at(tmp_path, NOW_NS)
    assert (known.sources, known.inflation[0].month) == ({}, date(2024, 6, 1))
    assert macro_at(tmp_path / "nothing", NOW_NS) is None


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.csv", "x,y\n1,2\n", "unexpected CSV columns"),
        ("VIX.csv", "date,value\n2024-07-15,13.1\n", "no series in these files is shown"),
        ("a.txt", "", "is not a .csv or .parquet file"),
    ],
)
def test_what_is_no_file_of_fred_s_is_refused(tmp_path, name: str, text: str, words: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=words):
        import_files(tmp_path / "kept", (tmp_path / name,))
    assert not (tmp_path / "kept").exists()
