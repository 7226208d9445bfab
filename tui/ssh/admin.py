"""Commands of administrators: send a viewer away, ban a key or an address, lift a ban."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tui.ssh import event_log
from tui.ssh.answers import Answer
from tui.ssh.reasons import EndReason

if TYPE_CHECKING:
    from tui.ssh.host_state import HostState

USAGE = "rotation-tui: usage: kick ID | ban FINGERPRINT|ADDRESS | unban FINGERPRINT|ADDRESS | bans\n"
VERBS = ("kick", "ban", "unban", "bans")


class Request(NamedTuple):
    """A command of an administrator that is well formed."""

    verb: str
    """One of VERBS."""
    subject: str
    """An ID, a fingerprint, an address or a network; "" for ``bans``."""


def parse(command: str) -> Request | Answer | None:
    """Return the request, the answer to one that is incomplete, or None for what no administrator's is."""
    verb, *words = command.split() or [""]
    if verb not in VERBS:
        return None
    if len(words) != (0 if verb == "bans" else 1):
        return Answer("", USAGE, 2)
    return Request(verb, "".join(words))


def answer(command: str, state: HostState, *, by: str) -> Answer | None:
    """Carry out a command and return its answer; None if it is not an administrator's.

    ``by``: fingerprint of the administrator, for the log. Nobody else may call this.
    """
    request = parse(command)
    if not isinstance(request, Request):
        return request
    verb, subject = request
    if verb == "bans":
        return banned(state)
    try:
        out = {"kick": _kick, "ban": _ban, "unban": _unban}[verb](state, subject)
    except ValueError as error:
        return Answer("", f"rotation-tui: {error}\n", 1)
    event_log.event(verb, subject=event_log.client_text(subject), by=by)
    return Answer(f"{out}\n")


def banned(state: HostState) -> Answer:
    """Return what is banned, a line each."""
    state.refresh_bans()
    return Answer("".join(f"{name}\n" for name in state.bans.names()))


def no_viewer(subject: str) -> str:
    """Return what is wrong with an ID that nobody has."""
    return f"no viewer has the ID {subject!r}; see: status"


def _kick(state: HostState, subject: str) -> str:
    viewer = next((each for each in state.connections if str(each.number) == subject), None)
    if viewer is None:
        raise ValueError(no_viewer(subject))
    viewer.dismiss(EndReason.KICKED)
    return f"disconnected {subject}"


def _ban(state: HostState, subject: str) -> str:
    state.bans.add(subject)
    return banned_words(subject, state.dismiss_banned())


def banned_words(subject: str, disconnected: int) -> str:
    """Return the answer to a ban that has been issued."""
    return f"banned {subject}; disconnected {disconnected}"


def _unban(state: HostState, subject: str) -> str:
    try:
        return lift(state, subject)
    finally:
        # The file was read again: it may have brought bans of another host.
        state.dismiss_banned()


def lift(state: HostState, subject: str) -> str:
    """Lift a ban and return the answer. Raises ValueError if there is none."""
    if not state.bans.lift(subject):
        raise ValueError(f"{subject} is not banned; see: bans")
    return f"lifted the ban of {subject}"
