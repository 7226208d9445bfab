"""Windows of one's own: every figure follows, and the usual ones stay as they are."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from rotation.desk import LONGEST, WINDOWS, Desk, DeskChange, with_usual
from rotation.figures.basis import Basis
from rotation.figures.explain import explain
from rotation.figures.registry import figures
from rotation.market.past.look_back import look_back
from rotation.market.past.look_back_bytes import dump, key_of, load
from rotation.story.now import StoryNow
from tests.support.core_worlds import CALENDAR, FIRST, World, look_backs_kept, worlds

EXAMPLES = settings.default.max_examples
OWN = st.sets(st.integers(1, 30), max_size=4).map(with_usual)


def usual(shown):
    """The Snapshot with the usual windows alone."""
    keys = [str(k) for k in WINDOWS]

    def kept(by_window):
        return {k: by_window[k] for k in keys}

    def of(spread):
        return msgspec.structs.replace(spread, windows=kept(spread.windows))

    legs = {
        symbol: msgspec.structs.replace(leg, return_pct=kept(leg.return_pct), since=kept(leg.since))
        for symbol, leg in shown.legs.items()
    }
    pairs = {
        name: view and msgspec.structs.replace(view, spread=of(view.spread))
        for name, view in shown.pairs.items()
    }
    return msgspec.structs.replace(shown, legs=legs, spread=of(shown.spread), pairs=pairs)


@settings(max_examples=max(10, EXAMPLES // 2))
@given(worlds(), OWN)
def test_more_windows_change_none_of_the_usual_ones(world: World, windows):
    with look_backs_kept():
        market = world._replace(desk=msgspec.structs.replace(world.desk, windows=windows)).market()
        plain = world.market()
        for quotes, as_of_ns in world.batches:
            shown = market.apply(quotes, as_of_ns=as_of_ns)
            assert list(shown.spread.windows) == [str(k) for k in windows]
            assert usual(shown) == plain.apply(quotes, as_of_ns=as_of_ns)


@settings(max_examples=max(10, EXAMPLES // 4))
@given(worlds(), st.integers(2, 30))
def test_a_window_is_what_its_definition_says(world: World, k):
    """By the closes k sessions back and today's values, in plain Python."""
    with look_backs_kept():
        market = world._replace(desk=msgspec.structs.replace(world.desk, windows=with_usual([k]))).market()
        for quotes, as_of_ns in world.batches:
            shown = market.apply(quotes, as_of_ns=as_of_ns)
    spread = shown.spread
    for symbol in (spread.base, spread.against):
        leg = shown.legs.get(symbol)
        if leg is None or leg.return_pct[str(k)] is None:
            continue
        basis = Basis(shown, market.history, market.desk)
        explained = explain(f"{symbol.lower()}.return.{k}", basis)
        assert abs(explained.result - leg.return_pct[str(k)]) < 1e-6
    base, against = (shown.legs.get(symbol) for symbol in (spread.base, spread.against))
    if base and against and None not in (own := base.return_pct[str(k)], other := against.return_pct[str(k)]):
        assert abs(spread.windows[str(k)].pp - (own - other)) < 1e-9


@settings(max_examples=max(5, EXAMPLES // 4))
@given(worlds(fewest=2), OWN, OWN, st.data())
def test_windows_that_are_changed_in_the_middle_of_the_day_are_as_if_they_had_always_been(
    world: World, before, after, data
):
    turn = data.draw(st.integers(0, len(world.batches) - 1))
    with look_backs_kept():
        market, always = (
            world._replace(desk=msgspec.structs.replace(world.desk, windows=windows)).market()
            for windows in (before, after)
        )
        for number, (quotes, as_of_ns) in enumerate(world.batches):
            if number == turn:
                desk = DeskChange(windows=after).of(market.desk)
                market.take_desk(desk, market.pass_for(desk)())
            shown, expected = (each.apply(quotes, as_of_ns=as_of_ns) for each in (market, always))
            assert number < turn or shown == expected


@settings(max_examples=max(5, EXAMPLES // 10))
@given(worlds(), OWN)
def test_a_look_back_with_other_windows_is_kept_under_another_key_and_read_again(world: World, windows):
    desk = msgspec.structs.replace(world.desk, windows=windows)
    market = world.market()
    made = look_back(market.history, CALENDAR[FIRST + 1], desk)
    key = key_of("a history", made.session, desk, (), "code")
    assert (key == key_of("a history", made.session, world.desk, (), "code")) == (windows == WINDOWS)
    again = load(dump(made, key), key, market.history)
    assert again.settled.windows == made.settled.windows == windows


@settings(max_examples=max(5, EXAMPLES // 10))
@given(worlds(), OWN)
def test_ids_levels_and_episodes_follow(world: World, windows):
    desk = msgspec.structs.replace(world.desk, windows=windows)
    ids = figures(desk)
    for k in windows:
        assert {f"spread.{k}.pp", f"spread.{k}.since", f"{desk.base.lower()}.return.{k}"} <= ids.keys()
    assert set(figures(Desk())) - set(figures(msgspec.structs.replace(Desk(), windows=windows))) == set()
    market = world._replace(desk=desk).market()
    for quotes, as_of_ns in world.batches:
        shown = market.apply(quotes, as_of_ns=as_of_ns)
    story = StoryNow().of(Basis(shown, market.history, desk))
    assert list(story.episodes) == [f"spread.{k}" for k in windows]


def test_the_usual_windows_are_always_there():
    assert with_usual([]) == WINDOWS == Desk().windows
    assert with_usual([LONGEST, 3, 5]) == (1, 3, 5, 20, 60, 252, LONGEST)
