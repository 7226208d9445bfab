"""What this terminal can do, as ``doctor`` tells it."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

from rotation.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

WIDE, HIGH = 80, 24
LEAST_WIDE, LEAST_HIGH = 40, 10
SCHEMES = {"truecolor": "16 million", "256": "256", "standard": "16", "windows": "16"}
GLYPHS = "▲▼─│⣿…−"
"""What the panels draw with: direction, borders, charts."""


def terminal() -> Iterator[Finding]:
    """Streams, size, colours, characters and what is between."""
    missing = [f.name.strip("<>") for f in (sys.stdin, sys.stdout, sys.stderr) if not f.isatty()]
    if missing:
        yield _found("streams", "ok", f"{', '.join(missing)} not a terminal: the screen needs all three here")
    else:
        yield _found("streams", "ok", "a terminal")
    yield _size()
    yield _colours()
    yield _characters()
    yield _between()


def _size() -> Finding:
    wide, high = shutil.get_terminal_size()
    said = f"{wide} × {high}"
    if wide < LEAST_WIDE or high < LEAST_HIGH:
        return _found("size", "fail", said, f"make the window {LEAST_WIDE} × {LEAST_HIGH} at least")
    if wide < WIDE or high < HIGH:
        return _found("size", "warn", f"{said}: one panel at a time", f"{WIDE} × {HIGH} shows the desk")
    return _found("size", "ok", said)


def _colours() -> Finding:
    from rich.console import Console  # noqa: PLC0415 - brings rich

    # Asked as for a terminal: doctor's own output may well go into a file.
    system = Console(force_terminal=True).color_system
    if os.environ.get("NO_COLOR"):
        return _found("colours", "ok", "none, as NO_COLOR asks; signs and arrows say it all")
    said = f"{SCHEMES.get(system or '', 'no')} colours"
    if system in (None, "standard", "windows"):
        return _found(
            "colours", "warn", said, "set COLORTERM=truecolor if this terminal can, or use --theme mono"
        )
    return _found("colours", "ok", said)


def _characters() -> Finding:
    encoding = (sys.stdout.encoding or "").lower()
    try:
        GLYPHS.encode(encoding or "ascii")
    except (UnicodeError, LookupError):
        said = f"{encoding or 'no encoding'}: arrows and charts cannot be drawn"
        return _found("characters", "fail", said, "use a UTF-8 locale, like LC_ALL=C.UTF-8")
    return _found("characters", "ok", encoding)


def _between() -> Finding:
    """Multiplexers and remote shells, which can take colours away."""
    term = os.environ.get("TERM", "")
    shown = "".join(c for c in term if c.isprintable())[:40]
    if sys.platform != "win32" and term in ("", "dumb"):
        return _found("TERM", "fail", shown or "not set", "set TERM, like xterm-256color")
    inside = [
        name
        for name, variable in (("tmux", "TMUX"), ("screen", "STY"), ("ssh", "SSH_TTY"))
        if os.environ.get(variable)
    ]
    said = f"{shown}, inside {' and '.join(inside)}" if inside else shown
    if "tmux" in inside and os.environ.get("COLORTERM") not in ("truecolor", "24bit"):
        todo = "in tmux.conf: set -g default-terminal tmux-256color; set -as terminal-features ',*:RGB'"
        return _found("TERM", "warn", f"{said}, without true colours", todo)
    return _found("TERM", "ok", said)


def _found(name: str, state: str, said: str, todo: str = "") -> Finding:
    return Finding("terminal", name, state, said, todo)  # type: ignore[arg-type]
