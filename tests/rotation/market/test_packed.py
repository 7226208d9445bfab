"""Prints whose minutes are packed as numbers, against those that keep every minute as it came."""

from __future__ import annotations

from datetime import date
from unittest.mock import patch

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotation.columns import of_quotes
from rotation.market import prints as limits
from rotation.market.prints import Prints
from rotation.market.reduce import backlog
from rotation.market.reduce.day import part_day
from rotation.market.session_filter import SessionFilter
from rotation.quote import MINUTE_NS, NS, PartDay, Quote, Role
from rotation.sessions import hours

DAY = date(2024, 7, 16)
OPENS, END = hours(DAY)[1], hours(DAY)[3]
OFFSETS = (0, 1, 20 * NS, 59 * NS, -1)
MINUTES = st.one_of(st.integers(-2, 9), st.sampled_from((-330, -1, 0, 388, 389, 390, 391, 395, 630, 900)))
SIZES = st.sampled_from((0, 1, 100, 2**40, 2**64))


@st.composite
def quotes(draw: st.DrawFn) -> Quote:
    """Prints and bars of all kinds, some of numbers that no vendor should send."""
    role = draw(st.sampled_from((Role.PRICE, Role.PRICE, Role.SIZE, Role.CLOSE, Role.MINUTE, Role.MINUTE)))
    price = draw(st.sampled_from((10.0, 10.5, 9.0)))
    high, low, bar_ns = None, None, 0
    if role == Role.MINUTE or draw(st.integers(0, 3)) == 0:
        high, low = draw(st.sampled_from(((price + 1, price - 1), (price, None), (None, price - 2))))
        bar_ns = draw(st.sampled_from((MINUTE_NS, MINUTE_NS, NS, 0)))
    ts_ns = OPENS + draw(MINUTES) * MINUTE_NS + draw(st.sampled_from((0, 0, *OFFSETS)))
    seq = draw(st.sampled_from((0, 1, 2, 2**70)))
    return Quote("IWM", ts_ns, price, seq, draw(SIZES), high, low, bar_ns, role)


@st.composite
def days(draw: st.DrawFn) -> PartDay:
    """What another market says."""
    held = draw(st.lists(quotes(), max_size=4))
    minutes = {-((OPENS - quote.ts_ns) // MINUTE_NS): quote for quote in held}
    last = max(held, key=lambda quote: (quote.ts_ns, quote.seq), default=None)
    return PartDay(last, 12.0, 8.0, 700, minutes, draw(st.booleans()))


def state(prints: Prints) -> tuple:
    return (
        prints.last, prints.high, prints.low, prints.volume, prints.kept, prints.newest, prints.minutes,
        part_day(prints), part_day(prints, range(-3, 12)),
        [prints.has_bar(OPENS + place * MINUTE_NS) for place in range(-3, 12)],
        [prints.is_new((OPENS + place * MINUTE_NS + 7, 0)) for place in range(-3, 12)],
    )  # fmt: skip


@given(
    st.lists(st.one_of(quotes(), quotes(), quotes(), days(), st.booleans()), max_size=40),
    st.sampled_from(((0, 1), (1, 1), (4, 2))),
    st.sampled_from((4096, 2)),
    st.booleans(),
)
def test_packed_minutes_are_the_minutes(
    given: list[Quote | PartDay | bool], loose: tuple[int, int], memory: int, asks: bool
):
    """Late bars, revisions and repeats have the same outcome; a symbol may become a leg, or one no longer.

    ``asks``: all is asked for after each; else at the end, since to ask for a minute makes it an object.
    """
    with (
        patch.object(limits, "LOOSE", loose[0]),
        patch.object(limits, "RECENT", loose[1]),
        patch.object(limits, "KEPT_MAX", memory),
    ):
        packed, plain = Prints(OPENS, packs=True), Prints(OPENS)
        for each in given:
            if isinstance(each, Quote):
                assert packed.take(each) == plain.take(each)
            elif isinstance(each, PartDay):
                packed.set_day(each)
                plain.set_day(each)
            else:
                (packed.pack if each else packed.unpack)()
            assert packed.take_changed() == plain.take_changed()
            if asks:
                assert state(packed) == state(plain)
        assert state(packed) == state(plain)
        packed.unpack()
        assert state(packed) == state(plain)
        again = [each for each in given if isinstance(each, Quote)]
        for quote in (*again, *(msgspec.structs.replace(each, size=3) for each in again)):
            assert packed.take(quote) == plain.take(quote)
        assert state(packed) == state(plain)


# What is kept of a session -----------------------------------------------------------------------------


def minute_bar(number: int, role: Role) -> Quote:
    ends_ns = OPENS + (number + 1) * MINUTE_NS
    return Quote("IWM", ends_ns, 10.0 + number % 7, 0, 500, 18.0, 9.0, MINUTE_NS, role)


@pytest.mark.parametrize("role", [Role.PRICE, Role.MINUTE])
def test_of_a_member_no_object_is_kept_for_a_minute_that_is_over(role: Role):
    prints = Prints(OPENS, packs=True)
    places = set()
    for number in range(390):
        prints.take(minute_bar(number, role))
        if number >= 10:
            assert len(prints._parts) + len(prints._minutes) + prints.kept <= 14
            places.add((prints._packed.places, len(prints._packed._apart)))
    assert places == {(392, 0)}, "places for all minutes of the session are taken once"
    assert (prints.volume, len(prints.minutes)) == (390 * 500, 390)


def test_nor_where_its_prints_come_as_columns_and_nobody_asks():
    """The sums of what was let go are few, the objects too, and nothing of the day is lost."""
    made = SessionFilter()
    made.expect({"A", "B"}, DAY)
    names = ("A", "B")
    with patch.object(backlog, "CHUNK", 16), patch.object(backlog, "OLD", 24):
        for minute in range(390):
            rows = [
                Quote(name, OPENS + (60 * minute + second) * NS + 1, 10.0 + second, size=100)
                for second in range(0, 60, 10)
                for name in names
            ]
            made.admit_columns(of_quotes(rows), END)
            waiting = sum(sums.height for sums in made._tally._backlog._sums)
            assert waiting <= 2 * 24
            held = made._tally._prints.values()
            assert sum(len(prints._parts) + len(prints._minutes) + prints.kept for prints in held) <= 24
    for name in names:
        prints = made.prints(name, "REGULAR")
        assert (prints.volume, prints.high, prints.low) == (390 * 600, 60.0, 10.0)
        assert sorted(prints.minutes) == list(range(1, 391))


def test_a_member_that_becomes_a_leg_has_all_its_minutes_as_objects():
    made = SessionFilter(("B",))
    made.expect({"A", "B"}, DAY)
    for number in range(100):
        for name in ("A", "B"):
            made.admit(msgspec.structs.replace(minute_bar(number, Role.PRICE), symbol=name), END)
    member, leg = made.prints("A", "REGULAR"), made.prints("B", "REGULAR")
    assert len(member._minutes) < 10
    assert len(leg._minutes) == 100
    made.ask(("A",))
    assert made.prints("A", "REGULAR") is member
    assert list(member._minutes) == list(range(1, 101))
    for name in ("A", "B"):
        for number in range(100, 110):
            made.admit(msgspec.structs.replace(minute_bar(number, Role.PRICE), symbol=name), END)
    assert len(member._minutes) == 110
    assert len(leg._minutes) < 10
    assert list(leg.minutes) == list(member.minutes)
