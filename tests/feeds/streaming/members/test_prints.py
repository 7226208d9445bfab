"""What a stream brings of members waits for one reader: bounded, the newest of each, and counted."""

from __future__ import annotations

from typing import Any

from feeds.streaming.members.prints import SILENT_S, MemberChannel, MemberPrints
from rotation.quote import NS, Quote
from rotation.status import LIVE, Kind, delayed

NAMES = tuple(f"M{n:03}" for n in range(100))


def quoted(symbol: str, second: int, price: float = 100.0) -> Quote:
    return Quote(symbol, second * NS, price)


class Reader:
    """Counts how often it is called."""

    def __init__(self, prints: MemberPrints, names: tuple[str, ...] = NAMES) -> None:
        self.prints = prints
        self.calls = 0
        prints.claim(self, self.call)
        prints.want(self, names, self.call)

    def call(self) -> None:
        self.calls += 1

    def take(self) -> dict[str, float]:
        return {symbol: each.quote.price for symbol, each in self.prints.take(self).items()}


def tapped(prints: MemberPrints, channel: MemberChannel = MemberChannel.SECOND_BARS, mode: Any = LIVE) -> Any:
    tap = prints.tap(mode)
    tap.on_channel(channel, 0.0)
    return tap


def test_a_reader_that_does_not_come_finds_the_newest_of_each_and_what_was_conflated_is_counted():
    prints = MemberPrints()
    reader = Reader(prints)
    tap = tapped(prints)
    for second in range(1, 501):
        tap.put([quoted(name, second, float(second)) for name in (*NAMES, "ZZZ")], 2, 0.0)
    assert len(prints._fresh) == len(NAMES), "bounded by the members"
    assert reader.take() == dict.fromkeys(NAMES, 500.0)
    assert prints.conflated == 499 * len(NAMES)
    assert prints.passed_over == 500 * 3
    assert reader.take() == {}


def test_the_newest_is_by_event_time_and_of_one_time_the_later_one():
    prints = MemberPrints()
    reader = Reader(prints)
    tapped(prints).put([quoted("M001", 5, 1.0), quoted("M001", 4, 2.0), quoted("M002", 5, 1.0)], 0, 0.0)
    tapped(prints).put([quoted("M002", 5, 3.0)], 0, 0.0)
    assert reader.take() == {"M001": 1.0, "M002": 3.0}


def test_minute_bars_are_late_by_a_minute_beside_the_plan():
    for channel, mode, late in (
        (MemberChannel.SECOND_BARS, LIVE, (Kind.LIVE, 0.0)),
        (MemberChannel.MINUTE_BARS, LIVE, (Kind.DELAYED, 60.0)),
        (MemberChannel.MINUTE_BARS, delayed(15), (Kind.DELAYED, 960.0)),
    ):
        prints = MemberPrints()
        reader = Reader(prints)
        tapped(prints, channel, mode).put([quoted("M001", 1)], 0, 0.0)
        (known,) = prints.take(reader).values()
        assert (known.mode.kind, known.mode.delay_s) == late


def test_members_are_given_under_our_own_spelling():
    prints = MemberPrints()
    reader = Reader(prints, ("BRK-B",))
    tapped(prints).put([quoted("BRK.B", 1, 7.0)], 0, 0.0)
    assert reader.take() == {"BRK-B": 7.0}


def test_of_two_readers_the_later_one_has_them_and_the_first_again_once_it_has_gone():
    """Another desk comes up beside the one on screen, and is given up."""
    prints = MemberPrints()
    first = Reader(prints)
    second = Reader(prints, NAMES[:1])
    tap = tapped(prints)
    tap.put([quoted("M000", 1)], 0, 0.0)
    assert not prints.want(first, NAMES, first.call)
    assert (first.take(), second.take()) == ({}, {"M000": 100.0})
    assert prints.channel(first, 0.0) is None
    prints.release(second)
    assert prints.want(first, NAMES, first.call)
    tap.put([quoted("M001", 1)], 0, 0.0)
    assert first.take() == {"M001": 100.0}
    prints.release(second)
    assert prints.wanted, "who has gone already takes nothing from others"


def test_a_stream_brings_members_from_its_acknowledgement_until_it_ends_or_is_silent():
    prints = MemberPrints()
    reader = Reader(prints)
    assert prints.channel(reader, 0.0) is None
    tap = tapped(prints, MemberChannel.MINUTE_BARS)
    assert prints.channel(reader, 10.0) is MemberChannel.MINUTE_BARS
    assert prints.channel(reader, SILENT_S + 1) is None
    tap.put([quoted("ZZZ", 1)], 5, SILENT_S + 1)
    assert prints.channel(reader, SILENT_S + 1) is None, "others' prints are none of members"
    tap.put([quoted("M001", 1)], 0, SILENT_S + 1)
    assert prints.channel(reader, SILENT_S + 2) is MemberChannel.MINUTE_BARS
    calls = reader.calls
    tap.lost()
    assert (prints.channel(reader, SILENT_S + 2), prints.losses, reader.calls) == (None, 1, calls + 1)
    tap.lost()
    assert prints.losses == 1
    tap.put([quoted("M001", 2)], 0, SILENT_S + 3)
    assert prints.channel(reader, SILENT_S + 3) is None
