"""Prints whose minutes are packed as numbers, against those that keep every minute as it came."""

from __future__ import annotations

import random
from datetime import date
from math import nan
from unittest.mock import patch

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rotation.columns import of_quotes
from rotation.market import prints as limits
from rotation.market.minutes.packed import PackedMinutes
from rotation.market.prints import Prints
from rotation.market.reduce import backlog
from rotation.market.reduce.day import part_day
from rotation.market.session_filter import SessionFilter
from rotation.quote import MINUTE_NS, NS, PartDay, Quote, Role
from rotation.sessions import hours

DAY = date(2024, 7, 16)
OPENS, END = hours(DAY)[1], hours(DAY)[3]
STEPS = (0, 0, 1, 10 * NS, 20 * NS, 59 * NS, MINUTE_NS, MINUTE_NS, 2 * MINUTE_NS)
SIZES = (0, 1, 100, 100, 2**40, 2**64)
STARTS = (-330, -3, 0, 0, 0, 200, 386, 388, 628)
"""Minutes after the opening bell: with the bells and the ends of the parts of the day."""


def tape(dice: random.Random, count: int) -> list[Quote | PartDay | bool]:
    """Prints and bars as time goes by, late ones, repeats and revisions, what another market says, and
    changes between a leg and none (True).
    """
    now = OPENS + dice.choice(STARTS) * MINUTE_NS
    made: list[Quote | PartDay | bool] = []
    given: list[Quote] = []
    says_days, is_leg_anew = dice.random() < 0.3, dice.random() < 0.3
    for _ in range(count):
        now += dice.choice(STEPS)
        chance = dice.random()
        if chance < 0.05 and says_days:
            made.append(day(dice, given[-3:]))
        elif chance < 0.08 and is_leg_anew:
            made.append(dice.random() < 0.6)
        elif chance < 0.3 and given:
            earlier = dice.choice(given[-5:] if dice.random() < 0.7 else given)
            made.append(earlier if dice.random() < 0.3 else altered(dice, earlier))
        else:
            made.append(quote(dice, now))
        given += [each for each in made[-1:] if isinstance(each, Quote)]
    return made


def altered(dice: random.Random, earlier: Quote) -> Quote:
    change = dice.choice(({"size": 7}, {"price": 9.5}, {"price": 10.9, "role": Role.SIZE}, {"seq": 3}))
    return msgspec.structs.replace(earlier, **change)


def quote(dice: random.Random, now: int) -> Quote:
    """Of all kinds, some with numbers that no vendor should send."""
    price, size = dice.choice((10.0, 10.5, 9.0, 11.0)), dice.choice(SIZES)
    seq = 2**70 if dice.random() < 0.02 else dice.randrange(3)
    high, low = dice.choice(((price + 1, price - 1), (price, None), (None, price - 2)))
    ends = now - (now - OPENS) % MINUTE_NS - dice.choice((0, 0, 0, 1, 2, 5)) * MINUTE_NS
    if dice.random() < 0.25:
        bar_ns = dice.choice((MINUTE_NS, MINUTE_NS, MINUTE_NS, NS, 0))
        return Quote("IWM", ends, price, seq, size, high, low, bar_ns, Role.MINUTE)
    if dice.random() < 0.1:
        return Quote("IWM", ends, price, seq, size, high, low, MINUTE_NS)
    role = dice.choice((Role.PRICE, Role.PRICE, Role.SIZE, Role.CLOSE))
    late = dice.choice((0, 0, 0, 0, 1, 20 * NS, 60 * NS))
    return Quote("IWM", dice.choice((now - late, ends)), price, seq, size, role=role)


def day(dice: random.Random, held: list[Quote]) -> PartDay:
    """What another market says."""
    minutes = {-((OPENS - each.ts_ns) // MINUTE_NS): each for each in held}
    last = max(held, key=lambda each: (each.ts_ns, each.seq), default=None)
    return PartDay(last, 12.0, 8.0, 700, minutes, dice.random() < 0.5)


PLACES = (*range(-5, 40), *range(385, 400))


def state(prints: Prints) -> tuple:
    return (
        prints.last, prints.high, prints.low, prints.volume, prints.kept, prints.newest, prints.minutes,
        part_day(prints), part_day(prints, PLACES),
        [prints.is_new((OPENS + place * MINUTE_NS + 7, 0)) for place in PLACES],
        [prints.has_bar(OPENS + place * MINUTE_NS) for place in PLACES],
    )  # fmt: skip


@settings(max_examples=max(settings.default.max_examples, 60))
@given(
    st.integers(0, 2**32),
    st.sampled_from(((0, 1), (1, 1), (4, 2))),
    st.sampled_from((4096, 2)),
    st.booleans(),
)
def test_packed_minutes_are_the_minutes(seed: int, loose: tuple[int, int], memory: int, asks: bool):
    """Late bars, revisions and repeats have the same outcome; a symbol may become a leg, or one no longer.

    ``asks``: all is asked for after each; else at the end, since to ask for a minute makes it an object.
    """
    dice = random.Random(seed)
    given = tape(dice, dice.choice((10, 30, 100)))
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
        assert packed._packed is None or set(packed._packed._apart) <= set(packed._packed.sums())
        packed.unpack()
        assert state(packed) == state(plain)
        again = [each for each in given if isinstance(each, Quote)]
        for quote in (*again, *(msgspec.structs.replace(each, size=3) for each in again)):
            assert packed.take(quote) == plain.take(quote)
        assert state(packed) == state(plain)


def test_what_was_folded_keeps_its_range_when_its_minute_is_an_object_again():
    with patch.object(limits, "LOOSE", 0), patch.object(limits, "RECENT", 1):
        prints = Prints(OPENS, packs=True)
        for second, price in ((0, 20.0), (61, 12.0), (62, 12.0), (30, 10.0), (30, 11.0)):
            prints.take(Quote("IWM", OPENS + second * NS, price))
            if second == 62:
                assert prints._packed.has(0)
    assert (prints.high, prints.low) == (20.0, 11.0)


def test_numbers_that_do_not_fit_are_refused_and_leave_nothing_behind():
    packed, fits = PackedMinutes(), Quote("IWM", OPENS + 7, 10.0, seq=1, size=100)
    for refused in (
        Quote("IWM", OPENS + 8, 11.0, seq=2**70, size=100),
        Quote("IWM", OPENS + 8, 11.0, size=2**64),
        Quote("IWM", OPENS + 8, 11.0, high=11.5, bar_ns=2**64),
    ):
        assert packed.put_last(1, fits)
        assert packed.last(1) == fits
        assert not packed.put_last(1, refused)
        assert packed.last(1) is None, "half of it was another print's"
    assert packed.put_last(1, fits)
    assert not packed.put_last(1, Quote("IWM", OPENS + 8, 11.0, high=nan, low=10.0)), "NaN stands for none"
    assert not packed.put_last(2, Quote("QQQ", OPENS + 8, 11.0)), "its symbol is kept once"
    assert packed.last(1) == fits
    assert list(packed.lasts()) == [1]


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
    assert member._packed is None, "no place is kept for what are objects now"
    for name in ("A", "B"):
        for number in range(100, 110):
            made.admit(msgspec.structs.replace(minute_bar(number, Role.PRICE), symbol=name), END)
    assert len(member._minutes) == 110
    assert len(leg._minutes) < 10
    assert list(leg.minutes) == list(member.minutes)
