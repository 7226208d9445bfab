"""What breadth says, frozen: part of the Snapshot and of its JSON.

Shares are shares of 1, returns and weights in percent, contributions in percentage points (pp). None is
unknown: no membership file, or no member whose price is known.
"""

from __future__ import annotations

import datetime as dt

import msgspec

from rotation.status import DerivedStatus

COUNTED_LEAST = 0.8
"""Of the members so many must be counted before their number is a statement on the index."""


class BreadthFigures(msgspec.Struct, frozen=True):
    """The members of one session, counted."""

    session: dt.date
    membership_date: dt.date
    """Day of the last holdings file on or before the session."""
    total: int
    """Members by that file."""
    counted: int
    """Members whose change on the day is known."""
    advances: int | None
    declines: int | None
    unchanged: int | None
    net: int | None
    """Advances minus declines."""
    share_up: float | None
    """Advances by members counted."""
    above_mean: float | None
    """Share of members above the mean of their last 50 closes, this session's included."""
    mean_counted: int
    """Members of which all of these are known."""
    highs: int | None
    """Members above every close of the 252 sessions before."""
    lows: int | None
    """Members below every close of the 252 sessions before."""
    net_highs: int | None
    """New highs minus new lows."""
    range_counted: int
    """Members of which all of these closes are known."""
    net_ratio: float | None
    """Net advance ratio: (advances - declines) / (advances + declines); 0 where all are unchanged."""
    mcclellan: float | None
    """EMA 19 minus EMA 39 of the net advance ratio; None before its 39th value."""


class Mover(msgspec.Struct, frozen=True):
    """A member and its return on the day."""

    symbol: str
    name: str
    return_pct: float


class SectorBreadth(msgspec.Struct, frozen=True):
    """The members of one sector, by the file's own names; empty for those without one."""

    sector: str
    weight_pct: float | None
    """Of its members that are counted; None where the file has no weights."""
    return_pct: float | None
    """Theirs on the day, weighted so; None without weights."""
    contribution_pp: float | None
    """Weight times return; None without weights."""
    advances: int
    counted: int
    total: int


class IndexBreadth(msgspec.Struct, frozen=True):
    """One fund's members: now, and as settled before."""

    fund: str
    now: BreadthFigures | None
    """Figures for the session shown; None while no member has a price from it."""
    is_provisional: bool
    """Whether ``now`` rests on a print; False where it is of official closes alone."""
    settled: BreadthFigures | None
    """Figures for the latest session before the one shown that has any."""
    status: DerivedStatus | None
    """What ``now`` is worth: as much as the worst price that is counted. None without ``now``."""
    line: tuple[tuple[dt.date, float], ...]
    """McClellan of the settled sessions before the one shown, oldest first, at most 120."""
    top: tuple[Mover, ...]
    """The members with the highest returns on the day, the highest first, at most five."""
    bottom: tuple[Mover, ...]
    """Those with the lowest, the lowest first."""
    advance_decline: tuple[tuple[dt.date, int], ...] = ()
    """Advances minus declines added up over settled sessions, oldest first, at most 120. Only its
    changes mean something: it begins anew with its first session."""
    sectors: tuple[SectorBreadth, ...] = ()
    """The heaviest first, without weights the largest; none without ``now``."""
    share_up_percentile: float | None = None
    """Midrank of the share up now among the settled sessions before the one shown; None while fewer than
    80 % of the members are counted."""
    share_up_n: int = 0
    """Settled sessions ranked, at most 504."""


class Breadth(msgspec.Struct, frozen=True):
    """The indices of which a membership file is held."""

    indices: dict[str, IndexBreadth]
    """By fund: ``IWM`` stands for the Russell 2000, ``QQQ`` for the Nasdaq 100."""


class Contribution(msgspec.Struct, frozen=True):
    """What one member adds to its fund's return."""

    symbol: str
    name: str
    sector: str
    """Empty where the file names none."""
    weight_pct: float | None
    return_pct: float | None
    contribution_pp: float | None
    """Weight times return; None where one is unknown."""


class SectorContribution(msgspec.Struct, frozen=True):
    """What the members of one sector add together."""

    sector: str
    weight_pct: float | None
    """Weight of its members that are counted; None while none is."""
    contribution_pp: float | None
    """What they add; None while none is counted."""
    counted: int
    total: int


class FundContributions(msgspec.Struct, frozen=True):
    """Who makes a fund's return over one window: members and residual add up to it."""

    fund: str
    sessions: int
    """Length of the window: 1 for the day."""
    session: dt.date
    membership_date: dt.date | None
    """From the last holdings file before the session; None without one, and nothing is known then."""
    fund_return_pct: float | None
    explained_pp: float | None
    """The sum over members counted; None where none is."""
    residual_pp: float | None
    """The fund's return minus that: members without a price, cash, and weights that have drifted."""
    counted: int
    total: int
    sectors: tuple[SectorContribution, ...]
    """The largest contribution first."""
    top: tuple[Contribution, ...]
    """The ten that add most, the largest first."""
    bottom: tuple[Contribution, ...]
    """The ten that add least, the smallest first."""
    members: tuple[Contribution, ...]
    """All of them, the largest contribution first, unknown ones last."""


class SpreadContributions(msgspec.Struct, frozen=True):
    """Who makes the spread over one window: the base's members with their sign, the other's against it."""

    base: str
    against: str
    sessions: int
    spread_pp: float | None
    explained_pp: float | None
    residual_pp: float | None
    top: tuple[Contribution, ...]
    """The ten that widen it most; a member of the fund compared with counts with the opposite sign."""
    bottom: tuple[Contribution, ...]


class ContributionsReport(msgspec.Struct, frozen=True):
    """Who makes a fund's move: ``rotation-tui contributions FUND --format json`` is this."""

    fund: str
    session: dt.date
    """The session shown."""
    membership_date: dt.date | None
    counted: int
    """Members with a weight and a return on the day."""
    total: int
    windows: dict[str, FundContributions]
    """``1``: the day; ``5``: five sessions."""
    spread: dict[str, SpreadContributions] | None
    """By the same windows; None where one fund of the pair has no membership file."""
    as_of: dt.datetime
    """The instant shown."""
    is_provisional: bool
    """Whether a price of a member, or the fund's own, is not an official close."""
    status: DerivedStatus | None
    """What the members' prices are worth: as much as the worst one. None where none is known."""
