"""Output to a terminal or pipe whose encoding lacks our signs: written with what it has."""

from __future__ import annotations

import codecs
import io
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterable

NAME = "rotation-tui"
PLAIN = {
    "−": "-", "–": "-", "—": "-", "‑": "-", "…": "...", "▲": "^", "▼": "v", "≈": "~", "≥": ">=", "≤": "<=",
    "≠": "!=", "→": "->", "←": "<-", "×": "x", "·": "-", "●": "*", "○": "o", "▸": ">", "◂": "<", "Δ": "d",
    "“": '"', "”": '"', "‘": "'", "’": "'", "│": "|", "─": "-", "\u00a0": " ",
}  # fmt: skip
"""Sign → what stands for it in ASCII; any other is a question mark."""


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(PLAIN.get(sign, "?") for sign in lacking), error.end


def adapt(*streams: TextIO | None) -> None:
    """Let these streams write any text."""
    codecs.register_error(NAME, _plain)
    for stream in _text(streams):
        if (stream.encoding or "").lower().replace("-", "") not in ("utf8", "utf16", "utf32"):
            stream.reconfigure(errors=NAME)


def _text(streams: Iterable[TextIO | None]) -> list[io.TextIOWrapper]:
    return [stream for stream in streams if isinstance(stream, io.TextIOWrapper)]
