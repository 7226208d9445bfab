"""The macro page: known and unknown, old and failed, on every size."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from rotation.figures.causes.banks import led, led_status
from rotation.macro.figures import (
    BankIncome,
    Curve,
    Inflation,
    Jobs,
    Macro,
    MacroSource,
    Release,
    ReleaseKind,
    Yield,
)
from rotation.sessions import NEW_YORK
from rotation.status import Kind, PriceStatus
from tests.support.tui.scenes import with_leg
from tui.panels.macro import rows
from tui.screen.scene import draw_panel
from tui.view.draw import cells
from tui.view.view_state import ViewState, reduce

if TYPE_CHECKING:
    from rotation.snapshot import Snapshot

DAY = dt.date(2024, 7, 15)
JUNE = dt.date(2024, 6, 1)
OUT = dt.datetime(2024, 7, 11, 8, 30, tzinfo=NEW_YORK)
KNOWN = Macro(
    yields=(
        Yield("2Y", 4.44, DAY, {"1d": -1.0, "1w": -18.0, "1m": None}),
        Yield("10Y", 4.23, DAY, {"1d": 5.0, "1w": -5.0, "1m": 3.0}),
    ),
    curve=Curve(
        bp=-21.0,
        date=DAY,
        change_bp={"1d": 6.0, "1w": 13.0, "1m": 26.0},
        line=tuple((DAY - dt.timedelta(n), -n) for n in range(9, -1, -1)),
    ),
    inflation=(
        Inflation("CPI", JUNE, -0.04, 2.97, 3.27, OUT),
        Inflation("core CPI", JUNE, None, 3.27, None, None),
    ),
    jobs=Jobs(JUNE, 206.0, 4.1, OUT),
    releases=(Release(ReleaseKind.FOMC, dt.datetime(2024, 7, 31, 14, tzinfo=NEW_YORK)),),
    sources={
        "Treasury": MacroSource(Kind.LIVE, OUT, 7200.0),
        "FRED": MacroSource(Kind.STALE, OUT, 108_000.0, "HTTP 429; next try in 7s"),
    },
    warnings=("CPI of July 2024 should be out, but is not here",),
)


def shown(snapshot: Snapshot, width: int = 156) -> str:
    made = rows(snapshot, ViewState(), width, 40)
    return "\n".join("".join(text for text, _ in row) for row in made)


@pytest.mark.parametrize("width", [36, 46, 56, 66, 76])
def test_where_there_is_no_room_a_figure_is_left_out_and_never_cut(
    scenes: dict[str, Snapshot], width: int
) -> None:
    wide = shown(replace(scenes["live"], macro=KNOWN), 108)
    narrow = rows(replace(scenes["live"], macro=KNOWN), ViewState(), width, 40)
    for row in narrow:
        assert sum(cells(text) for text, _ in row) <= width
    # A line of figures is the beginning of the one that has room for all of it.
    by_name = {row[0][0]: "".join(text for text, _ in row) for row in narrow if row}
    figures = [line for line in wide.split("\n") if line.startswith(("10Y  ", "KRE − ", "CPI  ", "payrolls"))]
    assert len(figures) == 4
    for line in figures:
        (cut,) = (text for name, text in by_name.items() if name.strip() and line.startswith(name))
        assert line.startswith(cut)
        assert cut == line or line[len(cut)] in " ,▲▼"


@pytest.mark.parametrize("width", [156, 116, 76])
def test_all_of_it_is_shown(scenes: dict[str, Snapshot], width: int) -> None:
    text = shown(replace(scenes["live"], macro=KNOWN), width)
    for part in (
        "10Y", "4.23      +5      −5      +3  15 Jul", "4.44      −1     −18       —",
        "10Y − 2Y         −21 bp", "core CPI          —  +3.27 %        —  Jun 2024",
        "CPI         −0.04 %  +2.97 %  +3.27 %  Jun 2024, out 11 Jul",
        "payrolls  +206 thousand, unemployment 4.1 %", "FOMC decision Wed 31 Jul 14:00  in 15 d 3 h",
        "KRE − IWM", "IWN/IVW", "Treasury  LIVE    answered 2 h ago",
        "FRED      STALE   answered 1 d ago", "HTTP 429; next try in 7s",
        "CPI of July 2024 should be out",
    ):  # fmt: skip
        assert part in text


def test_what_is_not_known_is_said_with_what_to_do(scenes: dict[str, Snapshot]) -> None:
    text = shown(replace(scenes["live"], macro=None))
    assert "Nothing is known of yields, prices and jobs" in text
    assert "KRE − IWM" in text, "the market core knows the banks all the same"
    alone = replace(KNOWN, inflation=(), jobs=None, curve=None, sources={}, warnings=())
    bare = replace(scenes["live"], macro=alone)
    assert "from what is kept; no source was asked" in shown(bare)
    legs = {symbol: leg for symbol, leg in scenes["live"].legs.items() if symbol != "KRE"}
    text = shown(replace(scenes["live"], legs=legs), 400)
    assert "KRE and KBE have no prices yet (rotation-tui history sync KRE KBE)" in text


def test_yields_alone_may_be_missing(scenes: dict[str, Snapshot]) -> None:
    text = shown(replace(scenes["live"], macro=replace(KNOWN, yields=(), curve=None)))
    assert "Nothing is known" not in text
    assert "No Treasury yields are stored" in text
    assert "CPI         −0.04 %" in text


def test_net_interest_income_stands_by_group(scenes: dict[str, Snapshot]) -> None:
    filed = dt.date(2024, 8, 2)
    june, march = dt.date(2024, 6, 30), dt.date(2024, 3, 31)
    banks = (
        BankIncome("BAC", "large", "Q2 2024", june, 13.7e9, -3.2, filed, False, False),
        BankIncome("KEY", "regional", "Q2 2024", june, 0.9e9, -9.3, filed, False, False),
        BankIncome("ZION", "regional", "Q1 2024", march, 0.5e9, None, filed, True, False),
    )
    text = shown(replace(scenes["live"], macro=replace(KNOWN, banks=banks)))
    text = text.replace("\N{NO-BREAK SPACE}", " ")
    assert "large     BAC −3.2 %" in text
    assert "regional  KEY −9.3 %, ZION —*" in text
    assert "to Q2 2024, last filed 2 Aug 2024; * after loan losses" in text


def test_banks_are_the_difference_of_two_returns(scenes: dict[str, Snapshot]) -> None:
    live = scenes["live"]
    own, base = (live.legs[symbol].return_pct for symbol in ("KRE", "IWM"))
    assert led(live) == {"KRE": {k: own[k] - base[k] for k in own}}
    unknown = replace(live.legs["KRE"], return_pct=dict.fromkeys(own))
    assert set(led(replace(live, legs={**live.legs, "KRE": unknown}))["KRE"].values()) == {None}


@pytest.mark.parametrize("width", [156, 116, 76])
def test_banks_say_what_they_are_worth(scenes: dict[str, Snapshot], width: int) -> None:
    live = with_leg(scenes["live"], "IWM", status=PriceStatus(Kind.LIVE, age_s=1.0))
    stale = with_leg(live, "KRE", status=PriceStatus(Kind.STALE, age_s=42.0, source="Feed"))
    assert "STALE 42s" in shown(stale, width)
    assert led_status(stale)["KRE"].worst == "KRE"
    closed: dict[str, object] = {"status": PriceStatus(Kind.CLOSED), "age_s": None, "session": DAY}
    settled = with_leg(with_leg(scenes["live"], "KRE", **closed), "IWM", **closed)
    assert "  close of 15 Jul" in shown(settled, width)
    old = with_leg(settled, "KRE", status=PriceStatus(Kind.OFFLINE), session=dt.date(2023, 7, 14))
    assert "OFFLINE, KRE close of 14 Jul 2023, IWM close of 15 Jul" in shown(old, width)


@pytest.mark.parametrize(("width", "height"), [(160, 45), (120, 40), (80, 24), (40, 12), (200, 60)])
def test_every_size_is_kept(scenes: dict[str, Snapshot], width: int, height: int) -> None:
    for snapshot in (scenes["live"], scenes["empty"], replace(scenes["live"], macro=KNOWN)):
        drawn = draw_panel("macro", snapshot, ViewState(focus="macro"), width, height)
        assert len(drawn.rows) == height
        assert {sum(cells(text) for text, _ in row) for row in drawn.rows} == {width}


def test_nine_goes_there() -> None:
    assert reduce(ViewState(), "9").focus == "macro"
