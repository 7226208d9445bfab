"""The program of a worker; its parent starts it with two open sockets: ``CHANNEL SOCKETS``."""

from __future__ import annotations

import asyncio
import socket
import sys
from pathlib import Path

from rotation.errors import InputError
from tui.ssh import event_log, json_stderr
from tui.ssh.workers.channel import Channel
from tui.ssh.workers.worker import begin, fail, work
from tui.view import theme

BAD_INPUT = 2
"""Exit code where a person must change something."""


async def run(channel_file: int, sockets_file: int) -> int:
    """Serve, and return the exit code."""
    channel = await Channel.over(socket.socket(fileno=channel_file))
    pair = socket.socket(fileno=sockets_file)
    try:
        setup = await begin(channel)
        if setup.log_json:
            json_stderr.start()
        event_log.start(setup.log_level, setup.worker)
        theme.use_folder(None if setup.themes is None else Path(setup.themes))
        await work(setup, channel, pair)
    except InputError as error:
        await fail(channel, str(error))
        return BAD_INPUT
    return 0


def main() -> None:
    """Run the worker whose sockets are the first two arguments."""
    sys.exit(asyncio.run(run(*(int(word) for word in sys.argv[1:3]))))
