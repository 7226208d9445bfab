"""What a host of several processes is made of, each piece by itself."""

from __future__ import annotations

import asyncio
import datetime as dt
import socket

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotation.macro.figures import Macro, MacroSource, YieldIndex
from rotation.status import Connection, DerivedStatus, Kind, PriceStatus
from rotation.wording import connection_words
from tests.support.ssh_host import until
from tests.support.ssh_scenes import Time
from tui.compose.backend import LocalBackend
from tui.ssh.limits import Limits
from tui.ssh.status import HostStatus, ViewerStatus, WorkerStatus, health_lines, lines
from tui.ssh.workers import handover, remote_desk, wire
from tui.ssh.workers.channel import WAITING_MAX, Channel
from tui.ssh.workers.pool import LONGEST_WAIT_S, shares, wait_s
from tui.ssh.workers.remote_desk import STALL_S, RemoteDesk
from tui.ssh.workers.stalled import offline
from tui.ssh.workers.totals import Counted, total
from tui.wanted import Wanted

SCENES = ("live", "closed", "cached", "empty")
BEGAN = dt.datetime(2026, 11, 27, tzinfo=dt.UTC)


def status(**fields) -> HostStatus:
    given = {
        "since": BEGAN, "version": "", "sessions": 0, "most_sessions": 1, "rooms": 0, "frames_per_s": 0.0,
        "bytes_per_s": 0.0, "dropped": 0, "lag_ms": 0.0, "pace": "full", "logins": 0, "refused": {},
        "mode": "", "as_of": None,
    }  # fmt: skip
    return HostStatus(**(given | fields))


def setup() -> wire.Setup:
    return wire.Setup(
        version=wire.VERSION, worker=1, limits=Limits(), authorized_keys=None, host_key="k", preferences="p",
        clock=wire.Clock(), log_level="info", log_json=False,
    )  # fmt: skip


@pytest.mark.parametrize("scene", SCENES)
def test_a_snapshot_arrives_as_it_was_sent(scenes, scene):
    frame = wire.snapshot_frame(scenes[scene])
    assert (int.from_bytes(frame[:4], "big"), frame[4]) == (len(frame) - 5, wire.SNAPSHOT)
    assert wire.read_snapshot(frame[5:]) == scenes[scene]


def test_a_snapshot_with_levels_and_episodes_arrives_as_it_was_sent():
    made = LocalBackend().snapshot(Wanted(demo=True, story=True))
    assert made.story is not None
    assert wire.read_snapshot(wire.snapshot_frame(made)[5:]) == made


def test_messages_arrive_as_they_were_sent():
    asked = wire.Question(1, "kick 2")
    for message in (setup(), wire.Beat(("a",)), wire.Stop(), wire.BansChanged(("x",)), asked):
        assert wire.read_for_worker(wire.frame(message)[5:]) == message
    for message in (
        wire.Ready(),
        wire.Report(status(), 1, 2, 3),
        wire.Left(7),
        wire.Reply(1, "out", count=2),
    ):
        assert wire.read_for_parent(wire.frame(message)[5:]) == message
    handed = wire.Handed(3, "2001:db8::1", 4242, is_known=True)
    assert wire.read_handed(wire.handed_bytes(handed)) == handed


@given(st.binary(max_size=64))
def test_no_bytes_break_a_reader(data):
    for read in (wire.read_snapshot, wire.read_for_worker, wire.read_for_parent, wire.read_handed):
        try:
            read(data)
        except wire.FrameError:
            continue


@pytest.mark.parametrize("head", [b"\xff\xff\xff\xff\x00", b"\x00\x00\x00\x01\x07"])
async def test_a_frame_that_cannot_be_is_refused(head):
    reader = asyncio.StreamReader()
    reader.feed_data(head + b"x")
    with pytest.raises(wire.FrameError):
        await wire.read_frame(reader)


async def test_a_frame_that_is_cut_short_is_the_end():
    reader = asyncio.StreamReader()
    reader.feed_data(wire.frame(wire.Stop())[:-1])
    reader.feed_eof()
    assert await wire.read_frame(reader) is None


async def pair() -> tuple[Channel, Channel]:
    ours, theirs = socket.socketpair()
    return await Channel.over(ours), await Channel.over(theirs)


async def test_a_slow_reader_gets_the_newest_value_and_every_message():
    """What waits for a worker that does not read is bounded, whatever the parent sends meanwhile."""
    sends, reads = await pair()
    task = asyncio.create_task(sends.run())
    reads._reader._transport.pause_reading()
    body = b"x" * 50_000
    for number in range(500):
        sends.set("snapshot", wire._framed(wire.SNAPSHOT, b"%03d" % number + body))
        if number % 100 == 0:
            sends.send(wire.Question(number, "viewers"))
        await asyncio.sleep(0)
    assert len(sends._values) == 1
    reads._reader._transport.resume_reading()
    snapshots, questions = [], []
    async with asyncio.timeout(60):
        async for kind, frame in reads.frames():
            if kind == wire.SNAPSHOT:
                snapshots.append(int(frame[:3]))
            else:
                questions.append(wire.read_for_worker(frame).id)
            if len(questions) == 5 and snapshots[-1] == 499:
                break
    assert snapshots == sorted(snapshots)
    assert len(snapshots) < 50
    assert questions == [0, 100, 200, 300, 400]
    task.cancel()
    sends.close()
    reads.close()


async def test_a_reader_that_never_reads_is_noticed():
    sends, reads = await pair()
    for number in range(WAITING_MAX + 1):
        sends.send(wire.Question(number, "viewers"))
    assert sends.is_overrun
    assert len(sends._messages) == WAITING_MAX
    sends.close()
    reads.close()


async def test_sockets_are_handed_over_with_their_ids():
    ours, theirs = socket.socketpair(type=socket.SOCK_DGRAM)
    near, far = socket.socketpair()
    ours.settimeout(0)
    handed = wire.Handed(9, "192.0.2.7", 4242, is_known=False)
    assert handover.hand_over(ours, near, handed)
    data, files, _, _ = socket.recv_fds(theirs, handover.BYTES_MAX, 1)
    assert wire.read_handed(data) == handed
    with socket.socket(fileno=files[0]) as copy:
        copy.sendall(b"hello")
        assert far.recv(5) == b"hello"
    taken = 1
    while handover.hand_over(ours, near, handed):
        taken += 1
        assert taken < 10_000, "a worker that takes nothing must be noticed"
    for each in (ours, theirs, near, far):
        each.close()


@pytest.mark.parametrize(("total_", "workers"), [(200, 1), (200, 3), (7, 7), (5, 2), (1_000, 64)])
def test_shares_add_up_to_the_limit(total_, workers):
    parts = shares(total_, workers)
    assert sum(parts) == total_
    assert len(parts) == workers
    assert max(parts) - min(parts) <= 1


def test_replacements_come_ever_more_slowly():
    waits = [wait_s(n) for n in range(40)]
    assert waits[:5] == [0.5, 1.0, 2.0, 4.0, 8.0]
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_WAIT_S


def statuses(value: object) -> list[PriceStatus | DerivedStatus | Connection]:
    """Every status in a Snapshot, however deep."""
    held: list[PriceStatus | DerivedStatus | Connection] = []
    if isinstance(value, PriceStatus | DerivedStatus | Connection):
        held.append(value)
    if isinstance(value, msgspec.Struct):
        children = [getattr(value, name) for name in value.__struct_fields__]
    elif isinstance(value, dict):
        children = list(value.values())
    else:
        children = list(value) if isinstance(value, tuple | list) else []
    return [*held, *(each for child in children for each in statuses(child))]


@pytest.mark.parametrize("scene", SCENES)
def test_no_price_of_a_silent_parent_is_live(scenes, scene):
    before = scenes[scene]
    after = offline(before, 7.0)
    held = statuses(after)
    assert len(held) == len(statuses(before))
    assert {each.kind for each in held} <= {Kind.OFFLINE, Kind.UNADJUSTED}
    for old, new in zip(statuses(before), held, strict=True):
        assert new.age_s == (None if old.age_s is None else old.age_s + 7.0)
    assert all(leg.state == "OFFLINE" for leg in after.legs.values())
    for symbol, leg in after.legs.items():
        was = before.legs[symbol].age_s
        assert leg.age_s == (None if was is None else was + 7.0)
    if after.fed is not None:
        assert {after.fed.state, *(each.state for each in after.fed.engines.values())} == {"OFFLINE"}
        assert after.headline.endswith("(OFFLINE).")
    assert all(feed.state == "OFFLINE" and "7s" in feed.detail for feed in after.health.feeds)
    assert {symbol: leg.last for symbol, leg in after.legs.items()} == {
        symbol: leg.last for symbol, leg in before.legs.items()
    }
    assert after.mode == before.mode
    if after.connection is not None:
        assert connection_words(after.connection, after.as_of).startswith("OFFLINE ")
        assert "OFFLINE" in after.headline


def test_the_macro_sources_of_a_silent_parent_are_offline(scenes):
    seen_at = dt.datetime(2024, 7, 16, 14, 0, tzinfo=dt.UTC)
    sources = {
        "Treasury": MacroSource(Kind.LIVE, seen_at, 60.0),
        "BLS": MacroSource(Kind.STALE, None, None, "HTTP 503"),
    }
    index = YieldIndex("10Y", "TNX", 4.2, 1.0, seen_at, "Yahoo, 15 min delayed")
    macro = Macro((), None, (), None, (), sources, (), indices=(index,))
    after = offline(msgspec.structs.replace(scenes["live"], macro=macro), 7.0)
    assert after.macro.sources == {
        "Treasury": MacroSource(Kind.OFFLINE, seen_at, 67.0),
        "BLS": MacroSource(Kind.OFFLINE, None, None, "HTTP 503"),
    }
    assert after.macro.indices == (msgspec.structs.replace(index, worth=Kind.OFFLINE),)


def test_every_pair_of_a_silent_parent_is_offline():
    after = offline(LocalBackend().snapshot(Wanted(demo=True, pairs=(("IWN", "IVW"),))), 7.0)
    (pair,) = filter(None, after.pairs.values())
    assert pair.headline.startswith("IWN OFFLINE ")
    assert pair.headline_status is not None
    assert pair.headline_status.kind is Kind.OFFLINE


async def test_a_desk_says_offline_within_three_seconds_and_live_again(scenes, monkeypatch):
    monkeypatch.setattr(remote_desk, "LOOK_S", 0.005)
    time = Time()
    desk = RemoteDesk(lambda _parts: None, time.clock)
    shown = []

    async def listen() -> None:
        async for snapshot in desk.listen():
            shown.append(snapshot)  # noqa: PERF401 - looked at meanwhile

    tasks = [asyncio.create_task(desk.run()), asyncio.create_task(listen())]

    def frame() -> bytes:
        return wire.snapshot_frame(scenes["live"], time.clock())[5:]

    before = frame()
    desk.take(before)
    await until(lambda: shown)
    assert shown == [scenes["live"]]
    time.pass_(STALL_S - 0.1)
    desk.beat(time.clock())
    time.pass_(STALL_S - 0.1)
    await asyncio.sleep(0.05)
    assert len(shown) == 1, "a parent with nothing new is not a dead one"
    time.pass_(0.2)
    assert STALL_S + 0.2 < 3
    await until(lambda: len(shown) == 2)
    assert desk.is_stalled
    assert shown[1] == offline(scenes["live"], pytest.approx(STALL_S + 0.1, abs=1e-6).expected)
    time.pass_(1.0)
    await until(lambda: len(shown) == 3)
    assert shown[2].connection.age_s == pytest.approx(shown[1].connection.age_s + 1.0)
    desk.beat(time.clock())
    desk.take(before)
    desk.beat(time.clock() - STALL_S - 1.0)
    await asyncio.sleep(0.05)
    assert len(shown) == 3, "what waited since before the silence is no news of the prices"
    assert desk.is_stalled
    desk.take(frame())
    await until(lambda: len(shown) == 4)
    assert shown[3] == scenes["live"], "the same prices count again"
    time.pass_(STALL_S + 0.1)
    await until(lambda: desk.is_stalled)
    for _ in range(6):
        desk.beat(time.clock())
        time.pass_(STALL_S / 4)
        await asyncio.sleep(0.02)
    await until(lambda: not desk.is_stalled)
    await until(lambda: shown[-1] == scenes["live"])
    desk.end()
    await tasks[0]
    tasks[1].cancel()


def worker(number: int, **fields) -> WorkerStatus:
    return WorkerStatus(number, "serving", 100 + number, BEGAN, most_sessions=10, **fields)


def test_a_status_sums_its_workers():
    reports = [
        wire.Report(status(sessions=2, rooms=1, frames_per_s=9.9, dropped=1, logins=3, lag_ms=5.0,
                           refused={"no login": 1}), 50, 900, 1),
        wire.Report(status(sessions=3, rooms=2, frames_per_s=0.2, logins=4, lag_ms=70.0, pace="half",
                           refused={"no login": 2, "flood": 1}), 7, 100, 0),
    ]  # fmt: skip
    counted = Counted(logins=10, refused={"flood": 5})  # of one that has ended
    for report in reports:
        counted = counted.plus(report)
    assert (counted.frames, counted.bytes) == (57, 1_000)
    seen = [ViewerStatus(id=n, key="", address="", size="", since=BEGAN, frames=0) for n in (9, 4)]
    whole = total(
        status(refused={"too often": 3}, mode="DEMO"),
        counted=counted,
        running=[report.status for report in reports],
        workers=[worker(1, sessions=2), worker(2, sessions=3)],
        most_sessions=20,
        viewers=seen,
    )
    assert (whole.sessions, whole.rooms, whole.most_sessions) == (5, 3, 20)
    assert (whole.frames_per_s, whole.dropped, whole.logins) == (10.1, 1, 17)
    assert (whole.lag_ms, whole.pace, whole.mode) == (70.0, "half", "DEMO")
    assert whole.refused == {"too often": 3, "no login": 3, "flood": 6}
    assert [viewer.id for viewer in whole.viewers or ()] == [4, 9]
    written = "\n".join(lines(whole))
    assert "viewers   5 of 20 in 3 rooms" in written
    assert "     2  serving       102" in written
    assert "5 of 20 viewers in 3 rooms, 2 workers, pace half" in health_lines(whole)
