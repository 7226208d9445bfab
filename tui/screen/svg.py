"""What an app has on its screen, as an SVG that every renderer draws alike."""

from __future__ import annotations

import re
from typing import Protocol

from rich.cells import cell_len

BLANKS = "\u00a0 "
FONTS = "DejaVu Sans Mono, Menlo, Consolas"
_RUN = re.compile(
    r'<text class="(?P<class>[^"]+)" x="(?P<x>[\d.]+)" (?P<y>y="[\d.]+") textLength="(?P<length>[\d.]+)" '
    r"(?P<clip>clip-path=[^>]+)>(?P<text>[^<]*)</text>"
)
_FONT_FACE = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


class Pictured(Protocol):
    """A Textual app."""

    def export_screenshot(self, *, title: str | None = None, simplify: bool = False) -> str:
        """Its screen as Textual draws it."""
        ...


def picture_of(app: Pictured) -> str:
    """What is on the app's screen now, as SVG."""
    picture = app.export_screenshot(title="rotation-tui")
    # Textual's picture fetches a font from the network when it is opened; ours names installed ones.
    return _placed(_FONT_FACE.sub("", picture).replace("Fira Code", FONTS))


def _placed(picture: str) -> str:
    """The picture with a place for every character.

    A run's ``textLength`` is stretched by browsers and ignored by other renderers, and a sign from another
    font is wider than its cell: what follows it would be shifted. Some renderers (librsvg) take of several
    places only the first of an element, so every word and every other sign is one.
    """
    return _RUN.sub(_cells, picture)


def _cells(run: re.Match[str]) -> str:
    import html  # noqa: PLC0415 - a long table of entities, for pictures alone

    text = html.unescape(run["text"])
    size = cell_len(text)
    shown = text.rstrip(BLANKS)
    if not shown or not size:  # blank, or the end of a line
        return ""
    step = float(run["length"]) / size
    parts: list[tuple[list[str], str]] = []
    cell, goes_on = 0, False
    for sign in shown:
        place = f"{float(run['x']) + cell * step:g}"
        cell += cell_len(sign)
        if sign in BLANKS:
            goes_on = False
            continue
        if goes_on and sign.isascii():
            places, word = parts[-1]
            parts[-1] = [*places, place], word + sign
        else:
            parts.append(([place], sign))
        goes_on = sign.isascii()
    spans = "".join(
        f'<tspan x="{" ".join(places)}">{html.escape(word, quote=False)}</tspan>' for places, word in parts
    )
    return f'<text class="{run["class"]}" {run["y"]} {run["clip"]}>{spans}</text>'
