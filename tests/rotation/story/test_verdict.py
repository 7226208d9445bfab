"""Who leads: by rank, never against the sign, and not at all where it cannot be said."""

from __future__ import annotations

from datetime import date

import pytest
from msgspec.structs import replace

from rotation.market.assemble import UNKNOWN
from rotation.snapshot import SincePp, Spread, SpreadWindow
from rotation.status import BAD, Kind, PriceStatus, derive
from rotation.story.verdict import Verdict, verdict, verdict_words

SINCE = SincePp(date(2016, 11, 14), 10.4, None)
GOOD = derive({"IWM": PriceStatus(Kind.LIVE, age_s=1.0)}, limit_s=60.0)


def window(pp: float, percentile: float) -> SpreadWindow:
    return SpreadWindow(pp, SINCE, 1.0, percentile, 6065, GOOD)


@pytest.mark.parametrize(
    ("pp", "percentile", "leader"),
    [
        (10.34, 99.8, Verdict.BASE),
        (0.5, 75.0, Verdict.BASE),
        (0.5, 74.9, Verdict.NEITHER),
        (0.5, 50.0, Verdict.NEITHER),
        (-0.5, 50.0, Verdict.NEITHER),
        (-0.5, 25.1, Verdict.NEITHER),
        (-0.5, 25.0, Verdict.AGAINST),
        (-9.0, 3.0, Verdict.AGAINST),
    ],
)
def test_the_outer_quarters_lead(pp: float, percentile: float, leader: Verdict) -> None:
    assert verdict(window(pp, percentile)) is leader


@pytest.mark.parametrize(("pp", "percentile"), [(-0.2, 80.0), (0.0, 80.0), (0.2, 20.0), (0.0, 20.0)])
def test_a_rank_against_the_sign_is_no_lead(pp: float, percentile: float) -> None:
    """Where one leg has mostly led, a small gap is high among the spreads and yet no lead."""
    assert verdict(window(pp, percentile)) is Verdict.NEITHER


def test_nothing_is_said_of_what_is_not_known() -> None:
    known = window(10.0, 99.0)
    assert verdict(None) is None
    assert verdict(replace(known, pp=None)) is None
    assert verdict(replace(known, percentile=None)) is None
    assert verdict(replace(known, since=None, n=249)) is None, "too few values for such a claim"
    assert verdict(replace(known, status=None)) is None, "a leg is missing"


@pytest.mark.parametrize("kind", Kind)
def test_nothing_is_said_on_a_bad_price_however_young(kind: Kind) -> None:
    legs = {"IWM": PriceStatus(kind, age_s=1.0), "QQQ": PriceStatus(Kind.LIVE, age_s=1.0)}
    leader = verdict(replace(window(10.0, 99.0), status=derive(legs, limit_s=60.0)))
    assert leader is (None if kind in BAD else Verdict.BASE)


def test_nothing_is_said_of_two_instants() -> None:
    assert verdict(replace(window(10.0, 99.0), status=replace(GOOD, apart=True))) is None


@pytest.mark.parametrize(
    ("base", "against", "leads", "trails"),
    [
        ("IWM", "QQQ", "SMALL CAPS LEADING ▲", "TECH LEADING ▼"),
        ("RUT", "NDX", "SMALL CAPS LEADING ▲", "TECH LEADING ▼"),
        ("QQQ", "IWM", "TECH LEADING ▲", "SMALL CAPS LEADING ▼"),
        ("XBI", "IBB", "XBI LEADING ▲", "IBB LEADING ▼"),
        ("IWM", "SPY", "IWM LEADING ▲", "SPY LEADING ▼"),
    ],
)
def test_two_pairs_have_names_and_others_their_symbols(
    base: str, against: str, leads: str, trails: str
) -> None:
    spread = Spread(base, against, UNKNOWN, None, {})
    assert verdict_words(spread, Verdict.BASE) == leads
    assert verdict_words(spread, Verdict.AGAINST) == trails
    assert verdict_words(spread, Verdict.NEITHER) == "NO CLEAR LEADER"
