"""The commands that a client may run: each one is answered and closes. No process is ever started."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from tui.output import text as report
from tui.ssh import status

if TYPE_CHECKING:
    from rotation.snapshot import Snapshot
    from tui.ssh.status import HostStatus

COMMANDS = "status, status --json, snapshot, headline"
UNKNOWN_COMMAND = 127
"""Exit code of a command that does not exist, as shells have it."""


class Answer(NamedTuple):
    """What goes to the client's standard output and error, and the exit code of the command."""

    out: str
    err: str = ""
    code: int = 0


def answer(command: str, snapshot: Snapshot | None, host: HostStatus) -> Answer:
    """Return the answer to a command line. ``snapshot`` is the newest; None while the desk is opening."""
    words = command.split()
    if words == ["status", "--json"]:
        return Answer(msgspec.json.encode(host).decode() + "\n")
    if words == ["status"]:
        return Answer("\n".join(status.lines(host)) + "\n")
    if words not in (["snapshot"], ["headline"]):
        return Answer("", f"rotation-tui: unknown command; available: {COMMANDS}\n", UNKNOWN_COMMAND)
    if snapshot is None:
        return Answer("", "rotation-tui: the desk is still loading; try again in a moment\n", 1)
    return Answer(report.text(snapshot) if words == ["snapshot"] else report.quotation(snapshot) + "\n")
