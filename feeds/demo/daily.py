"""The demo's daily history: random walks through a few real closes.

What those closes say of July 2024 holds for every seed: between them the walks are clipped so that no
later session reaches the extremes they make.
"""

from __future__ import annotations

from datetime import date
from math import exp, inf, log, sqrt
from typing import TYPE_CHECKING

import msgspec
import polars as pl

from feeds.demo.paths import bridge, held, mirrored
from rotation.history import History
from rotation.sessions import sessions_between

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from random import Random

FIRST = date(2000, 5, 26)
SESSION = date(2024, 7, 16)
"""The live session; its official closes are the last rows of the history."""
WINDOW = 5
"""Sessions of the returns and spreads in the scenario's story."""


class Era(msgspec.Struct, frozen=True):
    """Where the pair stood at an era's first session, and how far it swung from then on."""

    start: date
    iwm: float
    qqq: float
    iwm_vol: int
    """Volatility in percent a year, as ``qqq_vol``."""
    qqq_vol: int


ERAS = (
    Era(FIRST, 45.72, 77.75, 27, 57),
    Era(date(2001, 9, 21), 37.83, 28.19, 25, 46),
    Era(date(2002, 10, 9), 32.55, 20.06, 19, 26),
    Era(date(2004, 12, 31), 64.75, 39.92, 17, 15),
    Era(date(2007, 7, 13), 84.90, 49.90, 24, 21),
    Era(date(2008, 9, 12), 72.25, 43.43, 60, 52),
    Era(date(2009, 3, 9), 34.39, 25.74, 32, 23),
    Era(date(2011, 7, 7), 85.65, 59.19, 44, 32),
    Era(date(2011, 10, 3), 60.99, 51.14, 17, 15),
    Era(date(2015, 6, 23), 129.01, 110.79, 18, 19),
    Era(date(2016, 11, 4), 115.74, 113.65, 13, 12),
    Era(date(2018, 8, 31), 173.02, 186.65, 18, 21),
    Era(date(2020, 2, 19), 168.40, 236.98, 66, 58),
    Era(date(2020, 5, 19), 130.06, 226.86, 28, 24),
    Era(date(2021, 11, 8), 242.56, 398.06, 26, 29),
    Era(date(2023, 10, 27), 162.21, 345.31, 20, 16),
)
PAIR_CORRELATION = 0.8

PLANTED = (
    (date(2001, 3, 27), 45.08, 43.25),
    (date(2001, 4, 3), 42.26, 34.66),
    (date(2016, 11, 7), 118.57, 116.35),
    (date(2016, 11, 14), 129.15, 114.63),
    (date(2020, 4, 22), 119.17, 210.97),
    (date(2020, 4, 29), 135.46, 219.00),
    (date(2020, 5, 19), 130.06, 226.86),
    (date(2020, 5, 27), 143.09, 230.29),
)
"""IWM and QQQ closes, each two five sessions apart.

They make spreads of 13.606 and 10.401 pp, and IWM returns of 13.67 and 10.018 %.
"""

SPREAD_CAPS_PP = ((date(2001, 4, 4), 11.2), (date(2016, 11, 15), 9.8))
RETURN_CAPS_PCT = ((FIRST, 18.0), (date(2020, 3, 30), 12.0), (date(2020, 4, 30), 9.3))
"""From this session on, no five-session spread or IWM return but the planted ones is above.

The live session makes 10.341 and 11.807 pp, 9.871 and 11.519 %; rounding to cents is far from what is
left between. The first two caps on returns tell nothing: they keep the crises within reason.
"""

LAST = {
    "IWM": (200.87, 202.28, 201.40, 203.37, 210.68, 213.14, 217.19, 224.60),
    "QQQ": (496.16, 497.34, 497.77, 502.96, 491.93, 494.82, 496.15, 496.34),
    "DIA": (393.70, 393.46, 392.94, 397.26, 397.63, 400.32, 402.36, 409.66),
    "SPY": (554.64, 555.28, 555.82, 561.32, 556.48, 559.99, 561.53, 564.86),
    "KRE": (47.94, 47.95, 48.81, 49.87, 51.97, 52.09, 53.61, 56.06),
    "IVW": (95.81, 95.97, 96.07, 97.13, 95.19, 95.76, 96.04, 96.04),
    "IWN": (144.95, 146.02, 145.47, 147.27, 153.12, 154.53, 157.33, 163.18),
}
"""Closes of 2024-07-05 to 2024-07-16, IWN's adjusted, which are its prices here.

IWN/IVW is at its low in the first.
"""
LOW_MARGIN = 0.001
"""Log distance of every earlier IWN/IVW from that low."""

DIVIDENDS = {"IWM": 0.013, "QQQ": 0.007, "DIA": 0.020, "SPY": 0.017, "KRE": 0.024, "IVW": 0.013, "IWN": 0.0}
"""Yield a year, as a fraction: how fast adjusted closes fall behind closes going back."""


class Follower(msgspec.Struct, frozen=True):
    """A symbol that moves with the pair."""

    on_iwm: float
    """Sensitivity of its daily return to IWM's, as ``on_qqq``."""
    on_qqq: float
    own: float
    """Standard deviation of the rest of its daily return, as a multiple of IWM's."""
    marks: dict[date, float]
    """Closes that it passes through, the first at its first session."""


CRASH, BOTTOM, PEAK, TURN = date(2002, 10, 9), date(2009, 3, 9), date(2020, 2, 19), date(2023, 12, 27)
FOLLOWERS = {
    "DIA": Follower(
        0.40, 0.32, 0.33, {FIRST: 103.12, CRASH: 73.12, BOTTOM: 65.44, PEAK: 294.10, TURN: 376.56}
    ),
    "SPY": Follower(
        0.30, 0.52, 0.21, {FIRST: 138.00, CRASH: 78.00, BOTTOM: 68.11, PEAK: 338.34, TURN: 476.51}
    ),
    "KRE": Follower(1.37, -0.39, 0.73, {date(2006, 6, 22): 47.87, BOTTOM: 14.68, PEAK: 55.92, TURN: 53.13}),
    "IVW": Follower(0.12, 0.79, 0.18, {FIRST: 14.00, CRASH: 9.50, BOTTOM: 9.08, PEAK: 52.65, TURN: 75.40}),
    "IWN": Follower(
        1.11, -0.18, 0.19, {FIRST: 20.50, CRASH: 20.46, BOTTOM: 22.54, PEAK: 111.63, TURN: 151.60}
    ),
}
"""Sensitivities measured on daily returns from 2010."""


def daily_history(rng: Random) -> History:
    """Closes in cents and adjusted closes in hundredths of a cent."""
    days = sessions_between(FIRST, SESSION)
    dates = pl.Series("date", days)
    frames = []
    for symbol, logs in _log_closes(rng, days).items():
        drift = _drift(symbol, len(logs))
        columns = {
            "date": dates.tail(len(logs)),
            "close": [round(exp(level), 2) for level in logs],
            "adj_close": [round(exp(level + lag), 4) for level, lag in zip(logs, drift, strict=True)],
        }
        kinds = {"close": pl.Float64, "adj_close": pl.Float64}
        frames.append(pl.DataFrame(columns, schema_overrides=kinds).with_columns(symbol=pl.lit(symbol)))
    return History(pl.concat(frames), "demo")


def _log_closes(rng: Random, days: Sequence[date]) -> dict[str, list[float]]:
    """Symbol → log closes up to the last day, fewer for a symbol that starts later. IWN's are adjusted."""
    sds = _deviations(rng, days)
    iwm, qqq = _pair(rng, days, sds)
    logs = {"IWM": iwm, "QQQ": qqq}
    for symbol, follower in FOLLOWERS.items():
        steps = [0.0]
        for i in range(1, len(days)):
            iwm_sd, qqq_sd = sds[i]
            # What QQQ swings beyond IWM, as in 2000-2002, is its own and does not spread.
            on_qqq = follower.on_qqq * min(1.0, iwm_sd / qqq_sd)
            led = follower.on_iwm * (iwm[i] - iwm[i - 1]) + on_qqq * (qqq[i] - qqq[i - 1])
            steps.append(led + follower.own * iwm_sd * rng.gauss(0.0, 1.0))
        logs[symbol] = bridge(steps, _indexed(days, follower.marks) | _last(symbol, len(days)))
    growth = [level + lag for level, lag in zip(logs["IVW"], _drift("IVW", len(days)), strict=True)]
    logs["IWN"] = mirrored(logs["IWN"], growth, len(days) - len(LAST["IWN"]), LOW_MARGIN)
    return logs


def _deviations(rng: Random, days: Sequence[date]) -> list[tuple[float, float]]:
    """Standard deviations of the daily returns of IWM and QQQ: the era's, in calm and rough spells."""
    spell, era, ahead = 0.0, ERAS[0], list(ERAS)
    sds = []
    for day in days:
        while ahead and day >= ahead[0].start:
            era = ahead.pop(0)
        spell = 0.97 * spell + 0.05 * rng.gauss(0.0, 1.0)
        scale = exp(spell) / 100 / sqrt(252)
        sds.append((era.iwm_vol * scale, era.qqq_vol * scale))
    return sds


def _pair(
    rng: Random, days: Sequence[date], sds: Sequence[tuple[float, float]]
) -> tuple[list[float], list[float]]:
    """Log closes of IWM and QQQ, one a session."""
    shared, own = sqrt(PAIR_CORRELATION), sqrt(1 - PAIR_CORRELATION)
    iwm_steps, qqq_steps = [], []
    for iwm_sd, qqq_sd in sds:
        market = shared * rng.gauss(0.0, 1.0)
        iwm_steps.append(iwm_sd * (market + own * rng.gauss(0.0, 1.0)))
        qqq_steps.append(qqq_sd * (market + own * rng.gauss(0.0, 1.0)))

    fixed = _indexed(days, {day: iwm for day, iwm, _ in PLANTED}) | _last("IWM", len(days))
    walk = bridge(iwm_steps, _indexed(days, {era.start: era.iwm for era in ERAS}) | fixed)
    caps = [log(1 + cap) for cap in _caps(rng, days, RETURN_CAPS_PCT)]
    iwm = held(walk, fixed, caps, WINDOW)

    fixed = _indexed(days, {day: qqq for day, _, qqq in PLANTED}) | _last("QQQ", len(days))
    walk = bridge(qqq_steps, _indexed(days, {era.start: era.qqq for era in ERAS}) | fixed)
    # A cap on the spread is a cap on how far QQQ falls while IWM does what it does: hold it upside down.
    falls = [inf] * len(days)
    for i, cap in enumerate(_caps(rng, days, SPREAD_CAPS_PP)):
        least = exp(iwm[i] - iwm[i - WINDOW]) - cap if i >= WINDOW else 0.0
        if least > 0:
            falls[i] = -log(least)
    flipped = held([-x for x in walk], {i: -x for i, x in fixed.items()}, falls, WINDOW)
    return iwm, [-x for x in flipped]


def _caps(rng: Random, days: Sequence[date], eras: Sequence[tuple[date, float]]) -> list[float]:
    """A cap for each session, as a fraction; infinite before the first era.

    Each is drawn somewhat below its era's, lest clipped sessions line up at one value.
    """
    cap, ahead = inf, list(eras)
    caps = []
    for day in days:
        while ahead and day >= ahead[0][0]:
            cap = ahead.pop(0)[1] / 100
        caps.append(cap * (0.85 + 0.15 * rng.random()))
    return caps


def _indexed(days: Sequence[date], closes: Mapping[date, float]) -> dict[int, float]:
    """Session → close as index of the session → log close."""
    at = {day: i for i, day in enumerate(days)}
    return {at[day]: log(close) for day, close in closes.items()}


def _last(symbol: str, sessions: int) -> dict[int, float]:
    """Index of the session → log close, for the LAST of a history so long."""
    start = sessions - len(LAST[symbol])
    return {start + i: log(close) for i, close in enumerate(LAST[symbol])}


def _drift(symbol: str, sessions: int) -> list[float]:
    """Log of adjusted close over close in each of the last ``sessions`` sessions; 0 in the last."""
    a_session = log(1 - DIVIDENDS[symbol]) / 252
    return [a_session * (sessions - 1 - i) for i in range(sessions)]
