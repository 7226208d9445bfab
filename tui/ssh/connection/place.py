"""The place that a connection holds among those that the host admits, and how long without a session."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tui.ssh.host_state import ClientConnection, HostState
    from tui.ssh.rooms.viewer import Handle


class Place:
    """A place; whoever holds it must ``leave`` it, and may do so twice."""

    def __init__(
        self,
        state: HostState,
        connection: ClientConnection,
        *,
        address: str,
        too_late: Callable[[], None],
    ) -> None:
        """Take it. ``too_late`` is called once the time for a login is over, unless a session has started."""
        self._state = state
        self._connection = connection
        self._address = address
        self._is_pending = True
        """Without a session yet."""
        self._is_held = True
        self._deadline: Handle | None = state.later(state.limits.login_s, too_late)
        state.connections[connection] = state.newcomers[connection] = None

    def session_started(self) -> None:
        """Note that the session has started: the time limit of the login no longer applies."""
        self._cancel_deadline()
        if self._is_pending:
            self._is_pending = False
            self._state.newcomers.pop(self._connection, None)
            self._state.admission.session_started()

    def leave(self) -> None:
        """Let another connection have the place; this one may still be closing."""
        self._state.newcomers.pop(self._connection, None)
        if self._is_held:
            self._state.admission.leave(self._address, pending=self._is_pending)
        self._is_held = self._is_pending = False

    def closed(self) -> None:
        """Leave the place, because the connection has ended."""
        self._cancel_deadline()
        self.leave()
        self._state.remove(self._connection)

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
