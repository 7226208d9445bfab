"""The zoomed spread: levels around the price, what followed, and every size."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from rotation.context.figures import Episode, Episodes, Level, Outcomes, Story
from rotation.context.wants import Part, Want, pair_wanted
from rotation.snapshot import PairView
from tui.panels.asked import wants_of
from tui.panels.registry import PANELS
from tui.screen.scene import draw_panel
from tui.view.draw import cells
from tui.view.layout import arrange
from tui.view.pairs import of_pair
from tui.view.view_state import ViewState

if TYPE_CHECKING:
    from rotation.snapshot import Snapshot

LEVELS = (
    Level("spread.5.since", "IWM", 221.41, 0.01, "2011-03-30", "2016-11-14", 0.06),
    Level("spread.5.since", "IWM", 220.32, 0.01, "2016-11-14", "2020-04-29", -0.43),
    Level("iwm.since.5", "IWM", 220.01, 0.01, "2020-05-27", "2021-03-05", -0.57),
    Level("iwm.streak.with_today", "IWM", 217.20, 0.01, 5, 0, -1.84),
    Level("spread.5.percentile", "IWM", 209.14, 0.01, 95.0, 94.99, -5.49, 95.0),
    Level("spread.20.z", "IWM", 208.0, 0.01, 2.0, 1.99, -6.0, 2.0),
    Level("fed.next.cut", "ZQN24", 94.6275, 0.0025, 0.25, 0.26, -0.045, 0.25),
)
EPISODES = tuple(
    Episode(date(2016 + n % 8, 1 + n % 12, 14), 10.4 + n, {"5": -1.2, "20": None}, 0.5 if n == 15 else None)
    for n in range(16)
)
AFTER = {
    "5": Outcomes(16, -1.2, -2.0, 1.5, 0.25, 0.03, 6060),
    "20": Outcomes(3, None, None, None, None, 0.1, 6045),
}
STORY = Story(LEVELS, {"spread.5": Episodes("spread.5", 10.34, 16, EPISODES, AFTER)})
ZOOMED = ViewState(focus="spread", zoomed=True)


def shown(snapshot: Snapshot, width: int = 156, view: ViewState = ZOOMED) -> list[str]:
    made = PANELS["spread"].rows(snapshot, view, width, 40)
    return ["".join(text for text, _ in row) for row in made]


def test_levels_stand_by_price_with_the_price_now_among_them(scenes: dict[str, Snapshot]) -> None:
    lines = shown(replace(scenes["live"], story=STORY), 76)
    start = next(n for n, line in enumerate(lines) if line.startswith("IWM prices at which a 5d"))
    names = [line[:22].strip() for line in lines[start + 2 :]]
    assert names[:6] == [
        "spread, widest since", "now ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄", "spread, widest since", "IWM, most since", "streak",
        "percentile 95",
    ]  # fmt: skip
    text = "\n".join(lines)
    assert "221.41   +0.06 %  30 Mar 2011, 14 Nov 2016" in text
    assert "217.20   −1.84 %  +5, 0" in text
    assert "ZQN24 25 %               94.6275  −0.045 %  25.0 %, 26.0 %" in text
    assert "208.00" not in text, "of another window"


def test_what_followed_has_its_counts_and_the_newest_episodes(scenes: dict[str, Snapshot]) -> None:
    text = "\n".join(shown(replace(scenes["live"], story=STORY)))
    assert "+10.34 pp or more: 16 earlier" in text
    assert "−1.20     −2.00 … +1.50     25 %    16   +0.03" in text
    assert "n = 3, too few" in text
    assert "… 4 earlier: rotation-tui episodes spread.5" in text
    assert "cut then" in text
    assert "—" in text
    assert "history, not a forecast" in text, "as the command says it"


def test_what_is_not_there_is_said(scenes: dict[str, Snapshot]) -> None:
    live = scenes["live"]
    assert "computing levels and what followed…" in "\n".join(shown(live))
    few = Episodes("spread.5", 10.34, 3, EPISODES[:3], AFTER, "n < 10: too few")
    text = "\n".join(shown(replace(live, story=Story((), {"spread.5": few}))))
    assert "none: IWM has no price of the session shown" in text
    assert "What followed is not shown (n < 10: too few)." in text
    assert "no reading of the session shown" in "\n".join(shown(replace(live, story=Story((), {}))))


def test_what_a_paused_screen_waits_for_is_not_said_to_come_by_itself(scenes: dict[str, Snapshot]) -> None:
    text = "\n".join(shown(scenes["live"], view=replace(ZOOMED, paused=True)))
    assert "paused: levels and what followed are shown once the screen resumes" in text
    assert "computing" not in text
    blank = of_pair(replace(scenes["live"], pairs={"IWN/IVW": None}), "IWN/IVW")
    assert (
        blank.headline == "IWN/IVW: no figures in the Snapshot on screen; they come with the next one shown."
    )


def asks(view: ViewState) -> set[Want]:
    """What the spread's and the legs' zooms ask for beside what their size asks for anyway."""
    parts = (Part.STORY, Part.LINE, Part.LEGS, Part.PAIRS)
    return {each for each in wants_of(view, arrange(160, 45, view)) if each.part in parts}


def test_another_pair_has_its_own_story(scenes: dict[str, Snapshot]) -> None:
    name = "IWN/IVW"
    other = replace(ZOOMED, pair=name, pairs=(name,))
    line = Want(Part.LINE, "pair.iwn/ivw.spread.5.pp")
    assert asks(other) == {Want(Part.STORY, name), line, pair_wanted(name)}
    levels = (
        replace(LEVELS[0], figure="pair.iwn/ivw.spread.5.since", leg="IWN", price=158.25),
        replace(LEVELS[3], figure="iwn.streak.with_today", leg="IWN", price=157.5),
        replace(LEVELS[5], figure="pair.iwn/ivw.spread.20.z", leg="IWN", price=150.0),
    )
    spread = replace(scenes["live"].spread, base="IWN", against="IVW")
    view = PairView(spread, scenes["live"].ratio, "", story=replace(STORY, levels=levels))
    legs = {**scenes["live"].legs, "IWN": replace(scenes["live"].legs["IWM"], last=157.87)}
    live = replace(scenes["live"], story=None, pairs={name: view}, legs=legs)
    text = "\n".join(shown(of_pair(live, name), view=other))
    assert "IWN prices at which a 5d statement changes" in text
    assert "spread, widest since      158.25" in text
    assert "streak                    157.50" in text
    assert "150.00" not in text, "of another window"
    waits = replace(live, pairs={name: replace(view, story=None)})
    assert "computing levels" in "\n".join(shown(of_pair(waits, name), view=other))


def test_only_the_zoom_asks_for_it(scenes: dict[str, Snapshot]) -> None:
    assert asks(ZOOMED) == {Want(Part.STORY), Want(Part.LINE, "spread.5.pp")}
    assert asks(replace(ZOOMED, window=20)) == {Want(Part.STORY), Want(Part.LINE, "spread.20.pp")}
    assert not asks(replace(ZOOMED, zoomed=False))
    assert asks(replace(ZOOMED, focus="legs")) == {Want(Part.LEGS)}
    assert not asks(replace(ZOOMED, help=True))
    assert "at which a 5d" not in "\n".join(shown(replace(scenes["live"], story=STORY), view=ViewState()))


@pytest.mark.parametrize("width", [36, 76, 116, 156])
def test_every_width_is_kept(scenes: dict[str, Snapshot], width: int) -> None:
    drawn = draw_panel("spread", replace(scenes["live"], story=STORY), ZOOMED, width + 4, 60)
    assert {sum(cells(text) for text, _ in row) for row in drawn.rows} == {width + 4}
