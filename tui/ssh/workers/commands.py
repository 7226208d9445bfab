"""Commands that viewers give to the whole host: carried out by the parent, with the workers they concern."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from tui.ssh import admin, event_log
from tui.ssh.answers import Answer, answer
from tui.ssh.workers import wire
from tui.ssh.workers.member import NoReplyError

if TYPE_CHECKING:
    from tui.ssh.host_state import HostState
    from tui.ssh.status import HostStatus, ViewerStatus
    from tui.ssh.workers.member import Member
    from tui.ssh.workers.pool import Pool

AT_ONCE = 64
"""Commands that are carried out at once; what comes beyond that is refused."""
BUSY = wire.Reply(0, err="rotation-tui: too many commands at once; try again\n", code=1)


class WholeHost(Protocol):
    """What commands are about; ``tui.ssh.workers.parent.Parent`` is one."""

    state: HostState
    """The parent's: bans and refusals."""
    pool: Pool

    def status(self, viewers: list[ViewerStatus] | None = None) -> HostStatus:
        """Return the status of the whole host."""
        ...

    def send_bans(self) -> None:
        """Have every worker know what is banned."""
        ...


class Commands:
    """Carries out what workers pass on."""

    def __init__(self, host: WholeHost) -> None:
        self._host = host
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, member: Member, question: wire.Question) -> None:
        """Carry out a command; the worker that it came from gets the reply."""
        if len(self._tasks) >= AT_ONCE:
            member.send(wire.Reply(question.id, err=BUSY.err, code=BUSY.code))
            return
        task = asyncio.get_running_loop().create_task(self._answer(member, question), name="command")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, member: Member, question: wire.Question) -> None:
        try:
            made = await self._made(question)
        except NoReplyError:
            made = Answer("", "rotation-tui: the worker that serves this viewer does not answer\n", 1)
        except Exception as error:  # noqa: BLE001 - whatever it is, it stays in this command
            event_log.error("command failed", error, command=event_log.client_text(question.command))
            made = Answer("", "rotation-tui: internal error; the host's log has the details\n", 1)
        member.send(wire.Reply(question.id, made.out, made.err, made.code))

    async def _made(self, question: wire.Question) -> Answer:
        request = admin.parse(question.command) if question.is_admin else None
        if isinstance(request, Answer):
            return request
        if request is not None:
            return await self._administer(request, question)
        viewers = None
        if question.is_admin:
            viewers = [viewer for reply in await self._host.pool.ask("viewers") for viewer in reply.viewers]
        return answer(question.command, self._host.state.rooms.newest, self._host.status(viewers))

    async def _administer(self, request: admin.Request, question: wire.Question) -> Answer:
        host, subject = self._host, request.subject
        if request.verb == "bans":
            return admin.banned(host.state)
        if request.verb == "kick":
            serving = host.pool.holder(int(subject)) if subject.isdecimal() else None
            if serving is None:
                return Answer("", f"rotation-tui: {admin.no_viewer(subject)}\n", 1)
            reply = await serving.ask(question.command, by=question.by)
            return Answer(reply.out, reply.err, reply.code)
        out = ""
        try:
            if request.verb == "ban":
                host.state.bans.add(subject)
            else:
                out = admin.lift(host.state, subject)
        except ValueError as error:
            return Answer("", f"rotation-tui: {error}\n", 1)
        finally:
            host.send_bans()  # also what the file has brought of other hosts' bans
        event_log.event(request.verb, subject=event_log.client_text(subject), by=question.by)
        replies = await host.pool.ask("dismissed")
        out = out or admin.banned_words(subject, sum(reply.count for reply in replies))
        return Answer(f"{out}\n")
