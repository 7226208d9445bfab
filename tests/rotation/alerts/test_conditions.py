"""The grammar of conditions: what is read, what is refused and where."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotation.alerts.condition import Both, Comparison, Either, Not, comparisons
from rotation.alerts.parser import ConditionError, parse
from rotation.desk import Desk
from rotation.figures.registry import figures

TABLE = figures(Desk())


def only(text: str) -> Comparison:
    (asked,) = comparisons(parse(text, TABLE))
    return asked


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("iwm.streak.with_today >= 5", ("iwm.streak.with_today", ">=", 5.0, "")),
        ("IWM.STREAK.WITH_TODAY≥5", ("iwm.streak.with_today", ">=", 5.0, "")),
        ("spread.5.pp > −10.5", ("spread.5.pp", ">", -10.5, "")),
        ("spread.5.since < 2017-01-01", ("spread.5.since", "<", dt.date(2017, 1, 1), "")),
        ("spread.5.since record", ("spread.5.since", "=", "record", "")),
        ("spread.5.since is not record", ("spread.5.since", "!=", "record", "")),
        ("iwm.status is stale", ("iwm.status", "=", "STALE", "")),
        ("record", ("record", "=", True, "")),
        ("on_pace", ("on_pace", "=", True, "")),
        ("spread.5.leader changes", ("spread.5.leader", "changes", None, "")),
        ("settled spread.5.z >= 3", ("spread.5.z", ">=", 3.0, "settled")),
        ("spread.5.z >= 3 provisional", ("spread.5.z", ">=", 3.0, "provisional")),
        ("fed.next.cut >= .75", ("fed.next.cut", ">=", 0.75, "")),
    ],
)
def test_a_comparison(text, wanted):
    asked = only(text)
    assert (asked.figure.id, asked.operator, asked.value, asked.qualifier) == wanted


@pytest.mark.parametrize(
    "symbol", [".DJI", "-X", "=F", "ES=F", "A=5", "5", "700", "1E5", "^RUT", "BRK.B", "A-B"]
)
def test_a_figure_of_any_symbol_can_be_asked_for(symbol):
    """Whatever is a symbol at the door is one in a condition: ".DJI" and "A=5" were none."""
    table = figures(Desk(legs=("IWM", "QQQ", symbol), pairs=((symbol, "QQQ"),)))
    for name in (
        f"{symbol.lower()}.last",
        f"graph.{symbol.lower()}.ratio",
        f"pair.{symbol.lower()}/qqq.spread.5.pp",
    ):
        for text in (
            f"{name}>-1e2",
            f"not (settled {name} >= .5)",
            f"{name} changes",
            f"{name}=5 and {name}!=6",
        ):
            assert {each.figure.id.lower() for each in comparisons(parse(text, table))} == {name}


def test_and_binds_more_tightly_than_or():
    node = parse("record or on_pace and not (record or on_pace)", TABLE)
    assert isinstance(node, Either)
    assert isinstance(node.right, Both)
    assert isinstance(node.right.right, Not)


def test_a_qualifier_before_a_parenthesis_is_of_all_in_it_but_those_with_their_own():
    node = parse("settled (spread.5.pp > 1 and provisional spread.5.z > 2)", TABLE)
    assert [each.qualifier for each in comparisons(node)] == ["settled", "provisional"]


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("", 1, "expected a figure, got the end"),
        ("spread.5.pp", 12, "expected a comparison after spread.5.pp"),
        ("spread.5.pp >", 14, "expected a number (pp), got the end"),
        ("spread.5.pp > ten", 15, "expected a number (pp), got 'ten'"),
        ("spread.5.pq > 10", 1, "did you mean spread.5.pp"),
        ("spread.5.since < record", 18, "expected a date such as 2017-01-01, got 'record'"),
        ("spread.5.since < 2017-13-01", 18, "expected a date"),
        ("iwm.status is TIRED", 15, "expected one of LIVE, CLOSED"),
        ("iwm.status > LIVE", 12, "has no order"),
        ("record record", 8, 'expected "and", "or" or the end'),
        ("(record", 8, 'expected ")"'),
        ("record)", 7, 'expected "and", "or" or the end'),
        ("record & on_pace", 8, "unexpected '&'"),
        ("spread.5.pp > 1e999", 15, "expected a number"),
        ("spread.5.pp > nan", 15, "expected a number"),
        ("(" * 40 + "record", 31, "nested"),
        ("record or " * 60, 501, "longer than 500"),
    ],
)
def test_a_mistake_is_named_with_its_column(text, column, words):
    with pytest.raises(ConditionError) as caught:
        parse(text, TABLE)
    assert words in str(caught.value)
    assert caught.value.column == column
    assert "\n" not in str(caught.value)


@given(st.text(alphabet="spread.5.pp iwmstauchngorecd()<>=!0123456789-^≥", max_size=60))
def test_no_text_does_anything_but_parse_or_refuse(text):
    with suppress(ConditionError):
        parse(text, TABLE)
