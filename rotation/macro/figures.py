"""Macro: what the Snapshot says of the causes, as JSON people read.

Yields and changes on the year are in percent, changes of yields in basis points, payrolls in thousands. None
is unknown and is shown as ``—``; it is never 0.
"""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Annotated

import msgspec

from rotation.status import Kind


class ReleaseKind(StrEnum):
    """What is published."""

    CPI = "CPI"
    JOBS = "jobs"
    FOMC = "FOMC"


class Release(msgspec.Struct, frozen=True):
    """A coming publication."""

    kind: ReleaseKind
    at: dt.datetime
    """08:30 New York of CPI and jobs, 14:00 of the FOMC's decisions."""


class MovedRelease(msgspec.Struct, frozen=True):
    """A shipped day of a release that the fetched calendar, which counts, has moved or called off."""

    kind: ReleaseKind
    shipped: dt.date
    day: dt.date | None
    """The day that it has in its place; None where it has none near."""


class YieldIndex(msgspec.Struct, frozen=True):
    """An exchange's index of a Treasury yield during the session: provisional, and no par yield.

    It stands beside the settled curve and enters none of its figures.
    """

    tenor: str
    """5Y, 10Y or 30Y: of the newest note or bond of that term."""
    symbol: str
    """As the exchange names it: "TNX"."""
    pct: float
    change_bp: float | None
    """Against the index's own last close; None where that is not given."""
    at: dt.datetime
    """When that value was made."""
    source: str
    """Who brings it, and by how much it is late by contract: "Yahoo, 15 min delayed"."""
    worth: Kind = Kind.PROVISIONAL
    """STALE where newer values should have come, OFFLINE where nobody asks for them any more."""


class Yield(msgspec.Struct, frozen=True):
    """One point of the Treasury's par yield curve, constant maturity."""

    tenor: str
    """3M, 2Y, 5Y, 10Y or 30Y."""
    pct: float
    date: dt.date
    """The day that it is of."""
    change_bp: dict[str, float | None]
    """Since the day before that has one ("1d"), the last at least seven days before ("1w"), and at least a
    calendar month before ("1m"); None where that one is missing, or more than a few days older still."""


class Curve(msgspec.Struct, frozen=True):
    """The ten-year yield minus the two-year's, of one day."""

    bp: float
    date: dt.date
    change_bp: dict[str, float | None]
    """As of a yield, of days that have both."""
    line: tuple[tuple[dt.date, float], ...]
    """Days that have both, oldest first, at most 252."""


class Inflation(msgspec.Struct, frozen=True):
    """A consumer price index of the newest month published."""

    name: str
    """CPI or core CPI (without food and energy)."""
    month: dt.date
    """Its first day."""
    month_pct: float | None
    """On the month, seasonally adjusted; None where the month before was never published."""
    year_pct: float | None
    """On the year: of CPI by the unadjusted index where it is known, as the press says it."""
    year_before_pct: float | None
    """The same of the month before; None where that is not known."""
    released_at: dt.datetime | None
    """When it was published, by the shipped calendar; None where that does not say."""


class Jobs(msgspec.Struct, frozen=True):
    """The employment report of the newest month published."""

    month: dt.date
    payrolls_change: float | None
    """Nonfarm payrolls against the month before, in thousands of jobs, seasonally adjusted."""
    unemployment_pct: float | None
    released_at: dt.datetime | None


class BankIncome(msgspec.Struct, frozen=True):
    """Net interest income of one bank in its newest quarter filed."""

    ticker: str
    group: str
    """large or regional."""
    quarter: str
    """Q2 2024, by the calendar."""
    end: dt.date
    value_usd: float
    year_pct: float | None
    """Against the same quarter of the year before; None where that is not known. Mergers make jumps."""
    filed: dt.date
    is_after_provision: bool
    """The bank reports it only with loan losses taken off."""
    is_derived: bool
    """It, or the quarter compared with, is a year less three quarters."""


class MacroSource(msgspec.Struct, frozen=True):
    """How one source is doing."""

    kind: Kind
    """LIVE, STALE or OFFLINE."""
    fetched_at: dt.datetime | None
    """When it last answered; None where it never did."""
    age_s: float | None
    """Since then."""
    error: str = ""
    """What failed when it was last asked; empty where nothing did."""


Minute = Annotated[int, msgspec.Meta(ge=-1440, le=1440)]
"""From a publication; a day is more than any path has, and what a hub's viewer is sent may be hostile."""


class Band(msgspec.Struct, frozen=True, array_like=True):
    """How the earlier days of a kind stood at one minute, in percentage points; in JSON an array."""

    minute: Minute
    """After the publication; negative before it."""
    n: int
    """Earlier days that have this minute: never fewer than five."""
    low_pp: float
    median_pp: float
    high_pp: float


class ReleasePath(msgspec.Struct, frozen=True):
    """One line around a publication, and how the earlier days of its kind went."""

    line: tuple[tuple[Minute, float], ...]
    """(minute after it, change in pp since just before it), oldest first; empty before it, and where nothing
    is kept."""
    n: int
    """Earlier days of which a line is kept."""
    band: tuple[Band, ...]
    """Every minute for which at least five of them have a value."""


class ReleaseView(msgspec.Struct, frozen=True):
    """The publication of a kind that is today's, else the newest, against the earlier ones."""

    kind: ReleaseKind
    at: dt.datetime
    """When it is, or was, published."""
    base: str
    against: str
    spread: ReleasePath
    """Base return minus against return since the last prices before it."""
    cut: ReleasePath
    """P(cut at the next meeting) by our log of the futures."""
    source: str = ""
    """Whose prices the day's own line of the spread is made of; empty where it has none."""
    step_min: int = 0
    """Minutes of one of its bars; 0 of prints, and where it has none."""
    known_to: dt.datetime | None = None
    """The end of its newest price; None where it has none."""
    worth: Kind = Kind.OFFLINE
    """CLOSED once all minutes are in, LIVE while they come, STALE where they no longer do, OFFLINE without
    any."""
    sources: dict[str, int] = {}
    """Earlier days by whose prices they are made of."""
    absent: int = 0
    """Earlier publications, of those that are looked for, of which no prices are kept."""
    error: str = ""
    """Why prices of this or of the earlier days are missing; empty where none are, or nobody was asked."""


class Observation(msgspec.Struct, frozen=True):
    """One published value of a series."""

    series: str
    """As FRED names it, of the Treasury's yields too."""
    date: dt.date
    """Its day, of a monthly series the first of its month."""
    value: float


class Stated(msgspec.Struct, frozen=True):
    """One figure with an id, and what it is made of."""

    value: float
    inputs: tuple[Observation, ...]
    """The newest first."""
    percentile: float | None = None
    """Midrank among the same of all earlier days; None where it is not ranked."""
    n: int = 0
    """Values ranked."""


class Macro(msgspec.Struct, frozen=True):
    """All of it."""

    yields: tuple[Yield, ...]
    """The shortest first; those that are known."""
    curve: Curve | None
    inflation: tuple[Inflation, ...]
    jobs: Jobs | None
    releases: tuple[Release, ...]
    """The next of each kind, the soonest first."""
    sources: dict[str, MacroSource]
    """Treasury, FRED; empty where nobody was asked, as for a past instant."""
    warnings: tuple[str, ...]
    """What a reader must know: yields that are old, a release that is out and not here, a calendar's end."""
    banks: tuple[BankIncome, ...] = ()
    """Large ones first; those whose filings are held."""
    stated: dict[str, Stated] = {}
    """By the figure's id without its ``macro.``: "yield.10y.change.1w"; those that are known."""
    fomc: tuple[dt.date, ...] = ()
    """The next decision days, at most two: after a decision the one to come is known at once."""
    calendar: dict[ReleaseKind, tuple[dt.date, ...]] = {}
    """Days of CPI and jobs from a year before on, as last confirmed; empty in old recordings."""
    indices: tuple[YieldIndex, ...] = ()
    """Yields of today's session by indices, the shortest first; none once the Treasury has the day."""
    moved: tuple[MovedRelease, ...] = ()
    """Where the fetched calendar and the shipped one differ, of the last weeks and days to come."""
    release_days: tuple[ReleaseView, ...] = ()
    """Minute paths around publications, a kind each; without those of which nothing is kept."""
