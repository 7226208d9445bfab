"""Bid, ask and mid beside a leg: fresh, of the session that runs, or unknown."""

from __future__ import annotations

import json

import msgspec
import pytest

from rotation.desk import Desk
from rotation.figures.basis import Basis
from rotation.figures.explain import explain
from rotation.market.market import Market
from rotation.market.status import Provenance
from rotation.quote import NS, Nbbo, Quote
from rotation.status import REPLAY, Kind
from tests.support.core_worlds import history_of
from tests.support.status_worlds import (
    DESK,
    GAPPED,
    HALTED,
    NOON,
    OFF,
    SLOW,
    YAHOO,
    at,
    closes,
)
from tui.output.snapshot_json import encode
from tui.screen.scene import draw_panel
from tui.view.view_state import ViewState

NAMES = ("bid", "ask", "mid", "quote_age_s")
UNKNOWN = (None, None, None, None)


def market(moment: str = NOON, origin: Provenance = YAHOO) -> Market:
    desk = Market(history_of(closes()), DESK, as_of_ns=at(moment), origin=origin)
    prints = (Quote("IWM", at(moment) - NS, 115.0), Quote("QQQ", at(moment) - NS, 401.0))
    desk.apply(prints, as_of_ns=at(moment))
    return desk


def quoted(moment: str, bid: float = 114.99, ask: float = 115.01, age_s: float = 0.5) -> dict[str, Nbbo]:
    return {"IWM": Nbbo("IWM", bid, ask, at(moment) - round(age_s * NS))}


def shown(desk: Market, moment: str = NOON) -> tuple[float | None, ...]:
    leg = desk.apply((), as_of_ns=at(moment)).legs["IWM"]
    return tuple(getattr(leg, name) for name in NAMES)


def test_a_fresh_one_is_shown_with_its_age_and_no_figure_rests_on_it():
    desk = market()
    before = desk.apply((), as_of_ns=at(NOON))
    desk.take_bid_asks(quoted(NOON, 115.49, 115.53))
    assert shown(desk) == (115.49, 115.53, 115.51, 0.5)
    after = desk.apply((), as_of_ns=at(NOON))
    assert (after.legs["IWM"].last, after.headline) == (before.legs["IWM"].last, before.headline)
    assert after.legs["IWM"].return_pct == before.legs["IWM"].return_pct
    assert after.spread == before.spread
    assert after.legs["QQQ"].mid is None


@pytest.mark.parametrize(
    "bad",
    [
        quoted(NOON, 115.02, 115.01),
        quoted(NOON, 0.0, 115.01),
        quoted(NOON, 115.0, 0.0),
        quoted(NOON, float("nan"), 115.0),
        quoted(NOON, 115.0, float("inf")),
        quoted(NOON, age_s=30.5),
        quoted(NOON, age_s=-3.0),
    ],
    ids=["crossed", "no bid", "no ask", "nan", "infinite", "old", "ahead of time"],
)
def test_what_is_no_market_of_now_is_unknown(bad: dict[str, Nbbo]):
    desk = market()
    desk.take_bid_asks(bad)
    assert shown(desk) == UNKNOWN


def test_a_crossed_one_ends_the_market_before_it_and_an_older_one_brings_nothing_back():
    desk = market()
    desk.take_bid_asks(quoted(NOON, age_s=2.0))
    assert shown(desk)[2] == 115.0
    desk.take_bid_asks(quoted(NOON, 115.02, 115.01, age_s=1.0))
    assert shown(desk) == UNKNOWN
    desk.take_bid_asks(quoted(NOON, age_s=1.5))
    assert shown(desk) == UNKNOWN


def test_it_grows_old_by_itself():
    desk = market()
    desk.take_bid_asks(quoted(NOON, age_s=0.0))
    assert shown(desk, "2024-07-16 13:00:29")[3] == 29.0
    assert shown(desk, "2024-07-16 13:00:31") == UNKNOWN


@pytest.mark.parametrize(
    ("moment", "is_shown"),
    [
        ("2024-07-16 03:59:59", False),
        ("2024-07-16 08:00:00", True),
        ("2024-07-16 09:29:59", True),
        ("2024-07-16 15:59:59", True),
        ("2024-07-16 16:00:00", False),
        ("2024-07-16 17:00:00", False),
        ("2024-07-16 22:00:00", False),
        ("2024-07-20 12:00:00", False),
    ],
)
def test_never_of_a_closed_session(moment: str, is_shown: bool):
    desk = market(moment)
    desk.take_bid_asks(quoted(moment))
    assert (shown(desk, moment) != UNKNOWN) is is_shown


def test_the_pre_markets_is_not_the_sessions():
    desk = market("2024-07-16 09:30:00")
    desk.take_bid_asks(quoted("2024-07-16 09:29:59"))
    assert shown(desk, "2024-07-16 09:30:01") == UNKNOWN
    desk.take_bid_asks(quoted("2024-07-16 09:30:01"))
    assert shown(desk, "2024-07-16 09:30:01")[:2] == (114.99, 115.01)


@pytest.mark.parametrize("origin", [HALTED, GAPPED, OFF, Provenance()], ids=str)
def test_where_the_feed_is_not_worth_its_mode_there_is_none(origin: Provenance):
    desk = market(origin=origin)
    desk.take_bid_asks(quoted(NOON))
    assert shown(desk) == UNKNOWN


def test_of_a_feed_that_is_late_by_contract_it_is_as_late():
    desk = market(origin=SLOW)
    desk.take_bid_asks(quoted(NOON, age_s=901.0))
    assert shown(desk)[:3] == (114.99, 115.01, 115.0)


def test_a_tape_that_goes_back_forgets_it():
    desk = market(origin=Provenance(REPLAY, "tape"))
    desk.take_bid_asks(quoted(NOON))
    assert shown(desk) != UNKNOWN
    desk.restart(at(NOON))
    assert set(desk.apply((), as_of_ns=at(NOON)).legs) == {"IWM", "QQQ"}
    assert shown(desk) == UNKNOWN


def test_json_figures_and_explain_say_them():
    desk = market()
    desk.take_bid_asks(quoted(NOON))
    taken = desk.apply((), as_of_ns=at(NOON))
    leg = json.loads(encode(taken))["legs"]["IWM"]
    assert [leg[name] for name in NAMES] == [114.99, 115.01, 115.0, 0.5]
    answer = explain("iwm.mid", Basis(taken, desk.history, Desk(legs=("IWM", "QQQ"))))
    assert answer.value == answer.result == 115.0
    assert [(row.value, row.source) for row in answer.inputs] == [
        (114.99, "Yahoo bid"),
        (115.01, "Yahoo ask"),
    ]
    silent = explain("qqq.bid", Basis(taken, desk.history, Desk(legs=("IWM", "QQQ"))))
    assert (silent.value, silent.inputs) == (None, ())


def test_the_zoomed_panel_shows_them_and_the_others_do_not():
    desk = market()
    desk.take_bid_asks(quoted(NOON))
    taken = desk.apply((), as_of_ns=at(NOON))

    def printed(view: ViewState, width: int = 160) -> str:
        rows = draw_panel("legs", taken, view, width, 20).rows
        return "\n".join("".join(text for text, _ in row) for row in rows)

    zoomed = ViewState(zoomed=True)
    wide = printed(zoomed)
    assert wide.count("IWM") == 2
    assert " ".join(wide.split("bid")[1].split("IWM")[1].split()[:5]) == "114.99 115.01 115.000 1.7 0s"
    assert wide.split("QQQ")[-1].split()[:5] == ["—"] * 5
    assert "114.99" in printed(zoomed, 40)
    assert "114.99" not in printed(ViewState())
    silent = msgspec.structs.replace(
        taken,
        legs={
            symbol: msgspec.structs.replace(leg, bid=None, ask=None, mid=None, quote_age_s=None)
            for symbol, leg in taken.legs.items()
        },
    )
    rows = draw_panel("legs", silent, zoomed, 160, 20).rows
    assert all("mid" not in text for row in rows for text, _ in row), "no source sends them"
    assert taken.legs["IWM"].status.kind is Kind.LIVE


def test_after_the_bell_a_late_feed_s_is_of_a_closed_session_too():
    desk = market("2024-07-16 16:05:00", SLOW)
    desk.take_bid_asks(quoted("2024-07-16 15:50:00"))
    assert shown(desk, "2024-07-16 16:05:00") == UNKNOWN
