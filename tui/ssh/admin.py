"""Commands of administrators: send a viewer away, ban a key or an address, lift a ban."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.ssh import event_log
from tui.ssh.answers import Answer
from tui.ssh.reasons import EndReason

if TYPE_CHECKING:
    from tui.ssh.host_state import HostState

USAGE = "rotation-tui: usage: kick ID | ban FINGERPRINT|ADDRESS | unban FINGERPRINT|ADDRESS | bans\n"
VERBS = ("kick", "ban", "unban", "bans")


def answer(command: str, state: HostState, *, by: str) -> Answer | None:
    """Carry out a command and return its answer; None if it is not an administrator's.

    ``by``: fingerprint of the administrator, for the log. Nobody else may call this.
    """
    verb, *words = command.split() or [""]
    if verb not in VERBS:
        return None
    if verb == "bans" and not words:
        state.refresh_bans()
        return Answer("".join(f"{name}\n" for name in state.bans.names()))
    if len(words) != 1 or verb == "bans":
        return Answer("", USAGE, 2)
    subject = words[0]
    try:
        out = {"kick": _kick, "ban": _ban, "unban": _unban}[verb](state, subject)
    except ValueError as error:
        return Answer("", f"rotation-tui: {error}\n", 1)
    event_log.event(verb, subject=event_log.client_text(subject), by=by)
    return Answer(f"{out}\n")


def _kick(state: HostState, subject: str) -> str:
    viewer = next((each for each in state.connections if str(each.number) == subject), None)
    if viewer is None:
        raise ValueError(f"no viewer has the ID {subject!r}; see: status")
    viewer.dismiss(EndReason.KICKED)
    return f"disconnected {subject}"


def _ban(state: HostState, subject: str) -> str:
    state.bans.add(subject)
    return f"banned {subject}; disconnected {state.dismiss_banned()}"


def _unban(state: HostState, subject: str) -> str:
    was_banned = state.bans.lift(subject)
    # The file was read again: it may have brought bans of another host.
    state.dismiss_banned()
    if not was_banned:
        raise ValueError(f"{subject} is not banned; see: bans")
    return f"lifted the ban of {subject}"
