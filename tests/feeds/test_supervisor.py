"""One task drives every feed; any number of readers get the newest snapshot, and learn of the end."""

from __future__ import annotations

import asyncio
import gc
from datetime import date, datetime

import polars as pl
import pytest

from feeds.demo.fed import demo_fed
from feeds.demo.macro import demo_macro
from feeds.errors import InputError, StorageError
from feeds.events import (
    Batch,
    BidAsks,
    Correction,
    FedNews,
    Gap,
    HistoryConfirmed,
    HistoryUpdated,
    ListedSplits,
    MacroNews,
    PreviousCloses,
    PrintsCorrected,
    PrintsReplaced,
    Rewind,
    Status,
    SymbolStates,
)
from feeds.supervisor import TICK_S, Supervisor
from feeds.tapes.recording import frame_of, rows_of
from rotation.breadth.members import SCHEMA, MemberList, Membership
from rotation.context.wants import NOTHING, Part, Want, pair_wanted, wants
from rotation.desk import Desk
from rotation.history import History
from rotation.market.market import Market
from rotation.market.past import passes as passes_module
from rotation.market.rows import Plan, Rows
from rotation.market.status import Provenance
from rotation.quote import NS, Nbbo, Quote
from rotation.sessions import from_ns, to_ns
from rotation.snapshot import Snapshot, Tape
from rotation.status import LIVE, REPLAY, Kind, Refusal, delayed
from tests.support.fake_time import at_once

DAYS = [date(2024, 7, day) for day in (8, 9, 10, 11, 12, 15)]
CLOSES = {
    "IWM": (202.0, 201.4, 203.6, 210.9, 213.2, 217.2),
    "QQQ": (496.2, 496.6, 503.0, 492.0, 494.8, 496.2),
}
LIMIT_S = 500
"""Waits are for events, not for time; this only ends a test that would hang."""


def at(clock: str) -> int:
    return to_ns(datetime.fromisoformat(f"2024-07-16T{clock}-04:00"))


def quote(price: float, clock: str = "10:40:00", symbol: str = "IWM") -> Quote:
    return Quote(symbol, at(clock), price)


TAPE = Tape(from_ns(at("10:40:00")), from_ns(at("09:30:00")), from_ns(at("16:00:00")), 1.0, held=False)


def history() -> History:
    rows = [(s, *row, None) for s, closes in CLOSES.items() for row in zip(DAYS, closes, strict=True)]
    return History(pl.DataFrame(rows, schema=["symbol", "date", "close", "adj_close"], orient="row"))


def market() -> Market:
    return Market(history(), as_of_ns=at("09:00:00"), origin=Provenance(LIVE, "script"))


class Script:
    """A feed that says what it was told to; an Event in the script is waited for, an error raised."""

    def __init__(self, *script, name="script", mode=LIVE, tape=None):
        self.name = name
        self.mode = mode
        self.closed = False
        self._script = script
        self._tape = tape

    async def events(self):
        try:
            for event in self._script:
                if isinstance(event, asyncio.Event):
                    await event.wait()
                elif isinstance(event, Exception):
                    raise event
                else:
                    yield event
        finally:
            self.closed = True

    def tape(self):
        return self._tape


async def no_tick(_seconds: float) -> None:
    """No second ever passes: a busy machine would publish snapshots that no feed has caused."""
    await asyncio.Event().wait()


def supervise(*feeds, clock="12:00:00") -> Supervisor:
    return Supervisor(market(), feeds, clock_ns=lambda: at(clock), sleep=no_tick, offload=at_once)


async def everything(listener) -> list[Snapshot]:
    async with asyncio.timeout(LIMIT_S):
        return [snapshot async for snapshot in listener]


async def newest(listener) -> Snapshot:
    async with asyncio.timeout(LIMIT_S):
        return await anext(listener)


async def until(holds) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not holds():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0)


@pytest.mark.parametrize("readers", [1, 2, 100])
async def test_every_reader_sees_every_snapshot_it_is_quick_enough_for(readers):
    gates = [asyncio.Event() for _ in range(3)]
    batches = [Batch((quote(220.0 + i),), at("10:40:00") + i) for i in range(len(gates))]
    script = zip(batches, gates, strict=True)
    supervisor = supervise(Script(*(part for pair in script for part in pair)))
    seen: list[list[Snapshot]] = [[] for _ in range(readers)]

    async def read(listener, into):
        async for snapshot in listener:
            into.append(snapshot)

    async with asyncio.TaskGroup() as group:
        for into in seen:
            group.create_task(read(supervisor.listen(), into))
        group.create_task(supervisor.run())
        for i, gate in enumerate(gates, 1):
            await until(lambda i=i: all(len(into) == i for into in seen))
            gate.set()
    assert [[s.legs["IWM"].last for s in into] for into in seen] == [[220.0, 221.0, 222.0]] * readers
    # Computed once: every reader gets the same object.
    assert all(into[i] is seen[0][i] for into in seen for i in range(3))


async def test_a_slow_reader_gets_only_the_newest_and_nothing_queues_up():
    def alive() -> int:
        return sum(type(s) is Snapshot for s in gc.get_objects())

    go, end, before = asyncio.Event(), asyncio.Event(), alive()
    many = [Batch((quote(200.0 + i / 100),), at("10:40:00") + i * 1_000) for i in range(400)]
    supervisor = supervise(Script(many[0], go, *many[1:], end))
    listener = supervisor.listen()
    async with asyncio.TaskGroup() as group:
        group.create_task(supervisor.run())
        assert (await newest(listener)).seq == 1
        go.set()
        await until(lambda: supervisor.latest.seq == len(many))
        assert alive() <= before + 3
        last = await newest(listener)
        assert (last.seq, last.legs["IWM"].last) == (len(many), pytest.approx(203.99))
        end.set()
        assert await everything(listener) == []


async def test_a_late_reader_gets_the_newest_at_once():
    gate = asyncio.Event()
    supervisor = supervise(Script(Batch((quote(220.0),), at("10:40:00")), gate))
    async with asyncio.TaskGroup() as group:
        group.create_task(supervisor.run())
        await until(lambda: supervisor.latest is not None)
        late = supervisor.listen()
        assert await newest(late) is supervisor.latest
        gate.set()
        assert await everything(late) == []


async def test_a_reader_after_the_end_gets_the_newest_and_the_end():
    supervisor = supervise(Script(Batch((quote(220.0),), at("10:40:00"))))
    await supervisor.run()
    assert await everything(supervisor.listen()) == [supervisor.latest]


async def test_a_reader_that_left_is_forgotten():
    supervisor = supervise()
    stays = supervisor.listen()
    for _ in range(50):
        supervisor.listen()
    gc.collect()
    assert list(supervisor._listeners) == [stays]


async def test_all_feeds_ended_ends_every_reader_after_the_newest():
    script = Script(Batch((quote(220.0),), at("10:40:00")), name="one")
    two = Script(Batch((quote(495.0, symbol="QQQ"),), at("10:40:01")), name="two")
    supervisor = supervise(script, two)
    readers = [supervisor.listen() for _ in range(3)]
    await supervisor.run()
    for reader in readers:
        (last,) = await everything(reader)
        assert last is supervisor.latest
        assert (last.legs["IWM"].last, last.legs["QQQ"].last) == (220.0, 495.0)


async def test_one_feed_that_ends_leaves_the_others_running():
    gate = asyncio.Event()
    short = Script(Batch((quote(220.0),), at("10:40:00")), name="short")
    long = Script(gate, Batch((quote(221.0, "10:41:00"),), at("10:41:00")), name="long")
    supervisor = supervise(short, long)
    async with asyncio.TaskGroup() as group:
        run = group.create_task(supervisor.run())
        await until(lambda: short.closed)
        assert not run.done()
        gate.set()
    assert supervisor.latest.legs["IWM"].last == 221.0


async def test_without_feeds_there_is_one_snapshot_of_the_settled_state():
    supervisor = supervise(clock="08:30:00")
    listener = supervisor.listen()
    await supervisor.run()
    (only,) = await everything(listener)
    assert only.as_of == from_ns(at("08:30:00"))
    assert only.session == DAYS[-1]
    assert only.legs["IWM"].last == CLOSES["IWM"][-1]
    assert (only.health.feeds, only.health.tape) == ((), None)


async def test_health_counts_per_feed_and_before_any_status_shows_the_mode_once_something_came():
    both = (quote(220.0), quote(495.0, symbol="QQQ"))
    script = Script(Batch(both, at("10:40:00")), Batch((), at("10:40:01")), name="a")
    two = Script(mode=delayed(15), name="b")
    supervisor = supervise(script, two)
    await supervisor.run()
    rows_by_feed = {f.name: (f.state, f.detail, f.quotes, f.batches) for f in supervisor.latest.health.feeds}
    assert rows_by_feed == {"a": ("LIVE", "", 2, 2), "b": ("OFFLINE", "", 0, 0)}


async def test_a_status_is_shown_although_no_quote_follows():
    gates = [asyncio.Event(), asyncio.Event()]
    feed = Script(
        Batch((quote(220.0),), at("10:40:00")), gates[0], Status(Kind.OFFLINE, "connection refused"), gates[1]
    )
    supervisor = supervise(feed, clock="10:45:00")
    listener = supervisor.listen()
    async with asyncio.TaskGroup() as group:
        group.create_task(supervisor.run())
        first = await newest(listener)
        assert first.health.feeds[0].state == "LIVE"
        gates[0].set()
        second = await newest(listener)
        gates[1].set()
    assert (second.health.feeds[0].state, second.health.feeds[0].detail) == ("OFFLINE", "connection refused")
    assert second.seq == first.seq + 1
    assert second.as_of == from_ns(at("10:45:00")), "a live feed's time is the clock's"
    assert second.legs["IWM"].age_s == 300


async def test_a_live_feed_s_first_status_brings_the_settled_state():
    gate = asyncio.Event()
    supervisor = supervise(Script(Status(Kind.OFFLINE, "connecting"), gate))
    listener = supervisor.listen()
    async with asyncio.TaskGroup() as group:
        group.create_task(supervisor.run())
        first = await newest(listener)
        gate.set()
    assert first.legs["IWM"].last == CLOSES["IWM"][-1]
    assert first.health.feeds[0].detail == "connecting"


async def test_a_tape_s_status_does_not_bring_the_clock_of_the_wall():
    tape = Tape(from_ns(at("10:40:00")), from_ns(at("09:30:00")), from_ns(at("16:00:00")), 1.0, held=False)
    feed = Script(
        Status(Kind.REPLAY, "3 quotes"),
        Rewind((quote(220.0),), at("10:40:00") + 7),
        Status(Kind.REPLAY, "still 3"),
        mode=REPLAY,
        tape=tape,
    )
    supervisor = supervise(feed, clock="23:59:00")
    seen = []
    publish = supervisor._publish
    supervisor._publish = lambda: (publish(), seen.append(supervisor.latest))
    await supervisor.run()
    assert {snapshot.as_of for snapshot in seen} == {from_ns(at("10:40:00"))}
    assert seen[0].health.feeds[0].detail == "3 quotes"
    assert seen[-1].health.feeds[0].detail == "still 3"
    assert seen[-1].health.tape == tape


async def test_a_batch_without_a_time_takes_the_clock_s():
    supervisor = supervise(Script(Batch((quote(220.0),))), clock="10:40:30")
    await supervisor.run()
    assert supervisor.latest.as_of == from_ns(at("10:40:30"))
    assert supervisor.latest.legs["IWM"].age_s == 30


async def test_time_goes_on_at_a_desk_without_feeds_that_somebody_looks_at():
    """``--offline``: a clock that stood still would have said that the closes are never a day older."""
    clock = iter(("12:00:00", "12:00:01", "12:00:02"))
    ended = asyncio.Event()
    now = [at(next(clock))]

    async def sleep(_seconds: float) -> None:
        try:
            now[0] = at(next(clock))
        except StopIteration:
            ended.set()
            await asyncio.Event().wait()

    supervisor = Supervisor(market(), (), clock_ns=lambda: now[0], sleep=sleep, offload=at_once, stays=True)
    run = asyncio.ensure_future(supervisor.run())
    async with asyncio.timeout(LIMIT_S):
        await ended.wait()
    assert supervisor.latest.as_of == from_ns(at("12:00:02"))
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)


async def test_a_rewind_restarts_the_market():
    early = (quote(218.0, "09:35:00"), quote(495.0, "09:35:00", "QQQ"))
    feed = Script(
        Batch((*early, quote(230.0, "15:00:00")), at("15:00:00")),
        Rewind(early, at("09:40:00")),
    )
    supervisor = supervise(feed)
    await supervisor.run()
    fresh = Market(history(), as_of_ns=at("09:40:00"), origin=Provenance(LIVE, "script"))
    applied = fresh.apply(early, as_of_ns=at("09:40:00"))
    rewound = supervisor.latest
    assert rewound.legs == applied.legs
    assert rewound.spread == applied.spread
    assert rewound.health.counts == applied.health.counts
    assert rewound.as_of == applied.as_of
    assert rewound.legs["IWM"].high == 218.0, "the later high is forgotten"
    assert rewound.seq == 2, "the sequence goes on"


class Wires(Script):
    """A stream of IWM that runs another script each time it is started."""

    symbols = frozenset({"IWM"})

    def __init__(self, *scripts, name="wire"):
        super().__init__(name=name)
        self._scripts = list(scripts)
        self.starts = 0

    async def events(self):
        self._script = self._scripts[min(self.starts, len(self._scripts) - 1)]
        self.starts += 1
        async for event in super().events():
            yield event

    def stats(self):
        return None

    def mode_of(self, _symbol):
        return self.mode


def row(supervisor, name):
    return next(feed for feed in supervisor.latest.health.feeds if feed.name == name)


async def test_a_feed_that_raises_is_offline_with_a_reason_and_started_again_slowly(caplog):
    waits: list[float] = []
    wakes = asyncio.Event()

    async def sleep(seconds: float) -> None:
        if seconds != TICK_S:
            waits.append(seconds)
            await wakes.wait()
            wakes.clear()
        else:
            await asyncio.Event().wait()

    error = RuntimeError("the wire broke: secret in an address")
    first = Batch((quote(220.0),), at("10:40:00"))
    bad = Wires((first, error), (error,), (Batch((quote(221.0),), at("10:41:00")), asyncio.Event()))
    good = Script(Batch((quote(495.0, symbol="QQQ"),), at("10:40:00")), asyncio.Event(), name="good")
    supervisor = Supervisor(
        market(), (bad, good), clock_ns=lambda: at("12:00:00"), sleep=sleep, offload=at_once
    )
    run = asyncio.create_task(supervisor.run())
    await until(lambda: waits)
    assert (row(supervisor, "wire").state, row(supervisor, "wire").detail) == (
        "OFFLINE",
        "internal error (RuntimeError), see the log; next try in 10s",
    )
    assert supervisor.latest.legs["IWM"].status.kind is Kind.OFFLINE
    assert supervisor.latest.legs["QQQ"].last == 495.0
    assert not run.done()
    assert not good.closed
    assert "Traceback" in caplog.text
    for starts in (2, 3):
        wakes.set()
        await until(lambda starts=starts: bad.starts == starts)
    await until(lambda: supervisor.latest.legs["IWM"].last == 221.0)
    assert waits == [10.0, 20.0]
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run


async def test_a_feed_s_own_refusal_is_its_reason():
    slept = asyncio.Event()

    async def sleep(seconds: float) -> None:
        if seconds != TICK_S:
            slept.set()
        await asyncio.Event().wait()

    broken = Script(StorageError("fed.sqlite3: disk full — free some space"), name="Fed")
    supervisor = Supervisor(
        market(), (broken,), clock_ns=lambda: at("12:00:00"), sleep=sleep, offload=at_once
    )
    run = asyncio.create_task(supervisor.run())
    await asyncio.wait_for(slept.wait(), LIMIT_S)
    assert row(supervisor, "Fed").detail == "fed.sqlite3: disk full — free some space; next try in 10s"
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)


@pytest.mark.parametrize(
    ("tape", "error"), [(TAPE, RuntimeError("the tape broke")), (None, InputError("wrong address"))]
)
async def test_a_tape_s_error_and_a_person_s_end_the_run_and_every_reader(tape, error):
    gate = asyncio.Event()
    bad = Script(Batch((quote(220.0),), at("10:40:00")), gate, error, name="bad", tape=tape)
    never = Script(asyncio.Event(), name="good")
    supervisor = supervise(bad, never)
    readers = [asyncio.create_task(everything(supervisor.listen())) for _ in range(3)]
    run = asyncio.create_task(supervisor.run())
    await until(lambda: supervisor.latest is not None)
    gate.set()
    with pytest.raises(ExceptionGroup) as caught:
        await run
    assert caught.value.exceptions == (error,)
    assert [len(await reader) for reader in readers] == [1, 1, 1]
    assert never.closed, "the other feeds are stopped"


async def test_the_market_s_own_failure_ends_the_run(monkeypatch):
    feed = Script(Batch((quote(220.0),), at("10:40:00")), asyncio.Event())
    supervisor = supervise(feed)

    def broken(*_args, **_named):
        raise RuntimeError("the market broke")

    monkeypatch.setattr(supervisor._market, "take", broken)
    with pytest.raises(ExceptionGroup) as caught:
        await asyncio.wait_for(supervisor.run(), LIMIT_S)
    assert [str(error) for error in caught.value.exceptions] == ["the market broke"]
    assert feed.closed


async def test_a_cancelled_run_ends_every_reader():
    feed = Script(Batch((quote(220.0),), at("10:40:00")), asyncio.Event())
    supervisor = supervise(feed)
    reader = asyncio.create_task(everything(supervisor.listen()))
    run = asyncio.create_task(supervisor.run())
    await until(lambda: supervisor.latest is not None)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert await reader == [supervisor.latest]
    assert feed.closed


async def test_the_market_s_time_never_depends_on_how_long_a_feed_waits_between_batches():
    """Whether each quote comes in a batch of its own or all in one, the last snapshot is the same."""
    quotes = [quote(218.0 + i / 10, f"10:{i:02d}:00") for i in range(30)]
    single = supervise(Script(*(Batch((q,), q.ts_ns) for q in quotes)))
    whole = supervise(Script(Batch(tuple(quotes), quotes[-1].ts_ns)))
    await single.run()
    await whole.run()
    assert single.latest.legs == whole.latest.legs
    assert single.latest.as_of == whole.latest.as_of == from_ns(quotes[-1].ts_ns // NS * NS)


# What is no quote


async def test_prints_done_again_replace_those_of_their_symbol_alone():
    wrong = (quote(240.0), quote(495.0, symbol="QQQ"))
    right = (quote(219.0, "10:39:00"), quote(220.0, "10:40:00"))
    supervisor = supervise(
        Script(Batch(wrong, at("10:40:00")), PrintsReplaced(frozenset({"IWM"}), right, at("10:41:00")))
    )
    await supervisor.run()
    legs = supervisor.latest.legs
    assert (legs["IWM"].last, legs["IWM"].high, legs["IWM"].low) == (220.0, 220.0, 219.0)
    assert legs["QQQ"].last == 495.0
    assert supervisor.latest.health.feeds[0].quotes == 4


async def test_prints_done_again_that_are_none_leave_the_close():
    supervisor = supervise(
        Script(Batch((quote(240.0),), at("10:40:00")), PrintsReplaced(frozenset({"IWM"}), ()))
    )
    await supervisor.run()
    iwm = supervisor.latest.legs["IWM"]
    assert (iwm.last, iwm.high, iwm.session) == (217.2, None, DAYS[-1])
    assert set(iwm.return_pct.values()) == {None}, "no figure of today rests on what was wrong"


async def test_history_that_is_learned_keeps_the_prints_and_changes_what_they_are_compared_with():
    corrected = History(history().frame.with_columns(close=pl.col("close") * 1.1))
    supervisor = supervise(Script(Batch((quote(220.0),), at("10:40:00")), HistoryUpdated(corrected)))
    await supervisor.run()
    iwm = supervisor.latest.legs["IWM"]
    assert iwm.last == 220.0
    assert iwm.return_pct["1"] == pytest.approx((220.0 / (1.1 * 217.2) - 1) * 100)


async def test_a_snapshot_for_a_person_s_wish_or_newer_members_is_observed_too():
    desk = Desk(pairs=(("IWN", "IVW"),))
    gate = asyncio.Event()
    supervisor = Supervisor(
        Market(history(), desk, as_of_ns=at("09:00:00")),
        [Script(Batch((quote(220.0),), at("10:40:00")), gate)],
        clock_ns=lambda: at("12:00:00"),
        sleep=no_tick,
        offload=at_once,
    )
    observed = []
    supervisor.observer = lambda *event: observed.append(event)
    run = asyncio.create_task(supervisor.run())
    await until(lambda: supervisor.latest is not None)
    supervisor.want(wants(Part.GRAPH) | {pair_wanted("IWN/IVW")})
    await supervisor.take_members(())
    supervisor.want(NOTHING)  # the next Snapshot is early enough
    assert supervisor.latest is not None
    assert supervisor.latest.seq == len(observed) == 3
    supervisor.want(wants(Part.GRAPH))
    assert supervisor.latest.seq == len(observed) == 4
    assert observed[1:] == [("", Batch(()), at("12:00:00"))] * 3
    gate.set()
    await run


def test_what_alerts_want_stays_whatever_a_viewer_looks_at():
    asked = []

    class Wanted:
        desk = Desk()

        def want(self, each):
            asked.append(each)
            return True

    pair, graph = pair_wanted("IWN/IVW"), Want(Part.GRAPH)
    supervisor = Supervisor(Wanted(), [])  # type: ignore[arg-type]
    supervisor.want(frozenset({pair}), by="alerts")
    supervisor.want(frozenset({graph}))
    supervisor.want(NOTHING)
    supervisor.want(NOTHING, by="alerts")
    assert asked == [{pair}, {pair, graph}, {pair}, NOTHING]


async def test_pairs_are_changed_while_the_desk_runs():
    """What is shown, what alerts read, and what this desk cannot have; prints of today stay."""
    gate = asyncio.Event()
    prints = Batch((quote(221.28), quote(495.43, symbol="QQQ")))
    supervisor = supervise(Script(Status(Kind.LIVE, ""), prints, gate))
    changes = []
    supervisor.on_pairs = changes.append
    run = asyncio.create_task(supervisor.run())
    await until(lambda: supervisor.latest is not None and supervisor.latest.legs["IWM"].last == 221.28)
    supervisor.want(frozenset({pair_wanted("QQQ/IWM")}), by="alerts")
    left = await supervisor.set_pairs((("QQQ", "IWM"), ("XBI", "IBB"), ("IWM", "QQQ")), (("QQQ/IWM", 5.0),))
    assert left == (("XBI", "IBB"),)
    assert changes == [(("QQQ", "IWM"),)]
    shown = supervisor.latest
    assert list(shown.pairs) == ["QQQ/IWM"]
    assert shown.pairs["QQQ/IWM"].spread.base == "QQQ"
    assert shown.legs["IWM"].last == 221.28
    await supervisor.set_pairs((), ())
    assert supervisor.latest.pairs == {}
    gate.set()
    await run


async def test_an_observer_hears_every_kind_of_event_and_a_tape_can_hold_it():
    """What a live feed may tell, hostile figures too: JSON knows neither sets nor NaN."""
    symbols = frozenset({"IWM", "QQQ"})
    events = (
        Status(Kind.LIVE, "2 of 2 symbols"),
        SymbolStates({"IWM": Kind.GAPPED}),
        Gap(symbols, at("10:00:00"), at("10:01:00")),
        PrintsCorrected((Correction("IWM", at("10:00:00")),)),
        PrintsReplaced(symbols, (quote(220.0),)),
        BidAsks({"IWM": Nbbo("IWM", 219.99, float("inf"), at("10:40:59"))}),
        Batch((quote(float("nan")), quote(float("inf")), quote(-1.0), quote(220.0, "10:41:00"))),
        Batch(()),
        HistoryUpdated(history()),
        HistoryConfirmed(date(2024, 7, 16), symbols),
    )
    supervisor = supervise(Script(*events))
    received = []
    supervisor.observer = lambda name, event, as_of_ns: received.append((name, event, as_of_ns))
    await supervisor.run()
    collected = [event for name, event, _ in received if name == "script"]
    assert collected == list(events)
    rows = [row for i, each in enumerate(received) for row in rows_of(i, *each)]
    frame, lost = frame_of(rows)
    assert (lost, frame["batch"].n_unique()) == (0, len(received))
    assert frame.filter(kind="Gap")["said"][0].startswith('{"symbols":["')
    assert frame.filter(kind="Redone")["said"][0] == '["IWM","QQQ"]'
    assert supervisor.latest.legs["IWM"].last == 220.0
    assert supervisor.latest.health.counts.bad_price == 3


async def test_health_says_a_feed_s_state_as_a_value_and_as_a_word():
    stream = Script(
        Status(Kind.DELAYED, "2 of 2", delay_s=600.0), gate := asyncio.Event(),
        Status(Refusal.AUTH_FAILED, "key or secret is wrong"), mode=delayed(15),
    )  # fmt: skip
    supervisor = supervise(stream)
    listener = supervisor.listen()
    run = asyncio.create_task(supervisor.run())
    health = (await anext(listener)).health.feeds[0]
    assert (health.state, health.kind, health.refusal) == ("DELAYED 10m", Kind.DELAYED, None)
    gate.set()
    health = (await anext(listener)).health.feeds[0]
    assert (health.state, health.kind, health.refusal) == ("AUTH_FAILED", Kind.OFFLINE, Refusal.AUTH_FAILED)
    await run


async def test_a_previous_close_on_another_scale_marks_the_leg_and_asks_for_its_history_again():
    stays = asyncio.Event()
    supervisor = supervise(
        Script(
            PreviousCloses(date(2024, 7, 15), {"IWM": 1.0}),
            Batch((quote(220.0),), at("10:40:00")),
            PreviousCloses(date(2024, 7, 15), {"IWM": 1.0}),
            stays,
        )
    )
    asked: list[str] = []
    supervisor.on_unadjusted = asked.append
    run = asyncio.create_task(supervisor.run())
    await until(lambda: supervisor.latest is not None and supervisor.latest.legs["IWM"].age_s is not None)
    assert supervisor.latest is not None
    assert supervisor.latest.legs["IWM"].status.kind is Kind.UNADJUSTED
    assert asked == ["IWM"], "once"
    stays.set()
    await run


async def test_a_fall_by_half_is_one_once_history_s_source_has_kept_its_closes():
    halved = Batch((quote(110.0),), at("10:40:00"))
    supervisor = supervise(Script(halved))
    await supervisor.run()
    assert supervisor.latest is not None
    assert supervisor.latest.legs["IWM"].status.kind is Kind.UNADJUSTED
    supervisor = supervise(Script(halved, HistoryConfirmed(date(2024, 7, 16), frozenset({"IWM"}))))
    await supervisor.run()
    assert supervisor.latest is not None
    assert supervisor.latest.legs["IWM"].status.kind is not Kind.UNADJUSTED


async def test_a_listed_split_marks_the_leg_until_it_is_listed_no_more():
    supervisor = supervise(
        Script(Batch((quote(220.0),), at("10:40:00")), ListedSplits({"IWM": date(2024, 7, 16)}))
    )
    await supervisor.run()
    assert supervisor.latest is not None
    assert supervisor.latest.legs["IWM"].status.kind is Kind.UNADJUSTED
    supervisor = supervise(Script(Batch((quote(220.0),), at("10:40:00")), ListedSplits({})))
    await supervisor.run()
    assert supervisor.latest is not None
    assert supervisor.latest.legs["IWM"].status.kind is not Kind.UNADJUSTED


async def test_no_pass_over_history_holds_up_the_loop(monkeypatch):
    """A newer history and a session's first print are prepared apart; the figures are the same as without."""
    passes: list[date | None] = []
    inside = False

    def made(history, session, *rest):
        assert inside, "the pass was made on the loop"
        return original(history, session, *rest)

    async def offload(work):
        nonlocal inside
        inside = True
        try:
            passes.append((prepared := work()).session)
        finally:
            inside = False
        await asyncio.sleep(0)
        return prepared

    events = (
        HistoryUpdated(History(history().frame.filter(pl.col("date") > DAYS[0])), at("09:00:01")),
        HistoryUpdated(history(), at("09:00:02")),
        Batch((quote(220.0),), at("10:40:00")),
        Batch((quote(221.0),), at("10:40:01")),
        HistoryUpdated(history(), at("10:40:02")),
    )

    def supervisor(offload):
        # No second passes: on a slow machine the clock's own snapshots would come between.
        return Supervisor(
            market(), [Script(*events)], clock_ns=lambda: at("12:00:00"), sleep=no_tick, offload=offload
        )

    plain, prepared = supervisor(at_once), supervisor(offload)
    await plain.run()
    original = passes_module.look_back
    monkeypatch.setattr(passes_module, "look_back", made)
    await prepared.run()
    assert passes == [date(2024, 7, 15), date(2024, 7, 15), date(2024, 7, 16), date(2024, 7, 16)]
    assert prepared.latest == plain.latest
    assert prepared.latest.legs["IWM"].last == 221.0


async def test_status_and_news_recompute_no_price_and_a_print_the_row_of_its_own_leg_alone(monkeypatch):
    plans, rows = [], []
    of, row = Plan.of, Rows._row
    monkeypatch.setattr(Plan, "of", lambda plan, values: plans.append(values) or of(plan, values))
    monkeypatch.setattr(
        Rows, "_row", lambda held, symbol, today: rows.append(symbol) or row(held, symbol, today)
    )
    feed = Script(name="wire")
    supervisor = supervise(feed)
    supervisor._take(feed, Batch((quote(220.0), quote(490.0, symbol="QQQ")), at("10:40:00")))
    assert (len(plans), {"IWM", "QQQ"} <= set(rows)) == (1, True)
    plans.clear()
    rows.clear()
    for event in (
        Status(Kind.STALE, "nothing for a while"),
        SymbolStates({"IWM": Kind.HALTED}),
        FedNews(demo_fed(at("10:40:00")), at("10:40:01")),
        MacroNews(demo_macro(at("10:40:00")), at("10:40:02")),
        Batch((), at("10:40:03")),
    ):
        before = supervisor.latest.seq
        supervisor._take(feed, event)
        assert supervisor.latest.seq == before + 1
    assert (plans, rows) == ([], [])
    supervisor._take(feed, Batch((quote(221.0, "10:40:04"),), at("10:40:04")))
    assert (len(plans), rows) == (1, ["IWM"])


async def test_a_correction_by_itself_changes_no_figure_and_makes_no_snapshot():
    feed = Script(name="wire")
    supervisor = supervise(feed)
    supervisor._take(feed, Batch((quote(220.0), quote(490.0, symbol="QQQ")), at("10:40:00")))
    before = supervisor.latest
    for seq in range(200):
        supervisor._take(feed, PrintsCorrected((Correction("IWM", at("10:40:00"), seq),)))
    assert supervisor.latest is before


@pytest.mark.parametrize(
    ("symbols", "line"),
    [
        (("IWM",), "a print of IWM was corrected"),
        (("QQQ", "IWM", "QQQ"), "3 prints were corrected, of QQQ, IWM"),
        (
            tuple(f"M{i:02}" for i in range(11)),
            "11 prints were corrected, of M00, M01, M02, M03, M04, M05, M06, M07 and 3 other symbols",
        ),
    ],
)
async def test_what_is_corrected_at_once_is_one_line_of_the_log(caplog, symbols, line):
    feed = Script(name="wire")
    corrections = tuple(Correction(symbol, at("10:40:00"), seq) for seq, symbol in enumerate(symbols))
    supervise(feed)._take(feed, PrintsCorrected(corrections))
    assert [record.getMessage() for record in caplog.records] == [f"feed wire: {line}"]


async def test_a_newer_list_of_members_holds_up_no_loop(monkeypatch):
    inside, passes = False, 0

    def made(*asked):
        nonlocal passes
        assert inside, "on the loop"
        passes += 1
        return original(*asked)

    async def offload(work):
        nonlocal inside
        inside = True
        try:
            return work()
        finally:
            inside = False

    rows = {"symbol": ["IWM"], "name": ["x"], "sector": [""], "weight_pct": [100.0]}
    held = MemberList.of("OWN", DAYS[0], pl.DataFrame(rows, schema=SCHEMA))
    supervisor = Supervisor(market(), [], clock_ns=lambda: at("12:00:00"), sleep=no_tick, offload=offload)
    await supervisor.run()
    original = passes_module.look_back
    monkeypatch.setattr(passes_module, "look_back", made)
    await supervisor.take_members((Membership.of("OWN", [held]),))
    assert passes == 1
    supervisor.want(wants(Part.BREADTH))
    assert supervisor.latest.breadth.indices["OWN"].settled.total == 1


async def test_a_pass_made_for_what_has_changed_since_is_not_used():
    """While a history is prepared, another feed's first print turns the session."""
    started, finish = asyncio.Event(), asyncio.Event()

    async def offload(work):
        prepared = work()
        if prepared.session == DAYS[-1]:
            started.set()
            await finish.wait()
        return prepared

    first = Script(HistoryUpdated(history(), at("09:00:01")), name="history")
    second = Script(started, Batch((quote(220.0), quote(490.0, symbol="QQQ")), at("10:40:00")))
    supervisor = Supervisor(market(), [first, second], clock_ns=lambda: at("12:00:00"), offload=offload)
    run = asyncio.create_task(supervisor.run())
    await until(lambda: supervisor.latest is not None and supervisor.latest.session == date(2024, 7, 16))
    finish.set()
    await run
    leg = supervisor.latest.legs["IWM"]
    assert (leg.last, leg.streak.settled, leg.streak.with_today) == (220.0, 4, 5)


async def test_where_one_symbol_s_state_changes_the_others_are_said_by_the_same_objects():
    """Thousands of new ones, several times a second, would have garbage collected as often."""

    class Both(Wires):
        symbols = frozenset({"IWM", "QQQ"})

    provenances = []
    gapped = {"IWM": Kind.GAPPED}
    states = (SymbolStates({}), SymbolStates(gapped), SymbolStates(gapped, frozenset({"IWM"})))
    supervisor = supervise(Both(states, name="script"))
    supervisor.on_publish = lambda snapshot: (provenances.append(supervisor.provenance), snapshot)[1]
    await supervisor.run()
    first, *_, last = provenances
    assert first["QQQ"] is last["QQQ"]
    assert [each["IWM"].override for each in provenances] == [None, Kind.GAPPED, Kind.GAPPED]
    assert [each["IWM"].range_incomplete for each in provenances] == [False, False, True]
    assert first["QQQ"] == Provenance(LIVE, "script")
