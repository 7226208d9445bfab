"""What the rotation graph says, frozen: part of the Snapshot and of its JSON.

Ratio and momentum are around 100: above it a leg leads the benchmark, or gains on it. None is unknown.
"""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from math import atan2, degrees, hypot
from typing import Literal

import msgspec

from rotation.status import DerivedStatus

FORMULA = 1
"""Version of the formula in ``rotation.graph.formula``; to be raised when any point changes by it."""
Step = Literal["weekly", "daily"]
STEPS: tuple[Step, ...] = ("weekly", "daily")


class Quadrant(StrEnum):
    """Where a point lies; the values are those of the JSON."""

    LEADING = "Leading"
    """Ahead of its own average against the benchmark, and gaining."""
    WEAKENING = "Weakening"
    """Ahead, and losing."""
    LAGGING = "Lagging"
    """Behind, and losing."""
    IMPROVING = "Improving"
    """Behind, and gaining."""


class Point(msgspec.Struct, frozen=True):
    """One place on the plane."""

    date: dt.date
    """The session whose prices it is of."""
    ratio: float
    momentum: float

    @property
    def quadrant(self) -> Quadrant:
        """Exactly 100 counts as ahead, and as gaining."""
        if self.ratio >= 100:
            return Quadrant.LEADING if self.momentum >= 100 else Quadrant.WEAKENING
        return Quadrant.IMPROVING if self.momentum >= 100 else Quadrant.LAGGING


def heading_deg(last: Point | None, head: Point) -> float | None:
    """From one point to the next, as a compass: 0 momentum rises, 90 the ratio rises; None of no way."""
    if last is None or speed(last, head) == 0:
        return None
    return degrees(atan2(head.ratio - last.ratio, head.momentum - last.momentum)) % 360


def speed(last: Point | None, head: Point) -> float | None:
    """How far apart two points are, in the plane's units; None without a first."""
    return None if last is None else hypot(head.ratio - last.ratio, head.momentum - last.momentum)


class Trail(msgspec.Struct, frozen=True):
    """The way of one symbol across the plane."""

    symbol: str
    tail: tuple[Point, ...]
    """Settled points, oldest first, at most TAIL; they never change."""
    head: Point | None
    """The point of the session shown; None if a price from it is missing, or history is too short."""
    is_provisional: bool
    """Whether the head rests on a print, or its week is not over: it moves until then."""
    quadrant: Quadrant | None
    """Quadrant of the head; None without a head."""
    heading_deg: float | None
    """From the last settled point to the head, as a compass: 0 momentum rises, 90 the ratio rises."""
    speed: float | None
    """How far apart these two are, in the plane's units a step."""
    status: DerivedStatus | None
    """What the head is worth: as much as the worse of symbol and benchmark. None without a head."""


class RotationGraph(msgspec.Struct, frozen=True):
    """Every leg against one benchmark."""

    benchmark: str
    formula: int
    weekly: dict[str, Trail]
    daily: dict[str, Trail]
