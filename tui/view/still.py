"""A screen on which nothing moves but values: ages in whole minutes, and a clock without seconds."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from rotation.status import Kind, PriceStatus
from rotation.wording import parse_word, state_word, word

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from rotation.fed.figures import Fed, FedContract, FedEngine
    from rotation.graph.figures import Trail
    from rotation.macro.figures import Macro
    from rotation.snapshot import FeedHealth, Leg, Snapshot
    from rotation.status import Connection, DerivedStatus

    Status = TypeVar("Status", PriceStatus, DerivedStatus, Connection)
    Price = TypeVar("Price", FedContract, FedEngine)

MINUTE_S = 60.0
STILL = ("NO_MOTION", "TEXTUAL_ANIMATIONS")
"""Variables by which a person asks any program for less motion; the second says so with ``none``."""
SENTENCE = ("session", "legs", "spread", "fed", "clauses", "headline_status")
"""What a headline is made of."""


def moves(choice: str, environ: Mapping[str, str]) -> bool:
    """Whether ages tick, by ``screen.motion``: auto is on unless the environment asks for less."""
    if choice != "auto":
        return choice == "on"
    asks = environ.get("NO_MOTION", "").strip() or environ.get("TEXTUAL_ANIMATIONS", "").strip() == "none"
    return not asks


class StillScreen:
    """One Snapshot after the other; the same object while nothing has changed but ages and the clock."""

    def __init__(self) -> None:
        self._shown: Snapshot | None = None

    def of(self, snapshot: Snapshot | None) -> Snapshot | None:
        """None while the desk is loading."""
        if snapshot is None:
            return None
        made, before = still(snapshot), self._shown
        if before is not None:
            # The sentence says how old a bad price is; it is written anew with the next value or minute.
            if made.as_of == before.as_of and all(
                getattr(made, name) == getattr(before, name) for name in SENTENCE
            ):
                made = replace(made, headline=before.headline)
            if replace(made, seq=before.seq) == before:
                return before
        self._shown = made
        return made


def still(snapshot: Snapshot) -> Snapshot:
    """The Snapshot with its time at the minute before, and every age rounded up to minutes."""
    return replace(
        snapshot,
        as_of=snapshot.as_of.replace(second=0, microsecond=0),
        legs={symbol: _leg(leg) for symbol, leg in snapshot.legs.items()},
        spread=replace(
            snapshot.spread,
            windows={
                k: replace(window, status=_status(window.status))
                for k, window in snapshot.spread.windows.items()
            },
        ),
        ratio=replace(snapshot.ratio, status=_status(snapshot.ratio.status)),
        connection=_status(snapshot.connection),
        headline_status=_status(snapshot.headline_status),
        fed=snapshot.fed and _fed(snapshot.fed),
        macro=snapshot.macro and _macro(snapshot.macro),
        breadth=snapshot.breadth
        and replace(
            snapshot.breadth,
            indices={
                fund: replace(index, status=_status(index.status))
                for fund, index in snapshot.breadth.indices.items()
            },
        ),
        banks={fund: replace(lead, status=_status(lead.status)) for fund, lead in snapshot.banks.items()},
        graph=snapshot.graph
        and replace(
            snapshot.graph, weekly=_trails(snapshot.graph.weekly), daily=_trails(snapshot.graph.daily)
        ),
        health=replace(snapshot.health, feeds=tuple(map(_feed, snapshot.health.feeds))),
        explained={
            name: replace(each, status=_dated(each.status, snapshot.as_of))
            for name, each in snapshot.explained.items()
        },
    )


def _minutes(age_s: float | None) -> float | None:
    """Rounded up: what is shown is never younger than it is."""
    return None if age_s is None else MINUTE_S * max(1, ceil(age_s / MINUTE_S))


def _status(status: Status | None) -> Status | None:
    """A settled close counts whole days."""
    if status is None or status.kind is Kind.CLOSED:
        return status
    return replace(status, age_s=_minutes(status.age_s))


def _dated(status: DerivedStatus | None, now: dt.datetime) -> DerivedStatus | None:
    """Made in which minute, and how long before now: a sheet says both, and is made anew only for prices."""
    if status is None or status.as_of is None:
        return _status(status)
    age_s = max((now - status.as_of).total_seconds(), 0.0)
    return replace(status, as_of=status.as_of.replace(second=0, microsecond=0), age_s=_minutes(age_s))


def _state(state: str, status: PriceStatus | None) -> str:
    return state if status is None else word(status)


def _trails(trails: dict[str, Trail]) -> dict[str, Trail]:
    return {symbol: replace(trail, status=_status(trail.status)) for symbol, trail in trails.items()}


def _feed(feed: FeedHealth) -> FeedHealth:
    state, delay_s, age_s = parse_word(feed.state)
    is_aged = state is Kind.STALE and age_s is not None
    return replace(
        feed,
        state=state_word(state, delay_s=delay_s, age_s=_minutes(age_s)) if is_aged else feed.state,
        stats=feed.stats and replace(feed.stats, age_s=_minutes(feed.stats.age_s)),
    )


def _leg(leg: Leg) -> Leg:
    status = _status(leg.status)
    assert status is not None
    return replace(
        leg,
        status=status,
        state=word(status),
        age_s=_minutes(leg.age_s),
        quote_age_s=_minutes(leg.quote_age_s),
    )


def _fed(fed: Fed) -> Fed:
    status = _status(fed.status)
    return replace(
        fed,
        status=status,
        state=_state(fed.state, status),
        engines={name: _priced(engine) for name, engine in fed.engines.items()},
        contracts=tuple(map(_priced, fed.contracts)),
    )


def _priced(price: Price) -> Price:
    status = _status(price.status)
    return replace(price, age_s=_minutes(price.age_s), status=status, state=_state(price.state, status))


def _macro(macro: Macro) -> Macro:
    return replace(
        macro,
        sources={name: replace(each, age_s=_minutes(each.age_s)) for name, each in macro.sources.items()},
    )
