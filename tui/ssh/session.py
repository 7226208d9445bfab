"""One SSH session: a channel with a terminal gets a Viewer, a channel with a command gets its answer."""

from __future__ import annotations

import asyncio
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Protocol, TypeVar

import asyncssh

from tui.ssh import admin, event_log
from tui.ssh.answers import UNKNOWN_COMMAND, Answer, answer
from tui.ssh.preferences import Choice
from tui.ssh.reasons import FAREWELLS, EndReason, Refusal
from tui.ssh.rooms.colours import DEPTHS, Colours, colours_of, term
from tui.ssh.rooms.defaults import adopted, first_view
from tui.ssh.rooms.painter import LEAVE
from tui.ssh.rooms.viewer import Line, Viewer
from tui.view.ascii import needs_ascii
from tui.view.theme import names
from tui.view.view_state import PANELS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tui.ssh.host_state import HostState
    from tui.ssh.rooms.defaults import Notice, ViewDefaults

GRACE_S = 2.0
"""Seconds that a client gets to read the farewell before its connection is closed."""

P = ParamSpec("P")
R = TypeVar("R")


class SessionOwner(Protocol):
    """What a session needs of its connection; ``tui.ssh.connection.ssh_connection.SshConnection`` is one."""

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the key that logged in; "" without one."""
        ...

    @property
    def is_admin(self) -> bool:
        """Whether the key is an administrator's."""
        ...

    @property
    def may_use_terminal(self) -> bool:
        """Whether the key is allowed a terminal."""
        ...

    @property
    def log_fields(self) -> dict[str, object]:
        """Who this is, for the log."""
        ...

    def session_began(self) -> None:
        """The session has started."""
        ...

    def session_closed(self) -> None:
        """The channel of the session is closed."""
        ...

    def stalled(self, part: str, *, is_stalled: bool) -> None:
        """A part of the way to the client ("channel") is full, or takes bytes again."""
        ...

    def cut(self) -> None:
        """Close the connection at once."""
        ...


def _contained(call: Callable[Concatenate[Session, P], R]) -> Callable[Concatenate[Session, P], R | None]:
    """Make an error in a callback end its session, and no other."""

    @wraps(call)
    def guarded(self: Session, /, *args: P.args, **more: P.kwargs) -> R | None:
        try:
            return call(self, *args, **more)
        except Exception as error:  # noqa: BLE001 - whatever it is, it stays in this session
            self.fail(error)
            return None

    return guarded


class Session(asyncssh.SSHServerSession[bytes]):
    """The callbacks of one channel. An error in any of them ends this session and no other."""

    def __init__(self, state: HostState, owner: SessionOwner, *, forced: str | None = None) -> None:
        """``forced``: the only command that the key or its certificate allows; None for no limit."""
        self.ended: EndReason | None = None
        """Why the session ended; None while it runs."""
        self.viewer: Viewer | None = None
        self.term = ""
        self.began = state.clock()
        self._state = state
        self._owner = owner
        self._loop = asyncio.get_running_loop()
        self._chan: asyncssh.SSHServerChannel[bytes] | None = None
        self._has_terminal = False
        self._size = (0, 0)
        self._forced = forced
        self._command: str | None = None
        self._detected: Colours = "none"
        """The colours that the terminal has, as far as its TERM says."""
        self._is_plain = False
        """Whether the terminal has ASCII alone."""
        self._awaits_answer = False
        """Whether other processes of this host are making the answer."""

    @property
    def size_text(self) -> str:
        """Columns and lines of the terminal, "120x40"; "" without one."""
        return f"{self._size[0]}x{self._size[1]}" if self._has_terminal else ""

    @property
    def command_text(self) -> str:
        """The command that is answered, as it may be logged; "" for the screen."""
        command = self._command if self._forced is None else self._forced
        return event_log.client_text(command or "")

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        """Keep the channel, which is open now."""
        self._chan = chan

    def pty_requested(self, term_type: str, term_size: tuple[int, int, int, int], term_modes: object) -> bool:
        """Remember the terminal; False if the key is not allowed one."""
        del term_modes
        self.term = term(term_type)
        self._size = term_size[:2]
        self._has_terminal = self._owner.may_use_terminal
        return self._has_terminal

    def terminal_size_changed(self, width: int, height: int, pixwidth: int, pixheight: int) -> None:
        """Remember the new size of the terminal and draw for it."""
        del pixwidth, pixheight
        self._size = (width, height)
        self._resize()

    @_contained
    def _resize(self) -> None:
        if self.viewer is not None:
            self.viewer.resize(*self._size)

    def shell_requested(self) -> bool:
        """Accept: instead of a shell the client gets the screen."""
        return True

    def exec_requested(self, command: str) -> bool:
        """Accept, and remember the command to answer."""
        self._command = command
        return True

    def subsystem_requested(self, subsystem: str) -> bool:
        """Refuse SFTP and every other subsystem."""
        self._state.refuse(
            Refusal.SUBSYSTEM, **self._owner.log_fields, subsystem=event_log.client_text(subsystem)
        )
        return False

    @_contained
    def session_started(self) -> None:
        """Show the screen or answer the command: all requests of the client are known now."""
        self._owner.session_began()
        command = self._command if self._forced is None else self._forced
        if command is not None:
            self._answer(command)
        elif not self._has_terminal:
            self._state.refuse(Refusal.NO_TERMINAL, **self._owner.log_fields)
            self._reply("rotation-tui: the screen needs a terminal; use: ssh -t …", code=1)
        elif self.term in {"", "dumb"}:
            self._state.refuse(Refusal.NO_TERMINAL, **self._owner.log_fields)
            self._reply("rotation-tui: your TERM cannot show the screen; use: ssh … snapshot", code=1)
        else:
            self._show()

    @_contained
    def data_received(self, data: bytes, datatype: int | None) -> None:
        """Pass typed bytes to the viewer."""
        del datatype
        if self.viewer is not None and not self.ended:
            self.viewer.type(data)

    def eof_received(self) -> bool:
        """End the session when the client's input ends: no further key can arrive.

        True keeps the way to the client open, for an answer that others are still making.
        """
        if self.viewer is not None:
            self.end(EndReason.DISCONNECTED)
        return self._awaits_answer

    @_contained
    def pause_writing(self) -> None:
        """Note that the channel's window is full."""
        self._owner.stalled("channel", is_stalled=True)

    @_contained
    def resume_writing(self) -> None:
        """Note that the channel takes bytes again."""
        self._owner.stalled("channel", is_stalled=False)

    def connection_lost(self, exc: Exception | None) -> None:
        """Clean up after the channel was closed by either side."""
        del exc
        self.ended = self.ended or EndReason.DISCONNECTED
        self._close_viewer()
        self._owner.session_closed()

    def stall(self, *, is_stalled: bool) -> None:
        """Stop sending frames, or send them again."""
        if self.viewer is not None:
            self.viewer.pause() if is_stalled else self.viewer.resume()

    @_contained
    def adopt(self, before: ViewDefaults, notice: Notice | None) -> None:
        """Take over the host's new settings in place of these; ``Viewer.repaint`` shows them.

        ``notice``: what administrators read of it.
        """
        if self.viewer is None or self.ended:
            return
        now = self._state.defaults
        view = adopted(self.viewer.view, before, now, self.viewer.own, plain=self._is_plain)
        if notice is not None and self._owner.is_admin:
            self.viewer.adopt(view, notice.text, urgent=notice.is_error)
        else:
            self.viewer.adopt(view)

    def end(self, reason: EndReason) -> None:
        """Restore the terminal, say why, and close. Only the first reason counts."""
        if self.ended or self._chan is None:
            return
        self.ended = reason
        self._close_viewer()
        message = FAREWELLS[reason]
        self._write((LEAVE if self._has_terminal else b"") + (f"{message}\r\n".encode() if message else b""))
        if not self._chan.is_closing():
            self._chan.exit(0 if reason in {EndReason.QUIT, EndReason.HOST_STOPPED} else 1)
        # A client that does not read would otherwise keep the connection for ever.
        self._loop.call_later(GRACE_S, self._owner.cut)

    def fail(self, error: Exception) -> None:
        """End the session because of an internal error."""
        if self.ended:
            return
        event_log.error("session failed", error, **self._owner.log_fields)
        try:
            self.end(EndReason.ERROR)
        except Exception:  # noqa: BLE001 - if not even that works, the connection is closed
            self._owner.cut()

    def _show(self) -> None:
        assert self._chan is not None
        choice = self._state.preferences.of(self._owner.fingerprint)
        self._detected = colours_of(self.term, self._chan.get_environment())
        colours = next((depth for depth in DEPTHS if depth == choice.colours), self._detected)
        focus = choice.focus if choice.focus in PANELS else None
        self._is_plain = needs_ascii(self.term, self._chan.get_environment())
        defaults = self._state.defaults
        view = first_view(defaults, names(), theme=choice.theme, focus=focus, plain=self._is_plain)
        self.viewer = Viewer(
            self._state.rooms,
            Line(self._write, self.end, self.fail, self._later, self._loop.time),
            self._state.meter,
            view=view,
            colours=colours,
            size=self._size,
            looked=choice.looked,
            away_s=self._state.now() - choice.at,
            own=("theme",) if choice.theme else (),
        )
        self.viewer.start()

    def _later(self, seconds: float, call: Callable[[], None]) -> asyncio.TimerHandle:
        def guarded() -> None:
            try:
                call()
            except Exception as error:  # noqa: BLE001 - as in _contained
                self.fail(error)

        return self._loop.call_later(seconds, guarded)

    def _write(self, data: bytes) -> None:
        if self._chan is not None and not self._chan.is_closing():
            self._chan.write(data)

    def _answer(self, command: str) -> None:
        is_admin = self._owner.is_admin and self._forced is None
        peers = self._state.peers
        if peers is not None and peers.answers(command):
            self._awaits_answer = True
            peers.ask(
                command, self._reply_later, by=self._owner.fingerprint if is_admin else "", is_admin=is_admin
            )
            return
        status = self._state.status(with_viewers=is_admin)
        reply = admin.answer(command, self._state, by=self._owner.fingerprint) if is_admin else None
        reply = reply or answer(command, self._state.rooms.newest, status)
        self._give(reply)

    def _reply_later(self, reply: Answer) -> None:
        """Send an answer that others have made, unless the client is gone meanwhile."""
        if self.ended is None and self._chan is not None and not self._chan.is_closing():
            self._give(reply)

    def _give(self, reply: Answer) -> None:
        if reply.code == UNKNOWN_COMMAND:
            self._state.refuse(Refusal.COMMAND, **self._owner.log_fields, command=self.command_text)
        self._reply(reply.out, err=reply.err, code=reply.code)

    def _reply(self, out: str, *, err: str = "", code: int) -> None:
        assert self._chan is not None
        self.ended = EndReason.ANSWERED
        for text, stream in ((out, None), (err, asyncssh.EXTENDED_DATA_STDERR)):
            if text:
                shown = text if text.endswith("\n") else text + "\n"
                data = shown.replace("\n", "\r\n") if self._has_terminal else shown
                self._chan.write(data.encode(), stream)
        self._chan.exit(code)
        self._loop.call_later(self._state.limits.login_s, self._owner.cut)  # if the client never closes

    def _close_viewer(self) -> None:
        viewer = self.viewer
        if viewer is None:
            return
        viewer.close()
        # A default is no choice: it may be another one tomorrow.
        default = first_view(self._state.defaults, names())
        self._state.preferences.keep(
            self._owner.fingerprint,
            Choice(
                theme=viewer.view.theme if viewer.view.theme != default.theme else "",
                focus=viewer.view.focus if viewer.view.focus != default.focus else "",
                colours=viewer.colours if viewer.colours != self._detected else "",
                at=int(self._state.now()),
                looked=viewer.looked,
            ),
        )
