"""What a price is worth, and what a figure is worth that rests on several."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotation.status import BAD, DerivedStatus, Kind, PriceStatus, derive, worst

NOON = datetime(2024, 7, 16, 16, tzinfo=UTC)
AGES = st.none() | st.floats(0, 1e6)
STATUSES = st.builds(
    PriceStatus,
    kind=st.sampled_from(Kind),
    as_of=st.none() | st.integers(-(10**6), 0).map(lambda s: NOON + timedelta(seconds=s)),
    age_s=AGES,
    delay_s=st.sampled_from([0.0, 600.0, 900.0]),
    venue=st.sampled_from(["", "IEX"]),
    source=st.sampled_from(["Yahoo", "Alpaca"]),
    auction_missing=st.booleans(),
)
LIMITS = st.floats(0, 1e6)


@given(st.lists(STATUSES, min_size=1), st.randoms())
def test_the_worst_does_not_depend_on_the_order(statuses: list[PriceStatus], random):
    shuffled = list(statuses)
    random.shuffle(shuffled)
    assert worst(shuffled) == worst(statuses)
    assert worst(statuses) in statuses


@given(st.lists(STATUSES, min_size=1))
def test_the_worst_is_idempotent_and_never_better_than_an_input(statuses: list[PriceStatus]):
    result = worst(statuses)
    assert worst([result]) == worst([result, result]) == worst([*statuses, result]) == result
    assert all(result.kind.severity >= status.kind.severity for status in statuses)


def test_of_two_provisional_prices_the_one_without_its_auction_is_worse():
    whole = PriceStatus(Kind.PROVISIONAL, age_s=300.0)
    lacking = msgspec.structs.replace(whole, age_s=10.0, auction_missing=True)
    assert worst([whole, lacking]) == worst([lacking, whole]) == lacking
    assert derive({"IWM": whole, "QQQ": lacking}, limit_s=900.0).worst == "QQQ"


def test_of_nothing_there_is_no_worst():
    with pytest.raises(ValueError, match="empty"):
        worst([])
    with pytest.raises(ValueError, match="empty"):
        derive({}, limit_s=60.0)


@given(st.dictionaries(st.sampled_from(["IWM", "QQQ", "Fed"]), STATUSES, min_size=1), LIMITS, st.randoms())
def test_a_derived_status_is_that_of_its_worst_input(inputs: dict[str, PriceStatus], limit_s: float, random):
    result = derive(inputs, limit_s=limit_s)
    shuffled = list(inputs.items())
    random.shuffle(shuffled)
    assert derive(dict(shuffled), limit_s=limit_s) == result
    decides = worst(inputs.values())
    assert inputs[result.worst] == decides
    assert (result.kind, result.venue, result.source) == (decides.kind, decides.venue, decides.source)
    assert result.auction_missing is any(status.auction_missing for status in inputs.values())
    for status in inputs.values():
        assert result.kind.severity >= status.kind.severity
        assert result.delay_s >= status.delay_s
        assert status.age_s is None or (result.age_s or 0) >= status.age_s
        assert status.as_of is None or (result.as_of or NOON) <= status.as_of
    if result.gap_s is None:
        assert any(status.as_of is None for status in inputs.values())
        assert not result.apart
    else:
        assert result.apart is (result.gap_s > limit_s)


@given(STATUSES, st.integers(0, 10**6), LIMITS)
def test_the_gap_is_the_time_between_the_legs(status: PriceStatus, seconds: int, limit_s: float):
    first = msgspec.structs.replace(status, as_of=NOON)
    second = msgspec.structs.replace(status, as_of=NOON - timedelta(seconds=seconds))
    result = derive({"IWM": first, "QQQ": second}, limit_s=limit_s)
    assert (result.gap_s, result.apart) == (seconds, seconds > limit_s)
    assert derive({"IWM": first, "QQQ": first}, limit_s=0.0).gap_s == 0


def test_the_kinds_from_the_best_to_the_worst():
    assert [str(kind) for kind in sorted(Kind, key=lambda kind: kind.severity)] == [
        "LIVE", "CLOSED", "PROVISIONAL", "DELAYED", "REPLAY", "GAPPED", "HALTED", "STALE", "OFFLINE",
        "UNADJUSTED", "DEMO",
    ]  # fmt: skip


@given(STATUSES, LIMITS)
def test_a_bad_price_is_one_that_is_old_too(status: PriceStatus, limit_s: float):
    is_old = status.age_s is None or status.age_s > limit_s
    assert status.is_bad(limit_s) is (status.kind in BAD and is_old)


@given(STATUSES)
def test_it_is_the_same_in_json(status: PriceStatus):
    held = msgspec.json.decode(msgspec.json.encode(status))
    assert list(held) == [
        *("kind", "as_of", "age_s", "delay_s", "venue", "source", "range_incomplete", "auction_missing"),
    ]
    assert msgspec.json.decode(msgspec.json.encode(status), type=PriceStatus) == status
    derived = derive({"IWM": status}, limit_s=1.0)
    assert msgspec.json.decode(msgspec.json.encode(derived), type=DerivedStatus) == derived
