"""Generated histories and sessions, larger than any that is at hand. The same for everyone: fixed seeds."""

from __future__ import annotations

from datetime import date, timedelta
from math import exp
from random import Random
from typing import TYPE_CHECKING

import polars as pl

from rotation.desk import Desk
from rotation.history import History
from rotation.quote import NS, Quote
from rotation.sessions import open_ns, sessions_between

if TYPE_CHECKING:
    from collections.abc import Sequence

SESSION = date(2024, 7, 16)
TWELVE = (*Desk().legs, "MDY", "EEM")
"""The desk's ten legs and two more."""
MINUTE_S = 60


def symbols(count: int) -> list[str]:
    """The twelve, then made-up members of an index; fewer than twelve are the first of them."""
    return [*TWELVE, *(f"M{i:04d}" for i in range(count - len(TWELVE)))][:count]


def last_sessions(count: int) -> list[date]:
    """So many NYSE sessions before SESSION, by the calendar that the market itself uses."""
    first = SESSION - timedelta(days=count * 365 // 250 + 30)
    return sessions_between(first, SESSION)[-count - 1 : -1]


def history(names: Sequence[str], sessions: int) -> History:
    """Random walks of closes in cents, and adjusted closes, of every symbol on every session."""
    return History(frame(names, sessions), "generated")


def frame(names: Sequence[str], sessions: int) -> pl.DataFrame:
    """``history`` as the frame under it."""
    days = pl.Series("date", last_sessions(sessions))
    return pl.concat([_series(name, days) for name in names])


def _series(name: str, days: pl.Series) -> pl.DataFrame:
    dice = Random(name)
    level, levels = 0.0, []
    for _ in range(len(days)):
        level += dice.gauss(0.0, 0.012)
        levels.append(level)
    # Every walk ends near 100, so that prices of a session can be drawn around its last close.
    closes = [round(100 * exp(level - levels[-1]), 2) for level in levels]
    return pl.DataFrame({"date": days, "close": [max(close, 0.01) for close in closes]}).select(
        pl.lit(name).alias("symbol"), "date", "close", adj_close=pl.col("close")
    )


class Prints:
    """An endless session: every call is the next second, in which the named symbols print once."""

    def __init__(self, names: Sequence[str], seed: int = 1) -> None:
        self._dice = Random(seed)
        self._names = tuple(names)
        self._level = dict.fromkeys(names, 0.0)
        self._seq = 0
        self.now_ns = open_ns(SESSION)

    def second(self, only: int | None = None) -> list[Quote]:
        """One print of each symbol, or of the first ``only``, in cents around 100."""
        self.now_ns += NS
        return [self._print(name) for name in self._names[:only]]

    def _print(self, name: str) -> Quote:
        self._seq += 1
        self._level[name] += self._dice.gauss(0.0, 0.0004)
        price = round(101 * exp(self._level[name]), 2)
        return Quote(name, self.now_ns, price, self._seq, 100)
