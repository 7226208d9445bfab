"""Levels and episodes, frozen: part of the Snapshot and of its JSON where they are asked for."""

from __future__ import annotations

import datetime as dt

import msgspec


class Level(msgspec.Struct, frozen=True):
    """The price at which one figure turns."""

    figure: str
    leg: str
    """Whose price it is: the base leg, or of P(cut) a contract."""
    price: float
    """From this price on the figure is ``at_or_above``."""
    tick: float
    at_or_above: float | int | str | bool | None
    below: float | int | str | bool | None
    """The figure one tick below ``price``."""
    change_pct: float | None
    """From the price now to ``price``, in percent."""
    mark: float | None = None
    """The percentile, z or probability that is passed there; None of a date, a leader or a streak."""


class Episode(msgspec.Struct, frozen=True):
    """One earlier session at least as extreme in the same direction."""

    date: dt.date
    value: float
    after: dict[str, float | None]
    """Horizon in sessions → base return minus against return from this close on, in pp; None: not settled."""
    cut: float | None = None
    """P(cut at the meeting that was next) by that day's settlements, a share of 1; None without them."""


class Outcomes(msgspec.Struct, frozen=True):
    """What followed over one horizon, in pp. All but the counts are None below ten outcomes."""

    n: int
    median: float | None
    q1: float | None
    """Quartiles by linear interpolation between ranks."""
    q3: float | None
    share_positive: float | None
    """Share of 1 that is above 0."""
    all_median: float | None
    """Median over all sessions, episodes or not."""
    all_n: int


class Episodes(msgspec.Struct, frozen=True):
    """The answer for one series at one moment."""

    figure: str
    value: float | None
    n: int
    episodes: tuple[Episode, ...]
    after: dict[str, Outcomes]
    note: str = ""
    """Why nothing is said; empty where something is."""


class HistoryLine(msgspec.Struct, frozen=True):
    """The settled values of one series before the session shown, and the widest readings among them."""

    points: tuple[tuple[dt.date, float], ...]
    """Oldest first; of a long series the lowest and the highest value of each stretch."""
    n: int
    """Settled values that they stand for."""
    low: tuple[dt.date, float] | None
    """The lowest of all, the latest of equal ones; None without values."""
    high: tuple[dt.date, float] | None
    leads: tuple[Episode, ...] = ()
    """Of a spread: the largest readings above 0, at least a window apart, the largest first."""
    gaps: tuple[Episode, ...] = ()
    """The same below 0, the smallest first."""


class Story(msgspec.Struct, frozen=True):
    """What changes the statements of now, and what followed when they read like this before."""

    levels: tuple[Level, ...]
    """Of the base leg, then of P(cut); none while the base leg has no price of the session shown."""
    episodes: dict[str, Episodes]
    """``spread.1`` … ``spread.252``: of the spread over every window."""
