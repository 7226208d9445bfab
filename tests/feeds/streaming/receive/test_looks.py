"""Looks at a flood: what several of them hold is handed on together, and never left lying."""

from __future__ import annotations

from unittest.mock import patch

import pytest

from feeds.clock import Time
from feeds.streaming import connection
from feeds.streaming.connection import LOOKS, Connection


class Waiting:
    """A socket with so many looks' worth of frames."""

    def __init__(self, looks: int) -> None:
        self.looks = looks

    @property
    def has_messages(self) -> bool:
        return self.looks > 0

    def take(self, most: int) -> list[str]:
        assert most == connection.LOOK_MAX
        self.looks -= 1
        return ["[]"]


class Reading:
    """A state that is only given frames."""

    def __init__(self) -> None:
        self.read = 0

    def on_frames(self, frames: list[str], now: object) -> None:
        del now
        self.read += len(frames)


@pytest.mark.parametrize("looks", [1, 2, LOOKS - 1, LOOKS, LOOKS + 1, 3 * LOOKS, 3 * LOOKS + 2])
def test_looks_of_a_flood_are_handed_on_together_and_the_last_at_once(looks):
    state, parts = Reading(), list[bool]()
    made = Connection(None, state, Time(), changed=lambda *, is_part=False: parts.append(is_part))
    socket = Waiting(looks)
    with patch.object(made, "_arrival", made._time.now()):
        while socket.has_messages:
            made._look(socket)
    assert (state.read, len(parts), parts[-1]) == (looks, looks, False)
    together = [place for place, is_part in enumerate(parts) if not is_part]
    assert len(together) == -(-looks // LOOKS)
    assert all(after - before <= LOOKS for before, after in zip([-1, *together], together, strict=False))
