"""So many key exchanges a second, whoever asks and however many ask."""

from __future__ import annotations

from tests.support.ssh_scenes import Time
from tui.ssh.wire.turns import Turns


def test_the_first_comes_at_once_and_the_others_wait_for_their_turns():
    time, begun = Time(), []
    turns = Turns(20, lambda: time.now, time.later)
    for n in range(100):
        turns.wait(lambda n=n: begun.append(n))
    assert begun == [0]
    time.pass_(1.0)
    assert begun == list(range(len(begun)))
    assert 19 <= len(begun) <= 21
    time.pass_(10.0)
    assert begun == list(range(100))
    time.pass_(10.0)
    turns.wait(lambda: begun.append("late"))
    turns.wait(lambda: begun.append("later"))
    assert begun[-1] == "late"


def test_who_leaves_gives_the_turn_to_the_next():
    time, begun = Time(), []
    turns = Turns(10, lambda: time.now, time.later)
    calls = [lambda n=n: begun.append(n) for n in range(50)]
    for call in calls:
        turns.wait(call)
    for call in calls[1:-1]:
        turns.leave(call)
    turns.leave(calls[0])
    assert len(turns) == 1
    time.pass_(0.11)
    assert begun == [0, 49]
