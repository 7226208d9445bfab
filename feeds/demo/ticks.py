"""The live session of the demo: seven correlated tapes of prints, generated from a seed.

Event times use nothing but exact arithmetic; prices pass through ``log`` and ``exp`` and are then
rounded to cents. So a seed gives one tape, whatever the platform's mathematics library.
"""

from __future__ import annotations

from bisect import bisect_right
from math import fsum, sqrt
from typing import TYPE_CHECKING

import msgspec
import polars as pl

from feeds.demo.paths import bridge
from feeds.tapes.reading import SCHEMA
from rotation.quote import NS
from rotation.sessions import open_ns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from random import Random

STEP_S = 10
STEPS = 6 * 390
"""The grid on which prices move: ten-second steps of a full session."""


class Day(msgspec.Struct, frozen=True):
    """What one symbol did on 16 July 2024 and how thickly it trades here."""

    prints: int
    noise: float
    """Standard deviation of the session's return around the marks, as a fraction."""
    market: float
    """Correlation of that noise with the noise all symbols share."""
    width: float
    """Dollars between the highest and the lowest print of one instant."""
    marks: dict[int, float]
    """Minute since the opening bell → price; the last mark, the close, comes from the history."""


PINNED_MINUTE = 70
"""10:40: the last prints of the pair up to here are exactly their marks."""
PAIR = ("IWM", "QQQ")

DAYS = {
    "IWM": Day(13_000, 0.008, 0.75, 0.02, {0: 219.14, 30: 221.75, 60: 220.88, 70: 221.28, 90: 221.58,
               150: 221.77, 180: 222.23, 240: 222.60, 300: 223.47, 360: 224.52}),
    "QQQ": Day(13_000, 0.0065, 0.75, 0.03, {0: 497.62, 30: 495.80, 40: 494.41, 60: 494.79, 70: 495.43,
               90: 494.73, 100: 496.45, 150: 495.22, 180: 493.68, 240: 494.26, 300: 494.80, 360: 495.86}),
    "DIA": Day(3_000, 0.005, 0.8, 0.05, {0: 403.86}),
    "SPY": Day(8_000, 0.005, 0.9, 0.02, {0: 562.87, 60: 562.66, 180: 562.64, 300: 563.39}),
    "KRE": Day(4_000, 0.010, 0.75, 0.02, {0: 54.04}),
    "IWN": Day(2_000, 0.008, 0.75, 0.05, {0: 158.70}),
    "IVW": Day(2_000, 0.005, 0.85, 0.03, {0: 96.37}),
}  # fmt: skip
"""Marks of the pair are half-hourly prices of that day; those of the rest are opening prices."""

SIZES = (1, 2, 3, 5, 8, 10, 12, 20, 25, 37, 50, 60, 75, 90, 100, 200, 300, 400, 500, 700, 1_000, 2_500)
SIZE_WEIGHTS = (9, 5, 3, 4, 2, 5, 2, 3, 3, 1, 4, 1, 1, 1, 40, 12, 6, 3, 3, 1, 2, 1)
AUCTION_SIZE = 100
"""The opening and closing prints are this many times an ordinary print."""

LATE_ONE_IN = 1_500
LATE_S = 6.0
"""About one print in so many is reported late, by up to so many seconds."""
DUPLICATES = 12


def _activity(step: int) -> float:
    """How busy the market is in one step of the grid: high at the bells, low at noon; mean near 1."""
    from_noon = 2 * step / STEPS - 1
    return 0.55 + 1.35 * from_noon * from_noon


def _prices(rng: Random, day: Day, shared: Sequence[float], close: float) -> list[float]:
    """Unrounded prices at the STEPS + 1 points of the grid, in dollars."""
    marks = {minute * 60 // STEP_S: price for minute, price in day.marks.items()} | {STEPS: close}
    own = sqrt(1 - day.market * day.market)
    scale = day.noise * close / sqrt(STEPS)
    steps = [scale * (day.market * common + own * rng.gauss(0.0, 1.0)) for common in shared]
    return bridge([0.0, *(step * sqrt(_activity(i)) for i, step in enumerate(steps))], marks)


def _prints_per_step(rng: Random, prints: int) -> list[int]:
    """How many prints fall into each step: busy at the bells, in bursts, ``prints`` in all."""
    weights = []
    for step in range(STEPS):
        burst = rng.random()
        weights.append(_activity(step) * (0.25 + burst * burst * burst))
    rate = prints / fsum(weights)
    counts, due = [], 0.5
    for weight in weights:
        due += rate * weight
        counts.append(int(due))
        due -= counts[-1]
    return counts


def _prints(rng: Random, symbol: str, opens_ns: int, shared: Sequence[float], close: float) -> pl.DataFrame:
    """One symbol's prints by event time: symbol, ts_ns, price, size, and ``arrival`` in ns."""
    day = DAYS[symbol]
    path = _prices(rng, day, shared, close)
    times: list[int] = []
    prices: list[float] = []
    for step, count in enumerate(_prints_per_step(rng, day.prints)):
        low, rise = path[step], path[step + 1] - path[step]
        start_ns = opens_ns + step * STEP_S * NS
        for part in sorted([rng.random() for _ in range(count)]):
            times.append(start_ns + int(part * STEP_S * NS))
            prices.append(round(low + rise * part + day.width * (rng.random() - 0.5), 2))
    sizes = rng.choices(SIZES, SIZE_WEIGHTS, k=len(times))

    pins = {0: day.marks[0], len(times) - 1: close}
    for i in pins:
        sizes[i] *= AUCTION_SIZE
    if symbol in PAIR:
        pins[bisect_right(times, opens_ns + PINNED_MINUTE * 60 * NS) - 1] = day.marks[PINNED_MINUTE]
    for i, price in pins.items():
        prices[i] = price

    arrivals = list(times)
    for i in range(len(times)):
        if rng.random() * LATE_ONE_IN < 1 and i not in pins:
            arrivals[i] += int((0.2 + rng.random() * (LATE_S - 0.2)) * NS)
    columns = {"ts_ns": times, "price": prices, "size": sizes, "arrival": arrivals}
    return pl.DataFrame(columns).select(pl.lit(symbol).alias("symbol"), pl.all())


def live_tape(rng: Random, session: date, closes: Mapping[str, float]) -> pl.DataFrame:
    """The prints of a full session of all symbols of DAYS: a tape, sorted by ``ts_ns`` and ``seq``.

    ``closes`` are the official closes in dollars: each symbol's last print is one. ``seq`` counts
    prints in order of arrival over all symbols, so a late print is one whose ``seq`` is above that of
    prints after it. A few rows are there twice.
    """
    opens_ns = open_ns(session)
    shared = [rng.gauss(0.0, 1.0) for _ in range(STEPS)]
    tape = pl.concat([_prints(rng, symbol, opens_ns, shared, closes[symbol]) for symbol in DAYS])
    tape = tape.sort("arrival", "symbol", "ts_ns").with_row_index("seq", offset=1)
    twice = [int(rng.random() * tape.height) for _ in range(DUPLICATES)]
    return (
        pl.concat([tape, tape[twice]])
        .sort("ts_ns", "seq")
        .with_columns(pl.lit(None).alias("high"), pl.lit(None).alias("low"), pl.lit(0).alias("bar_ns"))
        .with_columns(pl.lit(0).alias("role"))
        .select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())
    )
