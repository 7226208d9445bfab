"""The plain-text snapshot."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec
import pytest

from rotation.status import Kind
from tests.support.tui.scenes import with_leg
from tui.output.text import WIDTH, text

if TYPE_CHECKING:
    from rotation.snapshot import Snapshot

MOST_WINDOWS = ("1", "2", "3", "4", "5", "6", "7", "8", "20", "60", "252", "1250", "1260")
"""Those that every desk has, and eight of a person's own."""


def _widest(shown_text: str) -> int:
    """Below the headline, which is one line however long."""
    return max(len(line) for line in shown_text.splitlines()[2:])


@pytest.mark.parametrize("scene", ["live", "closed", "cached", "empty"])
def test_it_is_plain_text_with_the_headline(scene: str, scenes: dict[str, Snapshot]) -> None:
    shown_text = text(scenes[scene])
    assert shown_text.splitlines()[1] == scenes[scene].headline
    assert all(line.isprintable() for line in shown_text.splitlines())
    assert _widest(shown_text) <= WIDTH


def test_it_is_marked_and_says_since_when(scenes: dict[str, Snapshot]) -> None:
    shown_text = text(scenes["live"])
    assert shown_text.startswith("DEMO  Tue 16 Jul 2024 10:40:00 EDT  OPEN  session 2024-07-16")
    assert "since 14 Nov 2016 (+10.40 pp)" in shown_text
    assert "▲5 (4+1)" in shown_text


def test_unknown_is_a_dash(scenes: dict[str, Snapshot]) -> None:
    live = scenes["live"]
    unknown = with_leg(live, "IWM", last=None, return_pct=dict.fromkeys(("1", "5", "20", "60", "252")))
    line = next(line for line in text(unknown).splitlines() if line.startswith("IWM"))
    assert line.split()[1:7] == ["—"] * 6


@pytest.mark.parametrize("symbol", ["IWM", "LONGSYMBOL-WS=F"])
def test_with_as_many_windows_as_a_desk_may_have_it_stays_within_its_width(
    symbol: str, scenes: dict[str, Snapshot]
) -> None:
    shown_text = text(_with_windows(scenes["live"], symbol))
    assert _widest(shown_text) <= WIDTH
    heads = " ".join(line for line in shown_text.splitlines() if line.startswith("   "))
    assert re.findall(r"(\d+)d %", heads) == list(MOST_WINDOWS[1:])
    for k, own in enumerate(MOST_WINDOWS):
        assert f"+{1000 + k}.00" in shown_text, own
    assert "DELAYED 15m IEX" in shown_text
    assert "…" not in shown_text


def test_what_gives_way_first_is_the_figure_beside_the_date(scenes: dict[str, Snapshot]) -> None:
    lines = text(scenes["live"]).splitlines()
    head = next(line for line in lines if "state" in line)
    row = next(line for line in lines if line.startswith("IWM "))
    assert head.endswith("5d since")
    assert row.endswith("  DEMO   27 May 2020")


def test_a_warning_of_the_odds_is_wrapped(scenes: dict[str, Snapshot]) -> None:
    live = scenes["live"]
    assert live.fed is not None
    warning = " ".join(f"word{n}" for n in range(30))
    shown_text = text(
        msgspec.structs.replace(live, fed=msgspec.structs.replace(live.fed, warnings=(warning,)))
    )
    assert _widest(shown_text) <= WIDTH
    assert "word29" in shown_text


def _with_windows(snapshot: Snapshot, symbol: str) -> Snapshot:
    """The first leg under this symbol, with a return of each window, ten minutes late from one exchange."""
    leg = next(iter(snapshot.legs.values()))
    leg = msgspec.structs.replace(
        leg,
        last=1_234_567.89,
        return_pct={k: 1000.0 + n for n, k in enumerate(MOST_WINDOWS)},
        status=msgspec.structs.replace(leg.status, kind=Kind.DELAYED, delay_s=900.0, venue="IEX"),
    )
    rest = {name: each for name, each in snapshot.legs.items() if name != snapshot.spread.base}
    legs = {symbol: leg} | {
        name: msgspec.structs.replace(each, return_pct=dict.fromkeys(MOST_WINDOWS))
        for name, each in rest.items()
    }
    window = snapshot.spread.windows["5"]
    spread = msgspec.structs.replace(
        snapshot.spread, base=symbol, windows=dict.fromkeys(MOST_WINDOWS, window)
    )
    return msgspec.structs.replace(snapshot, legs=legs, spread=spread)
