"""What nobody looks at is not computed, part by part; every field is of a part or is always made."""

from __future__ import annotations

from collections import Counter

import pytest

from rotation.breadth.figures import IndexBreadth
from rotation.context.wants import (
    FIELDS,
    MADE,
    NOTHING,
    ON_DEMAND,
    Part,
    Want,
    complete,
    pair_wanted,
    pairs_in,
    wants,
)
from rotation.figures.registry import figures
from rotation.snapshot import Snapshot
from tests.support.breadth.whole import (
    DESK,
    MADE_BY,
    counted,
    fields_of,
    is_empty,
    tick,
    value_of,
    whole_market,
)

ALWAYS = {
    *("seq", "as_of", "session", "phase", "mode", "legs", "spread", "ratio", "value_growth", "fed", "health"),
    *("headline", "headline_status", "data_as_of", "connection", "events", "alerts", "lists", "unasked"),
}
"""The desk itself: its legs, its first pair, its Fed, its alerts, and how it is."""
COUNTS = {
    *("fund", "now", "is_provisional", "settled", "status", "line", "advance_decline"),
    *("share_up_percentile", "share_up_n"),
}
"""Of an index: its members counted, which is all of BREADTH."""
OF_MARKET = [part for part in Part if part not in ON_DEMAND]


def test_every_field_is_of_a_part_or_is_always_made():
    """A figure that is new to the Snapshot fails here until it is known when it is made, and by what."""
    whole = {field for field in FIELDS if "." not in field}
    of_index = {field.removeprefix("breadth.") for field in FIELDS if field.startswith("breadth.")}
    assert whole | ALWAYS == set(Snapshot.__struct_fields__)
    assert not whole & ALWAYS
    assert of_index | COUNTS == set(IndexBreadth.__struct_fields__)
    assert not of_index & COUNTS
    assert {*FIELDS.values(), Part.LEGS} == set(MADE_BY) == set(Part)


@pytest.mark.parametrize("part", OF_MARKET)
def test_a_part_is_made_while_it_is_wanted_and_at_no_other_time(part):
    market, calls = whole_market(), Counter[Part]()
    with counted(calls):
        market.want(NOTHING)
        before = tick(market, 1)
        assert calls == Counter()
        assert all(is_empty(value_of(before, field)) for field in fields_of(part))
        market.want(wants(part))
        shown = tick(market, 2)
        made_of = {each.part for each in complete(wants(part))}
        assert {each for each, n in calls.items() if n} == made_of
        assert not any(is_empty(value_of(shown, field)) for field in fields_of(part))
        calls.clear()
        market.want(NOTHING)
        after = tick(market, 3)
        assert calls == Counter()
        assert all(is_empty(value_of(after, field)) for field in fields_of(part))


def test_what_is_left_out_is_named_and_changes_nothing_else():
    market, other = whole_market(), whole_market()
    market.want(NOTHING)
    other.want(MADE)
    for second in range(1, 5):
        bare, whole = tick(market, second), tick(other, second)
        assert set(bare.unasked) == {*OF_MARKET} - {Part.PAIRS}
        assert whole.unasked == ()
        for field in ALWAYS - {"unasked", "headline"}:
            assert getattr(bare, field) == getattr(whole, field), field
        assert whole.headline.startswith(bare.headline.removesuffix("."))
        assert whole.clauses


def test_what_comes_back_is_as_if_it_had_always_been_there():
    """Whatever was left out meanwhile, of prices, closes and corrections."""
    always, at_times = whole_market(), whole_market()
    always.want(MADE)
    for second, asked in enumerate(
        (MADE, NOTHING, wants(Part.SECTORS), NOTHING, wants(Part.MOVERS), MADE), 1
    ):
        at_times.want(asked)
        whole, seen = tick(always, second), tick(at_times, second)
        for field, part in FIELDS.items():
            if part is not Part.STORY and Want(part) in complete(asked):
                assert value_of(seen, field) == value_of(whole, field), field


@pytest.mark.parametrize("part", [part for part in OF_MARKET if part is not Part.PAIRS])
def test_an_id_asks_for_what_it_reads_and_for_nothing_else(part):
    """Every figure is the same where only its own parts are made, and none of another part is."""
    whole, alone = whole_market(), whole_market()
    whole.want(MADE)
    alone.want(wants(part))
    expected, seen = tick(whole, 1), tick(alone, 1)
    mine = complete(wants(part))
    for figure in figures(DESK).values():
        if figure.wants <= mine:
            assert (figure.read(seen), figure.status(seen)) == (
                figure.read(expected),
                figure.status(expected),
            ), figure.id


def test_an_id_of_a_pair_asks_for_that_pair():
    market = whole_market()
    market.want(frozenset({pair_wanted("IWN/IVW")}))
    shown = tick(market, 1)
    assert shown.pairs["IWN/IVW"] is not None
    assert shown.pairs["KRE/QQQ"] is None
    table = figures(DESK)
    assert table["pair.iwn/ivw.spread.5.pp"].wants == {pair_wanted("IWN/IVW")}
    assert table["pair.iwn/ivw.spread.5.pp"].read(shown) is not None
    assert table["pair.kre/qqq.spread.5.pp"].read(shown) is None


def test_pairs_are_wanted_by_name_or_all_of_them():
    names = ("IWN/IVW", "KRE/QQQ")
    assert pairs_in(wants(Part.PAIRS), names) == set(names)
    assert pairs_in(frozenset({pair_wanted("KRE/QQQ"), pair_wanted("A/B")}), names) == {"KRE/QQQ"}
    assert pairs_in(wants(Part.GRAPH), names) == frozenset()
