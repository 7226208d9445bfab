"""The SEC: who may ask, its shape, every fault, and what is kept through it."""

from __future__ import annotations

import json
from datetime import date

import pytest

from feeds.errors import SourceError
from feeds.http.cached import CachedClient
from feeds.macro.edgar import AGENT, CIKS, has_contact, parse
from feeds.macro.sources import MacroSources
from feeds.macro.store import FactStore, MacroStore
from rotation.macro.banks import AFTER_PROVISION, NET, Fact
from rotation.quote import NS
from rotation.status import Kind
from tests.support.servers.rest import FAULTS, Reply, RestServer, ok

NOW_NS = 1_721_140_800 * NS
ROW = {"start": "2024-01-01", "end": "2024-03-31", "val": 14032000000, "filed": "2024-04-30", "fp": "Q1"}
BEFORE = {"start": "2023-01-01", "end": "2023-03-31", "val": 14448000000, "filed": "2023-05-01"}


def concept(*rows: dict[str, object], tag: str = NET) -> bytes:
    return json.dumps({"cik": 1, "tag": tag, "units": {"USD": rows}}).encode()


def answer(path: str) -> bytes:
    if "companyconcept" not in path:
        return b"{}"
    return concept(ROW, BEFORE) if f"/{NET}.json" in path else b"{}"


async def no_wait(_seconds):
    pass


def sources(folder, server: RestServer, clock, monkeypatch) -> tuple[CachedClient, MacroSources]:
    for name in ("TREASURY", "FRED", "SEC"):
        monkeypatch.setenv(f"ROTATION_TUI_{name}_REST_URL", server.url)
    monkeypatch.setenv(AGENT, "A Desk desk@example.test")
    http = CachedClient(
        folder / "http", tries=1, clock_ns=lambda: clock[0], monotonic=lambda: clock[0] / NS, sleep=no_wait
    )
    made = MacroSources(http, MacroStore(folder), FactStore(folder), clock_ns=lambda: clock[0])
    return http, made


def test_a_concept_and_what_is_left_out_of_it() -> None:
    expected = Fact(NET, date(2024, 1, 1), date(2024, 3, 31), 14032e6, date(2024, 4, 30))
    assert parse(concept(ROW)) == [expected]
    bad = [
        ROW | change for change in ({"val": None}, {"end": ""}, {"filed": "soon"}, {"start": "2024-04-01"})
    ]
    assert parse(concept(*bad, ROW)) == [expected]
    assert parse(concept(ROW, tag=AFTER_PROVISION))[0].tag == AFTER_PROVISION


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b"<html>",
        concept(),
        concept({}),
        concept(ROW, tag="Assets"),
        b'{"units": 1}',
        json.dumps({"facts": {"us-gaap": {NET: {"units": {"USD": [ROW]}}}}}).encode(),
        b"\xff",
    ],
    ids=range(10),
)
def test_what_has_no_fact_is_refused(data: bytes) -> None:
    with pytest.raises(SourceError):
        parse(data)


def test_nobody_asks_without_a_contact() -> None:
    assert not has_contact({})
    assert not has_contact({AGENT: "A Desk"})
    assert has_contact({AGENT: "A Desk desk@example.test"})


async def test_banks_are_asked_by_name_and_kept(tmp_path, monkeypatch) -> None:
    clock = [NOW_NS]
    async with RestServer(answer=answer) as server:
        http, made = sources(tmp_path, server, clock, monkeypatch)
        async with http:
            await made.ask_due()
        asked = [each for each in server.requests if "companyconcept" in each.path]
    assert len(asked) == len(CIKS)
    assert {each.headers["user-agent"] for each in asked} == {"A Desk desk@example.test"}
    assert any(each.path == f"/api/xbrl/companyconcept/CIK0000070858/us-gaap/{NET}.json" for each in asked)
    known = made.macro()
    assert known.sources["SEC"].kind is Kind.LIVE
    bank = next(each for each in known.banks if each.ticker == "BAC")
    assert (bank.quarter, bank.value_usd, bank.filed) == ("Q1 2024", 14032e6, date(2024, 4, 30))
    assert bank.year_pct == pytest.approx(100 * (14032 / 14448 - 1))


@pytest.mark.parametrize("name", ["429", "500", "html", "empty", "cut", "missing", "utf8"])
async def test_a_fault_leaves_what_is_held_and_says_so(tmp_path, monkeypatch, name: str) -> None:
    clock = [NOW_NS]
    async with RestServer(answer=answer) as server:
        http, made = sources(tmp_path, server, clock, monkeypatch)
        async with http:
            await made.ask_due()
            good = made.macro().banks
            server.script[:] = [FAULTS[name]]
            clock[0] += 4 * 86_400 * NS
            await made.ask_due()
            known = made.macro()
    assert good
    assert known.banks == good
    assert known.sources["SEC"].kind is Kind.STALE
    assert known.sources["SEC"].error
    assert FactStore(tmp_path).load().keys() == CIKS.keys()


async def test_where_only_after_provisions_is_reported_that_is_taken(tmp_path, monkeypatch) -> None:
    def other(path: str) -> bytes:
        return concept(ROW, tag=AFTER_PROVISION) if f"/{AFTER_PROVISION}.json" in path else b"{}"

    async with RestServer(Reply(), ok(), answer=other) as server:
        http, made = sources(tmp_path, server, [NOW_NS], monkeypatch)
        async with http:
            await made.ask_due()
    assert all(each.is_after_provision for each in made.macro().banks)
    assert len(made.macro().banks) == len(CIKS)
