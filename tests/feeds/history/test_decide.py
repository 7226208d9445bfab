"""What becomes of an answer, case by case, without a store, a source or a clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import get_args

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds.errors import SourceAway, SourceError
from feeds.history.daily import Bars
from feeds.history.decide import (
    CHANGED,
    Decision,
    Fail,
    NextSource,
    Replaced,
    Retry,
    Store,
    Unchanged,
    Unreadable,
    decide,
    needs_cached,
)
from feeds.history.importing import SCHEMA
from feeds.history.jobs import Job
from feeds.history.manifest import Entry
from rotation.sessions import sessions_between

DAYS = sessions_between(date(2024, 6, 3), date(2024, 7, 12))
SINCE = DAYS[0]


@dataclass(frozen=True)
class Source:
    name: str


YAHOO, STOOQ = Source("Yahoo"), Source("Stooq")


def frame(days: list[date], *, scale: float = 1.0, adjusted: bool = True) -> pl.DataFrame:
    closes = [scale * (100 + DAYS.index(day)) for day in days]
    made = pl.DataFrame({"symbol": "IWM", "date": days, "close": closes})
    absent = [pl.lit(None, kind).alias(name) for name, kind in SCHEMA.items() if name not in made.columns]
    made = made.with_columns(absent).select(SCHEMA.keys())
    return made.with_columns(adj_close=pl.col("close")) if adjusted else made


def entry(days: list[date], *, vendor: str = "Yahoo", source: str = "Yahoo") -> Entry:
    name = "IWM-0123456789ab.parquet"
    return Entry(name, len(days), days[0], days[-1], datetime(2024, 7, 1, tzinfo=UTC), source, vendor, SINCE)


def job(base: Entry | None, *sources: Source, tail: bool = True, **more) -> Job:
    return Job("IWM", SINCE, SINCE, [*(sources or (YAHOO,))], was=base, base=base, tail=tail, **more)


HELD = DAYS[:20]
TAIL = DAYS[10:21]


def test_a_first_series_is_stored_whole():
    decision = decide(job(None, tail=False), Bars(frame(HELD)), None)
    assert isinstance(decision, Store)
    assert (decision.source, decision.vendor, decision.since) == ("Yahoo", "Yahoo", SINCE)
    assert (decision.sessions, decision.whole, decision.confirmed, decision.notes) == (20, True, True, ())


def test_a_tail_is_joined():
    decision = decide(job(entry(HELD)), Bars(frame(TAIL)), frame(HELD))
    assert isinstance(decision, Store)
    assert decision.frame.equals(frame(DAYS[:21]))
    assert (decision.sessions, decision.whole) == (1, False)


def test_a_tail_of_another_vendor_leaves_no_single_vendor():
    decision = decide(job(entry(HELD), STOOQ), Bars(frame(TAIL, adjusted=False)), frame(HELD))
    assert isinstance(decision, Store)
    assert (decision.source, decision.vendor, decision.since) == ("Yahoo + Stooq", "", None)


@pytest.mark.parametrize("restating", [False, True])
def test_nothing_new(restating):
    decision = decide(job(entry(HELD)), Bars(frame(HELD[10:]), restating=restating), frame(HELD))
    assert decision == Unchanged(confirmed=not restating)


def test_a_renamed_symbol_is_stored_though_nothing_is_new():
    base = entry(HELD)
    renamed = Job("IWM", SINCE, SINCE, [YAHOO], base=base, tail=True, drop={"OLD": base})
    decision = decide(renamed, Bars(frame(HELD[10:]), rejected=2), frame(HELD))
    assert isinstance(decision, Store)
    assert decision.notes == ("IWM: 2 days without a valid close, skipped", "OLD continues as IWM")


def test_a_split_asks_for_the_whole_series_of_the_same_source():
    decision = decide(job(entry(HELD)), Bars(frame(TAIL, scale=0.25)), frame(HELD))
    assert isinstance(decision, Retry)
    assert decision.why.startswith("a split (4 for 1) restated the close of ")


def test_no_common_day_asks_for_the_whole_series():
    decision = decide(job(entry(HELD)), Bars(frame(DAYS[20:22])), frame(HELD))
    assert decision == Retry("the source has none of the last stored days")


WHOLE = {"tail": False, "restated": "a split restated it"}


@pytest.mark.parametrize(
    ("given_job", "answer", "cached", "reason"),
    [
        (job(None, tail=False), SourceError("Yahoo: HTTP 500"), None, "Yahoo: HTTP 500"),
        (job(None, tail=False), SourceAway("Yahoo: HTTP 403"), None, "Yahoo: HTTP 403"),
        (job(entry(HELD)), Bars(frame(HELD[:5])), frame(HELD), "Yahoo: an older answer than what is held"),
        (job(entry(HELD)), Bars(frame(TAIL)), Unreadable("x: is damaged"), "x: is damaged"),
        (
            job(entry(HELD), **WHOLE), Bars(frame(HELD[:5])), None,
            f"Yahoo: a split restated it, but its series ends {HELD[4]}, before the stored one ({HELD[-1]})",
        ),
        (
            job(entry(HELD), STOOQ, tail=False), Bars(frame(HELD[3:])), frame(HELD),
            f"Stooq: its series begins {HELD[3]}, after the stored one ({HELD[0]}, Yahoo); import that again",
        ),
        (
            job(entry(HELD), STOOQ, tail=False), Bars(frame([*HELD[:3], *HELD[-3:]])), frame(HELD),
            "Stooq: its series has far fewer days than the stored one",
        ),
        (
            job(entry(HELD), STOOQ, tail=False), Bars(frame(HELD, adjusted=False)), frame(HELD),
            "Stooq: its series has no adjusted closes, which the stored one has",
        ),
    ],
)  # fmt: skip
def test_an_answer_of_no_use_goes_to_the_next_source_or_fails(given_job, answer, cached, reason):
    assert decide(given_job, answer, cached) == Fail(reason)
    given_job.sources = [*given_job.sources, Source("Alpaca")]
    assert decide(given_job, answer, cached) == NextSource(reason)


@pytest.mark.parametrize("tail", [True, False])
def test_what_another_program_changed_is_left_alone(tail):
    given_job = job(entry(HELD), STOOQ, YAHOO, tail=tail)
    assert decide(given_job, Bars(frame(HELD)), Replaced()) == Fail(CHANGED)


def test_what_cannot_be_read_cannot_be_lost():
    decision = decide(job(entry(HELD), STOOQ, tail=False), Bars(frame(HELD)), Unreadable("is damaged"))
    assert isinstance(decision, Store)
    assert decision.whole


def test_a_restated_series_says_why_it_was_fetched_again():
    decision = decide(job(entry(HELD), **WHOLE), Bars(frame(HELD, scale=0.25)), None)
    assert isinstance(decision, Store)
    assert decision.notes == ("IWM: a split restated it: fetched again as a whole",)
    assert decision.sessions == 0


@st.composite
def cases(draw):
    first = draw(st.integers(0, 15))
    held = DAYS[first : draw(st.integers(first + 1, 25))]
    base = draw(st.sampled_from([None, entry(held), entry(held, vendor="", source="IWM.csv")]))
    sources = draw(st.lists(st.sampled_from([YAHOO, STOOQ]), min_size=1, max_size=2, unique=True))
    tail = base is not None and draw(st.booleans())
    given_job = job(base, *sources, tail=tail, restated=draw(st.sampled_from(["", "a split restated it"])))
    start = draw(st.integers(0, 24))
    days = DAYS[start : draw(st.integers(start + 1, 27))]
    bars = Bars(
        frame(days, scale=draw(st.sampled_from([1.0, 0.25])), adjusted=draw(st.booleans())),
        draw(st.integers(0, 2)),
        draw(st.booleans()),
    )
    answer = draw(st.sampled_from([bars, bars, bars, SourceError("HTTP 500"), SourceAway("HTTP 429")]))
    stored = frame(held)
    cached = draw(st.sampled_from([stored, stored, Unreadable("is damaged"), Replaced()]))
    return given_job, answer, cached if needs_cached(given_job) else None


@settings(max_examples=400, deadline=None)
@given(cases())
def test_whatever_comes_nothing_stored_is_lost(case):
    given_job, answer, cached = case
    names = [source.name for source in given_job.sources]
    decision = decide(given_job, answer, cached)
    assert isinstance(decision, get_args(Decision))
    assert [source.name for source in given_job.sources] == names, "a decision changes nothing"
    if isinstance(answer, SourceError):
        assert isinstance(decision, NextSource if len(names) > 1 else Fail)
    if isinstance(cached, Replaced):
        assert not isinstance(decision, Store)
    if isinstance(decision, NextSource):
        assert len(names) > 1
    if isinstance(decision, Retry):
        assert given_job.tail, "a whole series is asked for once"
    if isinstance(decision, Store):
        assert decision.frame["date"].is_sorted()
        assert decision.frame["date"].is_unique().all()
        assert decision.sessions >= 0
        base = given_job.base
        if base is not None:
            assert decision.frame["date"][-1] >= base.last
            if given_job.tail or not given_job.same_vendor():
                assert decision.frame["date"][0] <= base.first
        if given_job.tail and isinstance(cached, pl.DataFrame):
            assert set(cached["date"]) <= set(decision.frame["date"])
