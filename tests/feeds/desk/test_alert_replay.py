"""Alerts on a tape: the second at which each calls, and that the running desk calls at the same."""

from __future__ import annotations

import asyncio
import datetime as dt
import tempfile
from functools import partial
from pathlib import Path

import polars as pl
import pytest

from feeds.alerts.state_file import StateFile
from feeds.alerts.watch import AlertWatch
from feeds.desk.alert_replay import calls_on
from feeds.desk.opened.sources import Source
from feeds.events import Batch, Status, SymbolStates
from feeds.supervisor import Supervisor
from feeds.tapes.reading import read_tape
from rotation.alerts.desk_log import DeskLog
from rotation.alerts.rule import Rule
from rotation.alerts.target import AlertSettings
from rotation.desk import Desk
from rotation.market.market import Market
from rotation.market.status import Provenance
from rotation.quote import NS, Quote
from rotation.sessions import close_ns, from_ns, open_ns
from rotation.status import LIVE, REPLAY, Kind
from tests.support.core_worlds import history_of

DESK = Desk(legs=("IWM", "QQQ"), pairs=(("QQQ", "IWM"),))
DAY = dt.date(2024, 7, 16)
BEFORE = dt.date(2024, 7, 15)
BELL = open_ns(DAY)
HISTORY = history_of([(symbol, BEFORE, 100.0, 100.0) for symbol in ("IWM", "QQQ")])
UP = [(1, 100.5), (60, 101.2), (61, 100.9), (62, 101.1), (300, 100.2), (301, 101.3), (600, 101.5)]
"""Second after the bell and price of IWM; QQQ stands at 100."""


def rule(**more) -> Rule:
    return Rule(**{"id": "a", "condition": "iwm.day_pct > 1", **more})


def tape(prints) -> pl.DataFrame:
    rows = [("QQQ", BELL, 0, 100.0, 10)]
    rows += [("IWM", BELL + second * NS, n + 1, price, 10) for n, (second, price) in enumerate(prints)]
    return pl.DataFrame(rows, schema=["symbol", "ts_ns", "seq", "price", "size"], orient="row").sort("ts_ns")


def seconds_of(calls) -> list[float]:
    return [(call.fired.at - from_ns(BELL)).total_seconds() for call in calls]


def on_tape(asked: Rule, prints=UP) -> list[float]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tape.parquet"
        tape(prints).write_parquet(path)
        frame = read_tape([path])
    return seconds_of(calls_on(Source(HISTORY, frame, Provenance(REPLAY, "tape")), DESK, (asked,)))


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        (rule(), [60]),
        (rule(repeat="crossing"), [60, 62, 301]),
        (rule(repeat="crossing", hysteresis=0.5), [60, 301]),
        (rule(repeat="crossing", cool_down_s=240), [60, 301]),
        (rule(repeat="once"), [60]),
        (rule(condition="settled iwm.day_pct > 1"), []),
        (rule(condition="pair.qqq/iwm.spread.1.pp < -1", repeat="crossing"), [60, 62, 301]),
    ],
)
def test_each_calls_at_its_second(asked, seconds):
    assert on_tape(asked) == seconds


class Script:
    """A live stream that brings prints and states at given seconds."""

    name = "Yahoo"
    mode = LIVE
    symbols = ("IWM", "QQQ")

    def __init__(self, events) -> None:
        self._events = events

    def tape(self):
        return None

    def mode_of(self, symbol):
        return LIVE

    def stats(self):
        return None

    async def events(self):
        for event in self._events:
            yield event


async def live(asked: Rule, events, file: StateFile, clock) -> list[float]:
    market = Market(HISTORY, DESK, as_of_ns=BELL - NS)
    supervisor = Supervisor(market, [Script(events)], clock_ns=clock, sleep=forever, offload=at_once)
    want = partial(supervisor.want, by="alerts")
    watch = AlertWatch(DESK, AlertSettings((asked,)), file, clock_ns=clock, want=want)
    called: list[float] = []

    def take(snapshot):
        before = watch._log.states["a"].fired
        shown = watch.take(snapshot)
        if watch._log.states["a"].fired > before:
            called.append((snapshot.as_of - from_ns(BELL)).total_seconds())
        return shown

    supervisor.on_publish = take
    task = asyncio.create_task(watch.run())
    await supervisor.run()
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return called


async def forever(_: float) -> None:
    await asyncio.Event().wait()


async def at_once(work):
    return work()


def batches(prints, clock_ns):
    yield Status(Kind.LIVE, "")
    for second, price in prints:
        at = BELL + int(second * NS)
        clock_ns[0] = at
        yield Batch((Quote("QQQ", at, 100.0), Quote("IWM", at, price)), at)


@pytest.mark.parametrize(
    "asked",
    [
        rule(),
        rule(repeat="crossing"),
        rule(repeat="crossing", hysteresis=0.5),
        rule(repeat="crossing", cool_down_s=240),
        rule(repeat="once"),
        rule(condition="pair.QQQ/IWM.spread.1.pp < -1", repeat="crossing"),
    ],
    ids=lambda asked: f"{asked.condition[:4]} {asked.repeat} {asked.hysteresis} {asked.cool_down_s}",
)
@pytest.mark.parametrize("cut", [None, 1, 2, 3, 4, 5, 6])
async def test_the_running_desk_calls_at_the_same_second_through_a_restart(asked, cut, tmp_path):
    now = [BELL]
    file = StateFile(tmp_path)
    parts = [UP] if cut is None else [UP[:cut], UP[cut:]]
    called = []
    for part in parts:
        called += await live(asked, batches(part, now), file, lambda: now[0])
    assert called == await asyncio.to_thread(on_tape, asked)


async def test_a_feed_that_is_lost_at_the_crossing_calls_once_it_is_back(tmp_path):
    now = [BELL]

    def events():
        yield from batches([(1, 100.5), (59, 100.9)], now)
        yield SymbolStates(dict.fromkeys(("IWM", "QQQ"), Kind.OFFLINE))
        yield from list(batches([(60, 101.2)], now))[1:]
        yield SymbolStates({})
        now[0] = BELL + 90 * NS
        yield Batch((), now[0])

    assert await live(rule(repeat="crossing"), events(), StateFile(tmp_path), lambda: now[0]) == [60]


async def test_a_lost_feed_calls_for_its_status_alone(tmp_path):
    now = [BELL]

    def events():
        yield from batches([(1, 101.5)], now)
        yield SymbolStates({"IWM": Kind.OFFLINE})
        now[0] = BELL + 40 * NS
        yield Batch((), now[0])

    asked = rule(condition="iwm.status is OFFLINE")
    assert await live(asked, events(), StateFile(tmp_path), lambda: now[0]) == [1]


async def test_a_clock_that_jumps_back_calls_nothing_twice(tmp_path):
    now = [BELL]
    prints = [(10, 101.2), (20, 100.0), (30, 101.2), (40, 100.0)]

    def events():
        yield from batches(prints, now)
        now[0] = BELL + 5 * NS
        yield Batch((), now[0])
        yield from list(batches([(50, 101.2)], now))[1:]

    asked = rule(repeat="crossing", cool_down_s=15)
    assert await live(asked, events(), StateFile(tmp_path), lambda: now[0]) == [10, 30, 50]


def test_the_bell_settles_and_a_settled_condition_then_calls():
    day = [("IWM", DAY, 102.0, 102.0), ("QQQ", DAY, 100.0, 100.0)]
    history = history_of([("IWM", BEFORE, 100.0, 100.0), ("QQQ", BEFORE, 100.0, 100.0), *day])
    market = Market(history, DESK, as_of_ns=close_ns(DAY))
    log = DeskLog(DESK, [rule(condition="settled iwm.day_pct > 1")])
    _, calls = log.take(market.apply([], as_of_ns=close_ns(DAY) + NS))
    assert [call.fired.values for call in calls] == [{"iwm.day_pct": pytest.approx(2.0)}]
