"""The installed command in a terminal of its own."""

from __future__ import annotations

import pytest

from tests.support.pty_terminal import COMMAND, Terminal, own_home


@pytest.fixture
def env(tmp_path) -> dict[str, str]:
    """A home of its own."""
    return own_home(tmp_path)


@pytest.fixture
def demo(env):
    """The demo at sixty times its speed, once its headline stands on the screen."""
    with Terminal([COMMAND, "demo", "--speed", "60"], env=env) as terminal:
        terminal.see("DEMO", "Russell 2000 (IWM)", "in a row", "1 Legs", "5 Health")
        yield terminal
