"""The plain-text snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.tui.scenes import with_leg
from tui.output.text import text

if TYPE_CHECKING:
    from rotation.snapshot import Snapshot


@pytest.mark.parametrize("scene", ["live", "closed", "cached", "empty"])
def test_it_is_plain_text_with_the_headline(scene: str, scenes: dict[str, Snapshot]) -> None:
    shown_text = text(scenes[scene])
    assert shown_text.splitlines()[1] == scenes[scene].headline
    assert all(line.isprintable() for line in shown_text.splitlines())
    assert max(len(line) for line in shown_text.splitlines()[2:]) <= 120


def test_it_is_marked_and_says_since_when(scenes: dict[str, Snapshot]) -> None:
    shown_text = text(scenes["live"])
    assert shown_text.startswith("DEMO  Tue 16 Jul 2024 10:40:00 EDT  REGULAR  session 2024-07-16")
    assert "since 14 Nov 2016 (+10.40 pp)" in shown_text
    assert "▲5 (4+1)" in shown_text


def test_unknown_is_a_dash(scenes: dict[str, Snapshot]) -> None:
    live = scenes["live"]
    unknown = with_leg(live, "IWM", last=None, return_pct=dict.fromkeys(("1", "5", "20", "60", "252")))
    line = next(line for line in text(unknown).splitlines() if line.startswith("IWM"))
    assert line.split()[1:7] == ["—"] * 6
