"""More pairs: each is what a market of its own would show, and one that nobody looks at costs nothing."""

from __future__ import annotations

from unittest.mock import patch

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from rotation.context.wants import MADE
from rotation.desk import Desk
from rotation.market.assemble import Charts, Pair
from rotation.market.market import Market
from rotation.market.past.look_back import look_back
from rotation.market.past.look_back_bytes import dump, key_of, load
from rotation.quote import NS, Quote
from rotation.sessions import open_ns
from rotation.snapshot import PairView
from tests.support.core_worlds import (
    CALENDAR,
    FIRST,
    LEGS,
    ORIGIN,
    World,
    closes,
    history_of,
    look_backs_kept,
    looking_at,
    worlds,
)

EXAMPLES = settings.default.max_examples
PAIRS = (("IWN", "IVW"), ("IWM", "NEW"), ("QQQ", "IWM"))
"""The last two share legs with the first; NEW may lack a history."""
NAMES = ("IWN/IVW", "IWM/NEW", "QQQ/IWM")
DESK = Desk(legs=LEGS, pairs=PAIRS)
OWN = [Desk(legs=LEGS, base=base, against=against) for base, against in PAIRS]


def as_pair(snapshot) -> PairView:
    """What a market says of its first pair."""
    names = PairView.__struct_fields__
    return PairView(**{name: getattr(snapshot, name) for name in names})


@settings(max_examples=max(10, EXAMPLES // 2))
@given(worlds(), st.lists(st.sets(st.sampled_from(NAMES)), max_size=12))
def test_a_pair_is_what_a_market_of_its_own_shows(world: World, looks: list[set[str]]):
    """Whoever begins or ends to look in the middle of the day."""
    world = world._replace(desk=DESK)
    with look_backs_kept():
        market = world.market()
        others = [world._replace(desk=desk).market() for desk in OWN]
        first = world._replace(desk=Desk(legs=LEGS)).market()
        looked: set[str] = set()
        for number, (quotes, as_of_ns) in enumerate(world.batches):
            if number < len(looks):
                looked = looks[number]
                market.want(looking_at(*looked))
            snapshot = market.apply(quotes, as_of_ns=as_of_ns)
            alone = first.apply(quotes, as_of_ns=as_of_ns)
            assert msgspec.structs.replace(snapshot, pairs={}) == alone
            for name, other in zip(NAMES, others, strict=True):
                own = as_pair(other.apply(quotes, as_of_ns=as_of_ns))
                assert snapshot.pairs[name] == (own if name in looked else None)


@settings(max_examples=max(5, EXAMPLES // 4))
@given(worlds(fewest=2), st.data())
def test_pairs_that_are_changed_in_the_middle_of_the_day_are_as_if_they_had_always_been(world: World, data):
    """Today's prints stay, whatever was shown before."""
    chosen = st.lists(st.sampled_from(PAIRS), unique=True).map(tuple)
    before, after = data.draw(chosen), data.draw(chosen)
    turn = data.draw(st.integers(0, len(world.batches) - 1))
    with look_backs_kept():
        market = world._replace(desk=msgspec.structs.replace(DESK, pairs=before)).market()
        always = world._replace(desk=msgspec.structs.replace(DESK, pairs=after)).market()
        market.want(looking_at(*NAMES))
        always.want(looking_at(*NAMES))
        for number, (quotes, as_of_ns) in enumerate(world.batches):
            if number == turn:
                desk = msgspec.structs.replace(DESK, pairs=after)
                market.take_desk(desk, market.pass_for(desk)())
                market.want(looking_at(*NAMES))
            shown = market.apply(quotes, as_of_ns=as_of_ns)
            assert number < turn or shown == always.apply(quotes, as_of_ns=as_of_ns)
            if number < turn:
                always.apply(quotes, as_of_ns=as_of_ns)


def test_a_pair_has_a_limit_of_its_own():
    desk = Desk(legs=LEGS, pairs=PAIRS, leg_gap_s=60.0, pair_gaps=(("IWN/IVW", 5.0),))
    day = CALENDAR[FIRST + 1]
    rows = [row for symbol in LEGS for row in closes(symbol, [CALENDAR[FIRST]], b"\3")]
    at = open_ns(day) + 600 * NS
    market = Market(history_of(rows), desk, as_of_ns=at - NS, origin=ORIGIN)
    market.want(looking_at(*NAMES))
    prints = [Quote(symbol, at - 30 * NS * (symbol in ("QQQ", "IVW")), 100.0) for symbol in LEGS]
    shown = market.apply(sorted(prints, key=lambda quote: quote.ts_ns), as_of_ns=at)
    apart = {
        name: view.spread.windows["1"].status.apart
        for name, view in shown.pairs.items()
        if view and view.spread.windows["1"].status
    }
    assert shown.spread.windows["1"].status.apart is False
    assert apart["IWN/IVW"] is True
    assert apart["QQQ/IWM"] is False


@settings(max_examples=max(5, EXAMPLES // 10))
@given(worlds(fewest=2))
def test_a_pair_that_nobody_looks_at_is_neither_ranked_nor_drawn(world: World):
    market = world._replace(desk=DESK).market()
    market.want(looking_at("IWN/IVW"))
    with (
        patch.object(Pair, "spread", autospec=True, side_effect=Pair.spread) as ranked,
        patch.object(Charts, "ratio", autospec=True, side_effect=Charts.ratio) as drawn,
    ):
        for quotes, as_of_ns in world.batches:
            market.apply(quotes, as_of_ns=as_of_ns)
    assert ranked.call_count == drawn.call_count == 2 * len(world.batches)


def test_names_that_are_no_pair_of_the_desk_change_nothing():
    market = World(DESK, [], CALENDAR[FIRST], 1_700_000_000 * NS, []).market()
    assert not market.want(looking_at("A/B", "IWM/QQQ"))
    assert market.want(looking_at("A/B", "IWN/IVW"))
    assert not market.want(looking_at("IWN/IVW"))
    assert market.want(MADE), "every pair"
    assert not market.want(looking_at(*NAMES))
    assert not market.want(looking_at()), "fewer come with the next Snapshot"


@settings(max_examples=max(5, EXAMPLES // 10))
@given(worlds(fewest=0))
def test_a_look_back_is_kept_with_its_pairs(world: World):
    market = world._replace(desk=DESK).market()
    made = look_back(market.history, world.session, DESK)
    key = key_of("a history", world.session, DESK, (), "a version")
    loaded = load(dump(made, key), key, market.history)
    assert loaded is not None
    assert (loaded.pairs, loaded.pairs_closed) == (made.pairs, made.pairs_closed)
    assert len(loaded.settled.pairs) == len(PAIRS)
    assert dump(loaded, key) == dump(made, key)
    assert key != key_of("a history", world.session, msgspec.structs.replace(DESK, pairs=()), (), "a version")
