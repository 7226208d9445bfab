"""Decodes a terminal's bytes to names of keys (``tui.view.keymap``). Pure; the caller keeps the time."""

from __future__ import annotations

import codecs
from typing import Literal

ESCAPE_S = 0.1
"""An ESC followed by nothing for this many seconds is the Escape key; sequences arrive almost at once."""
LONGEST = 64
"""Characters after which a sequence is given up: no terminal sends a longer one."""

_CONTROLS = {"\r": "enter", "\n": "enter", "\t": "tab", "\x7f": "backspace", "\x08": "backspace"}
_CSI = {
    "A": "up", "B": "down", "C": "right", "D": "left", "H": "home", "F": "end", "Z": "shift+tab",
    "1~": "home", "4~": "end", "7~": "home", "8~": "end", "5~": "pageup", "6~": "pagedown",
}  # fmt: skip
_CSI |= {f"{code}~": f"f{number}" for number, code in enumerate((*range(11, 16), *range(17, 22), 23, 24), 1)}
_CSI |= {f"[{letter}": f"f{number}" for number, letter in enumerate("ABCDE", 1)}
"""F1 to F12 as most terminals send them, and F1 to F5 of the Linux console."""
_SS3 = {"A": "up", "B": "down", "C": "right", "D": "left", "H": "home", "F": "end", "M": "enter"}
_SS3 |= {letter: f"f{number}" for number, letter in enumerate("PQRS", 1)}


class Keys:
    """Decodes one terminal's input. What is not a key of ours is dropped, sequences as a whole."""

    def __init__(self) -> None:
        self._text = codecs.getincrementaldecoder("utf-8")("ignore")
        self._state: Literal["plain", "esc", "csi", "ss3", "string"] = "plain"
        self._sequence = ""

    @property
    def waiting(self) -> bool:
        """Whether an ESC has arrived and nothing after it yet; ``tick`` then makes it the Escape key."""
        return self._state == "esc"

    def feed(self, data: bytes) -> list[str]:
        """Return the keys that these bytes complete."""
        return [key for character in self._text.decode(data) for key in self._next(character)]

    def tick(self) -> list[str]:
        """Return Escape if an ESC is still waiting; call it ESCAPE_S after the ESC."""
        if not self.waiting:
            return []
        self._state = "plain"
        return ["escape"]

    def reset(self) -> None:
        """Forget an unfinished sequence, because bytes were dropped."""
        self._text.reset()
        self._state, self._sequence = "plain", ""

    def _next(self, character: str) -> list[str]:
        if self._state == "plain":
            return self._plain(character)
        if self._state == "esc":
            return self._after_escape(character)
        if self._state == "ss3":
            self._state = "plain"
            return [_SS3[character]] if character in _SS3 else []
        self._sequence += character
        if self._sequence == "[" and self._state == "csi":  # a function key of the Linux console
            return []
        if self._state == "csi" and "@" <= character <= "~":
            self._state = "plain"
            return [_CSI[self._sequence]] if self._sequence in _CSI else []
        if character in "\x07\x1b" or len(self._sequence) >= LONGEST:
            self._state = "esc" if character == "\x1b" else "plain"
        return []

    def _plain(self, character: str) -> list[str]:
        if character == "\x1b":
            self._state = "esc"
            return []
        if character == " ":
            return ["space"]
        if character in _CONTROLS:
            return [_CONTROLS[character]]
        if "\x01" <= character <= "\x1a":
            return [f"ctrl+{chr(ord(character) + 0x60)}"]
        return [character] if character.isprintable() else []

    def _after_escape(self, character: str) -> list[str]:
        self._sequence = ""
        self._state = "plain"
        if character == "\x1b":
            self._state = "esc"
            return ["escape"]
        if character == "[":
            self._state = "csi"
        elif character == "O":
            self._state = "ss3"
        elif character in "]PX^_":
            self._state = "string"
        return []  # Alt with a key is not bound
