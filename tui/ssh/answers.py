"""The commands that a visitor may run: each answers and closes. No process is ever started."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from tui.output import text as report
from tui.ssh import status

if TYPE_CHECKING:
    from rotation.snapshot import Snapshot
    from tui.ssh.status import HostStatus

COMMANDS = "status, status --json, snapshot, headline"


class Answer(NamedTuple):
    """What goes to the visitor, and how the command ended."""

    out: str
    err: str = ""
    code: int = 0


def answer(command: str, snapshot: Snapshot | None, now: HostStatus) -> Answer:
    """The answer to a command line; what is not ours is refused."""
    asked = command.split()
    if asked == ["status", "--json"]:
        return Answer(msgspec.json.encode(now).decode() + "\n")
    if asked == ["status"]:
        return Answer("\n".join(status.lines(now)) + "\n")
    if asked not in (["snapshot"], ["headline"]):
        return Answer("", f"rotation-tui: there is no such command here; there are {COMMANDS}\n", 127)
    if snapshot is None:
        return Answer("", "rotation-tui: the desk is still opening; try again\n", 1)
    return Answer(report.text(snapshot) if asked == ["snapshot"] else report.quotation(snapshot) + "\n")
