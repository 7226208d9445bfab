"""What followed: earlier sessions on which a series was as extreme as now, and the spread afterwards.

Nothing after an episode's session enters its choice; an outcome counts only if its last session is settled.
"""

from __future__ import annotations

import datetime as dt
import re
from statistics import median, quantiles
from typing import TYPE_CHECKING

import msgspec

from rotation.desk import WINDOWS
from rotation.errors import InputError
from rotation.figures.legs import is_official
from rotation.figures.registry import figures, legs_of, lookup
from rotation.figures.settled import SettledFigures
from rotation.market.records import tie
from rotation.moves import SAME
from rotation.sessions import previous_session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rotation.desk import Desk
    from rotation.figures.basis import Basis

HORIZONS = (5, 20, 60)
LONGEST = 2520
"""Sessions of the longest horizon: ten years."""
LEAST = 10
"""Outcomes below which nothing is said of them."""


class Episode(msgspec.Struct, frozen=True):
    """One earlier session at least as extreme in the same direction."""

    date: dt.date
    value: float
    after: dict[str, float | None]
    """Horizon in sessions → base return minus against return from this close on, in pp; None: not settled."""


class Outcomes(msgspec.Struct, frozen=True):
    """What followed over one horizon, in pp. All but the counts are None below LEAST outcomes."""

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


def episodes(basis: Basis, name: str, horizons: Sequence[int] = HORIZONS) -> Episodes:
    """Episodes of ``spread.5`` (or ``spread.5.pp``, ``iwm.return.5``) before the session shown.

    Raises InputError for a series without a window, or a horizon that is none.
    """
    _check(horizons)
    desk, snapshot = basis.desk, basis.snapshot
    name, k = _series(name, desk)
    table = figures(desk)
    read = table[name].read(snapshot)
    value = float(read) if isinstance(read, int | float) else None
    shown = snapshot.session
    if shown is None:
        return Episodes(_short(name), None, 0, (), {}, "no session is known")
    is_settled = all(is_official(snapshot, symbol) for symbol in (desk.base, desk.against))
    settled = SettledFigures(basis.history, desk, shown if is_settled else previous_session(shown))
    days, values = settled.sessions, settled.column(table[name])
    earlier = [row for row, day in enumerate(days) if day < shown]
    chosen = _chosen(values, earlier, value, k) if value is not None else []
    base, against = (settled.values(symbol) for symbol in (desk.base, desk.against))
    after = {h: _spreads(base, against, h) for h in horizons}
    episodes = tuple(
        Episode(days[row], float(values[row]), {str(h): after[h][row] for h in horizons})  # type: ignore[arg-type]
        for row in chosen
    )
    outcomes = {str(h): _outcomes([after[h][row] for row in chosen], after[h]) for h in horizons}
    note = f"n < {LEAST}: too few" if len(episodes) < LEAST else ""
    return Episodes(_short(name), value, len(episodes), episodes, outcomes, note)


def _check(horizons: Sequence[int]) -> None:
    if not horizons or any(not 1 <= h <= LONGEST for h in horizons):
        raise InputError(f"--horizon: expected numbers of sessions from 1 to {LONGEST}, such as 5,20,60")


def _series(name: str, desk: Desk) -> tuple[str, int]:
    """The figure and its window in sessions."""
    series = name.lower()
    if re.fullmatch(r"spread\.\d+", series):
        series += ".pp"
    figure = lookup(series, figures(desk))
    spread = re.fullmatch(r"spread\.(\d+)\.pp", series)
    leg = re.fullmatch(r".+\.return\.(\d+)", series)
    if spread or leg:
        return figure.id, int((spread or leg)[1])  # type: ignore[index]
    windows = ", ".join(f"spread.{k}" for k in WINDOWS)
    example = f"{legs_of(desk)[0].lower()}.return.5"
    raise InputError(
        f"{name!r} is not a series with a window: expected {windows} or a return such as {example}"
    )


def _short(name: str) -> str:
    """``spread.5`` of ``spread.5.pp``."""
    return name.removesuffix(".pp")


def _chosen(values: Sequence[object], earlier: Sequence[int], value: float, k: int) -> list[int]:
    """Chronologically the rows at least as extreme, each at least k sessions after the one before."""
    chosen: list[int] = []
    for row in earlier:
        was = values[row]
        if not isinstance(was, int | float) or (chosen and row - chosen[-1] < k):
            continue
        if (was >= value - tie(value)) if value >= 0 else (was <= value + tie(value)):
            chosen.append(row)
    return chosen


def _spreads(base: Sequence[float | None], against: Sequence[float | None], h: int) -> list[float | None]:
    """At every row the spread over the h sessions after it; None while its last session is not settled."""
    return [
        None if None in (own := _pct(base, row, h), other := _pct(against, row, h)) else own - other  # type: ignore[operator]
        for row in range(len(base))
    ]


def _pct(values: Sequence[float | None], row: int, h: int) -> float | None:
    was, now = values[row], values[row + h] if row + h < len(values) else None
    if was is None or now is None:
        return None
    return 0.0 if abs(now - was) <= SAME * was else (now / was - 1) * 100


def _outcomes(after: Sequence[float | None], everywhere: Sequence[float | None]) -> Outcomes:
    known = [pp for pp in after if pp is not None]
    every = [pp for pp in everywhere if pp is not None]
    middle = median(every) if every else None
    if len(known) < LEAST:
        return Outcomes(len(known), None, None, None, None, middle, len(every))
    q1, _, q3 = quantiles(known, n=4, method="inclusive")
    share = sum(pp > 0 for pp in known) / len(known)
    return Outcomes(len(known), median(known), q1, q3, share, middle, len(every))
