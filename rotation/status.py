"""What a price is worth, as values: the kind, how old it is, how late by design, and whose it is.

A figure that rests on several prices is worth as much as the worst of them (``derive``). Nothing here is
English for a reader; ``rotation.wording`` makes that.
"""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CONSOLIDATED = "consolidated"
"""The venue of a tape of all exchanges: its prices and its volume need no name beside them."""


class Kind(StrEnum):
    """What a price is worth, from the best to the worst. The values are those of the JSON."""

    LIVE = "LIVE"
    CLOSED = "CLOSED"
    """The official close of the latest session, and no session is open."""
    PROVISIONAL = "PROVISIONAL"
    """The last print before the bell, until the official close is known."""
    DELAYED = "DELAYED"
    """On time for a feed that is late by design."""
    REPLAY = "REPLAY"
    GAPPED = "GAPPED"
    """Prints may have been missed, or one was taken back, and they are being fetched."""
    HALTED = "HALTED"
    """The exchange has stopped trading in it."""
    STALE = "STALE"
    """Older than the hour explains."""
    OFFLINE = "OFFLINE"
    """Trading goes on without us: no connection, not subscribed, or a close from history."""
    UNADJUSTED = "UNADJUSTED"
    """Its history is on another scale than its price, as after a split: no figure is made of the two."""
    DEMO = "DEMO"
    """Invented: worse than anything real."""

    @property
    def severity(self) -> int:
        """0 for the best; a higher number is worse."""
        return _SEVERITY[self]


_SEVERITY = {kind: place for place, kind in enumerate(Kind)}

BAD = frozenset({Kind.GAPPED, Kind.HALTED, Kind.STALE, Kind.OFFLINE, Kind.UNADJUSTED})
"""Beyond a limit of age, no record is claimed on a price of these kinds."""


class Refusal(StrEnum):
    """Why a feed connects no more. It is a state of a feed, never of a price; its prices are OFFLINE."""

    AUTH_FAILED = "AUTH_FAILED"
    TAKEN_OVER = "TAKEN OVER"
    """Another session holds the account's one connection."""


FeedState = Kind | Refusal
"""How a feed is doing."""


class Mode(msgspec.Struct, frozen=True):
    """What a feed's prices are worth by design, while nothing is wrong."""

    kind: Kind = Kind.LIVE
    """LIVE, DELAYED, REPLAY or DEMO; OFFLINE for a feed that brings no prices."""
    delay_s: float = 0.0
    """Seconds by which every price is late."""
    venue: str = ""
    """The market it is of, as "IEX", or CONSOLIDATED; empty where the feed does not say."""

    @property
    def is_live(self) -> bool:
        """Whether the prices are of the present: LIVE or DELAYED."""
        return self.kind in (Kind.LIVE, Kind.DELAYED)


LIVE = Mode(Kind.LIVE)
REPLAY = Mode(Kind.REPLAY)
DEMO = Mode(Kind.DEMO)
OFFLINE = Mode(Kind.OFFLINE)


def delayed(minutes: float, venue: str = "") -> Mode:
    """The mode of a feed that is this many minutes late by design."""
    return Mode(Kind.DELAYED, 60.0 * minutes, venue)


class PriceStatus(msgspec.Struct, frozen=True):
    """What one price is worth."""

    kind: Kind
    as_of: dt.datetime | None = None
    """When the price was made; of a settled close its closing bell. None where it is not known."""
    age_s: float | None = None
    """Seconds from ``as_of`` to the time shown; of a settled close whole days between the New York dates."""
    delay_s: float = 0.0
    """Seconds by which its feed is late by design."""
    venue: str = ""
    source: str = ""
    range_incomplete: bool = False
    """Prints of today are missing from its high, low and volume, whatever the price itself is worth."""
    auction_missing: bool = False
    """The closing auction may have printed while prints were missed: the price is the last one before it."""

    def is_bad(self, limit_s: float) -> bool:
        """Whether its kind is in ``BAD``, and it is older than ``limit_s`` or of unknown age."""
        return self.kind in BAD and (self.age_s is None or self.age_s > limit_s)


class DerivedStatus(msgspec.Struct, frozen=True):
    """What a figure that rests on several prices is worth: as much as the worst of them."""

    kind: Kind
    """The worst."""
    worst: str
    """Symbol or name of the input that decides."""
    as_of: dt.datetime | None
    """Time of the oldest input."""
    age_s: float | None
    """Age of the oldest input in seconds."""
    delay_s: float
    """The longest."""
    venue: str
    """Venue of the worst input."""
    source: str
    """Source of the worst input."""
    gap_s: float | None
    """Seconds between the oldest and the newest input; None where the time of one is not known."""
    apart: bool
    """The inputs are further apart than the desk allows: the figure is not of one instant (≈)."""
    auction_missing: bool = False
    """Of any input: see PriceStatus."""


class Connection(msgspec.Struct, frozen=True):
    """The connection and the age of what is shown, in one value: that of the worse leg of the pair."""

    kind: Kind
    symbols: tuple[str, ...]
    """The legs it is true of: both, or the one that is worse; empty where the desk has only one of them."""
    as_of: dt.datetime | None
    """When the price was made; of a settled close its closing bell."""
    age_s: float | None
    """Seconds from there to the time shown, of a settled close whole days; never from the session shown."""
    delay_s: float
    venue: str
    source: str
    settled: dt.date | None
    """The session whose official close it is; None for a print."""
    auction_missing: bool = False
    """As of a PriceStatus."""


def _badness(status: PriceStatus) -> tuple[int, bool, float, float, str, str, str]:
    """A total order, so that the worst does not depend on the order of the inputs."""
    as_of = status.as_of.astimezone(dt.UTC).isoformat() if status.as_of else ""
    age_s = -1.0 if status.age_s is None else status.age_s
    severity = status.kind.severity, status.auction_missing
    return *severity, age_s, status.delay_s, as_of, status.venue, status.source


def worst(statuses: Iterable[PriceStatus]) -> PriceStatus:
    """The one of the worst kind, of these the oldest. Raises ValueError where there are none."""
    return max(statuses, key=_badness)


def derive(inputs: Mapping[str, PriceStatus], *, limit_s: float) -> DerivedStatus:
    """The status of a figure that rests on these prices, by symbol or name.

    ``limit_s``: inputs whose times differ by more are ``apart``. Raises ValueError where there are none.
    """
    name, decides = max(inputs.items(), key=lambda item: (_badness(item[1]), item[0]))
    times = [status.as_of for status in inputs.values() if status.as_of is not None]
    ages = [status.age_s for status in inputs.values() if status.age_s is not None]
    gap_s = (max(times) - min(times)).total_seconds() if len(times) == len(inputs) else None
    return DerivedStatus(
        kind=decides.kind,
        worst=name,
        as_of=min(times, default=None),
        age_s=max(ages, default=None),
        delay_s=max(status.delay_s for status in inputs.values()),
        venue=decides.venue,
        source=decides.source,
        gap_s=gap_s,
        apart=gap_s is not None and gap_s > limit_s,
        auction_missing=any(status.auction_missing for status in inputs.values()),
    )
