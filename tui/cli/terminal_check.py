"""What this terminal can do, as findings for ``doctor``."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from rotation.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

WIDE, HIGH = 80, 24
LEAST_WIDE, LEAST_HIGH = 40, 10
SCHEMES = {"truecolor": "16 million", "256": "256", "standard": "16", "windows": "16"}
GLYPHS = "▲▼─│⣿…−"
"""Characters that the panels need: direction, borders, charts."""


def terminal() -> Iterator[Finding]:
    """Yield findings on streams, size, colours, characters and TERM."""
    missing = [f.name.strip("<>") for f in (sys.stdin, sys.stdout, sys.stderr) if not f.isatty()]
    if missing:
        yield _finding("streams", "ok", f"not a terminal: {', '.join(missing)}; the screen needs all three")
    else:
        yield _finding("streams", "ok", "a terminal")
    yield _size()
    yield _colours()
    yield _characters()
    yield _term()


def _size() -> Finding:
    import shutil  # noqa: PLC0415 - brings archives, which --help needs not

    wide, high = shutil.get_terminal_size()
    detail = f"{wide} × {high}"
    if wide < LEAST_WIDE or high < LEAST_HIGH:
        return _finding("size", "fail", detail, f"enlarge the window to at least {LEAST_WIDE} × {LEAST_HIGH}")
    if wide < WIDE or high < HIGH:
        return _finding(
            "size",
            "warn",
            f"{detail}: one panel at a time",
            f"enlarge the window to {WIDE} × {HIGH} to see the whole desk",
        )
    return _finding("size", "ok", detail)


def _colours() -> Finding:
    from rich.console import Console  # noqa: PLC0415 - brings rich

    # Forced, because doctor's own output may go to a file.
    system = Console(force_terminal=True).color_system
    if os.environ.get("NO_COLOR"):
        return _finding("colours", "ok", "none (NO_COLOR is set); signs and arrows show direction")
    detail = f"{SCHEMES.get(system or '', 'no')} colours"
    if system in (None, "standard", "windows"):
        return _finding(
            "colours",
            "warn",
            detail,
            "set COLORTERM=truecolor if the terminal supports it, or use --theme mono",
        )
    return _finding("colours", "ok", detail)


def _characters() -> Finding:
    encoding = (sys.stdout.encoding or "").lower()
    try:
        GLYPHS.encode(encoding or "ascii")
    except (UnicodeError, LookupError):
        detail = f"{encoding or 'no encoding'}: the screen is drawn in ASCII"
        return _finding("characters", "warn", detail, "use a UTF-8 locale, such as LC_ALL=C.UTF-8")
    return _finding("characters", "ok", encoding)


def _term() -> Finding:
    """Return the finding on TERM; multiplexers and remote shells can take colours away."""
    term = os.environ.get("TERM", "")
    shown = "".join(c for c in term if c.isprintable())[:40]
    if sys.platform != "win32" and term in ("", "dumb"):
        return _finding("TERM", "fail", shown or "not set", "set TERM, for example to xterm-256color")
    inside = [
        name
        for name, variable in (("tmux", "TMUX"), ("screen", "STY"), ("ssh", "SSH_TTY"))
        if os.environ.get(variable)
    ]
    detail = f"{shown}, inside {' and '.join(inside)}" if inside else shown
    if "tmux" in inside and os.environ.get("COLORTERM") not in ("truecolor", "24bit"):
        todo = "in tmux.conf: set -g default-terminal tmux-256color; set -as terminal-features ',*:RGB'"
        return _finding("TERM", "warn", f"{detail}, without true colour", todo)
    return _finding("TERM", "ok", detail)


def _finding(name: str, state: str, message: str, todo: str = "") -> Finding:
    return Finding("terminal", name, state, message, todo)  # type: ignore[arg-type]
