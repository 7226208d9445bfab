"""Figures of the desk's more pairs: ``pair.iwn/ivw.spread.5.pp`` is ``spread.5.pp`` of IWN against IVW."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from rotation.context.wants import pair_wanted
from rotation.desk import pair_name, pair_prefix
from rotation.figures.pair import pair_figures

if TYPE_CHECKING:
    from rotation.desk import Desk
    from rotation.figures.basis import Basis
    from rotation.figures.figure import Figure, Status, Value
    from rotation.snapshot import Snapshot

PAIR = "pair."
"""How the ids of all of them begin."""


def desk_of(desk: Desk, pair: str) -> Desk:
    """The desk as if this pair, one of its more ones, were its first and only one."""
    base, _, against = pair.partition("/")
    return replace(desk, base=base, against=against, pairs=())


def snapshot_of(snapshot: Snapshot, pair: str) -> Snapshot | None:
    """The Snapshot with this pair's spread and ratio as the first; None where it has none of them."""
    view = snapshot.pairs.get(pair)
    return None if view is None else replace(snapshot, spread=view.spread, ratio=view.ratio)


def more_pair_figures(desk: Desk) -> list[Figure]:
    """What ``pair_figures`` has of the first pair, of each of the others."""
    return [
        _of(figure, name)
        for name in map(pair_name, desk.pairs)
        for figure in pair_figures(desk_of(desk, name), pair_prefix(name))
    ]


def _of(figure: Figure, pair: str) -> Figure:
    """The same figure, read from that pair's part of a Snapshot; unknown where nobody asked for it."""
    read, status = figure.read, figure.status

    def read_pair(snapshot: Snapshot) -> Value:
        seen = snapshot_of(snapshot, pair)
        return None if seen is None else read(seen)

    def pair_status(snapshot: Snapshot) -> Status:
        seen = snapshot_of(snapshot, pair)
        return None if seen is None else status(seen)

    return replace(
        figure, read=read_pair, status=pair_status, pair=pair, wants=frozenset({pair_wanted(pair)})
    )


def basis_of(basis: Basis, pair: str) -> Basis | None:
    """The basis as if this pair, one of the desk's more ones, were its first; None while it is not shown."""
    seen = snapshot_of(basis.snapshot, pair)
    return None if seen is None else replace(basis, snapshot=seen, desk=desk_of(basis.desk, pair))


def of_first(figure: Figure, basis: Basis) -> tuple[Figure, Basis]:
    """The figure of the first pair that says the same of a basis whose first pair is the figure's."""
    desk = desk_of(basis.desk, figure.pair)
    names = {each.id: each for each in pair_figures(desk)}
    seen = snapshot_of(basis.snapshot, figure.pair) or basis.snapshot
    return names[figure.id.removeprefix(pair_prefix(figure.pair))], replace(basis, snapshot=seen, desk=desk)
