"""The screen's SVG as a PNG, by resvg where the extra ``png`` is installed.

Drawing a large screen takes seconds and holds the interpreter: it is done in a process of its own.
"""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec

from rotation.errors import UnavailableError

PROGRAM = "import sys; sys.path[:] = sys.argv[1:]; from tui.screen.png import main; main()"
"""It looks for its modules where this process does, and in no folder that happens to be the current one."""
LIMIT_S = 120.0
MISSING = "PNG needs one more package: pip install 'rotation-tui[png]'; s writes SVG without it"
_CLIP = re.compile(r' clip-path="url\(#[^")]*-line-\d+\)"')
"""Every character has its own place: clipping each run to its line only takes time."""


def can_draw() -> bool:
    """Whether the extra is installed."""
    return find_spec("resvg_py") is not None


def png(svg: str) -> bytes:
    """Draw the picture; blocking. Raises UnavailableError where it cannot be drawn."""
    try:
        done = subprocess.run(  # noqa: S603 - this program
            [sys.executable, "-P", "-c", PROGRAM, *sys.path],
            input=_CLIP.sub("", svg).encode(),
            capture_output=True,
            timeout=LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnavailableError(f"the PNG could not be drawn: {type(error).__name__}") from error
    if done.returncode != 0:
        errors = done.stderr.decode(errors="replace").strip().splitlines()
        raise UnavailableError(f"the PNG could not be drawn: {errors[-1] if errors else 'no reason given'}")
    return done.stdout


def main() -> None:
    """SVG on stdin, PNG on stdout."""
    from resvg_py import svg_to_bytes  # noqa: PLC0415 - only this process has it

    picture = svg_to_bytes(svg_string=sys.stdin.buffer.read().decode())
    sys.stdout.buffer.write(bytes(picture))
