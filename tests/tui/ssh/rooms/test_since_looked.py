"""What has changed since a viewer last looked: kept by the key that logs in, told when it comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from rotation.desk import DeskEvent, EventKind
from tests.support.ssh_scenes import Time, Visit
from tui.output.looked import AWAY_S
from tui.ssh.preferences import Choice, Preferences
from tui.ssh.rooms.rooms import Rooms

if TYPE_CHECKING:
    from pathlib import Path

    from rotation.snapshot import Snapshot

HERS, HIS = "SHA256:hers", "SHA256:his"


def test_each_key_is_told_what_it_has_missed(scenes: dict[str, Snapshot], tmp_path: Path) -> None:
    rooms, clock = Rooms(), Time()
    rooms.take(scenes["live"])
    path = tmp_path / "visitors.json"
    kept = Preferences(path)
    visit = Visit(rooms, clock)
    visit.viewer.type(b"]")
    kept.keep(HERS, Choice(at=1_000, looked=visit.viewer.looked))
    kept.write(kept.take_unsaved())

    closed = scenes["closed"]
    event = DeskEvent(1, closed.as_of, EventKind.RECORD, "x", "a record")
    rooms.take(msgspec.structs.replace(closed, events=(event,)))
    back = Preferences(path)  # the host may have been started again
    messages = {}
    for key in (HERS, HIS):
        choice = back.of(key)
        for away_s in (AWAY_S - 1, AWAY_S + 1):
            again = Visit(rooms, clock, looked=choice.looked, away_s=away_s)
            messages[key, away_s] = again.viewer.view.message
    assert messages[HERS, AWAY_S + 1].startswith("Since 10:40: 1 record, IWM today +1.88 → ")
    assert messages[HERS, AWAY_S - 1] == messages[HIS, AWAY_S + 1] == messages[HIS, AWAY_S - 1] == ""


def test_a_viewer_who_stays_is_told_at_the_next_key(scenes: dict[str, Snapshot]) -> None:
    rooms, clock = Rooms(), Time()
    rooms.take(scenes["live"])
    visit = Visit(rooms, clock)
    visit.viewer.type(b"]")
    rooms.take(scenes["closed"])
    clock.pass_(AWAY_S + 1)
    visit.viewer.type(b"]")
    assert visit.viewer.view.message.startswith("Since 10:40: IWM today ")
