"""A figure without a value says why, and one with a value does not."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from rotation.context.explanation import Unknown
from rotation.desk import Desk
from rotation.figures.basis import Basis
from rotation.figures.explain import ON_SCREEN, explain, for_a_screen
from rotation.figures.figure import RECORD
from rotation.figures.registry import figures
from rotation.history import History
from rotation.market.market import Market
from rotation.quote import Quote
from rotation.sessions import close_ns
from rotation.status import DerivedStatus, Kind
from tests.rotation.figures.test_explain import world
from tests.support.core_worlds import CALENDAR, ORIGIN, PRICED, closes, history_of

DESK = Desk(legs=("IWM", "QQQ", "KRE"), pairs=(("KRE", "QQQ"),))


def basis(sessions: int, prints: dict[str, float], desk: Desk = DESK) -> Basis:
    days = CALENDAR[:sessions]
    rows = [
        row
        for n, s in enumerate(("IWM", "QQQ"))
        for row in closes(s, days, bytes((i * (n + 3)) % 8 for i in range(sessions)))
    ]
    history = history_of(rows) if sessions else History.empty()
    at = close_ns(CALENDAR[sessions]) - 10**9
    market = Market(history, desk, as_of_ns=at, origin=ORIGIN)
    return Basis(market.apply([Quote(s, at, p) for s, p in prints.items()], as_of_ns=at), history, desk)


def reasons(made: Basis) -> dict[str, tuple[Unknown, tuple[str, ...]]]:
    known = {name: explain(name, made) for name in figures(made.desk)}
    for name, each in known.items():
        assert (each.unknown is None) is (each.value is not None), name
    return {name: (each.unknown, each.lacking) for name, each in known.items() if each.unknown}


def test_of_an_empty_desk_nothing_has_come():
    why = reasons(
        Basis(Market(History.empty(), DESK, as_of_ns=0).apply((), as_of_ns=0), History.empty(), DESK)
    )
    assert why["iwm.last"] == (Unknown.NO_SESSION, ())
    assert why["spread.5.pp"] == (Unknown.NO_SESSION, ())
    assert why["fed.next.cut"] == (Unknown.NO_FED, ())
    assert why["macro.curve.bp"][0] is Unknown.NO_MACRO
    assert why["breadth.iwm.advances"] == (Unknown.NO_MEMBERS, ("IWM",))
    assert why["value_growth"] == (Unknown.NO_PAIR, ("IWN", "IVW"))


def test_the_leg_that_is_missing_is_named():
    why = reasons(basis(300, {"IWM": 231.17}))
    assert why["spread.5.pp"] == (Unknown.NO_PRICE, ("QQQ",))
    assert why["kre.last"] == (Unknown.NO_LEG, ("KRE",))
    assert why["pair.kre/qqq.spread.5.pp"] == (Unknown.NOT_SHOWN, ("KRE/QQQ",))
    assert "iwm.return.5" not in why


def test_how_much_history_is_missing():
    prints = {"IWM": 231.17, "QQQ": 495.43}
    why = reasons(basis(30, prints))
    assert why["iwm.return.252"] == (Unknown.NO_CLOSE, ("IWM",))
    assert why["spread.60.pp"] == (Unknown.NO_CLOSE, ("IWM", "QQQ"))
    assert why["spread.5.since"] == (Unknown.FEW, ())
    assert why["spread.5.z"] == (Unknown.FEW, ())
    assert why["spread.60.z"][0] is Unknown.NO_CLOSE
    longer = reasons(basis(420, prints))
    assert longer["spread.60.z"] == (Unknown.FEW_WINDOWS, ())
    assert longer["iwm.extended"][0] is Unknown.NO_EXTENDED
    assert longer["iwm.bid"][0] is Unknown.NO_QUOTE
    assert not {"spread.5.z", "spread.5.since", "ratio", "relative_streak"} & longer.keys()


def test_an_official_close_has_no_age():
    made = basis(300, {})
    why = reasons(made)
    assert made.snapshot.legs["IWM"].age_s is None
    assert why["iwm.age_s"][0] is Unknown.CLOSE_HAS_NO_AGE
    assert why["iwm.high"][0] is Unknown.NO_PRINT


def test_a_price_on_another_scale_is_said_to_be():
    made = basis(300, {"IWM": 231.17, "QQQ": 495.43})
    leg = made.snapshot.legs["IWM"]
    odd = replace(
        leg, status=replace(leg.status, kind=Kind.UNADJUSTED), return_pct=dict.fromkeys(leg.return_pct)
    )
    snapshot = replace(made.snapshot, legs={**made.snapshot.legs, "IWM": odd})
    assert reasons(replace(made, snapshot=snapshot))["iwm.return.5"] == (Unknown.UNADJUSTED, ("IWM",))


@pytest.mark.parametrize("name", ["spread.5.percentile", "iwm.since.5", "iwm.last", "relative_streak"])
def test_a_screen_has_the_ends_of_each_symbol_and_says_how_many_are_left_out(name):
    whole = explain(name, world())
    shown = for_a_screen(whole)
    assert len(shown.inputs) + shown.left_out == len(whole.inputs)
    assert len(shown.inputs) <= ON_SCREEN
    assert isinstance(shown.status, DerivedStatus)
    assert shown.status.kind is whole.status.kind
    for symbol in {row.symbol for row in whole.inputs}:
        rows = [row for row in whole.inputs if row.symbol == symbol]
        kept = [row for row in shown.inputs if row.symbol == symbol]
        assert (kept[0], kept[-1]) == (rows[0], rows[-1])
    assert (shown.value, shown.result, shown.id) == (whole.value, whole.result, whole.id)
    assert whole.value == RECORD or not isinstance(whole.value, str) or whole.unit == "date"


def test_a_number_in_a_symbol_is_no_window(monkeypatch):
    monkeypatch.setitem(PRICED, "7203", 231.0)
    desk = Desk(legs=("7203", "QQQ"), base="7203", against="QQQ")
    days = CALENDAR[:90]
    rows = [
        row
        for n, s in enumerate(desk.legs)
        for row in closes(s, days, bytes((i * (n + 3)) % 8 for i in range(90)))
    ]
    history, at = history_of(rows), close_ns(CALENDAR[90]) - 10**9
    market = Market(history, desk, as_of_ns=at, origin=ORIGIN)
    prints = [Quote("7203", at, 231.17), Quote("QQQ", at, 495.43)]
    why = reasons(Basis(market.apply(prints, as_of_ns=at), history, desk))
    assert why["7203.since.5"] == (Unknown.FEW, ())
