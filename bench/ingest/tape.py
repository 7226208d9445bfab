"""A synthetic consolidated tape, the same in the process that serves it and in the one that checks it."""

from __future__ import annotations

from random import Random
from typing import Any, NamedTuple

from bench import worlds
from rotation.columns import PrintColumns
from rotation.quote import NS, Quote, Role
from rotation.sessions import open_ns

BASE_NS = open_ns(worlds.SESSION) + 3600 * NS
"""When the first print was made, on the session's clock."""
SYMBOLS = 2_100
DUPLICATED = DISORDERED = CORRECTED = 0.01
"""Shares of the messages."""
LATE_NS = 300_000_000
"""A print out of order is late by up to this much."""
FIRST_ID = 1 << 53
"""Trade ids that no float holds."""
NOMINAL_PER_S = 100_000
"""Of a tape that is served as fast as it is read."""


class Message(NamedTuple):
    """A print, or the cancellation of an earlier one."""

    symbol: str
    ts_ns: int
    price: float
    seq: int
    size: int
    is_odd_lot: bool
    cancels: bool = False


def tape(count: int, rate: int = 0, seed: int = 1) -> list[Message]:
    """So many messages, evenly over time at ``rate`` a second (0: at NOMINAL_PER_S)."""
    dice = Random(seed)
    names = worlds.symbols(SYMBOLS)
    chosen = dice.choices(names, [1 / (place + 30) for place in range(len(names))], k=count)
    cents = dict.fromkeys(names, 10000)
    messages: list[Message] = []
    for place, name in enumerate(chosen):
        ts_ns = BASE_NS + place * NS // (rate or NOMINAL_PER_S)
        kind = dice.random()
        if kind < DUPLICATED and place:
            messages.append(_earlier(messages, dice))
            continue
        if kind > 1 - CORRECTED and place:
            wrong = _earlier(messages, dice)
            messages.append(wrong._replace(ts_ns=ts_ns, cancels=True))
            continue
        if kind < DUPLICATED + DISORDERED:
            ts_ns = max(ts_ns - dice.randrange(LATE_NS), BASE_NS)
        cents[name] = max(cents[name] + dice.choice((-1, 0, 0, 1)), 9_000)
        is_odd_lot = dice.random() < 0.2
        size = dice.randrange(1, 100) if is_odd_lot else 100
        messages.append(Message(name, ts_ns, cents[name] / 100, FIRST_ID + place, size, is_odd_lot))
    return messages


def _earlier(messages: list[Message], dice: Random) -> Message:
    """One of the last prints; the first message is one."""
    place = dice.randrange(max(len(messages) - 500, 0), len(messages))
    while messages[place].cancels:
        place -= 1
    return messages[place]


class LongTape:
    """A tape of any length in little memory, without cancelled prints, and by symbol what it adds up to."""

    def __init__(self, rate: int) -> None:
        """``rate``: prints a second."""
        self._dice = Random(1)
        self._rate = rate
        self._names = worlds.symbols(SYMBOLS)
        self._weights = [1 / (place + 30) for place in range(SYMBOLS)]
        self._cents = dict.fromkeys(self._names, 10_000)
        self._next_id = FIRST_ID
        self.days: dict[str, list[Any]] = {}
        """By symbol: identity of the last print, its price, high, low, volume."""

    def second(self, start_ns: int) -> PrintColumns:
        """The prints of a second."""
        return self.prints(start_ns, self._rate)

    def prints(self, start_ns: int, count: int) -> PrintColumns:
        """So many from then on, at the tape's rate."""
        dice, quotes = self._dice, list[Quote]()
        for i, name in enumerate(dice.choices(self._names, self._weights, k=count)):
            ts_ns, chance = start_ns + i * NS // self._rate, dice.random()
            if chance < DUPLICATED and i:
                quotes.append(quotes[dice.randrange(max(i - 500, 0), i)])
                continue
            ts_ns -= dice.randrange(LATE_NS) if chance < DUPLICATED + DISORDERED else 0
            cents = self._cents[name] = max(self._cents[name] + dice.choice((-1, 0, 0, 1)), 9_000)
            is_odd_lot = chance > 0.8
            self._next_id += 1
            role = Role.SIZE if is_odd_lot else Role.PRICE
            quotes.append(Quote(name, ts_ns, cents / 100, self._next_id, 100, role=role))
            self._note(name, (ts_ns, self._next_id), cents / 100, sets_last=not is_odd_lot)
        return PrintColumns.of(quotes)

    def messages(self, start_ns: int, count: int) -> list[Message]:
        """The same, one by one."""
        return [
            Message(q.symbol, q.ts_ns, q.price, q.seq, q.size, is_odd_lot=not q.sets_last)
            for q in self.prints(start_ns, count).quotes()
        ]

    def _note(self, name: str, identity: tuple[int, int], price: float, *, sets_last: bool) -> None:
        day = self.days.setdefault(name, [(0, 0), 0.0, float("-inf"), float("inf"), 0])
        day[4] += 100
        if sets_last:
            day[2], day[3] = max(day[2], price), min(day[3], price)
            if identity > day[0]:
                day[0], day[1] = identity, price
