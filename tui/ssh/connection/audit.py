"""What the log says of one connection: who it is, why it was refused, when its session began and ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from tui.ssh import event_log
from tui.ssh.reasons import EndReason, NoLogin, Refusal

if TYPE_CHECKING:
    from tui.ssh.access.authentication import Authentication
    from tui.ssh.host_state import HostState
    from tui.ssh.session import Session

WITHOUT_A_SESSION = {Refusal.NO_LOGIN, Refusal.LOGIN_TIME, Refusal.SLOW_LOGIN}
"""Refusals of a client that never had a session; the log says what it did instead."""


class Client(Protocol):
    """What the log needs of a connection; ``SshConnection`` is one."""

    authentication: Authentication
    session: Session | None

    @property
    def address(self) -> str:
        """The client's address."""
        ...

    @property
    def has_logged_in(self) -> bool:
        """Whether a login has succeeded."""
        ...


class AuditTrail:
    """Writes the log of one connection."""

    def __init__(self, state: HostState, client: Client) -> None:
        self.user = ""
        """The user name that the client gave, as it may be logged."""
        self._state = state
        self._client = client
        self._is_refused = False

    @property
    def fields(self) -> dict[str, object]:
        """Who this is."""
        authentication, session = self._client.authentication, self._client.session
        comment = authentication.access.comment
        return {
            "address": self._client.address,
            "user": self.user,
            "key": authentication.fingerprint,
            **({"comment": comment} if comment else {}),
            "term": session.term if session else "",
        }

    def refused(self, reason: Refusal) -> None:
        """Count why the connection is closed; only the first reason counts."""
        if self._is_refused:
            return
        self._is_refused = True
        more: dict[str, object] = {}
        if reason in WITHOUT_A_SESSION:
            more = {"kind": self._kind(), "rejected": list(self._client.authentication.rejected)}
        self._state.refuse(reason, **self.fields, **more)

    def denied(self, reason: Refusal) -> None:
        """Count something that the client asked for in vain; the connection goes on."""
        self._state.refuse(reason, **self.fields)

    def key_rejected(self, fingerprint: str) -> None:
        """Log a key that may not log in."""
        self._state.key_rejected(address=self._client.address, user=self.user, key=fingerprint)

    def session_began(self, client_version: str) -> None:
        """Log that the session has started."""
        if (session := self._client.session) is not None:
            event_log.event(
                "session begin",
                **self.fields,
                client=event_log.client_text(client_version),
                size=session.size_text,
                command=session.command_text,
            )

    def closed(self) -> None:
        """Log how the session ended, once the connection is gone; or that there never was one."""
        session = self._client.session
        if session is None:
            self.refused(Refusal.NO_LOGIN)
            return
        viewer = session.viewer
        event_log.event(
            "session end",
            **self.fields,
            reason=session.ended or EndReason.DISCONNECTED,
            size=session.size_text,
            seconds=round(self._state.clock() - session.began, 1),
            **({"frames": viewer.frames, "bytes": viewer.bytes, "dropped": viewer.dropped} if viewer else {}),
        )

    def _kind(self) -> NoLogin:
        """Return what a client without a session did."""
        authentication = self._client.authentication
        if self._client.has_logged_in:
            return NoLogin.NO_SESSION
        if authentication.rejected:
            return NoLogin.WRONG_KEY
        return NoLogin.NO_KEY if authentication.began else NoLogin.SCANNER
