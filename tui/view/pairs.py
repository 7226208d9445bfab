"""The pair that a viewer looks at, in the place of the first one: every panel then shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from rotation.snapshot import PairView, Snapshot

LATER = "{}: no figures in the Snapshot on screen; they come with the next one shown."


def of_pair(snapshot: Snapshot, pair: str) -> Snapshot:
    """The Snapshot with this pair's spread, ratio and headline; "" is the first, as is a name it lacks.

    The first pair's comparison with the Fed is left out; levels and episodes are this pair's. Value against
    growth, breadth and the graph are the desk's.
    """
    if pair not in snapshot.pairs:
        return snapshot
    view = snapshot.pairs[pair] or _blank(pair, snapshot)
    fed = snapshot.fed and msgspec.structs.replace(snapshot.fed, comovement=None)
    return msgspec.structs.replace(
        snapshot,
        spread=view.spread,
        ratio=view.ratio,
        headline=view.headline,
        headline_status=view.headline_status,
        data_as_of=view.data_as_of,
        connection=view.connection,
        fed=fed,
        story=view.story,
    )


def _blank(pair: str, snapshot: Snapshot) -> PairView:
    """Of a pair that nobody looked at when the Snapshot was made."""
    from rotation.snapshot import (  # noqa: PLC0415 - the first paint has no Snapshot
        PairView,
        Ratio,
        Spread,
        SpreadWindow,
        Streak,
    )

    base, _, against = pair.partition("/")
    windows = {k: SpreadWindow(None, None, None, None, 0) for k in snapshot.spread.windows}
    return PairView(
        Spread(base, against, Streak(None, None, provisional=False), None, windows),
        Ratio(base, against, None, None, (), (), snapshot.ratio.minutes),
        LATER.format(pair),
    )


class PairOnScreen:
    """``of_pair`` of one Snapshot after the other: the same object while the Snapshot is the same."""

    def __init__(self) -> None:
        self._snapshot: Snapshot | None = None
        self._made: dict[str, Snapshot] = {}

    def of(self, snapshot: Snapshot | None, pair: str) -> Snapshot | None:
        """None while the desk is loading."""
        if snapshot is None or not pair:
            return snapshot
        if snapshot is not self._snapshot:
            self._snapshot, self._made = snapshot, {}
        if pair not in self._made:
            self._made[pair] = of_pair(snapshot, pair)
        return self._made[pair]
