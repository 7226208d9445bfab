"""What followed, against lists and loops; and nothing later changes what stood earlier."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rotation.desk import Desk
from rotation.errors import InputError
from rotation.figures.basis import Basis
from rotation.market.market import Market
from rotation.sessions import close_ns
from rotation.story.episodes import LEAST, episodes
from tests.support.core_worlds import CALENDAR, FIRST, closes, history_of

if TYPE_CHECKING:
    from datetime import date

DESK = Desk(legs=("IWM", "QQQ"))
HORIZONS = (1, 5)


def basis_of(rows, day: date) -> Basis:
    history = history_of(rows)
    bell = close_ns(day)
    return Basis(Market(history, DESK, as_of_ns=bell).apply([], as_of_ns=bell), history, DESK)


def pct(now, was):
    if now is None or was is None:
        return None
    return 0.0 if abs(now - was) <= was / 1e6 else (now / was - 1) * 100


def expected(rows, days: list[date], k: int):
    """(value, [(day, value, {h: pp})], {h: all}) by the definition, with today the last of ``days``."""
    line = {
        s: [{r.day: r.close for r in rows if r.symbol == s}.get(day) for day in days] for s in ("IWM", "QQQ")
    }

    def over(row: int, back: int):
        if row - back < 0 or row >= len(days):
            return None
        b, a = (pct(line[s][row], line[s][row - back]) for s in ("IWM", "QQQ"))
        return None if b is None or a is None else b - a

    value = over(len(days) - 1, k)
    chosen: list[int] = []
    for row in range(len(days) - 1):
        was = over(row, k)
        if value is None or was is None or (chosen and row < chosen[-1] + k):
            continue
        if was >= value - 1e-7 if value >= 0 else was <= value + 1e-7:
            chosen.append(row)
    after = [(days[row], over(row, k), {h: over(row + h, h) for h in HORIZONS}) for row in chosen]
    every = {h: [pp for row in range(len(days)) if (pp := over(row + h, h)) is not None] for h in HORIZONS}
    return value, after, every


def two_legs(days, iwm: bytes, qqq: bytes):
    rows = closes("IWM", days, bytes(code & 7 for code in iwm))
    return [*rows, *closes("QQQ", days, bytes(code & 7 if code < 250 else 255 for code in qqq))]


@given(st.binary(min_size=60, max_size=60), st.binary(min_size=60, max_size=60), st.sampled_from((1, 5)))
@settings(max_examples=max(15, settings().max_examples // 2))
def test_episodes_are_those_of_the_definition(iwm, qqq, k):
    days = CALENDAR[FIRST : FIRST + 60]
    rows = two_legs(days, iwm, qqq)
    answer = episodes(basis_of(rows, days[-1]), f"spread.{k}", HORIZONS)
    value, chosen, every = expected(history_rows(rows), days, k)
    assert answer.value == pytest.approx(value)
    assert [each.date for each in answer.episodes] == [day for day, _, _ in chosen]
    assert answer.n == len(chosen)
    for each, (_, was, after) in zip(answer.episodes, chosen, strict=True):
        assert each.value == pytest.approx(was)
        assert each.after == {str(h): pytest.approx(pp) for h, pp in after.items()}
    for h in HORIZONS:
        known = [after[h] for _, _, after in chosen if after[h] is not None]
        outcome = answer.after[str(h)]
        assert (outcome.n, outcome.all_n) == (len(known), len(every[h]))
        assert outcome.all_median == (pytest.approx(statistics.median(every[h])) if every[h] else None)
        if len(known) < LEAST:
            assert outcome.median is outcome.q1 is outcome.q3 is outcome.share_positive is None
        else:
            assert outcome.median == pytest.approx(statistics.median(known))
            assert outcome.share_positive == sum(pp > 0 for pp in known) / len(known)
            assert outcome.q1 <= outcome.median <= outcome.q3


def history_rows(rows):
    """As the history has them: seven digits."""
    from tests.support.core_oracle import Close, seven_digits

    return [Close(row.symbol, row.day, seven_digits(row.close), row.adj_close) for row in rows]


@given(st.binary(min_size=50, max_size=50), st.binary(min_size=50, max_size=50), st.integers(10, 48))
def test_later_rows_change_nothing_earlier(iwm, qqq, cut):
    days = CALENDAR[FIRST : FIRST + 50]
    rows = two_legs(days, iwm, qqq)
    day = days[cut]
    whole = episodes(basis_of(rows, day), "spread.5", HORIZONS)
    assert whole == episodes(basis_of([row for row in rows if row.day <= day], day), "spread.5", HORIZONS)


@pytest.mark.parametrize("name", ["ratio", "spread.7", "iwm.last", "nothing"])
def test_what_has_no_window_is_refused(name):
    days = CALENDAR[FIRST : FIRST + 8]
    with pytest.raises(InputError):
        episodes(basis_of(two_legs(days, bytes(8), bytes(8)), days[-1]), name)


@pytest.mark.parametrize("horizons", [(), (0,), (5, 99_999)])
def test_a_horizon_is_a_number_of_sessions(horizons):
    days = CALENDAR[FIRST : FIRST + 8]
    with pytest.raises(InputError, match="--horizon"):
        episodes(basis_of(two_legs(days, bytes(8), bytes(8)), days[-1]), "spread.5", horizons)
