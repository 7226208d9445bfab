"""What becomes of one answer of a download: a pure function of the job, the answer and what is stored."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import msgspec
import polars as pl

from feeds.errors import SourceError
from feeds.history import splits
from feeds.history.plan import join
from rotation.text import counted

if TYPE_CHECKING:
    from feeds.history.daily import Bars
    from feeds.history.jobs import Job
    from feeds.history.manifest import Entry

CHANGED = "was changed by another program; run the command again"
_LEAST_SHARE = 0.9
"""A series fetched again must hold so many of the days that it replaces."""


class Unreadable(msgspec.Struct, frozen=True):
    """The stored series cannot be read."""

    reason: str


class Replaced(msgspec.Struct, frozen=True):
    """Another program has replaced the stored series since the job was planned."""


Cached = pl.DataFrame | Unreadable | Replaced | None
"""The stored rows that the answer is compared with; None where there is nothing to compare."""


class Store(msgspec.Struct, frozen=True):
    """Put these rows in place of what is stored."""

    frame: pl.DataFrame
    source: str
    vendor: str
    since: date | None
    """See feeds.history.manifest.Entry for these three."""
    sessions: int
    """Rows that were not held before."""
    whole: bool
    """Whether the whole series was fetched; else a tail was added."""
    confirmed: bool
    """Whether the vendor may be taken to agree with the series until the next turn."""
    notes: tuple[str, ...] = ()
    """What a person should know of it."""


class Unchanged(msgspec.Struct, frozen=True):
    """The vendor has nothing new and agrees with what is stored."""

    confirmed: bool
    """As in Store."""


class Retry(msgspec.Struct, frozen=True):
    """Ask the same source for the whole series: it restated what is held."""

    why: str


class NextSource(msgspec.Struct, frozen=True):
    """The source is of no use for the symbol; ask the next one."""

    reason: str


class Fail(msgspec.Struct, frozen=True):
    """Nothing more can be done for the symbol; what is stored stays."""

    reason: str


Decision = Store | Unchanged | Retry | NextSource | Fail


def needs_cached(job: Job) -> bool:
    """Whether a good answer to this job is compared with the stored rows."""
    return job.base is not None and (job.tail or not job.same_vendor())


def decide(job: Job, answer: Bars | SourceError, cached: Cached) -> Decision:
    """What to do with the answer of ``job.source``; ``cached`` is read where ``needs_cached`` says so."""
    if isinstance(answer, SourceError):
        return _no_use(job, str(answer))
    if job.tail and job.base is not None:
        return _join(job, job.base, answer, cached)
    return _whole(job, answer, cached)


def _no_use(job: Job, reason: str) -> NextSource | Fail:
    return NextSource(reason) if len(job.sources) > 1 else Fail(reason)


def _join(job: Job, base: Entry, bars: Bars, cached: Cached) -> Decision:
    if isinstance(cached, Replaced):
        return Fail(CHANGED)
    if isinstance(cached, Unreadable):
        return _no_use(job, cached.reason)
    assert cached is not None, "a tail is asked for where rows are held"
    if bars.frame["date"][-1] < cached["date"][-1]:
        return _no_use(job, f"{job.source.name}: an older answer than what is held")
    same = job.same_vendor()
    difference = splits.compare(cached, bars.frame, splits.SAME if same else splits.ALIKE)
    if difference is not None:
        return Retry(str(difference))
    joined = join(cached, bars.frame, same_vendor=same)
    if joined.equals(cached) and job.was is base:
        return Unchanged(confirmed=not bars.restating)
    source, vendor, since = job.provenance(joined=True)
    sessions = joined.height - cached.height
    return Store(
        joined,
        source,
        vendor,
        since,
        sessions,
        whole=False,
        confirmed=not bars.restating,
        notes=_notes(job, bars),
    )


def _whole(job: Job, bars: Bars, cached: Cached) -> Decision:
    if job.base is not None:
        if _compares_days(job, job.base, bars.frame) and isinstance(cached, Replaced):
            return Fail(CHANGED)
        loss = _loss(job, job.base, bars.frame, cached)
        if loss is not None:
            prefix = f"{job.source.name}: {job.restated}, but" if job.restated else f"{job.source.name}:"
            return _no_use(job, f"{prefix} its series {loss}")
    notes = _notes(job, bars)
    if job.restated:
        notes += (f"{job.symbol}: {job.restated}: fetched again as a whole",)
    source, vendor, since = job.provenance(joined=False)
    sessions = max(bars.frame.height - (job.base.rows if job.base is not None else 0), 0)
    return Store(
        bars.frame, source, vendor, since, sessions, whole=True, confirmed=not bars.restating, notes=notes
    )


def _compares_days(job: Job, base: Entry, frame: pl.DataFrame) -> bool:
    """Whether another vendor's series reaches as far, so that its days are compared with the stored ones."""
    reaches: bool = frame["date"][0] <= base.first and frame["date"][-1] >= base.last
    return reaches and not job.same_vendor()


def _loss(job: Job, base: Entry, frame: pl.DataFrame, cached: Cached) -> str | None:
    """What the new series would lose of the old one, in words; None where it would lose nothing."""
    first, last = frame["date"][0], frame["date"][-1]
    if last < base.last:
        return f"ends {last}, before the stored one ({base.last})"
    if not job.same_vendor() and first > base.first:
        return f"begins {first}, after the stored one ({base.first}, {base.source}); import that again"
    # What cannot be read cannot be lost.
    if job.same_vendor() or not isinstance(cached, pl.DataFrame):
        return None
    if frame.filter(pl.col("date") >= base.first).height < _LEAST_SHARE * cached.height:
        return "has far fewer days than the stored one"
    if frame["adj_close"].null_count() == frame.height > cached["adj_close"].null_count():
        return "has no adjusted closes, which the stored one has"
    return None


def _notes(job: Job, bars: Bars) -> tuple[str, ...]:
    notes = [f"{former} continues as {job.symbol}" for former in job.drop]
    if bars.rejected:
        notes.insert(0, f"{job.symbol}: {counted(bars.rejected, 'day')} without a valid close, skipped")
    return tuple(notes)
