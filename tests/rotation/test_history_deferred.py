"""A history of which facts are kept answers as the one that they are of, and reads no row it need not."""

from __future__ import annotations

from datetime import date

import msgspec
import polars as pl
import pytest
from hypothesis import given, settings

from rotation.history import Facts, History
from rotation.sessions import sessions_between
from tests.support.core_worlds import World, history_of, worlds

EXAMPLES = settings.default.max_examples


def deferred(history: History, reads: list[History]) -> History:
    """The same history by its facts, as they come from a file; ``reads`` gets it whenever it is read."""
    facts = msgspec.msgpack.decode(msgspec.msgpack.encode(history.facts()), type=Facts)

    def read() -> History:
        reads.append(history)
        return history

    return History.deferred(facts, read, source=history.source, identity=history.identity)


@settings(max_examples=max(5, EXAMPLES // 2))
@given(worlds(fewest=0, most=120))
def test_facts_answer_as_the_rows_do(world: World):
    whole = history_of(world.rows)
    if whole.last() is None:
        return
    reads: list[History] = []
    known = deferred(whole, reads)
    last = whole.last()
    assert known.symbols == whole.symbols
    assert known.words == whole.words
    assert known.source == whole.source
    assert (known.first, known.last()) == (whole.first, last)
    days = sessions_between(date(2022, 6, 1), date(2024, 9, 30))
    assert [known.last(day) for day in days] == [whole.last(day) for day in days]
    assert known.newest([*whole.symbols, "NONE"]) == whole.newest([*whole.symbols, "NONE"])
    recent = [day for day in days if day >= known._facts.since]
    assert all(known.on(day).equals(whole.on(day)) for day in recent[:80])
    assert known.between(recent[0], last).equals(whole.between(recent[0], last))
    assert not reads
    assert known.on(days[0]).equals(whole.on(days[0]))
    assert known.before(last).equals(whole.before(last))
    assert known.frame.equals(whole.frame)
    assert len(reads) <= 1


def many(symbols: int, sessions: int) -> History:
    days = sessions_between(date(2022, 6, 1), date(2024, 9, 30))[:sessions]
    return History(
        pl.concat(
            pl.DataFrame({"symbol": f"S{n}", "date": days, "close": 10.0 + n, "adj_close": 1.0})
            for n in range(symbols)
        )
    )


@pytest.mark.parametrize(("symbols", "sessions"), [(2, 75), (400, 50), (16_000, 2)])
def test_facts_hold_few_rows_of_many_symbols(symbols: int, sessions: int):
    history = many(symbols, 80 if symbols < 1000 else 3)
    assert len(history.facts().recent["symbol"]) == symbols * sessions


def test_a_history_that_changed_before_it_was_read_has_no_identity():
    history = many(2, 80)
    history.identity = "as it was"
    known = deferred(history, [])
    history.identity = "as it is"
    assert known.identity == "as it was"
    known.before(date(2024, 1, 2))
    assert known.identity == ""
