"""ASCII screens: every page, cell for cell, and which terminals get them."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotation.desk import AlertLine, DeskEvent, EventKind, LegList
from tests.support.fed import scenes as fed_scenes
from tui.screen.scene import scene
from tui.view.ascii import needs_ascii, plain, plain_keys, plain_row
from tui.view.draw import cells, clean
from tui.view.keymap import DEFAULT_KEYS, PRESETS
from tui.view.view_state import CHARTS, PANELS, ViewState

SIZES = [(200, 60), (160, 45), (120, 40), (80, 24), (40, 12), (30, 8)]


def views() -> list[ViewState]:
    plain_view = ViewState(ascii=True, lists=("mine",), pairs=("IWN/IVW",))
    made = [
        msgspec.structs.replace(plain_view, focus=focus, zoomed=zoomed, chart=chart)
        for focus in PANELS
        for zoomed in (False, True)
        for chart in (CHARTS if focus in ("ratio", "graph") else CHARTS[:1])
    ]
    changes: list[dict[str, object]] = [
        {"help": True},
        {"help": True, "scroll": 40},
        {"help": True, "typing": True, "filter": "é漢"},
        {"paused": True},
        {"palette": True, "typing": True, "filter": "t"},
        {"palette": True, "typing": True, "filter": "xyzzy", "choice": 5},
        {"sort": "day", "filter": "i", "typing": True},
        {"sort": "symbol", "is_rising": True},
        {"list": "mine"},
        {"pair": "IWN/IVW"},
        {"message": "wrote “größer” ▲"},
    ]
    return [*made, *(msgspec.structs.replace(plain_view, **change) for change in changes)]


def everything(scenes) -> list:
    """Snapshots with all that has a page: lists, pairs, alerts, events, odds of every kind."""
    live = scenes["live"]
    at = live.as_of
    events = tuple(
        DeskEvent(n, at, kind, "iwm", "IWM ▲ +1.88 %, “record” …") for n, kind in enumerate(EventKind)
    )
    full = msgspec.structs.replace(
        live,
        lists=(LegList("", ("IWM", "QQQ")), LegList("größe", ("KRE", "X")), LegList("mine", ("DIA",), True)),
        pairs={"IWN/IVW": None},
        alerts=(AlertLine("wide ≥ 10", "spread.5.pp ≥ 10", False, 2, at),),
        events=events,
    )
    feds = [msgspec.structs.replace(full, fed=fed) for fed in fed_scenes.all_scenes().values()]
    return [full, *scenes.values(), *feds]


def test_every_page_is_ascii_and_as_wide_as_before(scenes):
    for snapshot in everything(scenes):
        for view in views():
            for size in SIZES:
                drawn = scene(snapshot, view, *size)
                for name, rows in drawn.rows.items():
                    for row in rows:
                        text = "".join(part for part, _ in row)
                        assert text.isascii(), (name, size, text)
                        assert text.isprintable()
                        assert len(text) == drawn.places[name].width, (name, size, text)


@given(st.text(max_size=30))
def test_any_text_keeps_its_cells(text):
    shown = clean(text)
    assert plain(shown).isascii()
    assert len(plain(shown)) == cells(shown)
    assert plain_row(((shown, "text"), ("▲", "up"))) == ((plain(shown), "text"), ("^", "up"))


def test_what_stands_for_what():
    assert plain("▲+1.88 % −0.15 ≈ … ╭─╮│⣿⠉⣀ █▌▏") == "^+1.88 % -0.15 ~ . +-+|:'. #=|"
    assert plain("größe 漢") == "gro?e ??"
    assert plain_keys("↑ k") == "Up k"
    assert plain_keys("ö [") == "[", "an o would be another key"
    assert (plain_keys("ö"), plain_keys("& … ç"), plain_keys("1 … 9")) == ("?", "& - ?", "1 - 9")


@pytest.mark.parametrize(
    ("keys", "footer", "in_help"),
    [
        (PRESETS["qwertz"], " [ ] window 5 ", "[ "),
        (PRESETS["azerty"], " &-? panel  [ * window 5 ", "[ "),
        ({"shorter": ("ö",), "longer": ("ä", "n")}, " ? n window 5 ", "? "),
    ],
)
def test_no_key_is_named_that_does_something_else(scenes, keys, footer, in_help):
    view = ViewState(ascii=True, keys=DEFAULT_KEYS.rebound(keys))
    drawn = scene(scenes["live"], view, 160, 45)
    assert footer in "".join(text for text, _ in drawn.rows["keys"][0])
    helped = scene(scenes["live"], msgspec.structs.replace(view, help=True), 160, 60)
    (row,) = (row for row in helped.rows["help"] if "shorter window" in "".join(text for text, _ in row))
    assert "".join(text for text, _ in row).removeprefix("| ").startswith(in_help)


@pytest.mark.parametrize(
    ("term", "environ", "encoding", "wanted"),
    [
        ("xterm-256color", {}, "utf-8", False),
        ("xterm-256color", {"LANG": "en_US.UTF-8"}, "", False),
        ("xterm-256color", {"LANG": "de_DE.ISO-8859-1"}, "", True),
        ("xterm-256color", {"LANG": "de_DE.ISO-8859-1", "LC_ALL": "C.UTF-8"}, "", False),
        ("xterm-256color", {"LC_CTYPE": "ja_JP.eucJP"}, "utf-8", True),
        ("xterm-256color", {"LANG": "de_DE@euro"}, "", False),
        ("xterm-256color", {"LC_ALL": "C"}, "utf-8", True),
        ("xterm-256color", {"LANG": "C"}, "utf-8", False),
        ("xterm-256color", {}, "latin-1", True),
        ("xterm-256color", {}, "ANSI_X3.4-1968", True),
        ("linux", {"LANG": "en_US.UTF-8"}, "utf-8", True),
        ("vt220", {}, "utf-8", True),
        ("tmux-256color", {"LANG": "en_US.utf8"}, "UTF8", False),
    ],
)
def test_who_gets_ascii(term, environ, encoding, wanted):
    assert needs_ascii(term, environ, encoding) is wanted
