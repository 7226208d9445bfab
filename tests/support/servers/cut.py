"""A TCP proxy whose sockets a test closes: a network that is cut, or that is slow."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Self


class Cut:
    """Forwards to ``port`` until ``cut``; nobody gets through before ``mend``."""

    def __init__(self, port: int) -> None:
        self.target = port
        self.port = 0
        self.is_cut = False
        self.bytes_per_s = 0.0
        """To the client; 0 for as fast as it goes."""
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.cut()
        # Tasks of our own: one of asyncio's that is cancelled with the loop is an error in the log.
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        self.is_cut = True
        for writer in tuple(self._writers):
            writer.transport.abort()

    def mend(self) -> None:
        self.is_cut = False

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_cut:
            writer.transport.abort()
            return
        self._writers.add(writer)
        try:
            upstream, into = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            self._writers.discard(writer)
            writer.transport.abort()
            return
        self._writers.add(into)
        if writer.transport.is_closing():  # cut while the way on was opened
            into.transport.abort()
        try:
            await asyncio.gather(
                self._pump(reader, into, slow=False), self._pump(upstream, writer, slow=True)
            )
        finally:
            self._writers -= {writer, into}

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, slow: bool) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
                if slow and self.bytes_per_s:
                    await asyncio.sleep(len(data) / self.bytes_per_s)
        writer.close()
