"""Release days on screen: today's minutes against the earlier ones, at every size, and what is not known."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from rotation.macro.figures import Band, ReleaseKind, ReleasePath, ReleaseView
from rotation.sessions import NEW_YORK
from rotation.status import Kind
from tests.tui.panels.test_macro_panel import KNOWN
from tui.screen.scene import draw_panel, scene
from tui.view.draw import cells
from tui.view.places import PanelLists
from tui.view.view_state import ViewState, reduce, with_panels

if TYPE_CHECKING:
    from rotation.macro.figures import Macro
    from rotation.snapshot import Snapshot

SIZES = [(160, 45), (120, 40), (80, 24), (40, 12), (200, 60)]
NOW = dt.datetime(2024, 7, 16, 10, 40, tzinfo=NEW_YORK)


def path(until: int | None, n: int = 11, size: float = 1.0) -> ReleasePath:
    """A line that rises by ``size`` pp an hour up to a minute; None: none. A band from −30 on."""
    line = tuple((m, size * m / 60) for m in range(-30, until + 1)) if until is not None else ()
    band = tuple(Band(m, n, -0.4 - abs(m) / 200, 0.1 * m / 60, 0.3 + abs(m) / 150) for m in range(-30, 121))
    return ReleasePath(line, n, band if n >= 5 else ())


def view(kind: ReleaseKind, at: dt.datetime, until: int | None, **changed: object) -> ReleaseView:
    made = ReleaseView(
        kind=kind,
        at=at,
        base="IWM",
        against="QQQ",
        spread=path(until),
        cut=path(until, 7, 12.0),
        source="Yahoo" if until is not None else "",
        step_min=1 if until is not None else 0,
        known_to=None if until is None else at + dt.timedelta(minutes=until),
        worth=Kind.OFFLINE if until is None else Kind.CLOSED if until == 120 else Kind.LIVE,
        sources={"Yahoo": 11},
    )
    return replace(made, **changed)


CPI = view(ReleaseKind.CPI, dt.datetime(2024, 7, 11, 8, 30, tzinfo=NEW_YORK), 120)
JOBS = view(ReleaseKind.JOBS, dt.datetime(2024, 7, 5, 8, 30, tzinfo=NEW_YORK), 120)
FOMC = view(ReleaseKind.FOMC, dt.datetime(2024, 6, 12, 14, tzinfo=NEW_YORK), 120)
TODAY = view(ReleaseKind.CPI, NOW - dt.timedelta(minutes=37), 37)
COMING = view(ReleaseKind.CPI, NOW + dt.timedelta(minutes=20), None)


def macro(*views: ReleaseView) -> Macro:
    return replace(KNOWN, release_days=views)


def lines(
    snapshot: Snapshot, known: Macro | None, size: tuple[int, int] = (160, 45), *, behind: bool = False
) -> list[str]:
    shown = replace(snapshot, macro=known, as_of=NOW)
    drawn = draw_panel("macro", shown, ViewState(focus="macro", releases=behind), *size)
    return ["".join(text for text, _ in row) for row in drawn.rows]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("behind", [False, True])
def test_every_size_is_kept(scenes: dict[str, Snapshot], size: tuple[int, int], behind: bool) -> None:
    for known in (macro(CPI, JOBS, FOMC), macro(TODAY, JOBS), macro(COMING), macro(), None):
        drawn = lines(scenes["live"], known, size, behind=behind)
        assert len(drawn) == size[1]
        assert {cells(line) for line in drawn} == {size[0]}


@pytest.mark.parametrize("size", [(160, 45), (120, 40), (80, 24)])
def test_today_s_publication_stands_on_the_page(scenes: dict[str, Snapshot], size: tuple[int, int]) -> None:
    text = "\n".join(lines(scenes["live"], macro(TODAY, JOBS), size))
    for part in ("CPI today 10:03", "IWM − QQQ +0.62 pp 37 min after", "LIVE to 10:40", "Yahoo, 1 min bars"):
        assert part in text
    assert "median +0.06, −0.58 to +0.55, n 11" in text
    assert "░" in text
    assert "jobs Fri" not in text, "only behind the page"
    quiet = "\n".join(lines(scenes["live"], macro(CPI, JOBS), size))
    assert "░" not in quiet
    assert "min after" not in quiet


@pytest.mark.parametrize("size", SIZES)
def test_before_it_the_earlier_days_alone(scenes: dict[str, Snapshot], size: tuple[int, int]) -> None:
    text = " ".join(" ".join(lines(scenes["live"], macro(COMING), size)).split())
    assert "CPI today 11:00, in 20 min" in text
    assert "pp 37" not in text
    assert "earlier 120 min after: median +0.20" in text
    if size != (120, 40):
        assert "−1.00 to +1.10, n 11" in text.replace("│ │ ", "")


def test_behind_the_page_all_kinds_stand_today_s_first(
    scenes: dict[str, Snapshot],
) -> None:
    text = "\n".join(lines(scenes["live"], macro(CPI, replace(FOMC, at=NOW), JOBS), behind=True))
    places = [text.index(part) for part in ("FOMC today", "CPI Thu 11 Jul 2024 08:30", "jobs Fri 5 Jul 2024")]
    assert places == sorted(places)
    assert text.count("P(cut) ") == 3
    assert "−30" in text
    assert "+120 min" in text
    assert "lag 10 min" in text
    assert "10Y" not in text


def test_with_too_few_days_nothing_is_compared(scenes: dict[str, Snapshot]) -> None:
    few = replace(TODAY, spread=path(37, 3), cut=path(None, 0))
    text = "\n".join(lines(scenes["live"], macro(few), behind=True))
    assert "3 earlier days, 5 needed to compare" in text
    assert "median" not in text
    assert "P(cut)" not in text


def test_what_is_missing_is_said(scenes: dict[str, Snapshot]) -> None:
    gone = view(ReleaseKind.CPI, NOW - dt.timedelta(hours=1), None, absent=2, error="Yahoo: HTTP 429")
    text = "\n".join(lines(scenes["live"], macro(gone), behind=True))
    assert "no prices of this day" in text
    assert "2 earlier days without prices: Yahoo: HTTP 429" in text
    stale = replace(TODAY, worth=Kind.STALE)
    assert "STALE to 10:40" in "\n".join(lines(scenes["live"], macro(stale), behind=True))
    for known in (macro(), None):
        text = " ".join(" ".join(lines(scenes["live"], known, behind=True)).split())
        assert "No minutes around a CPI, jobs or FOMC time are kept yet" in text


def shown(view: ViewState, at: Snapshot) -> str:
    """What of the macro page is on a screen."""
    made = scene(replace(at, macro=macro(CPI, JOBS, FOMC)), view, 160, 45)
    return "\n".join("".join(text for text, _ in row) for row in made.rows["macro"])


SHARED = PanelLists(wide=(("legs", "spread"), ("macro",)))


def test_z_shows_them_and_the_keys_of_the_page_the_page(scenes: dict[str, Snapshot]) -> None:
    page = reduce(ViewState(), "9")
    assert not page.releases
    behind = reduce(page, "z")
    assert "Minutes around publications" in shown(behind, scenes["live"])
    for key in ("z", "escape"):
        assert reduce(behind, key) == page
    for key in ("f6", "f2"):
        assert not reduce(behind, key).releases
    fed = reduce(reduce(ViewState(), "f3"), "f6")
    assert not fed.zoomed
    assert "Treasury yields" in shown(fed, scenes["live"])


@pytest.mark.parametrize("keys", [("1", "z", "9"), ("8", "z", "tab"), ("4", "enter", "f6"), ("f7", "9")])
def test_a_zoom_of_another_panel_leads_to_the_page_not_behind_it(
    keys: tuple[str, ...], scenes: dict[str, Snapshot]
) -> None:
    view = ViewState()
    for key in keys:
        view = reduce(view, key)
    assert view.focus == "macro"
    assert "Treasury yields" in shown(view, scenes["live"])
    assert "Minutes around publications" in shown(reduce(view, "z"), scenes["live"])
    assert not reduce(reduce(view, "z"), "tab").releases


def test_a_page_that_shares_the_screen_has_three_levels(scenes: dict[str, Snapshot]) -> None:
    view = with_panels(ViewState(focus="macro"), SHARED)
    places = [(view.zoomed, view.releases)]
    for _ in range(3):
        view = reduce(view, "z")
        places.append((view.zoomed, view.releases))
    assert places == [(False, False), (True, False), (True, True), (False, False)]
    whole = reduce(with_panels(ViewState(), SHARED), "f6")
    assert whole.zoomed
    assert "Treasury yields" in shown(whole, scenes["live"])
    assert list(scene(scenes["live"], whole, 160, 45).places) == ["ribbon", "keys", "macro"]
    assert reduce(reduce(whole, "z"), "escape") == whole


def test_the_line_stands_where_its_minute_and_value_are(scenes: dict[str, Snapshot]) -> None:
    flat = replace(TODAY, spread=ReleasePath(((-30, 0.0), (0, 0.0), (120, 1.0)), 0, ()), cut=path(None, 0))
    drawn = [line[2:-2] for line in lines(scenes["live"], macro(flat), (80, 24), behind=True)]
    (top,) = (n for n, line in enumerate(drawn) if line.lstrip().startswith("+1.00┤"))
    plot = [line for line in drawn[top:] if "┤" in line]
    assert plot[-1].lstrip().startswith("0.00┤")
    assert plot[0][-1] not in " ┄", "the last minute is at the right edge, on top"
    assert plot[-1].partition("┤")[2][0] not in " ┄"
    axis = drawn[top + len(plot)]
    assert axis.endswith("+120 min")
    inner = len(plot[0].partition("┤")[2])
    assert axis.index("10:03") + 2 == pytest.approx(9 + inner * 30 / 150, abs=1)


def test_on_the_smallest_screen_the_chart_is_in_sight(scenes: dict[str, Snapshot]) -> None:
    for behind in (False, True):
        text = lines(scenes["live"], macro(TODAY), (40, 8), behind=behind)[1:-1]
        assert "CPI today 10:03  LIVE to 10:40" in text[0]
        assert "IWM − QQQ +0.62 pp 37 min after" in text[1]
        assert [("┤" in line) for line in text[2:5]] == [True] * 3
        assert "10:03" in text[5]
