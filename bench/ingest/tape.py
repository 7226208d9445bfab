"""A synthetic consolidated tape, the same in the process that serves it and in the one that checks it."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from bench import worlds
from rotation.quote import NS
from rotation.sessions import open_ns

BASE_NS = open_ns(worlds.SESSION) + 3600 * NS
"""When the first print was made, on the session's clock."""
SYMBOLS = 2_100
DUPLICATED = DISORDERED = 0.01
CORRECTED = 0.0001
"""Shares of the messages. A corrected print's whole session is fetched anew, so there are fewer of these."""
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
            again = messages[dice.randrange(max(place - 500, 0), place)]
            messages.append(again if not again.cancels else messages[0])
            continue
        if kind > 1 - CORRECTED and place:
            wrong = messages[dice.randrange(max(place - 500, 0), place)]
            messages.append(wrong._replace(ts_ns=ts_ns, cancels=True))
            continue
        if kind < DUPLICATED + DISORDERED:
            ts_ns = max(ts_ns - dice.randrange(LATE_NS), BASE_NS)
        cents[name] = max(cents[name] + dice.choice((-1, 0, 0, 1)), 9_000)
        is_odd_lot = dice.random() < 0.2
        size = dice.randrange(1, 100) if is_odd_lot else 100
        messages.append(Message(name, ts_ns, cents[name] / 100, FIRST_ID + place, size, is_odd_lot))
    return messages
