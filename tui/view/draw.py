"""Cells: rows of (text, role) spans, borders, fixed-width numbers, and braille lines. Pure; no terminal.

A role names a colour of the theme (``themes/*.toml``); a row is padded to its width by ``fit``.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import accumulate, takewhile
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size

from rotation.text import signed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Span = tuple[str, str]
"""(text, role)"""
Row = tuple[Span, ...]

UNKNOWN = "—"

_TIED = re.compile(r"(?<=\d) (?=%|pp\b|[A-Z][a-z]{2} \d{4})|(?<=\d [A-Z][a-z]{2}) (?=\d{4})")
"""The spaces of ``27 May 2020``, ``+1.88 %`` and ``10.3 pp``."""


@lru_cache(maxsize=4096)
def clean(text: str) -> str:
    """Return the text without what a terminal could obey: control, bidi and zero-width characters."""
    return text if text.isprintable() else "".join(c for c in text if c.isprintable())


def cells(text: str) -> int:
    """Return how many cells a clean text takes; most texts are ASCII, a cell a character."""
    return len(text) if text.isascii() else cell_len(text)


@lru_cache(maxsize=4096)
def _measured(text: str) -> tuple[str, int]:
    """The clean text and its width in cells, looked up together: a screen asks a thousand times."""
    shown = clean(text)
    return shown, cells(shown)


def fit(spans: Iterable[Span], width: int) -> Row:
    """Return a row of exactly ``width`` cells: cut with … or padded, control characters dropped."""
    row: list[Span] = []
    room = width
    for text, role in spans:
        shown, size = _measured(text)
        if size > room:
            if room:
                row.append((set_cell_size(shown, room - 1) + "…", role))
            room = 0
            break
        row.append((shown, role))
        room -= size
    if room:
        row.append((" " * room, "text"))
    return tuple(row)


def framed(rows: Sequence[Row], title: str, width: int, height: int, *, focused: bool) -> list[Row]:
    """Rows inside a border that carries the title; exactly ``height`` rows of ``width`` cells."""
    role = "focus" if focused else "border"
    inner = width - 4
    label_cells = min(_measured(title)[1] + 2, width - 3)
    label = fit(((f" {title} ", "title-focus" if focused else "title"),), label_cells)
    rule = "─" * (width - 3 - label_cells)
    body = [*rows[: height - 2], *[()] * (height - 2 - len(rows))]
    return [
        (("╭─", role), *label, (rule + "╮", role)),
        *(_bordered(row, inner, role) for row in body),
        (("╰" + "─" * (width - 2) + "╯", role),),
    ]


@lru_cache(maxsize=4096)
def _bordered(row: Row, inner: int, role: str) -> Row:
    """A row between the sides of its border. Most are those of the frame before, or of another room."""
    return (("│ ", role), *fit(row, inner), (" │", role))


def column(text: str, width: int, *, right: bool = True) -> str:
    """Return the text in a column of ``width`` cells, padded, or cut with … where it does not fit."""
    text, size = _measured(text)
    if size > width:
        return set_cell_size(text, width - 1) + "…" if width else ""
    pad = " " * (width - size)
    return pad + text if right else text + pad


def toned(value: float | None) -> str:
    """Return the role of a signed figure; "muted" for 0 and unknown."""
    if value is None or value == 0:
        return "muted"
    return "up" if value > 0 else "down"


def arrow(value: float | None) -> str:
    """Return ▲, ▼ or a blank, so that direction is never shown by colour alone."""
    return " " if not value else "▲" if value > 0 else "▼"


def number(value: float | None, decimals: int = 2) -> str:
    """Return the number as ``1,234.50``; None, unknown, is —."""
    return UNKNOWN if value is None else f"{value:,.{decimals}f}".replace("-", "−")


def change(value: float | None, decimals: int = 2) -> str:
    """Return the number with its sign, as ``+1.88``; None, unknown, is —."""
    return UNKNOWN if value is None else signed(value, decimals)


def wrap(text: str, width: int, lines: int) -> list[str]:
    """Wrap text to at most ``lines`` lines of ``width`` cells; the last one is cut with … if necessary.

    A date and a figure with its unit stay on one line.
    """
    rows = [""]
    for word in _TIED.sub("\N{NO-BREAK SPACE}", text).split(" "):
        longer = f"{rows[-1]} {word}".strip()
        if cell_len(longer) <= width or not rows[-1]:
            rows[-1] = longer
        else:
            rows.append(word)
    if len(rows) > lines:
        rows = [*rows[: lines - 1], column(" ".join(rows[lines - 1 :]), width, right=False)]
    return [row.replace("\N{NO-BREAK SPACE}", " ") for row in rows]


def flowed(parts: Iterable[Row], width: int, indent: int = 2) -> list[Row]:
    """The parts over as many rows as they need, broken only between them; rows after the first are indented.

    What joins a part to the one before, a comma or blanks, is left out where a row begins with it.
    """
    rows: list[list[Span]] = [[]]
    room = width
    for part in parts:
        if cells("".join(text for text, _ in part).rstrip()) > room and rows[-1]:
            rows.append([(" " * indent, "text")])
            room = width - indent
            part = ((part[0][0].lstrip(", "), part[0][1]), *part[1:])  # noqa: PLW2901 - it begins a row
        rows[-1] += part
        room -= sum(cells(text) for text, _ in part)
    return list(map(tuple, rows))


def bar(share: float, width: int) -> str:
    """Return a bar in eighths of a cell that fills ``share`` (0…1) of ``width`` cells."""
    eighths = round(min(max(share, 0.0), 1.0) * width * 8)
    full, rest = divmod(eighths, 8)
    return column("█" * full + (" ▏▎▍▌▋▊▉"[rest] if rest else ""), width, right=False)


_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Braille bits by row from the top and column, Unicode block 2800."""


Dots = tuple[tuple[int, int], ...]
"""Places on a plane of two columns and four rows of dots a cell, from the upper left."""


def braille(points: Sequence[tuple[float, float]], width: int, height: int) -> list[str]:
    """Draw a line through (x, y) points, x in 0…1, y in 0 (bottom) … 1 (top), on width × height cells."""
    return _line(dots_of(points, width, height), width, height)


def dots_of(points: Sequence[tuple[float, float]], width: int, height: int) -> Dots:
    """Return the dots of such points, one after the other, none twice in a row."""
    columns, rows = 2 * width - 1, 4 * height - 1
    dots: list[tuple[int, int]] = []
    last = None
    for x, y in points:
        dot = (int(x * columns + 0.5), int((1 - y) * rows + 0.5))
        if dot != last:
            dots.append(dot)
            last = dot
    return tuple(dots)


@lru_cache(maxsize=32)
def _line(dots: Dots, width: int, height: int) -> list[str]:
    """Cached by dots: from one tick to the next a year's line rarely moves by one."""
    rows = [[" "] * width for _ in range(height)]
    for x, y, text in braille_cells(dots):
        rows[y][x] = text
    return ["".join(row) for row in rows]


@lru_cache(maxsize=128)
def braille_cells(dots: Dots) -> tuple[tuple[int, int, str], ...]:
    """Return the cells of a line through these dots that are not blank: column, row and text of each."""
    bits: dict[tuple[int, int], int] = {}
    for start, end in zip(dots[:1] + dots, dots, strict=False):
        for x, y in _between(start, end):
            cell = (x // 2, y // 4)
            bits[cell] = bits.get(cell, 0) | _DOTS[y % 4][x % 2]
    return tuple((x, y, chr(0x2800 + cell)) for (x, y), cell in bits.items())


def _between(start: tuple[int, int], end: tuple[int, int]) -> list[tuple[int, int]]:
    steps = max(abs(end[0] - start[0]), abs(end[1] - start[1]), 1)
    return [
        (
            start[0] + round((end[0] - start[0]) * i / steps),
            start[1] + round((end[1] - start[1]) * i / steps),
        )
        for i in range(steps + 1)
    ]


def whole(row: Row, width: int) -> Row:
    """The spans that fit whole, up to the first that does not: half a figure would be another one."""
    ends = accumulate(cells(text) for text, _ in row)
    return tuple(span for span, _ in takewhile(lambda each: each[1] <= width, zip(row, ends, strict=True)))
