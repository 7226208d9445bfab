"""The demo's causes: complete, the same on every run, and named as invented."""

from __future__ import annotations

from datetime import datetime

from feeds.demo.macro import demo_macro
from feeds.desk.opened.desk_legs import desk_for
from feeds.desk.opened.snapshots import snapshot_at
from feeds.desk.opened.sources import demo
from rotation.figures.causes.macro import macro_figures
from rotation.macro.stated import TENORS
from rotation.sessions import NEW_YORK, to_ns
from rotation.status import Kind

TEN_FORTY = to_ns(datetime(2024, 7, 16, 10, 40, tzinfo=NEW_YORK))


def test_every_part_is_there_and_the_same_each_time():
    known = demo_macro(TEN_FORTY)
    assert known == demo_macro(TEN_FORTY)
    assert [each.tenor for each in known.yields] == list(TENORS)
    assert all(None not in each.change_bp.values() for each in known.yields)
    assert len(known.curve.line) == 252
    assert [(each.name, None in (each.month_pct, each.year_pct)) for each in known.inflation] == [
        ("CPI", False), ("core CPI", False),
    ]  # fmt: skip
    assert known.jobs.payrolls_change > 0
    assert len(known.releases) == 3
    assert {each.group for each in known.banks} == {"large", "regional"}
    assert known.warnings == ()


def test_all_of_it_is_named_as_the_demo_s():
    source = demo()
    shown = snapshot_at(source, desk_for(source.history, ("IWM", "QQQ"), "price"), at=None, now_ns=0)
    assert {name: each.kind for name, each in shown.macro.sources.items()} == {"demo": Kind.DEMO}
    for figure in macro_figures():
        assert figure.read(shown) is not None, figure.id
        assert figure.status(shown).kind is Kind.DEMO, figure.id
