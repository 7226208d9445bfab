"""Themes: every shipped one is whole and readable; a broken one says what is wrong."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from rotation.errors import InputError
from tui.view import theme

if TYPE_CHECKING:
    from pathlib import Path

    from rich.color import Color

READABLE = 4.5
"""Contrast that WCAG asks of text (AA)."""
DECORATION = {"border"}
"""Carries no text."""


def luminance(colour: Color) -> float:
    channels = [c / 255 for c in colour.get_truecolor()]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(colour: Color, other: Color) -> float:
    light, dark = sorted((luminance(colour), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_default_comes_first_and_the_promised_ones_exist() -> None:
    assert theme.names()[0] == theme.DEFAULT
    assert set(theme.names()) == {"midnight", "paper", "colourblind", "redup", "mono"}


@pytest.mark.parametrize("name", [n for n in theme.names() if n != "mono"])
@pytest.mark.parametrize("role", [r for r in theme.ROLES if r not in DECORATION])
def test_every_role_can_be_read_on_its_background(name: str, role: str) -> None:
    style = theme.load(name).style(role)
    assert style.color is not None
    assert style.bgcolor is not None
    assert contrast(style.color, style.bgcolor) >= READABLE


@pytest.mark.parametrize("name", theme.names())
def test_up_and_down_differ_unless_the_theme_has_no_colour(name: str) -> None:
    look = theme.load(name)
    assert (look.style("up") != look.style("down")) is (name != "mono")


def test_red_up_swaps_the_colours() -> None:
    plain, swapped = theme.load("midnight"), theme.load("redup")
    assert (plain.style("up").color, plain.style("down").color) == (
        swapped.style("down").color,
        swapped.style("up").color,
    )


WHOLE = 'background = "#000000"\n[styles]\n' + "\n".join(f'{role} = "#ffffff"' for role in theme.ROLES)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("background = ", "Invalid value"),
        (WHOLE.replace('background = "#000000"', ""), "background is missing"),
        (WHOLE.replace('up = "#ffffff"\n', ""), "is missing up"),
        (WHOLE + '\nsparkle = "red"', "has unknown roles: sparkle"),
        (WHOLE.replace('warn = "#ffffff"', 'warn = "octarine"'), "style warn = 'octarine'"),
    ],
)
def test_a_broken_theme_says_what_is_wrong(text: str, expected: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(InputError, match=r"mine\.toml") as error:
        theme.parse("mine", file)
    assert expected in str(error.value)
    assert "\n" not in str(error.value)


@pytest.fixture
def own(tmp_path):
    theme.use_folder(tmp_path)
    yield tmp_path
    theme.use_folder(None)


def test_a_theme_of_one_s_own_is_offered_and_read_again(own: Path) -> None:
    (own / "mine.toml").write_text(WHOLE)
    (own / "midnight.toml").write_text("not read: the name is taken")
    (own / "no name.toml").write_text("")
    assert theme.names()[-1] == "mine"
    assert theme.names().count("midnight") == 1
    before = theme.load("mine")
    assert theme.reload() is None
    write(own / "mine.toml", WHOLE.replace('up = "#ffffff"', 'up = "#00ff00"'))
    assert theme.reload() == ("theme mine reloaded", False)
    assert theme.load("mine").style("up") != before.style("up")
    held = theme.load("mine")
    write(own / "mine.toml", WHOLE.replace('warn = "#ffffff"', 'warn = "octarine"'))
    message, is_error = theme.reload() or ("", False)
    assert is_error
    assert message.startswith("mine.toml, line 10: style warn = 'octarine'")
    assert theme.load("mine") is held
    (own / "mine.toml").unlink()
    assert theme.reload() is None
    assert theme.load("mine") is held


def write(path: Path, text: str) -> None:
    stamp = path.stat().st_mtime_ns + 1_000_000
    path.write_text(text)
    os.utime(path, ns=(stamp, stamp))


def test_a_broken_one_is_named_with_its_line(own: Path) -> None:
    (own / "mine.toml").write_text(WHOLE + '\nsparkle = "red"\n')
    with pytest.raises(InputError, match=r"mine\.toml, line 22: \[styles\] has unknown roles: sparkle"):
        theme.load("mine")
    (own / "other.toml").write_text(WHOLE.replace('up = "#ffffff"', "up = 5"))
    with pytest.raises(InputError, match=r"other\.toml, line \d+: style up = 5"):
        theme.load("other")


def test_a_whole_theme_loads(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(WHOLE)
    assert theme.parse("mine", file).title == "mine"


def test_an_unknown_name_lists_those_there_are() -> None:
    with pytest.raises(InputError, match="midnight, colourblind"):
        theme.load("nope")
