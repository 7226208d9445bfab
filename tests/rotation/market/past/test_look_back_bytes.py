"""A look-back that was kept is the one that was made; all else is made anew."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rotation.breadth.members import Membership
from rotation.desk import Desk
from rotation.market.assemble import Charts
from rotation.market.past import look_back_bytes
from rotation.market.past.look_back import look_back
from rotation.market.past.look_back_bytes import dump, key_of, load
from rotation.market.past.passes import Inputs
from rotation.sessions import last_closed
from tests.support.breadth.worlds import world
from tests.support.core_worlds import CALENDAR, DESK, FIRST, World, closes, history_of, worlds

EXAMPLES = settings.default.max_examples
SESSION = CALENDAR[FIRST]
HISTORY = history_of(
    [
        row
        for symbol in ("IWM", "QQQ", "IWN", "IVW")
        for row in closes(symbol, CALENDAR[FIRST - 300 : FIRST], bytes(i % 8 for i in range(300)))
    ]
)
KEY = key_of("a history", SESSION, DESK, (), "a version")


@settings(max_examples=max(5, EXAMPLES * 3 // 5))
@given(worlds(fewest=0, most=300))
def test_a_market_with_the_loaded_one_shows_what_it_would_have_shown(world: World):
    market = world.market()
    history = market.history
    session = history.last(last_closed(world.started_ns))
    made = look_back(history, session, world.desk)
    kept = dump(made, KEY)
    loaded = load(kept, KEY, history)
    assert loaded is not None
    assert loaded.history is history
    assert dump(loaded, KEY) == kept
    assert loaded.charts == made.charts
    if made.settled is not None:
        assert loaded.settled.table.equals(made.settled.table)
        assert loaded.settled.table.schema == made.settled.table.schema
    market.take_ahead(loaded)
    market.update_history(history)
    assert market._passes._used is loaded
    plain = world.market()
    for quotes, as_of_ns in world.batches:
        assert market.apply(quotes, as_of_ns=as_of_ns) == plain.apply(quotes, as_of_ns=as_of_ns)


def test_without_a_session_it_is_kept_as_well():
    made = look_back(HISTORY, None, DESK)
    assert load(dump(made, KEY), KEY, HISTORY) == made


WHOLE = dump(look_back(HISTORY, SESSION, DESK), KEY)


@given(st.integers(0, len(WHOLE) - 1), st.integers(1, 255))
def test_bytes_that_changed_are_no_look_back(at: int, flip: int):
    broken = bytearray(WHOLE)
    broken[at] ^= flip
    assert load(bytes(broken), KEY, HISTORY) is None


@pytest.mark.parametrize("cut", [0, 1, 31, 32, 33, 1000, -1])
def test_bytes_that_end_early_are_no_look_back(cut: int):
    assert load(WHOLE[:cut], KEY, HISTORY) is None


def test_every_part_of_the_key_counts(monkeypatch):
    others = [
        key_of("another", SESSION, DESK, (), "a version"),
        key_of("a history", date(2024, 1, 2), DESK, (), "a version"),
        key_of("a history", None, DESK, (), "a version"),
        key_of("a history", SESSION, msgspec.structs.replace(DESK, returns="total"), (), "a version"),
        key_of("a history", SESSION, DESK, (), "the next version"),
    ]
    monkeypatch.setattr(look_back_bytes, "LAYOUT", look_back_bytes.LAYOUT + 1)
    others.append(key_of("a history", SESSION, DESK, (), "a version"))
    assert len({KEY, *others}) == 7
    assert load(WHOLE, KEY, HISTORY) is not None
    assert all(load(WHOLE, other, HISTORY) is None for other in others)


@pytest.mark.parametrize("seed", range(3))
def test_breadth_is_kept_with_the_members_of_the_key(seed: int):
    made_up = world(seed)
    session = made_up.days[-5]
    made = look_back(made_up.history, session, DESK, (made_up.membership,))
    key = key_of("a history", session, DESK, (made_up.membership,), "a version")
    loaded = load(dump(made, key), key, made_up.history, (made_up.membership,))
    assert loaded is not None
    assert loaded.membership == made.membership
    (kept,), (past,) = loaded.breadth, made.breadth
    assert (kept.fund, kept.session, kept.sessions) == (past.fund, past.session, past.sessions)
    assert (kept.means, kept.members) == (past.means, past.members)
    assert kept.table.equals(past.table)
    other = Membership.of("IWM", made_up.membership.lists[:-1])
    assert key_of("a history", session, DESK, (other,), "a version") != key


@pytest.mark.parametrize("through", [CALENDAR[FIRST - 1], CALENDAR[FIRST - 50]])
def test_charts_for_after_the_bell_are_kept(through: date):
    """They hold the session's own closes where history has them, and are the others' where it has not."""
    made = look_back(HISTORY, through, DESK)
    loaded = load(dump(made, KEY), KEY, HISTORY)
    assert loaded is not None
    assert loaded.closed == made.closed == Charts.of(HISTORY, DESK, through)
    assert loaded.charts == made.charts != made.closed
    unsettled = look_back(HISTORY, SESSION, DESK)
    assert unsettled.closed == unsettled.charts == Charts.of(HISTORY, DESK, SESSION)


@pytest.mark.parametrize("kept", [False, True])
def test_a_pass_made_for_other_returns_is_not_taken(kept: bool):
    price = Desk(legs=DESK.legs)
    total = msgspec.structs.replace(price, returns="total")
    made = look_back(HISTORY, SESSION, price)
    if kept:
        made = load(dump(made, KEY), KEY, HISTORY)
    wanted = Inputs(HISTORY, SESSION, total)
    assert not wanted.fits(made)
    assert wanted.fits(look_back(HISTORY, SESSION, total))
