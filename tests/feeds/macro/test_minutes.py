"""Minute bars of release days: whom they are asked of, every fault, and what is kept for good."""

from __future__ import annotations

import itertools
import json
import re
from datetime import date, datetime, timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec
import pytest

from feeds.errors import SourceError
from feeds.fed.log import Probabilities
from feeds.fed.store import FedStore
from feeds.http.cached import CachedClient
from feeds.macro.minutes.store import FOLDER, SETTLED_NS, BarStore, ReleaseBars
from feeds.macro.minutes.vendors import AlpacaBars, YahooBars, parse_yahoo
from feeds.macro.release_days import Kept, published
from feeds.macro.release_minutes import AGAIN_NS, AT_ONCE, ReleaseMinutes
from feeds.vendors.alpaca.keys import AlpacaKeys
from feeds.vendors.alpaca.rest import AlpacaRest
from rotation.macro.figures import ReleaseKind
from rotation.macro.release_days import AFTER
from rotation.quote import MINUTE_NS, NS
from rotation.sessions import NEW_YORK, from_ns, to_ns
from rotation.status import Kind
from tests.support.servers.rest import FAULTS, RestServer, ok

AT = datetime(2026, 11, 10, 8, 30, tzinfo=NEW_YORK)
"""CPI."""
PAIR = ("IWM", "QQQ")
TIMES = {ReleaseKind.CPI: [datetime(2026, 10, 14, 8, 30, tzinfo=NEW_YORK), AT]}


def price(symbol: str, ns: int) -> float:
    level, step = (220.0, 7919) if symbol == "IWM" else (490.0, 6007)
    return level * (1 + (ns // MINUTE_NS * step % 101 - 50) / 50_000)


def yahoo(path: str, **changed: object) -> bytes:
    """Every minute, or five, of the span that was asked for, its last row that of the last trade."""
    parts = urlsplit(path)
    symbol = unquote(parts.path.rpartition("/")[2])
    query = {name: value[0] for name, value in parse_qs(parts.query).items()}
    step = int(query["interval"].removesuffix("m")) * 60
    since, until = int(query["period1"]), int(query["period2"])
    times = [*range(since - since % step, until, step), until - 17]
    closes = [price(symbol, (second + step) * NS) for second in times]
    meta = {"symbol": symbol, "regularMarketPrice": 1.0, "regularMarketTime": until - 17} | changed
    row = {"close": closes, "high": closes, "low": closes}
    return json.dumps(
        {
            "chart": {
                "result": [{"meta": meta, "timestamp": times, "indicators": {"quote": [row]}}],
                "error": None,
            }
        }
    ).encode()


def alpaca(path: str) -> bytes:
    query = {name: value[0] for name, value in parse_qs(urlsplit(path).query).items()}
    start, end = (to_ns(datetime.fromisoformat(query[name])) for name in ("start", "end"))
    made = {
        symbol: [
            {"t": f"{from_ns(ns):%Y-%m-%dT%H:%M:%SZ}", "o": p, "h": p, "l": p, "c": p, "v": 100}
            for ns in range(start + -start % MINUTE_NS, end + 1, MINUTE_NS)
            for p in [price(symbol, ns + MINUTE_NS)]
        ]
        for symbol in query["symbols"].split(",")
    }
    return json.dumps({"bars": made, "next_page_token": None}).encode()


def answer(path: str) -> bytes:
    return alpaca(path) if path.startswith("/v2/") else yahoo(path)


async def no_wait(_seconds):
    pass


class World:
    """A server that has all minutes, a store and a clock."""

    def __init__(self, folder, monkeypatch, now: datetime, *script, key: bool = False) -> None:
        self.now_ns = to_ns(now)
        self.folder = folder
        self.server = RestServer(*script, answer=answer)
        self._monkeypatch = monkeypatch
        self._key = key

    async def __aenter__(self):
        await self.server.__aenter__()
        for name in ("YAHOO", "ALPACA"):
            self._monkeypatch.setenv(f"ROTATION_TUI_{name}_REST_URL", self.server.url)
        self.http = CachedClient(
            tries=1,
            clock_ns=lambda: self.now_ns,
            monotonic=lambda: self.now_ns / NS,
            sleep=no_wait,
            random=lambda: 0.0,
        )
        self.minutes = self.made()
        return self

    async def __aexit__(self, *error):
        await self.http.aclose()
        await self.server.__aexit__(*error)

    def made(self) -> ReleaseMinutes:
        """As a program that has only just started has it."""
        keys = AlpacaKeys("key", "secret")
        rest = AlpacaRest(keys, self.http.client, feed="delayed_sip", clock_ns=lambda: self.now_ns)
        vendors = [*([AlpacaBars(rest)] if self._key else []), YahooBars(self.http)]
        store = BarStore(self.folder / "macro")
        return ReleaseMinutes(store, vendors, self.folder / "fed", PAIR, clock_ns=lambda: self.now_ns)

    async def round(self, times=None) -> list[int]:
        due = self.minutes.due(times or TIMES)
        for at_ns in due:
            await self.minutes.ask(at_ns)
        return due

    def view(self, times=None):
        return next(iter(self.minutes.views(times or TIMES)), None)

    @property
    def asked(self) -> list[str]:
        return [each.path for each in self.server.requests]


def wanted(minute: int) -> float:
    """The spread by the server's own prices."""
    now, start = ([price(symbol, to_ns(AT) + m * MINUTE_NS) for symbol in PAIR] for m in (minute, 0))
    return 100 * (now[0] / start[0] - now[1] / start[1])


SETTLED = AT + timedelta(days=1)


@pytest.mark.parametrize(("key", "source"), [(False, "Yahoo"), (True, "Alpaca")])
async def test_a_settled_day_is_asked_for_once_and_kept_for_good(tmp_path, monkeypatch, key, source):
    async with World(tmp_path, monkeypatch, SETTLED, key=key) as world:
        assert len(await world.round()) == 2
        view = world.view()
        assert (view.at, view.source, view.step_min, view.worth) == (AT, source, 1, Kind.CLOSED)
        assert dict(view.spread.line) == {
            m: pytest.approx(wanted(m), abs=6e-5) for m in range(-30, AFTER + 1)
        }
        assert (view.spread.n, view.absent, view.error, view.sources) == (1, 0, "", {source: 1})
        asked = len(world.asked)
        assert asked == (2 if key else 4)
        assert await world.round() == []
        world.minutes = world.made()  # a restart
        assert await world.round() == []
        assert world.view() == view
        assert len(world.asked) == asked
    kept = json.loads((tmp_path / "macro" / FOLDER / "20261110T1330Z-IWM.json").read_bytes())
    assert (kept["source"], kept["step_min"], kept["fetched_ns"]) == (source, 1, to_ns(SETTLED))


FAULTY = ("429", "500", "html", "empty", "cut", "missing", "utf8", "huge")


@pytest.mark.parametrize("key", [False, True], ids=["Yahoo", "Alpaca and Yahoo"])
@pytest.mark.parametrize("name", FAULTY)
async def test_a_fault_keeps_nothing_says_why_and_is_tried_again(tmp_path, monkeypatch, name, key):
    times = {ReleaseKind.CPI: [AT]}
    with FedStore(tmp_path / "fed") as store:
        at_ns = to_ns(AT)
        rows = [
            Probabilities(date(2026, 12, 9), p, 1 - p, 0.0, {}, "futures", "live", at_ns + m * MINUTE_NS)
            for m, p in ((-5, 0.4), (2, 0.7))
        ]
        store.log_all(rows)
    async with World(tmp_path, monkeypatch, SETTLED, FAULTS[name], key=key) as world:
        assert await world.round(times) == [to_ns(AT)]
        view = world.view(times)
        assert (view.spread.line, view.worth, view.source) == ((), Kind.OFFLINE, "")
        assert view.error
        assert "Yahoo" in view.error
        assert ("Alpaca" in view.error) == key
        assert dict(view.cut.line)[5] == pytest.approx(30.0), "P(cut) is the log's, whatever a vendor does"
        assert not (tmp_path / "macro" / FOLDER).exists()
        assert await world.round(times) == [], "politely"
        world.server.script[:] = [ok(None)]
        world.now_ns += AGAIN_NS
        assert await world.round(times) == [to_ns(AT)]
        assert world.view(times).error == ""
        assert len(world.view(times).spread.line) == AFTER + 31


@pytest.mark.parametrize("key", [False, True], ids=["Yahoo", "Alpaca and Yahoo"])
async def test_a_stale_body_of_another_day_has_no_bars_of_this_one(tmp_path, monkeypatch, key):
    def of_the_day_before(path: str) -> bytes:
        path = re.sub(r"(period\d)=(\d+)", lambda m: f"{m[1]}={int(m[2]) - 86_400}", path)
        return answer(path.replace("2026-11-10", "2026-11-09"))

    times = {ReleaseKind.CPI: [AT]}
    async with World(tmp_path, monkeypatch, SETTLED, key=key) as world:
        world.server._answer_of = of_the_day_before
        await world.round(times)
        assert world.minutes.views(times) == ()
        why = "Alpaca: no bars in the answer; " * key + "Yahoo: no bars in the answer"
        assert set(world.minutes._errors.values()) == {why}
        assert not (tmp_path / "macro" / FOLDER).exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda chart: chart["meta"].update(symbol="SPY"),
        lambda chart: chart.pop("meta"),
        lambda chart: chart["timestamp"].pop(),
        lambda chart: chart["indicators"]["quote"][0].update(close=[1.0]),
    ],
    ids=["another symbol", "no meta", "a time less", "one close"],
)
def test_what_is_no_chart_of_the_symbol_is_refused(change):
    body = json.loads(
        yahoo(f"/chart/IWM?period1={to_ns(AT) // NS}&period2={to_ns(AT) // NS + 600}&interval=1m")
    )
    change(body["chart"]["result"][0])
    with pytest.raises(SourceError):
        parse_yahoo(json.dumps(body).encode(), "IWM", to_ns(AT), to_ns(SETTLED), 1)


def test_rows_without_a_price_out_of_order_or_of_no_whole_minute_are_left_out():
    start = to_ns(AT) // NS
    times = [start, start + 60, start + 120, start + 185, start + 240, None, start + 86_400]
    closes = [220.0, None, "x", 221.0, 222.0, 223.0, 224.0]
    row = {"close": closes, "high": [221, 1, 1, 221, 221.5, 223, 224], "low": [219, 1, 1, 221, 221, 223, 224]}
    result = {"meta": {"symbol": "IWM"}, "timestamp": times, "indicators": {"quote": [row]}}
    body = json.dumps({"chart": {"result": [result]}}).encode()
    # The last but two closes above its own high.
    assert parse_yahoo(body, "IWM", to_ns(AT), to_ns(SETTLED), 1) == ((1, 220.0),)


async def test_alpaca_refuses_and_yahoo_stands_in(tmp_path, monkeypatch):
    async with World(tmp_path, monkeypatch, SETTLED, key=True) as world:
        world.server.reply = lambda path, _headers, reply: (
            FAULTS["html"] if path.startswith("/v2/") else reply
        )
        await world.round({ReleaseKind.CPI: [AT]})
        view = world.view({ReleaseKind.CPI: [AT]})
    assert (view.source, view.error) == ("Yahoo", "")


async def test_of_days_further_back_yahoo_has_five_minutes_and_then_nothing(tmp_path, monkeypatch):
    times = {ReleaseKind.CPI: [AT - timedelta(days=40), AT]}
    async with World(tmp_path, monkeypatch, SETTLED) as world:
        await world.round(times)
        assert sum("interval=5m" in path for path in world.asked) == 2
        view = world.view(times)
        assert view.spread.n == 1
    old = {ReleaseKind.CPI: [AT - timedelta(days=70), AT]}
    async with World(tmp_path / "old", monkeypatch, SETTLED) as world:
        assert await world.round(old) == [to_ns(AT)], "nobody is asked for what nobody has"
        view = world.view(old)
        assert (view.absent, view.error) == (1, YahooBars.reach)


def coarse(symbol: str, step: int, at_ns: int) -> ReleaseBars:
    """Bars that end at every ``step`` minutes, of a leg that moves each minute as the other one does."""
    bars = tuple((minute, 100.0 + minute / 10) for minute in range(-45, AFTER + 1) if minute % step == 0)
    return ReleaseBars(symbol, at_ns, "Yahoo", step, at_ns + SETTLED_NS, bars)


@pytest.mark.parametrize("steps", [(1, 5), (5, 1), (5, 5)])
def test_of_bars_of_five_minutes_no_minute_in_between_is_made_up(tmp_path, steps):
    store = BarStore(tmp_path / "macro")
    for symbol, step in zip(PAIR, steps, strict=True):
        store.hold(coarse(symbol, step, to_ns(AT)))
    (day,) = Kept(None, PAIR, bars=store).days({ReleaseKind.CPI: [AT]}, to_ns(SETTLED))
    assert day.step_min == 5
    assert day.spread_pp == tuple((minute, 0.0) for minute in range(-30, AFTER + 1, 5))


async def test_a_leg_s_bars_of_another_vendor_are_asked_for_with_the_other_leg_s(tmp_path, monkeypatch):
    times = {ReleaseKind.CPI: [AT]}
    async with World(tmp_path, monkeypatch, SETTLED) as world:
        await world.round(times)
    (tmp_path / "macro" / FOLDER / "20261110T1330Z-QQQ.json").unlink()
    async with World(tmp_path, monkeypatch, SETTLED, key=True) as world:
        assert await world.round(times) == [to_ns(AT)]
        assert world.view(times).source == "Alpaca", "both legs are one vendor's"
    (tmp_path / "macro" / FOLDER / "20261110T1330Z-QQQ.json").unlink()
    async with World(tmp_path, monkeypatch, SETTLED + timedelta(days=40)) as world:
        await world.round(times)
        view = world.view(times)
        assert (view.source, view.step_min) == ("Yahoo", 5)
        assert {minute % 5 for minute, _ in view.spread.line} == {0}


def cut_to(first: int, last: int):
    """Answers of a vendor that leaves out what lies outside of these minutes."""

    def of(path: str) -> bytes:
        body = json.loads(answer(path))
        if path.startswith("/v2/"):
            for rows in body["bars"].values():
                rows[:] = [
                    row
                    for row in rows
                    if first < (to_ns(datetime.fromisoformat(row["t"])) - to_ns(AT)) // MINUTE_NS + 1 <= last
                ]
        else:
            result = body["chart"]["result"][0]
            quotes = result["indicators"]["quote"][0]
            kept = [
                n
                for n, second in enumerate(result["timestamp"])
                if first < (second * NS - to_ns(AT)) // MINUTE_NS + 1 <= last
            ]
            result["timestamp"] = [result["timestamp"][n] for n in kept]
            for name in quotes:
                quotes[name] = [quotes[name][n] for n in kept]
        return json.dumps(body).encode()

    return of


@pytest.mark.parametrize("span", [(-99, 40), (5, 999)], ids=["without its end", "without its start"])
async def test_a_settled_day_whose_bars_are_cut_is_not_kept_and_asked_for_again(tmp_path, monkeypatch, span):
    times = {ReleaseKind.CPI: [AT]}
    async with World(tmp_path, monkeypatch, SETTLED) as world:
        world.server._answer_of = cut_to(*span)
        assert await world.round(times) == [to_ns(AT)]
        assert not (tmp_path / "macro" / FOLDER).exists()
        assert world.minutes._errors == {to_ns(AT): "Yahoo: not all minutes in the answer"}
        if span[1] < AFTER:
            assert world.view(times).spread.line[-1][0] == 40, "what there is is shown"
        world.server._answer_of = answer
        assert await world.round(times) == []
        world.now_ns += AGAIN_NS
        assert await world.round(times) == [to_ns(AT)]
        assert len(world.view(times).spread.line) == AFTER + 31
        assert world.view(times).error == ""


async def test_where_one_vendor_s_bars_are_cut_the_next_one_is_asked(tmp_path, monkeypatch):
    times = {ReleaseKind.CPI: [AT]}
    short = cut_to(-99, 40)
    async with World(tmp_path, monkeypatch, SETTLED, key=True) as world:
        world.server._answer_of = lambda path: (short if path.startswith("/v2/") else answer)(path)
        await world.round(times)
        assert (world.view(times).source, world.view(times).error) == ("Yahoo", "")
        assert len(world.view(times).spread.line) == AFTER + 31


async def test_a_day_that_stays_cut_is_asked_for_ever_more_rarely(tmp_path, monkeypatch):
    times = {ReleaseKind.CPI: [AT]}
    async with World(tmp_path, monkeypatch, SETTLED) as world:
        world.server._answer_of = cut_to(-99, 40)
        asked = []
        for hour in range(12):
            world.now_ns = to_ns(SETTLED) + hour * AGAIN_NS
            if await world.round(times):
                asked.append(hour)
    assert asked == [0, 1, 3, 7]


def test_a_file_of_cut_bars_is_not_the_last_word(tmp_path):
    whole = coarse("IWM", 1, to_ns(AT))
    assert whole.is_settled
    assert not msgspec.structs.replace(whole, bars=whole.bars[:90]).is_settled
    assert not msgspec.structs.replace(whole, bars=whole.bars[50:]).is_settled
    index = msgspec.structs.replace(whole, symbol="RUT", bars=whole.bars[50:])
    assert index.is_settled, "an index has no value before the bell"


async def test_a_day_that_runs_is_asked_for_each_minute_of_the_sooner_vendor_and_not_kept(
    tmp_path, monkeypatch
):
    times = {ReleaseKind.CPI: [AT]}
    async with World(tmp_path, monkeypatch, AT - timedelta(minutes=5), key=True) as world:
        await world.round(times)
        assert world.view(times) is None, "nothing of before its publication is a path"
        lines = []
        for minute in (1, 2, 7):
            world.now_ns = to_ns(AT) + minute * MINUTE_NS + 5 * NS
            assert await world.round(times) == [to_ns(AT)]
            assert await world.round(times) == []
            view = world.view(times)
            assert (view.source, view.worth, view.spread.line[-1][0]) == ("Yahoo", Kind.LIVE, minute)
            lines.append(view.spread.line)
        for was, then in itertools.pairwise(lines):
            assert then[: len(was)] == was
        assert not (tmp_path / "macro" / FOLDER).exists()
        world.now_ns = to_ns(AT) + 30 * MINUTE_NS
        world.server.script[:] = [FAULTS["500"]]
        await world.round(times)
        view = world.view(times)
        assert (view.worth, view.spread.line) == (Kind.STALE, lines[-1])
        assert "HTTP 500" in view.error
        world.server.script[:] = [ok(None)]
        world.now_ns = to_ns(AT) + SETTLED_NS + 3600 * NS
        await world.round(times)
        assert (world.view(times).source, world.view(times).worth) == ("Alpaca", Kind.CLOSED)


async def test_many_days_are_asked_for_a_few_at_a_time_the_newest_first(tmp_path, monkeypatch):
    times = published()
    async with World(tmp_path, monkeypatch, SETTLED, key=True) as world:
        first = await world.round(times)
        assert len(first) == AT_ONCE
        assert first == sorted(first, reverse=True)
        while await world.round(times):
            pass
        views = world.minutes.views(times)
    assert {each.kind: (each.spread.n, each.absent) for each in views} == dict.fromkeys(ReleaseKind, (12, 0))
    assert all(len(each.spread.band) == AFTER + 31 for each in views)


async def test_an_index_pair_is_not_asked_of_alpaca(tmp_path, monkeypatch):
    async with World(tmp_path, monkeypatch, SETTLED, key=True) as world:
        world.minutes._pair = ("RUT", "NDX")
        await world.minutes.ask(to_ns(AT))
        assert all(path.startswith("/v8/finance/chart/") for path in world.asked)


@pytest.mark.parametrize("data", [b"{", b"[]", b'{"symbol": "IWM"}'])
async def test_a_damaged_file_is_set_aside_and_fetched_again(tmp_path, monkeypatch, data):
    times = {ReleaseKind.CPI: [AT]}
    path = tmp_path / "macro" / FOLDER / "20261110T1330Z-IWM.json"
    async with World(tmp_path, monkeypatch, SETTLED) as world:
        await world.round(times)
        good = path.read_bytes()
        path.write_bytes(data)
        world.minutes = world.made()
        assert await world.round(times) == [to_ns(AT)]
        assert len(world.asked) == 3, "the other leg is held"
    assert path.read_bytes() == good
    assert path.with_name(f"{path.name}.broken-1").read_bytes() == data
