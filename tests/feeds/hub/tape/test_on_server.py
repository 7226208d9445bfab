"""The tape of a hub on a real server: replayed it is the hub's own market, and it stops no quote."""

from __future__ import annotations

import asyncio
import contextlib
import json

import msgspec
import polars as pl
import pytest

from feeds.clock import Time, wall_ns
from feeds.errors import InputError
from feeds.events import Batch, BidAsks, ColumnBatch, Gap, PrintsReplaced, Status, SymbolStates
from feeds.hub import tape_following
from feeds.hub.broker import tape_sender
from feeds.hub.broker.connection import Access
from feeds.hub.broker.serve import Hub
from feeds.hub.broker.tape_stream import Limits
from feeds.hub.broker.viewer import HubFeed
from feeds.hub.tape_following import TapeFollower
from feeds.hub.tape_replaying import read_day
from feeds.hub.wire.codec import decode
from feeds.supervisor import Supervisor
from feeds.tapes.player import TapeFeed
from feeds.tapes.reading import read_tape
from rotation.columns import of_quotes
from rotation.desk import Desk
from rotation.history import History
from rotation.market.market import Market
from rotation.market.status import Provenance
from rotation.quote import MINUTE_NS, Nbbo, Quote, Role
from rotation.status import LIVE, REPLAY, Kind
from tests.support.fake_time import NOW_NS
from tests.support.servers.cut import Cut
from tests.support.servers.nats import nats_server

SYMBOLS = ("IWM", "QQQ", "SPY", "BRK.B")
SHIFT_NS = NOW_NS - wall_ns()
# nats-py leaves the socket of a lost or cancelled connection to the garbage collector.
pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
LIMITS = Limits(days=2.0, bytes=8 * 2**20)


def clock_ns():
    return wall_ns() + SHIFT_NS


class Prints:
    """A stream: a morning at first, then prints until it is ended; each has a number of its own."""

    name, mode, symbols = "Prints", LIVE, frozenset(SYMBOLS)

    def __init__(self, first=1, step=1):
        self.number, self.step = first, step
        self.is_ended = self.is_quiet = False
        self.taken: dict[int, int] = {}
        """Time by number of every print that it has made."""

    def mode_of(self, symbol):
        return LIVE

    def stats(self):
        return None

    def tape(self):
        return None

    def quotes(self, count=4):
        for _ in range(count):
            self.number += self.step
            at_ns = clock_ns()
            self.taken[self.number] = at_ns
            price = 100 + self.number * 7919 % 1000 / 100
            yield Quote(
                SYMBOLS[self.number // self.step % 4], at_ns, price, seq=self.number, size=self.number % 50
            )

    async def events(self):
        yield Status(Kind.LIVE, "as it should be")
        yield SymbolStates({})
        began_ns = clock_ns()
        for minute in range(60, 0, -1):
            at_ns = (began_ns // MINUTE_NS - minute) * MINUTE_NS
            yield Batch(
                tuple(
                    Quote(s, at_ns, 100.0 + minute / 10, 0, 500, 107.5, 99.5, MINUTE_NS, Role.MINUTE)
                    for s in SYMBOLS
                )
            )
        while not self.is_ended:
            if not self.is_quiet:
                yield Batch(tuple(self.quotes()))
                yield ColumnBatch(of_quotes(tuple(self.quotes())))
                yield BidAsks({"IWM": Nbbo("IWM", 100.0, 100.1, clock_ns())})
            await asyncio.sleep(0.05)
        made = tuple(self.quotes(8))
        fresh = tuple(quote for quote in made if quote.symbol == "IWM")
        for quote in set(made) - set(fresh):
            del self.taken[quote.seq]
        yield PrintsReplaced(frozenset({"IWM"}), fresh)


@contextlib.asynccontextmanager
async def hub(url, prints, tape=LIMITS):
    """A hub that publishes; its supervisors, its lines and its task."""
    made: list[Supervisor] = []
    lines: list[str] = []

    def make():
        market = Market(History.empty(), Desk(), as_of_ns=clock_ns(), members=SYMBOLS)
        made.append(Supervisor(market, [prints], clock_ns=clock_ns))
        return made[-1], SYMBOLS

    task = asyncio.create_task(
        Hub(Access(url), make, lines.append, tape=tape, time=Time(clock_ns=clock_ns)).run()
    )
    try:
        yield made, lines, task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(holds, lines=(), within_s=30.0):
    async with asyncio.timeout(within_s):
        while not holds():  # noqa: ASYNC110 - what is looked at has no event
            await asyncio.sleep(0.02)
    return lines


async def written(client):
    """Something is on the tape."""
    from nats.js.errors import NotFoundError

    messages = 0
    while not messages:
        with contextlib.suppress(NotFoundError):
            messages = (await client.jetstream().stream_info("TAPE")).state.messages
        await asyncio.sleep(0.05)


async def ended(prints, task):
    """The prints end, and so does their hub, once its tape is whole."""
    prints.is_ended = True
    await asyncio.wait_for(task, 30)


async def tape_of(url, day=None):
    return (await asyncio.to_thread(read_day, Access(url), day)).tape


async def market_of(tape):
    """The market into which a tape plays."""

    async def sleep(_seconds):
        await asyncio.sleep(0)
        clock["s"] += 1.0

    clock = {"s": 0.0}
    market = Market(
        History.empty(),
        Desk(),
        as_of_ns=int(tape["at_ns"][0]),
        members=SYMBOLS,
        origin=Provenance(REPLAY, "tape"),
    )
    feed = TapeFeed(
        tape, name="tape", mode=REPLAY, speed=3600.0, stays=False, monotonic=lambda: clock["s"], sleep=sleep
    )
    supervisor = Supervisor(market, [feed])
    await supervisor.run()
    return supervisor


def days(supervisor):
    """Last values, highs, lows, volumes and the lines of the minutes, of every symbol."""
    return supervisor.days(SYMBOLS, all_minutes=True)


def lasts(supervisor):
    """Last price, high, low and volume of every symbol."""
    parts = [day.parts[1] for day in supervisor.days(SYMBOLS)]
    return [part and (part.last.price, part.high, part.low, part.volume) for part in parts]


def gaps_of(tape):
    """The marked ones, from and to."""
    texts = tape.filter(pl.col("kind") == "Gap")["said"].to_list()
    return [(gap.start_ns, gap.end_ns) for gap in (msgspec.json.decode(text, type=Gap) for text in texts)]


@pytest.fixture
def server(tmp_path):
    with nats_server(tmp_path) as made:
        yield made


async def test_the_replayed_tape_is_the_hub_s_own_market(server):
    prints = Prints()
    async with hub(server.url, prints) as (made, lines, task):
        await until(lambda: len(prints.taken) > 200, lines)
        await ended(prints, task)
    tape = await tape_of(server.url)
    assert set(tape["seq"]) >= prints.taken.keys()
    assert gaps_of(tape) == []
    replayed = await market_of(tape)
    assert days(replayed) == days(made[0])
    assert {day.symbol for day in days(replayed) if day.parts[1].minutes} == set(SYMBOLS)
    assert replayed.latest.legs["IWM"].bid == made[0].latest.legs["IWM"].bid
    # What is not of the tape's day is no day of it.
    with pytest.raises(InputError, match="has no tape of 2020-01-02; it has"):
        await tape_of(server.url, __import__("datetime").date(2020, 1, 2))


async def test_a_hand_over_leaves_no_gap_unmarked_and_nothing_twice(server):
    import nats

    first, second = Prints(first=0, step=2), Prints(first=1, step=2)
    async with Cut(server.port) as network, hub(network.url, first) as (_, lines, _task):
        await until(lambda: len(first.taken) > 150, lines)
        client = await nats.connect(server.url)
        await written(client)
        await client.close()
        async with hub(server.url, second) as (made, more, task):
            network.cut()  # nobody says goodbye
            await until(lambda: len(second.taken) > 100, more)
            network.mend()
            await until(lambda: "waiting until" in lines[-1], lines)
            await ended(second, task)
    tape = await tape_of(server.url)
    seen = tape.filter(pl.col("seq") > 0)["seq"].to_list()
    assert len(seen) == len(set(seen))
    marked = gaps_of(tape)
    assert len(marked) == 1
    for prints in (first, second):
        for number in prints.taken.keys() - set(seen):
            at_ns = prints.taken[number]
            assert prints is first, "of the hub that went on nothing is missing"
            assert any(since <= at_ns for since, _ in marked), number
    assert days(await market_of(tape)) == days(made[0])


async def test_a_server_that_goes_away_for_a_moment_leaves_no_gap(server):
    prints = Prints()
    async with hub(server.url, prints) as (made, lines, task):
        await until(lambda: len(prints.taken) > 100, lines)
        server.kill()
        await asyncio.sleep(0.5)
        await asyncio.to_thread(server.start)
        await until(lambda: any("connected to the NATS server again" in line for line in lines))
        count = len(prints.taken)
        await until(lambda: len(prints.taken) > count + 100, lines)
        await ended(prints, task)
    tape = await tape_of(server.url)
    if len(made) == 1:  # else the hub has let go of its vendors meanwhile
        assert gaps_of(tape) == []
        seen = tape.filter(pl.col("seq") > 0)["seq"].to_list()
        assert sorted(seen) == sorted(prints.taken)
    assert days(await market_of(tape)) == days(made[-1])


async def test_what_is_recorded_from_the_server_is_a_tape(server, tmp_path):
    prints = Prints()
    lines: list[str] = []
    async with hub(server.url, prints) as (made, _, task):
        await until(lambda: len(prints.taken) > 50)
        follower = TapeFollower(Access(server.url), tmp_path / "t.parquet", lines.append, from_start=True)
        following = asyncio.create_task(follower.run())
        await until(lambda: follower.recorder.quotes > 0)
        later = TapeFollower(Access(server.url), tmp_path / "later", lines.append, from_start=False)
        following_later = asyncio.create_task(later.run())
        await until(lambda: any("following the hub" in line for line in lines), lines)
        await ended(prints, task)
        await until(lambda: any("nothing new since" in line for line in lines), lines)
        for each in (following, following_later):
            each.cancel()
        await asyncio.gather(following, following_later, return_exceptions=True)
    tape = read_tape(follower.recorder.paths)
    whole = await tape_of(server.url)
    assert tape.drop("step", "at_ns", "batch").equals(whole.drop("step", "at_ns", "batch"))
    assert days(await market_of(tape)) == days(made[0])
    assert follower.recorder.quotes == whole.height - whole["symbol"].null_count()
    assert 0 < later.recorder.quotes < follower.recorder.quotes
    with pytest.raises(InputError, match="exists already"):
        TapeFollower(Access(server.url), tmp_path / "t", lines.append, from_start=True)


async def test_a_server_without_room_stops_the_tape_and_no_quote(tmp_path):
    store = f'jetstream {{ store_dir: "{tmp_path / "js"}", max_file_store: 1MB }}'
    prints = Prints()
    with nats_server(tmp_path, store) as server:
        async with hub(server.url, prints) as (made, lines, task):
            feed = HubFeed(Access(server.url))
            market = Market(History.empty(), Desk(), as_of_ns=clock_ns(), members=SYMBOLS)
            viewer = Supervisor(market, [feed], clock_ns=feed.hub_clock_ns)
            viewing = asyncio.create_task(viewer.run())
            await until(lambda: any("tape is not being written" in line for line in lines), lines)
            await until(lambda: any(row.name == "tape" for row in viewer.latest.health.feeds))
            (row,) = (row for row in viewer.latest.health.feeds if row.name == "tape")
            assert row.kind is Kind.OFFLINE
            count = len(prints.taken)
            await until(lambda: len(prints.taken) > count + 100)
            prints.is_quiet = True
            await until(lambda: lasts(viewer) == lasts(made[0]))
            assert viewer.latest.legs["IWM"].status.kind is Kind.LIVE
            await ended(prints, task)
            viewing.cancel()
            await asyncio.gather(viewing, return_exceptions=True)


async def test_a_tape_that_has_reached_its_limits_says_so_and_is_marked(server, monkeypatch):
    monkeypatch.setattr(tape_sender, "LOOK_S", 0.2)
    prints = Prints()
    async with hub(server.url, prints, Limits(days=1.0, bytes=12_000)) as (made, lines, task):
        await until(lambda: any("has reached its limits" in line for line in lines), lines)
        await ended(prints, task)
    tape = await tape_of(server.url)
    (gap,) = gaps_of(tape)
    assert gap[1] == int(tape.filter(pl.col("feed") != "hub")["as_of_ns"][0])
    assert days(await market_of(tape))[0].parts[1].last == days(made[0])[0].parts[1].last


async def test_an_older_hub_that_wakes_writes_nothing(server):
    import nats

    prints = Prints()
    async with hub(server.url, prints) as (_, lines, _task):
        await until(lambda: len(prints.taken) > 100, lines)
        client = await nats.connect(server.url)
        try:
            context = client.jetstream()
            await written(client)
            held = await context.get_last_msg("TAPE", "tape.>")
            message = msgspec.structs.replace(decode(held.subject, held.data), seq=10**6)
            with pytest.raises(nats.js.errors.APIError):
                await context.publish(
                    held.subject,
                    msgspec.msgpack.encode(message),
                    headers={"Nats-Expected-Last-Sequence": str(held.seq + 1000)},
                )
            info = json.loads((await client.request("$JS.API.STREAM.INFO.TAPE")).data)
            assert info["config"]["discard"] == "old"
            assert info["config"]["storage"] == "file"
        finally:
            await client.close()


@pytest.mark.parametrize(
    ("is_away", "is_asking"),
    [(False, False), (True, False), (True, True)],
    ids=["silent", "while the recorder was cut off", "while a question of the recorder's was on its way"],
)
async def test_a_recorder_follows_into_a_stream_that_was_made_anew(
    server, tmp_path, monkeypatch, is_away, is_asking
):
    """Its numbers begin anew; cut off meanwhile, they may be higher than those that were read.

    A question that was asked before the cut may be answered after it, out of the other stream.
    """
    import nats

    monkeypatch.setattr(tape_following, "SILENT_S", 0.5)
    if is_asking:
        answer_before_it_is_known(monkeypatch)
    prints, lines = Prints(), list[str]()
    async with Cut(server.port) as network, hub(server.url, prints) as (_made, _, task):
        follower = TapeFollower(Access(network.url), tmp_path / "t", lines.append, from_start=True)
        following = asyncio.create_task(follower.run())
        await until(lambda: follower.recorder.quotes > 30, lines)
        if is_away:
            network.cut()
        client = await nats.connect(server.url)
        before = (await client.jetstream().stream_info("TAPE")).state.last_seq
        await client.jetstream().delete_stream("TAPE")
        first = prints.number
        await until(lambda: prints.number > first + 60)
        if is_away:
            while await length(client) <= before:  # noqa: ASYNC110 - a server has no event
                await asyncio.sleep(0.05)
            network.mend()
        await client.close()
        await until(lambda: "made anew; it is recorded from its start" in " ".join(lines), lines)
        await ended(prints, task)
        last = max(prints.taken)
        await until(lambda: follower._reader.until_ns >= prints.taken[last], lines)
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
    seen = read_tape(follower.recorder.paths).filter(pl.col("seq") > 0)["seq"].to_list()
    assert len(seen) == len(set(seen)), "nothing twice"
    kept = set((await tape_of(server.url)).filter(pl.col("seq") > 0)["seq"])
    assert set(seen) >= kept, "all that the new stream has"


def answer_before_it_is_known(monkeypatch):
    """A question of before the cut is answered over the next connection before anybody hears of that one."""
    read, connected = tape_following.tape_stream.read, TapeFollower._connected
    is_answered = asyncio.Event()

    async def slow_read(client, after, *args, **options):
        is_next = after and not options and not is_answered.is_set()
        if is_next:
            while client.is_connected:  # noqa: ASYNC110 - it has no event
                await asyncio.sleep(0.01)
            while not client.is_connected:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        held = await read(client, after, *args, **options)
        if is_next:
            is_answered.set()
        return held

    async def late(follower):
        if follower.recorder.quotes:
            await is_answered.wait()
            await asyncio.sleep(0.1)  # the follower goes on
        await connected(follower)

    monkeypatch.setattr(tape_following.tape_stream, "read", slow_read)
    monkeypatch.setattr(TapeFollower, "_connected", late)


async def length(client):
    """Of the stream TAPE; 0 while there is none."""
    from nats.js.errors import NotFoundError

    with contextlib.suppress(NotFoundError):
        return (await client.jetstream().stream_info("TAPE")).state.last_seq
    return 0
