"""A tape plays through a fake clock: nothing lost, nothing twice, whatever is pressed."""

from __future__ import annotations

import asyncio
from datetime import date, datetime
from functools import cache

import msgspec
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.events import Batch, Rewind, Status
from feeds.supervisor import Supervisor
from feeds.tapes.player import FRAME_S, NIGHT_S, SPEEDS, TapeFeed, until
from feeds.tapes.reading import SCHEMA, quotes
from rotation.desk import Desk
from rotation.history import History
from rotation.market.market import Market
from rotation.market.status import Provenance
from rotation.quote import NS
from rotation.sessions import close_ns, from_ns, session_at, to_ns
from rotation.snapshot import Counts, Health, Streak
from rotation.status import REPLAY, Kind
from tests.support.core_worlds import look_backs_kept

MONDAY, TUESDAY = date(2024, 7, 15), date(2024, 7, 16)
CLOSES = {
    "IWM": {8: 202.28, 9: 201.40, 10: 203.64, 11: 210.88, 12: 213.14, 15: 217.19, 16: 224.60},
    "QQQ": {8: 497.34, 9: 497.77, 10: 502.96, 11: 491.93, 12: 494.82, 15: 496.15, 16: 496.34},
}
ORIGIN = Provenance(REPLAY, "tape")
DESK = Desk(legs=("IWM", "QQQ"))


class Clock:
    """Time that passes only in ``sleep``."""

    def __init__(self, lag: float = 1.0):
        """``lag``: how much longer each sleep takes than it was asked to."""
        self.now = 1_000.0
        self.lag = lag

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds * self.lag


def at(clock: str, day: date = TUESDAY) -> int:
    return to_ns(datetime.fromisoformat(f"{day}T{clock}-04:00"))


def tape_of(*prints: tuple[str, int, float]) -> pl.DataFrame:
    """(symbol, ts_ns, price), in order of time."""
    rows = [
        (symbol, ts_ns, i, price, 100, None, None, 0, 0) for i, (symbol, ts_ns, price) in enumerate(prints)
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row").sort("ts_ns", maintain_order=True)


def minute() -> pl.DataFrame:
    """A minute from 10:40 with prints at irregular times, several in the same instant."""
    offsets = [0, 0, 1, 40_000_000, 99_999_999, 100_000_000, 2 * NS, 7 * NS + 1, 7 * NS + 1, 31 * NS, 60 * NS]
    return tape_of(
        *(("IWM" if i % 2 else "QQQ", at("10:40:00") + ns, 200.0 + i) for i, ns in enumerate(offsets))
    )


def two_days(last: str = "15:59:58", first: str = "09:30:01") -> pl.DataFrame:
    """Monday's last minutes and Tuesday's first."""
    monday = [("IWM", at("15:57:30", MONDAY), 217.0), ("QQQ", at("15:58:00", MONDAY), 496.0)]
    monday += [("IWM", at(last, MONDAY), 217.1)]
    tuesday = [("IWM", at(first), 218.0), ("QQQ", at(first) + 59 * NS, 495.5)]
    tuesday += [("IWM", at(first) + 89 * NS, 218.4)]
    return tape_of(*monday, *tuesday)


def feed_of(tape: pl.DataFrame, clock: Clock | None = None, **more) -> TapeFeed:
    clock = clock or Clock()
    return TapeFeed(tape, name="tape", mode=REPLAY, monotonic=clock.monotonic, sleep=clock.sleep, **more)


@pytest.fixture(autouse=True, scope="module")
def _kept():
    with look_backs_kept():
        yield


@cache
def history() -> History:
    rows = [(s, date(2024, 7, d), close, None) for s, days in CLOSES.items() for d, close in days.items()]
    return History(pl.DataFrame(rows, schema=["symbol", "date", "close", "adj_close"], orient="row"))


class Player:
    """Steps a feed event by event; a feed that waits for a key is left waiting."""

    def __init__(self, feed: TapeFeed):
        self.feed = feed
        self._events = feed.events()
        self._next: asyncio.Task | None = None

    async def step(self):
        """The next event; None while the feed waits for a key."""
        self._next = self._next or asyncio.ensure_future(anext(self._events))
        for _ in range(20):  # sleeps of the fake clock end at once: only a key can hold it up longer
            if self._next.done():
                break
            await asyncio.sleep(0)
        else:
            return None
        done, self._next = self._next, None
        return done.result()

    async def close(self) -> None:
        if self._next is not None:
            self._next.cancel()
            await asyncio.wait([self._next])
        await self._events.aclose()

    async def steps(self, most: int = 100_000) -> list:
        """What it says until it waits or ends."""
        seen = []
        try:
            while len(seen) < most and (event := await self.step()) is not None:
                seen.append(event)
        except StopAsyncIteration:
            pass
        return seen


def prices(events) -> list[float]:
    return [quote.price for event in events if not isinstance(event, Status) for quote in event.quotes]


async def test_it_begins_with_its_status_and_all_that_is_known():
    player = Player(feed_of(minute(), start_ns=at("10:40:05")))
    status, rewind = await player.step(), await player.step()
    assert status == Status(Kind.REPLAY, "11 quotes")
    assert rewind == Rewind(until(minute(), at("10:40:05")), at("10:40:05"))
    assert prices([rewind]) == [200.0 + i for i in range(7)]
    await player.close()


@pytest.mark.parametrize("speed", [0.5, 1.0, 2.0, 60.0])
async def test_a_batch_stands_where_the_clock_says(speed):
    # A print in every 50 ms of tape, so that every frame has something due.
    start = at("10:40:00")
    tape = tape_of(*(("IWM", start + i * NS // 20, 200.0 + i) for i in range(20 * 60)))
    feed = feed_of(tape, speed=speed)
    player = Player(feed)
    await player.step()
    await player.step()
    for frame in range(1, 10):
        event = await player.step()
        due = start + round(frame * FRAME_S * speed * NS)
        assert isinstance(event, Batch)
        assert event.as_of_ns == pytest.approx(due, abs=100)  # nanoseconds
        assert all(q.ts_ns <= event.as_of_ns for q in event.quotes)
        assert feed.tape().position == from_ns(event.as_of_ns)
        assert feed.tape().speed == speed
    await player.close()


@pytest.mark.parametrize("lag", [1.0, 1.37, 25.0])
@pytest.mark.parametrize("speed", SPEEDS)
async def test_every_quote_once_and_in_order_whatever_the_speed(speed, lag):
    tape = minute()
    events = await Player(feed_of(tape, Clock(lag), speed=speed, stays=False)).steps()
    assert [q for e in events if not isinstance(e, Status) for q in e.quotes] == quotes(tape)
    positions = [e.as_of_ns for e in events[1:]]
    assert positions == sorted(positions)
    assert positions[-1] == at("10:41:00")


async def test_with_nothing_printed_time_is_told_once_a_second():
    tape = tape_of(("IWM", at("10:40:00"), 200.0), ("IWM", at("10:41:00"), 201.0))
    events = await Player(feed_of(tape, stays=False)).steps()
    collected = [(e.as_of_ns - at("10:40:00")) / NS for e in events if isinstance(e, Batch) and not e.quotes]
    assert collected == pytest.approx([1 + i for i in range(len(collected))], abs=0.11)
    assert len(collected) in (59, 60)


async def test_hold_stops_the_tape_and_the_time_it_is_held_does_not_count():
    clock = Clock()
    feed = feed_of(minute(), clock)
    player = Player(feed)
    await player.steps(4)
    before = feed.tape().position
    feed.hold()
    held = await player.steps(1)
    assert held == [Batch((), to_ns(before))], "the screen is told that the tape is held"
    assert feed.tape().held
    clock.now += 3_600
    assert await player.step() is None
    assert feed.tape().position == before
    feed.hold()
    (running,) = await player.steps(1)
    assert running == Batch((), to_ns(before))
    assert not feed.tape().held
    rest = await player.steps()
    assert prices(rest)[-1] == 210.0
    assert feed.tape().position == from_ns(at("10:41:00"))
    assert [e for e in rest if isinstance(e, Rewind)] == []
    await player.close()


async def test_faster_and_slower_walk_the_speeds_and_stop_at_the_ends():
    feed = feed_of(minute(), speed=1.0)

    def walk(turn) -> list[float]:
        seen = []
        for _ in range(len(SPEEDS) + 2):
            turn()
            seen.append(feed.tape().speed)
        return seen

    up = walk(feed.faster)
    assert up[:3] == [2.0, 5.0, 10.0]
    assert up[-2:] == [SPEEDS[-1]] * 2
    down = walk(feed.slower)
    assert down[:2] == [1800.0, 600.0]
    assert down[-2:] == [SPEEDS[0]] * 2


def test_from_a_speed_of_one_s_own_the_next_ones_are_the_known_ones():
    feed = feed_of(minute(), speed=7.0)
    feed.faster()
    assert feed.tape().speed == 10.0
    feed = feed_of(minute(), speed=7.0)
    feed.slower()
    assert feed.tape().speed == 5.0
    feed = feed_of(minute(), speed=0.1)
    feed.slower()
    assert feed.tape().speed <= 0.5
    feed = feed_of(minute(), speed=3_600.0)
    feed.faster()
    assert feed.tape().speed == 3_600.0


async def test_a_change_of_speed_loses_and_repeats_nothing():
    feed = feed_of(minute(), stays=False)
    player = Player(feed)
    events = []
    for turn in [feed.faster, feed.faster, feed.slower, feed.slower, feed.slower, feed.faster]:
        events += await player.steps(3)
        turn()
        events += await player.steps(1)
    events += await player.steps()
    assert [q for e in events if not isinstance(e, Status) for q in e.quotes] == quotes(minute())


async def test_seeking_back_and_on_rewinds_to_the_session_s_own_quotes():
    tape = two_days()
    feed = feed_of(tape, start_ns=at("09:31:10"))
    player = Player(feed)
    _, first = await player.steps(2)
    assert prices([first]) == [218.0, 495.5], "Monday's quotes are not Tuesday's"
    feed.seek(-30)
    (back,) = await player.steps(1)
    assert back == Rewind(until(tape, at("09:30:40")), at("09:30:40"))
    assert prices([back]) == [218.0]
    feed.seek(55)
    (on,) = await player.steps(1)
    assert (prices([on]), on.as_of_ns) == ([218.0, 495.5, 218.4], at("09:31:30")), "not past the end"
    feed.seek(-1e12)
    (start,) = await player.steps(1)
    assert (prices([start]), start.as_of_ns) == ([217.0], at("15:57:30", MONDAY))
    await player.close()


async def test_after_a_seek_back_the_same_quotes_come_again():
    feed = feed_of(minute(), speed=10, stays=False)
    player = Player(feed)
    await player.steps(5)
    feed.seek(-3_600)
    again = await player.steps()
    assert isinstance(again[0], Rewind)
    assert prices(again) == minute()["price"].to_list()


async def test_a_seek_while_held_is_shown_and_stays_held():
    feed = feed_of(minute())
    player = Player(feed)
    await player.steps(2)
    feed.hold()
    await player.steps(1)
    feed.seek(40)
    (event,) = await player.steps(1)
    assert (len(event.quotes), event.as_of_ns) == (10, at("10:40:40"))
    assert feed.tape().held
    assert await player.step() is None
    await player.close()


async def test_at_the_end_it_stays_for_a_seek():
    feed = feed_of(minute(), speed=60)
    player = Player(feed)
    events = await player.steps()
    assert prices(events) == minute()["price"].to_list()
    assert await player.step() is None
    assert feed.tape().position == feed.tape().end == from_ns(at("10:41:00"))
    feed.seek(-30)
    rest = await player.steps()
    assert isinstance(rest[0], Rewind)
    assert prices(rest[1:]) == [209.0, 210.0]
    await player.close()


async def test_or_it_ends_there():
    player = Player(feed_of(minute(), speed=60, stays=False))
    assert prices(await player.steps()) == minute()["price"].to_list()
    with pytest.raises(StopAsyncIteration):
        await player.step()


async def test_a_start_at_the_end_of_a_tape_that_does_not_stay_gives_all_and_ends():
    events = await Player(feed_of(minute(), start_ns=at("18:00:00"), stays=False)).steps()
    assert [type(e) for e in events] == [Status, Rewind]
    assert prices(events) == minute()["price"].to_list()


def test_an_empty_tape_is_refused():
    with pytest.raises(ValueError, match="no quotes"):
        feed_of(pl.DataFrame(schema=SCHEMA))


@pytest.mark.parametrize("speed", [1.0, 30.0, 600.0, 3600.0])
@pytest.mark.parametrize(
    ("last", "first"),
    [("15:59:58", "09:30:01"), ("16:00:00", "09:30:01"), ("16:03:00", "04:00:00")],
    ids=["before the bell", "at the bell", "late trading"],
)
async def test_a_night_is_a_rest_at_the_bell_and_a_jump_to_a_second_before_the_next_print(speed, last, first):
    clock = Clock()
    tape = two_days(last, first)
    feed = feed_of(tape, clock, speed=speed, stays=False)
    player = Player(feed)
    over = max(close_ns(MONDAY), at(last, MONDAY))
    morning = at(first) - NS
    frame = round(FRAME_S * speed * NS)
    events, rested, positions = [], [], []
    while batch := await player.steps(1):
        events += batch
        if isinstance(batch[0], Status):
            continue
        position = batch[0].as_of_ns
        positions.append(position)
        if over <= position < morning:
            rested.append((clock.now, position))
    assert positions == sorted(positions), "time never runs back by itself"
    assert rested, "the close is shown"
    assert all(position <= over + frame for _, position in rested), "nobody waits through a night"
    assert rested[-1][0] - rested[0][0] == pytest.approx(NIGHT_S, abs=1.1)
    assert [q for e in events[1:] for q in e.quotes] == quotes(tape)
    arrival = next(p for p in positions if p >= morning)
    assert morning <= arrival <= morning + IDLE_NS + frame * 11


IDLE_NS = 2 * NS


async def test_the_jump_lands_one_second_before_the_next_print():
    clock = Clock()
    feed = feed_of(two_days(), clock, speed=60)
    player = Player(feed)
    seen = set()
    sleep = feed._sleep

    async def watching(seconds):
        seen.add(to_ns(feed.tape().position))
        await sleep(seconds)

    feed._sleep = watching
    await player.steps()
    night = sorted(ns for ns in seen if ns >= close_ns(MONDAY) and ns < at("09:30:01"))
    assert night[-1] == at("09:30:00")
    assert all(session_at(ns) == MONDAY for ns in night[:-1])
    await player.close()


async def test_the_official_close_settles_at_the_bell_before_the_jump():
    feed = feed_of(two_days(), speed=60, stays=False)
    market = Market(history(), as_of_ns=0, origin=ORIGIN)
    supervisor = Supervisor(market, [feed])
    seen = []
    publish = supervisor._publish
    supervisor._publish = lambda: (publish(), seen.append(supervisor.latest))
    await supervisor.run()
    settled = [s for s in seen if s.session == MONDAY and not s.legs["IWM"].streak.provisional]
    assert settled, "Monday's close is shown before Tuesday begins"
    assert {s.legs["IWM"].last for s in settled} == {CLOSES["IWM"][15]}
    assert {s.legs["IWM"].streak.with_today for s in settled} == {4}
    last = seen[-1]
    assert (last.session, last.legs["IWM"].last) == (TUESDAY, 218.4)
    assert last.legs["IWM"].streak == Streak(settled=4, with_today=5, provisional=True)


@pytest.mark.parametrize(
    ("last", "end"),
    [
        ("15:58:59", "15:58:59"),
        ("15:59:00", "16:00:00"),
        ("15:59:59", "16:00:00"),
        ("16:00:00", "16:00:00"),
        ("16:00:01", "16:00:01"),
        ("20:30:00", "20:30:00"),
    ],
)
async def test_a_tape_of_a_session_s_last_minute_hears_the_bell(last, end):
    tape = tape_of(("IWM", at("15:58:00"), 224.0), ("IWM", at(last), 224.5))
    events = await Player(feed_of(tape, speed=60, stays=False)).steps()
    assert events[-1].as_of_ns == at(end)
    assert prices(events) == [224.0, 224.5]


def test_until_gives_the_newest_session_alone():
    tape = two_days()
    assert until(tape, at("15:57:29", MONDAY)) == ()
    assert [q.price for q in until(tape, at("15:58:00", MONDAY))] == [217.0, 496.0]
    assert [q.price for q in until(tape, at("09:30:00"))] == [217.0, 496.0, 217.1], "before Tuesday's first"
    assert [q.price for q in until(tape, at("09:30:01"))] == [218.0]


KEYS = st.one_of(
    st.tuples(st.just("play"), st.integers(1, 25)),
    st.tuples(st.sampled_from(["hold", "faster", "slower"]), st.none()),
    st.tuples(
        st.just("seek"), st.sampled_from([-1e12, -300.0, -45.0, -1.0, 0.0, 1.0, 45.0, 300.0, 70_000.0])
    ),
)
SYMBOLS = st.sampled_from(["IWM", "QQQ", "XYZ"])
PRICES = st.sampled_from([0.0, float("nan"), 216.0, 217.19, 218.5, 496.15, 497.0])
STARTS = {MONDAY: at("15:57:00", MONDAY), TUESDAY: at("04:00:00")}
STRETCHES = [*STARTS.values(), at("19:58:30", MONDAY), at("03:59:00"), at("09:29:00"), at("15:58:00")]


@st.composite
def tapes(draw) -> pl.DataFrame:
    """Prints of two days around the bells, unknown symbols and bad prices among them.

    Each day begins with a good one: a market turns to a session with its first print.
    """
    times = st.builds(lambda a, ms: a + ms * 1_000_000, st.sampled_from(STRETCHES), st.integers(0, 180_000))
    rows = draw(st.lists(st.tuples(SYMBOLS, times, PRICES), max_size=40))
    rows += [("IWM", STARTS[MONDAY], 216.0), ("QQQ", STARTS[TUESDAY], 497.0)][: draw(st.integers(1, 2))]
    if rows[-1][1] < STARTS[TUESDAY]:
        rows = [row for row in rows if row[1] < at("03:59:00")]
    return tape_of(*sorted(rows, key=lambda row: row[1]))


def figures(snapshot):
    """All but the number and how it came to be; what the market itself counted stays."""
    counts = snapshot.health.counts
    return msgspec.structs.replace(snapshot, seq=0, health=Health((), None, Counts(), "")), counts


@given(
    tape=tapes(),
    keys=st.lists(KEYS, max_size=8),
    speed=st.sampled_from([0.5, 1.0, 60.0, 3600.0]),
    lag=st.floats(1, 5),
    start_ns=st.sampled_from(STRETCHES),
)
def test_whatever_is_pressed_the_market_is_the_one_that_was_fed_once(tape, keys, speed, lag, start_ns):
    asyncio.run(press(tape, keys, speed=speed, lag=lag, start_ns=start_ns))


async def press(tape: pl.DataFrame, keys, *, speed: float, lag: float, start_ns: int) -> None:
    feed = feed_of(tape, Clock(lag), speed=speed, start_ns=start_ns)
    player = Player(feed)
    settled = history()
    supervisor = Supervisor(Market(settled, DESK, as_of_ns=0, origin=ORIGIN), [feed])
    try:
        for key, value in [("play", 2), *keys, ("play", 5)]:
            if key == "seek":
                feed.seek(value)
            elif key != "play":
                getattr(feed, key)()
            for _ in range(value if key == "play" else 1):
                event = await player.step()
                if event is None:
                    break
                supervisor._take(feed, event)
            if isinstance(event, Status) or supervisor.latest is None:
                continue
            as_of_ns = supervisor._time.now_ns()
            fresh = Market(settled, DESK, as_of_ns=as_of_ns, origin=ORIGIN)
            applied = fresh.apply(until(tape, as_of_ns), as_of_ns=as_of_ns)
            assert figures(supervisor.latest) == figures(applied)
    finally:
        await player.close()
