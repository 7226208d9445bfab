"""The pairs of the desk in the snapshot: the first always, of the others those that somebody looks at."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from rotation.desk import pair_name
from rotation.market.assemble import Pair
from rotation.market.derived import gap_limit_s, of_connection, of_pair, of_sentence
from rotation.market.headline import headline
from rotation.market.ratios import MinuteChanges, MinuteLine
from rotation.sessions import new_york_day, phase_at
from rotation.snapshot import PairView

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from rotation.desk import Desk
    from rotation.fed.figures import Fed
    from rotation.market.assemble import Charts, Moment
    from rotation.market.past.look_back import LookBack
    from rotation.market.rows import Figures, Row
    from rotation.market.session_filter import SessionFilter
    from rotation.market.settled import Baseline
    from rotation.market.streaks import Before
    from rotation.snapshot import Leg


class Shown(NamedTuple):
    """What pairs are made of in one snapshot."""

    rows: Mapping[str, Row]
    spreads: Mapping[tuple[str, str], Figures]
    legs: dict[str, Leg]
    session_filter: SessionFilter
    now: Moment
    fed: Fed | None


class PairsNow:
    """All pairs of one session, over one look-back."""

    def __init__(self, desk: Desk, made: LookBack) -> None:
        """None of the more pairs is shown yet."""
        settled = made.settled
        self._first = _PairNow(desk, settled.spread if settled else None, made.charts, made.closed)
        gaps = dict(desk.pair_gaps)
        desks = (
            replace(
                desk,
                base=pair[0],
                against=pair[1],
                pairs=(),
                leg_gap_s=gaps.get(pair_name(pair), desk.leg_gap_s),
            )
            for pair in desk.pairs
        )
        baselines = settled.pairs if settled else (None,) * len(desk.pairs)
        self._more = {
            pair_name(each.pair): each
            for each in map(_PairNow, desks, baselines, made.pairs, made.pairs_closed)
        }
        self.shown: AbstractSet[str] = frozenset()
        """The more ones that are shown, by name."""

    def show(self, names: AbstractSet[str]) -> dict[tuple[str, str], Before]:
        """Show these, by name; how the spreads that are then wanted stood before the session."""
        for name in names - self.shown:
            self._more[name].begin()
        self.shown = names
        wanted = (self._first, *(self._more[name] for name in self._more if name in names))
        return {each.pair: each.baseline.before for each in wanted if each.baseline is not None}

    def close(self) -> None:
        """The bell has rung, and history has the session's closes."""
        for each in (self._first, *self._more.values()):
            each.charts = each.closed

    def snapshot(self, shown: Shown) -> tuple[PairView, dict[str, PairView | None]]:
        """The first pair, and the more ones by name: None where nobody looks."""
        changes = MinuteChanges()
        first = self._first.view(shown, changes)
        more = {
            name: each.view(shown, changes) if name in self.shown else None
            for name, each in self._more.items()
        }
        return first, more


class _PairNow:
    """One pair."""

    def __init__(self, desk: Desk, baseline: Baseline | None, charts: Charts, closed: Charts) -> None:
        """``desk``: with this pair as its own. ``closed``: the charts after the session's bell."""
        self.desk = desk
        self.pair = (desk.base, desk.against)
        self.baseline = baseline
        self.charts = charts
        self.closed = closed
        self.begin()

    def begin(self) -> None:
        """Nothing is remembered of what was shown before."""
        self._spread = Pair(self.desk, self.baseline)
        self._today = MinuteLine()

    def view(self, shown: Shown, changes: MinuteChanges) -> PairView:
        rows, spreads, legs, session_filter, now, fed = shown
        desk = self.desk
        base, against = rows.get(desk.base), rows.get(desk.against)
        statuses = {symbol: legs[symbol].status for symbol in self.pair if symbol in legs}
        limit_s = gap_limit_s(desk, phase_at(now.as_of_ns))
        status = of_pair(statuses, desk, limit_s)
        spread = self._spread.spread(base, against, spreads.get(self.pair), status)
        today = new_york_day(now.as_of_ns)
        times = [each.as_of for each in statuses.values()]
        return PairView(
            spread=spread,
            ratio=self.charts.ratio(base, against, self._today, session_filter, status, changes),
            headline=headline(legs, spread, now.session, fed, today=today, limit_s=limit_s),
            headline_status=of_sentence(statuses, desk, status, fed),
            data_as_of=min((time for time in times if time is not None), default=None),
            connection=of_connection(statuses, {symbol: legs[symbol].settled_session for symbol in statuses}),
        )
