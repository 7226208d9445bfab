"""A state of alerts that cannot be read or written for a while: said, nothing lost, nothing called twice."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from pathlib import Path
from typing import Self

import msgspec
import pytest

from feeds.alerts.state_file import Kept, StateFile, Waiting
from feeds.alerts.watch import AlertWatch
from feeds.errors import DamagedError
from rotation.alerts.rule import AlertState, Rule
from rotation.alerts.target import AlertSettings
from rotation.desk import EventKind
from tests.feeds.alerts.test_watch import (
    DAYS,
    DESK,
    FIRED,
    NOW_NS,
    RULE,
    SETTINGS,
    TARGETS,
    Sent,
    ended,
    running,
    snapshot,
    until,
)

__all__ = ["snapshot"]
NOBODY = 65534
CALLED = AlertState(RULE.condition, is_armed=False, fired=3, last_at=FIRED.at, last_session=DAYS[-1])
HELD = Kept(states={"any": CALLED, "other": CALLED}, calls=(FIRED,))


@pytest.fixture
def folder():
    """A state folder of a user who is not root, as whom the test runs: root may read and write anything."""
    made = Path(tempfile.mkdtemp(prefix="alerts-"))
    state = made / "state"
    state.mkdir(0o700)
    is_root = os.geteuid() == 0
    if is_root:
        for each in (made, state):
            os.chown(each, NOBODY, NOBODY)
        os.seteuid(NOBODY)
    try:
        yield state
    finally:
        if is_root:
            os.seteuid(0)
        shutil.rmtree(made)


class Steps:
    """Sleeps that end when the test says so."""

    def __init__(self) -> None:
        self.may = asyncio.Semaphore(0)

    async def __call__(self, seconds: float) -> None:
        await self.may.acquire()


class Run:
    """A program with alerts, until it is told to end."""

    def __init__(self, folder: Path, sent: Sent, settings: AlertSettings = SETTINGS) -> None:
        self.sleep = Steps()
        self.watch = AlertWatch(
            DESK, settings, StateFile(folder), make=sent.make, sleep=self.sleep, clock_ns=lambda: NOW_NS
        )
        self.shown = None

    async def __aenter__(self) -> Self:
        self.task = await running(self.watch)
        return self

    async def __aexit__(self, *_: object) -> None:
        await ended(self.task)

    def take(self, snapshot) -> list[str]:
        """What it says of its state."""
        self.shown = self.watch.take(snapshot)
        return [each.text for each in self.shown.events if each.kind is EventKind.CONFIG]

    async def passing(self, condition) -> None:
        """Let it save and look, again and again, until this is so."""

        def step() -> bool:
            self.sleep.may.release()
            return condition()

        await until(step)


def kept(folder: Path) -> Kept:
    return StateFile(folder).peek()


async def test_an_unreadable_state_stays_where_it_is_and_counts_once_it_can_be_read(folder, snapshot):
    """It was moved aside as if it were broken, and what it knew was gone for good."""
    sent = Sent()
    StateFile(folder).write(HELD)
    (folder / "alerts.json").chmod(0)
    async with Run(folder, sent) as run:
        messages = run.take(snapshot)
        await until(lambda: len(sent.got) == 2)
        (unread,) = messages
        path, _, why = unread.partition(": ")
        assert path == str(folder / "alerts.json")
        assert (
            why == "cannot be read (Permission denied): alerts start afresh until it can, and may fire again"
        )
        for _ in range(20):
            run.sleep.may.release()
            await asyncio.sleep(0)
        assert sorted(each.name for each in folder.iterdir()) == ["alerts.json", "alerts.lock"]
        (folder / "alerts.json").chmod(0o600)
        await run.passing(lambda: kept(folder).states["any"].fired == 4)
        await run.passing(lambda: run.take(snapshot) == [*messages, "alert state is saved again"])
    assert len(sent.got) == 2, "once, while nobody knew"
    assert kept(folder).states["other"] == CALLED
    assert [call.id for call in kept(folder).calls] == ["any", "any"]
    async with Run(folder, sent) as run:
        run.take(snapshot)
        await asyncio.sleep(0.05)
    assert len(sent.got) == 2


async def test_what_becomes_readable_before_the_next_price_is_known_to_it(folder, snapshot):
    """Without a call of its own nothing was to be saved, and the state was not looked at again."""
    sent = Sent()
    waiting = Waiting("phone", msgspec.structs.replace(FIRED, id="other"), "text")
    StateFile(folder).write(msgspec.structs.replace(HELD, waiting=(waiting,)))
    (folder / "alerts.json").chmod(0)
    async with Run(folder, sent) as run:
        (folder / "alerts.json").chmod(0o600)
        await run.passing(lambda: run.watch._log.states["any"].fired == 3)
        run.take(snapshot)
        await until(lambda: sent.got)
    assert sent.got == [("phone", "other#1")], "and what waited is delivered"
    assert kept(folder).waiting == ()


async def test_an_unreadable_state_is_not_overwritten_at_the_end(folder, snapshot):
    StateFile(folder).write(HELD)
    (folder / "alerts.json").chmod(0)
    async with Run(folder, Sent()) as run:
        run.take(snapshot)
    (folder / "alerts.json").chmod(0o600)
    assert kept(folder) == HELD
    (folder / "alerts.json").chmod(0)
    async with Run(folder, Sent()) as run:
        run.take(snapshot)
        (folder / "alerts.json").chmod(0o600)
    assert kept(folder).states["any"].fired == 4


async def test_a_read_only_folder_is_said_and_written_to_once_it_can_be(folder, snapshot):
    sent = Sent()
    StateFile(folder).write(Kept(states={"other": CALLED}))
    folder.chmod(0o500)
    async with Run(folder, sent) as run:
        run.take(snapshot)
        await until(lambda: len(sent.got) == 2)
        messages = run.take(snapshot)
        assert messages == [
            "alert state cannot be saved (Permission denied): alerts may fire again after a restart"
        ]
        folder.chmod(0o700)
        await run.passing(lambda: kept(folder).states.get("any", AlertState()).fired == 1)
        await run.passing(lambda: run.watch._file.is_locked)
    assert kept(folder).states["other"] == CALLED
    async with Run(folder, sent) as run:
        assert run.take(snapshot) == []
        await asyncio.sleep(0.05)
    assert len(sent.got) == 2


async def test_a_folder_that_is_a_file_or_leads_nowhere_is_named(folder, snapshot):
    sent = Sent()
    for make, remove in (
        (lambda path: path.write_text("a file"), Path.unlink),
        (lambda path: path.symlink_to(path), Path.unlink),
        (lambda path: path.symlink_to(path.parent / "nowhere" / "at all"), Path.unlink),
    ):
        state = folder / "rotation-tui"
        make(state)
        sent.got.clear()
        async with Run(state, sent) as run:
            run.take(snapshot)
            await until(lambda: len(sent.got) == 2)
            assert run.take(snapshot) == [
                f"{state}: not a folder: alert state cannot be saved, alerts may fire again after a restart"
            ]
            remove(state)
            await run.passing(lambda at=state: kept(at).states.get("any", AlertState()).fired == 1)
        async with Run(state, sent) as run:
            run.take(snapshot)
            await asyncio.sleep(0.05)
        assert len(sent.got) == 2
        shutil.rmtree(state)


async def test_a_state_that_is_a_symlink_to_itself_is_set_aside(folder, snapshot):
    path = folder / "alerts.json"
    path.symlink_to(path)
    with pytest.raises(DamagedError, match=r"alerts\.json: cannot be read \(Too many levels"):
        StateFile(folder).peek()
    async with Run(folder, Sent()) as run:
        (message,) = run.take(snapshot)
    assert "Too many levels of symbolic links" in message
    assert message.endswith("moved to alerts.json.broken-1; alerts start afresh")
    assert kept(folder).states["any"].fired == 1


async def test_a_lock_of_another_user_that_can_be_read_is_a_lock(folder, snapshot):
    """After ``sudo rotation-tui`` it belongs to root: two desks then both took the state for theirs."""
    (folder / "alerts.lock").touch(0o400)
    sent = Sent()
    async with Run(folder, sent) as run:
        assert run.take(snapshot) == []
        assert not StateFile(folder).own()
        await until(lambda: len(sent.got) == 2)


async def test_a_lock_that_another_program_has_taken_meanwhile_ends_ones_own_calls(folder, snapshot):
    """Both called: this one went on without the lock that it could not open at its start."""
    sent, later = Sent(), Rule(id="later", condition="ratio > 0", to=("phone",))
    (folder / "alerts.lock").touch(0)
    async with Run(folder, sent) as run:
        run.take(snapshot)
        await until(lambda: len(sent.got) == 2)
        (folder / "alerts.lock").chmod(0o600)
        async with Run(folder, Sent()) as other:
            other.take(snapshot)
            await run.passing(lambda: not run.watch._owns)
            run.watch.set(AlertSettings((RULE, later), TARGETS))
            run.take(snapshot)
            await asyncio.sleep(0.05)
    assert len(sent.got) == 2


async def test_a_disk_that_is_full_a_second_time_is_said_a_second_time(folder, snapshot, monkeypatch):
    write, is_full = StateFile.write, [True]

    def write_if_room(self, kept):
        if is_full[0]:
            raise OSError(28, "No space left on device")
        write(self, kept)

    monkeypatch.setattr(StateFile, "write", write_if_room)
    full = "alert state cannot be saved (No space left on device): alerts may fire again after a restart"
    sent = Sent()
    async with Run(folder, sent) as run:
        run.take(snapshot)
        await until(lambda: run.take(snapshot) == [full])
        is_full[0] = False
        await run.passing(lambda: run.take(snapshot) == [full, "alert state is saved again"])
        is_full[0] = True
        more = Rule(id="more", condition="ratio > 0", to=("phone",))
        run.watch.set(AlertSettings((RULE, more), TARGETS))
        run.take(snapshot)
        await until(lambda: run.take(snapshot) == [full, "alert state is saved again", full])
        assert kept(folder).states["any"].fired == 1
        is_full[0] = False
        await run.passing(lambda: "more" in kept(folder).states)
    assert sorted(sent.got) == [("log", "any#1"), ("phone", "any#1"), ("phone", "more#1")]
