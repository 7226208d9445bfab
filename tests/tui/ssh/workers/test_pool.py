"""A pool of real worker processes, with no desk and no viewers."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from contextlib import asynccontextmanager

import pytest

from rotation.errors import InputError
from tests.support.ssh_host import until
from tui.ssh.limits import Limits
from tui.ssh.workers import pool as pools
from tui.ssh.workers import wire
from tui.ssh.workers.pool import Cap, Pool


def setup(tmp_path, **more) -> wire.Setup:
    given = {
        "version": wire.VERSION, "worker": 1, "limits": Limits(), "authorized_keys": None,
        "host_key": str(tmp_path / "host_key"), "preferences": str(tmp_path / "visitors.json"),
        "clock": wire.Clock(), "log_level": "info", "log_json": False,
    }  # fmt: skip
    return wire.Setup(**(given | more))


@asynccontextmanager
async def running(setup: wire.Setup, cap: Cap, *, has_begun: bool = False):
    """A pool of one worker, and the task that runs it. ``has_begun``: its first worker counts as started."""
    pool = Pool(lambda _: setup, 1, cap, on_message=lambda *_: None, on_left=lambda _: None)
    task = asyncio.create_task(pool.run())
    if has_begun:
        pool._has_begun.set()
    try:
        yield pool, task
    finally:
        pool.stop()
        await asyncio.wait([task], timeout=60)
        pool.kill()
        await asyncio.wait([task])


def logged(caplog, name: str) -> list[dict[str, object]]:
    return [record.fields for record in caplog.records if record.getMessage() == name]


async def test_a_worker_over_its_memory_is_stopped_in_order_and_replaced(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(pools, "WATCH_S", 0.1)
    async with running(setup(tmp_path), Cap(memory_mb=1.0), has_begun=True) as (pool, _):
        await until(lambda: len(logged(caplog, "worker over memory")) >= 2)
        over = logged(caplog, "worker over memory")
        assert over[0]["memory_mb"] > over[0]["most_mb"] == 1.0
        ended = logged(caplog, "worker ended")
        assert (ended[0]["code"], ended[0]["next_in_s"]) == (0, 0.5)
        assert pool.statuses()[0].replaced >= 1


async def test_a_worker_that_does_not_answer_is_killed_and_replaced(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(pools, "WATCH_S", 0.1)
    monkeypatch.setattr(pools, "HUNG_S", 2.0)
    async with running(setup(tmp_path), Cap(memory_mb=4_000.0), has_begun=True) as (pool, _):
        await until(lambda: any(member.report and member.ready.is_set() for member in pool))
        (member,) = pool
        os.kill(member.pid, signal.SIGSTOP)
        await until(lambda: logged(caplog, "worker ended"))
        assert logged(caplog, "worker silent")
        assert logged(caplog, "worker ended")[0]["code"] == -signal.SIGKILL
        await until(lambda: any(each.ready.is_set() for each in pool))


async def test_a_worker_that_hangs_while_it_stops_is_killed_and_replaced(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(pools, "WATCH_S", 0.1)
    monkeypatch.setattr(pools, "STOP_S", 0.5)
    monkeypatch.setattr(pools, "SLACK_S", 0.5)
    async with running(setup(tmp_path), Cap(memory_mb=4_000.0), has_begun=True) as (pool, _):
        await until(lambda: any(member.ready.is_set() for member in pool))
        (member,) = pool
        os.kill(member.pid, signal.SIGSTOP)
        member.stop()
        await until(lambda: logged(caplog, "worker ended"))
        assert logged(caplog, "worker did not stop")
        assert logged(caplog, "worker ended")[0]["code"] == -signal.SIGKILL
        await until(lambda: any(each.ready.is_set() for each in pool))


async def test_a_worker_of_another_version_says_so_and_ends_the_start(tmp_path):
    async with running(setup(tmp_path, version="0.0/9"), Cap(memory_mb=4_000.0)) as (_, task):
        with pytest.raises(ExceptionGroup) as raised:
            await task
        (error,) = raised.value.exceptions
        assert isinstance(error, InputError)
        assert "its parent of 0.0/9" in str(error)
        assert "restart the host" in str(error)


async def test_keys_that_cannot_be_read_end_the_start_with_one_reason(tmp_path):
    async with running(setup(tmp_path, authorized_keys=str(tmp_path / "nowhere")), Cap(1e6)) as (_, task):
        with pytest.raises(ExceptionGroup) as raised:
            await task
        assert "nowhere" in str(raised.value.exceptions[0])


async def test_a_stopped_pool_replaces_nobody(tmp_path, caplog):
    async with running(setup(tmp_path), Cap(memory_mb=4_000.0)) as (pool, task):
        await pool.begun()
        began = time.monotonic()
        pool.stop()
        await task
        assert time.monotonic() - began < 60
        assert not logged(caplog, "worker ended")
        assert list(pool) == []


async def test_a_worker_that_dies_at_the_start_ends_the_start(tmp_path):
    """A host that waits for ever for a worker that cannot run would be worse than one that says so."""
    async with running(setup(tmp_path), Cap(memory_mb=4_000.0)) as (pool, task):
        await until(lambda: any(member.pid for member in pool))
        (member,) = pool
        os.kill(member.pid, signal.SIGKILL)
        with pytest.raises(ExceptionGroup) as raised:
            await task
        assert str(raised.value.exceptions[0]) == "worker 1 did not start: it ended with code -9"


async def test_a_worker_that_is_told_to_stop_before_it_runs_does_stop(tmp_path):
    async with running(setup(tmp_path), Cap(memory_mb=4_000.0)) as (pool, task):
        await until(lambda: list(pool))
        pool.stop()
        await asyncio.wait([task], timeout=60)
        assert task.done()


async def test_a_system_that_starts_no_process_is_tried_again_later(tmp_path, caplog, monkeypatch):
    async with running(setup(tmp_path), Cap(memory_mb=4_000.0), has_begun=True) as (pool, task):
        with monkeypatch.context() as patch:
            patch.setattr("tui.ssh.workers.member.sys.executable", str(tmp_path / "nowhere"))
            await until(lambda: len(logged(caplog, "worker ended")) >= 2)
        ended = logged(caplog, "worker ended")
        assert ended[0]["why"] == "No such file or directory"
        assert [each["next_in_s"] for each in ended[:2]] == [0.5, 1.0]
        await until(lambda: any(each.ready.is_set() for each in pool))
        assert not task.done()
