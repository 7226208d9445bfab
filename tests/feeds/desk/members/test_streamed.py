"""Members by the stream of the legs: breadth of today, faults of the stream, and what rounds still do."""

from __future__ import annotations

import random
from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from feeds.desk.opened.supervision import follow_members
from feeds.events import RelayedStates, SymbolDays
from feeds.hub.publisher import Publisher
from feeds.hub.receiver import Receiver
from feeds.streaming.members.prints import SILENT_S
from rotation.breadth.members import Membership
from rotation.market.market import Market
from rotation.quote import NS, Quote
from rotation.sessions import previous_session, sessions_between
from rotation.status import Kind
from tests.support.breadth import oracle
from tests.support.breadth.streamed import LEGS, MINUTE, massive_rest, membership, streamed_desk
from tests.support.fake_time import NOW_NS, settle
from tests.support.servers.alpaca import AlpacaRestServer, AlpacaServer, Answers, Tape, minute, rfc3339
from tests.support.servers.massive import MassiveServer, array, bar
from tests.support.servers.rest import FAULTS
from tests.support.servers.ws import READY, STAY, Refuse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.breadth.streamed import StreamedDesk

SESSION = date(2024, 7, 16)
DAYS = sessions_between(date(2024, 6, 3), previous_session(SESSION))
NAMES = (*(f"M{n:03}" for n in range(449)), "MOG.A")
REQUESTS = 3
QUIET = (READY, STAY)


def latest(names=NAMES, price: float = 101.0, now_ns: int = NOW_NS - 5 * NS) -> Tape:
    made = Tape()
    for name in (*names, *LEGS):
        trade = {"t": rfc3339(now_ns), "p": LEGS.get(name, price), "s": 100, "c": ["@"], "i": 1}
        made.latest[name] = trade | {"x": "V", "z": "B"}
        made.days[name] = [(DAYS[-1], LEGS.get(name, 100.0))]
    return made


def asked(rest: Any) -> list[set[str]]:
    """The members of each request that was made for them."""
    paths = [request.path for request in rest.requests if "snapshots" in request.path]
    named = [set(parse_qs(urlsplit(path).query)["symbols"][0].split(",")) for path in paths]
    return [each for each in named if not each <= set(LEGS)]


def expected(desk: StreamedDesk, values: Mapping[str, float]) -> dict[str, int]:
    """Brute force: the counts of the session whose members cost this."""
    closes = {
        name: dict.fromkeys(DAYS, 100.0) | ({SESSION: values[name]} if name in values else {})
        for name in desk.names
    }
    members = dict.fromkeys(desk.names, ("Energy", 1.0))
    return oracle.counts(closes, members, [*DAYS, SESSION])


def agrees(desk: StreamedDesk, values: Mapping[str, float]) -> None:
    assert {name: value for name, value in desk.values().items() if value is not None} == values
    wanted = expected(desk, values)
    now = desk.iwm.now
    assert {name: getattr(now, name) for name in ("counted", "advances", "declines")} == {
        name: wanted[name] for name in ("counted", "advances", "declines")
    }


async def test_minute_bars_of_all_are_breadth_of_today(monkeypatch):
    """One round at the start; then bars bring who prints, rounds those only of whom nothing is heard."""
    stream, rest = AlpacaServer(QUIET), AlpacaRestServer(latest(), now_ns=NOW_NS)
    async with streamed_desk(
        monkeypatch, NAMES, DAYS, streams={"alpaca": stream}, rests={"alpaca": rest}
    ) as desk:
        await desk.trading(stream, 5)
        assert len(asked(rest)) == REQUESTS
        assert stream.clients[0].state["bars"] == stream.clients[0].state["updatedBars"] == {"*"}
        assert stream.clients[0].state["trades"] == set(LEGS)
        agrees(desk, dict.fromkeys(NAMES, 101.0))
        silent, values = set(NAMES[:30]), dict.fromkeys(NAMES, 101.0)
        for turn in range(1, 8):
            ends_ns = await desk.ends(stream)
            for name in set(NAMES) - silent:
                values[name] = 101.0 if (hash(name) + turn) % 3 else 98.0
            bars = [minute(name, values[name], ends_ns - MINUTE) for name in NAMES if name not in silent]
            unknown = [minute(f"Z{n}", 5.0, ends_ns - MINUTE) for n in range(100)]
            await stream.tell(bars[:200], [*unknown, *bars[200:]])
            await desk.trading(stream, 3)
            agrees(desk, values)
        assert desk.health.stats.passed_over == 700
        assert desk.legs["IWM"].status.kind is Kind.LIVE
        late = {name for each in asked(rest)[REQUESTS:] for name in each}
        assert late == silent, "nobody else is asked for a second time"
        assert len(asked(rest)) == REQUESTS + 1, "and they once in five minutes"
        assert desk.health.detail == "450 of 450 members priced by Alpaca, 420 of them by minute bars"
        assert (desk.iwm.status.delay_s, desk.iwm.status.worst in silent) == (60.0, True)
        assert desk.iwm.status.kind is Kind.STALE, "who prints seldom is as old as the print"


async def test_a_bar_never_stands_for_a_leg_whose_trades_come(monkeypatch):
    stream, rest = AlpacaServer(QUIET), AlpacaRestServer(latest(), now_ns=NOW_NS)
    async with streamed_desk(
        monkeypatch, NAMES, DAYS, streams={"alpaca": stream}, rests={"alpaca": rest}
    ) as desk:
        ends_ns = await desk.ends(stream)
        await stream.tell([minute("IWM", 230.0, ends_ns - MINUTE), minute("M001", 99.0, ends_ns - MINUTE)])
        await desk.time.passing(2)
        assert desk.legs["IWM"].last == LEGS["IWM"]
        assert desk.values()["M001"] == 99.0


async def test_a_leg_whose_trades_are_not_acknowledged_is_not_covered_by_bars_of_all(monkeypatch):
    stream = AlpacaServer((Answers(deaf=frozenset({"SPY"})), READY, STAY))
    rest = AlpacaRestServer(latest(), now_ns=NOW_NS)
    async with streamed_desk(
        monkeypatch, NAMES, DAYS, streams={"alpaca": stream}, rests={"alpaca": rest}
    ) as desk:
        ends_ns = await desk.ends(stream)
        await stream.tell([minute("SPY", 600.0, ends_ns - MINUTE)])
        await desk.time.passing(2)
        assert stream.clients[0].state["bars"] == {"*"}
        assert desk.legs["SPY"].status.kind is Kind.OFFLINE
        assert desk.legs["SPY"].last != 600.0


@pytest.mark.parametrize("code", [405, 409, 410])
async def test_where_bars_of_all_are_refused_members_come_in_rounds_and_legs_are_as_ever(monkeypatch, code):
    stream = AlpacaServer((Answers(subscribe=(0, code)), READY, STAY))
    rest = AlpacaRestServer(latest(), now_ns=NOW_NS)
    async with streamed_desk(
        monkeypatch, NAMES, DAYS, streams={"alpaca": stream}, rests={"alpaca": rest}
    ) as desk:
        await desk.trading(stream, 130)
        assert not stream.clients[0].state["bars"]
        assert len(asked(rest)) == 3 * REQUESTS
        assert desk.health.detail == "450 of 450 members priced by Alpaca"
        quotes = desk.supervisor.latest.health.feeds[0]
        assert (quotes.kind, quotes.detail.partition(";")[0]) == (Kind.LIVE, "3 of 3 symbols")
        assert stream.upgrades == 1


async def test_legs_beyond_the_limit_and_members_share_the_bars_of_all(monkeypatch):
    stream = AlpacaServer(QUIET, channels=2)
    rest = AlpacaRestServer(latest(), now_ns=NOW_NS)
    async with streamed_desk(
        monkeypatch, NAMES, DAYS, streams={"alpaca": stream}, rests={"alpaca": rest}, channels=2
    ) as desk:
        ends_ns = await desk.ends(stream)
        rows = [minute(name, 99.0, ends_ns - MINUTE) for name in NAMES]
        await stream.tell([minute("SPY", 563.0, ends_ns - MINUTE), *rows])
        await desk.time.passing(3)
        assert stream.clients[0].state["trades"] == {"IWM", "QQQ"}
        assert desk.legs["SPY"].last == 563.0
        agrees(desk, dict.fromkeys(NAMES, 99.0))


async def test_after_a_gap_one_round_asks_for_all_and_until_then_it_is_said(monkeypatch):
    stream, rest = AlpacaServer(QUIET), AlpacaRestServer(latest(), now_ns=NOW_NS)
    async with streamed_desk(
        monkeypatch, NAMES, DAYS, streams={"alpaca": stream}, rests={"alpaca": rest}
    ) as desk:
        ends_ns = await desk.ends(stream)
        await stream.tell([minute(name, 99.0, ends_ns - MINUTE) for name in NAMES])
        await desk.trading(stream, 70)
        assert len(asked(rest)) == REQUESTS
        stream.clients[-1].connection.transport.abort()
        await desk.time.passing(3)
        await desk.trading(stream, 2)
        assert stream.upgrades == 2
        assert desk.iwm.status.kind is Kind.GAPPED
        assert desk.health.stats.gapped == len(NAMES)
        rest.tape = latest(price=98.0, now_ns=desk.time.clock_ns() - NS)
        ends_ns = await desk.ends(stream)
        await stream.tell([minute("M001", 97.0, ends_ns - MINUTE)])
        await desk.trading(stream, 70)
        assert len(asked(rest)) == 2 * REQUESTS, "no request for each member, and no second round"
        agrees(desk, dict.fromkeys(NAMES, 98.0) | {"M001": 97.0})
        assert desk.iwm.status.kind is not Kind.GAPPED
        assert desk.health.stats.gapped == 0


async def test_a_silent_channel_is_left_to_rounds(monkeypatch):
    """It is acknowledged and brings nothing: as if there were none."""
    stream, rest = AlpacaServer(QUIET), AlpacaRestServer(latest(), now_ns=NOW_NS)
    async with streamed_desk(
        monkeypatch, NAMES, DAYS, streams={"alpaca": stream}, rests={"alpaca": rest}
    ) as desk:
        await desk.trading(stream, int(SILENT_S))
        assert len(asked(rest)) == REQUESTS
        await desk.trading(stream, 120)
        assert len(asked(rest)) == 3 * REQUESTS, "every minute"
        assert desk.health.detail == "450 of 450 members priced by Alpaca"


async def test_a_late_bar_changes_nothing_and_a_revised_one_does(monkeypatch):
    stream, rest = AlpacaServer(QUIET), AlpacaRestServer(latest(), now_ns=NOW_NS)
    async with streamed_desk(
        monkeypatch, NAMES, DAYS, streams={"alpaca": stream}, rests={"alpaca": rest}
    ) as desk:
        await desk.trading(stream, 5)
        ends_ns = await desk.ends(stream)
        await stream.tell([minute(name, 99.0, ends_ns - MINUTE) for name in NAMES])
        await desk.trading(stream, 2)
        await stream.tell(
            [minute("M001", 104.0, ends_ns - 3 * MINUTE), minute("M002", 103.0, ends_ns - MINUTE, T="u")]
        )
        await desk.trading(stream, 3)
        agrees(desk, dict.fromkeys(NAMES, 99.0) | {"M002": 103.0})
        assert desk.members._known.quotes["M001"] == Quote("M001", ends_ns, 99.0, bar_ns=MINUTE), "no size"
        assert desk.health.stats.rejects == 0


async def test_a_jump_waits_for_a_second_print_or_for_a_round(monkeypatch):
    stream, rest = AlpacaServer(QUIET), AlpacaRestServer(latest(), now_ns=NOW_NS)
    async with streamed_desk(
        monkeypatch, NAMES, DAYS, streams={"alpaca": stream}, rests={"alpaca": rest}
    ) as desk:
        await desk.trading(stream, 5)
        for turn, (high, other) in enumerate(((130.0, 140.0), (131.0, 101.0))):
            ends_ns = await desk.ends(stream)
            await stream.tell(
                [minute("M001", high, ends_ns - MINUTE), minute("M002", other, ends_ns - MINUTE)]
            )
            await desk.trading(stream, 2)
            known = desk.members._known.quotes
            assert known["M001"].price == (131.0 if turn else 101.0)
            assert known["M002"].price == 101.0
            assert desk.health.stats.rejects == 2 - turn


async def test_a_split_of_today_by_stream_is_no_fall_by_half(monkeypatch):
    world = latest()
    del world.latest["M004"]
    world.splits["M004"] = (SESSION, 2.0)
    stream, rest = AlpacaServer(QUIET), AlpacaRestServer(world, now_ns=NOW_NS)
    async with streamed_desk(
        monkeypatch, NAMES, DAYS, streams={"alpaca": stream}, rests={"alpaca": rest}
    ) as desk:
        for _ in range(2):
            ends_ns = await desk.ends(stream)
            await stream.tell(
                [minute(name, 50.5 if name == "M004" else 99.0, ends_ns - MINUTE) for name in NAMES]
            )
            await desk.trading(stream, 3)
        assert desk.members._known.quotes["M004"].price == 50.5
        assert desk.iwm.now.counted == len(NAMES) - 1
        assert desk.iwm.now.declines == len(NAMES) - 1


async def test_a_question_about_splits_that_fails_is_asked_again_although_the_stream_brings_all(monkeypatch):
    world = latest()
    del world.latest["M004"]
    stream, rest = AlpacaServer(QUIET), AlpacaRestServer(world, now_ns=NOW_NS)
    rest.faulty["corporate"] = FAULTS["500"]
    async with streamed_desk(
        monkeypatch, NAMES, DAYS, streams={"alpaca": stream}, rests={"alpaca": rest}
    ) as desk:
        for turn in range(4):
            if turn == 2:
                assert desk.iwm.now.counted == len(NAMES) - 1
                rest.faulty.clear()
                world.latest["M004"] = world.latest["M005"] | {"p": 118.0}
            ends_ns = await desk.ends(stream)
            await stream.tell(
                [minute(name, 118.0 if name == "M004" else 99.0, ends_ns - MINUTE) for name in NAMES]
            )
            await desk.trading(stream, 20)
        await desk.trading(stream, 60)
        assert desk.iwm.now.counted == len(NAMES)
        assert desk.iwm.top[0].symbol == "M004"


# The list and the desk change while it runs


class Holdings:
    """A feed that brings lists when it is told to."""

    async def on_members(self, membership: tuple[Membership, ...]) -> None:
        raise AssertionError("nobody follows")


async def test_who_is_kept_of_the_stream_follows_the_list(monkeypatch):
    stream, rest = AlpacaServer(QUIET), AlpacaRestServer(latest((*NAMES, "NEW")), now_ns=NOW_NS)
    async with streamed_desk(
        monkeypatch, NAMES, DAYS, streams={"alpaca": stream}, rests={"alpaca": rest}, closes={"NEW": 100.0}
    ) as desk:
        holdings: Any = Holdings()
        follow_members(desk.supervisor, [desk.members, holdings], (desk.first,))
        ends_ns = await desk.ends(stream)
        names = (*NAMES[1:], "NEW")
        both = Membership.of("IWM", [*desk.first.lists, *membership(names, SESSION).lists])
        await stream.tell([minute(name, 99.0, ends_ns - MINUTE) for name in NAMES])
        await holdings.on_members((both,))
        await desk.trading(stream, 65)
        ends_ns = await desk.ends(stream)
        await stream.tell([minute(name, 98.0, ends_ns - MINUTE) for name in (*NAMES, "NEW")])
        await desk.trading(stream, 3)
        assert stream.upgrades == 1
        assert (desk.iwm.now.counted, desk.iwm.now.total, desk.iwm.now.declines) == (450, 450, 450)
        assert desk.values()["NEW"] == 98.0
        assert desk.members._known.quotes[NAMES[0]].price == 99.0, "who has left is kept no more"


async def test_members_are_asked_for_and_left_while_the_connection_lasts(monkeypatch):
    stream, rest = AlpacaServer(QUIET), AlpacaRestServer(latest(), now_ns=NOW_NS)
    async with streamed_desk(
        monkeypatch, NAMES, DAYS, streams={"alpaca": stream}, rests={"alpaca": rest}
    ) as desk:
        await desk.trading(stream, 2)
        reader = desk.prints._reader
        desk.prints.release(reader)
        await desk.trading(stream, 3)
        assert not stream.clients[0].state["bars"]
        desk.prints.want(reader, NAMES, lambda: None)
        await desk.trading(stream, 3)
        assert stream.clients[0].state["bars"] == {"*"}
        assert stream.upgrades == 1
        assert desk.legs["IWM"].status.kind is Kind.LIVE


# Massive


async def test_massive_brings_members_by_second_bars(monkeypatch):
    stream = MassiveServer(QUIET)
    rest = massive_rest(dict.fromkeys((*NAMES, *LEGS), (NOW_NS - 5 * NS, 101.0)))
    async with streamed_desk(
        monkeypatch,
        NAMES,
        DAYS,
        streams={"massive": stream},
        rests={"massive": rest},
        plans=("massive",),
    ) as desk:
        await desk.trading(stream, 5)
        assert "A.*" in stream.clients[0].state["channels"]
        assert not {channel for channel in stream.clients[0].state["channels"] if "M001" in channel}
        now_ms = desk.time.clock_ns() // 10**6
        rows = [bar(name, 99.0, now_ms) for name in (*NAMES, "ZZZ")]
        await stream.send(array(*rows[:100]), array(bar("IWM", 222.0, now_ms), *rows[100:]))
        await desk.time.passing(2)
        agrees(desk, dict.fromkeys(NAMES, 99.0))
        assert desk.legs["IWM"].last == LEGS["IWM"]
        assert (desk.iwm.status.kind, desk.iwm.status.delay_s) == (Kind.LIVE, 0.0)
        assert desk.health.stats.passed_over == 1


@pytest.mark.parametrize(
    ("refused", "channel"),
    [((), "A.*"), (("T",), "A.*"), (("A",), "AM.*"), (("A", "AM"), None), (("LULD", "Q"), "A.*")],
)
async def test_massive_s_plan_decides_what_members_come_by(monkeypatch, refused, channel):
    stream = MassiveServer(QUIET, refused=refused)
    rest = massive_rest(dict.fromkeys((*NAMES, *LEGS), (NOW_NS - 5 * NS, 101.0)))
    async with streamed_desk(
        monkeypatch, NAMES, DAYS, streams={"massive": stream}, rests={"massive": rest}, plans=("massive",)
    ) as desk:
        await desk.time.passing(3)
        held = stream.clients[0].state["channels"]
        assert {each for each in held if each.endswith(".*")} == ({channel} if channel else set())
        legs = "A" if "T" in refused else "T"
        assert {f"{legs}.{name}" for name in LEGS} <= held
        if "LULD" not in refused and legs == "T":
            assert "LULD.IWM" in held, "bands come whatever became of members"
        assert desk.supervisor.latest.health.feeds[0].refusal is None
        kind = (channel or "AM.*").partition(".")[0]
        now_ms = desk.time.clock_ns() // 10**6
        await stream.send(array(*(bar(name, 99.0, now_ms, kind) for name in NAMES)))
        await desk.time.passing(2)
        agrees(desk, dict.fromkeys(NAMES, 99.0 if channel else 101.0))


async def test_where_massive_finds_us_too_slow_the_next_connection_asks_for_less(monkeypatch):
    stream = MassiveServer(QUIET)
    rest = massive_rest(dict.fromkeys((*NAMES, *LEGS), (NOW_NS - 5 * NS, 101.0)))
    async with streamed_desk(
        monkeypatch, NAMES, DAYS, streams={"massive": stream}, rests={"massive": rest}, plans=("massive",)
    ) as desk:
        await desk.trading(stream, 3)
        await stream.send(array({"ev": "status", "status": "slow_consumer", "message": "too slow"}))
        await settle()
        stream.clients[-1].connection.transport.abort()
        await desk.time.passing(3)
        await desk.trading(stream, 3)
        assert {each for each in stream.clients[-1].state["channels"] if "*" in each} == {"AM.*"}


async def test_whoever_stands_in_brings_members_by_itself_and_asks_for_none_by_name(monkeypatch):
    """Alpaca refuses the key in the midst of the session; Massive goes on, members and all."""
    alpaca, massive = AlpacaServer(QUIET, (Answers(auth=(402,)), STAY)), MassiveServer(QUIET)
    rests = {
        "alpaca": AlpacaRestServer(latest(), now_ns=NOW_NS),
        "massive": massive_rest(dict.fromkeys((*NAMES, *LEGS), (NOW_NS + 130 * NS, 98.0))),
    }
    async with streamed_desk(
        monkeypatch,
        NAMES,
        DAYS,
        streams={"alpaca": alpaca, "massive": massive},
        rests=rests,
        plans=("iex", "massive"),
    ) as desk:
        ends_ns = await desk.ends(alpaca)
        await alpaca.tell([minute(name, 99.0, ends_ns - MINUTE) for name in NAMES])
        await desk.trading(alpaca, 5)
        agrees(desk, dict.fromkeys(NAMES, 99.0))
        alpaca.clients[-1].connection.transport.abort()
        await desk.time.passing(5)
        await desk.trading(massive, 5)
        assert desk.quotes.name == "Massive"
        channels = massive.clients[-1].state["channels"]
        assert "A.*" in channels
        assert len(channels) == 1 + 3 * len(LEGS)
        now_ms = desk.time.clock_ns() // 10**6
        await massive.send(array(*(bar(name, 97.0, now_ms) for name in NAMES[:200])))
        await desk.time.passing(2)
        agrees(desk, dict.fromkeys(NAMES, 99.0) | dict.fromkeys(NAMES[:200], 97.0))
        assert desk.iwm.status.kind is Kind.GAPPED, "until a round has looked at the others"
        assert desk.health.stats.gapped == len(NAMES) - 200


# Whatever comes


@pytest.mark.parametrize("seed", range(6))
async def test_breadth_equals_brute_force_over_the_tape_that_was_sent(monkeypatch, seed):
    """Bars of several minutes, late, repeated, revised, of strangers, in frames of any size, taken late."""
    chance = random.Random(seed)
    world = Tape()
    stream, rest = AlpacaServer(QUIET), AlpacaRestServer(world, now_ns=NOW_NS)
    newest: dict[str, tuple[int, float]] = {}
    async with streamed_desk(
        monkeypatch, NAMES, DAYS, streams={"alpaca": stream}, rests={"alpaca": rest}, packed=bool(seed % 2)
    ) as desk:
        for _ in range(3):
            ends_ns = await desk.ends(stream)
            rows = []
            for name in chance.choices((*NAMES, "ZZZ", "YYY"), k=600):
                ts_ns = ends_ns - MINUTE * chance.choice((1, 1, 1, 2, 3))
                price = round(chance.uniform(96.0, 104.0), 2)
                rows.append(minute(name, price, ts_ns, T=chance.choice("bbbu")))
                if name in NAMES and ts_ns >= newest.get(name, (0, 0.0))[0]:
                    newest[name] = (ts_ns, price)
            while rows:
                count = chance.choice((1, 7, 300))
                await stream.tell(rows[:count])
                rows = rows[count:]
                if chance.random() < 0.05:
                    await desk.trading(stream, 1)
            await desk.trading(stream, 4)
            agrees(desk, {name: price for name, (_, price) in newest.items()})


# Through a hub


async def test_a_hub_s_viewers_have_what_its_stream_brings(monkeypatch):
    """A viewer is given days of symbols, whoever brought the prints."""
    stream, rest = AlpacaServer(QUIET), AlpacaRestServer(Tape(), now_ns=NOW_NS)
    async with streamed_desk(
        monkeypatch, NAMES, DAYS, streams={"alpaca": stream}, rests={"alpaca": rest}
    ) as desk:
        publisher = Publisher(epoch=1, hub="hub-1")
        publisher.attach(desk.supervisor, desk.supervisor.legs)
        desk.supervisor.observer = publisher.observe
        receiver = Receiver(grace_s=0.0)
        viewer = Market(
            desk.held, desk.supervisor.desk, as_of_ns=desk.time.clock_ns(), membership=(desk.first,)
        )
        for price in (99.0, 102.0):
            ends_ns = await desk.ends(stream)
            await stream.tell([minute(name, price, ends_ns - MINUTE) for name in NAMES])
            await desk.trading(stream, 3)
            now_ns = desk.time.clock_ns()
            for subject, data in (*publisher.collect(now_ns), publisher.beat(now_ns)):
                receiver.take(subject, data, desk.time.now(), pushed=True)
            for event in receiver.events(desk.time.now()):
                if isinstance(event, SymbolDays):
                    shown = viewer.take_days(event.days, as_of_ns=now_ns, counts=event.counts)
                elif isinstance(event, RelayedStates):
                    viewer.set_provenance(event.provenance)
                    rows = event.health
            shown = viewer.apply((), as_of_ns=now_ns)
            assert shown.breadth.indices["IWM"].now == desk.iwm.now
            assert shown.breadth.indices["IWM"].status == desk.iwm.status
            assert viewer.member_values() == desk.values() == dict.fromkeys(NAMES, price)
        members = next(row for row in rows if row.name == "members")
        assert members.stats == desk.health.stats


async def test_what_the_stream_brings_is_never_offline_because_rounds_fail_and_is_once_it_is_lost(
    monkeypatch,
):
    stream, rest = AlpacaServer(QUIET, Refuse(500)), AlpacaRestServer(latest(), now_ns=NOW_NS)
    async with streamed_desk(
        monkeypatch, NAMES, DAYS, streams={"alpaca": stream}, rests={"alpaca": rest}
    ) as desk:
        rest.faulty["snapshots"] = FAULTS["500"]
        rest.tape = Tape()
        for _ in range(9):
            ends_ns = await desk.ends(stream)
            await stream.tell([minute(name, 99.0, ends_ns - MINUTE) for name in NAMES[10:]])
            await desk.trading(stream, 2)
        states = desk.members._states
        assert states == dict.fromkeys(NAMES[:10], Kind.OFFLINE)
        assert desk.health.kind is Kind.GAPPED
        assert "440 of them" not in desk.health.detail
        assert desk.iwm.now.declines == 440
        stream.clients[-1].connection.transport.abort()
        await desk.time.passing(600, step=5)
        assert desk.members._states == dict.fromkeys(NAMES, Kind.OFFLINE)
        assert desk.health.kind is Kind.OFFLINE
        assert desk.iwm.status.kind is Kind.OFFLINE
