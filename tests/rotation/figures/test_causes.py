"""Figures of the causes: each explained and computed once more by hand, and what alerts make of them."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta

import msgspec
import pytest

from rotation.alerts.reading import of_snapshot
from rotation.breadth.figures import Breadth, BreadthFigures, IndexBreadth, SectorBreadth
from rotation.desk import Desk
from rotation.figures.basis import Basis
from rotation.figures.causes.macro import macro_figures
from rotation.figures.causes.members import breadth_figures
from rotation.figures.explain import explain
from rotation.figures.registry import figures
from rotation.history import History
from rotation.macro.assemble import macro
from rotation.macro.figures import MacroSource
from rotation.market.market import Market
from rotation.sessions import NEW_YORK, close_ns, to_ns
from rotation.status import DerivedStatus, Kind
from tests.support.core_worlds import ORIGIN

TEN_FORTY = datetime(2024, 7, 16, 10, 40, tzinfo=NEW_YORK)


def basis_of(known=None, at: datetime = TEN_FORTY, breadth=None) -> Basis:
    history = History.empty()
    market = Market(history, Desk(), as_of_ns=to_ns(at), origin=ORIGIN)
    market.take_macro(known)
    shown = market.apply((), as_of_ns=to_ns(at))
    return Basis(msgspec.structs.replace(shown, breadth=breadth), history, Desk())


def document(name: str, basis: Basis):
    return json.loads(msgspec.json.encode(explain(name, basis)))


def by_hand(doc) -> float:
    """From what is printed alone."""
    values, name = [row["value"] for row in doc["inputs"]], doc["id"]
    if "curve" in name:
        now = values[0] - values[1]
        return 100 * (now - (values[2] - values[3]) if "change" in name else now)
    if name.endswith(("month_pct", "year_pct")):
        return (values[0] / values[1] - 1) * 100
    if "change" in name:
        return (values[0] - values[1]) * (1 if "payrolls" in name else 100)
    return values[0]


@pytest.mark.parametrize(
    ("asked", "of_yields", "of_months"),
    [
        (("Treasury", "FRED", "SEC", "BLS"), "Treasury or FRED", "FRED"),
        (("Treasury", "SEC"), "Treasury", "stored observations"),
        (("BLS",), "stored observations", "stored observations"),
        ((), "stored observations", "stored observations"),
    ],
)
def test_an_observation_is_ascribed_to_who_publishes_its_series(files, asked, of_yields, of_months):
    sources = dict.fromkeys(asked, MacroSource(Kind.LIVE, TEN_FORTY, 0.0))
    basis = basis_of(macro(files, (), TEN_FORTY, sources))
    for figure in macro_figures():
        doc = document(figure.id, basis)
        wanted = of_yields if figure.id.startswith(("macro.yield", "macro.curve")) else of_months
        assert {row["source"] for row in doc["inputs"]} | {doc["status"]["source"]} == {wanted}, figure.id


def test_every_macro_figure_is_computed_again_from_what_is_printed(files):
    basis = basis_of(macro(files, (), TEN_FORTY))
    ranks = 0
    for figure in macro_figures():
        doc = document(figure.id, basis)
        assert doc["value"] is not None, figure.id
        assert doc["status"]["kind"] == "CLOSED"
        if figure.id.endswith(("percentile", ".n")):
            ranks += 1
            assert doc["result"] is None  # nothing computes a rank from the few observations printed
            continue
        assert doc["result"] == pytest.approx(doc["value"], abs=1e-9)
        assert by_hand(doc) == pytest.approx(doc["value"], abs=1e-6), figure.id
        for row in doc["inputs"]:
            assert files[row["symbol"]][date.fromisoformat(row["date"])] == row["value"]
    assert ranks == 2


def test_the_rank_of_the_ten_year_s_week_by_a_plain_loop(files):
    series = {day: value for day, value in files["DGS10"].items() if day <= date(2024, 7, 15)}
    changes = []
    for day in sorted(series):
        week = [day - timedelta(days=back) for back in range(7, 12)]
        earlier = [was for was in week if was in series]
        if earlier:
            changes.append(round(100 * (series[day] - series[max(earlier)]), 6))
    *before, now = changes
    rank = 100 * sum((each < now) + (each == now) / 2 for each in before) / len(before)
    basis = basis_of(macro(files, (), TEN_FORTY))
    assert document("macro.yield.10y.change.1w", basis)["value"] == now
    assert document("macro.yield.10y.change.1w.percentile", basis)["value"] == pytest.approx(rank)
    assert document("macro.yield.10y.change.1w.n", basis)["value"] == len(before)


def test_a_figure_that_should_be_newer_is_stale_and_calls_no_alert(files):
    known = macro(files, (), TEN_FORTY)
    ids = ("macro.yield.10y.pct", "macro.cpi.year_pct")
    fresh, old = (basis_of(known, at) for at in (TEN_FORTY, TEN_FORTY + timedelta(days=60)))
    assert [document(name, fresh)["status"]["kind"] for name in ids] == ["CLOSED"] * 2
    assert [document(name, old)["status"]["kind"] for name in ids] == ["STALE"] * 2
    own = [figures(Desk())[name] for name in ids]
    assert all(each.settled for each in of_snapshot(fresh.snapshot, own).observed.values())
    assert not any(each.settled for each in of_snapshot(old.snapshot, own).observed.values())


def test_without_any_source_every_figure_is_unknown():
    basis = basis_of()
    for figure in (*macro_figures(), *breadth_figures(Desk())):
        doc = document(figure.id, basis)
        assert (doc["value"], doc["status"], doc["inputs"]) == (None, None, [])


def test_members_are_counted_again_from_the_sectors():
    day = date(2024, 7, 16)
    now = BreadthFigures(day, day, 12, 10, 7, 2, 1, 5, 0.7, 0.5, 10, 2, 1, 1, 10, 0.55, None)
    sectors = (SectorBreadth("A", 60.0, 1.0, 0.6, 4, 6, 7), SectorBreadth("", 40.0, 1.0, 0.4, 3, 4, 5))
    status = DerivedStatus(Kind.CLOSED, "X", None, None, 0.0, "", "", None, apart=False)
    index = IndexBreadth("IWM", now, False, None, status, (), (), (), (), sectors, 88.0, 504)
    basis = basis_of(breadth=Breadth({"IWM": index}))
    wanted = {"advances": 7, "counted": 10, "total": 12, "share_up": 0.7}
    for field, value in wanted.items():
        doc = document(f"breadth.iwm.{field}", basis)
        sums = {
            what: sum(row["value"] for row in doc["inputs"] if row["symbol"].endswith(what))
            for what in ("advances", "counted", "total")
        }
        assert doc["value"] == doc["result"] == value
        assert value == (sums["advances"] / sums["counted"] if field == "share_up" else sums[field])
    assert document("breadth.iwm.share_up.percentile", basis)["value"] == 88.0
    assert document("breadth.qqq.advances", basis)["value"] is None


def test_the_banks_of_july_2024_are_computed_again(shared_data):
    from feeds.history.importing import read_history

    frame, _ = read_history([shared_data / "daily"], now_ns=close_ns(date(2026, 11, 27)))
    at = close_ns(date(2024, 7, 16))
    history, desk = History(frame, "history"), Desk()
    basis = Basis(Market(history, desk, as_of_ns=at, origin=ORIGIN).apply([], as_of_ns=at), history, desk)
    for name in ("banks.kre.1.pp", "banks.kre.5.pp", "banks.kre.1.percentile", "banks.kre.1.n"):
        doc = document(name, basis)
        assert doc["value"] is not None
        assert doc["result"] == pytest.approx(doc["value"], rel=1e-9), name
    doc = document("banks.kre.5.pp", basis)
    (kre_then, kre), (iwm_then, iwm) = (
        [row["value"] for row in doc["inputs"] if row["symbol"] == symbol] for symbol in ("KRE", "IWM")
    )
    assert doc["value"] == pytest.approx((kre / kre_then - iwm / iwm_then) * 100)


def test_the_share_above_the_mean_is_of_those_with_all_of_its_closes():
    by_id = {each.id: each for each in breadth_figures(Desk())}
    share, total = by_id["breadth.iwm.above_mean"], by_id["breadth.iwm.total"]
    assert share.formula == "count(P > mean(P[-49..0])) / count(P and its last 50 closes known)"
    assert "all of these closes" in share.definition
    assert (
        total.definition == "How many members of IWM the latest holdings file on or before the session lists."
    )
