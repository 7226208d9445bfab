"""What the desks of these benches have of the program's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from feeds.supervisor import Supervisor
    from rotation.context.wants import Wants
    from rotation.snapshot import Snapshot
    from tui.desk import Controls


class SupervisedDesk:
    """A supervisor behind the interface that the screen uses; who inherits says how long it runs."""

    controls: Controls | None = None

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor

    async def listen(self) -> AsyncIterator[Snapshot]:
        """Every Snapshot that the screen has time for."""
        async for snapshot in self._supervisor.listen():
            yield snapshot

    def want(self, asked: Wants) -> None:
        """As the program's own desk."""
        self._supervisor.want(asked)

    def rest(self, seconds: float) -> None:
        """As the program's own desk."""
        self._supervisor.rest(seconds)

    def give_way(self) -> None:
        """As the program's own desk."""
        self._supervisor.turns.give_way()

    def go_on(self) -> None:
        """As the program's own desk."""
        self._supervisor.turns.go_on()
