"""One tick on either side of a level gives its two statements, by the whole market."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rotation.desk import Desk
from rotation.figures.basis import Basis
from rotation.figures.figure import plain
from rotation.figures.registry import figures
from rotation.market import records
from rotation.market.market import Market
from rotation.quote import NS, Quote
from rotation.sessions import NEW_YORK, close_ns, open_ns, to_ns
from rotation.status import Kind
from rotation.story.levels import levels
from rotation.story.turns import first_true, nearest
from tests.support.core_worlds import CALENDAR, FIRST, LAST, ORIGIN, closes, history_of


def at_price(history, desk: Desk, day: date, price: float, other: float):
    at = open_ns(day) + 60 * NS
    market = Market(history, desk, as_of_ns=open_ns(day), origin=ORIGIN)
    return market.apply([Quote("IWM", at, price), Quote("QQQ", at, other)], as_of_ns=at)


@given(
    st.integers(FIRST, LAST),
    st.binary(min_size=300, max_size=300),
    st.binary(min_size=300, max_size=300),
    st.integers(180, 260),
    st.integers(400, 560),
    st.sampled_from(("price", "total")),
    st.integers(0, 12),
)
@settings(max_examples=max(6, settings().max_examples // 5))
def test_one_tick_on_either_side_gives_the_two_statements(today, iwm, qqq, price, other, returns, offset):
    days = CALENDAR[today - 280 if today > 280 else 0 : today]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "SINCE_LEAST", 20)
        history = history_of(
            [
                *closes("IWM", days, bytes(code & 7 for code in iwm[: len(days)])),
                *closes("QQQ", days, bytes(code & 7 for code in qqq[: len(days)])),
            ]
        )
        desk, day = Desk(legs=("IWM", "QQQ"), returns=returns), CALENDAR[today]
        snapshot = at_price(history, desk, day, price + 0.37, float(other))
        stated = levels(Basis(snapshot, history, desk))
        # A price that is a split's ratio away from the close has no figures, and so no levels.
        is_split = snapshot.legs["IWM"].status.kind is Kind.UNADJUSTED
        assert bool(stated) is not is_split
        table = figures(desk)
        for level in stated[offset::13]:
            read = table[level.figure].read
            for ticks, wanted in ((0, level.at_or_above), (-1, level.below)):
                shown = at_price(history, desk, day, round(level.price + ticks * level.tick, 2), float(other))
                assert plain(read(shown)) == pytest.approx(wanted, abs=1e-9), (level, ticks)
            assert level.at_or_above != level.below or level.mark is not None


@given(st.lists(st.integers(0, 4), min_size=2, max_size=30), st.data())
def test_the_nearest_turns(steps, data):
    """A function of stretches in order on each side of a split, against looking at every number."""
    split = data.draw(st.integers(2, len(steps)))
    left, right = sorted(steps[: split - 1], reverse=True), sorted(steps[split - 1 :], reverse=True)
    values = [*left, *right]
    now = data.draw(st.integers(1, len(values)))

    def shown(n: int) -> int:
        return values[n - 1]

    turns = [n for n in range(2, len(values) + 1) if shown(n) != shown(n - 1)]
    below, above = [n for n in turns if n <= now][-1:], [n for n in turns if n > now][:1]
    rows = nearest(shown, now, len(values), split=split)
    assert [n for n in rows if n <= now] == below
    assert [n for n in rows if n > now] == above


def test_the_first_true():
    assert [first_true(lambda n, at=at: n >= at, 1, 9) for at in (0, 1, 5, 9, 10)] == [1, 1, 5, 9, None]


def test_the_case_of_july_2024_at_10_40(shared_data):
    from feeds.history.importing import read_history
    from rotation.history import History

    frame, _ = read_history([shared_data / "daily"], now_ns=close_ns(date(2026, 11, 27)))
    history, desk = History(frame), Desk()
    at = to_ns(datetime(2024, 7, 16, 10, 40, tzinfo=NEW_YORK))
    market = Market(history, desk, as_of_ns=at, origin=ORIGIN)
    snapshot = market.apply([Quote("IWM", at, 221.28), Quote("QQQ", at, 495.43)], as_of_ns=at)
    since = [each for each in levels(Basis(snapshot, history, desk)) if each.figure == "spread.5.since"]
    above = since[-1]
    assert above.price > 221.28
    assert above.below == "2016-11-14"
    assert date.fromisoformat(str(above.at_or_above)) < date(2016, 11, 14)
    assert since[0].at_or_above == "2016-11-14"
