"""Which legs are shown in which order: lists, groups, the filter and the sort."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from tui.view.view_state import filter_of

if TYPE_CHECKING:
    from rotation.snapshot import Leg, Snapshot
    from tui.view.view_state import ViewState


class Block(NamedTuple):
    """Legs that are shown together."""

    name: str
    """Stands above them; "" for none."""
    legs: dict[str, Leg]
    absent: tuple[str, ...] = ()
    """Symbols of which nothing is known yet."""


def blocks(snapshot: Snapshot, view: ViewState) -> list[Block]:
    """What is shown: filtered, and sorted inside each block."""
    wanted = filter_of(view, "legs")
    return [
        Block(
            block.name,
            {
                symbol: block.legs[symbol]
                for symbol in _sorted(block.legs, view)
                if wanted in f"{symbol} {block.legs[symbol].name}".casefold()
            },
            tuple(symbol for symbol in block.absent if wanted in symbol.casefold()),
        )
        for block in _lists(snapshot, view)
    ]


def height_of(snapshot: Snapshot, view: ViewState) -> int:
    """Lines of legs and headings, whatever the filter: places stand while one types."""
    return sum(len(each.legs) + len(each.absent) + bool(each.name) for each in _lists(snapshot, view))


def with_order(view: ViewState, snapshot: Snapshot | None) -> ViewState:
    """The view with the order of its legs held while they are in focus, and let go when they are not."""
    if snapshot is None:
        return view
    if view.focus != "legs" or not view.sort:
        return msgspec.structs.replace(view, order=()) if view.order else view
    if view.order:
        return view
    order = tuple(symbol for block in _lists(snapshot, view) for symbol in _sorted(block.legs, view))
    return msgspec.structs.replace(view, order=order)


def _lists(snapshot: Snapshot, view: ViewState) -> list[Block]:
    """The watch list that the viewer has chosen; else the desk's own legs, then its groups."""
    chosen = [each for each in snapshot.lists if each.is_watchlist and each.name == view.list]
    lists = chosen or [each for each in snapshot.lists if not each.is_watchlist]
    if not lists:
        return [Block("", snapshot.legs)]
    return [
        Block(
            each.name,
            {symbol: snapshot.legs[symbol] for symbol in each.symbols if symbol in snapshot.legs},
            tuple(symbol for symbol in each.symbols if symbol not in snapshot.legs) if each.name else (),
        )
        for each in lists
    ]


def _sorted(legs: dict[str, Leg], view: ViewState) -> list[str]:
    """Unknown figures last, either way round."""
    if not view.sort:
        return list(legs)
    if view.order:
        places = {symbol: place for place, symbol in enumerate(view.order)}
        return sorted(legs, key=lambda symbol: places.get(symbol, len(places)))
    if view.sort == "symbol":
        return sorted(legs, reverse=view.is_rising)
    values = {symbol: _value(leg, view) for symbol, leg in legs.items()}
    known = {symbol: value for symbol, value in values.items() if value is not None}
    ranked = sorted(known, key=known.__getitem__, reverse=not view.is_rising)
    return [*ranked, *(symbol for symbol in legs if symbol not in known)]


def _value(leg: Leg, view: ViewState) -> float | None:
    if view.sort == "streak":
        return leg.streak.with_today
    return leg.return_pct.get("1" if view.sort == "day" else str(view.window))
