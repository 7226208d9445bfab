"""Bytes on every subject, cut short, too many or impossible, change nothing and are counted."""

from __future__ import annotations

import asyncio
import json
import struct
import time
import zlib
from datetime import date, timedelta

import msgspec
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.clock import LATEST_NS, Moment, Time
from feeds.demo.fed import demo_fed
from feeds.demo.macro import demo_macro
from feeds.events import Batch, FedNews, MacroNews, PreviousCloses
from feeds.hub.broker.lease import Lease
from feeds.hub.history_parts import LISTS_KEPT
from feeds.hub.wire.codec import Fault
from feeds.hub.wire.messages import SCHEMA as VERSION
from rotation.breadth.members import SCHEMA, MemberList, Membership
from rotation.desk import Desk
from rotation.quote import NS, Quote
from tests.feeds.hub.test_relay import DAY, OPENS, Hub, Viewer
from tests.support.fake_time import NOW_NS
from tui.screen.scene import scene
from tui.view.theme import DEFAULT, names
from tui.view.view_state import ViewState

VIEW = ViewState(theme=DEFAULT, themes=names())


def everything():
    """One hub's messages of every kind, by subject."""
    hub = Hub(now_ns=OPENS + 300 * NS)
    rows = {"symbol": ["IWM", "QQQ"], "name": ["a", "b"], "sector": ["x", "y"], "weight_pct": [60.0, 40.0]}
    held = MemberList.of("IWM", date(2026, 11, 20), pl.DataFrame(rows, schema=SCHEMA))
    asyncio.run(hub.supervisor.take_members((Membership.of("IWM", [held]),)))
    hub.take(FedNews(demo_fed(NOW_NS)))
    hub.take(MacroNews(demo_macro(OPENS)))
    hub.take(PreviousCloses(DAY, {"IWM": 219.0}))
    hub.take(Batch(tuple(Quote("IWM", OPENS + n * 30 * NS, 221.0 + n, n, 100) for n in range(1, 6))))
    return dict(hub.out()) | dict(hub.out())


KNOWN = everything()
SUBJECTS = (
    "quotes.IWM", "desk.minutes.IWM", "desk.history.IWM", "desk.members.IWM.0", "desk.index", "desk.state",
    "desk.fed", "desk.macro", "desk.beat", "desk.funds",
)  # fmt: skip
PACKED = {"desk.history.IWM": 6, "desk.members.IWM.0": 6, "desk.fed": 4, "desk.macro": 4}
"""Where the compressed body of a message stands."""
HOSTILE = st.one_of(
    st.sampled_from([
        float("nan"), float("inf"), -float("inf"), -1, 0, 2**63 - 1, 2**63, 2**64 - 1,
        -(2**63), 1e308, 5e-324,
        LATEST_NS + 1, LATEST_NS // 1000, "", "\x1b[2J", "x" * 70, "9" * 1000, None, True, [], {},
        [[[[]]]], b"\xff",
        "9999-12-31T23:59:59Z", "0001-01-01", ["IWM"] * 300, {"IWM": -1}, [0] * 2000,
    ]),
    st.integers(-(2**63), 2**64 - 1), st.floats(), st.text(max_size=20), st.binary(max_size=20),
)  # fmt: skip


def test_every_kind_of_message_is_attacked():
    families = {subject.rpartition(".")[0] if subject.count(".") > 1 else subject for subject in KNOWN}
    attacked = {subject.rpartition(".")[0] if subject.count(".") > 1 else subject for subject in SUBJECTS}
    assert {"quotes" if each.startswith("quotes.") else each for each in families} == {
        "quotes" if each.startswith("quotes.") else each for each in attacked
    }


class Victim:
    """A viewer that knows everything; ``attack`` it."""

    def __init__(self):
        self.viewer = Viewer(Desk(legs=("IWM", "QQQ", "BRK.B", "DIA")))
        self.viewer.take(KNOWN.items())
        self.viewer.fetch(KNOWN)
        self.show()
        self.before = self.shown

    def show(self):
        receiver, supervisor = self.viewer.receiver, self.viewer.supervisor
        self.viewer.show()
        members = receiver.new_members()
        if members is not None:
            supervisor._market.take_members(members)
            supervisor._refresh(supervisor._time.clock_ns())

    @property
    def shown(self):
        """All that a person sees, but for the hub's own row, which counts the attack."""
        latest = self.viewer.supervisor.latest
        rows = tuple(row for row in latest.health.feeds if row.name != "hub")
        health = msgspec.structs.replace(latest.health, feeds=rows)
        return msgspec.structs.replace(latest, seq=0, health=health)

    def attack(self, subject, data, *, pushed=True):
        """Whether it was refused; then nothing has changed, and it is counted with its reason."""
        receiver = self.viewer.receiver
        refused = sum(receiver.counters.refused.values())
        is_taken = receiver.take(subject, data, self.viewer.now, pushed=pushed)
        is_refused = receiver.counters.hostile > refused
        self.show()
        if is_refused:
            assert not is_taken
            assert sum(receiver.counters.refused.values()) == refused + 1 == receiver.counters.hostile
            assert self.shown == self.before
            (row,) = [row for row in self.viewer.supervisor.latest.health.feeds if row.name == "hub"]
            assert f"{receiver.counters.hostile:,} message" in row.detail
        else:  # a message that a hub might have sent: whatever it says can be shown and written
            latest = self.viewer.supervisor.latest
            json.loads(msgspec.json.encode(latest))
            assert "NaN" not in json.dumps(msgspec.to_builtins(latest))
            for panel in ("legs", "fed", "macro", "breadth", "health"):
                scene(latest, msgspec.structs.replace(VIEW, focus=panel, zoomed=True), 100, 30)
            self.before = self.shown
        return is_refused


@pytest.fixture(scope="module")
def victim():
    return Victim()


class Victims:
    """One after the other: who refuses an attack is as before, and who takes a message is replaced."""

    def __init__(self):
        self._victim = Victim()

    def attack(self, subject, data, *, pushed=True):
        if not self._victim.attack(subject, data, pushed=pushed):
            self._victim = Victim()


@pytest.fixture(scope="module")
def victims():
    return Victims()


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_message_cut_short_anywhere_changes_nothing(victim, subject):
    data = KNOWN[subject]
    for end in {0, 1, 2, *range(3, len(data), max(len(data) // 40, 1)), len(data) - 1}:
        assert victim.attack(subject, data[:end]), end
        assert victim.attack(subject, data[:end], pushed=False), end
    assert victim.attack(subject, data + b"\x00")


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("version", [0, VERSION + 1, 2**31, -1, "1", None])
def test_another_version_changes_nothing(subject, version):
    victim = Victim()
    fields = [version, *msgspec.msgpack.decode(KNOWN[subject])[1:]]
    assert victim.attack(subject, msgspec.msgpack.encode(fields))
    fault = Fault.VERSION if version == VERSION + 1 else None
    assert fault is None or victim.viewer.receiver.counters.refused == {fault: 1}


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("count", [2**16, 2**32 - 1])
def test_a_huge_count_takes_neither_memory_nor_time(victim, subject, count):
    began_s = time.process_time()
    for head in (b"\xdd", b"\xdf", b"\xdb", b"\xc6"):  # array, map, text, bytes
        size = struct.pack(">I", count)
        assert victim.attack(subject, head + size)
        assert victim.attack(subject, b"\x9f" + msgspec.msgpack.encode(VERSION) + (head + size) * 8)
        place = PACKED.get(subject)
        if place is not None:
            assert victim.attack(subject, packed(subject, place, zlib.compress(head + size)))
    assert time.process_time() - began_s < 2.0


def packed(subject, place, body):
    """The message with another body, newer than the one before."""
    fields = msgspec.msgpack.decode(KNOWN[subject])
    fields[2] += 1
    fields[place] = body
    return msgspec.msgpack.encode(fields)


@pytest.mark.parametrize("subject", PACKED)
@pytest.mark.parametrize("filling", [b"\x00", b"\xa0", b"\xc0", b"\x90"])
def test_a_body_that_grows_without_end_is_refused_soon(victim, subject, filling):
    bomb = zlib.compress(b"\xdd" + struct.pack(">I", 2**26) + filling * 2**26, 9)
    assert len(bomb) < 2**20
    began_s = time.process_time()
    assert victim.attack(subject, packed(subject, PACKED[subject], bomb))
    assert time.process_time() - began_s < 1.0
    cut = zlib.compress(bytes(1000))
    for body in (b"", cut[:-3], cut + b"more", b"\x1f\x8b" + cut):
        assert victim.attack(subject, packed(subject, PACKED[subject], body))


def paths(value, path=()):
    """Where every value stands, below this one too."""
    yield path
    places = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in places:
        yield from paths(below, (*path, key))


def put(value, path, hostile):
    if not path:
        return hostile
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = put(copy[path[0]], path[1:], hostile)
    return copy


@pytest.mark.parametrize("subject", SUBJECTS)
@given(data=st.data())
def test_any_one_value_that_is_wrong_changes_nothing_or_is_shown_in_full(victims, subject, data):
    fields = msgspec.msgpack.decode(KNOWN[subject])
    fields[2] += data.draw(st.integers(1, 3))
    place = PACKED.get(subject)
    inside = place is not None and subject != "desk.history.IWM" and data.draw(st.booleans())
    value = msgspec.msgpack.decode(zlib.decompress(fields[place])) if inside else fields
    path = data.draw(st.sampled_from(list(paths(value))))
    changed = put(value, path, data.draw(HOSTILE))
    if inside:
        fields[place] = zlib.compress(msgspec.msgpack.encode(changed))
        changed = fields
    victims.attack(subject, msgspec.msgpack.encode(changed), pushed=data.draw(st.booleans()))


@pytest.mark.parametrize("at", [0, 1, 8, 12, -8])
@given(
    number=st.floats() | st.sampled_from([float("nan"), float("inf"), -1.0, 0.0]),
    day=st.integers(-(2**31), 2**31 - 1),
)
def test_closes_and_dates_that_are_none_change_nothing(victims, at, number, day):
    fields = msgspec.msgpack.decode(KNOWN["desk.history.IWM"])
    plain = bytearray(zlib.decompress(fields[6]))
    if at >= 0:
        plain[at * 4 : at * 4 + 4] = struct.pack("<i", day)
    else:
        plain[at:] = struct.pack("<d", number)
    victims.attack("desk.history.IWM", packed("desk.history.IWM", 6, zlib.compress(bytes(plain))))


class Message:
    def __init__(self, data):
        self.subject, self.data = "desk.beat", data


@given(data=st.binary() | st.builds(lambda path, value: (path, value), st.integers(0, 7), HOSTILE))
async def test_a_standby_hub_is_not_confused_by_beats(data):
    if isinstance(data, tuple):
        fields = msgspec.msgpack.decode(KNOWN["desk.beat"])
        fields[data[0]] = data[1]
        data = msgspec.msgpack.encode(fields)
    lease = Lease(None, "ours", Time())
    await lease._on_beat(Message(data))
    assert 0 <= lease._beat_epoch < 2**62, "there is a next one"


def test_the_clock_of_the_victim_is_not_a_moment_of_the_attackers():
    victim = Victim()
    for as_of_ns in (LATEST_NS + 1, 2**63 - 1):
        fields = msgspec.msgpack.decode(KNOWN["desk.beat"])
        fields[2], fields[3] = fields[2] + 1, as_of_ns
        assert victim.attack("desk.beat", msgspec.msgpack.encode(fields))
    assert victim.viewer.receiver.clock_ns(Moment(100.0, 5)) < LATEST_NS


@pytest.mark.parametrize("close", [float("nan"), float("inf"), -1.0, 0.0])
def test_a_vendors_close_that_is_no_price_takes_no_state_from_viewers(close):
    hub = Hub()
    hub.take(PreviousCloses(DAY, {"IWM": close, "QQQ": 494.0}))
    viewer = Viewer(hub.desk)
    viewer.take(hub.out())
    assert viewer.receiver.counters.hostile == 0
    assert viewer.receiver.symbols


def members_of(fund, day, subject="desk.members.IWM.0", later=0):
    """A holdings file of this fund and day, in the place of the known one, newer than all before.

    ``later``: by so many hubs.
    """
    fields = msgspec.msgpack.decode(KNOWN[subject])
    fields[1] += later
    fields[2], fields[4], fields[5] = fields[2] + 1 + day, fund, day
    return msgspec.msgpack.encode(fields)


def test_a_fund_on_anothers_subject_changes_nothing():
    victim = Victim()
    assert victim.attack("desk.members.IWM.0", members_of("QQQ", 20_000))
    assert victim.attack("desk.members.QQQ", members_of("QQQ", 20_000))
    assert victim.viewer.receiver.counters.refused == {Fault.SUBJECT: 2}


def test_holdings_files_of_ever_more_days_do_not_pile_up():
    victim = Victim()
    receiver = victim.viewer.receiver
    for day in range(15_000, 15_000 + 3 * LISTS_KEPT):
        assert receiver.take("desk.members.IWM.0", members_of("IWM", day), victim.viewer.now)
    assert receiver.new_members() is None, "the hub has said that it has none of these"
    for day in range(15_000, 15_000 + 3 * LISTS_KEPT):
        listed_by_none = members_of("IWM", day, later=1)
        assert receiver.take("desk.members.IWM.0", listed_by_none, victim.viewer.now)
    ((fund,)) = receiver.new_members()
    assert len(fund.lists) == LISTS_KEPT
    assert fund.lists[-1].as_of == date(2026, 11, 20)
    assert fund.lists[-2].as_of == date(1970, 1, 1) + timedelta(days=15_000 + 3 * LISTS_KEPT - 1)
