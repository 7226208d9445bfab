"""Whole sessions from a seed, 03:55 to 16:30, over real sockets, with faults: each figure is true or marked.

Every fourth seed is spoken by Massive, the others by Alpaca. Some faults begin at the bells.

``make test-sessions SEEDS=1..200`` plays more of them.
"""

from __future__ import annotations

import os

import pytest

from tests.support.session import faults
from tests.support.session.run import play

SEEDS = os.environ.get("SEEDS", "2..4")


def seeds() -> range:
    first, _, last = SEEDS.partition("..")
    return range(int(first), int(last or first) + 1)


@pytest.mark.parametrize("seed", seeds())
async def test_each_figure_is_the_oracle_s_or_marked(seed, monkeypatch):
    monkeypatch.setenv("ROTATION_TUI_ALPACA_STREAM_URL", "")
    monkeypatch.setenv("ROTATION_TUI_MASSIVE_STREAM_URL", "")
    world, check = await play(seed)
    assert world.now_ns >= world.ends_ns
    assert not world.agenda, "every fault was thrown in"
    assert check.counts["claimed"] > check.counts["marked"] > 0


def test_the_same_seed_is_the_same_session():
    """Without playing it: what is drawn before the first print."""
    from tests.support.session.world import World

    world, other = World(7), World(7)
    assert world.agenda == other.agenda
    assert world.story.begins == other.story.begins


def test_every_fault_is_either_thrown_in_or_left_off_with_a_reason():
    named = {
        name
        for name, value in vars(faults).items()
        if getattr(value, "__module__", "") == faults.__name__ and not name.startswith("_")
    }
    assert named == {fault.__name__ for fault in (*faults.ALL, *faults.LATER)}
