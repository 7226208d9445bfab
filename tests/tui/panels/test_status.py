"""What panels, the narrow ribbon and ``watch`` say of prices that are late, old or of two instants."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import msgspec
import pytest

from feeds.history.importing import read_history
from rotation.history import History
from rotation.market.market import Market
from rotation.quote import NS, Quote
from rotation.sessions import close_ns, open_ns
from rotation.status import Kind, Refusal
from tests.support.core_worlds import ORIGIN
from tests.support.status_worlds import HALTED, HOLED, MIN, SLOW, H, snapshot
from tui.cli.watch import _timeless
from tui.panels.base import kind_role
from tui.panels.help import DEFINITIONS
from tui.panels.registry import PANELS
from tui.view.view_state import ViewState

if TYPE_CHECKING:
    from rotation.snapshot import Snapshot

VIEW = ViewState()


def lines(panel: str, taken: Snapshot, width: int = 90, height: int = 40) -> list[str]:
    return ["".join(text for text, _ in row) for row in PANELS[panel].rows(taken, VIEW, width, height)]


def test_a_spread_of_two_instants_is_marked_and_claims_no_record():
    printed = lines("spread", snapshot(iwm=HALTED, iwm_age_s=3 * H))
    window = next(line for line in printed if line.startswith("▸5d"))
    assert "≈▲+14.75" in window
    assert window.endswith("—")
    assert "≈ prices from different times: IWM 3 h and QQQ 1 s old" in printed
    assert "≈" not in "".join(lines("spread", snapshot()))
    assert "record since" in "".join(lines("spread", snapshot()))


def test_the_ratio_is_marked_too():
    printed = lines("ratio", snapshot(qqq=SLOW, qqq_age_s=15 * MIN))
    assert printed[0].startswith("IWM/QQQ ≈")
    assert "≈" not in "".join(lines("ratio", snapshot()))


def test_what_is_wrong_with_both_legs_stands_below_the_spread():
    both = {"iwm": HALTED, "qqq": HALTED, "iwm_age_s": 3 * H, "qqq_age_s": 3 * H}
    assert "IWM and QQQ HALTED 3 h" in lines("spread", snapshot(**both))


@pytest.mark.parametrize("width", [40, 60, 75])
def test_the_narrow_ribbon_says_it_first(width: int):
    _, base, against = lines("ribbon", snapshot(iwm=HALTED, iwm_age_s=3 * H, qqq_age_s=5 * MIN), width, 3)
    assert base.startswith("IWM HALTED ▲+4.55%")
    assert against.startswith("−QQQ STALE 5m 5d ≈▲+14.75 pp")
    _, led, base = lines("ribbon", snapshot(), width, 3)
    assert (led[:23], base[:6]) == ("SMALL CAPS LEADING ▲ 5d", "IWM ▲+")


def test_a_range_that_lacks_prints_is_a_bound_and_the_price_is_live():
    (head, iwm, qqq) = PANELS["legs"].rows(snapshot(iwm=HOLED), VIEW, 200, 8)
    wrong = [text for text, role in iwm if role == "warn"]
    assert wrong == ["≤────●───≥", "   ≤115.00", "   ≥115.00"]
    assert "LIVE" in "".join(text for text, _ in iwm)
    assert not any(role == "warn" or "≥" in text for row in (head, qqq) for text, role in row)


@pytest.mark.parametrize("state", [*Kind, *Refusal])
def test_every_state_has_a_style(state: Kind | Refusal):
    looks = {
        "alert": {Refusal.AUTH_FAILED, Refusal.TAKEN_OVER},
        "warn": {Kind.GAPPED, Kind.HALTED, Kind.STALE, Kind.OFFLINE, Kind.UNADJUSTED},
        "accent": {Kind.LIVE, Kind.DEMO, Kind.REPLAY},
        "muted": {Kind.CLOSED, Kind.PROVISIONAL, Kind.DELAYED},
    }
    assert state in looks[kind_role(state)]


def test_watch_does_not_repeat_what_only_aged_but_tells_what_has_become_of_a_price():
    halted = {"iwm": HALTED, "iwm_age_s": 3 * H}
    newest = snapshot("2024-07-16 13:00:00", **halted)
    later = snapshot("2024-07-16 13:00:07", **halted | {"iwm_age_s": 3 * H + 7, "qqq_age_s": 8.0})
    assert newest.headline != later.headline
    assert _timeless(newest) == _timeless(later)
    stale = snapshot("2024-07-16 13:00:50", **halted | {"iwm_age_s": 3 * H + 50, "qqq_age_s": 51.0})
    assert _timeless(stale) != _timeless(newest)
    assert _timeless(snapshot(iwm=HALTED)) != _timeless(snapshot())
    assert _timeless(msgspec.structs.replace(newest, phase="POST")) != _timeless(newest)


def test_help_defines_every_state_that_a_price_can_be_in_and_every_word_of_breadth():
    names = " ".join(name for name, _ in DEFINITIONS)
    assert [kind for kind in Kind if kind.value not in names] == []
    for word in ("members up", "counted", "above 50-day", "highs − lows", "McClellan"):
        assert word in names


def test_watch_repeats_neither_graph_nor_banks_that_only_aged(shared_data):
    opens_ns = open_ns(date(2024, 7, 16))
    frame, _ = read_history([shared_data / "daily"], now_ns=close_ns(date(2026, 11, 27)))
    market = Market(History(frame, "history"), as_of_ns=opens_ns, origin=ORIGIN)
    prices = {"IWM": 221.0, "KRE": 55.0, "SPY": 561.0}
    prints = [Quote(symbol, opens_ns + NS, price) for symbol, price in prices.items()]
    first = market.apply(prints, as_of_ns=opens_ns + 2 * NS)
    second = market.apply((), as_of_ns=opens_ns + 3 * NS)
    assert first.graph != second.graph
    assert first.banks != second.banks
    assert _timeless(first) == _timeless(second)
    third = market.apply([Quote("KRE", opens_ns + 3 * NS, 55.5)], as_of_ns=opens_ns + 4 * NS)
    assert _timeless(third) != _timeless(second)
