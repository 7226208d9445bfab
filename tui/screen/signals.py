"""What a terminal can do to call its person: bell, and the notifications of OSC 9 and OSC 777."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.view.draw import clean

if TYPE_CHECKING:
    from collections.abc import Iterable

TEXT_MAX = 200
BELL = "\a"


def sequence(signals: Iterable[str], title: str, text: str) -> str:
    """The bytes of these signals, in order; what they quote holds nothing that a terminal could obey."""
    title, text = clean(title)[:TEXT_MAX], clean(text)[:TEXT_MAX]
    made = {
        "bell": BELL,
        "osc9": f"\x1b]9;{text}{BELL}",
        # A semicolon ends the title.
        "osc777": f"\x1b]777;notify;{title.replace(';', ',')};{text}{BELL}",
    }
    return "".join(made[signal] for signal in signals if signal in made)
