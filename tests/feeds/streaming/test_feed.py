"""The driver, where one vendor is enough: what the fault table does not hold."""

from __future__ import annotations

import asyncio
import contextlib
import socket

import pytest
from msgspec.structs import replace
from websockets.exceptions import ConnectionClosed

from feeds.events import Status, SymbolStates
from feeds.streaming.backfill import ENDED_NS
from feeds.streaming.receive.pace import BUSY_PER_S, LONGER
from feeds.streaming.watch.hours import Always
from feeds.turns import Turns, turns
from feeds.vendors.coinbase.stream import PRODUCT, Coinbase
from rotation.quote import NS, Quote, Role
from rotation.sessions import from_ns
from rotation.status import Kind
from tests.support.fake_time import NOW_NS, FakeTime, settle
from tests.support.fault_table import FIRST, LATER, NIGHT_NS, Run, prints, running
from tests.support.servers import coinbase
from tests.support.servers.alpaca import cancel, status, trade
from tests.support.servers.ws import ABORT, MUTE, NO_PONGS, READY, STAY, Refuse
from tests.support.subjects import ALPACA, NOWHERE, SYMBOLS, YAHOO, Subject

GOOD = (READY, *prints(YAHOO, FIRST), STAY)
COINBASE = Subject(
    "Coinbase", coinbase.CoinbaseServer, Coinbase, NOWHERE, None, (), lambda client: set(client.state)
)


async def ticking(run, seconds, names=SYMBOLS):
    """Live prints of these symbols, one a second each."""
    for _ in range(seconds):
        now_ns = run.time.clock_ns()
        with contextlib.suppress(ConnectionClosed):  # between two connections
            frames = (run.subject.trade(name, FIRST[name], now_ns, now_ns // NS) for name in names)
            await run.server.send(*frames)
        await run.time.passing(1)


def states_of_iwm(run):
    """The state of IWM, each time it changed."""
    states = [event.by_symbol.get("IWM", "") for event in run.events_of(SymbolStates)]
    return [state for i, state in enumerate(states) if not i or states[i - 1] != state]


# Beginning and end


async def test_the_first_connection_is_seeded(monkeypatch):
    began_ns = NOW_NS - (6 * 3600 + 40 * 60) * NS  # 04:00 New York
    async with running(monkeypatch, YAHOO, (READY, STAY)) as run:
        run.vendor.bars = (Quote("IWM", NOW_NS - 3600 * NS, 220.0, size=500, high=220.1, low=219.9),)
        await run.time.passing(2)
        assert run.vendor.asked == [(frozenset(SYMBOLS), began_ns, NOW_NS)]
        assert run.prices == FIRST
        assert run.quotes[0] == replace(run.vendor.bars[0], bar_ns=60 * NS, role=Role.MINUTE)
        assert states_of_iwm(run) == ["OFFLINE", ""]
        assert (run.gaps, run.feed.stats().gaps) == ([], 0)


async def test_at_night_nothing_is_seeded(monkeypatch):
    async with running(monkeypatch, YAHOO, (READY, STAY), now_ns=NIGHT_NS) as run:
        await run.time.passing(2)
        assert (run.vendor.asked, run.vendor.compared) == ([], [])
        assert run.events_of(Status)[-1] == Status(Kind.CLOSED, "0 of 3 symbols")


async def test_only_what_changed_is_yielded(monkeypatch):
    """Time is the supervisor's: a second in which nothing changes is no event."""
    async with running(monkeypatch, YAHOO, (READY, STAY)) as run:
        await run.time.passing(2)
        run.events.clear()
        await run.time.passing(5)
        assert run.events == []


async def test_a_refused_feed_goes_on_showing_its_state(monkeypatch):
    async with running(monkeypatch, ALPACA, Refuse(403)) as run:
        await run.time.passing(3)
        run.events.clear()
        await run.time.passing(3600, step=60)
        assert run.events == []
        assert run.feed.refusal is not None
        assert run.symbol_states == {}
        assert run.server.upgrades == 1


async def test_what_a_vendor_should_not_raise_ends_the_run(monkeypatch):
    async def broken(symbols):
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):  # noqa: PT012 - the whole run is what raises
        async with running(monkeypatch, YAHOO, (READY, STAY)) as run:
            run.vendor.snapshot = broken
            await run.time.passing(3)


async def test_after_an_error_of_our_own_it_can_be_started_again(monkeypatch):
    scripts = (READY, *prints(ALPACA, FIRST), STAY), (READY, *prints(ALPACA, LATER, 60, 11), STAY)
    time = FakeTime()
    async with ALPACA.server(*scripts) as server:
        monkeypatch.setenv("ROTATION_TUI_ALPACA_STREAM_URL", server.url)
        run = Run(ALPACA, server, time)
        real, calls = run.vendor.snapshot, 0

        async def broken(symbols):
            nonlocal calls
            calls += 1
            if calls == 1:
                raise RuntimeError("a bug")
            return await real(symbols)

        run.vendor.snapshot = broken
        with pytest.raises(RuntimeError, match="a bug"):
            await run.drive()
        await time.passing(60)
        task = asyncio.create_task(run.drive())
        await time.passing(15)
        assert server.upgrades == 2
        assert run.prices == LATER
        assert (run.states[-1], run.symbol_states) == ("LIVE", {})
        assert calls > 1, "what had failed is asked for again"
        assert run.vendor.asked[-1][1] < NOW_NS < NOW_NS + 59 * NS < run.vendor.asked[-1][2]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


# Connecting


async def test_a_name_that_is_not_known(monkeypatch):
    loop = asyncio.get_running_loop()
    known, tries = loop.getaddrinfo, []

    async def resolve(host, *args, **kwargs):
        tries.append(host)
        if len(tries) <= 3:
            raise socket.gaierror(-2, "Name or service not known")
        return await known("127.0.0.1", *args, **kwargs)

    monkeypatch.setattr(loop, "getaddrinfo", resolve)
    async with YAHOO.server(GOOD) as server:
        url = server.url.replace("127.0.0.1", "streamer.test")
        async with running(monkeypatch, YAHOO, url=url) as run:
            await run.time.passing(1)
            assert "cannot connect: host name not found; next try in" in run.events_of(Status)[-1].detail
            while run.prices != FIRST:  # names are resolved in another thread
                await run.time.passing(1)
            assert run.states[-1] == "LIVE"
        assert server.upgrades == 1
        assert set(tries) == {"streamer.test"}


async def test_a_server_that_is_up_only_after_five_minutes(monkeypatch):
    server = YAHOO.server(GOOD)
    await server.start()
    port = int(server.url.rpartition(":")[2])
    await server.stop()
    async with running(monkeypatch, YAHOO, url=server.url) as run:
        await run.time.passing(300)
        assert run.events_of(Status)[-1].state == "OFFLINE"
        assert "connection refused" in run.events_of(Status)[-1].detail
        assert len(run.backoff) <= 16
        again = YAHOO.server(GOOD)
        await again.start(port)
        try:
            for _ in range(60):
                await run.time.passing(1)
                if again.upgrades:
                    break
            await run.time.passing(2)
            assert (run.states[-1], run.prices) == ("LIVE", FIRST)
            assert again.upgrades == 1
        finally:
            await again.stop()


async def test_back_off_begins_anew_after_a_minute_of_good_data(monkeypatch):
    good = (READY, *prints(YAHOO, FIRST), STAY)
    cut = (READY, ABORT)
    async with running(monkeypatch, YAHOO, cut, cut, cut, good, cut, good) as run:
        await run.time.passing(6)
        assert run.backoff == [0.5, 2.0]  # and one of 1.0 between them
        await ticking(run, 55)
        run.server.clients[-1].connection.transport.abort()
        await run.time.passing(5)
        assert run.backoff[:3] == [0.5, 2.0, 4.0]
    async with running(monkeypatch, YAHOO, cut, cut, cut, good, cut, good) as run:
        await run.time.passing(6)
        await ticking(run, 62)
        run.server.clients[-1].connection.transport.abort()
        await run.time.passing(5)
        assert run.backoff[:3] == [0.5, 2.0, 0.5]


async def test_the_connection_is_replaced_before_the_open(monkeypatch):
    early_ns = NOW_NS - 95 * 60 * NS
    assert f"{from_ns(early_ns):%H:%M}" == "13:05"  # 09:05 New York
    async with running(monkeypatch, YAHOO, GOOD, now_ns=early_ns) as run:
        await run.time.passing(10 * 60 + 29)
        assert run.server.upgrades == 1
        await run.time.passing(5)
        assert run.server.upgrades == 2
        assert run.server.clients[0].close_code == 1000
        await run.time.passing(600, step=5)
        assert run.server.upgrades == 2


# Gaps


async def test_what_a_gap_missed_is_filled_before_live_goes_on(monkeypatch):
    """The connection is cut at 10:40:30; from 10:43:10 on there is another."""
    first = (READY, *prints(YAHOO, FIRST), STAY)
    refused = Refuse(429, "150")
    minute = NOW_NS + 60 * NS
    bars = [
        Quote("IWM", minute + i * 60 * NS, 222.0 + i / 10, size=100, high=222.5, low=221.5) for i in range(5)
    ]
    async with running(monkeypatch, YAHOO, first, refused, (READY, STAY)) as run:
        await ticking(run, 30)
        run.vendor.bars, run.vendor.newest = tuple(bars), {"IWM": 222.22}
        run.server.clients[0].connection.transport.abort()
        await run.time.passing(1)
        assert run.symbol_states == dict.fromkeys(SYMBOLS, "OFFLINE")
        run.events.clear()
        while len(run.server.clients) < 2:
            await run.time.passing(1)
        end_ns = run.time.clock_ns()
        await run.time.passing(2)
        (gap,) = run.gaps
        assert (gap.symbols, gap.start_ns) == (frozenset(SYMBOLS), NOW_NS + 29 * NS)
        assert abs(gap.end_ns - end_ns) <= NS
        filled = [bar for bar in bars if bar.ts_ns <= gap.end_ns]
        got = [quote for quote in run.quotes if quote.high is not None]
        # A bar that is still forming is left out, and one that has ended two seconds ago may lack prints; the
        # first began before the gap, and replaces its minute.
        assert 1 < len(filled) < len(bars)
        assert 0 < end_ns - filled[-1].ts_ns < ENDED_NS
        assert [(quote.ts_ns, quote.size, quote.role) for quote in got] == [
            (bar.ts_ns, 100, Role.MINUTE) for bar in filled[:-1]
        ]
        # Of QQQ and SPY nothing is known: their next print ends it.
        assert run.symbol_states == dict.fromkeys(("QQQ", "SPY"), "GAPPED")
        await ticking(run, 1)
        assert run.symbol_states == {}
        assert run.states[-1] == "LIVE"
        # With the minute in which it ended its last bar comes too.
        await ticking(run, 70)
        ends = {quote.ts_ns for quote in run.quotes if quote.high is not None}
        assert ends >= {bar.ts_ns for bar in filled}


async def test_live_prints_wait_for_the_gaps(monkeypatch):
    """A market takes no bar that is a minute older than what it has."""
    async with running(monkeypatch, YAHOO, (READY, STAY)) as run:
        answer = asyncio.Event()

        async def slowly(symbols, start_ns, end_ns):
            await answer.wait()
            return (Quote("IWM", NOW_NS - 600 * NS, 220.5, size=7),)

        run.vendor.backfill = slowly
        await run.time.passing(1)
        await run.server.send(*prints(YAHOO, LATER))
        await run.time.passing(1)
        assert run.quotes == []
        answer.set()
        await settle()
        assert [quote.price for quote in run.quotes if quote.symbol == "IWM"] == [220.5, 221.28, 221.5]


async def test_but_not_for_ever(monkeypatch):
    async with running(monkeypatch, YAHOO, (READY, STAY)) as run:

        async def never(symbols, start_ns, end_ns):
            await asyncio.Event().wait()

        run.vendor.backfill = never
        await run.server.until(lambda: run.server.clients and run.server.clients[0].ready)
        await run.server.send(*prints(YAHOO, LATER))
        await run.time.passing(5)
        assert run.quotes == []
        assert run.symbol_states == dict.fromkeys(SYMBOLS, "GAPPED")
        await run.time.passing(2)
        assert run.prices == LATER
        assert (run.symbol_states, run.incomplete) == ({}, frozenset(SYMBOLS))


def stuck(run, ended):
    """REST that never answers, and notes when it is no longer waited for."""

    async def never(symbols, start_ns, end_ns):
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(symbols)

    run.vendor.backfill = never


async def test_a_fill_under_way_ends_with_its_connection(monkeypatch):
    ended = []
    async with running(monkeypatch, YAHOO, (READY, STAY)) as run:
        stuck(run, ended)
        await run.server.until(lambda: run.server.clients and run.server.clients[0].ready)
        await run.time.passing(1)
        assert (ended, len(run.feed._fetches)) == ([], 1)
        run.server.clients[0].connection.transport.abort()
        await settle()
        assert ended == [frozenset(SYMBOLS)]
        await run.time.passing(2)
        assert len(run.feed._fetches) == 1, "the next connection's"
    assert len(ended) == 2


async def test_a_correction_under_way_ends_with_the_feed(monkeypatch):
    ended = []
    async with running(monkeypatch, ALPACA, (READY, *prints(ALPACA, FIRST), STAY)) as run:
        await run.time.passing(1)
        stuck(run, ended)
        await run.server.tell(cancel("IWM", 226.0, NOW_NS - 60 * NS, 7))
        await run.time.passing(4)
        assert (ended, len(run.feed._fetches)) == ([], 1)
    assert ended == [frozenset({"IWM"})]
    assert run.feed._fetches == {} or all(task.done() for task in run.feed._fetches.values())


async def test_a_ping_under_way_ends_with_its_connection(monkeypatch):
    async with running(monkeypatch, YAHOO, (READY, *prints(YAHOO, FIRST), NO_PONGS), now_ns=NIGHT_NS) as run:
        await run.time.passing(21)
        pong = run.feed._connection._pong
        assert pong is not None
        assert not pong.done()
        run.server.clients[0].connection.transport.abort()
        await settle()
        assert pong.done()
        assert run.feed._connection._pong is None, "no answer to the next connection's ping"


async def test_data_are_a_sign_of_life_while_a_pong_waits_behind_them(monkeypatch):
    async with running(monkeypatch, YAHOO, (READY, *prints(YAHOO, FIRST), NO_PONGS)) as run:
        await ticking(run, 90)
        assert run.server.upgrades == 1
        assert run.feed._connection._pong is not None, "the first ping still has no answer"


async def test_so_is_a_frame_that_comes_in_small_parts_and_its_end_is_noticed(monkeypatch):
    async with running(monkeypatch, YAHOO, (READY, *prints(YAHOO, FIRST), NO_PONGS), now_ns=NIGHT_NS) as run:
        await run.time.passing(2)
        wire = run.server.clients[0].connection.transport
        wire.write(b"\x81\x7d")  # of 125 bytes
        for _ in range(90):
            wire.write(b"x")
            await run.time.passing(1)
        assert run.server.upgrades == 1
        await run.time.passing(19)
        assert run.server.upgrades == 1
        await run.time.passing(5)
        assert run.server.upgrades == 2


async def test_a_gap_stays_open_until_its_source_answers(monkeypatch):
    """The prices are good meanwhile; that the range is not is said apart."""
    async with running(monkeypatch, YAHOO, GOOD) as run:
        run.vendor.is_down = True
        await run.time.passing(1)
        await ticking(run, 19)
        assert (run.symbol_states, run.incomplete) == ({}, frozenset(SYMBOLS))
        result = Status(Kind.LIVE, "3 of 3 symbols; today's range of 3 incomplete: down")
        assert run.events_of(Status)[-1] == result
        assert len(run.vendor.asked) == 6  # at once, after 0.5, 1, 2, 4 and 8 s
        assert run.prices == FIRST  # though live goes on
        run.vendor.is_down = False
        run.vendor.bars = tuple(
            Quote(name, NOW_NS + s * NS, FIRST[name]) for name in SYMBOLS for s in (0, 60)
        )
        await ticking(run, 17)
        assert (run.symbol_states, run.incomplete, run.states[-1]) == ({}, frozenset(SYMBOLS), "LIVE")
        assert run.detail == "3 of 3 symbols"
        await ticking(run, 30)
        assert run.incomplete == frozenset(), "the minute in which it began is over"


async def test_a_cut_at_night_has_missed_nothing(monkeypatch):
    async with running(monkeypatch, YAHOO, (READY, STAY), now_ns=NIGHT_NS) as run:
        await run.time.passing(600, step=5)
        run.server.clients[0].connection.transport.abort()
        await run.time.passing(5)
        assert run.server.upgrades == 2
        assert (run.gaps, run.symbol_states, run.states[-1]) == ([], {}, "CLOSED")


async def test_what_does_not_reach_us_shows_in_the_comparison(monkeypatch):
    async with running(monkeypatch, YAHOO, GOOD, canaries=frozenset({"IWM", "QQQ"})) as run:
        run.vendor.newest = {}
        await ticking(run, 299, ("IWM", "QQQ"))
        run.vendor.newest = FIRST | {"SPY": 563.0}
        run.vendor.compared.clear()
        await ticking(run, 4, ("IWM", "QQQ"))
        assert run.vendor.compared[0] == frozenset(SYMBOLS)
        (gap,) = run.gaps
        assert gap.symbols == {"SPY"}
        assert run.prices["SPY"] == 563.0
        assert run.server.upgrades == 1


# Sequence numbers, heartbeats


async def test_a_hole_in_the_numbers_is_a_gap(monkeypatch):
    script = (READY, *coinbase.GOOD, coinbase.trades(7, coinbase.trade("64260", "700000009")), STAY)
    options = {"symbols": (PRODUCT,), "hours": Always(), "newest": {}}
    async with running(monkeypatch, COINBASE, script, **options) as run:
        await run.time.passing(1)
        assert run.feed.stats().gaps == 1
        assert [gap.symbols for gap in run.gaps] == [{PRODUCT}]
        assert run.prices == {PRODUCT: 64260.0}
        assert run.symbol_states == {}  # nobody can fill it, and there is a newer print


async def test_a_vendor_that_promises_to_speak_must(monkeypatch):
    script = (READY, *coinbase.GOOD, STAY)
    options = {"symbols": (PRODUCT,), "hours": Always(), "canaries": frozenset({PRODUCT}), "newest": {}}
    async with running(monkeypatch, COINBASE, script, **options) as run:
        for number in range(5, 33):
            await run.server.send(coinbase.heartbeat(number))
            await run.time.passing(1)
        assert run.server.upgrades == 1
        await run.time.passing(5)  # heartbeats do not move the clock of data
        assert run.server.upgrades == 2


# Canaries and halts


async def test_a_silent_canary(monkeypatch):
    async with running(monkeypatch, YAHOO, GOOD) as run:
        await run.time.passing(1)
        await ticking(run, 59, ("IWM", "QQQ"))
        assert run.server.upgrades == 1
        await ticking(run, 3, ("IWM", "QQQ"))
        assert run.server.upgrades == 2
        assert "no print of SPY for 1m" in " ".join(status.detail for status in run.events_of(Status))


async def test_who_is_no_canary_may_be_silent(monkeypatch):
    async with running(monkeypatch, YAHOO, GOOD, canaries=frozenset({"IWM"})) as run:
        await run.time.passing(1)
        await ticking(run, 200, ("IWM",))
        assert run.server.upgrades == 1


async def test_a_halt_is_told_and_no_alarm(monkeypatch):
    halt = status("IWM", "2", NOW_NS + NS)
    frames = [[trade(name, FIRST[name])] for name in SYMBOLS]
    async with running(monkeypatch, ALPACA, (READY, *frames, halt, STAY)) as run:
        await run.time.passing(2)
        assert run.symbol_states == {"IWM": "HALTED"}

        async def tick(seconds, names):
            for _ in range(seconds):
                now_ns = run.time.clock_ns()
                await run.server.tell(*([trade(name, FIRST[name], now_ns, now_ns // NS)] for name in names))
                await run.time.passing(1)

        await tick(70, ("QQQ", "SPY"))
        assert (run.server.upgrades, run.symbol_states) == (1, {"IWM": "HALTED"})
        # The word that trading goes on was missed; a print says it.
        await tick(1, SYMBOLS)
        assert run.symbol_states == {}
        await run.server.tell(status("IWM", "2", run.time.clock_ns()))
        await settle()
        assert run.symbol_states == {"IWM": "HALTED"}
        await run.server.tell(status("IWM", "3", run.time.clock_ns() + NS))
        await settle()
        assert run.symbol_states == {}


# Lag, counts


@pytest.mark.parametrize(("apart_s", "wide"), [(0, False), (1, False), (5, True), (-5, True)])
async def test_clocks_apart(monkeypatch, apart_s, wide):
    async with running(monkeypatch, YAHOO, (READY, STAY), newest={}) as run:
        await run.time.passing(1)
        for second in range(75):
            now_ns = run.time.clock_ns() - apart_s * NS
            await run.server.send(*(YAHOO.trade(name, FIRST[name], now_ns, second + 50) for name in SYMBOLS))
            await run.time.passing(1)
        assert run.feed.stats().lag_s == pytest.approx(apart_s, abs=1.01)
        assert ("clock" in run.events_of(Status)[-1].detail) == wide


async def test_the_counts(monkeypatch):
    async with running(monkeypatch, YAHOO, GOOD) as run:
        assert run.feed.stats().age_s is None
        await run.time.passing(1)
        await ticking(run, 20)
        await run.time.passing(4)
        stats = run.feed.stats()
        assert (stats.symbols, stats.subscribed, stats.connections, stats.reconnects) == (3, 3, 1, 0)
        assert stats.quotes == 63
        assert stats.age_s == 5.0
        assert stats.rate_per_s == pytest.approx(1.8, abs=0.31)


async def test_memory_stays_flat(monkeypatch):
    """Outages, repeats, rejects and holes by the hundred leave nothing behind."""
    script = (READY, *prints(YAHOO, FIRST), YAHOO.trade("IWM", 0.0, NOW_NS, 5), ABORT)
    async with running(monkeypatch, YAHOO, script, newest={}) as run:
        for _ in range(60):
            run.feed.state.session.pace.worked("connect")
            await run.time.passing(3)
        assert run.server.upgrades > 60
        assert len(run.feed.state.filter._seen) < 20
        assert len(run.feed.state.buffer._quotes) == 0
        assert len(run.time._sleeping) <= 3


@pytest.mark.parametrize("behind_s", [10, 61, 600, 86_400])
async def test_a_clock_behind_is_said_as_such_and_ends_no_connection(monkeypatch, behind_s):
    async with running(monkeypatch, YAHOO, (READY, STAY)) as run:
        for _ in range(100):
            ts_ns = run.time.clock_ns() + behind_s * NS
            number = ts_ns // NS
            await run.server.send(*(YAHOO.trade(name, FIRST[name], ts_ns, number) for name in SYMBOLS))
            await run.time.passing(1)
        assert f"your clock is {behind_s} s behind" in run.detail
        assert run.server.upgrades == 1
        assert run.states[-1] == ("LIVE" if behind_s == 10 else "OFFLINE")


async def test_one_print_ahead_of_time_is_not_our_clock_s_fault(monkeypatch):
    async with running(monkeypatch, YAHOO, (READY, STAY)) as run:
        await ticking(run, 5)
        ahead_ns = run.time.clock_ns() + 3600 * NS
        await run.server.send(YAHOO.trade("IWM", FIRST["IWM"], ahead_ns, 10**6))
        await ticking(run, 5)
        assert "clock" not in run.detail


async def test_a_mute_socket_of_a_vendor_that_acknowledges(monkeypatch):
    frames = [[trade(name, FIRST[name])] for name in SYMBOLS]
    async with running(monkeypatch, ALPACA, (READY, MUTE), (READY, *frames, STAY)) as run:
        await run.time.passing(3)
        assert run.events_of(Status)[-1] == Status(Kind.OFFLINE, "3 of 3 symbols, nothing received yet")
        await run.time.passing(30)
        assert (run.server.upgrades, run.states[-1]) == (2, "LIVE")


# Looks


async def test_what_is_about_to_be_drawn_is_looked_at_though_it_might_gather_for_longer(monkeypatch):
    mine = Turns()
    token = turns.set(mine)
    try:
        async with running(monkeypatch, YAHOO, GOOD, pace_s=3_600.0) as run:
            await run.time.passing(2)
            for place, price in enumerate((220.5, 220.6)):
                now_ns = run.time.clock_ns()
                await run.server.send(run.subject.trade("IWM", price, now_ns, 900 + place))
                await settle()
                assert run.prices.get("IWM") != price
                mine.hurry()
                await settle()
                assert run.prices["IWM"] == price
                await run.time.passing(1)
    finally:
        turns.reset(token)


async def test_what_has_come_is_looked_at_after_a_key_has_been_answered(monkeypatch):
    mine = Turns(most_s=3_600.0)
    token = turns.set(mine)
    try:
        async with running(monkeypatch, YAHOO, GOOD) as run:
            await run.time.passing(2)
            mine.give_way()
            await run.server.send(run.subject.trade("IWM", 220.5, run.time.clock_ns(), 900))
            await run.time.passing(2)
            assert run.prices.get("IWM") != 220.5
            mine.go_on()
            await settle()
            assert run.prices["IWM"] == 220.5
    finally:
        turns.reset(token)


@pytest.mark.parametrize("is_late", [False, True])
async def test_a_stream_is_busy_by_what_comes_a_second_however_late_the_look_is(monkeypatch, is_late):
    pace_s = 0.001
    async with running(monkeypatch, YAHOO, GOOD, pace_s=pace_s) as run:
        await run.time.passing(2)
        now_ns = run.time.clock_ns()
        frames = [run.subject.trade("IWM", 220.5, now_ns + i, 900 + i) for i in range(100)]
        assert sum(map(len, frames)) > 2 * BUSY_PER_S * pace_s
        await run.server.send(*frames)
        await settle()  # the first of them has been looked at, the others wait
        run.time.slept.clear()
        await run.time.passing(1.0 if is_late else pace_s, step=1.0 if is_late else pace_s)
        assert run.time.slept[0] == (pace_s if is_late else LONGER * pace_s)
