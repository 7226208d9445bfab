"""Every page at every size, as text that a diff shows: ``python -m tests.support.tui.pages`` writes it anew.

A file a page. Before each line stand four digits of the roles that colour it, so that a changed colour shows
on its line; for each size there is a digest of the colours under every theme, and one of the ASCII drawing,
which at 80×24 is written out. Of lines that are alike the first stands for all.
"""

from __future__ import annotations

import datetime as dt
import sys
from functools import cache
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from feeds.desk.opened import desk_legs, snapshots, sources
from rotation.breadth.figures import Breadth
from rotation.context.wants import Part, Want
from rotation.desk import AlertLine, DeskEvent, EventKind
from rotation.figures.basis import Basis
from rotation.sessions import close_ns
from rotation.story.parts import Parts, all_of, with_parts
from tests.support.paths import ROOT
from tests.tui.panels.test_breadth_panel import index
from tests.tui.panels.test_macro_panel import KNOWN
from tests.tui.panels.test_release_days_panel import CPI, FOMC, JOBS
from tests.tui.panels.test_story_panel import STORY
from tui.screen.exporter import text_of
from tui.screen.picking import Picker
from tui.screen.scene import scene
from tui.view import theme
from tui.view.pairs import of_pair
from tui.view.places import PanelLists
from tui.view.view_state import ViewState, with_panels

if TYPE_CHECKING:
    from rotation.snapshot import Snapshot
    from tui.screen.scene import Scene

FOLDER = ROOT / "tests" / "tui" / "screen" / "pages"
SIZES = ((200, 60), (160, 45), (120, 40), (80, 24), (40, 12))
PAGES: dict[str, tuple[str, ...]] = {
    "desk": (),
    "legs": ("1", "z"),
    "spread": ("2", "z"),
    "ratio": ("3", "z"),
    "crosshair": ("3", "z", "h", "{", "{"),
    "fed": ("f3",),
    "breadth": ("f4",),
    "graph": ("f5",),
    "macro": ("f6",),
    "releases": ("f6", "z"),
    "health": ("f7",),
    "events": ("f8",),
    "pair": ("p",),
    "figure": ("2", "enter", "enter", "down", "right"),
    "explained": ("2", "enter", "enter", "down", "right", "enter"),
    "help": ("?",),
    "commands": (":", "t", "h"),
    "places": (),
}
"""Page → the keys that open it."""
EXPLAINED = ("spread.5.z", "spread.5.pp")
"""The figures of the page ``explained``: the second where there is no room for the first."""
PLACES = PanelLists(
    wide=(("spread", "ratio", "legs"), ("events", "graph")),
    normal=(("legs", "spread"), ("ratio", "events")),
    narrow=(("spread", "events"),),
)
"""A person's own, on the page of that name."""
ASCII_AT = (80, 24)


class Shot(NamedTuple):
    """One page at one size."""

    page: str
    size: tuple[int, int]
    is_ascii: bool = False

    def scene(self) -> Scene:
        """What is on the screen."""
        chosen = view(self.page, self.size, is_ascii=self.is_ascii)
        return scene(of_pair(snapshot(), chosen.pair), chosen, *self.size)


@cache
def basis() -> Basis:
    """The demo of 16 July 2024 at 10:40, and what it rests on: fixed prices, fixed clock."""
    demo = sources.demo()
    desk = desk_legs.desk_for(demo.history, ("IWM", "QQQ"), "price", pairs=(("IWN", "IVW"),))
    last = demo.history.last()
    assert last is not None
    made = snapshots.snapshot_at(demo, desk, at=None, now_ns=close_ns(last) + 100 * 86_400 * 10**9)
    return Basis(made, demo.history, desk)


@cache
def snapshot() -> Snapshot:
    """The same with all that a page can show."""
    made, maker = basis().snapshot, Parts()
    asked = [
        *all_of([Part.LINE, Part.LEGS], made),
        *(Want(Part.FIGURE, name) for name in EXPLAINED),
    ]
    known = {want: part for want in asked if (part := maker.make(want, basis())) is not None}
    made = with_parts(made, known)
    at = made.as_of

    def event(seq: int, kind: EventKind, minutes: float, text: str) -> DeskEvent:
        return DeskEvent(seq, at - dt.timedelta(minutes=minutes), kind, "x", text)

    return replace(
        made,
        macro=replace(KNOWN, release_days=(CPI, JOBS, FOMC)),
        breadth=Breadth({"IWM": index()}),
        story=STORY,
        alerts=(
            AlertLine("wide", "spread.5.pp > 10", is_armed=False, fired=3, last_at=at),
            AlertLine("stale", "iwm.status is STALE", is_armed=True, fired=0, last_at=None),
            AlertLine("typo", "x > 1", is_armed=True, fired=0, last_at=None, problem="unknown figure 'x'"),
        ),
        events=(
            event(1, EventKind.SETTLED, 1000, "official closes of 15 Jul: IWM +1.90 %, QQQ +0.26 %"),
            event(2, EventKind.FEED, 61, "Yahoo: OFFLINE → LIVE"),
            event(3, EventKind.RECORD, 9, "IWM − QQQ over 5 sessions +10.34 pp: on pace for a record"),
            event(4, EventKind.ALERT, 0, "wide: spread.5.pp > 10 — spread.5.pp +10.34 pp (3 times so far)"),
        ),
    )


def view(page: str, size: tuple[int, int], *, is_ascii: bool = False) -> ViewState:
    """What a viewer has chosen who has opened this page on a screen of this size."""
    made, picker = ViewState(themes=theme.names(), ascii=is_ascii, pairs=("IWN/IVW",)), Picker()
    made = with_panels(made, PLACES if page == "places" else PanelLists())
    for key in PAGES[page]:
        made = picker.pressed(made, key, snapshot(), size)
    return made


def _digest(parts: object, digits: int) -> str:
    return sha256(repr(parts).encode()).hexdigest()[:digits]


def _coloured(made: Scene, look: theme.Theme) -> list[object]:
    return [
        (name, [[(text, str(look.style(role))) for text, role in row] for row in rows])
        for name, rows in made.rows.items()
    ]


def _roles(made: Scene) -> list[str]:
    """Four digits a line of the screen: which roles it has, and where they change."""
    spans: dict[int, list[object]] = {}
    for name, place in sorted(made.places.items(), key=lambda item: item[1].x):
        for y, row in enumerate(made.rows[name]):
            spans.setdefault(place.y + y, []).extend((len(text), role) for text, role in row)
    return [_digest(spans[y], 4) for y in sorted(spans)]


def _written(shot: Shot) -> list[str]:
    made = shot.scene()
    lines = text_of(made).split("\n")[:-1]
    rows = [f"{roles} {line}".rstrip() for roles, line in zip(_roles(made), lines, strict=True)]
    alike = ((row, len(list(group))) for row, group in groupby(rows))
    return [line for row, n in alike for line in ([row] if n == 1 else [row, f"   × {n}"])]


def page(name: str) -> str:
    """The file of a page."""
    parts = [f"page {name}: {' '.join(PAGES[name]) or 'as it opens'}"]
    for size in SIZES:
        made, plain = Shot(name, size).scene(), Shot(name, size, is_ascii=True)
        looks = [f"{look} {_digest(_coloured(made, theme.load(look)), 8)}" for look in theme.names()]
        drawn = text_of(plain.scene())
        parts += ["", f"== {size[0]}x{size[1]}", f"colours: {', '.join(looks)}; ASCII {_digest(drawn, 8)}"]
        parts += _written(Shot(name, size))
        if size == ASCII_AT:
            parts += ["", f"== {size[0]}x{size[1]} ASCII", *_written(plain)]
    return "\n".join(parts) + "\n"


def write(folder: Path = FOLDER) -> None:
    """Write every file."""
    folder.mkdir(exist_ok=True)
    for name in PAGES:
        (folder / f"{name}.txt").write_text(page(name), "utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
