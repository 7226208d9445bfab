"""The session's yields by indices: their scale, their faults, and never among the settled ones."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from urllib.parse import unquote

import pytest

from feeds.errors import SourceError
from feeds.http.cached import CachedClient
from feeds.macro.indices import EVERY_S, LATER_S, SYMBOLS, YieldIndices, parse, wait_s
from feeds.macro.sources import AGAIN_S, MacroSources
from feeds.macro.store import FactStore, MacroStore
from rotation.macro.indices import scale_of
from rotation.macro.stated import TENORS
from rotation.quote import NS
from rotation.sessions import NEW_YORK, to_ns
from rotation.status import Kind
from tests.support.servers.rest import FAULTS, Reply, RestServer, ok

NOW = datetime(2024, 7, 16, 10, 40, tzinfo=NEW_YORK)
TRADED = NOW - timedelta(minutes=16)
SETTLED = {"5Y": 4.13, "10Y": 4.23, "30Y": 4.46}
VALUES = {"^FVX": (4.10, 4.14), "^TNX": (4.19, 4.24), "^TYX": (4.41, 4.47)}


def chart(path: str, scale: float = 1.0, at: datetime = TRADED, **changed: object) -> bytes:
    symbol = unquote(path.partition("?")[0].rpartition("/")[2])
    value, before = VALUES[symbol]
    meta = {
        "symbol": symbol,
        "regularMarketPrice": value * scale,
        "regularMarketTime": to_ns(at) // NS,
        "chartPreviousClose": before * scale,
        "exchangeDataDelayedBy": 15,
    } | changed
    return json.dumps({"chart": {"result": [{"meta": meta}], "error": None}}).encode()


async def no_wait(_seconds):
    pass


class World:
    """A server of charts alone, settled yields, and a clock."""

    def __init__(self, folder, monkeypatch, *script: Reply) -> None:
        self.now = NOW
        self.server = RestServer(*script, answer=chart)
        self.store = MacroStore(folder / "macro")
        self.store.add({TENORS[tenor]: {date(2024, 7, 15): pct} for tenor, pct in SETTLED.items()})
        self._folder, self._monkeypatch = folder, monkeypatch

    async def __aenter__(self):
        await self.server.__aenter__()
        self._monkeypatch.setenv("ROTATION_TUI_YAHOO_REST_URL", self.server.url)
        self.http = CachedClient(
            self._folder / "http", tries=1, clock_ns=lambda: to_ns(self.now),
            monotonic=lambda: to_ns(self.now) / NS, sleep=no_wait, random=lambda: 0.0,
        )  # fmt: skip
        self.sources = MacroSources(
            self.http, self.store, FactStore(self._folder / "macro"), indices=YieldIndices(self.http),
            clock_ns=lambda: to_ns(self.now),
        )  # fmt: skip
        return self

    async def __aexit__(self, *error):
        await self.http.aclose()
        await self.server.__aexit__(*error)

    @property
    def shown(self) -> dict[str, float]:
        return {each.tenor: each.pct for each in self.sources.macro().indices}


@pytest.mark.parametrize("scale", [1.0, 10.0])
async def test_on_either_scale_they_are_the_same_yields_beside_the_settled_ones(tmp_path, monkeypatch, scale):
    async with World(tmp_path, monkeypatch) as world:
        before = world.sources.macro()
        world.server._answer_of = lambda path: chart(path, scale)
        assert await world.sources.ask_session()
        known = world.sources.macro()
    assert {each.tenor: (each.symbol, each.pct, each.change_bp) for each in known.indices} == {
        "5Y": ("FVX", 4.10, -4.0), "10Y": ("TNX", 4.19, -5.0), "30Y": ("TYX", 4.41, -6.0),
    }  # fmt: skip
    assert {(each.at, each.source, each.worth) for each in known.indices} == {
        (TRADED, "Yahoo, 15 min delayed", Kind.PROVISIONAL)
    }
    assert (known.yields, known.curve, known.stated) == (before.yields, before.curve, before.stated)
    assert known.sources["Yahoo"].kind is Kind.LIVE


async def test_the_bill_s_discount_rate_is_never_asked_for(tmp_path, monkeypatch):
    async with World(tmp_path, monkeypatch) as world:
        await world.sources.ask_session()
        asked = [unquote(each.path) for each in world.server.requests]
    assert len(asked) == len(SYMBOLS)
    assert not any("IRX" in path for path in asked)


@pytest.mark.parametrize("name", ["429", "500", "html", "empty", "cut", "missing", "utf8", "huge"])
async def test_a_fault_shows_no_line_at_all_and_leaves_the_settled_ones(tmp_path, monkeypatch, name):
    async with World(tmp_path, monkeypatch, FAULTS[name]) as world:
        before = world.sources.macro()
        await world.sources.ask_session()
        known = world.sources.macro()
        assert (known.indices, known.yields) == ((), before.yields)
        assert known.sources["Yahoo"].kind is Kind.OFFLINE
        assert known.sources["Yahoo"].error
        assert not await world.sources.ask_session()
        world.server.script[:] = [Reply()]
        world.now += timedelta(seconds=AGAIN_S)
        await world.sources.ask_session()
        assert world.shown == {"5Y": 4.10, "10Y": 4.19, "30Y": 4.41}
        world.server.script[:] = [FAULTS[name]]
        world.now += timedelta(seconds=EVERY_S)
        await world.sources.ask_session()
        assert world.shown, "the last good answer stands with its time"


async def test_a_stale_body_is_of_yesterday_and_shown_nowhere(tmp_path, monkeypatch):
    async with World(tmp_path, monkeypatch) as world:
        world.server._answer_of = lambda path: chart(path, at=TRADED - timedelta(days=1))
        await world.sources.ask_session()
        assert world.shown == {}


async def test_one_that_is_no_yield_beside_its_settled_one_is_left_out(tmp_path, monkeypatch):
    async with World(tmp_path, monkeypatch) as world:
        world.server._answer_of = lambda path: chart(path, 3.0 if "TNX" in path else 1.0)
        await world.sources.ask_session()
        assert set(world.shown) == {"5Y", "30Y"}


async def test_they_grow_stale_and_go_once_the_treasury_has_the_day(tmp_path, monkeypatch):
    async with World(tmp_path, monkeypatch) as world:
        await world.sources.ask_session()
        world.now += timedelta(minutes=30)
        assert {each.worth for each in world.sources.macro().indices} == {Kind.STALE}
        world.now = datetime(2024, 7, 16, 17, tzinfo=NEW_YORK)
        assert {each.worth for each in world.sources.macro().indices} == {Kind.PROVISIONAL}, (
            "of the day, its last"
        )
        world.store.add({TENORS["10Y"]: {date(2024, 7, 16): 4.17}})
        world.sources._held = world.store.load()
        world.now = datetime(2024, 7, 16, 18, 1, tzinfo=NEW_YORK)
        assert set(world.shown) == {"5Y", "30Y"}
        world.now += timedelta(days=1)
        assert world.shown == {}


async def test_without_a_settled_yield_nothing_stands_beside_it(tmp_path, monkeypatch):
    async with World(tmp_path, monkeypatch) as world:
        world.sources._held = {}
        await world.sources.ask_session()
        assert world.sources.macro().indices == ()


@pytest.mark.parametrize(
    ("at", "wanted"),
    [
        ((16, 8, 19), None), ((16, 8, 20), EVERY_S), ((16, 15, 9), EVERY_S), ((16, 15, 10), LATER_S),
        ((16, 18, 0), None), ((20, 11, 0), None),
    ],
)  # fmt: skip
def test_they_are_asked_for_while_they_are_made(at, wanted):
    day, hour, minute = at
    assert wait_s(datetime(2024, 7, day, hour, minute, tzinfo=NEW_YORK)) == wanted


@pytest.mark.parametrize(
    ("value", "settled", "wanted"),
    [(4.2, 4.23, 1.0), (42.0, 4.23, 10.0), (12.0, 4.23, None), (0.42, 4.23, None), (0.31, 0.3, 1.0),
     (3.1, 0.3, 10.0), (15.8, 15.5, 1.0)],
)  # fmt: skip
def test_the_scale_is_the_one_that_fits_the_settled_yield(value, settled, wanted):
    assert scale_of(value, settled) == wanted


@pytest.mark.parametrize(
    "changed",
    [
        {"symbol": "^FVX"},
        {"regularMarketPrice": None},
        {"regularMarketTime": "x"},
        {"regularMarketPrice": -1},
    ],
)
def test_what_is_no_value_of_the_index_is_refused(changed):
    with pytest.raises(SourceError):
        parse(chart("/^TNX", **changed), "^TNX")


async def test_an_answer_without_its_last_close_has_no_change(tmp_path, monkeypatch):
    async with World(tmp_path, monkeypatch, ok(None)) as world:
        world.server._answer_of = lambda path: chart(path, chartPreviousClose=None)
        await world.sources.ask_session()
        assert {each.change_bp for each in world.sources.macro().indices} == {None}
