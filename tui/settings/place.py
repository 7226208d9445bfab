"""Where ``config.toml`` is. Light: a run without one imports nothing else of this package."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tui.settings.file import Config

PLACE = "ROTATION_TUI_CONFIG"
"""Names another file; it must exist."""


def place(environ: Mapping[str, str] = os.environ) -> Path:
    """Return where the file is, whether it exists or not."""
    named = environ.get(PLACE, "").strip()
    if named:
        return Path(named).expanduser()
    if sys.platform in {"win32", "darwin"}:
        from platformdirs import user_config_path  # noqa: PLC0415

        return user_config_path("rotation-tui") / "config.toml"
    # As platformdirs has it, without the 20 ms that its import takes before the first paint.
    base = environ.get("XDG_CONFIG_HOME", "").strip() or "~/.config"
    return Path(base).expanduser() / "rotation-tui" / "config.toml"


def is_given(environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether a run must read it: it exists, or was named."""
    return bool(environ.get(PLACE, "").strip()) or place(environ).exists()


def load() -> Config | None:
    """What the person's file sets; None without a file. Raises InputError."""
    if not is_given():
        return None
    from tui.settings.file import read  # noqa: PLC0415 - a run without a file does without it

    return read(place())
