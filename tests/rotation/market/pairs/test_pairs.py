"""More pairs: each is what a market of its own would show, and one that nobody looks at costs nothing."""

from __future__ import annotations

from unittest.mock import patch

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from rotation.desk import Desk
from rotation.market.assemble import Charts, Pair
from rotation.market.past.look_back import look_back
from rotation.market.past.look_back_bytes import dump, key_of, load
from rotation.quote import NS
from rotation.snapshot import PairView
from tests.support.core_worlds import CALENDAR, FIRST, LEGS, World, look_backs_kept, worlds

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
                market.show_pairs(looked)
            snapshot = market.apply(quotes, as_of_ns=as_of_ns)
            alone = first.apply(quotes, as_of_ns=as_of_ns)
            assert msgspec.structs.replace(snapshot, pairs={}) == alone
            for name, other in zip(NAMES, others, strict=True):
                own = as_pair(other.apply(quotes, as_of_ns=as_of_ns))
                assert snapshot.pairs[name] == (own if name in looked else None)


@settings(max_examples=max(5, EXAMPLES // 10))
@given(worlds(fewest=2))
def test_a_pair_that_nobody_looks_at_is_neither_ranked_nor_drawn(world: World):
    market = world._replace(desk=DESK).market()
    market.show_pairs({"IWN/IVW"})
    with (
        patch.object(Pair, "spread", autospec=True, side_effect=Pair.spread) as ranked,
        patch.object(Charts, "ratio", autospec=True, side_effect=Charts.ratio) as drawn,
    ):
        for quotes, as_of_ns in world.batches:
            market.apply(quotes, as_of_ns=as_of_ns)
    assert ranked.call_count == drawn.call_count == 2 * len(world.batches)


def test_names_that_are_no_pair_of_the_desk_change_nothing():
    market = World(DESK, [], CALENDAR[FIRST], 1_700_000_000 * NS, []).market()
    assert not market.show_pairs({"A/B", "IWM/QQQ"})
    assert market.show_pairs({"A/B", "IWN/IVW"})
    assert not market.show_pairs({"IWN/IVW"})
    assert market.show_pairs(set())


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
