"""Keys, places, checks, captures, exports and the clock of this machine."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from rotation.errors import UnavailableError
from tui.cli import logs
from tui.compose import places

if TYPE_CHECKING:
    from pathlib import Path

    from feeds.keys.chain import KeyChain
    from rotation.findings import Finding


def notices() -> list[str]:
    """What to print before anything else: that the clock is not the machine's. Raises InputError."""
    if not os.environ.get("ROTATION_TUI_NOW", "").strip():
        return []
    from feeds.clock import clock_warning  # noqa: PLC0415 - a run with the machine's clock need not wait

    return [clock_warning()]


def now_s() -> float:
    """Now, in UTC seconds, by the one clock of this program."""
    return places.wall_ns() / 1e9


def keys() -> KeyChain:
    """Return the store of vendor keys."""
    from feeds.keys.chain import KeyChain  # noqa: PLC0415

    return KeyChain()


def stored_at() -> dict[str, Path]:
    """Return where this program stores its files, by kind."""
    from platformdirs import user_cache_path  # noqa: PLC0415

    from feeds.keys.keys import key_file  # noqa: PLC0415

    return {
        "keys": key_file().path,
        "history": places.store().folder,
        "cache": user_cache_path("rotation-tui"),
        "log": logs.log_file(),
        "alerts": places.alert_file().path,
    }


def export(folder: str, name: str, data: bytes) -> Path:
    """Write a new file, whole or not at all; blocking. Raises UnavailableError."""
    from pathlib import Path  # noqa: PLC0415

    from feeds.files.durable import write_whole  # noqa: PLC0415

    place = Path(folder) if folder else places.folder("exports")
    stem, _, ending = name.rpartition(".")
    path, number = place / name, 1
    try:
        place = place.expanduser()
        path = place / name
        place.mkdir(parents=True, exist_ok=True)
        while path.exists():
            number += 1
            path = place / f"{stem}-{number}.{ending}"
        write_whole(path, data)
    except OSError as error:
        raise UnavailableError(f"{path} cannot be written: {error.strerror or error}") from error
    except RuntimeError as error:  # ``~name`` of somebody who is not known
        raise UnavailableError(f"{path} cannot be written: {error}") from error
    return path


def examine(*, stream: bool, feed: str = "auto") -> list[Finding]:
    """Check the installation except for the terminal; blocking, takes some seconds."""
    from feeds.doctor import examine as doctor  # noqa: PLC0415

    return doctor.examine(stored_at(), stream=stream, feed=feed)


def capture(path: Path, seconds: float) -> list[str]:
    """Write what the live sources send to a new file, redacted. Raises InputError."""
    from feeds.desk import capture  # noqa: PLC0415

    return capture.run(path, seconds)


def configured() -> list[str]:
    """Return lines on keys and environment overrides; none holds a secret."""
    from feeds.doctor.overrides import overrides  # noqa: PLC0415

    changed = [f"{name} = {value}" for name, value in overrides().items()]
    return [*keys().lines(), *(changed or ["no environment variable overrides anything"])]
