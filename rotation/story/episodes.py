"""What followed: earlier sessions on which a series was as extreme as now, and the spread afterwards.

Nothing after an episode's session enters its choice; an outcome counts only if its last session is settled.
"""

from __future__ import annotations

import re
from statistics import median, quantiles
from typing import TYPE_CHECKING

from rotation.context.figures import Episode, Episodes, Outcomes
from rotation.errors import InputError
from rotation.figures.legs import is_official
from rotation.figures.more_pairs import of_first
from rotation.figures.registry import figures, legs_of, lookup
from rotation.figures.settled import SettledFigures
from rotation.market.records import tie
from rotation.moves import SAME
from rotation.sessions import previous_session

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from rotation.desk import Desk
    from rotation.figures.basis import Basis
    from rotation.figures.figure import Figure, Value
    from rotation.history import History
    from rotation.snapshot import Snapshot

HORIZONS = (5, 20, 60)
LONGEST = 2520
"""Sessions of the longest horizon: ten years."""
LEAST = 10
"""Outcomes below which nothing is said of them."""


class SettledReadings:
    """What a desk's series stood at on each settled session, and what followed: each column made once."""

    def __init__(self, history: History, desk: Desk, through: date) -> None:
        """``through``: the last session that is settled; later rows are not looked at."""
        self._settled = SettledFigures(history, desk, through)
        self._desk = desk
        self.days = self._settled.sessions
        self._columns: dict[str, list[Value]] = {}
        self._after: dict[int, tuple[list[float | None], float | None, int]] = {}

    @classmethod
    def of(cls, basis: Basis) -> SettledReadings | None:
        """Those behind a Snapshot; None while no session is known."""
        through = settled_through(basis.snapshot, basis.desk)
        return None if through is None else cls(basis.history, basis.desk, through)

    def column(self, figure: Figure) -> list[Value]:
        """The figure at each session's close, in the order of ``days``."""
        if figure.id not in self._columns:
            self._columns[figure.id] = self._settled.column(figure)
        return self._columns[figure.id]

    def after(self, horizon: int) -> tuple[list[float | None], float | None, int]:
        """The spread over the sessions after each one, in pp, its median and how many are known."""
        if horizon not in self._after:
            base, against = (self._settled.values(symbol) for symbol in (self._desk.base, self._desk.against))
            spreads = _spreads(base, against, horizon)
            known = [pp for pp in spreads if pp is not None]
            self._after[horizon] = spreads, median(known) if known else None, len(known)
        return self._after[horizon]


def settled_through(snapshot: Snapshot, desk: Desk) -> date | None:
    """The last session in which both legs of the pair are settled, as far as the snapshot shows."""
    shown = snapshot.session
    if shown is None:
        return None
    is_settled = all(is_official(snapshot, symbol) for symbol in (desk.base, desk.against))
    return shown if is_settled else previous_session(shown)


def episodes(
    basis: Basis,
    name: str,
    horizons: Sequence[int] = HORIZONS,
    readings: SettledReadings | None = None,
) -> Episodes:
    """Episodes of ``spread.5`` (or ``spread.5.pp``, ``iwm.return.5``) before the session shown.

    Of ``pair.iwn/ivw.spread.5`` what followed is the spread of that pair. ``readings``: those of the basis,
    or of that pair, where they are made already. Raises InputError for a series without a window, or a bad
    horizon.
    """
    _check(horizons)
    asked, k = _series(name, basis.desk)
    name = asked.id
    read = asked.read(basis.snapshot)
    value = float(read) if isinstance(read, int | float) else None
    figure, basis = of_first(asked, basis) if asked.pair else (asked, basis)
    shown = basis.snapshot.session
    readings = readings or SettledReadings.of(basis)
    if shown is None or readings is None:
        return Episodes(_short(name), None, 0, (), {}, "no session is known")
    days, values = readings.days, readings.column(figure)
    earlier = [row for row, day in enumerate(days) if day < shown]
    chosen = _chosen(values, earlier, value, k) if value is not None else []
    after = {h: readings.after(h) for h in horizons}
    cut_then = basis.cut_then or _unknown
    episodes = tuple(
        Episode(
            date=days[row],
            value=float(values[row]),  # type: ignore[arg-type] # rows without a number are not chosen
            after={str(h): after[h][0][row] for h in horizons},
            cut=cut_then(days[row]),
        )
        for row in chosen
    )
    outcomes = {str(h): _outcomes([after[h][0][row] for row in chosen], *after[h][1:]) for h in horizons}
    note = f"n < {LEAST}: too few" if len(episodes) < LEAST else ""
    return Episodes(_short(name), value, len(episodes), episodes, outcomes, note)


def _unknown(_day: date) -> None:
    """No settlements are kept."""


def _check(horizons: Sequence[int]) -> None:
    if not horizons or any(not 1 <= h <= LONGEST for h in horizons):
        raise InputError(f"--horizon: expected numbers of sessions from 1 to {LONGEST}, such as 5,20,60")


def _series(name: str, desk: Desk) -> tuple[Figure, int]:
    """The figure and its window in sessions."""
    series = name.lower()
    if re.fullmatch(r"(pair\..+\.)?spread\.\d+", series):
        series += ".pp"
    figure = lookup(series, figures(desk))
    spread = re.fullmatch(r"(?:pair\..+\.)?spread\.(\d+)\.pp", series)
    leg = re.fullmatch(r".+\.return\.(\d+)", series)
    if spread or leg:
        return figure, int((spread or leg)[1])  # type: ignore[index]
    windows = ", ".join(f"spread.{k}" for k in desk.windows)
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


def _outcomes(after: Sequence[float | None], middle: float | None, everywhere: int) -> Outcomes:
    known = [pp for pp in after if pp is not None]
    if len(known) < LEAST:
        return Outcomes(len(known), None, None, None, None, middle, everywhere)
    q1, _, q3 = quantiles(known, n=4, method="inclusive")
    share = sum(pp > 0 for pp in known) / len(known)
    return Outcomes(len(known), median(known), q1, q3, share, middle, everywhere)
