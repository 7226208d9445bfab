"""Levels: the price of the base leg, the other as now, at which a statement becomes another.

A figure is a function of the price in ticks. Where it turns is found by bisection in the market's own
arithmetic, so one tick on either side gives the two statements exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from rotation.context.figures import Level
from rotation.figures.figure import RECORD, Value, plain
from rotation.figures.legs import is_official, prefix
from rotation.figures.pair import leader
from rotation.figures.runs import extend, sign, way
from rotation.market.records import is_few
from rotation.market.settled import BACK, Settled, settle
from rotation.moves import SAME
from rotation.story.cut_levels import cut_levels
from rotation.story.turns import first_true, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rotation.figures.basis import Basis
    from rotation.market.records import Records
    from rotation.market.settled import Baseline

TICK = 0.01
PER_UNIT = 100
"""Ticks in one unit of price."""
FARTHEST = 4
"""Levels are looked for up to so many times the price now."""
PERCENTILES = (1.0, 5.0, 95.0, 99.0)
Z_MARKS = (-3.0, -2.0, 2.0, 3.0)

Series = Callable[[int], float | None]
"""A value in percent or pp at a price in ticks."""


class _Turn(msgspec.Struct, frozen=True):
    """One figure turns at this price in ticks."""

    figure: str
    ticks: int
    shown: Callable[[int], Value]
    """The figure's value at a price in ticks."""
    mark: float | None = None


class _Prices(msgspec.Struct, frozen=True):
    """The base leg's figures as functions of its price in ticks."""

    settled: Settled
    base: str
    against: str
    returns: dict[str, float | None]
    """The other leg's, in percent, by window."""
    back: dict[str, float | None]
    """The base leg's value k sessions before."""
    scale: float
    """Value per unit of price."""

    def pct(self, k: int) -> Series:
        """The base leg's return, in the market's own arithmetic (``streaks.return_pct``)."""
        was = self.back[str(k)]

        def at(ticks: int) -> float | None:
            if was is None:
                return None
            value = ticks / PER_UNIT * self.scale
            return 0.0 if abs(value - was) <= SAME * was else (value / was - 1) * 100

        return at

    def pp(self, k: int) -> Series:
        """The spread."""
        own, other = self.pct(k), self.returns[str(k)]

        def at(ticks: int) -> float | None:
            pct = own(ticks)
            return None if pct is None or other is None else pct - other

        return at


def levels(basis: Basis, settled: Settled | None = None) -> list[Level]:
    """All levels of the base leg around its price now, then those of P(cut).

    ``settled``: what history says before the session shown, where it is made already.

    Of every window the next older record above and the one below; where the leader and the streaks turn;
    where percentile and z pass their marks. None of the leg's while it has no price of the session shown.
    """
    snapshot, base = basis.snapshot, basis.desk.base
    leg = snapshot.legs.get(base)
    of_cut = cut_levels(snapshot.fed) if snapshot.fed else []
    prices = _prices(basis, settled)
    if prices is None or leg is None or leg.last is None:
        return of_cut
    last = leg.last
    own = [
        Level(
            figure=turn.figure,
            leg=base,
            price=turn.ticks / PER_UNIT,
            tick=TICK,
            at_or_above=plain(turn.shown(turn.ticks)),
            below=plain(turn.shown(turn.ticks - 1)),
            change_pct=(turn.ticks / PER_UNIT / last - 1) * 100,
            mark=turn.mark,
        )
        for turn in _turns(prices, max(2, round(last * PER_UNIT)))
    ]
    return own + of_cut


def _prices(basis: Basis, settled: Settled | None) -> _Prices | None:
    """None where the base leg has no figures of the session shown."""
    snapshot, desk = basis.snapshot, basis.desk
    leg, other = snapshot.legs.get(desk.base), snapshot.legs.get(desk.against)
    if leg is None or snapshot.session is None or leg.session != snapshot.session:
        return None
    settled = settled or settle(basis.history, snapshot.session, desk)
    row = next((each for each in settled.table.iter_rows(named=True) if each["symbol"] == desk.base), None)
    scale = _scale(basis, row["scale"]) if row else None
    if row is None or scale is None or leg.return_pct["1"] is None:
        return None
    return _Prices(
        settled=settled,
        base=desk.base,
        against=desk.against,
        returns=other.return_pct if other else dict.fromkeys(map(str, settled.windows)),
        back={str(k): row[f"{BACK}{k}"] for k in settled.windows},
        scale=scale,
    )


def _scale(basis: Basis, scale: float | None) -> float | None:
    """Value per unit of price: by the session's own closes where those are shown, else by the last before."""
    session, desk = basis.snapshot.session, basis.desk
    if session is None or desk.returns != "total" or not is_official(basis.snapshot, desk.base):
        return scale
    for symbol, _, close, adjusted in basis.history.on(session).iter_rows():
        if symbol == desk.base and close is not None and adjusted is not None:
            return float(adjusted / close)
    return scale


def _turns(prices: _Prices, now: int) -> Iterator[_Turn]:
    spread, leg = prices.settled.spread, prices.settled.legs[prices.base]
    p, windows = prefix(prices.base), prices.settled.windows
    for k in windows:
        yield from _since(f"spread.{k}.since", prices.pp(k), spread.records[k], now)
        yield from _since(f"{p}.since.{k}", prices.pct(k), leg.records[k], now)
    for k in windows:
        yield from _leader(prices, k, now)
    yield from _run(f"{p}.streak.with_today", prices.pct(1), way, leg, now)
    yield from _run("relative_streak", prices.pp(1), sign, spread, now)
    for k in windows:
        yield from _marks(
            f"spread.{k}.percentile", prices.pp(k), spread.records[k].percentile, PERCENTILES, now
        )
        if not is_few(k):
            yield from _marks(f"spread.{k}.z", prices.pp(k), spread.records[k].z, Z_MARKS, now)


def _since(figure: str, series: Series, records: Records, now: int) -> Iterator[_Turn]:
    if series(now) is None or records.since(0.0) is None:
        return

    def shown(ticks: int) -> Value:
        since = records.since(series(ticks))
        return None if since is None else since.date or RECORD

    def is_rise(ticks: int) -> bool:
        value = series(ticks)
        return value is not None and value >= 0

    # Within a side the date moves one way; rises and falls are compared with their own kind.
    rises_from = first_true(is_rise, 1, FARTHEST * now)
    for ticks in nearest(shown, now, FARTHEST * now, split=rises_from):
        yield _Turn(figure, ticks, shown)


def _leader(prices: _Prices, k: int, now: int) -> Iterator[_Turn]:
    series = prices.pp(k)

    def shown(ticks: int) -> Value:
        return leader(series(ticks), prices.base, prices.against)

    if series(now) is not None:
        yield from (_Turn(f"spread.{k}.leader", at, shown) for at in nearest(shown, now, FARTHEST * now))


def _run(
    figure: str, series: Series, way_of: Callable[[float | None], int | None], baseline: Baseline, now: int
) -> Iterator[_Turn]:
    def shown(ticks: int) -> Value:
        return extend(baseline.before, way_of(series(ticks)))

    if series(now) is not None and baseline.before.direction is not None:
        yield from (_Turn(figure, at, shown) for at in nearest(shown, now, FARTHEST * now))


def _marks(
    figure: str,
    series: Series,
    rank: Callable[[float | None], float | None],
    marks: tuple[float, ...],
    now: int,
) -> Iterator[_Turn]:
    """Where a figure that rises with the price passes each mark."""
    if series(now) is None or rank(0.0) is None:
        return

    def shown(ticks: int) -> Value:
        return rank(series(ticks))

    for mark in marks:

        def has_passed(ticks: int, mark: float = mark) -> bool:
            value = rank(series(ticks))
            return value is not None and value >= mark

        ticks = first_true(has_passed, 1, FARTHEST * now)
        if ticks is not None and ticks > 1:
            yield _Turn(figure, ticks, shown, mark)
