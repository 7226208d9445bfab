"""One visit over SSH: a channel with a terminal becomes a Viewer, one with a command gets its answer."""

from __future__ import annotations

import asyncio
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

import asyncssh

from tui.ssh import journal
from tui.ssh.answers import answer
from tui.ssh.prefs import Choice
from tui.ssh.rooms.colours import DEPTHS, Colours, colours_of, term
from tui.ssh.rooms.painter import LEAVE
from tui.ssh.rooms.viewer import Line, Viewer, first_view
from tui.view.theme import names
from tui.view.view_state import PANELS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tui.ssh.gate import SshConnection
    from tui.ssh.house import HostState

WORDS = {
    "quit": "",
    "stop": "rotation-tui: the host is closing; come back later.",
    "idle": "rotation-tui: no key for a long time; goodbye.",
    "visit": "rotation-tui: this visit has lasted as long as one may; come back at once if you like.",
    "flood": "rotation-tui: too much input.",
    "withdrawn": "rotation-tui: your key may not come in any more.",
    "error": "rotation-tui: this session ended by an error of ours; it is in the host's log.",
}
"""Reason of an end → what the visitor reads in the restored terminal."""
GRACE_S = 2.0
"""How long a line may take to swallow the farewell before it is cut."""

P = ParamSpec("P")
R = TypeVar("R")


def _recovered(
    call: Callable[Concatenate[Session, P], R],
) -> Callable[Concatenate[Session, P], R | None]:
    """What fails in one session ends that session."""

    @wraps(call)
    def guarded(self: Session, /, *args: P.args, **more: P.kwargs) -> R | None:
        try:
            return call(self, *args, **more)
        except Exception as error:  # noqa: BLE001 - whatever it is, it stays in this session
            self.failed(error)
            return None

    return guarded


class Session(asyncssh.SSHServerSession[bytes]):
    """The callbacks of a channel, each guarded: an error ends this session and no other."""

    def __init__(self, house: HostState, gate: SshConnection, *, forced: str | None = None) -> None:
        """``forced``: the command that the key's line in authorized_keys allows, and nothing else."""
        self.ended = ""
        """Why it ended, once it has."""
        self.viewer: Viewer | None = None
        self.term = ""
        self.began = house.clock()
        self._house = house
        self._gate = gate
        self._loop = asyncio.get_running_loop()
        self._chan: asyncssh.SSHServerChannel[bytes] | None = None
        self._pty = False
        self._size = (0, 0)
        self._forced = forced
        self._command: str | None = None
        self._natural: Colours = "none"
        """What the terminal shows, as far as its TERM tells."""

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        """The channel is open."""
        self._chan = chan

    def pty_requested(self, term_type: str, term_size: tuple[int, int, int, int], term_modes: object) -> bool:
        """A terminal wants to look."""
        del term_modes
        self.term = term(term_type)
        self._size = term_size[:2]
        self._pty = self._gate.may_look
        return self._pty

    def terminal_size_changed(self, width: int, height: int, pixwidth: int, pixheight: int) -> None:
        """The window has another size."""
        del pixwidth, pixheight
        self._size = (width, height)
        self._resized()

    @_recovered
    def _resized(self) -> None:
        if self.viewer is not None:
            self.viewer.resize(*self._size)

    def shell_requested(self) -> bool:
        """The screen, for those who have a terminal."""
        return True

    def exec_requested(self, command: str) -> bool:
        """A command to answer."""
        self._command = command
        return True

    def subsystem_requested(self, subsystem: str) -> bool:
        """No SFTP, nothing else either."""
        del subsystem
        self._house.refused("subsystem")
        return False

    @_recovered
    def session_started(self) -> None:
        """Everything is known: show the screen or answer."""
        self._gate.begun()
        self._command = self._forced or self._command
        if self._command is not None:
            self._answer(self._command)
        elif not self._pty:
            self._house.refused("no terminal")
            self._say("rotation-tui: this is a screen and needs a terminal: ssh -t …", code=1)
        elif self.term in {"", "dumb"}:
            self._house.refused("no terminal")
            self._say("rotation-tui: your TERM cannot show a screen; try: ssh … snapshot", code=1)
        else:
            self._show()

    @_recovered
    def data_received(self, data: bytes, datatype: int | None) -> None:
        """Keys."""
        del datatype
        if self.viewer is not None and not self.ended:
            self.viewer.type(data)

    def eof_received(self) -> bool:
        """The visitor's end of input: nobody is there to press a key."""
        return False

    @_recovered
    def pause_writing(self) -> None:
        """The channel's window is full."""
        self._gate.stalled("channel", stalled=True)

    @_recovered
    def resume_writing(self) -> None:
        """The channel takes more."""
        self._gate.stalled("channel", stalled=False)

    def connection_lost(self, exc: Exception | None) -> None:
        """The channel is closed, by whomever."""
        del exc
        self.ended = self.ended or "gone"
        self._close()
        self._gate.over()

    def stall(self, *, stalled: bool) -> None:
        """The line takes no more, or takes again."""
        if self.viewer is not None:
            self.viewer.pause() if stalled else self.viewer.resume()

    def end(self, reason: str) -> None:
        """Give the terminal back, say why, close. Only the first reason counts."""
        if self.ended or self._chan is None:
            return
        self.ended = reason
        self._close()
        words = WORDS.get(reason, "")
        farewell = (LEAVE if self._pty else b"") + (words.encode() + b"\r\n" if words else b"")
        self._write(farewell)
        if not self._chan.is_closing():
            self._chan.exit(0 if reason in {"quit", "stop"} else 1)
        # A client that does not read would keep us waiting for ever.
        self._loop.call_later(GRACE_S, self._gate.cut)

    def failed(self, error: Exception) -> None:
        """An error of ours."""
        if self.ended:
            return
        journal.log.error("session failed", exc_info=error, extra={"told": self._gate.who})
        try:
            self.end("error")
        except Exception:  # noqa: BLE001 - if not even that works, the line is cut
            self._gate.cut()

    def _show(self) -> None:
        assert self._chan is not None
        choice = self._house.prefs.of(self._gate.fingerprint)
        self._natural = colours_of(self.term, self._chan.get_environment())
        colours = next((depth for depth in DEPTHS if depth == choice.colours), self._natural)
        focus = choice.focus if choice.focus in PANELS else None
        self.viewer = Viewer(
            self._house.rooms,
            Line(self._write, self.end, self.failed, self._later, self._loop.time),
            self._house.meter,
            view=first_view(choice.theme or self._house.theme, names(), focus),
            colours=colours,
            size=self._size,
        )
        self.viewer.start()

    def _later(self, seconds: float, call: Callable[[], None]) -> asyncio.TimerHandle:
        def guarded() -> None:
            try:
                call()
            except Exception as error:  # noqa: BLE001 - as in _recovered
                self.failed(error)

        return self._loop.call_later(seconds, guarded)

    def _write(self, data: bytes) -> None:
        if self._chan is not None and not self._chan.is_closing():
            self._chan.write(data)

    def _answer(self, command: str) -> None:
        told = answer(command, self._house.rooms.newest, self._house.status())
        if told.code == 127:
            self._house.refused("command")
        self._say(told.out, err=told.err, code=told.code)

    def _say(self, out: str, *, err: str = "", code: int) -> None:
        assert self._chan is not None
        self.ended = "answered"
        for text, stream in ((out, None), (err, asyncssh.EXTENDED_DATA_STDERR)):
            if text:
                shown = text if text.endswith("\n") else text + "\n"
                data = shown.replace("\n", "\r\n") if self._pty else shown
                self._chan.write(data.encode(), stream)
        self._chan.exit(code)
        self._loop.call_later(self._house.limits.login_s, self._gate.cut)  # if it never closes its side

    def _close(self) -> None:
        viewer = self.viewer
        if viewer is None:
            return
        viewer.close()
        # What host and terminal give anyway is no choice: tomorrow's may be another.
        first = first_view(self._house.theme, names(), None)
        self._house.prefs.keep(
            self._gate.fingerprint,
            Choice(
                theme=viewer.view.theme if viewer.view.theme != first.theme else "",
                focus=viewer.view.focus if viewer.view.focus != first.focus else "",
                colours=viewer.colours if viewer.colours != self._natural else "",
                at=int(self._house.now()),
            ),
        )
