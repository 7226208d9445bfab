"""Snapshot: every figure the screen shows, frozen, and at the same time the JSON people read.

``None`` is unknown and is shown as ``—``; it is never 0. Percentages are in percent, spreads in
percentage points (pp), ages in seconds, dates are New York session dates.
"""

from __future__ import annotations

import datetime as dt

import msgspec

from rotation.breadth.figures import Breadth
from rotation.context.explanation import Explained
from rotation.context.figures import HistoryLine, Story
from rotation.context.wants import Part
from rotation.desk import AlertLine, DeskEvent, LegList
from rotation.fed.figures import Fed
from rotation.feed_stats import FeedStats
from rotation.graph.figures import RotationGraph
from rotation.macro.figures import Macro
from rotation.sessions import Phase
from rotation.status import Connection, DerivedStatus, Kind, PriceStatus, Refusal


class Streak(msgspec.Struct, frozen=True):
    """Consecutive sessions in one direction; negative means falling, 0 unchanged, None unknown."""

    settled: int | None
    """By official closes only; once today's close is in, today counts. None where that is
    unknown: a run that follows a missing close, or reaches back to the first one in history, may be longer
    than it looks."""
    with_today: int | None
    """With today's last value on top; None while today has no value."""
    provisional: bool
    """True while ``with_today`` rests on a price that is not an official close."""


class SincePct(msgspec.Struct, frozen=True):
    """The most recent earlier session at least as extreme; ``date`` None means a record.

    There is none of it (null) with fewer than 250 settled values: too few for such a claim.
    """

    date: dt.date | None
    value_pct: float | None
    first_date: dt.date | None
    """The first session compared; set for a record only: "record since <first_date>"."""


class SincePp(msgspec.Struct, frozen=True):
    """As SincePct, for a spread in percentage points."""

    date: dt.date | None
    value_pp: float | None
    first_date: dt.date | None


class BaseRate(msgspec.Struct, frozen=True):
    """How rare the current run is."""

    length: int
    """Sessions in the current run, signed."""
    runs: int
    """Earlier runs in the same direction that reached this length."""
    n: int
    """Earlier sessions looked at."""
    p_longest: float
    """P(longest run in n sessions >= length), were sessions independent at the sample's own share."""
    expected: float = 0.0
    """How many runs of this length n sessions would hold, were they independent: compare with ``runs``."""


class Leg(msgspec.Struct, frozen=True):
    """One symbol of the desk."""

    name: str
    last: float | None
    """Today's regular price, else the latest settled close (``session`` says which)."""
    state: str
    """``status`` as a word: LIVE, DELAYED 15m, STALE 42s, GAPPED, HALTED, CLOSED, OFFLINE, UNADJUSTED,
    DEMO or REPLAY."""
    status: PriceStatus
    """Status of ``last``."""
    age_s: float | None
    """Seconds from the print to ``as_of``; None where the price is a settled close."""
    source: str
    session: dt.date | None
    """The session ``last`` belongs to."""
    high: float | None
    low: float | None
    volume: int | None
    """Shares of the regular session on all exchanges; null where the feed has one exchange's trades only."""
    extended: float | None
    """Last price after the close; it never enters a figure."""
    return_pct: dict[str, float | None]
    streak: Streak
    base_rate: BaseRate | None
    since: dict[str, SincePct | None]
    bid: float | None = None
    """Best bid: of all exchanges, or of the feed's venue. None while unknown, crossed, or older than a live
    print may be, and where the session shown is not open."""
    ask: float | None = None
    mid: float | None = None
    """The middle of the two; no figure rests on it."""
    quote_age_s: float | None = None
    """Seconds from the bid and ask to ``as_of``."""
    settled_session: dt.date | None = None
    """The session whose official close ``last`` is; None for a print."""


class SpreadWindow(msgspec.Struct, frozen=True):
    """Base return minus against return over k sessions, and how unusual that is."""

    pp: float | None
    since: SincePp | None
    z: float | None
    """(pp - mean) / sd of the 252 settled values before; None with fewer, and where ``is_few``."""
    percentile: float | None
    """Midrank among all settled values before."""
    n: int
    """Settled values ranked."""
    status: DerivedStatus | None = None
    """What ``pp`` is worth: as much as the worse leg. None where a leg is missing."""
    n_effective: float = 0.0
    """Windows among them that do not overlap: n / k."""
    is_few: bool = False
    """The 252 values behind z hold fewer than ten independent windows, so z is None."""
    since_either_way: SincePp | None = None
    """As ``since``, but at least as far from 0 on whichever side; None with fewer than 250 values."""


class Spread(msgspec.Struct, frozen=True):
    """Base against the other leg."""

    base: str
    against: str
    relative_streak: Streak
    base_rate: BaseRate | None
    windows: dict[str, SpreadWindow]


class Ratio(msgspec.Struct, frozen=True):
    """Base / against, rebased to 100 at the first common session, with the lines of the chart."""

    base: str
    against: str
    value: float | None
    first_date: dt.date | None
    daily: tuple[tuple[dt.date, float], ...]
    """Settled sessions, oldest first, at most 252."""
    intraday: tuple[tuple[int, float], ...]
    """(minute since the open, value at the end of it), where both legs have traded."""
    minutes: int
    """Length of the session shown: 390, or 210 on a half-day."""
    status: DerivedStatus | None = None
    """What ``value`` is worth: as much as the worse leg. None where a leg is missing."""


class Extreme(msgspec.Struct, frozen=True):
    """An extreme of the trailing 252 settled sessions and since when it is one."""

    date: dt.date
    value: float
    since: dt.date | None
    """The most recent earlier session at least as extreme; None: a record, or too few to compare with."""
    first_date: dt.date | None
    """For a record: the first session compared; None with fewer than 250 earlier ones: no claim."""


class ValueGrowth(msgspec.Struct, frozen=True):
    """Value against growth: ratio of adjusted closes, a price proxy for the valuation gap."""

    base: str
    against: str
    session: dt.date
    """The latest session in which both closes are settled."""
    value: float
    """Rebased to 100 at ``first_date``."""
    first_date: dt.date
    low: Extreme
    high: Extreme
    percentile: float | None
    n: int
    note: str
    status: DerivedStatus | None = None
    """CLOSED while ``session`` is the latest that can be settled."""


class FeedHealth(msgspec.Struct, frozen=True):
    """One feed as the Health panel shows it."""

    name: str
    state: str
    detail: str
    quotes: int
    batches: int
    stats: FeedStats | None = None
    """Counters of a live stream."""
    kind: Kind = Kind.OFFLINE
    """``state`` as a value; OFFLINE after a refusal."""
    refusal: Refusal | None = None
    """Why the feed connects no more; None while it does."""


class Tape(msgspec.Struct, frozen=True):
    """Where a replay or demo stands."""

    position: dt.datetime
    start: dt.datetime
    end: dt.datetime
    speed: float
    held: bool


class Counts(msgspec.Struct, frozen=True):
    """Prints that the session filter counted this session, and those it turned away."""

    accepted: int = 0
    duplicates: int = 0
    revised: int = 0
    late: int = 0
    """Older than the session filter's memory: too late to tell from a duplicate, not used."""
    bad_price: int = 0
    """NaN, infinite or <= 0."""
    unknown_symbol: int = 0
    off_session: int = 0
    """When nothing trades, or of an earlier session."""
    future: int = 0
    """More than a minute ahead of the clock."""
    overnight: int = 0
    """Prints of the overnight market, 20:00-04:00 New York: valid, but part of no session."""


class Health(msgspec.Struct, frozen=True):
    """Feeds, tape and counters."""

    feeds: tuple[FeedHealth, ...]
    tape: Tape | None
    counts: Counts
    history: str
    """What the settled figures rest on, in words."""
    host: tuple[str, ...] = ()
    """How the host that serves this screen is doing, a line each; empty in a terminal of one's own."""


class PairView(msgspec.Struct, frozen=True):
    """One of the more pairs: what the Snapshot itself says of the first, under the same names."""

    spread: Spread
    ratio: Ratio
    headline: str
    headline_status: DerivedStatus | None = None
    data_as_of: dt.datetime | None = None
    connection: Connection | None = None
    story: Story | None = None
    """Its own levels and episodes; null unless they were asked for."""


class BankLead(msgspec.Struct, frozen=True):
    """A bank fund's day return minus the base leg's, and how unusual that is."""

    day_pp: float | None
    percentile: float | None
    """Midrank among all settled values before."""
    n: int
    """Settled values ranked."""
    status: DerivedStatus
    """As much as the worse of its price and the base leg's."""


class Clause(msgspec.Struct, frozen=True):
    """A clause that the headline has grown by, since it is true and rare."""

    figure: str
    """The id of the figure that it says: see ``rotation-tui explain``."""
    text: str
    percentile: float
    """At most 5 or at least 95."""
    n: int
    """Values ranked: at least 250."""
    ranked: str = ""
    """The id of the figure whose percentile that is; empty where it is the one said."""


class Snapshot(msgspec.Struct, frozen=True):
    """All that is known at one instant. ``rotation-tui snapshot --format json`` is this."""

    seq: int
    as_of: dt.datetime
    session: dt.date | None
    """The session shown: of the newest print, else the last settled one."""
    phase: Phase
    """Phase of the day at ``as_of``, New York time."""
    mode: str
    """"", DEMO or REPLAY: what the whole screen must be marked with."""
    legs: dict[str, Leg]
    spread: Spread
    ratio: Ratio
    value_growth: ValueGrowth | None
    fed: Fed | None
    """The coming FOMC meetings; null where no source of them was asked for, as in a replay."""
    breadth: Breadth | None
    """Members of the indices, counted; null without a membership file on or before the session."""
    health: Health
    headline: str
    headline_status: DerivedStatus | None = None
    """What the sentence is worth: as much as the worst of the pair's legs and, where there are any, the Fed's
    prices; ``gap_s`` and ``apart`` are the legs'. None where the base leg is missing."""
    data_as_of: dt.datetime | None = None
    """When the older price of the pair was made: the time the figures belong to, whatever ``as_of`` is."""
    connection: Connection | None = None
    """What the first line of every screen says; None where neither leg of the pair is known."""
    graph: RotationGraph | None = None
    """Every leg against the benchmark; null while no session is shown."""
    events: tuple[DeskEvent, ...] = ()
    """What has happened in this run, the newest last."""
    macro: Macro | None = None
    """Yields, inflation, jobs and what is published next; null where nothing of it is known."""
    story: Story | None = None
    """Where statements turn, and what followed readings like those of now; null unless it was asked for."""
    alerts: tuple[AlertLine, ...] = ()
    """How the alerts of the configuration stand; none on a host of many viewers."""
    pairs: dict[str, PairView | None] = {}
    """By "IWN/IVW": the more pairs of the configuration; one that nobody looks at is not computed: null."""
    banks: dict[str, BankLead] = {}
    """KRE and KBE against the base leg of the first pair, where they are legs."""
    clauses: tuple[Clause, ...] = ()
    """What the headline has grown by: the rarest first, at most three."""
    lists: tuple[LegList, ...] = ()
    """Groups and watch lists of the configuration, by which the legs are shown; none: as they stand."""
    lines: dict[str, HistoryLine] = {}
    """Past values by the id of a spread (``spread.5.pp``) and by a leg's symbol (its closes of a year); only
    those that were asked for."""
    explained: dict[str, Explained] = {}
    """By the id of a figure what it rests on; only of figures that somebody looks at."""
    unasked: tuple[Part, ...] = ()
    """Parts left out, null or empty, since nobody looked at them when this was made; ``pairs``, ``story``,
    ``lines`` and ``explained`` say it by themselves. None of a Snapshot that a script is given."""
