"""How the value of an explained figure is written."""

from __future__ import annotations

import pytest

from rotation.desk import Desk
from rotation.figures.registry import figures
from tui.output.figures import valued

DESK = Desk(legs=("IWM", "QQQ", "KRE"))


@pytest.mark.parametrize(
    ("name", "value", "written"),
    [
        ("macro.yield.10y.pct", 4.23, "4.23 %"),
        ("macro.yield.3m.pct", -0.05, "−0.05 %"),
        ("macro.unemployment.pct", 4.1, "4.10 %"),
        ("macro.cpi.year_pct", 2.97, "+2.97 %"),
        ("macro.curve.bp", -27.0, "−27.00 bp"),
        ("iwm.day_pct", 1.88, "+1.88 %"),
        ("spread.5.pp", 10.34, "+10.34 pp"),
        ("spread.5.n", 6069, "6,069 sessions"),
        ("banks.kre.1.n", 4520, "4,520 sessions"),
        ("breadth.iwm.share_up.n", 504, "504 sessions"),
        ("iwm.streak.with_today", 5, "+5 sessions"),
    ],
)
def test_a_change_has_its_sign_and_a_level_or_a_count_has_none(name, value, written):
    assert valued(value, figures(DESK)[name]) == written
