"""Bars that take the place of their minutes, whenever they come, against the tape that was never broken."""

from __future__ import annotations

import random
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from rotation.market.prints import Prints
from rotation.quote import MINUTE_NS, NS, Quote, Role
from rotation.sessions import open_ns

OPENS = open_ns(date(2024, 7, 16))


def at(seconds: float, price: float, size: int = 10, seq: int = 0, role: Role = Role.PRICE) -> Quote:
    return Quote("IWM", OPENS + int(seconds * NS), price, seq=seq, size=size, role=role)


def minute(number: int, close: float, high: float, low: float, size: int) -> Quote:
    ends_ns = OPENS + (number + 1) * MINUTE_NS
    return Quote("IWM", ends_ns, close, size=size, high=high, low=low, bar_ns=MINUTE_NS, role=Role.MINUTE)


def figures(prints: Prints) -> tuple:
    path = {place: quote.price for place, quote in prints.minutes.items()}
    return prints.last.price, prints.high, prints.low, prints.volume, path


def test_a_bar_takes_the_place_of_what_was_counted_in_its_minute():
    prints = Prints(OPENS)
    for quote in (at(1, 100.0), at(30, 130.0, 50), at(31, 0.5, 7, role=Role.SIZE), at(200, 101.0)):
        assert prints.take(quote) == "accepted"
    assert prints.take(minute(0, 100.5, 103.0, 99.0, 900)) == "revised"
    assert (prints.last.price, prints.high, prints.low, prints.volume) == (101.0, 103.0, 99.0, 910)
    assert {place: quote.price for place, quote in prints.minutes.items()} == {1: 100.5, 4: 101.0}


def test_it_is_never_too_late_and_may_be_corrected():
    prints = Prints(OPENS)
    prints.take(at(3600, 100.0))
    assert prints.take(minute(0, 99.0, 120.0, 90.0, 5)) == "accepted"
    assert prints.take(minute(0, 99.0, 120.0, 90.0, 5)) == "duplicates"
    assert prints.take(minute(0, 99.0, 110.0, 95.0, 6)) == "revised"
    assert (prints.high, prints.low, prints.volume) == (110.0, 95.0, 16)


def test_prints_that_come_after_the_bar_of_their_minute_are_in_it():
    prints = Prints(OPENS)
    prints.take(at(5, 100.0, seq=1))
    prints.take(minute(0, 100.0, 100.0, 100.0, 70))
    assert prints.take(at(58, 140.0, 60)) == "late"
    assert prints.take(at(5, 150.0, 60, seq=1)) == "revised"
    assert (prints.last.price, prints.high, prints.volume) == (100.0, 100.0, 70)
    assert prints.take(at(60, 101.0, 3)) == "accepted", "the next minute's"
    assert (prints.last.price, prints.volume) == (101.0, 73)


def test_a_minute_keeps_its_bar_when_its_prints_are_forgotten():
    prints = Prints(OPENS)
    prints.take(at(5, 150.0))
    prints.take(minute(0, 100.0, 100.0, 100.0, 70))
    prints.take(at(500, 100.0))
    prints.take(at(501, 100.0, seq=1))
    prints.take(at(501, 99.0, seq=1))
    assert (prints.high, prints.low) == (100.0, 99.0)


def test_memory_is_a_session_of_minutes():
    prints = Prints(OPENS)
    for second in range(0, 390 * 60, 7):
        prints.take(at(second, 100.0, seq=second))
    for _ in range(3):
        for number in range(390):
            prints.take(minute(number, 100.0, 101.0, 99.0, 5))
    assert len(prints._parts) == 390
    assert prints.volume == 390 * 5


@given(st.integers(0, 2**32), st.sets(st.integers(0, 9)), st.sets(st.integers(0, 9)))
def test_the_day_is_the_tape_whichever_minutes_were_missed(seed: int, broken: set[int], seen: set[int]):
    """Of ``broken`` minutes some prints are missing; of these and of ``seen`` ones a bar comes, late."""
    rng = random.Random(seed)
    tape = [
        at(second + 0.5, rng.randint(9_000, 11_000) / 100, rng.randint(1, 99), seq=number)
        for number, second in enumerate(sorted(rng.sample(range(600), 120)))
    ]
    true, patched = Prints(OPENS), Prints(OPENS)
    bars: list[Quote] = []
    for number in broken | seen:
        made = [q for q in tape if number * MINUTE_NS <= q.ts_ns - OPENS < (number + 1) * MINUTE_NS]
        if made:
            prices = [quote.price for quote in made]
            size = sum(quote.size for quote in made)
            bars.append(minute(number, prices[-1], max(prices), min(prices), size))
    waiting = sorted(bars, key=lambda bar: bar.ts_ns + rng.randint(0, 600) * NS)
    for quote in tape:
        true.take(quote)
        while waiting and waiting[0].ts_ns < quote.ts_ns and rng.random() < 0.3:
            patched.take(waiting.pop(0))
        number = (quote.ts_ns - OPENS) // MINUTE_NS
        if number not in broken or rng.random() < 0.5:
            patched.take(quote)
    for bar in waiting:
        patched.take(bar)
    assert figures(patched) == figures(true)
