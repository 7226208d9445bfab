"""What is held of columns: let go as it ages, a little with each frame; no more than may be repeated."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unittest.mock import patch

import polars as pl

from rotation.columns import of_quotes
from rotation.market import prints as limits
from rotation.market.reduce import backlog
from rotation.market.reduce.backlog import Backlog
from rotation.market.session_filter import SessionFilter
from rotation.quote import NS, Quote
from rotation.sessions import hours
from tests.support.core_worlds import CALENDAR, FIRST

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

DAY = CALENDAR[FIRST]
OPENS = hours(DAY)[1]
END = hours(DAY)[3]


def empty() -> SessionFilter:
    made = SessionFilter()
    made.expect({"A", "B"}, DAY)
    return made


def held(made: SessionFilter) -> int:
    return made._tally._backlog.height


def give(made: SessionFilter, quotes: Iterable[Quote]) -> None:
    made.admit_columns(of_quotes(quotes), END)


def at(ns: int, symbol: str = "A", seq: int = 0, price: float = 10.0) -> Quote:
    return Quote(symbol, OPENS + ns, price, seq, 100)


def test_after_a_pause_what_is_old_goes_a_little_with_each_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that was held has aged at once; no frame waits until all of it is looked at."""
    looked: list[int] = []
    part = Backlog._part
    monkeypatch.setattr(
        Backlog,
        "_part",
        lambda self, rows, *given, **named: looked.append(rows.height) or part(self, rows, *given, **named),
    )
    with patch.object(backlog, "CHUNK", 100):
        made = empty()
        for start in range(0, 5000, 50):
            give(made, [at((start + i) * NS // 100) for i in range(50)])
        assert held(made) == 5000
        for second in range(600, 700):
            looked.clear()
            give(made, [at(second * NS)])
            assert sum(looked) <= 2 * 100
    assert held(made) <= 61 + 2 * 100
    prints = made.prints("A", "REGULAR")
    assert prints is not None
    assert prints.volume == 100 * (5000 + 100)


def test_of_one_symbol_no_more_is_held_than_may_be_remembered() -> None:
    with patch.object(backlog, "CHUNK", 10), patch.object(limits, "KEPT_MAX", 3):
        made, heights = empty(), list[int]()
        for start in range(0, 1000, 5):
            give(made, [at(start + i) for i in range(5)])
            heights.append(held(made))
        assert max(heights) <= 4 * 10
        give(made, [at(0), at(999)])
        assert (made.counts.late, made.counts.duplicates) == (1, 1)


def test_of_a_symbol_whose_prints_all_come_late_no_more_is_held_either() -> None:
    with patch.object(backlog, "CHUNK", 10), patch.object(limits, "KEPT_MAX", 8):
        made = empty()
        give(made, [at(50 * NS)])
        for start in range(0, 600, 3):
            give(made, [at(49 * NS + start + i) for i in range(3)])
            assert held(made) <= 8 * 10
    prints = made.prints("A", "REGULAR")
    assert prints is not None
    assert (prints.volume, made.counts.accepted) == (100 * 601, 601)


def test_a_print_ahead_of_the_clock_makes_no_other_old() -> None:
    """Of what is remembered of a symbol only its own prints decide, and what is in order stays so."""
    with patch.object(backlog, "CHUNK", 10):
        made = empty()
        for second in range(30):
            give(made, [at(second * NS), at(second * NS, "B"), at(second * NS + 1)])
            if second == 20:
                give(made, [at(95 * NS, "B")])
        assert sum(chunk.rows.height for chunk in made._tally._backlog._aside) <= 2 * 10
    give(made, [at(0), at(29 * NS)])
    assert made.counts.duplicates == 2


def test_what_was_let_go_stays_columns_until_somebody_reads_it() -> None:
    """Thousands of members print every minute of the session; nobody reads most of them."""
    prices = [10.0 + second % 97 for second in range(1200)]
    with patch.object(backlog, "CHUNK", 10):
        made = empty()
        for start in range(0, 1200, 20):
            give(made, [at(second * NS, price=prices[second]) for second in range(start, start + 20)])
        assert held(made) <= 61 + 3 * 20
        assert not made._tally._prints
    prints = made.prints("A", "REGULAR")
    assert prints is not None
    single = empty()
    for second, price in enumerate(prices):
        single.admit(at(second * NS, price=price), END)
    other = single.prints("A", "REGULAR")
    assert other is not None
    assert (prints.last, prints.high, prints.low, prints.volume, prints.minutes) == (
        other.last,
        other.high,
        other.low,
        other.volume,
        other.minutes,
    )


def test_symbols_of_another_list_are_the_same_symbols() -> None:
    """A stream's Enum has names in an order of its own, and some that are not let in."""
    made = empty()
    rows = of_quotes([at(0, "B"), at(1, "A"), at(2, "X"), at(3, "B")])
    for kind in (pl.Enum(["X", "B", "A"]), pl.Enum(["B", "A"]), pl.String):
        taken = empty()
        assert taken.admit_columns(rows.with_columns(pl.col("symbol").cast(kind, strict=False)), END) == {
            "A",
            "B",
        }
        made.admit_columns(rows.with_columns(pl.col("symbol").cast(kind, strict=False)), END)
        assert taken.counts.unknown_symbol == 1
        assert taken.last("B") == (10.0, OPENS + 3)
    assert made.counts.duplicates == 2 * 3
    made.expect({"A", "B", "X"}, DAY)
    assert "X" in made.admit_columns(rows.with_columns(pl.col("symbol").cast(pl.Enum(["X", "B", "A"]))), END)


def test_to_forget_nothing_changes_nothing() -> None:
    made = empty()
    made.forget(())
    give(made, [at(0), at(1)])
    made.forget(())
    made.forget(("X",))
    give(made, [at(1)])
    assert made.counts.duplicates == 1
    made.forget(("A",))
    assert made.prints("A", "REGULAR") is None
    give(made, [at(1)])
    assert (made.counts.accepted, made.counts.duplicates) == (3, 1)
