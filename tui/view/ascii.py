"""The screen in ASCII, cell for cell, for terminals that cannot show more. Pure."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

from tui.view.draw import cells

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tui.view.draw import Row

SIGNS = {
    "▲": "^", "▼": "v", "−": "-", "–": "-", "—": "-", "‑": "-", "…": ".", "≈": "~", "≥": ">", "≤": "<",
    "≠": "!", "×": "x", "·": ".", "●": "*", "○": "o", "✖": "X", "▸": ">", "◂": "<", "°": "o", "Δ": "d",
    "“": '"', "”": '"', "‘": "'", "’": "'", "│": "|", "┤": "|", "─": "-", "╭": "+", "╮": "+", "╰": "+",
    "╯": "+", "┼": "+", "├": "|", "┊": ":", "┄": "-", "↑": "^", "↓": "v", "←": "<", "→": ">", "↗": "/",
    "↘": "\\", "↙": "/", "↖": "\\", "█": "#", "▉": "=", "▊": "=", "▋": "=", "▌": "=", "▍": "-", "▎": "-",
    "▏": "|", "▁": "_", "▂": ".", "▃": ",", "▄": "-", "▅": "=", "▆": "+", "▇": "*", "░": ",", "\u00a0": " ",
}  # fmt: skip
"""Sign → a character of one cell that says the same."""
UPPER, LOWER = 0x01 | 0x08 | 0x02 | 0x10, 0x04 | 0x20 | 0x40 | 0x80
"""The dots of the upper and of the lower half of a braille character."""
KEYS = {"↑": "Up", "↓": "Down", "←": "Left", "→": "Right", "…": "-"}
"""Keys are named: ``v`` for an arrow down would be another key."""
_PLAIN_TERM = re.compile(r"dumb|linux|vt\d+.*|ansi.*|cons\d+.*|sun.*")
"""Terminals with fewer characters than a locale promises; the Linux console has no braille."""


def needs_ascii(term: str, environ: Mapping[str, str], encoding: str = "") -> bool:
    """Whether a terminal cannot be trusted with more. ``encoding``: of our output; "" where unknown."""
    if encoding and not _is_utf(encoding):
        return True
    if _PLAIN_TERM.fullmatch(term):
        return True
    if environ.get("LC_ALL", "") in ("C", "POSIX"):
        return True
    named = next((environ[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if environ.get(name)), "")
    charset = named.partition("@")[0].partition(".")[2]
    return bool(charset) and not _is_utf(charset)


def is_ascii(glyphs: str, environ: Mapping[str, str], encoding: str = "") -> bool:
    """Whether to draw in ASCII, by ``screen.glyphs``: auto asks the terminal."""
    return glyphs == "ascii" or (glyphs == "auto" and needs_ascii(environ.get("TERM", ""), environ, encoding))


def _is_utf(encoding: str) -> bool:
    return encoding.lower().replace("-", "").replace("_", "").startswith("utf")


@lru_cache(maxsize=8192)
def plain_row(row: Row) -> Row:
    """The row in ASCII, each span as wide as before."""
    return tuple((plain(text), role) for text, role in row)


@lru_cache(maxsize=8192)
def plain(text: str) -> str:
    """The text in ASCII, as many cells wide as before; a sign that nothing stands for is a question mark."""
    return text if text.isascii() else "".join(map(_plain, text))


def plain_keys(shown: str) -> str:
    """``Up k`` for ``↑ k``; a key that ASCII cannot name is left out, and ``?`` where that is all of them.

    Of a range (``& … ç``) each end that it cannot name is ``?``.
    """
    names = ["".join(KEYS.get(sign, sign) for sign in name) for name in shown.split(" ")]
    if "…" in shown:
        return " ".join(name if name.isascii() else "?" for name in names)
    return " ".join(name for name in names if name.isascii()) or "?"


@lru_cache(maxsize=4096)
def _plain(sign: str) -> str:
    if sign.isascii():
        return sign
    known = SIGNS.get(sign)
    if known is not None:
        return known
    if 0x2800 <= ord(sign) <= 0x28FF:
        dots = ord(sign) - 0x2800
        return ":" if dots & UPPER and dots & LOWER else "'" if dots & UPPER else "." if dots else " "
    letters = "".join(letter for letter in unicodedata.normalize("NFKD", sign) if letter.isascii())
    width = cells(sign)
    return letters if len(letters) == width else "?" * width
