"""The story of one Snapshot after the other: what history gives is made once a session, not once a tick."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from rotation.context.figures import Story
from rotation.market.settled import settle
from rotation.story.episodes import SettledReadings, episodes, settled_through
from rotation.story.levels import levels
from rotation.story.lines import spread_line

if TYPE_CHECKING:
    from rotation.context.figures import Episodes, HistoryLine
    from rotation.desk import Desk
    from rotation.fed.figures import Fed
    from rotation.figures.basis import Basis
    from rotation.market.settled import Settled
    from rotation.snapshot import Leg, Spread


class StoryNow:
    """Levels and episodes of a running desk."""

    def __init__(self) -> None:
        self._of: tuple[object, ...] = ()
        """What ``_settled`` and ``_readings`` were made of."""
        self._settled: Settled | None = None
        self._readings: SettledReadings | None = None
        self._prices: tuple[Leg | None, Leg | None, Spread, Fed | None] | None = None
        self._story: Story | None = None
        self._lines: dict[int, HistoryLine] = {}
        """By window."""

    def of(self, basis: Basis) -> Story:
        """The story of this basis; the one before where no price that it rests on has changed."""
        self._begin(basis)
        snapshot, desk = basis.snapshot, basis.desk
        if self._settled is None and snapshot.session:
            self._settled = settle(basis.history, snapshot.session, _pair_of(desk))
        legs = snapshot.legs
        prices = (legs.get(desk.base), legs.get(desk.against), snapshot.spread, snapshot.fed)
        if self._story is None or self._prices is None or _differ(self._prices, prices):
            self._prices = prices
            self._story = Story(tuple(levels(basis, self._settled)), self._episodes(basis))
        return self._story

    def line(self, basis: Basis, k: int) -> HistoryLine | None:
        """The pair's spread over k sessions, at every settled session; None while no session is known."""
        self._begin(basis)
        shown = basis.snapshot.session
        if shown is None or self._readings is None:
            return None
        if k not in self._lines:
            self._lines[k] = spread_line(self._readings, basis.desk, k, shown, basis.cut_then)
        return self._lines[k]

    def _begin(self, basis: Basis) -> None:
        """Forget what was made of another history, desk or session, or before its closes were in."""
        snapshot, desk = basis.snapshot, basis.desk
        made_of = (basis.history, desk, snapshot.session, settled_through(snapshot, desk))
        if len(self._of) == len(made_of) and not any(
            was is not now and was != now for was, now in zip(self._of, made_of, strict=True)
        ):
            return
        self._of, self._prices, self._lines, self._settled = made_of, None, {}, None
        self._readings = SettledReadings.of(basis)

    def _episodes(self, basis: Basis) -> dict[str, Episodes]:
        names = [f"spread.{k}" for k in basis.desk.windows]
        return {name: episodes(basis, name, readings=self._readings) for name in names}


def _pair_of(desk: Desk) -> Desk:
    """The first pair alone: levels rest on no other leg, and each costs as much to look back over."""
    return replace(desk, legs=(desk.base, desk.against), pairs=(), lists=())


def _differ(
    before: tuple[Leg | None, Leg | None, Spread, Fed | None],
    now: tuple[Leg | None, Leg | None, Spread, Fed | None],
) -> bool:
    """Whether a price or an odd is another one; ages alone change nothing here."""
    was = [leg and leg.last for leg in before[:2]]
    lasts = [leg and leg.last for leg in now[:2]]
    pps = [{k: window.pp for k, window in spread.windows.items()} for spread in (before[2], now[2])]
    cuts = [fed and (fed.cut, fed.breakevens) for fed in (before[3], now[3])]
    return was != lasts or pps[0] != pps[1] or cuts[0] != cuts[1]
