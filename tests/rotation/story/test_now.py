"""The story of a running desk is what the commands say, and is made anew only where a price has changed."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from rotation.desk import WINDOWS, Desk
from rotation.figures.basis import Basis
from rotation.market.market import Market
from rotation.quote import NS, Quote
from rotation.sessions import close_ns, open_ns
from rotation.story.episodes import episodes
from rotation.story.levels import levels
from rotation.story.now import StoryNow
from tests.support.core_worlds import CALENDAR, FIRST, ORIGIN, closes, history_of

DESK = Desk(legs=("IWM", "QQQ"))
DAYS = CALENDAR[FIRST : FIRST + 60]


def history(iwm: bytes, qqq: bytes, days=DAYS):
    rows = [*closes("IWM", days, bytes(code & 7 for code in iwm))]
    return history_of([*rows, *closes("QQQ", days, bytes(code & 7 for code in qqq))])


@given(
    st.binary(min_size=60, max_size=60),
    st.binary(min_size=60, max_size=60),
    st.lists(st.integers(180, 260), min_size=1, max_size=4),
)
@settings(max_examples=max(6, settings().max_examples // 5))
def test_it_is_what_levels_and_episodes_say(iwm, qqq, prices):
    held = history(iwm, qqq)
    day = CALENDAR[FIRST + 60]
    market = Market(held, DESK, as_of_ns=open_ns(day), origin=ORIGIN)
    now = StoryNow()
    for second, price in enumerate(prices):
        at = open_ns(day) + (second + 60) * NS
        snapshot = market.apply([Quote("IWM", at, price + 0.37), Quote("QQQ", at, 480.0)], as_of_ns=at)
        basis = Basis(snapshot, held, DESK)
        story = now.of(basis)
        assert story.levels == tuple(levels(basis))
        assert story.episodes == {f"spread.{k}": episodes(basis, f"spread.{k}") for k in WINDOWS}
        later = market.apply([], as_of_ns=at + NS)
        assert now.of(Basis(later, held, DESK)) is story, "nothing but time has passed"


def test_the_close_and_a_corrected_history_make_it_anew():
    day = CALENDAR[FIRST + 59]
    whole = history(bytes(range(60)), bytes(range(60, 120)))
    now = StoryNow()
    for held in (whole, history(bytes(range(1, 61)), bytes(range(60, 120)))):
        bell = close_ns(day)
        snapshot = Market(held, DESK, as_of_ns=bell).apply([], as_of_ns=bell)
        basis = Basis(snapshot, held, DESK)
        assert now.of(basis).episodes["spread.5"] == episodes(basis, "spread.5")
    nothing = Market(history_of([]), DESK, as_of_ns=0).apply([], as_of_ns=0)
    assert now.of(Basis(nothing, history_of([]), DESK)).levels == ()


def test_legs_beside_the_pair_change_no_level():
    """One with a longer history, and one that is a further pair's."""
    day, early = CALENDAR[FIRST + 60], CALENDAR[FIRST - 30 : FIRST + 60]
    rows = [*closes("IVW", early, bytes(n % 5 for n in range(90)))]
    for symbol, step in (("IWM", 3), ("QQQ", 7)):
        rows += closes(symbol, DAYS, bytes((n * step) % 8 for n in range(60)))
    held, desk = history_of(rows), Desk(legs=("IWM", "QQQ", "IVW"), pairs=(("IVW", "QQQ"),))
    at = open_ns(day) + 60 * NS
    market = Market(held, desk, as_of_ns=open_ns(day), origin=ORIGIN)
    snapshot = market.apply([Quote("IWM", at, 231.5), Quote("QQQ", at, 480.0)], as_of_ns=at)
    basis = Basis(snapshot, held, desk)
    assert StoryNow().of(basis).levels == tuple(levels(basis)) != ()
