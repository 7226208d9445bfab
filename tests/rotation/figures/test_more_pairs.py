"""Figures of the desk's more pairs: each is what a desk says whose first pair it is."""

from __future__ import annotations

import json

import msgspec
import pytest

from rotation.alerts.desk_log import DeskLog
from rotation.alerts.parser import ConditionError, parse
from rotation.alerts.rule import Rule
from rotation.context.wants import NOTHING, pair_wanted
from rotation.desk import Desk
from rotation.errors import InputError
from rotation.figures.basis import Basis
from rotation.figures.explain import explain
from rotation.figures.figure import plain
from rotation.figures.more_pairs import desk_of
from rotation.figures.pair import pair_figures
from rotation.figures.registry import figures
from rotation.figures.settled import SettledFigures
from rotation.market.market import Market
from rotation.quote import Quote
from rotation.sessions import close_ns
from rotation.status import Kind
from tests.rotation.figures.test_explain import IDS, again
from tests.support.core_worlds import CALENDAR, ORIGIN, closes, history_of, looking_at

PAIRS = (("IWN", "IVW"), ("QQQ", "IWM"))
DESK = Desk(legs=("IWM", "QQQ", "IWN", "IVW"), pairs=PAIRS)
OF_LEGS = ("iwm.", "qqq.")


def basis(desk: Desk, shown: frozenset[str] = frozenset({"IWN/IVW", "QQQ/IWM"})) -> Basis:
    days = CALENDAR[:420]
    steps = (("IWM", 5), ("QQQ", 3), ("IWN", 2), ("IVW", 7))
    rows = [
        row
        for symbol, step in steps
        for row in closes(symbol, days, bytes((i * i * step + i // 3) % 8 for i in range(len(days))), trend=1)
    ]
    history, at = history_of(rows), close_ns(CALENDAR[420]) - 10**9
    prints = [
        Quote(symbol, at, price)
        for symbol, price in (("IWM", 231.17), ("QQQ", 495.43), ("IWN", 170.3), ("IVW", 91.2))
    ]
    market = Market(history, desk, as_of_ns=at, origin=ORIGIN)
    market.want(looking_at(*shown))
    return Basis(market.apply(prints, as_of_ns=at), history, desk)


@pytest.mark.parametrize("pair", ["IWN/IVW", "QQQ/IWM"])
def test_every_figure_is_that_of_a_desk_with_this_pair_alone(pair):
    more, alone = basis(DESK), basis(desk_of(DESK, pair))
    table = figures(DESK)
    for figure in pair_figures(alone.desk):
        own = table[f"pair.{pair.lower()}.{figure.id}"]
        assert own.pair == pair
        assert own.read(more.snapshot) == figure.read(alone.snapshot)
        assert own.status(more.snapshot) == figure.status(alone.snapshot)
        assert (own.definition, own.unit, own.kind, own.symbols) == (
            figure.definition, figure.unit, figure.kind, figure.symbols,
        )  # fmt: skip


def test_the_settled_columns_too():
    made = basis(DESK)
    settled, table = SettledFigures(made.history, DESK), figures(DESK)
    for pair in ("IWN/IVW", "QQQ/IWM"):
        desk = desk_of(DESK, pair)
        alone = SettledFigures(made.history, desk)
        for figure in pair_figures(desk):
            column = settled.column(table[f"pair.{pair.lower()}.{figure.id}"])
            assert column == alone.column(figure), figure.id
            assert any(value is not None for value in column) or not figure.id.endswith(".pp")


@pytest.mark.parametrize("name", [name for name in IDS if not name.startswith(OF_LEGS)])
def test_each_is_computed_again_from_its_inputs(name):
    asked = f"pair.IWN/IVW.{name}"
    doc = json.loads(msgspec.json.encode(explain(asked, basis(DESK))))
    assert doc["id"] == asked.lower()
    assert doc["value"] is not None
    assert {row["symbol"] for row in doc["inputs"]} == {"IWN", "IVW"}
    wanted = pytest.approx(doc["value"], rel=1e-9) if isinstance(doc["value"], float) else doc["value"]
    # The script knows the names of the first pair's figures.
    assert again(doc | {"id": name}) == wanted
    assert doc["result"] == wanted


def test_of_a_pair_that_nobody_asked_for_nothing_is_known():
    made = basis(DESK, frozenset())
    figure = figures(DESK)["pair.iwn/ivw.spread.5.pp"]
    assert figure.read(made.snapshot) is None
    assert figure.status(made.snapshot) is None
    assert explain("pair.iwn/ivw.spread.5.pp", made).value is None


def test_a_pair_that_the_desk_lacks_is_named():
    wanted = r"unknown figure 'pair.XBI/IBB.ratio' \(XBI/IBB is not one of the desk's pairs: desk.pairs"
    with pytest.raises(InputError, match=wanted):
        explain("pair.XBI/IBB.ratio", basis(DESK))
    with pytest.raises(ConditionError, match="XBI/IBB is not one of the desk's pairs"):
        parse("pair.XBI/IBB.ratio > 3", figures(DESK))
    with pytest.raises(InputError, match=r"did you mean pair.iwn/ivw.spread.5.percentile"):
        explain("pair.iwn/ivw.spread.5.percent", basis(DESK))


def test_ids_of_the_first_pair_are_as_they_were():
    assert [name for name in figures(DESK) if not name.startswith("pair.")] == list(
        figures(msgspec.structs.replace(DESK, pairs=()))
    )


def test_an_alert_on_one_says_which_pairs_it_needs_and_fires():
    log = DeskLog(
        DESK,
        [
            Rule(id="value", condition="pair.IWN/IVW.spread.5.pp > -100 and not record"),
            Rule(id="first", condition="spread.5.pp > -100"),
        ],
        on_tape=True,
    )
    assert log.wants == {pair_wanted("IWN/IVW")}
    made = basis(DESK, frozenset({"IWN/IVW"}))
    assert made.snapshot.legs["IWN"].status.kind in (Kind.LIVE, Kind.DEMO, Kind.REPLAY)
    _, calls = log.take(made.snapshot)
    value = plain(figures(DESK)["pair.iwn/ivw.spread.5.pp"].read(made.snapshot))
    assert {call.rule.id for call in calls} == {"value", "first"}
    (call,) = (call for call in calls if call.rule.id == "value")
    assert call.fired.values["pair.iwn/ivw.spread.5.pp"] == value
    log.set_rules([Rule(id="first", condition="spread.5.pp > -100")])
    assert log.wants == NOTHING
