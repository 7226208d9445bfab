"""The parts of the driver by themselves, and the private names of Textual's that they rest on."""

from __future__ import annotations

import asyncio
import gc
import inspect
import os
import pty
import termios
import threading
import time
import tty
import weakref

import pytest
from textual.app import App
from textual.driver import Driver
from textual.events import Key, Resize
from textual.geometry import Size

from tests.support.tui.scenes import ScriptedDesk
from tui.screen import driver as driver_module
from tui.screen.app import RotationApp
from tui.screen.driver import LEAVE, TerminalDriver
from tui.screen.terminal import keep_what_stays
from tui.screen.writer import BEHIND, MOST, Writer
from tui.view.view_state import ViewState


def test_textual_has_the_parser_that_typed_bytes_go_through():
    """``XTermParser``, its ``feed`` and its ``tick``."""
    from textual._xterm_parser import XTermParser

    parser = XTermParser()
    assert [message.key for message in parser.feed("j")] == ["j"]
    assert list(parser.tick()) == []


def test_textual_s_driver_keeps_its_app_and_loop():
    """``Driver._app`` and ``Driver._loop``."""

    class Plain(Driver):
        def write(self, data): ...
        def start_application_mode(self): ...
        def disable_input(self): ...
        def stop_application_mode(self): ...

    async def make():
        app = App()
        driver = Plain(app)
        assert driver._app is app
        assert driver._loop is asyncio.get_running_loop()
        assert app.message_queue_size == 0

    asyncio.run(make())


def test_textual_s_driver_sends_what_it_has_processed():
    """``process_message`` ends in ``send_message``, which ours overrides."""
    assert "self.send_message(message)" in inspect.getsource(Driver.process_message)


class Pty:
    """A terminal that is read only when asked, and a writer into it."""

    def __init__(self) -> None:
        self.ours, self.theirs = pty.openpty()
        self.gone = threading.Event()
        self.drained: list[bool] = []
        self.writer = Writer(self.theirs, "utf-8", self.gone.set, self.drained.append)
        self.writer.start()

    def read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            data += os.read(self.ours, 65_536)
        return data

    def close(self) -> None:
        for fileno in (self.ours, self.theirs):
            if fileno >= 0:
                os.close(fileno)


@pytest.fixture
def made():
    terminal = Pty()
    yield terminal
    terminal.writer.drop()
    terminal.writer.close(1.0)
    terminal.close()


def test_what_is_written_arrives_in_order(made):
    for i in range(200):
        made.writer.write(f"{i}─")
    text = "".join(f"{i}─" for i in range(200))
    assert made.read(len(text.encode())).decode() == text
    assert made.writer.drain(5.0)
    assert not made.writer.is_behind
    assert made.drained == []


def test_writing_never_waits_and_is_bounded(made):
    began = time.monotonic()
    for _ in range(3 * MOST // 1000):
        made.writer.write("x" * 1000)
    assert time.monotonic() - began < 5.0
    assert made.writer.is_behind
    assert made.writer._waiting <= MOST + 1000
    assert not made.writer.drain(0.1)


def test_a_terminal_that_reads_again_is_told_once_and_whether_something_is_missing(made):
    made.writer.write("x" * (BEHIND + 1))
    assert made.writer.is_behind
    made.read(BEHIND + 1)
    assert made.writer.drain(5.0)
    wait_for(lambda: made.drained == [False])
    for _ in range(MOST // 1000 + 100):
        made.writer.write("y" * 1000)
    made.read(MOST)
    assert made.writer.drain(5.0) or made.read(1)
    wait_for(lambda: made.drained == [False, True])


def test_what_is_dropped_never_comes_and_what_follows_does(made):
    made.writer.write("x" * 100_000)
    time.sleep(0.2)
    made.writer.drop()
    made.writer.write("end")
    data = b""
    while not data.endswith(b"end"):
        data += made.read(1)
    assert len(data) < 50_000


def test_closing_does_not_wait_for_ever(made):
    made.writer.write("x" * 100_000)
    began = time.monotonic()
    made.writer.close(0.2)
    assert time.monotonic() - began < 5.0


def test_a_terminal_that_hangs_up_is_noticed(made):
    os.close(made.ours)
    made.ours = -1
    made.writer.write("x")
    assert made.gone.wait(5.0)
    made.writer.write("y")
    assert made.writer.drain(0.1) or not made.writer.is_alive()


def wait_for(holds, limit_s: float = 10.0) -> None:
    end = time.monotonic() + limit_s
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_the_line_discipline_is_back_before_the_screen_is_left():
    """What is typed from then on is the shell's: a Return that came in between was none, and it waited."""
    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    tty.setraw(theirs)
    seen: list[bool] = []

    class Recorded:
        def drain(self, limit_s: float) -> bool:
            return True

        def write(self, text: str) -> None:
            assert text == LEAVE
            seen.append(termios.tcgetattr(theirs) == before)

    driver = TerminalDriver.__new__(TerminalDriver)
    driver._writer, driver._reader, driver._in, driver._attributes = Recorded(), None, theirs, before
    driver.stop_application_mode()
    os.close(ours)
    os.close(theirs)
    assert seen == [True]


def test_the_first_frame_goes_out_before_more_is_computed_and_no_later_one_waits(made, monkeypatch):
    monkeypatch.setattr(driver_module, "FIRST_S", 1e6)
    driver = TerminalDriver.__new__(TerminalDriver)
    driver._writer, driver._has_shown = made.writer, False
    reader = threading.Thread(target=made.read, args=(50_000,), daemon=True)
    reader.start()
    driver.write("x" * 50_000)
    driver.flush()
    assert made.writer._waiting == 0
    reader.join()
    driver.write("y" * 50_000)  # nobody reads: waiting for it would never end
    driver.flush()
    assert made.writer._waiting > 0


async def test_a_key_is_announced_before_it_becomes_a_message():
    progress: list[str] = []

    class Host(App[None]):
        def terminal_opened(self, driver): ...

        def terminal_typed(self):
            progress.append("typed")

        def post_message(self, message):
            progress.append(type(message).__name__)
            return True

    driver = TerminalDriver(Host())
    for message in (Key("j", "j"), Resize(Size(80, 24), Size(80, 24))):
        driver._post(message)
    assert progress == ["typed", "Key", "Resize"]


def test_collections_of_garbage_pass_over_the_desk_until_it_is_another_one():
    app = RotationApp(lambda: ScriptedDesk([]), ViewState())
    try:
        keep_what_stays(app)
        start = gc.get_freeze_count()
        desk = [[each] for each in range(50_000)]
        app.on_opened()
        assert gc.get_freeze_count() > start + len(desk) - 1_000
        app.on_another_desk()
        assert gc.get_freeze_count() == 0
        circle: list[object] = []
        circle.append(circle)
        gone = weakref.ref(holder := Holder(circle))
        circle.append(holder)
        del circle, holder
        app.on_settled()
        assert gone() is None
        assert gc.get_freeze_count() > len(desk)
    finally:
        gc.unfreeze()


class Holder:
    """Something that a circle leads to."""

    def __init__(self, circle: list[object]) -> None:
        self.circle = circle
