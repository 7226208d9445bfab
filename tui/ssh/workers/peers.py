"""In a worker: commands that concern the whole host go to the parent, which knows all workers."""

from __future__ import annotations

import asyncio
from itertools import count
from typing import TYPE_CHECKING

from tui.ssh import admin
from tui.ssh.answers import Answer
from tui.ssh.workers import wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from tui.ssh.workers.channel import Channel

PATIENCE_S = 8.0
"""Seconds that the parent gets to answer; it gives each worker fewer."""
SILENT = Answer("", "rotation-tui: the host's other processes do not answer; try again\n", 1)


class ParentPeers:
    """Asks the parent."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._ids = count(1)
        self._asked: dict[int, tuple[Callable[[Answer], None], asyncio.TimerHandle]] = {}

    def answers(self, command: str) -> bool:
        """Whether a command concerns all workers."""
        verb = next(iter(command.split()), "")
        return verb == "status" or verb in admin.VERBS

    def ask(self, command: str, reply: Callable[[Answer], None], *, by: str, is_admin: bool) -> None:
        """Have a command carried out, and call ``reply`` with its answer within ``PATIENCE_S``."""
        number = next(self._ids)
        timer = asyncio.get_running_loop().call_later(PATIENCE_S, self._end, number, SILENT)
        self._asked[number] = reply, timer
        self._channel.send(wire.Question(number, command, by, is_admin))

    def take(self, reply: wire.Reply) -> None:
        """Take an answer of the parent."""
        self._end(reply.id, Answer(reply.out, reply.err, reply.code))

    def _end(self, number: int, answer: Answer) -> None:
        asked = self._asked.pop(number, None)
        if asked is not None:
            asked[1].cancel()
            asked[0](answer)
