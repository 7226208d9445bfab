"""The program: it imports what it begins with, and a command when it is named."""

from __future__ import annotations

import sys

from tui.loading import loading


def _redact(text: str) -> str:
    """Return the text without any key that has been read; before the first one there is nothing to hide."""
    keys = sys.modules.get("feeds.keys.keys")
    return keys.redact(text) if keys else text


def main() -> None:
    """Run the command line."""
    with loading():
        from tui.cli import app, logs  # noqa: PLC0415 - here, so that they are imported in less time
        from tui.compose.backend import LocalBackend  # noqa: PLC0415

    logs.redact = _redact
    sys.exit(app.run(LocalBackend()))


if __name__ == "__main__":
    main()
