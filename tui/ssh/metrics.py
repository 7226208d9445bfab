"""The host's figures in the text format of Prometheus, over HTTP on a loopback address."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rotation.errors import InputError

if TYPE_CHECKING:
    from tui.ssh.host_state import HostState
    from tui.ssh.status import HostStatus, WorkerStatus

REQUEST_MAX = 8 * 1024
REQUEST_S = 5.0
"""Seconds that a scraper gets to send its request."""
_BROKEN = (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)
"""How a request may fail; not worth a log line."""
PATH = b"/metrics"
_Samples = Sequence[tuple[str, float]]
"""Labels and value of each sample of a metric."""
_PACES = ("full", "half", "closed")


def text(status: HostStatus, *, frames: int, octets: int, pending: int, bans: int) -> str:
    """Return the metrics: ``frames`` and ``octets`` sent since the start, ``pending`` logins in progress."""
    refused = [(f'{{reason="{reason}"}}', count) for reason, count in sorted(status.refused.items())]
    as_of = [("", status.data_as_of.timestamp())] if status.data_as_of else []
    paces = [(f'{{pace="{pace}"}}', pace == status.pace) for pace in _PACES]
    families: list[tuple[str, str, str, _Samples]] = [
        ("viewers", "gauge", "Viewers at the screen.", [("", status.sessions)]),
        ("viewers_max", "gauge", "Viewers that are admitted.", [("", status.most_sessions)]),
        ("rooms", "gauge", "Different renderings.", [("", status.rooms)]),
        ("logins_pending", "gauge", "Connections without a session yet.", [("", pending)]),
        ("logins_total", "counter", "Logins.", [("", status.logins)]),
        ("frames_total", "counter", "Frames sent.", [("", frames)]),
        ("sent_bytes_total", "counter", "Bytes of frames sent.", [("", octets)]),
        ("frames_dropped_total", "counter", "Frames that viewers did not read.", [("", status.dropped)]),
        ("loop_lag_seconds", "gauge", "Worst lag of the loop in 5 s.", [("", status.lag_ms / 1e3)]),
        ("pace", "gauge", "1 for the pace that holds.", paces),
        ("refused_total", "counter", "Refusals by reason.", refused),
        ("bans", "gauge", "Banned keys and networks.", [("", bans)]),
        ("start_time_seconds", "gauge", "When the host started, UTC.", [("", status.since.timestamp())]),
        ("prices_time_seconds", "gauge", "When the older price of the pair was made, UTC.", as_of),
        *_of_workers(status.workers or []),
    ]
    return "".join(
        f"# HELP rotation_tui_{name} {words}\n# TYPE rotation_tui_{name} {kind}\n"
        + "".join(f"rotation_tui_{name}{labels} {float(value):.15g}\n" for labels, value in samples)
        for name, kind, words, samples in families
        if samples
    )


def _of_workers(workers: list[WorkerStatus]) -> list[tuple[str, str, str, _Samples]]:
    """One sample of each worker, under its number; nothing for a host of one process."""

    def each(value: Callable[[WorkerStatus], float]) -> _Samples:
        return [(f'{{worker="{worker.worker}"}}', value(worker)) for worker in workers]

    return [
        ("worker_up", "gauge", "1 for a worker that serves.", each(lambda w: w.state == "serving")),
        ("worker_viewers", "gauge", "Viewers of this worker.", each(lambda w: w.sessions)),
        ("worker_viewers_max", "gauge", "Viewers that it admits.", each(lambda w: w.most_sessions)),
        ("worker_rooms", "gauge", "Its renderings.", each(lambda w: w.rooms)),
        ("worker_frames_per_second", "gauge", "Frames that it sends.", each(lambda w: w.frames_per_s)),
        ("worker_loop_lag_seconds", "gauge", "Worst lag of its loop in 5 s.", each(lambda w: w.lag_ms / 1e3)),
        ("worker_memory_bytes", "gauge", "Its resident memory.", each(lambda w: w.memory_mb * 1e6)),
        ("worker_replaced_total", "counter", "How often it was replaced.", each(lambda w: w.replaced)),
    ]


async def serve(state: HostState, address: str, port: int) -> asyncio.Server:
    """Answer scrapers at a loopback address until the server is closed. Raises InputError."""
    return await serve_text(lambda: _of(state), address, port)


async def serve_text(body: Callable[[], str], address: str, port: int) -> asyncio.Server:
    """The same with metrics that the caller makes."""
    if not ipaddress.ip_address(address).is_loopback:
        raise InputError(f"--metrics: {address} is not a loopback address; write for example 127.0.0.1:9222")

    async def scraped(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(*_BROKEN):
            async with asyncio.timeout(REQUEST_S):
                request = await reader.readuntil(b"\r\n\r\n")
                writer.write(_response(body, request))
                await writer.drain()
        writer.close()

    try:
        return await asyncio.start_server(scraped, address, port, limit=REQUEST_MAX)
    except OSError as error:
        raise InputError(f"--metrics: cannot listen on {address}:{port}: {error.strerror}") from error


def _of(state: HostState) -> str:
    meter = state.meter
    return text(
        state.status(),
        frames=meter.frames,
        octets=meter.bytes,
        pending=state.admission.pending,
        bans=len(state.bans),
    )


def _response(made: Callable[[], str], request: bytes) -> bytes:
    method, path = [*request.split(b" ", 2), b"", b""][:2]
    line, body = "404 Not Found", "see /metrics\n"
    if method in {b"GET", b"HEAD"} and path.partition(b"?")[0] == PATH:
        line, body = "200 OK", made()
    kind = "text/plain; version=0.0.4; charset=utf-8"
    head = (
        f"HTTP/1.1 {line}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return (head + ("" if method == b"HEAD" else body)).encode()
