"""Settled columns are what a market says that is given each session in turn."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotation.desk import Desk
from rotation.figures.registry import figures
from rotation.figures.settled import SettledFigures
from rotation.market import records
from rotation.market.market import Market
from rotation.sessions import close_ns
from tests.support.core_worlds import CALENDAR, DESK, FIRST, LAST, histories, history_of

if TYPE_CHECKING:
    from rotation.figures.figure import Value

LEFT_OUT = ("fed.", "value_growth")
QUOTED = {"bid", "ask", "mid", "quote_age_s"}
OF_TODAY = {"high", "low", "volume", "extended", "age_s", "status", "last"} | QUOTED


@st.composite
def settled_worlds(draw):
    end = draw(st.integers(FIRST, LAST))
    return draw(histories(CALENDAR[end - draw(st.integers(4, 40)) : end])), draw(
        st.sampled_from(("price", "total"))
    )


def same(value: Value, other: Value) -> bool:
    if isinstance(value, float) and isinstance(other, int | float):
        return value == pytest.approx(other, rel=1e-9, abs=1e-9)
    return value == other


@given(settled_worlds(), st.sets(st.integers(0, 39), max_size=8))
def test_every_settled_figure_is_the_market_s(world, some):
    """On the latest session and on a few before: a market for each is what this costs."""
    rows, returns = world
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "SINCE_LEAST", 3)
        history, desk = history_of(rows), Desk(legs=DESK.legs, returns=returns)
        if history.last() is None:
            return
        settled = SettledFigures(history, desk)
        table = {name: each for name, each in figures(desk).items() if not name.startswith(LEFT_OUT)}
        columns = {name: settled.column(each) for name, each in table.items()}
        for row, session in enumerate(settled.sessions):
            if row not in some and row != len(settled.sessions) - 1:
                continue
            snapshot = Market(history, desk, as_of_ns=close_ns(session)).apply([], as_of_ns=close_ns(session))
            if snapshot.session != session:
                continue
            for name, figure in table.items():
                if name.rpartition(".")[2] in OF_TODAY:
                    continue
                legs = [snapshot.legs.get(symbol) for symbol in figure.symbols]
                if any(
                    leg is None or (leg.return_pct["1"] is None and not leg.streak.with_today) for leg in legs
                ):
                    continue  # a close is missing: live shows the session before, a settled column nothing
                if any(leg.session != session or leg.streak.provisional for leg in legs if leg):
                    continue
                live = figure.read(snapshot)
                assert same(columns[name][row], live), (name, session, columns[name][row], live)


def test_nothing_later_changes_a_settled_figure():
    days = CALENDAR[FIRST : FIRST + 60]
    rows = list(_rows(days))
    whole = SettledFigures(history_of(rows), DESK)
    cut = SettledFigures(history_of([row for row in rows if row.day <= days[40]]), DESK)
    for name, figure in figures(DESK).items():
        assert whole.column(figure)[: len(cut.sessions)] == cut.column(figure), name


def _rows(days: list[dt.date]):
    from tests.support.core_worlds import closes

    for symbol, step in (("IWM", 3), ("QQQ", 5), ("IWN", 2), ("IVW", 7)):
        yield from closes(symbol, days, bytes((i * step) % 8 for i in range(len(days))))


def test_the_case_of_july_2024(shared_data):
    from feeds.history.importing import read_history
    from rotation.history import History

    frame, _ = read_history([shared_data / "daily"], now_ns=close_ns(dt.date(2026, 11, 27)))
    settled, table = SettledFigures(History(frame), Desk()), figures(Desk())
    row = settled.sessions.index(dt.date(2024, 7, 16))

    def figure(name: str) -> Value:
        return settled.column(table[name])[row]

    assert figure("iwm.streak.with_today") == figure("iwm.streak.settled") == 5
    assert figure("iwm.return.5") == pytest.approx(11.519, abs=5e-4)
    assert figure("iwm.since.5") == dt.date(2020, 4, 29)
    assert figure("spread.5.pp") == pytest.approx(11.807, abs=5e-4)
    assert figure("spread.5.since") == dt.date(2001, 4, 3)
    assert figure("value_growth.low.date") == dt.date(2024, 7, 5)
    assert figure("value_growth.low.since") == "record"
