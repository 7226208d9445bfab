"""A script that knows nothing of the project computes each figure again from what ``explain`` prints."""

from __future__ import annotations

import json
import statistics
from datetime import date, datetime

import msgspec
import pytest

from rotation.desk import Desk
from rotation.errors import InputError
from rotation.figures.basis import Basis
from rotation.figures.explain import explain
from rotation.figures.registry import figures
from rotation.figures.settled import SettledFigures
from rotation.market.market import Market
from rotation.quote import Quote
from rotation.sessions import NEW_YORK, close_ns, to_ns
from tests.support.core_worlds import CALENDAR, ORIGIN, closes, history_of


def again(doc):
    """The thirty lines: ids and JSON in, a number or a date out."""
    lines = {}
    for row in doc["inputs"]:
        lines.setdefault(row["symbol"], []).append(row)
    days = [row["date"] for row in next(iter(lines.values()))]
    first, *rest = ([row["value"] for row in line] for line in lines.values())
    parts, k = doc["id"].split("."), next((int(p) for p in doc["id"].split(".") if p.isdigit()), 1)

    def ret(line, i, k):
        if i < k or line[i] is None or line[i - k] is None:
            return None
        return 0.0 if abs(line[i] - line[i - k]) <= 1e-6 * line[i - k] else (line[i] / line[i - k] - 1) * 100

    def series(i, k):
        values = [ret(line, i, k) for line in (first, *rest)]
        return None if None in values else values[0] - sum(values[1:])

    if parts[-1] == "last":
        return first[-1]
    if parts[0] == "ratio":
        return 100 * (first[-1] / rest[0][-1]) / (first[0] / rest[0][0])
    if "streak" in parts or parts[0] == "relative_streak":
        ways = [(v > 1e-4) - (v < -1e-4) for i in range(1, len(days)) if (v := series(i, 1)) is not None]
        n = next((i for i, w in enumerate(reversed(ways)) if w != ways[-1]), len(ways))
        return ways[-1] * n
    if parts[-1] in ("pp", "day_pct") or "return" in parts:  # the window's first and last session
        return series(1, 1)
    s = [series(i, k) for i in range(len(days))]
    now, past = s[-1], [v for v in s[:-1] if v is not None]
    if parts[-1] == "z":
        return (now - statistics.mean(past[-252:])) / statistics.stdev(past[-252:])
    if parts[-1] == "percentile":
        return 100 * sum((v < now) + (v == now) / 2 for v in past) / len(past)
    wins = [
        d
        for d, v in zip(days[:-1], s, strict=False)
        if v is not None and (v >= now if now >= 0 else v <= now)
    ]
    return wins[-1] if wins else "record"


IDS = [
    "iwm.last", "iwm.day_pct", "iwm.return.5", "iwm.return.252", "iwm.streak.with_today", "iwm.since.5",
    "iwm.since.20",
    "spread.1.pp", "spread.5.pp", "spread.60.pp", "spread.5.z", "spread.20.z", "spread.5.percentile",
    "spread.252.percentile",
    "spread.5.since", "spread.20.since", "relative_streak", "ratio",
]  # fmt: skip


def document(name: str, basis: Basis):
    return json.loads(msgspec.json.encode(explain(name, basis)))


def world(twin: str = "") -> Basis:
    """``twin``: the symbol of a leg with the closes and the price of IWM."""
    days = CALENDAR[:420]
    rows = [
        row
        for symbol, step in (("IWM", 5), ("QQQ", 3), *([(twin, 5)] if twin else []))
        for row in closes(symbol, days, bytes((i * i * step + i // 3) % 8 for i in range(len(days))), trend=1)
    ]
    legs = ("IWM", "QQQ", *([twin] if twin else []))
    history, desk, at = history_of(rows), Desk(legs=legs), close_ns(CALENDAR[420]) - 10**9
    prints = [
        Quote("IWM", at, 231.17),
        Quote("QQQ", at, 495.43),
        *([Quote(twin, at, 231.17)] if twin else []),
    ]
    return Basis(Market(history, desk, as_of_ns=at, origin=ORIGIN).apply(prints, as_of_ns=at), history, desk)


@pytest.mark.parametrize("name", IDS)
def test_each_figure_is_computed_again_from_its_inputs(name):
    doc = document(name, world())
    assert doc["value"] is not None
    wanted = doc["value"]
    assert again(doc) == (pytest.approx(wanted, rel=1e-9) if isinstance(wanted, float) else wanted)
    assert doc["result"] == (pytest.approx(wanted, rel=1e-9) if isinstance(wanted, float) else wanted)
    assert {"id", "value", "status", "definition", "formula", "inputs", "result"} <= doc.keys()
    assert all({"symbol", "date", "value", "source"} <= row.keys() for row in doc["inputs"])


@pytest.mark.parametrize("name", IDS)
def test_the_case_of_july_2024(name, shared_data):
    from feeds.history.importing import read_history
    from rotation.history import History

    frame, _ = read_history([shared_data / "daily"], now_ns=close_ns(date(2026, 11, 27)))
    at = to_ns(datetime(2024, 7, 16, 10, 40, tzinfo=NEW_YORK))
    history, desk = History(frame, "history"), Desk()
    market = Market(history, desk, as_of_ns=at, origin=ORIGIN)
    prints = [Quote("IWM", at, 221.28), Quote("QQQ", at, 495.43)]
    doc = document(name, Basis(market.apply(prints, as_of_ns=at), history, desk))
    wanted = doc["value"]
    assert again(doc) == (pytest.approx(wanted, rel=1e-9) if isinstance(wanted, float) else wanted)
    assert doc["result"] == (pytest.approx(wanted, rel=1e-9) if isinstance(wanted, float) else wanted)


def test_every_figure_can_be_explained():
    basis = world()
    for name in figures(basis.desk):
        doc = document(name, basis)
        assert doc["id"] == name
        assert doc["definition"]
        assert doc["formula"]


@pytest.mark.parametrize("symbol", ["700", "5", "0005.HK", "BRK.5", "RUN", "SINCE", "STREAK", "RECORD", "60"])
def test_a_symbol_that_is_a_number_or_a_word_of_ours_has_the_inputs_of_any_other(symbol):
    """A symbol was once taken for a window of 700 sessions, RUN for a run."""
    basis, p = world(symbol), symbol.lower()
    of_iwm = [name for name in figures(basis.desk) if name.startswith(("iwm.", "graph.iwm."))]
    assert len(of_iwm) > 30
    for name in of_iwm:
        asked, usual = explain(name.replace("iwm", p, 1), basis), explain(name, basis)
        assert (asked.value, asked.result, asked.unknown) == (usual.value, usual.result, usual.unknown), name
        rows, others = ([each for each in made.inputs if each.symbol != "QQQ"] for made in (asked, usual))
        assert [(each.date, each.value) for each in rows] == [(each.date, each.value) for each in others], (
            name
        )
        settled = SettledFigures(basis.history, basis.desk)
        table = figures(basis.desk)
        assert settled.column(table[asked.id]) == settled.column(table[usual.id]), name


def test_an_unknown_figure_offers_those_near_to_it():
    with pytest.raises(InputError, match=r"unknown figure 'spread.5.percent'.*spread.5.percentile"):
        explain("spread.5.percent", world())


def test_ids_are_plain_and_definitions_stand_alone():
    for figure in figures(Desk()).values():
        assert figure.id == figure.id.lower()
        assert figure.definition.rstrip().endswith((".", "sessions")) or figure.definition
        assert "None" not in figure.definition
